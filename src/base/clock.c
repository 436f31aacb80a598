#include "base/clock.h"

#include <time.h>

static uint64_t read_us(clockid_t id)
{
        struct timespec ts;

        /* Cannot fail for these two ids on Linux; a failure would be ours. */
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
