#include "trade/filters.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const char info[] =
        "{\"timezone\":\"UTC\",\"symbols\":["
        "{\"symbol\":\"BTCUSDT\",\"status\":\"TRADING\",\"filters\":["
        "{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"556.80\",\"maxPrice\":\"4529764\","
        "\"tickSize\":\"0.10\"},"
        "{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.001\",\"maxQty\":\"1000\",\"stepSize\":"
        "\"0.001\"},"
        "{\"filterType\":\"MARKET_LOT_SIZE\",\"minQty\":\"0.001\",\"maxQty\":\"120\","
        "\"stepSize\":\"0.010\"},"
        "{\"filterType\":\"MIN_NOTIONAL\",\"notional\":\"100\"},"
        "{\"filterType\":\"SOMETHING_NEW\",\"limit\":10}]},"
        "{\"symbol\":\"BTCUSD_PERP\",\"contractStatus\":\"SETTLING\",\"contractSize\":100,"
        "\"filters\":[]},"
        "{\"noSymbol\":1}]}";

static struct filters_table table;

static int begin(void **state)
{
        json_t *root = json_loads(info, 0, NULL);
        int r = filters_read(root, &table);

        (void)state;
        json_decref(root);
        return r;
}

static int end(void **state)
{
        (void)state;
        filters_deinit(&table);
        return 0;
}

static void exchange_info_is_read(void **state)
{
        const struct filters *f = filters_find(&table, "BTCUSDT");
        const struct filters *coin = filters_find(&table, "BTCUSD_PERP");
        char text[AMOUNT_TEXT_MAX];

        (void)state;
        assert_int_equal(table.n, 2);
        assert_non_null(f);
        assert_true(f->is_trading);
        assert_string_equal(amount_print(f->tick, text), "0.1");
        assert_string_equal(amount_print(f->market_lot.max, text), "120");
        assert_string_equal(amount_print(f->min_notional, text), "100");
        assert_non_null(coin);
        assert_false(coin->is_trading);
        assert_string_equal(amount_print(coin->contract_size, text), "100");
        assert_null(filters_find(&table, "btcusdt"));
}

static void what_is_no_exchange_info_is_refused(void **state)
{
        static const char *const bodies[] = {
                "", "{", "[]", "{}", "{\"symbols\":1}", "<html></html>"
        };
        struct filters_table t;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bodies); ++i) {
                json_t *root = json_loads(bodies[i], 0, NULL);

                assert_int_equal(filters_read(root, &t), -EBADMSG);
                json_decref(root);
        }
}

static void orders_are_made_to_fit_or_told_why_not(void **state)
{
        static const struct {
                enum weir_side side;
                enum weir_order_type type;
                enum weir_rounding rounding;
                bool reduce_only;
                const char *quantity, *price, *trigger;
                const char *fit_quantity, *fit_price, *fit_trigger; /* or: */
                const char *says;
        } rows[] = {
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0.0129", "50000.07", NULL, "0.012",
                  "50000", "", NULL },
                { WEIR_SELL, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0.0129", "50000.07", NULL,
                  "0.012", "50000.1", "", NULL },
                { WEIR_BUY, WEIR_TYPE_MARKET, WEIR_ROUND, false, "0.0199", NULL, NULL, "0.01", "",
                  "", NULL },
                { WEIR_BUY, WEIR_TYPE_STOP, WEIR_ROUND, false, "1", "50000", "50000.05", "1",
                  "50000", "50000.1", NULL },
                { WEIR_BUY, WEIR_TYPE_STOP_MARKET, WEIR_ROUND, false, "1", NULL, "50000.04", "1",
                  "", "50000", NULL },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND_NEVER, false, "0.0120", "50000.10", NULL,
                  "0.012", "50000.1", "", NULL },
                { WEIR_SELL, WEIR_TYPE_LIMIT, WEIR_ROUND, true, "0.001", "50000", NULL, "0.001",
                  "50000", "", NULL },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND_NEVER, false, "0.0129", "50000", NULL, NULL,
                  NULL, NULL, "no multiple of 0.001" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND_NEVER, false, "0.012", "50000.07", NULL,
                  NULL, NULL, NULL, "no multiple of 0.1" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0.0009", "50000", NULL, NULL, NULL,
                  NULL, "rounds to nothing" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "1000.001", "50000", NULL, NULL,
                  NULL, NULL, "above the largest" },
                { WEIR_BUY, WEIR_TYPE_MARKET, WEIR_ROUND, false, "121", NULL, NULL, NULL, NULL,
                  NULL, "above the largest" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "1", "500", NULL, NULL, NULL, NULL,
                  "below the smallest" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0.001", "99999.9", NULL, NULL,
                  NULL, NULL, "must be worth 100" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "1e3", "50000", NULL, NULL, NULL,
                  NULL, "not a decimal number" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "-1", "50000", NULL, NULL, NULL,
                  NULL, "not a decimal number above 0" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0", "50000", NULL, NULL, NULL,
                  NULL, "above 0" },
                { WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_ROUND, false, "0.0000000000000000001", "50000",
                  NULL, NULL, NULL, NULL, "18 places" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_order o = WEIR_ORDER_DEFAULTS;
                struct filters_fit fit;
                char why[FILTERS_WHY_MAX] = "";
                int r;

                o.side = rows[i].side;
                o.type = rows[i].type;
                o.rounding = rows[i].rounding;
                o.reduce_only = rows[i].reduce_only;
                o.quantity = rows[i].quantity;
                o.price = rows[i].price;
                o.trigger_price = rows[i].trigger;
                r = filters_fit(filters_find(&table, "BTCUSDT"), &o, &fit, why);
                if (rows[i].says) {
                        if (r != -EINVAL || !strstr(why, rows[i].says))
                                fail_msg("row %zu: %d \"%s\", want \"%s\"", i, r, why,
                                         rows[i].says);
                        continue;
                }
                if (r != 0)
                        fail_msg("row %zu: %d \"%s\"", i, r, why);
                assert_string_equal(fit.quantity, rows[i].fit_quantity);
                assert_string_equal(fit.price, rows[i].fit_price);
                assert_string_equal(fit.trigger_price, rows[i].fit_trigger);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(exchange_info_is_read),
                cmocka_unit_test(what_is_no_exchange_info_is_refused),
                cmocka_unit_test(orders_are_made_to_fit_or_told_why_not),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
