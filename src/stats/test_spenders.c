#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/spenders.h"
#include "stats/test_requests.h"

#include <stdio.h>

static void they_are_summed_over_windows_and_pools(void **state)
{
        struct stats_pool pool = { "futures-weight", 60000, 2400 };
        struct stats_request r = request("taker", 7, MINUTE(1));
        struct stats *s = opened(60000);
        struct spenders *spenders;

        (void)state;
        stats_set_pool(s, 1, &pool);
        note(s, "maker", 5, MINUTE(0), 3);
        stats_turn(s, 0, MINUTE(2), false);
        note(s, "maker", 5, MINUTE(2), 1);
        r.pool = 1;
        stats_note(s, &r, MINUTE(1));
        refuse(s, "idle", "late", MINUTE(2));

        spenders = spenders_new(s, STATS_BY_CLIENT, MINUTE(0), 10);
        assert_int_equal(spenders->n, 3);
        assert_int_equal(spenders->n_names, 3);
        assert_int_equal(spenders->from_ms, MINUTE(0));
        assert_int_equal(spenders->to_ms, MINUTE(3));
        assert_int_equal(spenders->all.weight, 27);
        assert_string_equal(spenders->rows[0].name, "maker");
        assert_int_equal(spenders->rows[0].figures.weight, 20);
        assert_int_equal(spenders->rows[0].figures.requests, 4);
        assert_string_equal(spenders->rows[1].name, "taker");
        assert_string_equal(spenders->rows[2].name, "idle");
        assert_int_equal(spenders->rows[2].figures.refused, 1);
        spenders_free(spenders);

        /* What ended before is not looked at. */
        spenders = spenders_new(s, STATS_BY_CLIENT, MINUTE(1), 10);
        assert_int_equal(spenders->all.weight, 12);
        spenders_free(spenders);
        spenders = spenders_new(s, STATS_BY_CLIENT, MINUTE(9), 10);
        assert_int_equal(spenders->n, 0);
        assert_int_equal(spenders->to_ms, 0);
        spenders_free(spenders);
        stats_close(s);
}

static void those_beyond_are_one_row(void **state)
{
        struct stats *s = opened(60000);
        struct spenders *spenders;
        uint64_t weight = 0;
        char name[32];

        (void)state;
        for (unsigned minute = 0; minute < 3; ++minute)
                for (unsigned i = 0; i < 100; ++i) {
                        snprintf(name, sizeof(name), "client-%u", i);
                        note(s, name, i + 1, MINUTE(minute), 1);
                }
        spenders = spenders_new(s, STATS_BY_CLIENT, 0, 10);
        assert_int_equal(spenders->n, 11);
        assert_string_equal(spenders->rows[0].name, "client-99");
        assert_int_equal(spenders->rows[0].figures.weight, 300);
        assert_string_equal(spenders->rows[10].name, STATS_OTHERS);
        for (size_t i = 0; i < spenders->n; ++i)
                weight += spenders->rows[i].figures.weight;
        assert_int_equal(weight, 3 * 5050);
        assert_int_equal(weight, spenders->all.weight);
        spenders_free(spenders);
        stats_close(s);
}

static void waits_are_told_within_5_percent(void **state)
{
        struct stats *s = opened(60000);
        struct spenders *spenders;

        (void)state;
        for (unsigned i = 1; i <= 1000; ++i) {
                struct stats_request r = request("maker", 1, MINUTE(i % 3));

                r.wait_us = i * 1000;
                stats_note(s, &r, MINUTE(2));
        }
        spenders = spenders_new(s, STATS_BY_CLIENT, 0, 10);
        assert_in_range(spenders->rows[0].wait_p50_us, 475000, 525000);
        assert_in_range(spenders->rows[0].wait_p99_us, 940500, 1000000);
        spenders_free(spenders);
        stats_close(s);
}

/* Its windows are those of two counters, and it is one request. */
static void an_order_is_in_the_windows_of_both_its_counters_and_spent_once(void **state)
{
        struct stats_pool orders = { "spot-orders", 10000, 0 };
        struct stats_request order = request("trader", 2, MINUTE(0) + 15000);
        struct stats *s = opened(60000);
        const struct stats_window *w;
        struct spenders *spenders;

        (void)state;
        stats_set_pool(s, 1, &orders);
        order.orders = 1;
        order.orders_book = 1 + 1;
        stats_note(s, &order, MINUTE(0) + 15020);
        note(s, "poller", 5, MINUTE(0) + 15000, 1);
        stats_turn(s, 0, MINUTE(2), false);
        stats_turn(s, 1, MINUTE(2), false);
        w = stats_closed(s, 1, 0);
        assert_int_equal(w->start_ms, MINUTE(0) + 10000);
        assert_int_equal(w->all.requests, 1);
        assert_int_equal(w->all.orders, 1);
        assert_int_equal(w->all.weight, 0);
        assert_int_equal(row_of(w, STATS_BY_CLIENT, "trader")->figures.orders, 1);
        assert_null(row_of(w, STATS_BY_CLIENT, "poller"));
        w = stats_closed(s, 0, 0);
        assert_int_equal(row_of(w, STATS_BY_CLIENT, "trader")->figures.weight, 2);
        assert_int_equal(row_of(w, STATS_BY_CLIENT, "trader")->figures.orders, 1);
        assert_int_equal(stats_sums(s)->all.requests, 2);
        spenders = spenders_new(s, STATS_BY_CLIENT, 0, 10);
        assert_int_equal(spenders->all.requests, 2);
        assert_string_equal(spenders->rows[1].name, "trader");
        assert_int_equal(spenders->rows[1].figures.orders, 1);
        spenders_free(spenders);
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_is_in_the_windows_of_both_its_counters_and_spent_once),
                cmocka_unit_test(they_are_summed_over_windows_and_pools),
                cmocka_unit_test(those_beyond_are_one_row),
                cmocka_unit_test(waits_are_told_within_5_percent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
