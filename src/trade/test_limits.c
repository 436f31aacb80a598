#include "trade/limits.h"
#include "budget/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct region region;
static struct limiter limiter;

static int begin(void **state)
{
        struct region_plan plan;
        struct region_error error;

        (void)state;
        budget_plan(&plan, 1000000);
        limiter.region = &region;
        return region_open(NULL, &plan, &region, &error);
}

static int end(void **state)
{
        (void)state;
        region_close(&region);
        return 0;
}

/* Of the window of @span_ms, wherever in the pool it is kept; 0: there is none. */
static uint64_t limit_of(enum policy_unit unit, uint32_t span_ms)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = region.header->pools[policy_group_pool(POLICY_FAPI, unit)][i];

                if (window >> 32 == span_ms)
                        return (uint32_t)window;
        }
        return 0;
}

static void follow(const char *text)
{
        json_t *info = json_loads(text, 0, NULL);

        assert_non_null(info);
        limits_follow(&limiter, POLICY_FAPI, info);
        json_decref(info);
}

static void what_the_exchange_names_replaces_the_tables(void **state)
{
        uint64_t orders = limit_of(POLICY_ORDERS, 10000);

        (void)state;
        assert_true(orders > 0);
        follow("{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"SECOND\","
               "\"intervalNum\":2,\"limit\":77},{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":"
               "\"MINUTE\",\"intervalNum\":1,\"limit\":6000}]}");
        assert_int_equal(limit_of(POLICY_WEIGHT, 2000), 77);
        assert_int_equal(limit_of(POLICY_WEIGHT, 60000), 6000);
        assert_int_equal(limit_of(POLICY_ORDERS, 10000), orders);
        follow("{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
               "\"intervalNum\":1,\"limit\":6000}]}");
        assert_int_equal(limit_of(POLICY_WEIGHT, 2000), 0);
}

static void what_is_no_limit_changes_nothing(void **state)
{
        static const char *const infos[] = {
                "{}",
                "[]",
                "{\"rateLimits\":{}}",
                "{\"rateLimits\":[]}",
                "{\"rateLimits\":[1,null,\"x\",{}]}",
                "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"FORTNIGHT\","
                "\"intervalNum\":1,\"limit\":5}]}",
                "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
                "\"intervalNum\":0,\"limit\":5}]}",
                "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
                "\"intervalNum\":10,\"limit\":0}]}",
                "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
                "\"intervalNum\":10,\"limit\":-1}]}",
        };
        uint64_t weight = limit_of(POLICY_WEIGHT, 60000), orders = limit_of(POLICY_ORDERS, 10000);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(infos); ++i) {
                follow(infos[i]);
                assert_int_equal(limit_of(POLICY_WEIGHT, 60000), weight);
                assert_int_equal(limit_of(POLICY_ORDERS, 10000), orders);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_the_exchange_names_replaces_the_tables),
                cmocka_unit_test(what_is_no_limit_changes_nothing),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
