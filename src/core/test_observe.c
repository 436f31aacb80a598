#include "core/test_budgets.h"

static void a_refund_at_landing_lowers_what_was_spent(void **state)
{
        struct limiter_ticket t = go(CLASS_ORDER, 10, 2, 1000);

        (void)state;
        limiter_land(&l, &t, NOW(1100), ORDERS, 1, NULL, 0, NULL);
        assert_int_equal(orders_spent(10000, 1000), 1);
        assert_int_equal(orders_spent(60000, 1000), 1);
        assert_int_equal(weight_spent(N), 10);
        t = go(CLASS_ORDER, 10, 2, 1200);
        limiter_land(&l, &t, NOW(1300), WEIGHT, 99, NULL, 0, NULL);
        assert_int_equal(weight_spent(N), 10);
        assert_int_equal(orders_spent(10000, 1000), 3);
}

static void use_by_others_on_this_address_is_found_and_makes_room(void **state)
{
        struct limiter_ticket t = go(CLASS_MARKET, 10, 0, 1000), held;
        struct limiter_news news = { .pool = WEIGHT, .span_ms = 60000, .used = 510 };
        uint32_t foreign = 0;

        (void)state;
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, &foreign);
        assert_int_equal(foreign, 500);
        assert_int_equal(look(WEIGHT, 0, 60000, N).extra, 500);
        /* As much again is expected of them; of that a quarter is kept from what closes. */
        assert_int_equal(reserve(CLASS_ORDER, 1, 0, 1200, &held), LIMITER_WAIT);
        limiter_refund(&l, &held);
        assert_int_equal(reserve(CLASS_CANCEL, 366, 0, 1200, &held), LIMITER_WAIT);
        limiter_refund(&l, &held);
        t = go(CLASS_CANCEL, 365, 0, 1200);
        /* An answer after the turn tells nothing about this window, and is carried. */
        news.used = 1000;
        limiter_land(&l, &t, NOW(59950), 0, 0, &news, 1, &foreign);
        assert_int_equal(look(WEIGHT, 0, 60000, N).extra, 500);
        assert_int_equal(look(WEIGHT, 0, 60000, N + 1).extra, 365);
        /* Of a pool that the request did not charge. */
        news = (struct limiter_news){ .pool = ORDERS, .owner = 7, .span_ms = 10000, .used = 5 };
        assert_true(limiter_observe(&l, &news, AT(1000), NOW(1100), &foreign));
        assert_int_equal(foreign, 5);
        assert_false(limiter_observe(&l, &news, AT(1000), NOW(1100), &foreign));
        assert_false(limiter_observe(&l, &news, AT(1000), NOW(9900), &foreign));
        news.span_ms = 5000;
        assert_false(limiter_observe(&l, &news, AT(1000), NOW(1100), &foreign));
}

static void a_count_that_falls_is_believed(void **state)
{
        struct limiter_ticket t = go(CLASS_ORDER, 0, 10, 1000);
        struct limiter_news news = {
                .pool = ORDERS, .owner = 7, .span_ms = 10000, .used = 4, .may_fall = true
        };

        (void)state;
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, NULL);
        assert_int_equal(orders_spent(10000, 1000), 4);
        assert_int_equal(orders_spent(60000, 1000), 10);
        assert_int_equal(look(ORDERS, 7, 10000, AT(0) / 10000).flying, 0);
}

static void a_held_place_is_lost_to_use_that_nobody_foresaw(void **state)
{
        struct limiter_ticket first = go(CLASS_CANCEL, 1000, 0, 1000), t, other;
        struct limiter_news news = { .pool = WEIGHT, .span_ms = 60000, .used = 995 };
        uint32_t foreign;

        (void)state;
        land(&first, 1100);
        assert_int_equal(reserve(CLASS_CANCEL, 10, 0, 2000, &t), LIMITER_WAIT);
        assert_true(limiter_observe(&l, &news, AT(60200), NOW(60200), &foreign));
        assert_int_equal(limiter_confirm(&l, &t, NOW(60300)), LIMITER_LOST);
        assert_int_equal(t.state, TICKET_EMPTY);
        assert_int_equal(weight_spent(N + 1), 0);
        /* A window that is over. */
        assert_int_equal(reserve(CLASS_CANCEL, 10, 0, 60300, &other), LIMITER_WAIT);
        assert_int_equal(limiter_confirm(&l, &other, NOW(4 * 60000)), LIMITER_LOST);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_refund_at_landing_lowers_what_was_spent),
                TEST(use_by_others_on_this_address_is_found_and_makes_room),
                TEST(a_count_that_falls_is_believed),
                TEST(a_held_place_is_lost_to_use_that_nobody_foresaw),
        };

        return cmocka_run_group_tests_name("core/observe", tests, NULL, teardown);
}
