/*
 * Of which counter a header of a reply speaks, and of which none.
 */
#include "budget/holder.h"
#include "budget/test_stage.h"

#include <string.h>

#define AT(ms) (20000ULL * 86400000 + (ms))

static int setup(void **state)
{
        (void)state;
        return stage_open(AT(0));
}

static struct policy_plan plan_of(const char *method, const char *path)
{
        return stage_plan(method, path, "", "SomeKeyOfSomebody");
}

enum whose {
        THE_ADDRESS,
        THE_ACCOUNT,
        THE_ENDPOINT_BY_ADDRESS,
        THE_ENDPOINT_BY_ACCOUNT,
};

static uint64_t owner_of(const struct policy_plan *plan, enum whose whose)
{
        uint64_t account = holder_find(&l, plan->account).number;

        switch (whose) {
        case THE_ADDRESS:
                return l.address;
        case THE_ACCOUNT:
                return holder_owner(&l, account, 0);
        case THE_ENDPOINT_BY_ADDRESS:
                return holder_owner(&l, l.address, plan->endpoint->key);
        default:
                return holder_owner(&l, account, plan->endpoint->key);
        }
}

#define GETALL   "/sapi/v1/capital/config/getall"
#define WITHDRAW "/sapi/v1/capital/withdraw/history"

static void a_header_is_of_the_counter_that_the_request_drew_on(void **state)
{
        static const struct {
                const char *method, *path, *header, *pool;
                enum whose whose;
                uint32_t span_ms;
                bool may_fall;
        } rows[] = {
                { "GET", "/api/v3/depth", "X-MBX-USED-WEIGHT-1M", "spot-weight", THE_ADDRESS, 60000,
                  false },
                { "GET", "/api/v3/depth", "x-mbx-used-weight", "spot-weight", THE_ADDRESS, 60000,
                  false },
                { "GET", "/fapi/v1/depth", "x-mbx-used-weight-1m", "futures-weight", THE_ADDRESS,
                  60000, false },
                { "GET", "/dapi/v1/depth", "x-mbx-used-weight-1m", "futures-weight", THE_ADDRESS,
                  60000, false },
                { "POST", "/api/v3/order", "x-mbx-used-weight-1m", "spot-weight", THE_ADDRESS,
                  60000, false },
                { "POST", "/api/v3/order", "x-mbx-order-count-10s", "spot-orders", THE_ACCOUNT,
                  10000, true },
                { "POST", "/api/v3/order", "x-mbx-order-count-1d", "spot-orders", THE_ACCOUNT,
                  86400000, true },
                { "POST", "/api/v3/order/cancelReplace", "x-mbx-order-count-10s", "spot-orders",
                  THE_ACCOUNT, 10000, true },
                { "POST", "/sapi/v1/margin/order", "x-mbx-order-count-10s", "spot-orders",
                  THE_ACCOUNT, 10000, true },
                { "POST", "/fapi/v1/order", "x-mbx-order-count-10s", "futures-orders", THE_ACCOUNT,
                  10000, false },
                { "POST", "/dapi/v1/order", "x-mbx-order-count-1m", "futures-orders", THE_ACCOUNT,
                  60000, false },
                { "POST", "/papi/v1/um/order", "x-mbx-order-count-1m", "papi-orders", THE_ACCOUNT,
                  60000, false },
                { "GET", GETALL, "X-SAPI-USED-IP-WEIGHT-1M", "sapi-ip", THE_ENDPOINT_BY_ADDRESS,
                  60000, false },
                { "GET", WITHDRAW, "x-sapi-used-uid-weight-1m", "sapi-uid", THE_ENDPOINT_BY_ACCOUNT,
                  60000, false },
                /* Windows that are not kept, and counters that it did not draw on. */
                { "GET", "/api/v3/depth", "x-mbx-used-weight-5m", NULL, THE_ADDRESS, 0, false },
                { "GET", "/api/v3/depth", "x-mbx-used-weight-10s", NULL, THE_ADDRESS, 0, false },
                { "POST", "/api/v3/order", "x-mbx-order-count-1m", NULL, THE_ACCOUNT, 0, false },
                { "POST", "/fapi/v1/order", "x-mbx-order-count-1d", NULL, THE_ACCOUNT, 0, false },
                { "GET", GETALL, "x-sapi-used-uid-weight-1m", NULL, THE_ADDRESS, 0, false },
                { "GET", WITHDRAW, "x-sapi-used-ip-weight-1m", NULL, THE_ADDRESS, 0, false },
                { "GET", GETALL, "x-mbx-used-weight-1m", NULL, THE_ADDRESS, 0, false },
                { "GET", "/api/v3/depth", "retry-after", NULL, THE_ADDRESS, 0, false },
                /* Where it is documented, or was seen, to be wrong. */
                { "GET", "/fapi/v1/fundingRate", "x-mbx-used-weight-1m", NULL, THE_ADDRESS, 0,
                  false },
                { "GET", "/fapi/v1/ticker/bookTicker", "x-mbx-used-weight-1m", NULL, THE_ADDRESS, 0,
                  false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct policy_plan plan = plan_of(rows[i].method, rows[i].path);
                struct limiter_news news;
                bool is_news =
                        budget_news(&l, &plan, str_of(rows[i].header), STR_LITERAL("7"), &news);

                if (is_news != (rows[i].pool != NULL))
                        fail_msg("%s of %s: %s", rows[i].header, rows[i].path,
                                 is_news ? "believed" : "not heard");
                if (!is_news)
                        continue;
                assert_string_equal(policy_pool(news.pool)->name, rows[i].pool);
                assert_true(news.owner == owner_of(&plan, rows[i].whose));
                assert_int_equal(news.span_ms, rows[i].span_ms);
                assert_int_equal(news.used, 7);
                assert_int_equal(news.may_fall, rows[i].may_fall);
        }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_header_is_of_the_counter_that_the_request_drew_on),
        };

        return cmocka_run_group_tests_name("budget/budget", tests, NULL, teardown);
}
