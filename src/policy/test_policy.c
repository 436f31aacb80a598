#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "policy/policy.h"

static const struct policy_pool *pool_named(const char *name)
{
        int index = policy_pool_find(str_of(name));

        if (index < 0)
                fail_msg("no pool %s", name);
        return policy_pool((size_t)index);
}

static void pools_have_the_limits_of_the_exchange(void **state)
{
        static const struct {
                const char *name;
                unsigned window;
                uint64_t span_ms;
                uint32_t limit;
        } rows[] = {
                { "spot-weight", 0, 60000, 6000 },
                { "spot-orders", 0, 10000, 100 },
                { "spot-orders", 1, 86400000, 200000 },
                { "spot-raw", 0, 300000, 300000 },
                { "sapi-ip", 0, 60000, 12000 },
                { "sapi-uid", 0, 60000, 180000 },
                { "futures-weight", 0, 60000, 2400 },
                { "futures-orders", 0, 10000, 300 },
                { "futures-orders", 1, 60000, 1200 },
                { "fapi-funding", 0, 300000, 500 },
                { "fapi-convert-quote", 0, 3600000, 360 },
                { "papi-weight", 0, 60000, 6000 },
                { "papi-orders", 0, 60000, 1200 },
                { "eapi-weight", 0, 60000, 400 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const struct policy_pool *pool = pool_named(rows[i].name);

                if (rows[i].window >= pool->n_windows ||
                    pool->windows[rows[i].window].span_ms != rows[i].span_ms ||
                    pool->windows[rows[i].window].limit != rows[i].limit)
                        fail_msg("%s: window %u is another", rows[i].name, rows[i].window);
        }
}

static void pools_are_well_formed(void **state)
{
        (void)state;
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                const struct policy_pool *pool = policy_pool(i);

                assert_int_equal(policy_pool_find(str_of(pool->name)), (int)i);
                assert_true(pool->groups && !(pool->groups >> POLICY_GROUP_COUNT));
                assert_true(pool->n_windows > 0 && pool->n_windows <= POLICY_WINDOWS_MAX);
                for (unsigned w = 0; w < pool->n_windows; ++w) {
                        assert_true(pool->windows[w].limit > 0);
                        assert_true(w == 0 ||
                                    pool->windows[w].span_ms > pool->windows[w - 1].span_ms);
                }
        }
        assert_int_equal(policy_pool_find(STR_LITERAL("spot-weigh")), -ENOENT);
        assert_int_equal(policy_pool_find(STR_LITERAL("")), -ENOENT);
}

static void pools_say_who_counts_and_who_reports(void **state)
{
        (void)state;
        assert_int_equal(pool_named("spot-weight")->scope, POLICY_PER_IP);
        assert_int_equal(pool_named("spot-weight")->header, POLICY_HEADER_USED_WEIGHT);
        assert_int_equal(pool_named("spot-orders")->scope, POLICY_PER_ACCOUNT);
        assert_int_equal(pool_named("spot-orders")->header, POLICY_HEADER_ORDER_COUNT);
        assert_int_equal(pool_named("spot-raw")->header, POLICY_HEADER_NONE);
        assert_true(pool_named("sapi-ip")->is_per_endpoint);
        assert_true(pool_named("sapi-uid")->is_per_endpoint);
        assert_int_equal(pool_named("sapi-uid")->scope, POLICY_PER_ACCOUNT);
        assert_int_equal(pool_named("sapi-uid")->header, POLICY_HEADER_SAPI_USED_UID);
        assert_false(pool_named("futures-weight")->is_per_endpoint);
        assert_true(pool_named("papi-auto-collection")->is_rolling);
        assert_false(pool_named("papi-repay-switch")->is_rolling);
}

static void both_futures_products_share_their_pools(void **state)
{
        (void)state;
        assert_int_equal(policy_group_pool(POLICY_FAPI, POLICY_WEIGHT),
                         policy_group_pool(POLICY_DAPI, POLICY_WEIGHT));
        assert_int_equal(policy_group_pool(POLICY_FAPI, POLICY_ORDERS),
                         policy_group_pool(POLICY_DAPI, POLICY_ORDERS));
        assert_int_equal(policy_group_pool(POLICY_API, POLICY_WEIGHT),
                         policy_pool_find(STR_LITERAL("spot-weight")));
        assert_int_equal(policy_group_pool(POLICY_API, POLICY_REQUESTS),
                         policy_pool_find(STR_LITERAL("spot-raw")));
        assert_int_equal(policy_group_pool(POLICY_FAPI, POLICY_REQUESTS), -ENOENT);
        assert_int_equal(policy_group_pool(POLICY_SAPI, POLICY_WEIGHT), -ENOENT);
        assert_int_equal(policy_group_pool(POLICY_API, POLICY_UNIT_COUNT), -ENOENT);
}

static void groups_have_names(void **state)
{
        (void)state;
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                enum policy_group group;

                assert_int_equal(policy_group_from(str_of(policy_group_name((enum policy_group)i)),
                                                   &group),
                                 0);
                assert_int_equal(group, i);
        }
}

static void what_is_no_group_is_refused(void **state)
{
        static const char *const names[] = { "", "API", "apis", "ap", "wapi", "futures" };
        enum policy_group group = POLICY_EAPI;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                assert_int_equal(policy_group_from(str_of(names[i]), &group), -EINVAL);
        assert_int_equal(policy_group_of(STR_NULL, &group), POLICY_NO_GROUP);
        assert_int_equal(policy_group_of(STR_LITERAL("/fapi"), &group), POLICY_NO_GROUP);
        assert_int_equal(group, POLICY_EAPI);
        assert_int_equal(policy_group_of(STR_LITERAL("/fapi/x"), &group), 0);
        assert_int_equal(group, POLICY_FAPI);
}

static void endpoints_say_what_they_must_carry(void **state)
{
        static const struct {
                const char *method, *path, *query;
                enum policy_security security;
                bool has_signature, has_timestamp, has_recv_window;
        } rows[] = {
                { "GET", "/api/v3/time", "", POLICY_OPEN, false, false, false },
                { "POST", "/fapi/v1/listenKey", "", POLICY_KEYED, false, false, false },
                { "GET", "/fapi/v1/historicalTrades", "symbol=A", POLICY_KEYED, false, false,
                  false },
                { "GET", "/api/v3/account", "", POLICY_SIGNED, false, false, false },
                { "GET", "/sapi/v1/pay/transactions", "", POLICY_SIGNED, false, false, false },
                { "POST", "/papi/v1/marginLoan", "", POLICY_SIGNED, false, false, false },
                { "POST", "/api/v3/order", "timestamp=1&signature=", POLICY_SIGNED, true, true,
                  false },
                { "DELETE", "/fapi/v1/order", "%73ignature=a&recvWindow=5", POLICY_SIGNED, true,
                  false, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct policy_input input = { .method = str_of(rows[i].method),
                                              .path = str_of(rows[i].path),
                                              .query = str_of(rows[i].query) };
                struct policy_plan plan;

                assert_int_equal(policy_match(NULL, &input, &plan), 0);
                if (!plan.endpoint || plan.endpoint->security != rows[i].security ||
                    plan.has_signature != rows[i].has_signature ||
                    plan.has_timestamp != rows[i].has_timestamp ||
                    plan.has_recv_window != rows[i].has_recv_window)
                        fail_msg("%s %s?%s", rows[i].method, rows[i].path, rows[i].query);
        }
}

static void what_is_sealed_when_it_leaves_never_ages(void **state)
{
        struct policy_input input = { .method = STR_LITERAL("GET"),
                                      .path = STR_LITERAL("/api/v3/not-yet-known"),
                                      .is_unsealed = true };
        struct policy_plan plan;

        (void)state;
        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        assert_true(plan.is_signed);
        assert_int_equal(plan.class, CLASS_ACCOUNT);
        assert_int_equal(policy_expires_ms(&plan), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pools_have_the_limits_of_the_exchange),
                cmocka_unit_test(pools_are_well_formed),
                cmocka_unit_test(pools_say_who_counts_and_who_reports),
                cmocka_unit_test(both_futures_products_share_their_pools),
                cmocka_unit_test(groups_have_names),
                cmocka_unit_test(what_is_no_group_is_refused),
                cmocka_unit_test(endpoints_say_what_they_must_carry),
                cmocka_unit_test(what_is_sealed_when_it_leaves_never_ages),
        };

        return cmocka_run_group_tests_name("policy/policy", tests, NULL, NULL);
}
