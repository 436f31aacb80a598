#include "base/clock.h"

#include <errno.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
        struct timespec ts;

        /* Cannot fail for these ids on Linux; a failure would be ours. */
        must(clock_gettime(id, &ts) == 0);
        return (uint64_t)ts.tv_sec * US_PER_SECOND + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_mono_us(void)
{
        return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
        return read_us(CLOCK_REALTIME);
}

uint64_t clock_process_us(void)
{
        return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_wall_coarse_us(void)
{
        return read_us(CLOCK_REALTIME_COARSE);
}

uint64_t clock_coarse_step_us(void)
{
        struct timespec step;

        must(clock_getres(CLOCK_REALTIME_COARSE, &step) == 0);
        return (uint64_t)step.tv_sec * US_PER_SECOND + ((uint64_t)step.tv_nsec + 999) / 1000;
}

void clock_sleep_until_us(uint64_t mono_us)
{
        struct timespec until = {
                .tv_sec = (time_t)(mono_us / US_PER_SECOND),
                .tv_nsec = (long)(mono_us % US_PER_SECOND * 1000),
        };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}
