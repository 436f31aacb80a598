/* When a host speaks, what it says, and what answers and news do to its region. Nothing is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "core/gate.h"
#include "core/slot.h"
#include "lease/keeper.h"
#include "policy/policy.h"

#define SPAN   60000u
#define N      30000000ULL
#define AT(ms) (N * SPAN + (ms))
#define GRACE  600000u
#define OTHER  0x7777u
#define LIMIT  6000u
/* A host that leaves what a header shows to others for as long as any. */
#define SHOWN_LATE 15u

static struct region region;
static struct limiter l;
static struct keeper *k;
static struct keeper_time now;
static struct window weight;
static uint16_t pool;

static void at(uint64_t ms)
{
        struct limiter_time time = { AT(ms), 5 };

        now = (struct keeper_time){ .mono_us = ms * 1000 + 1, .best = time, .is_known = true };
        for (size_t i = 0; i < REGION_POOLS; ++i)
                now.of_pool[i] = time;
}

static int setup(void **state)
{
        static const struct keeper_config config = { "box", "main", GRACE, 0 };
        struct region_plan plan;
        struct region_error error;

        (void)state;
        budget_plan(&plan, AT(0));
        region = REGION_NULL;
        if (region_open(NULL, &plan, &region, &error) < 0)
                return -1;
        l = (struct limiter){ .region = &region };
        pool = (uint16_t)policy_group_pool(POLICY_API, POLICY_WEIGHT);
        atomic_store(&region.header->sharing, LEASE_SHARING);
        weight = (struct window){ slot_find(&region, pool, 0, SPAN, true), SPAN, LIMIT, &region };
        at(1000);
        k = calloc(1, sizeof(*k));
        keeper_init(k, &l, &config, &now);
        keeper_up(k);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        free(k);
        region_close(&region);
        return 0;
}

static struct limiter_request request(uint32_t amount)
{
        return (struct limiter_request){
                .class = CLASS_CANCEL,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = pool, .has_ceilings = true, .amount = amount } },
        };
}

static int reserve(uint32_t amount, struct limiter_ticket *t)
{
        struct limiter_request r = request(amount);

        return limiter_reserve(&l, &r, now.best, t);
}

/* @granted: what the answer says of the budget, whose name, limit and window are added. */
static struct keeper_change answer_with(const struct op *op, struct op_granted granted)
{
        struct op_answer a = {
                .seq = op->seq,
                .birth = "00000000000000ab",
                .epoch = 1,
                .roster = { region.lease->host, OTHER },
                .n_roster = 2,
                .n_hosts = 2,
                .budgets = &granted,
                .n_budgets = op->n_budgets,
        };
        struct keeper_change change;

        (void)snprintf(granted.id, sizeof(granted.id), "main/0/60000");
        granted.limit = LIMIT;
        granted.now = op->n_budgets > 0 ? op->budgets[0].now : 0;
        keeper_answer(k, &a, &now, &change);
        return change;
}

/* The store tells a share, and claims of N and N + 1. */
static struct keeper_change answer(const struct op *op, uint64_t share, uint64_t claim,
                                   uint64_t next, bool is_hungry)
{
        return answer_with(op, (struct op_granted){ .share = share,
                                                    .claim_current = claim,
                                                    .claim_next = next,
                                                    .is_hungry = is_hungry });
}

/* As a host is that has been told its share. */
static void settle(uint64_t share)
{
        assert_true(keeper_look(k, &now));
        (void)answer(keeper_op(k, &now), share, share, share, false);
}

static void a_new_connection_hears_of_all_budgets(void **state)
{
        const struct op *op;

        (void)state;
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_FIRST);
        op = keeper_op(k, &now);
        assert_int_equal(op->n_budgets, 1);
        assert_string_equal(op->budgets[0].id, "main/0/60000");
        assert_int_equal(op->budgets[0].share, 0);
        assert_int_equal(op->budgets[0].current.hold, 0);
        assert_int_equal(op->budgets[0].now, N);
        assert_int_equal(op->seq, 1);
        assert_string_equal(op->birth, "");
        assert_int_equal(atomic_load(&region.lease->sequence), 1);
}

static void before_the_time_is_known_nothing_but_gates_is_heard(void **state)
{
        struct op_gate gate = { .id = "main/1", .until_ms = AT(90000), .kind = GATE_BAN };
        struct op_answer a = { .birth = "0", .gates = &gate, .n_gates = 1, .is_again = true };
        struct keeper_change change;
        const struct op *op;

        (void)state;
        now.is_known = false;
        assert_true(keeper_look(k, &now));
        op = keeper_op(k, &now);
        assert_int_equal(op->n_budgets, 0);
        assert_true(op->error_ms > 5000);
        a.seq = op->seq;
        keeper_answer(k, &a, &now, &change);
        assert_true(change.has_stop && !change.is_sooner);
        assert_true(atomic_load(limiter_gate(&l, 1)) != 0);
        /* Not again until it is. */
        assert_false(keeper_look(k, &now));
        now.is_known = true;
        assert_true(keeper_look(k, &now));
}

static void what_was_told_may_be_used(void **state)
{
        struct limiter_ticket t;
        struct keeper_change change;

        (void)state;
        assert_int_equal(reserve(10, &t), LIMITER_CROWDED);
        assert_true(keeper_look(k, &now));
        change = answer(keeper_op(k, &now), 3000, 2000, 3000, false);
        assert_true(change.has_room && change.is_crowd && change.granted == 2000);
        assert_int_equal(lease_cap(&weight, N, AT(1000)), 2000);
        assert_int_equal(lease_cap(&weight, N + 1, AT(1000)), 3000);
        assert_int_equal(lease_cap(&weight, N + 5, AT(1000)), 3000);
        assert_int_equal(atomic_load(&region.lease->share_until_ms), AT(1000) + GRACE);
        assert_int_equal(reserve(10, &t), LIMITER_GO);
        limiter_refund(&l, &t);
        assert_int_equal(atomic_load(&region.lease->epoch), 1);
        assert_string_equal(keeper_op(k, &now)->birth, "00000000000000ab");
}

static void an_answer_to_another_op_changes_nothing(void **state)
{
        struct op old;

        (void)state;
        assert_true(keeper_look(k, &now));
        old = *keeper_op(k, &now);
        (void)keeper_away(k, &now);
        keeper_up(k);
        assert_true(keeper_look(k, &now));
        (void)keeper_op(k, &now);
        assert_false(answer(&old, 3000, 3000, 3000, false).has_room);
        assert_int_equal(lease_cap(&weight, N, AT(1000)), 0);
        assert_int_equal(atomic_load(&region.lease->share_until_ms), 0);
}

static void who_is_asked_to_come_again_names_the_books(void **state)
{
        struct op_answer a = { .birth = "00000000000000cd",
                               .epoch = 4,
                               .roster = { OTHER },
                               .n_roster = 1,
                               .n_hosts = 1,
                               .is_again = true };
        struct keeper_change change;
        const struct op *op;

        (void)state;
        assert_true(keeper_look(k, &now));
        a.seq = keeper_op(k, &now)->seq;
        keeper_answer(k, &a, &now, &change);
        assert_true(change.is_sooner);
        assert_int_equal(atomic_load(&region.lease->share_until_ms), 0);
        assert_true(keeper_look(k, &now));
        op = keeper_op(k, &now);
        assert_string_equal(op->birth, "00000000000000cd");
        assert_int_equal(op->epoch, 4);
        assert_int_equal(op->n_roster, 1);
}

static void a_lower_share_is_reported_at_once(void **state)
{
        const struct op *op;

        (void)state;
        settle(6000);
        assert_false(keeper_look(k, &now));
        at(200);
        keeper_up(k);
        settle(3000);
        assert_int_equal(lease_cap(&weight, N + 5, AT(200)), 3000);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_LOWERED);
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].share, 3000);
        (void)answer(op, 3000, 6000, 6000, false);
        assert_false(keeper_look(k, &now));
}

static void who_found_no_room_asks_and_not_all_the_time(void **state)
{
        struct limiter_ticket t[2];
        const struct op *op;

        (void)state;
        settle(3000);
        assert_int_equal(reserve(3000, &t[0]), LIMITER_GO);
        assert_int_equal(reserve(50, &t[1]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].current.hold, 3000);
        assert_true(op->budgets[0].current.want >= 3050);
        assert_int_equal(op->budgets[0].current.used, 3000);
        assert_int_equal(op->budgets[0].after, 3000);
        (void)answer(op, 3000, 3000, 3000, true);
        assert_false(keeper_look(k, &now));
        at(1000 + SPAN / 8);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        assert_true(answer(keeper_op(k, &now), 3000, 3500, 3000, true).has_room);
        assert_int_equal(limiter_confirm(&l, &t[1], now.best), LIMITER_GO);
        limiter_refund(&l, &t[0]);
        limiter_refund(&l, &t[1]);
}

/* The store keeps 750 of the 300 that are left until half of the window is over, and then less and
 * less until four fifths are: 150 are free 44.4 s after its beginning. */
static void who_would_get_crumbs_waits_until_less_is_kept_for_the_urgent(void **state)
{
        struct limiter_ticket t[2];

        (void)state;
        settle(3000);
        assert_int_equal(reserve(3000, &t[0]), LIMITER_GO);
        assert_int_equal(reserve(50, &t[1]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        (void)answer_with(keeper_op(k, &now), (struct op_granted){ .share = 3000,
                                                                   .claim_current = 3000,
                                                                   .claim_next = 3000,
                                                                   .others = 2700 });
        /* That it was urgent is another matter. */
        k->wards[0].urgent_again_us = UINT64_MAX;
        for (uint64_t ms = 1000; ms < 44400; ms += 100) {
                at(ms);
                assert_false(keeper_look(k, &now));
        }
        at(44500);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        limiter_refund(&l, &t[0]);
        limiter_refund(&l, &t[1]);
}

/* It had waited with little, so it asked for little. */
static void who_got_all_that_it_asked_for_need_not_wait_its_turn(void **state)
{
        struct limiter_ticket t[3];
        const struct op *op;
        uint32_t want;

        (void)state;
        settle(100);
        assert_int_equal(reserve(100, &t[0]), LIMITER_GO);
        assert_int_equal(reserve(10, &t[1]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        op = keeper_op(k, &now);
        want = (uint32_t)op->budgets[0].current.want;
        (void)answer(op, 100, want, 100, true);
        limiter_refund(&l, &t[1]);
        assert_int_equal(reserve(want - 100, &t[1]), LIMITER_GO);
        assert_int_equal(reserve(10, &t[2]), LIMITER_WAIT);
        k->wards[0].urgent_again_us = UINT64_MAX;
        assert_false(keeper_look(k, &now));
        at(1200);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                limiter_refund(&l, &t[i]);
}

static void an_answer_about_the_window_before_makes_nobody_wait_in_this_one(void **state)
{
        struct limiter_ticket t[2];
        const struct op *op;

        (void)state;
        settle(3000);
        at(SPAN - 10000);
        assert_int_equal(reserve(3000, &t[0]), LIMITER_GO);
        assert_int_equal(reserve(500, &t[1]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        op = keeper_op(k, &now);
        at(SPAN + 100);
        (void)!keeper_look(k, &now);
        (void)answer(op, 3000, 3000, 3000, true);
        limiter_refund(&l, &t[0]);
        limiter_refund(&l, &t[1]);
        assert_int_equal(reserve(3000, &t[0]), LIMITER_GO);
        assert_int_equal(reserve(500, &t[1]), LIMITER_WAIT);
        /* Behind a turn it speaks once anyway. */
        k->wards[0].post_number = N + 1;
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        limiter_refund(&l, &t[0]);
        limiter_refund(&l, &t[1]);
}

static void what_is_urgent_is_told_and_does_not_wait_its_turn(void **state)
{
        struct limiter_request data = request(40);
        struct limiter_ticket t[3];
        const struct op *op;

        (void)state;
        data.class = CLASS_MARKET;
        settle(3000);
        assert_int_equal(reserve(3000, &t[0]), LIMITER_GO);
        assert_int_equal(limiter_reserve(&l, &data, now.best, &t[1]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].current.urgent, 0);
        (void)answer(op, 3000, 3000, 3000, true);
        at(1100);
        assert_false(keeper_look(k, &now));

        assert_int_equal(reserve(7, &t[2]), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        op = keeper_op(k, &now);
        /* And what orders must leave of the cap. */
        assert_true(op->budgets[0].current.urgent >= 7 && op->budgets[0].current.urgent < 250);
        (void)answer(op, 3000, 3000, 3000, true);
        /* It was said, and nobody new is there. */
        assert_false(keeper_look(k, &now));
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                limiter_refund(&l, &t[i]);
}

static void what_others_want_and_nobody_needs_here_is_given_back(void **state)
{
        struct op_told told = { .id = "main/0/60000", .window = N };
        struct op_news news = { .from = OTHER, .hungry = &told, .n_hungry = 1 };
        struct limiter_ticket t;
        struct keeper_change change;
        const struct op_budget *b;

        (void)state;
        settle(3000);
        at(30000);
        assert_int_equal(reserve(100, &t), LIMITER_GO);
        for (uint64_t ms = 30000; ms < 40000; ms += 100) {
                at(ms);
                (void)!keeper_look(k, &now);
        }
        keeper_news(k, &news, &now, &change);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_RETURN);
        b = &keeper_op(k, &now)->budgets[0];
        /* Lowered in the region before it is told, and what is used stays. */
        assert_true(b->current.hold >= 100 && b->current.hold < 1000);
        assert_int_equal(b->current.hold, lease_cap(&weight, N, AT(40000)));
        assert_true(b->next.hold < 1000);
        assert_int_equal(b->n_later, 1);
        assert_int_equal(b->later[0], lease_cap(&weight, N + 2, AT(40000)));
        assert_int_equal(lease_cap(&weight, N + 3, AT(40000)), 3000);
        limiter_refund(&l, &t);
}

/* It needs room now, and has more than it needs of the next window: it would say so with each look.
 */
static void who_is_hungry_does_not_speak_to_give_back(void **state)
{
        struct limiter_ticket first, waits, more[50];
        const struct op *op;
        bool looked = true;

        (void)state;
        assert_true(keeper_look(k, &now));
        (void)answer(keeper_op(k, &now), 300, 300, 5000, false);
        at(30000);
        assert_int_equal(reserve(250, &first), LIMITER_GO);
        (void)!keeper_look(k, &now);
        assert_int_equal(reserve(100, &waits), LIMITER_WAIT);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_HUNGRY);
        op = keeper_op(k, &now);
        at(30040);
        (void)answer(op, 300, 300, 5000, true);
        limiter_refund(&l, &waits);
        for (size_t i = 0; i < ARRAY_SIZE(more); ++i) {
                at(30041 + i);
                assert_int_equal(reserve(1, &more[i]), LIMITER_GO);
                looked = keeper_look(k, &now);
        }
        assert_false(looked);
        for (size_t i = 0; i < ARRAY_SIZE(more); ++i)
                limiter_refund(&l, &more[i]);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_RETURN);
        limiter_refund(&l, &first);
}

static void our_own_news_are_no_news(void **state)
{
        struct op_told told = { .id = "main/0/60000", .window = N };
        struct op_news news = { .from = region.lease->host, .hungry = &told, .n_hungry = 1 };
        struct keeper_change change;

        (void)state;
        settle(3000);
        keeper_news(k, &news, &now, &change);
        assert_false(keeper_look(k, &now));
}

static void a_stop_here_is_told_and_one_of_others_obeyed(void **state)
{
        struct op_gate gate = { .id = "main/2", .until_ms = AT(80000), .kind = GATE_BAN };
        struct op_gate strange = { .id = "elsewhere/3", .until_ms = AT(80000), .kind = GATE_BAN };
        struct op_gate opened = { .id = "main/2", .at_ms = AT(81000) };
        struct op_news news = { .from = OTHER, .gates = &gate, .n_gates = 1 };
        struct keeper_change change;
        struct gate_view view;
        const struct op *op;

        (void)state;
        settle(3000);
        assert_true(gate_shut(limiter_gate(&l, 1), GATE_BAN, AT(70000)));
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_KNOWS);
        op = keeper_op(k, &now);
        assert_int_equal(op->n_gates, 1);
        assert_string_equal(op->gates[0].id, "main/1");
        assert_int_equal(op->gates[0].until_ms, AT(70000));
        (void)answer(op, 3000, 3000, 3000, false);
        assert_false(keeper_look(k, &now));

        keeper_news(k, &news, &now, &change);
        assert_true(change.has_stop);
        gate_look(limiter_gate(&l, 2), AT(1000), &view);
        assert_true(view.is_shut && view.kind == GATE_BAN && view.until_ms == AT(80000));
        /* It came from the store: it is not told to it. */
        assert_false(keeper_look(k, &now));
        news.gates = &strange;
        keeper_news(k, &news, &now, &change);
        assert_false(change.has_stop);
        news.gates = &opened;
        keeper_news(k, &news, &now, &change);
        gate_look(limiter_gate(&l, 2), AT(81000), &view);
        assert_false(view.is_shut);
}

static void a_share_that_is_over_is_told_as_none(void **state)
{
        struct limiter_ticket t;
        const struct op *op;

        (void)state;
        settle(3000);
        at(GRACE - SPAN / 2);
        assert_int_equal(reserve(70, &t), LIMITER_GO);
        (void)keeper_away(k, &now);
        at(GRACE + 1200);
        assert_int_equal(lease_cap(&weight, N + 14, AT(GRACE + 1200)), 0);
        keeper_up(k);
        assert_true(keeper_look(k, &now));
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].share, 0);
        /* It flies from the window before, and is no cap of this one. */
        assert_int_equal(op->budgets[0].before, 70);
        assert_int_equal(op->budgets[0].current.hold, 0);
        limiter_refund(&l, &t);
}

static void a_lower_limit_lowers_what_was_granted(void **state)
{
        uint64_t windows[REGION_POOL_WINDOWS] = { region_window(SPAN, LIMIT / 2) };
        const struct op *op;

        (void)state;
        settle(3000);
        limiter_set_pool(&l, pool, windows);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_KNOWS);
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].limit, LIMIT / 2);
        assert_int_equal(op->budgets[0].share, 1500);
        assert_int_equal(op->budgets[0].current.hold, 1500);
        assert_int_equal(op->limits_at_ms, AT(1000));
        assert_true(op->n_limits > 0);
}

static void show(uint32_t used)
{
        struct limiter_news news = { pool, 0, SPAN, used, false };
        struct limiter_ticket t;

        assert_int_equal(reserve(10, &t), LIMITER_GO);
        limiter_land(&l, &t, now.best, 0, 0, &news, 1, NULL);
}

static void what_nobody_known_can_have_used_is_told_at_once(void **state)
{
        const struct op *op;

        (void)state;
        settle(3000);
        /* Of hosts that are to speak in turn the last. */
        region.lease->host = SHOWN_LATE;
        k->wards[0].others = 300;
        k->wards[0].unclaimed = 300;
        show(700);
        /* Others may have used so much. */
        assert_false(keeper_look(k, &now));
        show(760);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_KNOWS);
        op = keeper_op(k, &now);
        assert_int_equal(op->budgets[0].current.seen, 760);
        assert_int_equal(op->budgets[0].current.used, 20);
        (void)answer(op, 3000, 3000, 3000, false);
        assert_false(keeper_look(k, &now));
}

/* Busy hosts hold so much of the window that no burst is more than they can have used. */
static void when_much_more_of_the_window_is_gone_others_are_told_whoever_used_it(void **state)
{
        (void)state;
        settle(3000);
        region.lease->host = SHOWN_LATE;
        k->wards[0].others = 2000;
        k->wards[0].unclaimed = 1000;
        show(2 * LIMIT / 10 - LIMIT / 10 / 16 - 1);
        assert_false(keeper_look(k, &now));
        show(2 * LIMIT / 10);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_KNOWS);
        /* Who has told it is told of it; another need not. */
        (void)answer(keeper_op(k, &now), 3000, 3000, 3000, false);
        assert_false(keeper_look(k, &now));
        show(4 * LIMIT / 10);
        atomic_store(&region.lease->n_hosts, 1);
        assert_false(keeper_look(k, &now));
}

/* Nothing was answered in this window yet: others may have all that is not this host's. */
static void a_burst_of_strangers_is_told_before_the_first_answer_of_the_window(void **state)
{
        (void)state;
        settle(3000);
        k->wards[0].others_number = N - 1;
        show(3400);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_KNOWS);
}

static void what_another_host_has_seen_is_in_the_way_here(void **state)
{
        struct op_told told = { .window = N, .amount = 5990 };
        struct op_news news = { .from = 99, .seen = &told, .n_seen = 1 };
        struct keeper_change change;
        struct limiter_ticket t;

        (void)state;
        settle(3000);
        (void)snprintf(told.id, sizeof(told.id), "%s", k->wards[0].id);
        keeper_news(k, &news, &now, &change);
        /* It was granted before that was known. */
        assert_int_equal(lease_cap(&weight, N, AT(1000)), 3000);
        assert_int_equal(reserve(11, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        assert_int_equal(reserve(10, &t), LIMITER_GO);
        limiter_refund(&l, &t);
        /* Who has told it knows, and the next window has nothing to do with it. */
        assert_false(keeper_look(k, &now));
        told.window = N + 2;
        keeper_news(k, &news, &now, &change);
        at(SPAN + 1000);
        assert_false(keeper_look(k, &now) && k->reason == KEEPER_KNOWS);
        assert_int_equal(reserve(2000, &t), LIMITER_GO);
        limiter_refund(&l, &t);
}

static void who_has_more_than_its_part_speaks_when_another_is_poor(void **state)
{
        struct op_told told = { .window = N };
        struct op_news news = { .from = 99, .poor = &told, .n_poor = 1 };
        struct keeper_change change;

        (void)state;
        settle(3000);
        (void)snprintf(told.id, sizeof(told.id), "%s", k->wards[0].id);
        atomic_store(&region.lease->n_hosts, 2);
        keeper_news(k, &news, &now, &change);
        assert_false(keeper_look(k, &now));
        atomic_store(&region.lease->n_hosts, 3);
        keeper_news(k, &news, &now, &change);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_LOWERED);
        (void)answer(keeper_op(k, &now), 3000, 3000, 3000, false);
        assert_false(keeper_look(k, &now));
        /* The store leaves it what it has: it does not ask that again with each op of the other. */
        atomic_store(&region.lease->n_hosts, 3);
        keeper_news(k, &news, &now, &change);
        assert_false(keeper_look(k, &now));
        at(2000);
        keeper_news(k, &news, &now, &change);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_LOWERED);
}

/* Books that were wiped grant nothing until those have spoken who know what was granted. */
static void when_it_waits_for_others_that_is_written_down(void **state)
{
        const struct op *op;
        struct keeper_change change;

        (void)state;
        settle(3000);
        assert_int_equal(atomic_load(&region.lease->waits_ms), 0);
        for (unsigned ms = 2000; ms <= 3000; ms += 1000) {
                struct op_answer a = { .birth = "00000000000000ab",
                                       .epoch = 1,
                                       .roster = { region.lease->host, OTHER },
                                       .n_roster = 2,
                                       .n_hosts = 2,
                                       .wait = "it waits for the host two" };

                at(ms);
                op = keeper_op(k, &now);
                a.seq = op->seq;
                keeper_answer(k, &a, &now, &change);
                /* Since when, not when last. */
                assert_int_equal(atomic_load(&region.lease->waits_ms), AT(2000));
        }
        at(4000);
        (void)answer(keeper_op(k, &now), 3000, 3000, 3000, false);
        assert_int_equal(atomic_load(&region.lease->waits_ms), 0);
}

static void when_it_is_away_that_is_written_down(void **state)
{
        (void)state;
        assert_false(keeper_away(k, &now));
        assert_int_equal(atomic_load(&region.lease->away_ms), AT(1000));
        keeper_up(k);
        at(5000);
        settle(3000);
        assert_int_equal(atomic_load(&region.lease->away_ms), 0);
        assert_true(keeper_away(k, &now));
        assert_false(keeper_look(k, &now));
}

static void
another_keeper_under_this_number_is_noticed_though_it_is_the_first_to_speak(void **state)
{
        struct op_guest speaks = { .host = OTHER };
        struct op_news news = { .from = region.lease->host, .speaks = &speaks, .n_speaks = 1 };
        struct keeper_change change;

        (void)state;
        settle(3000);
        (void)snprintf(speaks.name, sizeof(speaks.name), "0123456789abcdef");
        keeper_news(k, &news, &now, &change);
        assert_false(change.is_twice);
        speaks.host = region.lease->host;
        keeper_news(k, &news, &now, &change);
        assert_true(change.is_twice);
        (void)snprintf(speaks.name, sizeof(speaks.name), "%s", k->run);
        keeper_news(k, &news, &now, &change);
        assert_false(change.is_twice);
}

static void who_hears_of_another_of_its_number_has_nothing_and_takes_another(void **state)
{
        struct limiter_ticket t[2];
        const struct op *op;
        uint64_t host = region.lease->host;

        (void)state;
        settle(3000);
        assert_int_equal(reserve(70, &t[0]), LIMITER_GO);
        keeper_renumber(k, &now);
        assert_int_not_equal(region.lease->host, host);
        assert_int_not_equal(region.lease->host, 0);
        assert_int_equal(lease_share(&weight, AT(1000)), 0);
        assert_int_equal(lease_cap(&weight, N, AT(1000)), 70);
        assert_int_equal(lease_cap(&weight, N + 1, AT(1000)), 0);
        assert_int_not_equal(reserve(1, &t[1]), LIMITER_GO);

        /* As a new host does, when a pause is over. */
        assert_false(keeper_look(k, &now));
        at(2100);
        assert_true(keeper_look(k, &now));
        assert_int_equal(k->reason, KEEPER_FIRST);
        op = keeper_op(k, &now);
        assert_true(op->host == region.lease->host);
        assert_string_equal(op->birth, "");
        assert_int_equal(op->n_budgets, 1);
        assert_int_equal(op->budgets[0].share, 0);
        assert_int_equal(op->budgets[0].current.hold, 70);
        (void)answer(op, 1500, 1500, 1500, false);
        assert_int_equal(reserve(1, &t[1]), LIMITER_GO);
        limiter_refund(&l, &t[0]);
        limiter_refund(&l, &t[1]);
}

static void a_refusal_is_not_asked_for_again_at_once(void **state)
{
        (void)state;
        assert_true(keeper_look(k, &now));
        (void)keeper_op(k, &now);
        keeper_refused(k, &now);
        assert_false(keeper_look(k, &now));
        at(3000);
        assert_true(keeper_look(k, &now));
        /* It is written down since when, until the store serves it or is away. */
        keeper_refused(k, &now);
        assert_int_equal(atomic_load(&region.lease->refused_ms), AT(1000));
        (void)answer(keeper_op(k, &now), 100, 100, 100, false);
        assert_int_equal(atomic_load(&region.lease->refused_ms), 0);
        keeper_refused(k, &now);
        assert_int_equal(atomic_load(&region.lease->refused_ms), AT(3000));
        assert_true(keeper_away(k, &now));
        assert_int_equal(atomic_load(&region.lease->refused_ms), 0);
}

static void who_says_goodbye_uses_nothing_any_more(void **state)
{
        struct limiter_ticket t[2];
        const struct op *op;

        (void)state;
        settle(3000);
        assert_int_equal(reserve(70, &t[0]), LIMITER_GO);
        op = keeper_bye(k, &now);
        assert_non_null(op);
        assert_true(op->is_bye);
        assert_int_equal(op->budgets[0].share, 0);
        assert_int_equal(op->budgets[0].current.hold, 70);
        assert_int_equal(op->budgets[0].current.used, 70);
        assert_int_equal(op->budgets[0].after, 70);
        assert_int_equal(op->budgets[0].next.hold, 0);
        for (uint64_t n = N; n < N + 9; ++n)
                assert_int_equal(lease_cap(&weight, n, AT(1000)), n == N ? 70 : 0);
        assert_int_not_equal(reserve(1, &t[1]), LIMITER_GO);
        limiter_refund(&l, &t[0]);

        /* Of a store that is away nothing is said, and the share stays. */
        (void)keeper_away(k, &now);
        assert_null(keeper_bye(k, &now));
        keeper_up(k);
        settle(3000);
        at(2000);
        assert_int_equal(reserve(1, &t[1]), LIMITER_GO);
        limiter_refund(&l, &t[1]);
        (void)keeper_away(k, &now);
        assert_null(keeper_bye(k, &now));
        assert_int_equal(lease_cap(&weight, N + 5, AT(1000)), 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_new_connection_hears_of_all_budgets),
                TEST(before_the_time_is_known_nothing_but_gates_is_heard),
                TEST(what_was_told_may_be_used),
                TEST(an_answer_to_another_op_changes_nothing),
                TEST(who_is_asked_to_come_again_names_the_books),
                TEST(a_lower_share_is_reported_at_once),
                TEST(who_found_no_room_asks_and_not_all_the_time),
                TEST(who_would_get_crumbs_waits_until_less_is_kept_for_the_urgent),
                TEST(who_got_all_that_it_asked_for_need_not_wait_its_turn),
                TEST(an_answer_about_the_window_before_makes_nobody_wait_in_this_one),
                TEST(what_is_urgent_is_told_and_does_not_wait_its_turn),
                TEST(what_others_want_and_nobody_needs_here_is_given_back),
                TEST(who_is_hungry_does_not_speak_to_give_back),
                TEST(our_own_news_are_no_news),
                TEST(a_stop_here_is_told_and_one_of_others_obeyed),
                TEST(a_share_that_is_over_is_told_as_none),
                TEST(a_lower_limit_lowers_what_was_granted),
                TEST(a_burst_of_strangers_is_told_before_the_first_answer_of_the_window),
                TEST(who_has_more_than_its_part_speaks_when_another_is_poor),
                TEST(what_another_host_has_seen_is_in_the_way_here),
                TEST(what_nobody_known_can_have_used_is_told_at_once),
                TEST(when_much_more_of_the_window_is_gone_others_are_told_whoever_used_it),
                TEST(when_it_waits_for_others_that_is_written_down),
                TEST(when_it_is_away_that_is_written_down),
                TEST(who_says_goodbye_uses_nothing_any_more),
                TEST(another_keeper_under_this_number_is_noticed_though_it_is_the_first_to_speak),
                TEST(who_hears_of_another_of_its_number_has_nothing_and_takes_another),
                TEST(a_refusal_is_not_asked_for_again_at_once),
        };

        return cmocka_run_group_tests_name("lease/keeper", tests, NULL, NULL);
}
