/*
 * Everything at once
 *
 * Threads of several processes do to one region all that can be done to it, in any order: places
 * are taken, looked at again, given back, answered with headers; keys are named; limits change;
 * costs are learnt and decided; gates, breakers, clocks, fronts, addresses and homes come and go.
 * The thread sanitizer watches the threads. In the end all that was sent is in the books, no more
 * was sent than the limit allows, and every word is one that can be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "budget/exchange.h"
#include "budget/exclock.h"
#include "budget/holder.h"
#include "call/breaker.h"
#include "core/egress.h"
#include "core/evidence.h"
#include "core/front.h"
#include "core/home.h"
#include "core/route.h"
#include "core/slot.h"

#define PROCESSES 3
#define THREADS   3
#define TURNS     40000u
#define MINUTE    30000000ULL
#define NOW_MS    (MINUTE * 60000 + 21000)
#define WEIGHT    60000u
#define VARIANT   0x1000u
#define RULE      (1ULL << 63 | 3ULL << 32 | 2000)

struct exchange {
        _Atomic(uint32_t) counted; /* of the address' weight, in this minute */
        _Atomic(uint32_t) odd;
};

struct worker {
        struct region *region;
        struct limiter limiter; /* each has its own address and pacing */
        uint64_t rng;
        struct route route;
        bool has_route;
};

static struct exchange *exchange;
static int weight_pool;

static uint64_t rnd(struct worker *w, uint64_t below)
{
        uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return (z ^ (z >> 31)) % below;
}

static struct limiter_time now(struct worker *w)
{
        return (struct limiter_time){ NOW_MS + rnd(w, 3), 2 };
}

static void odd(void)
{
        atomic_fetch_add(&exchange->odd, 1);
}

/* Answered with a header that is true, or a little old. */
static void land(struct worker *w, struct limiter_ticket *t, uint32_t amount)
{
        struct limiter_news news = { .pool = (uint16_t)weight_pool, .span_ms = 60000 };
        struct evidence_answer answer = { .pool = (uint16_t)weight_pool,
                                          .variant = VARIANT,
                                          .charged = amount };
        struct evidence_findings findings;

        news.used = atomic_fetch_add(&exchange->counted, amount) + amount;
        if (rnd(w, 4) == 0)
                evidence_land(&w->limiter, t, &answer, now(w), &news, 1, &findings);
        if (rnd(w, 64) == 0)
                limiter_abandon(t);
        else
                limiter_land(&w->limiter, t, now(w), 0, 0, &news, 1, NULL);
}

static void trade(struct worker *w)
{
        struct limiter_request r = {
                .class = (enum weir_class)rnd(w, CLASS_COUNT),
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = (uint16_t)weight_pool, .has_ceilings = true, .amount = 3 } }
        };
        struct limiter_ticket t;
        int answer;

        if (w->has_route && rnd(w, 2) == 0) {
                if (route_go(&w->limiter, &w->route, UINT64_MAX, now(w), &t) == ROUTE_GO)
                        land(w, &t, 3);
                return;
        }
        answer = limiter_reserve(&w->limiter, &r, now(w), &t);
        if (answer == LIMITER_GO && !w->has_route && r.class == CLASS_CANCEL)
                w->has_route = route_learn(&w->limiter, &r, &t, &w->route);
        if (answer == LIMITER_WAIT && limiter_confirm(&w->limiter, &t, now(w)) == LIMITER_GO)
                answer = LIMITER_GO;
        if (answer == LIMITER_GO && rnd(w, 8) == 0)
                limiter_keep(&t, NOW_MS + 1000);
        if (answer == LIMITER_GO && t.state == TICKET_FLYING && rnd(w, 4) > 0)
                land(w, &t, 3);
        limiter_refund(&w->limiter, &t);
}

/* Orders of accounts, never sent; and what is charged whatever the limits are. */
static void order(struct worker *w)
{
        static const char *const keys[] = { "one key", "two keys", "three keys" };
        struct policy_input input = { .method = STR_LITERAL("POST"),
                                      .path = STR_LITERAL("/fapi/v1/order"),
                                      .api_key = str_of(keys[rnd(w, 3)]) };
        struct limiter_request request;
        struct policy_plan plan;
        struct limiter_ticket t;

        if (policy_match(NULL, &input, &plan) != 0) {
                odd();
                return;
        }
        budget_request(&w->limiter, &plan, &request);
        request.deadline_ms = UINT64_MAX;
        if (rnd(w, 16) == 0) {
                if (limiter_charge(&w->limiter, &request, now(w), &t) < 0)
                        odd();
        } else if (limiter_reserve(&w->limiter, &request, now(w), &t) < 0) {
                odd();
        }
        limiter_refund(&w->limiter, &t);
}

static void name(struct worker *w)
{
        static const char *const keys[] = { "one key", "two keys" };

        if (holder_name(&w->limiter, STR_LITERAL("desk"), str_of(keys[rnd(w, 2)]),
                        NOW_MS * US_PER_MS) < 0)
                odd();
        (void)holder_find(&w->limiter, policy_account(STR_LITERAL("one key")));
}

static void change_limits(struct worker *w)
{
        int pool = policy_pool_find(STR_LITERAL("spot-weight"));
        uint64_t windows[REGION_POOL_WINDOWS] = { region_window(60000, rnd(w, 2) ? 6000 : 5000) };
        struct ceilings c = CEILINGS_DEFAULT;

        limiter_set_pool(&w->limiter, (uint16_t)pool, windows);
        limiter_set_ceilings(&w->limiter, &c);
        limiter_shut_pool(&w->limiter, (uint16_t)pool, 5, NOW_MS + rnd(w, 100));
}

static void decide(struct worker *w)
{
        struct evidence *e = evidence_claim(w->region, VARIANT, NULL);
        uint32_t cost;

        if (!e) {
                odd();
                return;
        }
        if (rnd(w, 4) == 0)
                evidence_decide(w->region, e, EVIDENCE_OK, 3);
        if (evidence_decided(e, EVIDENCE_OK, &cost) && cost != 3)
                odd();
}

/* Of another product than those who trade. */
static void stop(struct worker *w)
{
        word_t *gate = limiter_gate(&w->limiter, 5);
        uint64_t until_ms;
        enum gate_kind kind;

        switch (rnd(w, 5)) {
        case 0:
                (void)gate_shut(gate, (enum gate_kind)rnd(w, GATE_KINDS), NOW_MS + rnd(w, 5));
                break;
        case 1:
                if (gate_probe(gate, NOW_MS + 20, 1) && rnd(w, 2) == 0)
                        gate_open(gate, NOW_MS + 21);
                break;
        case 2:
                gate_probe_failed(gate, NOW_MS + 30);
                break;
        case 3:
                (void)!breaker_tell(&limiter_egress(&w->limiter)->breakers[5], RULE, rnd(w, 2) == 0,
                                    NOW_MS + rnd(w, 5000));
                break;
        default:
                (void)!breaker_pass(&limiter_egress(&w->limiter)->breakers[5], RULE, true,
                                    NOW_MS + rnd(w, 5000), &until_ms);
                if (gate_check(gate, NOW_MS, &until_ms, &kind) == GATE_SHUT && kind >= GATE_KINDS)
                        odd();
        }
}

static void measure(struct worker *w)
{
        struct exclock c = { .is_measured = true,
                             .offset_us = (int64_t)(NOW_MS * US_PER_MS),
                             .error_us = 1000 * (1 + rnd(w, 50)),
                             .measured_us = 1000000 };
        word_t *word = &w->region->header->clocks[2];

        if (rnd(w, 4) == 0)
                exclock_publish(&c, word, 1000000, NOW_MS * US_PER_MS);
        if (exclock_shared(word, NOW_MS * US_PER_MS).now_ms < NOW_MS)
                odd();
}

static void move(struct worker *w)
{
        struct homes homes = { w->region->header->homes, REGION_HOMES };
        struct limiter other = { .region = w->region };
        uint64_t client = 1 + rnd(w, 50);
        enum policy_group group;
        const uint64_t ours[POLICY_GROUP_COUNT] = { 7, 7, 7, 7, 7, 7 };
        unsigned home;

        if (limiter_set_egress(&other, rnd(w, 2) ? STR_LITERAL("one") : STR_LITERAL("two")) < 0)
                odd();
        home = home_give(homes, client, other.egress);
        if (home > 2)
                odd();
        home_move(homes, client, other.egress);
        if (exchange_bind(w->region, ours, &group) != 0)
                odd();
}

static void pace(struct worker *w)
{
        uint64_t at_us;

        if (limiter_set_pacing(&w->limiter, 600, 10) < 0)
                odd();
        if (bucket_take(&w->limiter.pacing, 1, NOW_MS * US_PER_MS, false, UINT64_MAX, &at_us))
                bucket_give_back(&w->limiter.pacing, 1);
        w->limiter.pacing = (struct bucket){ 0 };
}

static void *work(void *ctx)
{
        static void (*const deeds[])(struct worker *) = { order, name,    change_limits, decide,
                                                          stop,  measure, move,          pace };
        struct worker *w = ctx;

        for (unsigned i = 0; i < TURNS; ++i) {
                if (rnd(w, 2) == 0)
                        trade(w);
                else
                        deeds[rnd(w, ARRAY_SIZE(deeds))](w);
        }
        return NULL;
}

/* Return: the exit status. */
static int process(const char *path, const struct region_plan *plan, unsigned number)
{
        struct region region = REGION_NULL;
        struct region_error error;
        static struct worker workers[THREADS];
        pthread_t threads[THREADS];

        if (region_open(path, plan, &region, &error) < 0)
                return 1;
        for (unsigned i = 0; i < THREADS; ++i) {
                workers[i] = (struct worker){ .region = &region,
                                              .limiter = { .region = &region },
                                              .rng = number * 1000 + i };
                if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
                        return 1;
        }
        for (unsigned i = 0; i < THREADS; ++i)
                (void)pthread_join(threads[i], NULL);
        region_close(&region);
        return 0;
}

static void check_slots(const struct region *region)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                uint64_t pool_span = atomic_load(&slot->pool_span);

                if (atomic_load(&slot->key) == 0)
                        continue;
                if (slot_find(region, (uint16_t)(pool_span >> 32), atomic_load(&slot->owner),
                              (uint32_t)pool_span, false) != slot)
                        fail_msg("slot %zu is not found, or is there twice", i);
                for (size_t k = 0; k < RING_CELLS && pool_span >> 32 < REGION_POOLS; ++k) {
                        uint64_t sent = atomic_load(&slot->cells[k].sent);

                        if ((sent & WINDOW_AMOUNT_MAX) > (sent >> 22 & WINDOW_AMOUNT_MAX))
                                fail_msg("slot %zu cell %zu: more flies than was sent", i, k);
                }
        }
}

static void all_that_was_sent_is_in_the_books(void **state)
{
        static struct region_plan plan;
        struct region region = REGION_NULL;
        struct region_error error;
        char path[] = "/dev/shm/weir-race-XXXXXX";
        pid_t pids[PROCESSES];
        int fd = mkstemp(path), status;
        struct window w = { .span_ms = 60000, .limit = WEIGHT };
        uint32_t counted;

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        weight_pool = policy_pool_find(STR_LITERAL("papi-weight"));
        assert_true(weight_pool >= 0);
        budget_plan(&plan, NOW_MS);
        plan.windows[weight_pool][0] = region_window(60000, WEIGHT);
        exchange = mmap(NULL, sizeof(*exchange), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        assert_true(exchange != MAP_FAILED);
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
        assert_int_equal(region_open(path, &plan, &region, &error), 0);
        unlink(path);
        counted = atomic_load(&exchange->counted);
        w.slot = slot_find(&region, (uint16_t)weight_pool, 0, 60000, false);
        assert_non_null(w.slot);
        print_message("%u sent, %u in the books, of %u\n", counted, window_used(&w, MINUTE, true),
                      WEIGHT);
        assert_true(counted > WEIGHT / 2 && counted <= WEIGHT);
        assert_true(window_used(&w, MINUTE, true) >= counted);
        assert_int_equal(atomic_load(&exchange->odd), 0);
        check_slots(&region);
        region_close(&region);
        (void)munmap(exchange, sizeof(*exchange));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_that_was_sent_is_in_the_books),
        };

        return cmocka_run_group_tests_name("race/words", tests, NULL, NULL);
}
