#include "trade/look.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_check_costs_what_the_tables_say(void **state)
{
        static const struct {
                enum weir_market market;
                struct look_costs costs;
        } rows[] = {
                { WEIR_USDM, { 5, 5, 2, 80, 5 } },
                { WEIR_COINM, { 1, 5, 2, 80, 5 } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct look_costs costs;

                look_costs(rows[i].market, &costs);
                assert_int_equal(costs.positions, rows[i].costs.positions);
                assert_int_equal(costs.account, rows[i].costs.account);
                assert_int_equal(costs.orders_one, rows[i].costs.orders_one);
                assert_int_equal(costs.orders_all, rows[i].costs.orders_all);
                assert_int_equal(costs.trades, rows[i].costs.trades);
        }
}

static void all_orders_are_looked_at_when_due_or_no_dearer(void **state)
{
        static const struct look_costs usdm = { 5, 5, 2, 80, 5 }, coinm = { 1, 5, 2, 80, 5 };
        static const struct {
                const char *label;
                const struct look_costs *costs;
                size_t n_symbols;
                uint64_t every_ms, last_ms, now_ms;
                bool is_full;
        } rows[] = {
                { "no position, never wanted", &usdm, 0, 0, 0, 1000, false },
                { "39 symbols are cheaper one by one", &usdm, 39, 0, 0, 1000, false },
                { "40 cost the same, and all is more", &usdm, 40, 0, 0, 1000, true },
                { "41 are dearer", &usdm, 41, 0, 900, 1000, true },
                { "39 on COIN-M", &coinm, 39, 0, 0, 1000, false },
                { "40 on COIN-M", &coinm, 40, 0, 0, 1000, true },
                { "wanted and never seen", &usdm, 1, 600000, 0, 1000, true },
                { "wanted, seen just now", &usdm, 1, 600000, 1000, 1000, false },
                { "a millisecond before it is due", &usdm, 1, 600000, 1000, 600999, false },
                { "due", &usdm, 1, 600000, 1000, 601000, true },
                { "due without a position", &usdm, 0, 600000, 1000, 601000, true },
                { "a clock that went back", &usdm, 1, 600000, 5000, 1000, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (look_is_full(rows[i].costs, rows[i].n_symbols, rows[i].every_ms,
                                 rows[i].last_ms, rows[i].now_ms) != rows[i].is_full)
                        fail_msg("%s", rows[i].label);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_check_costs_what_the_tables_say),
                cmocka_unit_test(all_orders_are_looked_at_when_due_or_no_dearer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
