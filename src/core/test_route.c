#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/route.h"

/*
 * The short way is right if it does what the long way does, or nothing: two regions with the same
 * history are asked, one each way, and their books compared.
 */

#define POOLS 3
#define KINDS 12
#define START 1700000001000ULL

static const struct region_plan plan = {
        .table_hash = 1,
        .now_ms = 1,
        .windows = { { 2000ULL << 32 | 24, 10000ULL << 32 | 70 },
                     { 10000ULL << 32 | 40 },
                     { 60000ULL << 32 | 250 } },
};

static uint64_t state_of_rnd;

static uint64_t below(uint64_t n)
{
        state_of_rnd = state_of_rnd * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state_of_rnd >> 33) % n;
}

struct side {
        struct region region;
        struct limiter limiter;
        struct limiter_ticket out[32];
        unsigned n_out;
};

static void open_side(struct side *s, bool is_paced)
{
        struct region_plan full = plan;
        struct ceilings c = CEILINGS_DEFAULT;
        struct region_error error;

        full.ceilings = ceilings_pack(&c);
        *s = (struct side){ .region = REGION_NULL };
        assert_int_equal(region_open(NULL, &full, &s->region, &error), 0);
        s->region.header->seed = 1;
        s->limiter.region = &s->region;
        if (is_paced)
                assert_int_equal(limiter_set_pacing(&s->limiter, 3000, 40), 0);
}

static struct limiter_request draw_request(unsigned kind)
{
        struct limiter_request r = {
                .class = kind % 2 ? CLASS_MARKET : CLASS_ORDER,
                .gate = 1,
                .deadline_ms = UINT64_MAX,
                .pacing = 1 + kind % 3,
                .n_charges = 1 + kind % POOLS,
        };

        for (unsigned i = 0; i < r.n_charges; ++i)
                r.charges[i] = (struct limiter_charge){ .pool = (uint16_t)i,
                                                        .has_ceilings = i != 1,
                                                        .amount = 1 + kind % 4 };
        return r;
}

/* What can be read of all windows that matter at @now_ms; a tag without an amount does not. */
static bool books_are_equal(const struct side *a, const struct side *b, uint64_t now_ms)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                uint32_t span_ms = (uint32_t)atomic_load(&a->region.slots[i].pool_span);
                struct window x = { &a->region.slots[i], span_ms, 1, NULL };
                struct window y = { &b->region.slots[i], span_ms, 1, NULL };

                if (atomic_load(&x.slot->key) != atomic_load(&y.slot->key) ||
                    atomic_load(&x.slot->shut_until_ms) != atomic_load(&y.slot->shut_until_ms))
                        return false;
                if (span_ms == 0) {
                        if (atomic_load(&x.slot->cells[0].sent) !=
                            atomic_load(&y.slot->cells[0].sent))
                                return false;
                        continue;
                }
                for (uint64_t n = now_ms / span_ms - window_past(span_ms);
                     n <= now_ms / span_ms + window_ahead(span_ms); ++n) {
                        struct window_view v = { 0 }, u = { 0 };

                        window_look(&x, n, &v);
                        window_look(&y, n, &u);
                        if (memcmp(&v, &u, sizeof(v)) != 0)
                                return false;
                }
        }
        return true;
}

/* One more thing that happens on both sides alike. */
static void happen(struct side *s, unsigned what, unsigned which, const struct limiter_request *r,
                   struct limiter_time time)
{
        struct limiter_ticket ticket;

        if (what < 2 && s->n_out < 32) {
                if (limiter_reserve(&s->limiter, r, time, &ticket) == LIMITER_GO)
                        s->out[s->n_out++] = ticket;
        } else if (what < 8 && s->n_out > 0) {
                struct limiter_ticket *t = &s->out[which % s->n_out];

                if (what < 6)
                        limiter_land(&s->limiter, t, time, 0, 0, NULL, 0, NULL);
                else if (what == 6)
                        limiter_refund(&s->limiter, t);
                else
                        limiter_abandon(t);
                *t = s->out[--s->n_out];
        } else if (what == 8 && which % 40 == 0) {
                limiter_shut_pool(&s->limiter, 0, 0, time.now_ms + 500);
        } else if (what == 9 && which % 40 == 0) {
                (void)gate_shut(limiter_gate(&s->limiter, 1), GATE_STOP, time.now_ms + 300);
        }
}

static void keep(struct side *s, const struct limiter_ticket *ticket)
{
        assert_true(s->n_out < ARRAY_SIZE(s->out));
        s->out[s->n_out++] = *ticket;
}

static void learn_all(struct side *a, struct side *b, struct route *routes)
{
        struct limiter_time time = { START - 60000, 5 };

        for (unsigned kind = 0; kind < KINDS; ++kind) {
                struct limiter_request r = draw_request(kind);
                struct limiter_ticket ticket;

                assert_int_equal(limiter_reserve(&a->limiter, &r, time, &ticket), LIMITER_GO);
                limiter_refund(&a->limiter, &ticket);
                assert_int_equal(limiter_reserve(&b->limiter, &r, time, &ticket), LIMITER_GO);
                assert_true(route_learn(&b->limiter, &r, &ticket, &routes[kind]));
                limiter_refund(&b->limiter, &ticket);
        }
}

/* Asks both for one request. Return: true when it went the short way. */
static bool ask_both(struct side *a, struct side *b, unsigned kind, struct route *route,
                     struct limiter_time time)
{
        struct limiter_request r = draw_request(kind);
        struct limiter_ticket by_long, by_short;
        bool is_short = route_go(&b->limiter, route, UINT64_MAX, time, &by_short) == ROUTE_GO;
        int answer = limiter_reserve(&a->limiter, &r, time, &by_long);

        if (!is_short) {
                assert_int_equal(limiter_reserve(&b->limiter, &r, time, &by_short), answer);
                limiter_refund(&a->limiter, &by_long);
                limiter_refund(&b->limiter, &by_short);
                return false;
        }
        assert_int_equal(answer, LIMITER_GO);
        assert_int_equal(by_short.good_until_ms, by_long.good_until_ms);
        assert_int_equal(by_short.is_paced, by_long.is_paced);
        assert_int_equal(by_short.n_takes, by_long.n_takes);
        for (unsigned i = 0; i < by_long.n_takes; ++i)
                assert_int_equal(by_short.takes[i].number, by_long.takes[i].number);
        keep(a, &by_long);
        keep(b, &by_short);
        return true;
}

static void the_short_way_does_what_the_long_way_does_or_nothing(void **state)
{
        unsigned n_short = 0, n_long = 0;

        (void)state;
        for (unsigned seed = 1; seed <= 100; ++seed) {
                struct route routes[KINDS];
                struct side a, b;
                uint64_t now_ms = START;

                state_of_rnd = seed;
                open_side(&a, seed % 4 == 0);
                open_side(&b, seed % 4 == 0);
                learn_all(&a, &b, routes);
                for (unsigned step = 0; step < 400; ++step) {
                        unsigned kind = (unsigned)below(KINDS), what = (unsigned)below(10);
                        unsigned which = (unsigned)below(1000);
                        struct limiter_request r = draw_request(kind);
                        struct limiter_time time = { now_ms, (uint32_t)(5 + below(3) * 40) };

                        /* Others' clocks may be far ahead of ours, or ours was set back. */
                        if (below(6) == 0)
                                time.now_ms += below(2500);
                        happen(&a, what, which, &r, time);
                        happen(&b, what, which, &r, time);
                        now_ms += below(400);
                        time.now_ms = now_ms;
                        if (a.n_out < ARRAY_SIZE(a.out) &&
                            ask_both(&a, &b, kind, &routes[kind], time))
                                ++n_short;
                        else
                                ++n_long;
                        if (!books_are_equal(&a, &b, now_ms))
                                fail_msg("seed %u, step %u: other books", seed, step);
                }
                region_close(&a.region);
                region_close(&b.region);
        }
        print_message("%u by the short way, %u not\n", n_short, n_long);
        assert_true(n_short > 1000 && n_long > 1000);
}

static void what_is_out_of_the_ordinary_goes_the_long_way(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms, deadline_ms;
                int answer;
        } rows[] = {
                { "as learnt", START, UINT64_MAX, ROUTE_GO },
                { "later", START + 4100, UINT64_MAX, ROUTE_GO },
                { "at the deadline", START, START, ROUTE_LONG },
                { "before a turn", START + 996, UINT64_MAX, ROUTE_LONG },
                { "at a turn", START + 1000, UINT64_MAX, ROUTE_LONG },
                { "behind it", START + 1005, UINT64_MAX, ROUTE_GO },
        };
        struct limiter_request request = draw_request(0);
        struct ceilings other = { .pct = { 100, 90, 80, 70, 60, 50 }, .opens_from_pct = 50 };
        uint64_t windows[REGION_POOL_WINDOWS] = { 2000ULL << 32 | 25, 10000ULL << 32 | 70 };
        struct limiter_ticket ticket;
        struct limiter_time time = { START, 5 };
        struct route route;
        struct side s;

        (void)state;
        open_side(&s, false);
        assert_int_equal(limiter_reserve(&s.limiter, &request, time, &ticket), LIMITER_GO);
        assert_true(route_learn(&s.limiter, &request, &ticket, &route));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int r;

                time.now_ms = rows[i].now_ms;
                r = route_go(&s.limiter, &route, rows[i].deadline_ms, time, &ticket);
                if (r != rows[i].answer)
                        fail_msg("%s: %d", rows[i].label, r);
                if (r == ROUTE_GO)
                        limiter_refund(&s.limiter, &ticket);
        }
        limiter_set_ceilings(&s.limiter, &other);
        assert_int_equal(route_go(&s.limiter, &route, UINT64_MAX, time, &ticket), ROUTE_STALE);
        assert_int_equal(limiter_reserve(&s.limiter, &request, time, &ticket), LIMITER_GO);
        assert_true(route_learn(&s.limiter, &request, &ticket, &route));
        limiter_refund(&s.limiter, &ticket);
        limiter_set_pool(&s.limiter, 0, windows);
        assert_int_equal(route_go(&s.limiter, &route, UINT64_MAX, time, &ticket), ROUTE_STALE);
        region_close(&s.region);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_short_way_does_what_the_long_way_does_or_nothing),
                cmocka_unit_test(what_is_out_of_the_ordinary_goes_the_long_way),
        };

        return cmocka_run_group_tests_name("core/route", tests, NULL, NULL);
}
