#include "trade/answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A client id longer than any that the exchange takes. */
static const char long_id[] = "{\"orderId\":5,\"clientOrderId\":\"12345678901234567890123456789012"
                              "345678\",\"status\":\"NEW\"}";

static json_t *json(const char *text)
{
        json_t *root = json_loads(text, 0, NULL);

        assert_non_null(root);
        return root;
}

static void an_order_is_read(void **state)
{
        json_t *j =
                json("{\"orderId\":4000000001,\"symbol\":\"BTCUSDT\",\"status\":"
                     "\"PARTIALLY_FILLED\",\"clientOrderId\":\"weir-1\",\"price\":\"50000.0\","
                     "\"avgPrice\":\"49999.90\",\"origQty\":\"0.010\",\"executedQty\":\"0.003\","
                     "\"cumQuote\":\"150.1\",\"timeInForce\":\"GTX\",\"type\":\"LIMIT\","
                     "\"reduceOnly\":true,\"side\":\"SELL\",\"positionSide\":\"SHORT\","
                     "\"stopPrice\":\"7\",\"origType\":\"STOP\",\"time\":1579276756075,"
                     "\"updateTime\":1579276756076}");
        struct weir_order_state o;

        (void)state;
        assert_true(answers_order(j, false, &o));
        assert_int_equal(o.order_id, 4000000001);
        assert_int_equal(o.status, WEIR_STATUS_PARTIALLY_FILLED);
        assert_int_equal(o.type, WEIR_TYPE_STOP);
        assert_int_equal(o.time_in_force, WEIR_GTX);
        assert_int_equal(o.side, WEIR_SELL);
        assert_int_equal(o.position_side, WEIR_POSITION_SHORT);
        assert_true(o.reduce_only && !o.close_position && !o.is_conditional);
        assert_string_equal(o.filled, "0.003");
        assert_string_equal(o.average_price, "49999.90");
        assert_string_equal(o.trigger_price, "7");
        assert_string_equal(o.filled_value, "150.1");
        assert_int_equal(o.created_ms, 1579276756075);
        json_decref(j);
}

static void a_conditional_order_has_names_of_its_own(void **state)
{
        json_t *j = json("{\"algoId\":2146760,\"clientAlgoId\":\"6B2I9XVcJpCjqPAJ4YoFX7\","
                         "\"algoType\":\"CONDITIONAL\",\"orderType\":\"TAKE_PROFIT\",\"symbol\":"
                         "\"BNBUSDT\",\"side\":\"SELL\",\"positionSide\":\"BOTH\",\"timeInForce\":"
                         "\"GTC\",\"quantity\":\"0.01\",\"algoStatus\":\"TRIGGERED\","
                         "\"actualOrderId\":\"1711\",\"triggerPrice\":\"750.000\",\"price\":"
                         "\"750.000\",\"createTime\":1750485492076,\"updateTime\":1750514545091}");
        struct weir_order_state o;

        (void)state;
        assert_true(answers_order(j, true, &o));
        assert_true(o.is_conditional);
        assert_int_equal(o.order_id, 2146760);
        assert_int_equal(o.actual_order_id, 1711);
        assert_int_equal(o.status, WEIR_STATUS_TRIGGERED);
        assert_int_equal(o.type, WEIR_TYPE_TAKE_PROFIT);
        assert_string_equal(o.client_id, "6B2I9XVcJpCjqPAJ4YoFX7");
        assert_string_equal(o.quantity, "0.01");
        assert_string_equal(o.filled, "");
        assert_int_equal(o.created_ms, 1750485492076);
        /* It is no order of the other endpoints. */
        assert_false(answers_order(j, false, &o));
        json_decref(j);
}

static void what_is_no_order_is_refused(void **state)
{
        static const char *const texts[] = {
                "{}",
                "[]",
                "{\"code\":-2013,\"msg\":\"Order does not exist.\"}",
                "{\"orderId\":5,\"status\":\"NEW\"}",
                "{\"orderId\":0,\"clientOrderId\":\"a\",\"status\":\"NEW\"}",
                "{\"orderId\":-5,\"clientOrderId\":\"a\",\"status\":\"NEW\"}",
                "{\"orderId\":5,\"clientOrderId\":\"a\"}",
                "{\"orderId\":5,\"clientOrderId\":7.5,\"status\":\"NEW\"}",
                long_id,
        };
        struct weir_order_state o;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                json_t *j = json(texts[i]);

                if (answers_order(j, false, &o))
                        fail_msg("%s", texts[i]);
                json_decref(j);
        }
}

static void positions_are_read_in_both_versions(void **state)
{
        static const struct {
                const char *text;
                bool is_open, is_isolated;
                unsigned leverage;
                const char *margin;
        } rows[] = {
                { "{\"symbol\":\"A\",\"positionAmt\":\"0.000\",\"positionSide\":\"BOTH\"}", false,
                  false, 0, "" },
                { "{\"symbol\":\"A\",\"positionAmt\":\"-0.010\",\"isolatedMargin\":\"0\","
                  "\"initialMargin\":\"5\"}",
                  true, false, 0, "5" },
                { "{\"symbol\":\"A\",\"positionAmt\":\"1\",\"isolatedMargin\":\"7.5\","
                  "\"initialMargin\":\"5\"}",
                  true, true, 0, "7.5" },
                { "{\"symbol\":\"A\",\"positionAmt\":\"1\",\"marginType\":\"isolated\","
                  "\"isolatedMargin\":\"0.1\",\"leverage\":\"20\"}",
                  true, true, 20, "0.1" },
                { "{\"symbol\":\"A\",\"positionAmt\":\"1\",\"marginType\":\"cross\","
                  "\"isolatedMargin\":\"0.1\",\"leverage\":\"20\"}",
                  true, false, 20, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                json_t *j = json(rows[i].text);
                struct weir_position p;

                if (answers_position(j, &p) != rows[i].is_open)
                        fail_msg("row %zu", i);
                if (rows[i].is_open &&
                    (p.is_isolated != rows[i].is_isolated || p.leverage != rows[i].leverage ||
                     strcmp(p.margin, rows[i].margin) != 0))
                        fail_msg("row %zu: %d %u \"%s\"", i, p.is_isolated, p.leverage, p.margin);
                json_decref(j);
        }
}

static void lists_of_numbers_are_read_by_their_place(void **state)
{
        json_t *good = json("[1499040000000,\"1\",\"4\",\"0.5\",\"2\",\"148976.1\",1499644799999,"
                            "\"2434.19\",308,\"1\",\"2\",\"0\"]");
        json_t *bad = json("[\"soon\"]");
        struct weir_kline k;

        (void)state;
        assert_true(answers_kline(good, &k));
        assert_int_equal(k.open_ms, 1499040000000);
        assert_int_equal(k.close_ms, 1499644799999);
        assert_string_equal(k.high, "4");
        assert_string_equal(k.low, "0.5");
        assert_string_equal(k.close, "2");
        assert_string_equal(k.value, "2434.19");
        assert_int_equal(k.n_trades, 308);
        assert_false(answers_kline(bad, &k));
        json_decref(good);
        json_decref(bad);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_is_read),
                cmocka_unit_test(a_conditional_order_has_names_of_its_own),
                cmocka_unit_test(what_is_no_order_is_refused),
                cmocka_unit_test(positions_are_read_in_both_versions),
                cmocka_unit_test(lists_of_numbers_are_read_by_their_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
