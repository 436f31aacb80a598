/*
 * Many at once
 *
 * Threads of several processes hammer one region. Time is a word that all of them push forward, the
 * exchange is a row of counters beside it, and every worker's clock is wrong by up to the guard. A
 * request is counted by the exchange at some true time after its last look at the clock and before
 * its answer lands; the scheduler decides when. No window may ever count more than the limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/limiter.h"
#include "core/route.h"

#define PROCESSES 3
#define THREADS   3
#define START_MS  1800000000000ULL
#define GUARD_MS  20u
#define RUN_MS    300000u /* of the exchange's time */
#define LAG_MS    5000u   /* nobody is in the middle of a turn for longer than this */
#define IDLE      UINT64_MAX
#define SHORT_MS  1000u
#define LONG_MS   10000u
#define SHORT_MAX 30u
#define LONG_MAX  200u
#define AMOUNTS   5u

struct exchange {
        _Atomic(uint64_t) since_ms[PROCESSES * THREADS]; /* of the turn that each is in, or IDLE */
        _Atomic(uint64_t) now_ms;
        _Atomic(uint32_t) in_short[RUN_MS / SHORT_MS + 8];
        _Atomic(uint32_t) in_long[RUN_MS / LONG_MS + 8];
        _Atomic(uint32_t) over, sent, waited, odd, by_route;
};

struct worker {
        struct limiter *limiter;
        unsigned number;
        uint64_t rng;
        int64_t error_ms;
        struct route routes[CLASS_COUNT][AMOUNTS];
        bool is_learnt[CLASS_COUNT][AMOUNTS];
};

static struct exchange *exchange;

static uint64_t rnd(struct worker *w)
{
        uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

static struct limiter_time time_of(const struct worker *w)
{
        uint64_t now_ms = atomic_load(&exchange->now_ms);

        return (struct limiter_time){ (uint64_t)((int64_t)now_ms + w->error_ms), GUARD_MS };
}

/*
 * What is unanswered for longer than the ring reaches is no longer counted. The scheduler may keep
 * a thread from running for as long as it likes, so time waits for those who do not run.
 */
static void push_clock(uint64_t ms)
{
        uint64_t now_ms = atomic_load(&exchange->now_ms);

        for (unsigned i = 0; i < PROCESSES * THREADS; ++i) {
                uint64_t since_ms = atomic_load(&exchange->since_ms[i]);

                if (since_ms != IDLE && now_ms > since_ms + LAG_MS) {
                        (void)sched_yield();
                        return;
                }
        }
        atomic_fetch_add(&exchange->now_ms, ms);
}

static void count(uint32_t amount)
{
        uint64_t into_ms = atomic_load(&exchange->now_ms) - START_MS;

        if (into_ms >= RUN_MS + 4 * SHORT_MS)
                return;
        if (atomic_fetch_add(&exchange->in_short[into_ms / SHORT_MS], amount) + amount > SHORT_MAX)
                atomic_fetch_add(&exchange->over, 1);
        if (atomic_fetch_add(&exchange->in_long[into_ms / LONG_MS], amount) + amount > LONG_MAX)
                atomic_fetch_add(&exchange->over, 1);
        atomic_fetch_add(&exchange->sent, amount);
}

static void send_and_land(struct worker *w, struct limiter_ticket *t, uint32_t amount)
{
        if (!ticket_may_leave(t, time_of(w).now_ms) || rnd(w) % 16 == 0) {
                limiter_refund(w->limiter, t);
                return;
        }
        if (rnd(w) % 4 == 0)
                push_clock(rnd(w) % 40);
        count(amount);
        if (rnd(w) % 64 == 0) {
                limiter_abandon(t);
                return;
        }
        limiter_land(w->limiter, t, time_of(w), 0, 0, NULL, 0, NULL);
}

/* The short way where one is known. A held place cannot come of it. */
static int reserve(struct worker *w, const struct limiter_request *r, struct limiter_ticket *t)
{
        uint32_t kind = r->charges[0].amount - 1;
        struct route *route = &w->routes[r->class][kind];
        int answer;

        if (w->is_learnt[r->class][kind] &&
            route_go(w->limiter, route, UINT64_MAX, time_of(w), t) == ROUTE_GO) {
                atomic_fetch_add(&exchange->by_route, 1);
                return LIMITER_GO;
        }
        answer = limiter_reserve(w->limiter, r, time_of(w), t);
        if (answer == LIMITER_GO && !w->is_learnt[r->class][kind])
                w->is_learnt[r->class][kind] = route_learn(w->limiter, r, t, route);
        return answer;
}

static void turn(struct worker *w, struct limiter_ticket *held, uint32_t *held_amount)
{
        struct limiter_request r = {
                .class = (enum weir_class)(rnd(w) % CLASS_COUNT),
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = 0, .has_ceilings = true } },
        };
        struct limiter_ticket t;
        int answer;

        if (held->state == TICKET_HELD) {
                answer = limiter_confirm(w->limiter, held, time_of(w));
                if (answer == LIMITER_GO)
                        send_and_land(w, held, *held_amount);
                return;
        }
        r.charges[0].amount = 1 + (uint32_t)(rnd(w) % AMOUNTS);
        answer = reserve(w, &r, &t);
        if (answer == LIMITER_GO) {
                send_and_land(w, &t, r.charges[0].amount);
        } else if (answer == LIMITER_WAIT) {
                atomic_fetch_add(&exchange->waited, 1);
                *held = t;
                *held_amount = r.charges[0].amount;
        } else if (answer != LIMITER_CROWDED) {
                atomic_fetch_add(&exchange->odd, 1);
        }
}

static void *work(void *ctx)
{
        struct worker *w = ctx;
        struct limiter_ticket held = LIMITER_TICKET_NULL;
        uint32_t held_amount = 0;

        while (atomic_load(&exchange->now_ms) < START_MS + RUN_MS) {
                atomic_store(&exchange->since_ms[w->number], atomic_load(&exchange->now_ms));
                if (rnd(w) % 8 == 0)
                        push_clock(1);
                if (rnd(w) % 256 == 0)
                        w->error_ms = (int64_t)(rnd(w) % (2 * GUARD_MS + 1)) - (int64_t)GUARD_MS;
                turn(w, &held, &held_amount);
                atomic_store(&exchange->since_ms[w->number], IDLE);
        }
        limiter_refund(w->limiter, &held);
        return NULL;
}

/* Return: the exit status. */
static int process(const char *path, const struct region_plan *plan, unsigned number)
{
        struct region region = REGION_NULL;
        struct limiter limiter = { .region = &region };
        struct region_error error;
        static struct worker workers[THREADS];
        pthread_t threads[THREADS];

        if (region_open(path, plan, &region, &error) < 0)
                return 1;
        for (unsigned i = 0; i < THREADS; ++i) {
                workers[i] = (struct worker){ .limiter = &limiter,
                                              .number = number * THREADS + i,
                                              .rng = number * 1000 + i };
                if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
                        return 1;
        }
        for (unsigned i = 0; i < THREADS; ++i)
                (void)pthread_join(threads[i], NULL);
        region_close(&region);
        return 0;
}

static void no_window_counts_more_than_the_limit(void **state)
{
        static struct region_plan plan;
        struct ceilings c = CEILINGS_DEFAULT;
        char path[] = "/dev/shm/weir-race-XXXXXX";
        pid_t pids[PROCESSES];
        uint32_t sent;
        int fd = mkstemp(path), status;

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        exchange = mmap(NULL, sizeof(*exchange), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        assert_true(exchange != MAP_FAILED);
        atomic_store(&exchange->now_ms, START_MS);
        for (unsigned i = 0; i < PROCESSES * THREADS; ++i)
                atomic_store(&exchange->since_ms[i], IDLE);
        plan.windows[0][0] = region_window(SHORT_MS, SHORT_MAX);
        plan.windows[0][1] = region_window(LONG_MS, LONG_MAX);
        plan.ceilings = ceilings_pack(&c);
        for (unsigned i = 0; i < PROCESSES; ++i) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        _exit(process(path, &plan, i));
        }
        for (unsigned i = 0; i < PROCESSES; ++i) {
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_int_equal(status, 0);
        }
        unlink(path);
        sent = atomic_load(&exchange->sent);
        print_message("%u sent of %u, %u waited, %u went the short way\n", sent,
                      RUN_MS / LONG_MS * LONG_MAX, atomic_load(&exchange->waited),
                      atomic_load(&exchange->by_route));
        assert_int_equal(atomic_load(&exchange->over), 0);
        assert_int_equal(atomic_load(&exchange->odd), 0);
        assert_true(atomic_load(&exchange->now_ms) >= START_MS + RUN_MS);
        /* Under such spikes much is counted on both sides of a turn; but it must not stand still.
         */
        assert_true(sent > RUN_MS / LONG_MS * LONG_MAX / 5);
        assert_true(atomic_load(&exchange->waited) > 0);
        assert_true(atomic_load(&exchange->by_route) > 100);
        (void)munmap(exchange, sizeof(*exchange));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_window_counts_more_than_the_limit),
        };

        return cmocka_run_group_tests_name("race/limiter", tests, NULL, NULL);
}
