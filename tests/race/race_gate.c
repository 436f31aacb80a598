/*
 * Everyone obeys
 *
 * One process learns of a ban and shuts the gate; others, on the same region file, admit requests
 * all the time, by the short way and by the long one, with their own clocks. Who begins to ask
 * after the gate was shut is refused, without exception: each writes down when it began and when it
 * was let through, by the clock that all share, and so does who shuts, before and after. So nothing
 * here depends on how the machine is scheduled. How long after the first store of the ban the last
 * one was let through, who had asked before, is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/limiter.h"
#include "core/route.h"

#define PROGRAMS 3
#define ROUNDS   100u
#define GATE     1u
#define BAN_MS   3600000u

/* Of one program, written by it alone. */
struct program {
        _Alignas(64) _Atomic(uint64_t) obeyed; /* the last round in which it was refused */
        _Atomic(uint64_t) began_ns;            /* of its last admission: asked, */
        _Atomic(uint64_t) went_ns;             /* and let through */
        _Atomic(uint64_t) n;                   /* admissions */
        _Atomic(uint64_t) n_short;             /* by the short way */
};

struct stage {
        _Atomic(uint64_t) round; /* the gate is shut for the so manieth time, or was */
        _Atomic(bool) is_over;
        struct program programs[PROGRAMS];
};

static struct stage *stage;

static uint64_t now_ns(clockid_t clock)
{
        struct timespec t;

        atomic_thread_fence(memory_order_seq_cst);
        assert_int_equal(clock_gettime(clock, &t), 0);
        atomic_thread_fence(memory_order_seq_cst);
        return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct limiter_time real_time(void)
{
        return (struct limiter_time){ now_ns(CLOCK_REALTIME) / 1000000, 5 };
}

static void ask(struct limiter *l, struct program *me, struct route *route, bool *is_learnt,
                uint64_t turn)
{
        struct limiter_request r = {
                .class = CLASS_ORDER,
                .gate = GATE,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = 0, .amount = 1 } },
        };
        uint64_t round = atomic_load(&stage->round), began_ns = now_ns(CLOCK_MONOTONIC);
        struct limiter_ticket t;
        int answer = LIMITER_WAIT;
        bool is_short = *is_learnt && turn % 2 == 0 &&
                        route_go(l, route, UINT64_MAX, real_time(), &t) == ROUTE_GO;

        answer = is_short ? LIMITER_GO : limiter_reserve(l, &r, real_time(), &t);
        if (answer == LIMITER_GO) {
                uint64_t went_ns = now_ns(CLOCK_MONOTONIC);

                atomic_store(&me->went_ns, went_ns);
                atomic_store(&me->began_ns, began_ns);
                atomic_fetch_add(&me->n, 1);
                atomic_fetch_add(&me->n_short, is_short);
                if (!*is_learnt)
                        *is_learnt = route_learn(l, &r, &t, route);
        }
        limiter_refund(l, &t);
        /* The round was read before: it is shut in this one. */
        if (answer == LIMITER_SHUT)
                atomic_store(&me->obeyed, round);
}

/* Return: the exit status. */
static int program(const char *path, const struct region_plan *plan, struct program *me)
{
        struct region region = REGION_NULL;
        struct limiter limiter = { .region = &region };
        struct region_error error;
        bool is_learnt = false;
        struct route route;

        if (region_open(path, plan, &region, &error) < 0)
                return 1;
        for (uint64_t turn = 0; !atomic_load(&stage->is_over); ++turn)
                ask(&limiter, me, &route, &is_learnt, turn);
        region_close(&region);
        return 0;
}

/* Each program has been let through since. */
static void await_admissions(void)
{
        for (unsigned i = 0; i < PROGRAMS; ++i) {
                uint64_t n = atomic_load(&stage->programs[i].n);

                while (atomic_load(&stage->programs[i].n) < n + 3)
                        (void)sched_yield();
        }
}

static void await_obedience(uint64_t round)
{
        for (unsigned i = 0; i < PROGRAMS; ++i)
                while (atomic_load(&stage->programs[i].obeyed) < round)
                        (void)sched_yield();
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

/* One ban. Return: how long after the store of the ban the last one was let through, in ns. */
static uint64_t ban(word_t *gate, uint64_t round)
{
        uint64_t before_ns, after_ns, last_ns = 0, until_ms = real_time().now_ms + BAN_MS;

        await_admissions();
        before_ns = now_ns(CLOCK_MONOTONIC);
        assert_true(gate_shut(gate, GATE_BAN, until_ms));
        after_ns = now_ns(CLOCK_MONOTONIC);
        atomic_store(&stage->round, round);
        await_obedience(round);
        for (unsigned i = 0; i < PROGRAMS; ++i) {
                uint64_t went_ns = atomic_load(&stage->programs[i].went_ns);

                assert_true(atomic_load(&stage->programs[i].began_ns) <= after_ns);
                if (went_ns > before_ns && went_ns - before_ns > last_ns)
                        last_ns = went_ns - before_ns;
        }
        /* As if there had been none, or a ramp would let few through now. */
        atomic_store(gate, 0);
        return last_ns;
}

static void who_asks_after_the_gate_was_shut_is_refused(void **state)
{
        static struct region_plan plan = { .windows = { { (uint64_t)60000 << 32 | 1000000 } } };
        static uint64_t last_ns[ROUNDS];
        struct ceilings ceilings = CEILINGS_DEFAULT;
        struct region region = REGION_NULL;
        struct limiter limiter = { .region = &region };
        struct region_error error;
        char path[] = "/tmp/weir-race-gate-XXXXXX";
        uint64_t n = 0, n_short = 0;
        pid_t pids[PROGRAMS];
        int fd = mkstemp(path), status;

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        unlink(path);
        stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        assert_ptr_not_equal(stage, MAP_FAILED);
        plan.ceilings = ceilings_pack(&ceilings);
        for (unsigned i = 0; i < PROGRAMS; ++i) {
                pids[i] = fork();
                assert_true(pids[i] >= 0);
                if (pids[i] == 0)
                        _exit(program(path, &plan, &stage->programs[i]));
        }
        assert_int_equal(region_open(path, &plan, &region, &error), 0);
        for (uint64_t round = 0; round < ROUNDS; ++round)
                last_ns[round] = ban(limiter_gate(&limiter, GATE), round + 1);
        atomic_store(&stage->is_over, true);
        for (unsigned i = 0; i < PROGRAMS; ++i) {
                assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
                assert_int_equal(status, 0);
                n += atomic_load(&stage->programs[i].n);
                n_short += atomic_load(&stage->programs[i].n_short);
        }
        region_close(&region);
        unlink(path);
        munmap(stage, sizeof(*stage));

        const size_t middle = ROUNDS / 2, high = ROUNDS * 99 / 100;

        qsort(last_ns, ROUNDS, sizeof(last_ns[0]), compare);
        print_message("%u bans, %llu admissions, %llu by the short way; from the store of a ban to "
                      "the last one let through: p50 %.1f us, p99 %.1f us, most %.1f us\n",
                      ROUNDS, (unsigned long long)n, (unsigned long long)n_short,
                      (double)last_ns[middle] / 1e3, (double)last_ns[high] / 1e3,
                      (double)last_ns[ROUNDS - 1] / 1e3);
        assert_true(n_short > 0 && n_short < n);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_asks_after_the_gate_was_shut_is_refused),
        };

        return cmocka_run_group_tests_name("race/gate", tests, NULL, NULL);
}
