/*
 * A machine whose wall clock is set: for one process, while it runs.
 *
 *      LD_PRELOAD=clock_step.so CLOCK_STEP=FILE program
 *
 * FILE holds one number of 64 bits, microseconds that are added to whatever the wall clock shows;
 * who writes another one there has set the clock. The monotonic clock is left alone, as it is when
 * a real clock is set.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step_us;

__attribute__((constructor)) static void clock_step_open(void)
{
        const char *path = getenv("CLOCK_STEP");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

        if (fd >= 0)
                close(fd);
        if (map != MAP_FAILED)
                step_us = map;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
        int r = (int)syscall(SYS_clock_gettime, id, ts);

        if (r == 0 && step_us && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
                int64_t us = (int64_t)ts->tv_sec * 1000000 + ts->tv_nsec / 1000 + *step_us;

                ts->tv_nsec = (long)(us % 1000000 * 1000 + ts->tv_nsec % 1000);
                ts->tv_sec = us / 1000000;
        }
        return r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
        struct timespec ts;

        (void)zone;
        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return -1;
        tv->tv_sec = ts.tv_sec;
        tv->tv_usec = ts.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *ret)
{
        struct timespec ts;

        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return -1;
        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}
