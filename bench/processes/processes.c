/*
 * Many processes on one region, each as a program of the library.
 *
 *      processes REGION throughput N MS             in a tight loop: reserve, settle
 *      processes REGION bare N MS                   likewise, with nothing but the adds to shared
 *                                                   words that this cannot do without
 *      processes REGION waits N PLACES SPAN_MS WINDOWS WARM FLIGHT_MS
 *                                                   each with one request at a time, for a window
 *                                                   with so many places; of so many windows, after
 *                                                   WARM others
 *
 * Makes the region, starts the processes, lets them begin at once, and prints what they did as
 * JSON.
 */
#include "budget/budget.h"
#include "weir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 256
#define WAITS_MAX     4096 /* of each process */
#define FUTURES_ORDER "/fapi/v1/order"
#define SPOT_TIME     "/api/v3/time"

struct process {
        unsigned long n;
        uint64_t cpu_us; /* in the loop */
        uint64_t waits_us[WAITS_MAX];
};

/* An order is two words on two lines, of 10 s and of a minute; each changes twice. */
struct bare {
        _Alignas(128) _Atomic uint64_t word;
};

struct shared {
        struct bare bare[2];
        _Atomic unsigned ready, failed;
        _Atomic uint64_t begin_us, end_us; /* CLOCK_MONOTONIC; begin 0: not yet */
        struct process processes[PROCESSES_MAX];
};

static struct shared *shared;

static uint64_t clock_us(clockid_t clock)
{
        struct timespec ts;

        clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void fail(const char *what)
{
        fprintf(stderr, "weir: bench/processes: %s\n", what);
        if (shared)
                atomic_fetch_add(&shared->failed, 1);
        exit(1);
}

static unsigned long number(const char *text, unsigned long most)
{
        char *end;
        unsigned long value = strtoul(text, &end, 10);

        if (end == text || *end || value == 0 || value > most)
                fail("a number is none, or too large");
        return value;
}

/* All windows as large as they can be, but for spot's weight if @places is given. */
static void make_region(const char *path, uint32_t places, uint32_t span_ms)
{
        static struct region_plan plan;
        struct region region = REGION_NULL;
        struct region_error error;

        (void)unlink(path);
        budget_plan(&plan, clock_us(CLOCK_REALTIME) / 1000);
        for (size_t i = 0; i < REGION_POOLS; ++i)
                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k)
                        if (plan.windows[i][k] != 0)
                                plan.windows[i][k] =
                                        region_window((uint32_t)(plan.windows[i][k] >> 32),
                                                      WINDOW_AMOUNT_MAX);
        if (places > 0)
                plan.windows[policy_pool_find(STR_LITERAL("spot-weight"))][0] =
                        region_window(span_ms, places);
        if (region_open(path, &plan, &region, &error) < 0)
                fail(error.why);
        region_close(&region);
}

static struct weir_limiter *open_it(const char *path)
{
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        struct weir_limiter *limiter;
        struct weir_error error;
        uint64_t now_us = clock_us(CLOCK_MONOTONIC);

        options.region = path;
        if (weir_limiter_open(&options, &limiter, &error) < 0)
                fail(error.text);
        /* Measured, as by a gateway that runs: else a second at each end of a window is unsure. */
        weir_clock_sample(limiter, WEIR_GROUP_API, clock_us(CLOCK_REALTIME) / 1000, now_us, now_us);
        weir_clock_sample(limiter, WEIR_GROUP_FAPI, clock_us(CLOCK_REALTIME) / 1000, now_us,
                          now_us);
        return limiter;
}

static void sleep_until(uint64_t us)
{
        const struct timespec at = { (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
                ;
}

static void wait_for_the_others(void)
{
        atomic_fetch_add(&shared->ready, 1);
        while (atomic_load(&shared->begin_us) == 0)
                usleep(1000);
        sleep_until(atomic_load(&shared->begin_us));
}

static void run_throughput(const char *path, struct process *p)
{
        struct weir_limiter *limiter = open_it(path);
        struct weir_reply reply = { .status = 200, .body = "{}", .body_bytes = 2 };
        struct weir_request request;
        struct weir_ticket ticket;
        uint64_t end_us;

        if (weir_request_find("POST", FUTURES_ORDER, NULL, NULL, "key", &request) < 0)
                fail("no such endpoint");
        wait_for_the_others();
        end_us = atomic_load(&shared->end_us);
        p->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        do {
                for (int i = 0; i < 32; ++i) {
                        if (weir_reserve(limiter, &request, WEIR_NO_DEADLINE, &ticket) != WEIR_GO)
                                fail("the region has no room left: a shorter run");
                        weir_settle(limiter, &request, &ticket, &reply, NULL);
                }
                p->n += 32;
        } while (clock_us(CLOCK_MONOTONIC) < end_us);
        p->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID) - p->cpu_us;
        weir_limiter_close(limiter);
}

/* What the processors themselves allow: they hand the lines to each other as in run_throughput. */
static void run_bare(struct process *p)
{
        uint64_t end_us;

        wait_for_the_others();
        end_us = atomic_load(&shared->end_us);
        p->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        do {
                for (int i = 0; i < 32; ++i)
                        for (int change = 0; change < 2; ++change)
                                for (size_t k = 0; k < ARRAY_SIZE(shared->bare); ++k)
                                        atomic_fetch_add(&shared->bare[k].word, 1);
                p->n += 32;
        } while (clock_us(CLOCK_MONOTONIC) < end_us);
        p->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID) - p->cpu_us;
}

/* After @warm_us it counts: before, those who asked first have what the last ones will have. */
static void run_waits(const char *path, struct process *p, unsigned flight_ms, uint64_t warm_us)
{
        struct weir_limiter *limiter = open_it(path);
        struct weir_reply reply = { .status = 200, .body = "{}", .body_bytes = 2 };
        struct weir_request request;
        struct weir_ticket ticket;
        uint64_t end_us, counted_us;

        if (weir_request_find("GET", SPOT_TIME, NULL, NULL, NULL, &request) < 0)
                fail("no such endpoint");
        /* Of the whole window: shares of classes are another matter. */
        request.request_class = WEIR_CLASS_CANCEL;
        wait_for_the_others();
        counted_us = atomic_load(&shared->begin_us) + warm_us;
        end_us = atomic_load(&shared->end_us);
        while (clock_us(CLOCK_MONOTONIC) < end_us) {
                uint64_t since_us = clock_us(CLOCK_MONOTONIC), now_us;

                if (weir_reserve_wait(limiter, &request, WEIR_NO_DEADLINE, &ticket) != WEIR_GO)
                        fail("it was not let through");
                now_us = clock_us(CLOCK_MONOTONIC);
                /* Not of the measured time. */
                if (now_us >= end_us) {
                        weir_refund(limiter, &ticket);
                        break;
                }
                if (now_us >= counted_us && p->n < WAITS_MAX)
                        p->waits_us[p->n++] = now_us - since_us;
                usleep(flight_ms * 1000);
                weir_settle(limiter, &request, &ticket, &reply, NULL);
        }
        weir_limiter_close(limiter);
}

static void print_it(unsigned n, uint64_t warm_us)
{
        printf("{\"us\": %llu, \"counts\": [",
               (unsigned long long)(atomic_load(&shared->end_us) - atomic_load(&shared->begin_us) -
                                    warm_us));
        for (unsigned i = 0; i < n; ++i)
                printf("%s%lu", i > 0 ? ", " : "", shared->processes[i].n);
        printf("], \"cpu_us\": [");
        for (unsigned i = 0; i < n; ++i)
                printf("%s%llu", i > 0 ? ", " : "",
                       (unsigned long long)shared->processes[i].cpu_us);
        printf("], \"waits_us\": [");
        for (unsigned i = 0, any = 0; i < n; ++i)
                for (unsigned long k = 0; k < shared->processes[i].n && k < WAITS_MAX; ++k, any = 1)
                        printf("%s%llu", any ? ", " : "",
                               (unsigned long long)shared->processes[i].waits_us[k]);
        puts("]}");
}

int main(int argc, char **argv)
{
        bool is_waits = argc == 9 && strcmp(argv[2], "waits") == 0;
        bool is_bare = argc == 5 && strcmp(argv[2], "bare") == 0;
        bool is_throughput = argc == 5 && strcmp(argv[2], "throughput") == 0;
        unsigned n, span_ms = 0, run_ms, warm_ms = 0, flight_ms = 0;
        uint64_t begin_us;

        if (!is_waits && !is_throughput && !is_bare)
                fail("see the head of processes.c");
        n = (unsigned)number(argv[3], PROCESSES_MAX);
        if (is_waits) {
                span_ms = (unsigned)number(argv[5], 60000);
                warm_ms = span_ms * (unsigned)number(argv[7], 1000);
                run_ms = warm_ms + span_ms * (unsigned)number(argv[6], 1000);
                flight_ms = (unsigned)number(argv[8], 1000);
                make_region(argv[1], (uint32_t)number(argv[4], WINDOW_AMOUNT_MAX), span_ms);
        } else {
                run_ms = (unsigned)number(argv[4], 10000);
                make_region(argv[1], 0, 0);
        }
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        if (shared == MAP_FAILED)
                return 1;
        for (unsigned i = 0; i < n; ++i) {
                pid_t pid = fork();

                if (pid < 0)
                        fail("cannot start another process");
                if (pid == 0) {
                        /* What the parent prepared is written by nobody else, but is not this
                         * process' memory yet. */
                        memset(&shared->processes[i], 0, sizeof(shared->processes[i]));
                        if (is_waits)
                                run_waits(argv[1], &shared->processes[i], flight_ms,
                                          warm_ms * 1000ULL);
                        else if (is_bare)
                                run_bare(&shared->processes[i]);
                        else
                                run_throughput(argv[1], &shared->processes[i]);
                        exit(0);
                }
        }
        while (atomic_load(&shared->ready) < n && atomic_load(&shared->failed) == 0)
                usleep(1000);
        begin_us = clock_us(CLOCK_MONOTONIC) + 20000;
        /* Whole windows, from the beginning of one. */
        if (is_waits) {
                uint64_t wall_us = clock_us(CLOCK_REALTIME) + 20000, span_us = span_ms * 1000ULL;

                begin_us += span_us - wall_us % span_us;
        }
        atomic_store(&shared->end_us, begin_us + run_ms * 1000ULL);
        atomic_store(&shared->begin_us, begin_us);
        while (wait(NULL) > 0)
                ;
        if (atomic_load(&shared->failed) > 0)
                return 1;
        print_it(n, warm_ms * 1000ULL);
        return 0;
}
