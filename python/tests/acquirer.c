/*
 * Acquirer
 *
 * A C program of a desk: takes from the bucket of a region as fast as it may, and writes for each
 * place when it was due and when it was used.
 *
 *      acquirer REGION SECONDS
 *
 * Says "ready", then waits for a line with the moment to begin. Each line of output holds three
 * numbers, us of CLOCK_REALTIME: the place was due not before, not after, and was used at.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "weir.h"

struct place {
        int64_t from_us, to_us;
};

static int64_t now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_us(int64_t us)
{
        struct timespec t = { us / 1000000, us % 1000000 * 1000 };

        while (nanosleep(&t, &t) != 0 && errno == EINTR)
                ;
}

static int acquire(struct weir_limiter *limiter, struct place *ret_place)
{
        struct weir_ticket ticket;
        int64_t before = now_us();
        int64_t wait_us = weir_acquire_begin(limiter, 1, WEIR_NO_DEADLINE, &ticket);

        *ret_place = (struct place){ before, now_us() };
        while (wait_us > 0) {
                ret_place->from_us = before + wait_us;
                ret_place->to_us = now_us() + wait_us;
                sleep_us(wait_us);
                before = now_us();
                wait_us = weir_acquire_poll(limiter, &ticket);
        }
        return (int)wait_us;
}

static int run(struct weir_limiter *limiter, double seconds)
{
        struct place place;
        int64_t begin_us, used_us;
        char line[64];
        int r;

        if (printf("ready\n") < 0 || fflush(stdout) != 0 || !fgets(line, sizeof(line), stdin))
                return -EIO;
        begin_us = strtoll(line, NULL, 10);
        if (begin_us > now_us())
                sleep_us(begin_us - now_us());
        do {
                r = acquire(limiter, &place);
                if (r != 0)
                        return r;
                used_us = now_us();
                /* Each line at once, so that a kill takes none of them. */
                printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", place.from_us, place.to_us,
                       used_us);
                fflush(stdout);
        } while (used_us < begin_us + (int64_t)(seconds * 1e6));
        return 0;
}

int main(int argc, char *argv[])
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_limiter *limiter;
        struct weir_error error;
        int r;

        if (argc != 3) {
                fprintf(stderr, "weir: usage: acquirer REGION SECONDS\n");
                return 2;
        }
        options.region = argv[1];
        options.max_requests_per_minute = 1200;
        options.max_burst = 50;
        if (weir_limiter_open(&options, &limiter, &error) != 0) {
                fprintf(stderr, "%s\n", error.text);
                return 1;
        }
        r = run(limiter, strtod(argv[2], NULL));
        weir_limiter_close(limiter);
        if (r != 0)
                fprintf(stderr, "weir: acquirer: %s\n", strerror(-r));
        return r != 0;
}
