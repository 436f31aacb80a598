#include "budget/limits.h"

#include <string.h>

#include "core/lease.h"
#include "core/pool.h"
#include "core/slot.h"
#include "budget/test_stage.h"

#define SPAN_MS 2000u
/* A turn of the minute, and what comes after it. */
#define AT(ms)  (28333333ULL * 60000 + (ms))
#define GUARD   20u
#define NOW(ms) ((struct limiter_time){ AT(ms), GUARD })
#define WEIGHT  ((uint16_t)policy_group_pool(POLICY_API, POLICY_WEIGHT))

static int setup(void **state)
{
        (void)state;
        return stage_open(AT(0));
}

static struct limiter_request weighing(uint32_t amount)
{
        return (struct limiter_request){
                .class = CLASS_CANCEL,
                .gate = 1,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = WEIGHT, .amount = amount } },
        };
}

static int reserve(uint32_t amount, uint64_t ms, struct limiter_ticket *t)
{
        struct limiter_request r = weighing(amount);

        return limiter_reserve(&l, &r, NOW(ms), t);
}

static struct limiter_ticket go(uint32_t amount, uint64_t ms)
{
        struct limiter_ticket t;

        assert_int_equal(reserve(amount, ms, &t), LIMITER_GO);
        return t;
}

/* exchangeInfo says that the weight is counted in windows of @span_ms. */
static void follow(uint32_t span_ms, uint32_t limit, uint64_t ms)
{
        const struct budget_limit limits[] = { { POLICY_WEIGHT, span_ms, limit } };

        budget_follow(&l, POLICY_API, limits, ARRAY_SIZE(limits), NOW(ms));
}

/* Of the window that is open at @ms, for a request that would leave now. */
static uint32_t used(uint32_t span_ms, uint64_t ms)
{
        struct window w = { slot_find(&region, WEIGHT, 0, span_ms, true), span_ms, 0, NULL };

        return window_used(&w, AT(ms) / span_ms, true);
}

static void what_is_in_flight_when_a_span_comes_counts_until_it_cannot_any_more(void **state)
{
        const uint64_t past = window_past(SPAN_MS);
        struct limiter_ticket answered = go(30, 500), flies = go(50, 1000);

        (void)state;
        limiter_land(&l, &answered, NOW(1100), 0, 0, NULL, 0, NULL);
        follow(SPAN_MS, 100, 1200);
        assert_int_equal(used(SPAN_MS, 1200), 80);
        for (uint64_t i = 1; i <= past; ++i)
                assert_int_equal(used(SPAN_MS, 1200 + i * SPAN_MS), 50);
        assert_int_equal(used(SPAN_MS, 1200 + (past + 1) * SPAN_MS), 0);
        /* It was told about the old span: nobody can say in which of the new windows it was. */
        limiter_land(&l, &flies, NOW(2500), 0, 0, NULL, 0, NULL);
        assert_int_equal(used(SPAN_MS, 2500), 50);
}

/* Whose tickets are in reach of the one that follows: as its answers come, their flight ends. */
static void what_is_adopted_is_over_when_its_answer_comes(void **state)
{
        struct limiter_ticket early = go(30, 1000), late = go(20, 1000), unsent = go(10, 1000);
        struct limiter_ticket *all[] = { &early, &late, &unsent };
        struct budget_windows before;
        uint32_t foreign = 0;

        (void)state;
        budget_windows(&l, POLICY_API, &before);
        follow(SPAN_MS, 100, 1200);
        for (size_t i = 0; i < ARRAY_SIZE(all); ++i)
                budget_adopt(&l, POLICY_API, &before, all[i], NOW(1200));
        assert_int_equal(used(SPAN_MS, 1200), 60);
        limiter_land(&l, &early, NOW(1300), WEIGHT, 5,
                     &(struct limiter_news){ .pool = WEIGHT, .span_ms = SPAN_MS, .used = 25 }, 1,
                     &foreign);
        assert_int_equal(foreign, 0);
        limiter_refund(&l, &unsent);
        assert_int_equal(used(SPAN_MS, 1400), 45);
        assert_int_equal(used(SPAN_MS, 3400), 20);
        /* After the turn: it may have been counted there. */
        limiter_land(&l, &late, NOW(2500), 0, 0, NULL, 0, NULL);
        assert_int_equal(used(SPAN_MS, 2500), 20);
        assert_int_equal(used(SPAN_MS, 4500), 0);
}

static void near_the_turn_it_may_be_in_either(void **state)
{
        struct limiter_ticket t = go(30, 1500);

        (void)state;
        limiter_land(&l, &t, NOW(1600), 0, 0, NULL, 0, NULL);
        follow(SPAN_MS, 100, 2000 + GUARD / 2);
        assert_int_equal(used(SPAN_MS, 1999), 30);
        assert_int_equal(used(SPAN_MS, 2100), 30);
        assert_int_equal(used(SPAN_MS, 4100), 0);
}

static void what_is_known_already_is_not_carried_again(void **state)
{
        struct limiter_ticket flies = go(40, 1000), more;

        (void)state;
        follow(SPAN_MS, 100, 1200);
        more = go(10, 1300);
        follow(SPAN_MS, 90, 1400);
        assert_int_equal(used(SPAN_MS, 1400), 50);
        assert_int_equal(used(SPAN_MS, 3400), 50);
        limiter_land(&l, &more, NOW(1500), 0, 0, NULL, 0, NULL);
        assert_int_equal(used(SPAN_MS, 3400), 40);
        limiter_land(&l, &flies, NOW(1500), 0, 0, NULL, 0, NULL);
}

/* The store is told what is ours, and what others have used is in the way of all together only. */
static void what_is_carried_is_ours_as_far_as_it_was(void **state)
{
        struct limiter_ticket t = go(30, 31000), flies = go(7, 31050);
        struct limiter_news news = { .pool = WEIGHT, .span_ms = 60000, .used = 48 };
        uint64_t number = AT(31200) / SPAN_MS;
        uint32_t foreign = 0;
        struct window w;

        (void)state;
        limiter_land(&l, &t, NOW(31100), WEIGHT, 0, &news, 1, &foreign);
        assert_int_equal(foreign, 11);
        atomic_store(&region.header->sharing, LEASE_SHARING);
        follow(SPAN_MS, 100, 31200);
        w = (struct window){ slot_find(&region, WEIGHT, 0, SPAN_MS, true), SPAN_MS, 100, &region };
        assert_int_equal(lease_used(&w, number), 37);
        assert_int_equal(used(SPAN_MS, 31200), 48);
        /* A header of the new length finds nothing that was not known. */
        foreign = 0;
        assert_int_equal(window_observe(&w, number, 48, &foreign), 0);
        assert_int_equal(foreign, 11);
        limiter_land(&l, &flies, NOW(31300), 0, 0, NULL, 0, NULL);
}

static void a_place_held_in_a_span_that_is_gone_is_lost(void **state)
{
        struct limiter_ticket first = go(5000, 1000), held;

        (void)state;
        limiter_land(&l, &first, NOW(1100), 0, 0, NULL, 0, NULL);
        assert_int_equal(reserve(5000, 1200, &held), LIMITER_WAIT);
        follow(SPAN_MS, 6000, 1300);
        /* Neither before its time nor at it: in the windows of now it has no place. */
        assert_int_equal(limiter_confirm(&l, &held, NOW(4100)), LIMITER_WAIT);
        assert_int_equal(limiter_confirm(&l, &held, NOW(60100)), LIMITER_LOST);
        assert_int_equal(held.state, TICKET_EMPTY);
        assert_int_equal(reserve(5000, 60100, &held), LIMITER_GO);
        assert_int_equal(used(SPAN_MS, 60100), 5000);
        limiter_refund(&l, &held);
}

static void a_header_of_a_span_that_is_gone_is_no_news(void **state)
{
        struct policy_input input = { .method = STR_LITERAL("GET"),
                                      .path = STR_LITERAL("/api/v3/ping") };
        struct limiter_news news;
        struct policy_plan plan;

        (void)state;
        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        assert_true(budget_news(&l, &plan, STR_LITERAL("x-mbx-used-weight-1m"), STR_LITERAL("7"),
                                &news));
        assert_false(budget_news(&l, &plan, STR_LITERAL("x-mbx-used-weight-2s"), STR_LITERAL("7"),
                                 &news));
        follow(SPAN_MS, 100, 1200);
        assert_false(budget_news(&l, &plan, STR_LITERAL("x-mbx-used-weight-1m"), STR_LITERAL("7"),
                                 &news));
        assert_true(budget_news(&l, &plan, STR_LITERAL("x-mbx-used-weight-2s"), STR_LITERAL("7"),
                                &news));
        assert_int_equal(news.span_ms, SPAN_MS);
}

static uint32_t limit_of(enum policy_unit unit, uint32_t span_ms)
{
        return pool_limit(&region, (uint16_t)policy_group_pool(POLICY_FAPI, unit), span_ms);
}

/* COIN-M's page may name the limits that it had before it was joined with USD-M. */
static void what_two_groups_share_is_raised_by_the_first_of_them_only(void **state)
{
        const struct budget_limit usdm[] = { { POLICY_WEIGHT, 60000, 3000 },
                                             { POLICY_ORDERS, 60000, 1500 },
                                             { POLICY_ORDERS, 10000, 400 } };
        const struct budget_limit former[] = { { POLICY_WEIGHT, 60000, 6000 },
                                               { POLICY_ORDERS, 60000, 1600 } };
        const struct budget_limit low[] = { { POLICY_WEIGHT, 60000, 2000 },
                                            { POLICY_ORDERS, 2000, 50 } };

        (void)state;
        budget_follow(&l, POLICY_DAPI, former, ARRAY_SIZE(former), NOW(1000));
        assert_int_equal(limit_of(POLICY_WEIGHT, 60000), 2400);
        budget_follow(&l, POLICY_FAPI, usdm, ARRAY_SIZE(usdm), NOW(1100));
        budget_follow(&l, POLICY_DAPI, former, ARRAY_SIZE(former), NOW(1200));
        assert_int_equal(limit_of(POLICY_WEIGHT, 60000), 3000);
        assert_int_equal(limit_of(POLICY_ORDERS, 60000), 1500);
        assert_int_equal(limit_of(POLICY_ORDERS, 10000), 400);
        budget_follow(&l, POLICY_DAPI, low, ARRAY_SIZE(low), NOW(1300));
        assert_int_equal(limit_of(POLICY_WEIGHT, 60000), 2000);
        assert_int_equal(limit_of(POLICY_ORDERS, 60000), 1500);
        assert_int_equal(limit_of(POLICY_ORDERS, 2000), 50);
        budget_follow(&l, POLICY_FAPI, usdm, ARRAY_SIZE(usdm), NOW(1400));
        assert_int_equal(limit_of(POLICY_WEIGHT, 60000), 3000);
        assert_int_equal(limit_of(POLICY_ORDERS, 2000), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(what_is_in_flight_when_a_span_comes_counts_until_it_cannot_any_more),
                TEST(what_is_adopted_is_over_when_its_answer_comes),
                TEST(near_the_turn_it_may_be_in_either),
                TEST(what_is_known_already_is_not_carried_again),
                TEST(what_is_carried_is_ours_as_far_as_it_was),
                TEST(a_place_held_in_a_span_that_is_gone_is_lost),
                TEST(a_header_of_a_span_that_is_gone_is_no_news),
                TEST(what_two_groups_share_is_raised_by_the_first_of_them_only),
        };

        return cmocka_run_group_tests_name("budget/limits", tests, NULL, teardown);
}
