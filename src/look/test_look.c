#include "look/look.h"

#include "base/clock.h"
#include "budget/budget.h"
#include "core/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE 30000000ULL
#define NOW_MS (MINUTE * 60000 + 5000)
#define KEY    "TheFirstKeyOfTheAccount"

static struct region region = { .fd = -1 };
static struct limiter l = { .region = &region };
static struct look *look;
static const struct limiter_time now = { NOW_MS, 0 };

static int setup(void **state)
{
        struct region_plan plan;
        struct region_error error;
        int r;

        (void)state;
        budget_plan(&plan, NOW_MS);
        region_close(&region);
        r = region_open(NULL, &plan, &region, &error);
        l = (struct limiter){ .region = &region };
        return r < 0 ? r : look_new(&region, &look);
}

static int teardown(void **state)
{
        (void)state;
        look = look_free(look);
        region_close(&region);
        return 0;
}

/* Return: false when it has to wait; then it waits. */
static bool reserve(const char *method, const char *path, const char *key,
                    struct limiter_ticket *ret)
{
        struct policy_input input = { .method = str_of(method),
                                      .path = str_of(path),
                                      .query = STR_LITERAL("symbol=BTCUSDT&limit=5000"),
                                      .api_key = str_of(key) };
        struct limiter_request request;
        struct policy_plan plan;
        int r;

        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        budget_request(&l, &plan, &request);
        r = limiter_reserve(&l, &request, now, ret);
        assert_true(r == LIMITER_GO || r == LIMITER_WAIT);
        return r == LIMITER_GO;
}

static void land(struct limiter_ticket *t)
{
        limiter_land(&l, t, now, 0, 0, NULL, 0, NULL);
}

static void fetch(const char *path)
{
        struct limiter_ticket t;

        assert_true(reserve("GET", path, "", &t));
        land(&t);
}

static const struct look_budget *find(const char *pool, uint32_t span_ms)
{
        for (size_t i = 0; i < look->n_budgets; ++i)
                if (strcmp(look->budgets[i].pool->name, pool) == 0 &&
                    look->budgets[i].span_ms == span_ms)
                        return &look->budgets[i];
        fail_msg("there is no budget %s of %u ms", pool, span_ms);
        return NULL;
}

static void a_region_that_nobody_used_has_nothing_to_show(void **state)
{
        (void)state;
        look_take(look, NOW_MS);
        assert_int_equal(look->n_budgets + look->n_buckets + look->n_accounts + look->n_keys, 0);
        assert_int_equal(look->n_gates + look->n_ramps + look->n_breakers, 0);
        assert_int_equal(look->slots_taken, 0);
        assert_true(look->egresses[0].is_there);
        assert_string_equal(look->egresses[0].name, "default");
        assert_false(look->egresses[1].is_there);
        assert_false(look->hosts.are_sharing);
        assert_int_equal(look->exchange_ms, NOW_MS);
}

static void what_is_used_is_told_apart(void **state)
{
        const struct look_budget *b;
        struct limiter_news news;
        struct limiter_ticket t;
        uint32_t foreign;

        (void)state;
        fetch("/fapi/v1/depth");
        assert_true(reserve("GET", "/fapi/v1/depth", "", &t));
        look_take(look, NOW_MS);
        b = find("futures-weight", 60000);
        assert_int_equal(b->used, 40);
        assert_int_equal(b->ours, 40);
        assert_int_equal(b->in_flight, 20);
        assert_int_equal(b->foreign + b->held, 0);
        assert_int_equal(b->number, MINUTE);
        assert_int_equal(b->turns_in_ms, 55000);
        assert_int_equal(b->shut_for_ms, 0);
        assert_int_equal(b->cap, -1);
        assert_string_equal(look_egress_of(look, b), "default");
        assert_null(look_account_of(look, b));
        land(&t);

        news = (struct limiter_news){ .pool = b->pool_index, .span_ms = 60000, .used = 140 };
        assert_true(limiter_observe(&l, &news, NOW_MS, now, &foreign));
        look_take(look, NOW_MS);
        b = find("futures-weight", 60000);
        assert_int_equal(b->used, 140);
        assert_int_equal(b->ours, 40);
        assert_int_equal(b->foreign, 100);
        assert_int_equal(b->in_flight, 0);
        assert_true(b->expected > 0);
}

static void what_waits_is_held_in_the_next_window(void **state)
{
        struct limiter_ticket t;

        (void)state;
        while (reserve("GET", "/fapi/v1/depth", "", &t))
                land(&t);
        look_take(look, NOW_MS);
        assert_int_equal(find("futures-weight", 60000)->held, 0);
        look_take(look, NOW_MS + 60000);
        assert_int_equal(find("futures-weight", 60000)->held, 20);
        assert_int_equal(find("futures-weight", 60000)->used, 0);
        limiter_refund(&l, &t);
}

/* Shares of 2400: 100, 95, 90, 90, 80 and 60 percent at the beginning of a window, all of it but
 * what is kept for orders and cancels at its end. */
static void a_ceiling_is_what_its_class_may_use_now(void **state)
{
        static const uint32_t early[CLASS_COUNT] = { 2400, 2280, 2160, 2160, 1920, 1440 };
        const struct look_budget *b;

        (void)state;
        fetch("/fapi/v1/depth");
        fetch("/sapi/v1/system/status");
        look_take(look, NOW_MS);
        b = find("futures-weight", 60000);
        assert_true(b->has_ceilings);
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                assert_int_equal(b->ceilings[class], early[class]);
        /* It is an endpoint's own: no other class wants it. */
        b = find("sapi-ip", 60000);
        assert_false(b->has_ceilings);
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                assert_int_equal(b->ceilings[class], b->limit);

        look_take(look, NOW_MS + 54990);
        b = find("futures-weight", 60000);
        assert_int_equal(b->ceilings[CLASS_CANCEL], 2400);
        assert_int_equal(b->ceilings[CLASS_ORDER], 2399);
        assert_int_equal(b->ceilings[CLASS_BACKFILL], 2396);
}

/* A ceiling that is shown is the one that a request finds. */
static void ceilings_are_those_of_admission(void **state)
{
        const struct look_budget *b;
        struct limiter_ticket t;

        (void)state;
        while (reserve("GET", "/fapi/v1/depth", "", &t))
                land(&t);
        limiter_refund(&l, &t);
        look_take(look, NOW_MS);
        b = find("futures-weight", 60000);
        assert_true(b->used <= b->ceilings[CLASS_MARKET]);
        assert_true(b->used + 20 > b->ceilings[CLASS_MARKET]);
}

static void an_endpoints_own_budget_has_its_name(void **state)
{
        const struct look_budget *b;

        (void)state;
        fetch("/sapi/v1/system/status");
        look_take(look, NOW_MS);
        b = find("sapi-ip", 60000);
        assert_string_equal(b->endpoint_method, "GET");
        assert_string_equal(b->endpoint_path, "/sapi/v1/system/status");
        assert_string_equal(look_egress_of(look, b), "default");
}

static void another_address_is_known_as_soon_as_it_is_there(void **state)
{
        const struct look_budget *b = NULL;

        (void)state;
        fetch("/fapi/v1/depth");
        look_take(look, NOW_MS);
        assert_int_equal(limiter_set_egress(&l, STR_LITERAL("second")), 0);
        fetch("/fapi/v1/depth");
        fetch("/sapi/v1/system/status");
        look_take(look, NOW_MS);
        assert_int_equal(look->n_budgets, 3);
        b = find("sapi-ip", 60000);
        assert_string_equal(look_egress_of(look, b), "second");
        assert_string_equal(b->endpoint_path, "/sapi/v1/system/status");
}

static void an_account_has_its_name_and_keys(void **state)
{
        const struct look_budget *b;
        struct limiter_ticket t;

        (void)state;
        assert_true(reserve("POST", "/fapi/v1/order", KEY, &t));
        land(&t);
        look_take(look, NOW_MS);
        b = find("futures-orders", 60000);
        assert_null(look_account_of(look, b));
        assert_null(look_egress_of(look, b));

        assert_int_equal(holder_name(&l, STR_LITERAL("main"), STR_LITERAL(KEY), NOW_MS * 1000),
                         HOLDER_NAMED);
        assert_true(reserve("POST", "/fapi/v1/order", KEY, &t));
        land(&t);
        look_take(look, NOW_MS);
        assert_int_equal(look->n_accounts, 1);
        assert_int_equal(look->n_keys, 1);
        assert_string_equal(look->keys[0].text, "TheFi...");
        for (size_t i = 0, n = 0; i < look->n_budgets || n == 0; ++i) {
                assert_true(i < look->n_budgets);
                if (look->budgets[i].account == LOOK_NONE)
                        continue;
                ++n;
                assert_string_equal(look_account_of(look, &look->budgets[i]), "main");
        }
}

static void an_endpoints_budget_of_a_named_account_has_both_names(void **state)
{
        const struct look_budget *b;
        struct limiter_ticket t;

        (void)state;
        assert_int_equal(holder_name(&l, STR_LITERAL("main"), STR_LITERAL(KEY), NOW_MS * 1000),
                         HOLDER_NAMED);
        assert_true(reserve("POST", "/sapi/v1/algo/futures/newOrderVp", KEY, &t));
        land(&t);
        look_take(look, NOW_MS);
        b = find("sapi-uid", 60000);
        assert_string_equal(look_account_of(look, b), "main");
        assert_string_equal(b->endpoint_path, "/sapi/v1/algo/futures/newOrderVp");
        assert_null(look_egress_of(look, b));
}

static void stops_bans_and_pacing_are_seen(void **state)
{
        unsigned futures = budget_gate(POLICY_FAPI);

        (void)state;
        assert_int_equal(limiter_set_pacing(&l, 600, 10), 0);
        assert_true(gate_shut(limiter_gate(&l, futures), GATE_BAN, NOW_MS + 90000));
        look_take(look, NOW_MS);
        assert_int_equal(look->n_buckets, 1);
        assert_int_equal(look->buckets[0].rate_per_min, 600);
        assert_int_equal(look->buckets[0].milli, 10000);
        assert_int_equal(look->n_gates, 1);
        assert_string_equal(look->gates[0].product, "futures");
        assert_int_equal(look->gates[0].kind, GATE_BAN);
        assert_int_equal(look->gates[0].for_ms, 90000);
        look_take(look, NOW_MS + 100000);
        assert_int_equal(look->gates[0].for_ms, 0);
}

static void json_has_a_member_for_each(void **state)
{
        static const char *const members[] = {
                "region",     "budgets", "pacing", "accounts", "same_account",         "counters",
                "egresses",   "gates",   "front",  "breakers", "weight_disagreements", "hosts",
                "slots_taken"
        };
        json_t *root, *budget;

        (void)state;
        fetch("/fapi/v1/depth");
        look_take(look, NOW_MS);
        root = look_json(look, "/run/region");
        assert_int_equal(json_object_size(root), ARRAY_SIZE(members));
        for (size_t i = 0; i < ARRAY_SIZE(members); ++i)
                if (!json_object_get(root, members[i]))
                        fail_msg("there is no %s", members[i]);
        budget = json_array_get(json_object_get(root, "budgets"), 0);
        assert_int_equal(json_integer_value(json_object_get(budget, "ours")), 20);
        assert_int_equal(json_integer_value(json_object_get(budget, "number")), MINUTE);
        assert_int_equal(json_integer_value(
                                 json_object_get(json_object_get(budget, "ceilings"), "backfill")),
                         1440);
        json_decref(root);
}

static double us_of(uint64_t began_us, unsigned rounds)
{
        return (double)(clock_mono_us() - began_us) / rounds;
}

/* WEIR_LOOK_COST=1: what a look costs, of a region with 200 budgets and as much evidence. */
static void what_a_look_costs(void **state)
{
        const unsigned rounds = 2000;
        uint64_t began_us;
        size_t n = 0;

        (void)state;
        if (!getenv("WEIR_LOOK_COST"))
                skip();
        for (size_t i = 0; i < policy_endpoint_count() && n < 200; ++i) {
                const struct policy_endpoint *e = policy_endpoint(i);
                struct limiter_ticket t;

                if (e->group != POLICY_SAPI || strcmp(e->method, "GET") != 0)
                        continue;
                if (reserve("GET", e->path, KEY, &t))
                        land(&t);
                evidence_claim(&region, e->key << 2, NULL);
                ++n;
        }
        began_us = clock_mono_us();
        look_take(look, NOW_MS);
        printf("%zu slots, %zu budgets: first take %.1f us", look->slots_taken, look->n_budgets,
               us_of(began_us, 1));
        began_us = clock_mono_us();
        for (unsigned i = 0; i < rounds; ++i)
                look_take(look, NOW_MS);
        printf(", each other %.1f us", us_of(began_us, rounds));
        began_us = clock_mono_us();
        for (unsigned i = 0; i < rounds / 10; ++i)
                json_decref(look_json(look, "/run/region"));
        printf(", json %.1f us", us_of(began_us, rounds / 10));
        began_us = clock_mono_us();
        for (unsigned i = 0; i < rounds / 10; ++i) {
                json_t *root = look_json(look, "/run/region");

                free(json_dumps(root, JSON_COMPACT));
                json_decref(root);
        }
        printf(", and as text %.1f us\n", us_of(began_us, rounds / 10));
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                ROW(a_region_that_nobody_used_has_nothing_to_show),
                ROW(what_is_used_is_told_apart),
                ROW(what_waits_is_held_in_the_next_window),
                ROW(a_ceiling_is_what_its_class_may_use_now),
                ROW(ceilings_are_those_of_admission),
                ROW(an_endpoints_own_budget_has_its_name),
                ROW(another_address_is_known_as_soon_as_it_is_there),
                ROW(an_account_has_its_name_and_keys),
                ROW(an_endpoints_budget_of_a_named_account_has_both_names),
                ROW(stops_bans_and_pacing_are_seen),
                ROW(json_has_a_member_for_each),
                ROW(what_a_look_costs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
