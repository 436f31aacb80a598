/*
 * Killed at any instruction
 *
 * A child works on a shared region while we step it, one instruction at a time. At each stop the
 * region is as a kill would leave it there, and we look at it:
 *
 * - what the child was told it may send is in the books: as sent in its window until the window
 *   turns, and as flying or carried into the next one;
 * - every word is one that can be: flying is within sent, nothing is above what the child asked
 * for;
 * - others can go on: a copy of the region admits them, and no more than what is left.
 *
 * What is counted twice for a moment is fine; what is missing for a moment is not.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/evidence.h"
#include "core/limiter.h"
#include "core/route.h"
#include "core/slot.h"

#define N         30000000ULL
#define AT(ms)    (N * 60000 + (ms))
#define NOW(ms)   ((struct limiter_time){ AT(ms), 100 })
#define LIMIT     100u
#define STEPS_MAX 2000000ul

/* What the child says, in memory that we share: what it has been promised so far. */
struct says {
        _Atomic unsigned phase;      /* 0 until it is about to act */
        _Atomic unsigned must_now;   /* may be counted in minute N: sent and not given back */
        _Atomic unsigned must_next;  /* may be counted in minute N + 1 */
        _Atomic unsigned spent_next; /* places that it holds or has used in minute N + 1 */
        _Atomic unsigned shut;       /* the stop has been told of */
};

static struct says *says;
static struct region region;
static struct limiter l = { .region = &region };

static int setup(void **state)
{
        static struct region_plan plan;
        struct region_error error;
        struct ceilings c = CEILINGS_DEFAULT;
        char path[] = "/dev/shm/weir-step-XXXXXX";
        int fd = mkstemp(path), r;

        (void)state;
        if (fd < 0)
                return -1;
        close(fd);
        plan.windows[0][0] = region_window(60000, LIMIT);
        plan.windows[1][0] = region_window(10000, LIMIT);
        plan.windows[1][1] = region_window(60000, LIMIT);
        plan.ceilings = ceilings_pack(&c);
        r = region_open(path, &plan, &region, &error);
        unlink(path);
        says = mmap(NULL, sizeof(*says), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return r < 0 || says == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
        (void)state;
        region_close(&region);
        return munmap(says, sizeof(*says));
}

static struct limiter_request request_of(uint32_t amount)
{
        return (struct limiter_request){
                .class = CLASS_CANCEL,
                .deadline_ms = UINT64_MAX,
                .n_charges = 2,
                .charges = { { .pool = 0, .amount = amount }, { .pool = 1, .amount = amount } },
        };
}

static void promise(_Atomic unsigned *what, int n)
{
        atomic_fetch_add(what, (unsigned)n);
}

#define CHILD(condition)                                                                           \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        _exit(100 + __LINE__ % 100);                                               \
        } while (0)

/* The stories. A promise is made after it was given, and taken back before it is returned. */

static void sends_and_lands(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_news news = { .pool = 0, .span_ms = 60000, .used = 9 };
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, NULL);
}

static void lands_after_the_turn(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_ticket t;

        CHILD(limiter_reserve(&l, &r, NOW(59000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        promise(&says->must_next, 7);
        limiter_land(&l, &t, NOW(60500), 0, 0, NULL, 0, NULL);
}

static void goes_the_short_way(void)
{
        struct limiter_request r = request_of(7);
        struct limiter_request other = { .class = CLASS_CANCEL,
                                         .deadline_ms = UINT64_MAX,
                                         .n_charges = 1,
                                         .charges = { { .pool = 1, .amount = 10 } } };
        struct limiter_ticket t, u, v;
        struct route route;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 7);
        CHILD(route_learn(&l, &r, &t, &route));
        CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &u) == ROUTE_GO);
        promise(&says->must_now, 7);
        /* The last pool is full first: what was written down in the others is taken back. */
        CHILD(limiter_reserve(&l, &other, NOW(21000), &v) == LIMITER_GO);
        for (int i = 0; i < 10; ++i) {
                CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &v) == ROUTE_GO);
                promise(&says->must_now, 7);
        }
        CHILD(route_go(&l, &route, UINT64_MAX, NOW(21000), &v) == ROUTE_LONG);
        promise(&says->must_next, 7);
        limiter_land(&l, &u, NOW(60500), 0, 0, NULL, 0, NULL);
        promise(&says->must_now, -7);
        limiter_refund(&l, &t);
}

static void waits_and_confirms(void)
{
        struct limiter_request r = request_of(60);
        struct limiter_ticket t, u, v;

        CHILD(limiter_reserve(&l, &r, NOW(21000), &t) == LIMITER_GO);
        promise(&says->must_now, 60);
        CHILD(limiter_reserve(&l, &r, NOW(21000), &u) == LIMITER_WAIT);
        promise(&says->spent_next, 60);
        limiter_land(&l, &t, NOW(21500), 0, 0, NULL, 0, NULL);
        CHILD(limiter_reserve(&l, &r, NOW(21600), &v) == LIMITER_WAIT);
        CHILD(limiter_confirm(&l, &u, NOW(60200)) == LIMITER_GO);
        promise(&says->must_next, 60);
        limiter_refund(&l, &v);
}

static void is_given_back(void)
{
        struct limiter_request r = request_of(30);
        struct limiter_ticket t, u;

        CHILD(limiter_reserve(&l, &r, NOW(1000), &t) == LIMITER_GO);
        promise(&says->must_now, 30);
        CHILD(limiter_reserve(&l, &r, NOW(1000), &u) == LIMITER_GO);
        promise(&says->must_now, 30);
        promise(&says->must_now, -30);
        limiter_refund(&l, &u);
        promise(&says->must_now, -10);
        limiter_land(&l, &t, NOW(2000), 0, 10, NULL, 0, NULL);
}

static void is_banned(void)
{
        CHILD(gate_shut(limiter_gate(&l, 0), GATE_BAN, AT(500000)));
        promise(&says->shut, 1);
        limiter_shut_pool(&l, 1, 0, AT(400000));
        CHILD(gate_probe(limiter_gate(&l, 0), AT(500200), 100));
        gate_probe_failed(limiter_gate(&l, 0), AT(600000));
}

#define VARIANT 0x1000u
#define COST    9u

/* Each is alone and costs more than is charged; in the end somebody decides what it costs. */
static void learns_what_it_costs(void)
{
        struct limiter_news news = { .pool = 0, .span_ms = 60000 };
        struct evidence_answer answer = { .variant = VARIANT, .charged = 7 };
        struct limiter_request r = request_of(7);
        struct evidence_findings findings;
        struct limiter_ticket t;

        for (uint32_t i = 0; i < 4; ++i) {
                CHILD(limiter_reserve(&l, &r, NOW(1000 + i * 100), &t) == LIMITER_GO);
                promise(&says->must_now, 7);
                news.used += COST;
                evidence_land(&l, &t, &answer, NOW(1050 + i * 100), &news, 1, &findings);
                limiter_land(&l, &t, NOW(1050 + i * 100), 0, 0, &news, 1, NULL);
        }
        CHILD(evidence_find(&region, VARIANT) != NULL);
        evidence_decide(&region, evidence_find(&region, VARIANT), EVIDENCE_OK, COST);
}

/* What is charged is what was decided or nothing, and no sample is made up. */
static void check_evidence(unsigned long step, const char *story)
{
        const struct evidence *e = evidence_find(&region, VARIANT);
        struct evidence_view v;

        if (!e)
                return;
        evidence_look(e, VARIANT, EVIDENCE_OK, &v);
        if ((v.has_decided && v.decided != COST) || v.has_learnt || v.samples > 4 ||
            (v.values[0].samples > 0 && v.values[0].cost != COST) || v.values[1].samples > 0)
                fail_msg("%s, step %lu: %u samples of %u, decided %u", story, step, v.samples,
                         v.values[0].cost, v.decided);
}

static struct window window_of(const struct region *of, uint16_t pool)
{
        return (struct window){ slot_find(of, pool, 0, 60000, false), 60000, LIMIT, NULL };
}

/* What a request at @ms finds used of the minute it is in. */
static uint32_t counted(const struct region *of, uint16_t pool, uint64_t number)
{
        struct window w = window_of(of, pool);
        struct window_view v;

        if (!w.slot)
                return 0;
        window_look(&w, number, &v);
        return v.spent - v.held + window_others(&w, number);
}

static void check_words(unsigned long step, const char *story)
{
        for (size_t s = 0; s < REGION_SLOTS; ++s) {
                struct slot *slot = &region.slots[s];

                if (atomic_load(&slot->key) == 0 ||
                    atomic_load(&slot->pool_span) >> 32 == REGION_POOL_EVIDENCE)
                        continue;
                for (size_t i = 0; i < RING_CELLS; ++i) {
                        uint64_t sent = atomic_load(&slot->cells[i].sent);
                        uint64_t held = atomic_load(&slot->cells[i].held);

                        /* flying within sent; held within what was asked for, twice in between */
                        if ((sent & WINDOW_AMOUNT_MAX) > (sent >> 22 & WINDOW_AMOUNT_MAX) ||
                            (sent >> 22 & WINDOW_AMOUNT_MAX) > LIMIT ||
                            (held >> 22 & WINDOW_AMOUNT_MAX) > LIMIT)
                                fail_msg("%s, step %lu: cell %zu: sent %llx held %llx", story, step,
                                         i, (unsigned long long)sent, (unsigned long long)held);
                }
        }
}

/* Another process comes after the kill: it gets what is left at most, and it gets on. */
static void check_others(unsigned long step, const char *story, unsigned must_now,
                         unsigned must_next)
{
        static struct region_header header;
        static struct slot slots[REGION_SLOTS];
        struct region copy = { .header = &header, .slots = slots, .fd = -1 };
        struct limiter other = { .region = &copy };
        struct limiter_request r = request_of(1);
        struct limiter_ticket t;
        unsigned n = 0, in_next = 0;

        memcpy(&header, region.header, sizeof(header));
        memcpy(slots, region.slots, sizeof(slots));
        if (says->shut) {
                if (limiter_reserve(&other, &r, NOW(70000), &t) != LIMITER_SHUT)
                        fail_msg("%s, step %lu: the ban is not seen", story, step);
                return;
        }
        if (atomic_load(&header.egresses[0].gates[0]) != 0)
                return;
        r.n_charges = 1;
        r.charges[0].amount = LIMIT - must_now + 1;
        if (must_now > 0 && limiter_reserve(&other, &r, NOW(59800), &t) == LIMITER_GO)
                fail_msg("%s, step %lu: %u beside %u", story, step, r.charges[0].amount, must_now);
        r.charges[0].amount = LIMIT - must_next + 1;
        if (must_next > 0 && limiter_reserve(&other, &r, NOW(60600), &t) == LIMITER_GO)
                fail_msg("%s, step %lu: %u beside %u in the next minute", story, step,
                         r.charges[0].amount, must_next);
        /* Long after, nothing of it is in the way. */
        r.charges[0].amount = LIMIT;
        for (n = 0; n < 2; ++n)
                in_next += limiter_reserve(&other, &r, NOW(300000 + n * 60000), &t) == LIMITER_GO;
        if (in_next == 0)
                fail_msg("%s, step %lu: nobody gets on", story, step);
}

static uint64_t sum_of(uint64_t sum, const void *bytes, size_t n)
{
        const uint64_t *words = bytes;

        for (size_t i = 0; i < n / sizeof(*words); ++i)
                sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ULL;
        return sum;
}

static void check(unsigned long step, const char *story, uint64_t *last)
{
        /* Promises first: the child is stopped, nothing moves. */
        unsigned now = says->must_now, next = says->must_next;
        uint64_t sum = 0;

        for (uint16_t pool = 0; pool < 2; ++pool) {
                struct window w = window_of(&region, pool);
                struct window_view v = { 0 };

                if (w.slot)
                        window_look(&w, N + 1, &v);
                if (v.spent < says->spent_next)
                        fail_msg("%s, step %lu: a place is lost in pool %u", story, step, pool);
                if (counted(&region, pool, N) < now)
                        fail_msg("%s, step %lu: %u of %u sent in pool %u", story, step,
                                 counted(&region, pool, N), now, pool);
                if (counted(&region, pool, N + 1) < next)
                        fail_msg("%s, step %lu: %u of %u in the next minute in pool %u", story,
                                 step, counted(&region, pool, N + 1), next, pool);
        }
        sum = sum_of(sum, region.header, sizeof(*region.header));
        for (size_t i = 0; i < REGION_SLOTS; ++i)
                if (atomic_load(&region.slots[i].key) != 0)
                        sum = sum_of(sum, &region.slots[i], sizeof(region.slots[i]));
        if (sum == *last)
                return;
        *last = sum;
        check_words(step, story);
        check_evidence(step, story);
        check_others(step, story, now, next);
}

/* Return: instructions; 0: stepping is not permitted here. */
static unsigned long step_through(const char *story, void (*act)(void), unsigned *ret_states)
{
        unsigned long step = 0;
        uint64_t last = 1, before;
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                        _exit(99);
                (void)raise(SIGSTOP);
                act();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
                return 0;
        assert_true(WIFSTOPPED(status));
        *ret_states = 0;
        while (step < STEPS_MAX) {
                if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0) {
                        (void)kill(pid, SIGKILL);
                        (void)waitpid(pid, &status, 0);
                        return 0;
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (WIFEXITED(status) || WIFSIGNALED(status))
                        break;
                ++step;
                before = last;
                check(step, story, &last);
                *ret_states += before != last;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                (void)kill(pid, SIGKILL);
                fail_msg("%s: the child ended with %x after %lu steps", story, (unsigned)status,
                         step);
        }
        return step;
}

static void a_kill_at_any_instruction_leaves_no_less_than_was_promised(void **state)
{
        static const struct {
                const char *label;
                void (*act)(void);
                unsigned states; /* at least so many different regions are seen */
        } stories[] = {
                { "sends and lands", sends_and_lands, 12 },
                { "lands after the turn", lands_after_the_turn, 12 },
                { "goes the short way", goes_the_short_way, 50 },
                { "waits and confirms", waits_and_confirms, 20 },
                { "is given back", is_given_back, 14 },
                { "is banned", is_banned, 5 },
                { "learns what it costs", learns_what_it_costs, 40 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(stories); ++i) {
                unsigned states = 0;
                unsigned long steps;

                assert_int_equal(setup(state), 0);
                steps = step_through(stories[i].label, stories[i].act, &states);
                (void)teardown(state);
                if (steps == 0) {
                        print_message("skipped: this system does not permit ptrace\n");
                        skip();
                }
                print_message("%-22s %6lu instructions, %3u states\n", stories[i].label, steps,
                              states);
                if (states < stories[i].states)
                        fail_msg("%s: only %u states", stories[i].label, states);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_at_any_instruction_leaves_no_less_than_was_promised),
        };

        return cmocka_run_group_tests_name("crash/limiter", tests, NULL, NULL);
}
