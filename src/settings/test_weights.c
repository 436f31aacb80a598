#include "settings/test_settings.h"

static struct settings s;

static void every_mistake_is_told_with_its_place_and_remedy(void **state)
{
        static const struct said_row rows[] = {
                { "weights: {}\n", "" },
                { "weights:\n  \"GET /fapi/v1/klines limit<=1000\": 2\n", "" },
                { "weights:\n  \"GET /fapi/v9/new\": 2\n  \"GET /fapi/v9/new @failed\": 1\n", "" },
                { "weights:\n  \"PUT /api/v3/order/amend/keepPriority @expired\": 1\n", "" },
                { "weight: {}\n",
                  "weir: f:1:1: unknown key \"weight\"; did you mean \"weights\"?\n" },
                { "weights: 5\n",
                  "weir: f:1:10: weights: is a section; write below it, indented, the lines that "
                  "weir check --weights prints\n" },
                { "weights:\n  \"GET /fapi/v1/kline\": 2\n",
                  "" /* a path that no table has may be new */ },
                { "weights:\n  \"GET /fapi/v1/klines limit<=100\": 2\n",
                  "weir: f:2:3: weights: \"GET /fapi/v1/klines limit<=100\" has no price; did you "
                  "mean \"GET /fapi/v1/klines limit<=1000\"?\n" },
                { "weights:\n  klines: 2\n",
                  "weir: f:2:3: weights: \"klines\" has no price; write \"METHOD /path\" and the "
                  "clause, as weir check --weights shows them\n" },
                { "weights:\n  \"POST /api/v3/order\": 2\n",
                  "weir: f:2:3: weights: \"POST /api/v3/order\" has a price for each outcome; "
                  "write "
                  "@ok, @failed, or what weir check --weights shows, behind it\n" },
                { "weights:\n  \"GET /fapi/v2/account\": -1\n",
                  "weir: f:2:27: weights: GET /fapi/v2/account takes a whole number from 0 to "
                  "10000\n" },
                { "weights:\n  \"GET /fapi/v2/account\": 10001\n",
                  "weir: f:2:27: weights: GET /fapi/v2/account takes a whole number from 0 to "
                  "10000\n" },
                { "weights:\n  \"GET /fapi/v2/account\": 1\n  \"GET /fapi/v2/account\": 2\n",
                  "weir: f:3:3: weights: GET /fapi/v2/account is here a second time, after line 2; "
                  "remove one\n" },
        };

        (void)state;
        says_just(&s, rows, ARRAY_SIZE(rows));
}

static void what_was_decided_is_what_is_loaded(void **state)
{
        (void)state;
        free(said_of(
                &s,
                "weights:\n  \"GET /fapi/v2/account\": 10\n  \"POST /api/v3/order @failed\": 3\n"));
        assert_int_equal(s.weights.n, 2);
        assert_int_equal(s.weights.all[0].weight, 10);
        assert_int_equal(s.weights.all[0].kind, 0);
        assert_true(s.weights.all[0].is_known);
        assert_int_equal(s.weights.all[1].weight, 3);
        assert_int_equal(s.weights.all[1].kind, 2);
        assert_int_equal(s.weights.all[1].line, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_mistake_is_told_with_its_place_and_remedy),
                cmocka_unit_test(what_was_decided_is_what_is_loaded),
        };

        return cmocka_run_group_tests_name("settings/weights", tests, NULL, NULL);
}
