#include "core/front.h"
#include "core/test_budgets.h"
#include "core/trip.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_BUDGET 0xffff

static void every_question_has_its_answer(void **state)
{
        static const struct {
                const char *label;
                enum weir_class class;
                uint32_t weight, orders;
                uint64_t ms, deadline_ms; /* into the minute */
                int answer;
                uint64_t at_ms;      /* likewise; 0: not told */
                uint16_t blocked_by; /* NO_BUDGET: no budget */
        } steps[] = {
                { "more than a window ever holds", CLASS_CANCEL, 1001, 0, 5000, 0, LIMITER_NEVER, 0,
                  WEIGHT },
                { "in one of several windows", CLASS_CANCEL, 1, 51, 5000, 0, LIMITER_NEVER, 0,
                  ORDERS },
                { "past its deadline", CLASS_CANCEL, 1, 0, 5000, 5000, LIMITER_LATE, 5000,
                  NO_BUDGET },
                { "in the last moment before it", CLASS_CANCEL, 1, 0, 5000, 5001, LIMITER_GO, 0,
                  NO_BUDGET },
                { "nothing to pay", CLASS_BACKFILL, 0, 0, 5000, 0, LIMITER_GO, 0, NO_BUDGET },
                { "most of the minute", CLASS_CANCEL, 899, 0, 5000, 0, LIMITER_GO, 0, NO_BUDGET },
                { "an order under its 95 %", CLASS_ORDER, 50, 1, 5000, 0, LIMITER_GO, 0,
                  NO_BUDGET },
                { "an order above it waits for the next", CLASS_ORDER, 1, 1, 5000, 0, LIMITER_WAIT,
                  60100, WEIGHT },
                { "not beyond its deadline", CLASS_ORDER, 1, 1, 5000, 60100, LIMITER_LATE, 60100,
                  WEIGHT },
                { "just within", CLASS_ORDER, 1, 1, 5000, 60101, LIMITER_WAIT, 60100, WEIGHT },
                { "a cancel has the rest", CLASS_CANCEL, 50, 0, 5000, 0, LIMITER_GO, 0, NO_BUDGET },
                { "and then waits too", CLASS_CANCEL, 1, 0, 5000, 0, LIMITER_WAIT, 60100, WEIGHT },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct limiter_request r =
                        request_of(steps[i].class, steps[i].weight, steps[i].orders);
                struct limiter_ticket t;
                bool has_place;
                int answer;

                if (steps[i].deadline_ms)
                        r.deadline_ms = AT(steps[i].deadline_ms);
                answer = limiter_reserve(&l, &r, NOW(steps[i].ms), &t);
                has_place = answer == LIMITER_GO || answer == LIMITER_WAIT;
                if (answer != steps[i].answer ||
                    (steps[i].at_ms && t.at_ms != AT(steps[i].at_ms)) ||
                    t.blocker != (steps[i].blocked_by == NO_BUDGET ? BLOCKED_BY_NOTHING
                                                                   : BLOCKED_BY_POOL) ||
                    (t.blocker == BLOCKED_BY_POOL && t.blocked_by != steps[i].blocked_by) ||
                    (t.state != TICKET_EMPTY) != has_place)
                        fail_msg("%s: answer %d, at %lld, by %u, state %d", steps[i].label, answer,
                                 (long long)(t.at_ms - AT(0)), t.blocked_by, (int)t.state);
        }
}

static void places_are_held_ahead_until_all_windows_are_full(void **state)
{
        struct limiter_ticket t;

        (void)state;
        for (uint64_t ahead = 0; ahead <= 3; ++ahead) {
                assert_int_equal(reserve(CLASS_CANCEL, 1000, 0, 5000, &t),
                                 ahead ? LIMITER_WAIT : LIMITER_GO);
                if (ahead)
                        assert_int_equal(t.at_ms, AT(60000 * ahead + GUARD));
                assert_int_equal(weight_spent(N + ahead), 1000);
        }
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 5000, &t), LIMITER_CROWDED);
        assert_int_equal(t.state, TICKET_EMPTY);
        /* When one more window comes within reach. */
        assert_int_equal(t.at_ms, AT(60000 + GUARD));
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 60000 + GUARD, &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(4 * 60000 + GUARD));
}

static void a_light_one_does_not_overtake_the_place_of_a_heavy_one(void **state)
{
        struct limiter_ticket used = go(CLASS_CANCEL, 600, 0, 1000), heavy, light;

        (void)state;
        land(&used, 1100);
        assert_int_equal(reserve(CLASS_CANCEL, 900, 0, 2000, &heavy), LIMITER_WAIT);
        assert_int_equal(reserve(CLASS_CANCEL, 500, 0, 2000, &light), LIMITER_WAIT);
        assert_int_equal(light.at_ms, AT(2 * 60000 + GUARD));
        assert_int_equal(limiter_confirm(&l, &heavy, NOW(60000 + GUARD - 1)), LIMITER_WAIT);
        assert_int_equal(limiter_confirm(&l, &heavy, NOW(60000 + GUARD)), LIMITER_GO);
        assert_int_equal(weight_spent(N + 1), 900);
        assert_int_equal(look(WEIGHT, 0, 60000, N + 1).held, 0);
}

static void all_budgets_or_none(void **state)
{
        struct limiter_ticket t, late;
        struct limiter_request r = request_of(CLASS_ORDER, 5, 1);

        (void)state;
        /* 10 s of orders are full; the minute of orders and the weight are not. */
        t = go(CLASS_ORDER, 5, 50, 1000);
        r.deadline_ms = AT(9000);
        assert_int_equal(limiter_reserve(&l, &r, NOW(2000), &late), LIMITER_LATE);
        assert_int_equal(late.at_ms, AT(10000 + GUARD));
        assert_int_equal(weight_spent(N), 5);
        assert_int_equal(orders_spent(10000, 2000), 50);
        assert_int_equal(orders_spent(60000, 2000), 50);
        /* Waiting takes a place in each: in the next 10 s, and in this minute. */
        assert_int_equal(reserve(CLASS_ORDER, 5, 1, 2000, &late), LIMITER_WAIT);
        assert_int_equal(late.at_ms, AT(10000 + GUARD));
        assert_int_equal(late.blocked_by, ORDERS);
        assert_int_equal(weight_spent(N), 10);
        assert_int_equal(orders_spent(10000, 10000), 1);
        assert_int_equal(orders_spent(60000, 10000), 51);
        limiter_refund(&l, &late);
        limiter_refund(&l, &late);
        assert_int_equal(weight_spent(N), 5);
        assert_int_equal(orders_spent(10000, 10000), 0);
        assert_int_equal(orders_spent(60000, 10000), 50);
        limiter_refund(&l, &t);
        assert_int_equal(weight_spent(N), 0);
        assert_int_equal(orders_spent(60000, 2000), 0);
        assert_int_equal(look(WEIGHT, 0, 60000, N).flying, 0);
}

/* Of the minute, and of no ten seconds. */
static struct limiter_ticket go_for_the_minute(uint32_t orders, uint64_t ms)
{
        struct limiter_request r = request_of(CLASS_ORDER, 0, orders);
        struct limiter_ticket t;

        r.charges[0].special[0].span_ms = 10000;
        r.charges[0].special[0].amount = 0;
        assert_int_equal(limiter_reserve(&l, &r, NOW(ms), &t), LIMITER_GO);
        return t;
}

/* What those hold of it who wait for a short window is in the way of others, and not in their own.
 */
static void who_waits_for_a_short_window_goes_sooner_though_the_long_one_is_full(void **state)
{
        struct limiter_ticket now = go(CLASS_ORDER, 0, 50, 1000), waits[3];

        (void)state;
        for (size_t i = 0; i < 3; ++i) {
                assert_int_equal(reserve(CLASS_ORDER, 0, 50, 1000, &waits[i]), LIMITER_WAIT);
                assert_int_equal(waits[i].at_ms, AT(10000 * (i + 1) + GUARD));
        }
        (void)go_for_the_minute(200, 1000);
        limiter_refund(&l, &now);
        (void)go_for_the_minute(50, 1000);
        assert_int_equal(orders_spent(60000, 2000), 400);
        waits[0].try_ms = AT(2000);
        assert_int_equal(limiter_confirm(&l, &waits[0], NOW(2000)), LIMITER_GO);
        assert_int_equal(orders_spent(60000, 2000), 400);
        assert_int_equal(orders_spent(10000, 2000), 50);
        assert_int_equal(orders_spent(10000, 10000), 0);
        /* Nobody else finds more than there is, nor he himself. */
        waits[1].try_ms = AT(2000);
        assert_int_equal(limiter_confirm(&l, &waits[1], NOW(2000)), LIMITER_WAIT);
        assert_int_equal(orders_spent(60000, 2000), 400);
        assert_int_equal(waits[1].takes[0].kept + waits[0].takes[1].kept, 0);
}

static void two_charges_in_one_budget_are_one_take(void **state)
{
        struct limiter_request r = request_of(CLASS_CANCEL, 600, 0);
        struct limiter_ticket t;

        (void)state;
        r.charges[r.n_charges++] = r.charges[0];
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_NEVER);
        r.charges[1].amount = 400;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        assert_int_equal(t.n_takes, 1);
        assert_int_equal(weight_spent(N), 1000);
        r.charges[1].amount = UINT32_MAX;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_NEVER);
        assert_int_equal(t.takes[0].amount, UINT32_MAX);
}

static void one_window_of_a_pool_may_cost_another_amount(void **state)
{
        struct limiter_request r = request_of(CLASS_ORDER, 0, 3);
        struct limiter_ticket t;

        (void)state;
        r.charges[0].special[0].span_ms = 10000;
        r.charges[0].special[0].amount = 0;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        assert_int_equal(t.n_takes, 1);
        assert_int_equal(orders_spent(10000, 1000), 0);
        assert_int_equal(orders_spent(60000, 1000), 3);
}

static void pools_without_windows_and_limits_beyond_a_word(void **state)
{
        struct limiter_request r = { .deadline_ms = UINT64_MAX, .n_charges = 1 };
        struct limiter_ticket t;

        (void)state;
        r.charges[0] = (struct limiter_charge){ .pool = NONE, .amount = UINT32_MAX };
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        assert_int_equal(t.n_takes, 0);
        assert_true(ticket_may_leave(&t, UINT64_MAX - 1));
        land(&t, 2000);
        r.charges[0] = (struct limiter_charge){ .pool = WIDE, .amount = WINDOW_AMOUNT_MAX + 1 };
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_NEVER);
        r.charges[0].amount = WINDOW_AMOUNT_MAX;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
}

static void a_class_gets_more_as_the_window_goes_by(void **state)
{
        static const struct {
                enum weir_class class;
                uint64_t ms;
                uint32_t fits;
        } rows[] = {
                { CLASS_BACKFILL, 1000, 600 },  { CLASS_BACKFILL, 30000, 600 },
                { CLASS_BACKFILL, 45000, 800 }, { CLASS_BACKFILL, 59000, 988 },
                { CLASS_MARKET, 1000, 800 },    { CLASS_MARKET, 45000, 900 },
                { CLASS_ACCOUNT, 1000, 900 },   { CLASS_RECONCILE, 1000, 900 },
                { CLASS_ORDER, 1000, 950 },     { CLASS_CANCEL, 1000, 1000 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct limiter_ticket first, t;

                assert_int_equal(setup(NULL), 0);
                first = go(CLASS_CANCEL, rows[i].fits - 1, 0, rows[i].ms);
                t = go(rows[i].class, 1, 0, rows[i].ms);
                assert_int_equal(reserve(rows[i].class, 1, 0, rows[i].ms, &t), LIMITER_WAIT);
                (void)first;
        }
        /* What alone is above its share has an empty window. */
        assert_int_equal(setup(NULL), 0);
        (void)go(CLASS_BACKFILL, 1000, 0, 1000);
}

static void who_waits_for_a_ceiling_is_told_when_it_opens(void **state)
{
        struct limiter_ticket first = go(CLASS_CANCEL, 700, 0, 1000), t, earlier;

        (void)state;
        land(&first, 1100);
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 2000, &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(60000 + GUARD));
        /* It looks again before that: others may have used the room by then. */
        assert_int_equal(t.try_ms, AT(2000 + 50 + 60000 / 16));
        assert_int_equal(t.look_ms, AT(60000 + GUARD));
        limiter_refund(&l, &t);
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 36000, &t), LIMITER_WAIT);
        /* 701 of 600 + (1000 - 600) * (ms - 30000) / (60000 - 30000 - lead), rounded up; the lead
         * is the trip of 100 ms, the guard and 4 ms. */
        assert_int_equal(t.try_ms, AT(37524));
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 37523, &earlier), LIMITER_WAIT);
        limiter_refund(&l, &earlier);
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 37524, &earlier), LIMITER_GO);
        limiter_refund(&l, &t);
}

static void the_last_units_of_a_window_are_left_to_orders(void **state)
{
        struct limiter_ticket t, first = go(CLASS_CANCEL, 990, 0, 1000);

        (void)state;
        land(&first, 1100);
        /* All ceilings are open: of 1000 data leaves two to orders, one by one, */
        for (unsigned i = 0; i < 8; ++i)
                (void)go(CLASS_MARKET, 1, 0, 59850);
        assert_int_equal(reserve(CLASS_MARKET, 1, 0, 59850, &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(60000 + GUARD));
        (void)go(CLASS_ORDER, 1, 0, 59850);
        (void)go(CLASS_ORDER, 1, 0, 59850);
        assert_int_equal(reserve(CLASS_ORDER, 1, 0, 59850, &t), LIMITER_WAIT);
        /* but not where a larger request would else leave more than that idle. */
        assert_int_equal(teardown(NULL), 0);
        assert_int_equal(setup(NULL), 0);
        first = go(CLASS_CANCEL, 997, 0, 1000);
        land(&first, 1100);
        (void)go(CLASS_MARKET, 3, 0, 59850);
}

static void a_held_place_moves_forward_when_the_ceiling_has_opened(void **state)
{
        struct limiter_ticket first = go(CLASS_CANCEL, 700, 0, 1000), t, other;

        (void)state;
        land(&first, 1100);
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 2000, &t), LIMITER_WAIT);
        assert_int_equal(ticket_next_ms(&t), AT(2000 + 50 + 60000 / 16));
        assert_int_equal(limiter_confirm(&l, &t, NOW(36000)), LIMITER_WAIT);
        assert_int_equal(ticket_next_ms(&t), AT(37524));
        assert_int_equal(limiter_confirm(&l, &t, NOW(37523)), LIMITER_WAIT);
        /* Somebody was quicker: it is told the next moment, and keeps what it has. */
        other = go(CLASS_BACKFILL, 1, 0, 37524);
        assert_int_equal(limiter_confirm(&l, &t, NOW(37524)), LIMITER_WAIT);
        assert_int_equal(ticket_next_ms(&t), AT(37598));
        assert_int_equal(weight_spent(N), 701);
        assert_int_equal(look(WEIGHT, 0, 60000, N + 1).held, 1);
        assert_int_equal(limiter_confirm(&l, &t, NOW(37598)), LIMITER_GO);
        assert_int_equal(weight_spent(N), 702);
        assert_int_equal(look(WEIGHT, 0, 60000, N + 1).held, 0);
        land(&other, 37700);
        land(&t, 37700);
        assert_int_equal(look(WEIGHT, 0, 60000, N).flying, 0);
}

static void a_held_place_stays_where_it_is_while_the_product_is_stopped(void **state)
{
        struct limiter_ticket first = go(CLASS_CANCEL, 700, 0, 1000), t;

        (void)state;
        land(&first, 1100);
        assert_int_equal(reserve(CLASS_BACKFILL, 1, 0, 2000, &t), LIMITER_WAIT);
        assert_true(gate_shut(limiter_gate(&l, t.gate), GATE_STOP, AT(40000)));
        assert_int_equal(limiter_confirm(&l, &t, NOW(37575)), LIMITER_WAIT);
        assert_int_equal(weight_spent(N), 700);
        assert_int_equal(look(WEIGHT, 0, 60000, N + 1).held, 1);
        assert_int_equal(limiter_confirm(&l, &t, NOW(40000)), LIMITER_GO);
}

static void what_may_go_can_keep_its_place_and_go_later(void **state)
{
        struct limiter_ticket t = go(CLASS_MARKET, 500, 0, 1000), other;

        (void)state;
        limiter_keep(&t, AT(20000));
        assert_int_equal(t.state, TICKET_HELD);
        /* Nobody else gets it. */
        (void)go(CLASS_MARKET, 300, 0, 1000);
        assert_int_equal(reserve(CLASS_MARKET, 1, 0, 2000, &other), LIMITER_WAIT);
        limiter_refund(&l, &other);
        assert_int_equal(limiter_confirm(&l, &t, NOW(19999)), LIMITER_WAIT);
        assert_int_equal(limiter_confirm(&l, &t, NOW(20000)), LIMITER_GO);
        assert_true(ticket_may_leave(&t, AT(20000)));
        land(&t, 20100);
        /* Nor is it kept beyond its window. */
        t = go(CLASS_CANCEL, 100, 0, 30000);
        limiter_keep(&t, AT(59000));
        assert_int_equal(limiter_confirm(&l, &t, NOW(61000)), LIMITER_LOST);
}

static void pacing_makes_polls_wait_and_orders_pay(void **state)
{
        struct limiter_request r = request_of(CLASS_MARKET, 1, 0);
        struct limiter_ticket t, held;

        (void)state;
        assert_int_equal(limiter_set_pacing(&l, 600, 2), 0); /* one in 100 ms, two at once */
        r.pacing = 1;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &held), LIMITER_WAIT);
        assert_int_equal(held.at_ms, AT(1100));
        assert_int_equal(look(WEIGHT, 0, 60000, N).held, 1);
        r.class = CLASS_ORDER;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        r.class = CLASS_MARKET;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(1300));
        /* Dropped, its tokens are back. */
        limiter_refund(&l, &t);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(1300));
        assert_int_equal(limiter_confirm(&l, &held, NOW(1100)), LIMITER_GO);
        /* Not within its deadline: nothing is kept. */
        limiter_refund(&l, &t);
        r.deadline_ms = AT(1300);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_LATE);
        assert_int_equal(weight_spent(N), 4);
        /* Another rate starts full. */
        assert_int_equal(limiter_set_pacing(&l, 60, 1), 0);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
}

static void what_still_flies_delays_a_held_place(void **state)
{
        struct limiter_ticket first = go(CLASS_CANCEL, 1000, 0, 59000), t;

        (void)state;
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 59100, &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(60000 + GUARD));
        assert_int_equal(limiter_confirm(&l, &t, NOW(60000 + GUARD)), LIMITER_WAIT);
        assert_true(t.at_ms > AT(60000 + GUARD) && t.at_ms < AT(60200 + GUARD));
        assert_int_equal(t.state, TICKET_HELD);
        /* It may have been counted in the new minute: carried there, the place is lost. */
        land(&first, 60150);
        assert_int_equal(limiter_confirm(&l, &t, NOW(60300)), LIMITER_LOST);
}

static void what_is_sent_near_the_turn_counts_on_both_sides(void **state)
{
        struct limiter_ticket t = go(CLASS_CANCEL, 600, 0, 59950), u;

        (void)state;
        assert_int_equal(t.good_until_ms, AT(60000 + GUARD));
        assert_true(ticket_may_leave(&t, AT(60000 + GUARD - 1)));
        assert_false(ticket_may_leave(&t, AT(60000 + GUARD)));
        assert_int_equal(reserve(CLASS_CANCEL, 401, 0, 60000 + GUARD, &u), LIMITER_WAIT);
        limiter_refund(&l, &u);
        (void)go(CLASS_CANCEL, 400, 0, 60000 + GUARD);
        /* Well inside, what GO says ends where the next turn may be. */
        land(&t, 60200);
        t = go(CLASS_CANCEL, 0, 1, 61000);
        assert_int_equal(t.good_until_ms, AT(70000 - GUARD));
}

static void a_fate_unknown_stays_charged_in_both_windows(void **state)
{
        struct limiter_ticket t = go(CLASS_CANCEL, 600, 0, 59000), u;

        (void)state;
        limiter_abandon(&t);
        assert_int_equal(t.state, TICKET_EMPTY);
        limiter_refund(&l, &t);
        assert_int_equal(weight_spent(N), 600);
        assert_int_equal(reserve(CLASS_CANCEL, 401, 0, 61000, &u), LIMITER_WAIT);
}

static void a_process_that_dies_leaves_too_much_spent(void **state)
{
        struct region_plan plan = { .windows[WEIGHT][0] = W(60000, 1000) };
        struct region_error error;
        char path[] = "/tmp/weir-test-XXXXXX";
        int status, fd = mkstemp(path);
        pid_t pid;

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        region_close(&region);
        assert_int_equal(region_open(path, &plan, &region, &error), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct limiter_request r = request_of(CLASS_CANCEL, 300, 0);
                struct limiter_ticket t, u;

                if (limiter_reserve(&l, &r, NOW(1000), &t) != LIMITER_GO)
                        _exit(1);
                r.charges[0].amount = 600;
                if (limiter_reserve(&l, &r, NOW(1000), &u) != LIMITER_GO)
                        _exit(1);
                r.charges[0].amount = 200;
                if (limiter_reserve(&l, &r, NOW(1000), &u) != LIMITER_WAIT)
                        _exit(1);
                (void)kill(getpid(), SIGKILL);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(weight_spent(N), 900);
        assert_int_equal(look(WEIGHT, 0, 60000, N).flying, 900);
        assert_int_equal(weight_spent(N + 1), 200);
        /* Those who are left go on with the rest, in the next minute too. */
        (void)go(CLASS_CANCEL, 100, 0, 2000);
        region_close(&region);
        assert_int_equal(region_open(path, &plan, &region, &error), 0);
        assert_int_equal(weight_spent(N), 1000);
        unlink(path);
}

static void gates_stop_everything_or_one_product(void **state)
{
        struct limiter_request r = request_of(CLASS_CANCEL, 1, 0);
        struct limiter_ticket t, held, first;

        (void)state;
        assert_true(gate_shut(limiter_gate(&l, 2), GATE_STOP, AT(5000)));
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_GO);
        r.gate = 2;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_SHUT);
        assert_int_equal(t.at_ms, AT(5000));
        assert_int_equal(t.shut_by, GATE_STOP);
        assert_int_equal(limiter_reserve(&l, &r, NOW(5000), &t), LIMITER_GO);
        assert_int_equal(weight_spent(N), 2);
        /* A place that was held before the ban is given back. */
        first = go(CLASS_CANCEL, 998, 0, 5000);
        land(&first, 5100);
        assert_int_equal(limiter_reserve(&l, &r, NOW(6000), &held), LIMITER_WAIT);
        assert_true(gate_shut(limiter_gate(&l, 0), GATE_BAN, AT(90000)));
        assert_int_equal(limiter_confirm(&l, &held, NOW(61000)), LIMITER_SHUT);
        assert_int_equal(held.at_ms, AT(90000));
        assert_int_equal(held.shut_by, GATE_BAN);
        assert_int_equal(weight_spent(N + 1), 0);
        /* When its time has come it still waits for the probe, which alone passes. */
        assert_int_equal(limiter_reserve(&l, &r, NOW(89900), &t), LIMITER_SHUT);
        assert_true(t.at_ms == AT(90000) && !t.awaits_probe);
        assert_int_equal(limiter_reserve(&l, &r, NOW(91000), &t), LIMITER_SHUT);
        assert_true(t.at_ms > AT(91000) && t.at_ms <= AT(91100) && t.awaits_probe);
        r.is_probe = true;
        assert_int_equal(limiter_reserve(&l, &r, NOW(91000), &t), LIMITER_GO);
        r.is_probe = false;
        assert_true(gate_probe(limiter_gate(&l, 0), AT(91000), GUARD));
        /* Its answer may come at once: nobody is told to wait for the end of its lease. */
        assert_int_equal(limiter_reserve(&l, &r, NOW(91000), &held), LIMITER_SHUT);
        assert_true(held.at_ms > AT(91000) && held.at_ms <= AT(91100) && held.awaits_probe);
        assert_int_equal(limiter_shut_ms(&l, &r, NOW(91000)), held.at_ms);
        gate_open(limiter_gate(&l, 0), 0);
        assert_int_equal(limiter_reserve(&l, &r, NOW(91000), &held), LIMITER_GO);
}

/* As in shadow mode: sent in any case, and the books say so, however far over the limit. */
static void what_is_sent_in_any_case_is_charged_and_stays_in_its_word(void **state)
{
        struct limiter_request r = request_of(CLASS_MARKET, 300, 10);
        struct limiter_ticket t[10], refused;

        (void)state;
        assert_true(gate_shut(limiter_gate(&l, 1), GATE_BAN, AT(90000)));
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                assert_int_equal(limiter_charge(&l, &r, NOW(1000), &t[i]), 0);
        assert_int_equal(weight_spent(N), 3000);
        assert_int_equal(orders_spent(10000, 1000), 100);
        assert_true(ticket_may_leave(&t[0], AT(59000)));
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                land(&t[i], 1500);
        /* Its trip is known as any other's. */
        assert_int_equal(trip_most_ms(slot_find(&region, WEIGHT, 0, 60000, false)), 500);
        assert_int_equal(weight_spent(N), 3000);
        assert_int_equal(look(WEIGHT, 0, 60000, N).flying, 0);
        gate_open(limiter_gate(&l, 1), 0);
        limiter_gate(&l, 1)[0] = 0;
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 2000, &refused), LIMITER_WAIT);
        limiter_refund(&l, &refused);
        /* More than a word holds stays at its most: the window's tag and the next are untouched. */
        r.charges[0].amount = WINDOW_AMOUNT_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                assert_int_equal(limiter_charge(&l, &r, NOW(3000), &t[i]), 0);
        assert_int_equal(weight_spent(N), WINDOW_AMOUNT_MAX);
        assert_int_equal(weight_spent(N + 1), 0);
        assert_int_equal(weight_spent(N - 1), 0);
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 4000, &refused), LIMITER_WAIT);
}

static void owners_are_apart_until_the_table_is_full(void **state)
{
        struct limiter_request r = { .deadline_ms = UINT64_MAX, .n_charges = 1 };
        struct limiter_ticket t;
        uint64_t n;
        int answer = LIMITER_GO;

        (void)state;
        for (n = 1; n < 2 * REGION_SLOTS && answer == LIMITER_GO; ++n) {
                r.charges[0] = (struct limiter_charge){ .pool = OWN,
                                                        .owner = limiter_owner(&l, &n, sizeof(n)),
                                                        .amount = 10 };
                answer = limiter_reserve(&l, &r, NOW(1000), &t);
        }
        assert_int_equal(answer, -ENOSPC);
        assert_int_equal(t.state, TICKET_EMPTY);
        /* At least this many programs' endpoints and accounts have room. */
        assert_true(n > REGION_SLOTS / 2);
        /* Those who are in go on. */
        n = 1;
        r.charges[0].owner = limiter_owner(&l, &n, sizeof(n));
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_WAIT);
        assert_int_equal(limiter_reserve(&l, &r, NOW(15000), &t), LIMITER_GO);
        assert_true(limiter_owner(&l, "", 0) != 0);
}

static void a_clock_far_behind_is_refused_and_nothing_is_taken(void **state)
{
        struct limiter_ticket t = go(CLASS_ORDER, 1, 1, 16 * 60000), late;

        (void)state;
        assert_int_equal(reserve(CLASS_ORDER, 1, 1, 0, &late), -ESTALE);
        assert_int_equal(late.state, TICKET_EMPTY);
        assert_int_equal(weight_spent(N), 0);
        land(&t, 16 * 60000 + 100);
        /* One that slept for days in the middle of it must not write into the windows of now. */
        t = go(CLASS_ORDER, 1, 0, 2400 * 60000 + 1000);
        assert_int_equal(reserve(CLASS_ORDER, 1, 0, 1000, &late), -ESTALE);
        assert_int_equal(weight_spent(N + 2400), 1);
}

static void a_clock_that_is_known_too_badly_stops_everything_and_loses_nothing(void **state)
{
        const uint32_t most = (uint32_t)window_guard_most(60000), bad = most + 1;
        struct limiter_request r = request_of(CLASS_CANCEL, 600, 0);
        struct limiter_ticket flies = go(CLASS_CANCEL, 600, 0, 20000), held, t;

        (void)state;
        assert_int_equal(reserve(CLASS_CANCEL, 600, 0, 20100, &held), LIMITER_WAIT);
        assert_int_equal(limiter_reserve(&l, &r, (struct limiter_time){ AT(20200), bad }, &t),
                         -ESTALE);
        assert_int_equal(t.state, TICKET_EMPTY);
        assert_int_equal(t.blocker, BLOCKED_BY_CLOCK);
        /* Whose place is held loses it; what lands is still in flight for all that can be told. */
        assert_int_equal(limiter_confirm(&l, &held, (struct limiter_time){ AT(90000), bad }),
                         LIMITER_LOST);
        assert_int_equal(held.state, TICKET_EMPTY);
        limiter_land(&l, &flies, (struct limiter_time){ AT(90000), bad }, 0, 0, NULL, 0, NULL);
        assert_int_equal(look(WEIGHT, 0, 60000, N).flying, 600);
        assert_int_equal(reserve(CLASS_CANCEL, 600, 0, 90000, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        r = request_of(CLASS_CANCEL, 400, 0);
        assert_int_equal(limiter_reserve(&l, &r, (struct limiter_time){ AT(90000), most }, &t),
                         LIMITER_GO);
}

/* At 8 a second, and 2 at once. */
static void who_waits_for_a_connection_passes_the_front_again(void **state)
{
        struct limiter_ticket t, u;

        (void)state;
        region.header->rules[RULE_RATE] = front_rate_pack(10);
        t = go(CLASS_CANCEL, 1, 0, 1000);
        u = go(CLASS_CANCEL, 1, 0, 1000);
        /* At once: it has passed. */
        assert_int_equal(limiter_pass_again(&l, &t, NOW(1050)), AT(1050));
        /* A second later both could, by then others have: the bucket is full again. */
        assert_int_equal(limiter_pass_again(&l, &t, NOW(2000)), AT(2000));
        assert_int_equal(limiter_pass_again(&l, &t, NOW(2010)), AT(2010));
        assert_int_equal(limiter_pass_again(&l, &u, NOW(2000)), AT(2000));
        assert_int_equal(t.at_ms, AT(2000));
        u.at_ms = AT(1000);
        assert_int_equal(limiter_pass_again(&l, &u, NOW(2001)), AT(2125));
        assert_int_equal(u.blocker, BLOCKED_BY_FRONT);
        /* It keeps its place meanwhile. */
        limiter_keep(&u, AT(2125));
        assert_int_equal(weight_spent(N), 2);
        assert_int_equal(limiter_confirm(&l, &u, NOW(2125)), LIMITER_GO);
        land(&t, 2200);
        land(&u, 2200);
}

static void what_was_held_up_on_its_way_counts_where_it_arrives(void **state)
{
        struct limiter_ticket usual[3], late[3], t;

        (void)state;
        region.header->rules[RULE_RATE] = front_rate_pack(100);
        for (size_t i = 0; i < ARRAY_SIZE(usual); ++i) {
                usual[i] = go(CLASS_CANCEL, 1, 0, 1000);
                land(&usual[i], 1020);
        }
        for (size_t i = 0; i < ARRAY_SIZE(late); ++i)
                late[i] = go(CLASS_CANCEL, 1, 0, 2000);
        for (size_t i = 0; i < ARRAY_SIZE(late); ++i)
                land(&late[i], 4000);
        /* Ten may leave at one moment, and three have arrived just now. */
        for (unsigned i = 0; i < 7; ++i)
                (void)go(CLASS_CANCEL, 1, 0, 4000);
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 4000, &t), LIMITER_WAIT);
        assert_int_equal(t.blocker, BLOCKED_BY_FRONT);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(every_question_has_its_answer),
                TEST(places_are_held_ahead_until_all_windows_are_full),
                TEST(a_light_one_does_not_overtake_the_place_of_a_heavy_one),
                TEST(all_budgets_or_none),
                TEST(who_waits_for_a_short_window_goes_sooner_though_the_long_one_is_full),
                TEST(two_charges_in_one_budget_are_one_take),
                TEST(one_window_of_a_pool_may_cost_another_amount),
                TEST(pools_without_windows_and_limits_beyond_a_word),
                TEST(a_class_gets_more_as_the_window_goes_by),
                TEST(who_waits_for_a_ceiling_is_told_when_it_opens),
                TEST(the_last_units_of_a_window_are_left_to_orders),
                TEST(a_held_place_moves_forward_when_the_ceiling_has_opened),
                TEST(a_held_place_stays_where_it_is_while_the_product_is_stopped),
                TEST(what_may_go_can_keep_its_place_and_go_later),
                TEST(pacing_makes_polls_wait_and_orders_pay),
                TEST(what_still_flies_delays_a_held_place),
                TEST(what_is_sent_near_the_turn_counts_on_both_sides),
                TEST(a_fate_unknown_stays_charged_in_both_windows),
                TEST(a_process_that_dies_leaves_too_much_spent),
                TEST(gates_stop_everything_or_one_product),
                TEST(what_is_sent_in_any_case_is_charged_and_stays_in_its_word),
                TEST(owners_are_apart_until_the_table_is_full),
                TEST(a_clock_far_behind_is_refused_and_nothing_is_taken),
                TEST(a_clock_that_is_known_too_badly_stops_everything_and_loses_nothing),
                TEST(who_waits_for_a_connection_passes_the_front_again),
                TEST(what_was_held_up_on_its_way_counts_where_it_arrives),
        };

        return cmocka_run_group_tests_name("core/limiter", tests, NULL, teardown);
}
