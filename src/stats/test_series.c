#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/series.h"
#include "stats/test_requests.h"

static void steps_have_no_gaps_and_lines_are_the_heaviest(void **state)
{
        struct series_query query = {
                STATS_BY_CLIENT, MINUTE(0), MINUTE(4) + 100, 60000, 2, false
        };
        struct stats *s = opened(60000);
        struct series *series;

        (void)state;
        note(s, "small", 1, MINUTE(0), 1);
        note(s, "large", 100, MINUTE(0), 1);
        note(s, "middle", 10, MINUTE(1), 1);
        stats_turn(s, 0, MINUTE(3), false);
        note(s, "small", 2, MINUTE(4), 1);
        refuse(s, "small", "late", MINUTE(4) + 10);

        series = series_of_memory(s, 0, &query);
        assert_int_equal(series->first_ms, MINUTE(0));
        assert_int_equal(series->n_steps, 5);
        assert_int_equal(series->n_lines, 3);
        assert_string_equal(series->lines[0].name, "large");
        assert_int_equal(series->lines[0].weight[0], 100);
        assert_string_equal(series->lines[1].name, "middle");
        assert_int_equal(series->lines[1].weight[1], 10);
        assert_string_equal(series->lines[2].name, STATS_OTHERS);
        assert_int_equal(series->lines[2].weight[0], 1);
        assert_int_equal(series->lines[2].weight[4], 2);
        assert_true(series->steps[1].is_there);
        assert_false(series->steps[2].is_there);
        assert_int_equal(series->steps[0].limit, 6000);
        assert_int_equal(series->steps[4].refused[0], 1);
        series_free(series);
        stats_close(s);
}

static void those_who_sent_orders_are_told_by_them(void **state)
{
        struct series_query query = { STATS_BY_CLIENT, MINUTE(0), MINUTE(1), 60000, 1, true };
        struct stats *s = opened(60000);
        struct stats_request order = request("trader", 0, MINUTE(0));
        struct series *series;

        (void)state;
        note(s, "poller", 100, MINUTE(0), 3);
        order.orders = 1;
        stats_note(s, &order, MINUTE(0) + 20);
        stats_note(s, &order, MINUTE(0) + 30);
        series = series_of_memory(s, 0, &query);
        assert_int_equal(series->n_lines, 2);
        assert_string_equal(series->lines[0].name, "trader");
        assert_int_equal(series->lines[0].orders[0], 2);
        assert_int_equal(series->lines[0].weight[0], 0);
        assert_int_equal(series->lines[0].sum, 2);
        assert_int_equal(series->lines[1].weight[0], 300);
        assert_int_equal(series->lines[1].sum, 0);
        series_free(series);
        stats_close(s);
}

static void only_whole_steps_inside_are_shown(void **state)
{
        static const struct {
                const char *label;
                uint64_t from_ms, to_ms, first_ms;
                size_t n_steps;
        } rows[] = {
                { "one", MINUTE(1), MINUTE(1), MINUTE(1), 1 },
                { "a part of the first is not", MINUTE(1) + 1, MINUTE(3), MINUTE(2), 2 },
                { "none", MINUTE(1) + 1, MINUTE(1) + 59999, 0, 0 },
                { "to is before from", MINUTE(5), MINUTE(2), 0, 0 },
                { "too many: the last ones", MINUTE(0), MINUTE(9999), MINUTE(7000), 3000 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct series_query query = {
                        STATS_BY_CLASS, rows[i].from_ms, rows[i].to_ms, 60000, 5, false
                };
                struct series *series = series_new(&query);

                if (series->n_steps != rows[i].n_steps ||
                    (rows[i].n_steps > 0 && series->first_ms != rows[i].first_ms))
                        fail_msg("%s: %zu", rows[i].label, series->n_steps);
                series_free(series);
        }
}

static void windows_of_another_span_are_left_out(void **state)
{
        struct series_query query = { STATS_BY_CLASS, MINUTE(0), MINUTE(2), 10000, 5, false };
        struct stats_pool pool = { "spot-weight", 10000, 1000 };
        struct stats *s = opened(60000);
        struct series *series;

        (void)state;
        note(s, "maker", 1, MINUTE(0), 1);
        stats_set_pool(s, 0, &pool);
        note(s, "maker", 2, MINUTE(1), 1);
        series = series_of_memory(s, 0, &query);
        assert_int_equal(series->n_steps, 13);
        assert_int_equal(series->lines[0].sum, 2);
        assert_int_equal(series->steps[6].limit, 1000);
        series_free(series);
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(steps_have_no_gaps_and_lines_are_the_heaviest),
                cmocka_unit_test(those_who_sent_orders_are_told_by_them),
                cmocka_unit_test(only_whole_steps_inside_are_shown),
                cmocka_unit_test(windows_of_another_span_are_left_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
