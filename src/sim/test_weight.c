#include "sim/weight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

static void requests_cost_what_is_documented(void **state)
{
        static const struct {
                const char *method, *path, *query;
                uint64_t weight, measured;
        } rows[] = {
                { "GET", "/api/v3/depth", "symbol=A", 5, 5 },
                { "GET", "/api/v3/depth", "symbol=A&limit=100", 5, 5 },
                { "GET", "/api/v3/depth", "symbol=A&limit=101", 25, 25 },
                { "GET", "/api/v3/depth", "symbol=A&limit=1000", 50, 50 },
                { "GET", "/api/v3/depth", "symbol=A&limit=1001", 250, 250 },
                { "GET", "/api/v3/depth", "symbol=A&limit=", 5, 5 },
                { "GET", "/api/v3/depth", "symbol=A&limit=x", 250, 250 },
                { "GET", "/api/v3/ticker/24hr", "symbol=A", 2, 2 },
                { "GET", "/api/v3/ticker/24hr", "", 80, 80 },
                { "GET", "/api/v3/ticker/24hr", "symbols=[\"A\",\"B\"]", 2, 2 },
                { "GET", "/api/v3/ticker/24hr",
                  "symbols=[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]", 40, 40 },
                { "GET", "/api/v3/ticker", "symbols=[\"A\",\"B\",\"C\"]", 12, 12 },
                { "GET", "/api/v3/ticker", "symbols=%5B%22A%22%2C%22B%22%5D", 8, 8 },
                { "GET", "/api/v3/ticker/price", "", 4, 4 },
                { "GET", "/api/v3/ticker/price", "symbol=A", 2, 2 },
                { "GET", "/api/v3/openOrders", "", 80, 80 },
                { "GET", "/api/v3/openOrders", "symbol=A", 6, 6 },
                { "GET", "/api/v3/myTrades", "symbol=A&orderId=5", 5, 5 },
                { "POST", "/api/v3/order", "", 1, 1 },
                { "POST", "/api/v3/order/test", "computeCommissionRates=true", 20, 20 },
                { "POST", "/api/v3/order/test", "computeCommissionRates=false", 1, 1 },
                { "POST", "/fapi/v1/order", "", 0, 0 },
                { "POST", "/fapi/v1/batchOrders", "", 5, 5 },
                { "GET", "/fapi/v1/klines", "limit=99", 1, 1 },
                { "GET", "/fapi/v1/klines", "limit=100", 2, 1 },
                { "GET", "/fapi/v1/klines", "limit=500", 5, 2 },
                { "GET", "/fapi/v1/klines", "", 5, 5 },
                { "GET", "/fapi/v1/klines", "limit=1501", 10, 10 },
                { "GET", "/fapi/v1/depth", "", 10, 1 },
                { "GET", "/fapi/v1/depth", "limit=50", 2, 2 },
                { "GET", "/fapi/v2/account", "", 5, 10 },
        };
        struct weight_rules documented = { 0 }, as_measured = { .measured = true };
        struct form *form = malloc(sizeof(*form));

        (void)state;
        assert_non_null(form);
        endpoints_init();
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const struct endpoint *e =
                        endpoint_find(str_of(rows[i].method), str_of(rows[i].path));
                uint64_t weight, measured;

                assert_non_null(e);
                assert_int_equal(form_parse(form, str_of(rows[i].query), STR_NULL), 0);
                weight = weight_of(&documented, str_of(rows[i].method), str_of(rows[i].path), e,
                                   form);
                measured = weight_of(&as_measured, str_of(rows[i].method), str_of(rows[i].path), e,
                                     form);
                if (weight != rows[i].weight || measured != rows[i].measured)
                        fail_msg("%s?%s: %llu, measured %llu", rows[i].path, rows[i].query,
                                 (unsigned long long)weight, (unsigned long long)measured);
        }
        free(form);
}

static void prices_can_be_set(void **state)
{
        static const char *const wrong[] = {
                "",
                "GET /api/v3/ping",
                "GET /api/v3/ping=",
                "GET /api/v3/ping=x",
                "GET =3",
                "GET api/v3/ping=3",
                "=3",
                "/api/v3/ping=3",
        };
        const struct str get = STR_LITERAL("GET"), path = STR_LITERAL("/api/v3/ping"),
                         none = STR_LITERAL("/api/v3/none");
        const struct endpoint *e;
        struct weight_rules rules = { 0 };
        struct form *form = calloc(1, sizeof(*form));
        const char *why;

        (void)state;
        assert_non_null(form);
        endpoints_init();
        e = endpoint_find(get, path);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i)
                assert_int_equal(weight_rules_set(&rules, str_of(wrong[i]), &why), -EINVAL);
        assert_int_equal(weight_of(&rules, get, path, e, form), 1);
        assert_int_equal(weight_rules_set(&rules, STR_LITERAL("GET /api/v3/ping=3"), &why), 0);
        assert_int_equal(weight_rules_set(&rules, STR_LITERAL("GET /api/v3/ping=4"), &why), 0);
        assert_int_equal(weight_rules_set(&rules, STR_LITERAL("GET /api/v3/none=7"), &why), 0);
        assert_int_equal(rules.n_prices, 2);
        assert_int_equal(weight_of(&rules, get, path, e, form), 4);
        assert_int_equal(weight_of(&rules, get, none, NULL, form), 7);
        assert_int_equal(weight_of(&rules, STR_LITERAL("PUT"), none, NULL, form), 1);
        free(form);
}

static void unknown_paths_are_none(void **state)
{
        (void)state;
        endpoints_init();
        assert_null(endpoint_find(STR_LITERAL("GET"), STR_LITERAL("/api/v3/pings")));
        assert_null(endpoint_find(STR_LITERAL("POST"), STR_LITERAL("/api/v3/ping")));
        assert_null(endpoint_find(STR_LITERAL("GET"), STR_LITERAL("")));
        assert_int_equal(pool_of_path(STR_LITERAL("/api/v9/x")), POOL_SPOT);
        assert_int_equal(pool_of_path(STR_LITERAL("/dapi/v9/x")), POOL_FUTURES);
        assert_int_equal(pool_of_path(STR_LITERAL("/")), POOL_NONE);
        assert_true(weight_is_free_on_success(
                endpoint_find(STR_LITERAL("DELETE"), STR_LITERAL("/api/v3/order"))));
        assert_false(weight_is_free_on_success(
                endpoint_find(STR_LITERAL("DELETE"), STR_LITERAL("/fapi/v1/order"))));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_cost_what_is_documented),
                cmocka_unit_test(prices_can_be_set),
                cmocka_unit_test(unknown_paths_are_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
