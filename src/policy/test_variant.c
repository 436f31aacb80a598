#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>

#include "policy/variant.h"

static uint64_t match(const char *method, const char *path, const char *query, uint32_t *ret_cost)
{
        struct policy_input input = { .method = str_of(method),
                                      .path = str_of(path),
                                      .query = str_of(query) };
        struct policy_plan plan;

        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        *ret_cost = plan.n_charges > 0 ? plan.charges[0].amount : 0;
        return plan.variant;
}

static void a_request_has_the_variant_of_the_clause_that_held(void **state)
{
        static const struct {
                const char *method, *path, *query, *name;
        } rows[] = {
                { "GET", "/fapi/v1/klines", "limit=499", "GET /fapi/v1/klines limit<=499" },
                { "GET", "/fapi/v1/klines", "limit=500", "GET /fapi/v1/klines limit<=1000" },
                { "GET", "/fapi/v1/klines", "limit=1500", "GET /fapi/v1/klines limit" },
                { "GET", "/fapi/v1/klines", "symbol=A", "GET /fapi/v1/klines" },
                { "GET", "/api/v3/openOrders", "", "GET /api/v3/openOrders !symbol" },
                { "GET", "/api/v3/openOrders", "symbol=A", "GET /api/v3/openOrders" },
                { "GET", "/api/v3/ticker", "symbols=A,B,C", "GET /api/v3/ticker symbols#3" },
                { "POST", "/api/v3/order", "", "POST /api/v3/order" },
                { "POST", "/api/v3/order/test", "computeCommissionRates=true",
                  "POST /api/v3/order/test computeCommissionRates=true" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint32_t cost;
                uint64_t key = match(rows[i].method, rows[i].path, rows[i].query, &cost);
                struct variant v;

                if (!variant_find(key, &v))
                        fail_msg("%s: not found", rows[i].name);
                assert_string_equal(v.name, rows[i].name);
                assert_int_equal(v.weight, cost);
                assert_int_equal(variant_named(str_of(rows[i].name), &v), 0);
                assert_true(v.key == key);
        }
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

struct keys {
        size_t n;
        uint64_t all[8192];
};

static bool note(void *ctx, const struct variant *v)
{
        struct keys *keys = ctx;

        assert_true(keys->n < ARRAY_SIZE(keys->all));
        assert_true(v->key != 0 && (v->key & VARIANT_LOW_BITS) == 0);
        keys->all[keys->n++] = v->key;
        return true;
}

static void no_two_variants_have_one_key(void **state)
{
        static struct keys keys;

        (void)state;
        variant_each(note, &keys);
        assert_true(keys.n > policy_endpoint_count() / 2);
        qsort(keys.all, keys.n, sizeof(keys.all[0]), compare);
        for (size_t i = 1; i < keys.n; ++i)
                assert_true(keys.all[i] != keys.all[i - 1]);
}

#define KLINES_99 0xe16b08871e65c1a8ULL
#define UNKNOWN   0x5b7785958fd36c98ULL

/* Regions outlive builds: a key that changes orphans what was learnt. */
static void keys_stay(void **state)
{
        uint32_t cost;

        (void)state;
        assert_true(match("GET", "/fapi/v1/klines", "limit=5", &cost) == KLINES_99);
        assert_true(match("GET", "/api/v3/no/such", "limit=5", &cost) == UNKNOWN);
}

static void unknown_endpoints_have_one_each(void **state)
{
        uint32_t cost;
        uint64_t key = match("GET", "/api/v3/no/such", "a=1", &cost);
        struct variant v;

        (void)state;
        assert_int_equal(cost, 50);
        assert_true(key == match("GET", "/api/v3/no/such", "b=2", &cost));
        assert_true(key != match("POST", "/api/v3/no/such", "", &cost));
        assert_true(key != match("GET", "/api/v3/no/other", "", &cost));
        assert_false(variant_find(key, &v));
        assert_int_equal(variant_named(STR_LITERAL("GET /api/v3/no/such"), &v), 0);
        assert_true(v.key == key && !v.endpoint);
        /* They share one counter: none of them is ever seen alone. */
        assert_true(match("GET", "/sapi/v1/no/such", "", &cost) == 0);
}

static void names_that_are_none_are_refused(void **state)
{
        static const struct {
                const char *name;
                int answer;
        } rows[] = {
                { "", -EINVAL },
                { "GET", -EINVAL },
                { "GET ", -EINVAL },
                { "GET /other", -EINVAL },
                { "GET /api/v3/no/such limit", -EINVAL },
                { "GET /sapi/v1/no/such", -EINVAL },
                { "GET /fapi/v1/klines limit<=498", -ENOENT },
                { "GET /api/v3/ticker symbols#0", -ENOENT },
                { "GET  /fapi/v1/klines", -EINVAL },
        };
        struct variant v;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (variant_named(str_of(rows[i].name), &v) != rows[i].answer)
                        fail_msg("\"%s\": got %d", rows[i].name,
                                 variant_named(str_of(rows[i].name), &v));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_has_the_variant_of_the_clause_that_held),
                cmocka_unit_test(no_two_variants_have_one_key),
                cmocka_unit_test(keys_stay),
                cmocka_unit_test(unknown_endpoints_have_one_each),
                cmocka_unit_test(names_that_are_none_are_refused),
        };

        return cmocka_run_group_tests_name("policy/variant", tests, NULL, NULL);
}
