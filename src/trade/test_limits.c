#include "trade/limits.h"
#include "budget/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* In the third second of a minute. */
#define NOW_MS 1800000003000ULL

static struct region region;
static struct limiter limiter;

static int begin(void **state)
{
        struct region_plan plan;
        struct region_error error;

        (void)state;
        budget_plan(&plan, NOW_MS);
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
        limits_follow(&limiter, POLICY_FAPI, info, (struct limiter_time){ NOW_MS, 0 });
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

/* A span that was not there begins with what was used in its time. */
static void a_new_span_knows_what_was_used(void **state)
{
        struct limiter_time now = { NOW_MS, 0 };
        int pool = policy_group_pool(POLICY_FAPI, POLICY_WEIGHT);
        struct limiter_request request = {
                .class = CLASS_CANCEL,
                .gate = 3,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = (uint16_t)pool, .amount = 400 } },
        };
        struct limiter_ticket t;

        (void)state;
        assert_int_equal(limiter_reserve(&limiter, &request, now, &t), LIMITER_GO);
        limiter_land(&limiter, &t, now, 0, 0, NULL, 0, NULL);
        follow("{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
               "\"intervalNum\":5,\"limit\":2000},{\"rateLimitType\":\"REQUEST_WEIGHT\","
               "\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":900}]}");
        /* 400 of 900 are gone, and of 2000. */
        assert_int_equal(limiter_reserve(&limiter, &request, now, &t), LIMITER_GO);
        limiter_land(&limiter, &t, now, 0, 0, NULL, 0, NULL);
        assert_int_equal(limiter_reserve(&limiter, &request, now, &t), LIMITER_WAIT);
        assert_true(t.at_ms >= NOW_MS + 7000);
        limiter_refund(&limiter, &t);
        for (unsigned i = 0; i < 4; ++i) {
                int answer;

                now.now_ms += 10000;
                answer = limiter_reserve(&limiter, &request, now, &t);
                assert_true((answer == LIMITER_GO) == (i < 3));
                if (answer == LIMITER_GO)
                        limiter_land(&limiter, &t, now, 0, 0, NULL, 0, NULL);
                else
                        limiter_refund(&limiter, &t);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_the_exchange_names_replaces_the_tables),
                cmocka_unit_test(what_is_no_limit_changes_nothing),
                cmocka_unit_test(a_new_span_knows_what_was_used),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
