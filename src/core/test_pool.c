#include "core/test_budgets.h"

static void one_budget_may_be_stopped(void **state)
{
        struct limiter_request r = request_of(CLASS_ORDER, 1, 1);
        struct limiter_ticket t, other;

        (void)state;
        limiter_shut_pool(&l, ORDERS, 7, AT(31000));
        limiter_shut_pool(&l, ORDERS, 7, AT(20000)); /* never shorter */
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(31000));
        assert_int_equal(t.blocked_by, ORDERS);
        r.deadline_ms = AT(31000);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &other), LIMITER_LATE);
        r.deadline_ms = UINT64_MAX;
        r.charges[1].owner = 8;
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &other), LIMITER_GO);
        /* Stopped for longer while it waits. */
        limiter_shut_pool(&l, ORDERS, 7, AT(35000));
        assert_int_equal(limiter_confirm(&l, &t, NOW(31000)), LIMITER_WAIT);
        assert_int_equal(t.at_ms, AT(35000));
        limiter_shut_pool(&l, ORDERS, 7, AT(55000));
        assert_int_equal(limiter_confirm(&l, &t, NOW(35000)), LIMITER_SHUT);
        assert_int_equal(t.state, TICKET_EMPTY);
        /* Beyond all places. */
        limiter_shut_pool(&l, ORDERS, 7, AT(3600000));
        r.charges[1].owner = 7;
        assert_int_equal(limiter_reserve(&l, &r, NOW(56000), &t), LIMITER_SHUT);
        assert_int_equal(t.at_ms, AT(3600000));
}

static void limits_that_change_in_mid_window_count_what_is_spent(void **state)
{
        const uint64_t less[REGION_POOL_WINDOWS] = { W(60000, 300) };
        const uint64_t more[REGION_POOL_WINDOWS] = { W(60000, 2000) };
        struct limiter_ticket t = go(CLASS_CANCEL, 400, 0, 1000), u;

        (void)state;
        limiter_set_pool(&l, WEIGHT, less);
        assert_int_equal(reserve(CLASS_CANCEL, 1, 0, 2000, &u), LIMITER_WAIT);
        assert_int_equal(u.at_ms, AT(60000 + GUARD));
        assert_int_equal(reserve(CLASS_CANCEL, 301, 0, 2000, &u), LIMITER_NEVER);
        limiter_set_pool(&l, WEIGHT, more);
        (void)go(CLASS_CANCEL, 1600, 0, 3000);
        land(&t, 4000);
        assert_int_equal(weight_spent(N), 2000);
}

static void a_held_place_is_measured_by_the_limit_of_its_time(void **state)
{
        const uint64_t less[REGION_POOL_WINDOWS] = { W(60000, 300) };
        const uint64_t none[REGION_POOL_WINDOWS] = { 0 };
        struct limiter_ticket first = go(CLASS_CANCEL, 1000, 0, 1000), t, u;

        (void)state;
        land(&first, 1100);
        assert_int_equal(reserve(CLASS_CANCEL, 300, 0, 2000, &t), LIMITER_WAIT);
        assert_int_equal(reserve(CLASS_CANCEL, 300, 0, 2000, &u), LIMITER_WAIT);
        limiter_set_pool(&l, WEIGHT, less);
        assert_int_equal(limiter_confirm(&l, &t, NOW(60100)), LIMITER_GO);
        assert_int_not_equal(limiter_confirm(&l, &u, NOW(60100)), LIMITER_GO);
        /* A window that is no longer counted keeps its last limit for those who hold a place. */
        limiter_refund(&l, &t);
        limiter_refund(&l, &u);
        assert_int_equal(reserve(CLASS_CANCEL, 300, 0, 60200, &t), LIMITER_GO);
        assert_int_equal(reserve(CLASS_CANCEL, 300, 0, 60200, &u), LIMITER_WAIT);
        land(&t, 60300);
        limiter_set_pool(&l, WEIGHT, none);
        assert_int_equal(limiter_confirm(&l, &u, NOW(120100)), LIMITER_GO);
}

static void windows_of_a_pool_keep_their_places_when_the_order_changes(void **state)
{
        const uint64_t other_way[REGION_POOL_WINDOWS] = { W(60000, 300), W(10000, 40) };
        const uint64_t longer[REGION_POOL_WINDOWS] = { W(86400000, 9), W(60000, 300) };
        const word_t *pool = region.header->pools[ORDERS];

        (void)state;
        /* A reader in the middle of the change must find each span that is in both. */
        limiter_set_pool(&l, ORDERS, other_way);
        assert_int_equal(pool[0], W(10000, 40));
        assert_int_equal(pool[1], W(60000, 300));
        limiter_set_pool(&l, ORDERS, longer);
        assert_int_equal(pool[1], W(60000, 300));
        assert_int_equal(pool[0] + pool[2] + pool[3], W(86400000, 9));
}

static void count_slot(void *ctx, const struct window *w, uint16_t pool, uint64_t owner,
                       uint64_t shut_until_ms)
{
        unsigned *n = ctx;

        assert_true(pool == WEIGHT || pool == ORDERS);
        assert_int_equal(owner, pool == ORDERS ? 7 : 0);
        assert_int_equal(shut_until_ms, pool == ORDERS ? AT(500) : 0);
        assert_int_equal(w->limit, pool == WEIGHT ? 1000 : w->span_ms == 10000 ? 50 : 400);
        ++*n;
}

static void people_see_every_budget(void **state)
{
        struct limiter_ticket t = go(CLASS_ORDER, 1, 1, 1000);
        unsigned n = 0;

        (void)state;
        limiter_shut_pool(&l, ORDERS, 7, AT(500));
        limiter_each_slot(&region, count_slot, &n);
        assert_int_equal(n, 3);
        land(&t, 1100);
        assert_int_equal(limiter_turn_ms(&l, ORDERS, 0, NOW(1000)), AT(10000 + GUARD));
        assert_int_equal(limiter_turn_ms(&l, ORDERS, 0, NOW(9900)), AT(20000 + GUARD));
        assert_int_equal(limiter_turn_ms(&l, NONE, 0, NOW(1000)), AT(1000));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(one_budget_may_be_stopped),
                TEST(limits_that_change_in_mid_window_count_what_is_spent),
                TEST(a_held_place_is_measured_by_the_limit_of_its_time),
                TEST(windows_of_a_pool_keep_their_places_when_the_order_changes),
                TEST(people_see_every_budget),
        };

        return cmocka_run_group_tests_name("core/pool", tests, NULL, teardown);
}
