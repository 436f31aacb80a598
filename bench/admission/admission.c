/*
 * What one admission costs, through libweir as installed: reserve and settle, clock readings
 * included; and beside it the least that any limiter shared by processes must do.
 *
 *      admission REGION weir N METHOD PATH     N requests on the region
 *      admission REGION floor N                a clock reading, a window, a compare-and-swap
 *
 * Waits for a line on standard input, so that two of them begin together, and prints nanoseconds
 * per operation.
 */
#include <weir.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SPAN_MS 60000u

static uint64_t clock_ns(clockid_t clock)
{
        struct timespec ts;

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what)
{
        fprintf(stderr, "weir: bench/admission: %s\n", what);
        exit(1);
}

static uint64_t begin(void)
{
        puts("ready");
        fflush(stdout);
        if (getchar() == EOF)
                fail("nobody said go");
        return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t run_weir(const char *region, unsigned long n, const char *method, const char *path)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_reply reply = { .status = 200, .body = "{}", .body_bytes = 2 };
        struct weir_limiter *limiter;
        struct weir_request request;
        struct weir_ticket ticket;
        struct weir_error error;
        uint64_t start;

        options.region = region;
        if (weir_limiter_open(&options, &limiter, &error) < 0)
                fail(error.text);
        /* Measured, as by a gateway that runs: else a second at each end of a window is unsure. */
        weir_clock_sample(limiter, WEIR_GROUP_FAPI, clock_ns(CLOCK_REALTIME) / 1000000,
                          clock_ns(CLOCK_MONOTONIC) / 1000, clock_ns(CLOCK_MONOTONIC) / 1000);
        weir_clock_sample(limiter, WEIR_GROUP_DAPI, clock_ns(CLOCK_REALTIME) / 1000000,
                          clock_ns(CLOCK_MONOTONIC) / 1000, clock_ns(CLOCK_MONOTONIC) / 1000);
        if (weir_request_find(method, path, NULL, NULL, "key", &request) < 0)
                fail("no such endpoint");
        start = begin();
        for (unsigned long i = 0; i < n; ++i) {
                if (weir_reserve(limiter, &request, WEIR_NO_DEADLINE, &ticket) != WEIR_GO)
                        fail("the region has no room left");
                weir_settle(limiter, &request, &ticket, &reply, NULL);
        }
        start = clock_ns(CLOCK_MONOTONIC) - start;
        weir_limiter_close(limiter);
        return start;
}

/* The number of the window in the upper half, what is used of it in the lower. */
static int take(_Atomic(uint64_t) *word, uint32_t limit)
{
        uint64_t number = clock_ns(CLOCK_REALTIME) / 1000000 / SPAN_MS;
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next;

        do {
                next = seen >> 32 == number ? seen + 1 : number << 32 | 1;
                if ((uint32_t)next > limit)
                        return 0;
        } while (!atomic_compare_exchange_weak_explicit(word, &seen, next, memory_order_relaxed,
                                                        memory_order_relaxed));
        return 1;
}

static uint64_t run_floor(const char *region, unsigned long n)
{
        int fd = open(region, O_RDWR | O_CREAT, 0600);
        _Atomic(uint64_t) *word;
        uint64_t start;

        if (fd < 0 || ftruncate(fd, 4096) < 0)
                fail("cannot make the file");
        word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (word == MAP_FAILED)
                fail("cannot map the file");
        start = begin();
        for (unsigned long i = 0; i < n; ++i)
                if (!take(word, UINT32_MAX - 1))
                        fail("the window is full");
        return clock_ns(CLOCK_MONOTONIC) - start;
}

int main(int argc, char **argv)
{
        unsigned long n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
        uint64_t ns = 0;

        if (argc == 6 && n > 0 && strcmp(argv[2], "weir") == 0)
                ns = run_weir(argv[1], n, argv[4], argv[5]);
        else if (argc == 4 && n > 0 && strcmp(argv[2], "floor") == 0)
                ns = run_floor(argv[1], n);
        else
                fail("see the head of admission.c");
        printf("%.2f\n", (double)ns / (double)n);
        return 0;
}
