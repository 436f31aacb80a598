#include "budget/stops.h"
#include "budget/counters.h"
#include "budget/test_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A midnight UTC, and what comes after it. */
#define AT(ms)  (20000ULL * 86400000 + (ms))
#define GUARD   20u
#define NOW(ms) ((struct limiter_time){ AT(ms), GUARD })

static int setup(void **state)
{
        (void)state;
        return stage_open(AT(0));
}

static struct policy_plan plan_of(const char *method, const char *path)
{
        return stage_plan(method, path, "", "SomeKeyOfSomebody");
}

/* For how long this request cannot leave. */
static uint64_t shut_for(const char *method, const char *path, uint64_t ms)
{
        struct policy_plan plan = plan_of(method, path);
        struct limiter_request request;
        uint64_t until_ms;

        budget_request(&l, &plan, &request);
        until_ms = limiter_shut_ms(&l, &request, NOW(ms));
        return until_ms ? until_ms - AT(ms) : 0;
}

static void apply(const char *method, const char *path, const struct verdict *v, uint64_t ms)
{
        struct policy_plan plan = plan_of(method, path);
        struct stop stop;

        (void)stops_apply(&l, &plan, v, NOW(ms), &stop);
}

#define SPOT    "/api/v3/order"
#define FUTURES "/fapi/v1/order"

static void orders_stop_until_the_window_turns_that_is_named(void **state)
{
        static const struct {
                const char *label, *path;
                uint64_t at_ms, window_ms, retry_ms, for_ms;
        } rows[] = {
                { "the short one", FUTURES, 3000, 10000, 0, 7000 + GUARD },
                { "the minute", FUTURES, 3000, 60000, 0, 57000 + GUARD },
                { "none is named: the shortest", FUTURES, 3000, 0, 0, 7000 + GUARD },
                { "one that the pool has not", FUTURES, 3000, 3600000, 0, 7000 + GUARD },
                { "one that no pool has", FUTURES, 3000, 86400000ULL * 1000, 0, 7000 + GUARD },
                { "when to come again is said", FUTURES, 3000, 60000, 9000, 9000 },
                { "spot's short one", SPOT, 3000, 10000, 0, 7000 + GUARD },
                /* Fills take from it: there may be room long before midnight. */
                { "spot's day is looked at again", SPOT, 3000, 86400000, 0, 60000 },
                { "spot's day, at its end", SPOT, 86399000, 86400000, 0, 1000 + GUARD },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct verdict v = { .kind = VERDICT_TOO_MANY_ORDERS,
                                     .window_ms = rows[i].window_ms,
                                     .retry_at_ms =
                                             rows[i].retry_ms ? AT(3000) + rows[i].retry_ms : 0 };
                uint64_t for_ms;

                assert_int_equal(setup(NULL), 0);
                apply("POST", rows[i].path, &v, rows[i].at_ms);
                for_ms = shut_for("POST", rows[i].path, rows[i].at_ms);
                if (for_ms != rows[i].for_ms)
                        fail_msg("%s: got %llu", rows[i].label, (unsigned long long)for_ms);
                assert_int_equal(shut_for("DELETE", rows[i].path, rows[i].at_ms), 0);
        }
}

static void a_part_that_is_one_order_too_many_stops_orders_too(void **state)
{
        static const struct {
                enum verdict_kind kind;
                int32_t part_code;
                uint64_t for_ms;
        } rows[] = {
                { VERDICT_PARTLY, -1015, 7000 + GUARD },
                { VERDICT_REJECTED, -1015, 7000 + GUARD },
                { VERDICT_PARTLY, -2010, 0 },
                { VERDICT_REJECTED, -2011, 0 },
                { VERDICT_OK, -1015, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct verdict v = { .kind = rows[i].kind, .part_code = rows[i].part_code };

                assert_int_equal(setup(NULL), 0);
                apply("POST", "/api/v3/order/cancelReplace", &v, 3000);
                assert_int_equal(shut_for("POST", SPOT, 3000), rows[i].for_ms);
                assert_int_equal(shut_for("GET", "/api/v3/depth", 3000), 0);
                assert_int_equal(shut_for("POST", FUTURES, 3000), 0);
        }
}

static void weight_stops_a_product_and_of_sapi_one_endpoint(void **state)
{
        struct verdict v = { .kind = VERDICT_OVER_WEIGHT };

        (void)state;
        apply("GET", "/fapi/v1/depth", &v, 3000);
        assert_int_equal(shut_for("DELETE", "/dapi/v1/order", 3000), 57000 + GUARD);
        assert_int_equal(shut_for("GET", "/api/v3/depth", 3000), 0);
        apply("GET", "/sapi/v1/margin/allPairs", &v, 3000);
        assert_int_equal(shut_for("GET", "/sapi/v1/margin/allPairs", 3000), 57000 + GUARD);
        assert_int_equal(shut_for("GET", "/sapi/v1/system/status", 3000), 0);
        assert_int_equal(shut_for("GET", "/api/v3/depth", 3000), 0);
}

/* No header tells of them, and they turn later than the weight's window. */
static void what_a_few_endpoints_share_stops_until_its_own_turn(void **state)
{
        struct verdict v = { .kind = VERDICT_OVER_WEIGHT };

        (void)state;
        apply("GET", "/fapi/v1/fundingRate", &v, 3000);
        assert_int_equal(shut_for("GET", "/fapi/v1/fundingInfo", 3000), 297000 + GUARD);
        assert_int_equal(shut_for("GET", "/fapi/v1/depth", 3000), 57000 + GUARD);
        assert_int_equal(shut_for("GET", "/futures/data/openInterestHist", 3000), 57000 + GUARD);
        apply("GET", "/futures/data/openInterestHist", &v, 3000);
        assert_int_equal(shut_for("GET", "/futures/data/basis", 3000), 297000 + GUARD);
        /* All requests of spot are counted, for five minutes, and its text may say so. */
        apply("GET", "/api/v3/depth", &v, 3000);
        assert_int_equal(shut_for("GET", "/api/v3/ping", 3000), 57000 + GUARD);
        v.window_ms = 300000;
        apply("GET", "/api/v3/depth", &v, 3000);
        assert_int_equal(shut_for("GET", "/api/v3/ping", 3000), 297000 + GUARD);
}

/* Weights of 0 too: its counter is not asked for a place, and what refused it is unknown. */
static void each_endpoint_of_sapi_that_was_refused_stops(void **state)
{
        struct verdict v = { .kind = VERDICT_OVER_WEIGHT };

        (void)state;
        for (size_t i = 0; i < policy_endpoint_count(); ++i) {
                const struct policy_endpoint *e = policy_endpoint(i);

                if (e->group != POLICY_SAPI)
                        continue;
                assert_int_equal(setup(NULL), 0);
                apply(e->method, e->path, &v, 3000);
                if (shut_for(e->method, e->path, 3000) == 0)
                        fail_msg("%s %s goes on", e->method, e->path);
        }
}

static void a_head_stops_for_a_moment_or_for_as_long_as_it_says(void **state)
{
        struct verdict v = { .kind = VERDICT_BANNED,
                             .retry_at_ms = AT(9000),
                             .ban_until_ms = AT(9000) };
        uint64_t for_ms;

        (void)state;
        assert_true(stops_begin(&l, POLICY_DAPI, 0, NOW(3000)));
        for_ms = shut_for("GET", "/fapi/v1/depth", 3000);
        assert_true(for_ms > 1000 && for_ms < 5000);
        assert_int_equal(shut_for("GET", "/api/v3/depth", 3000), 0);
        assert_int_equal(counter_read(region.header, COUNTER_bans), 0);
        apply("GET", "/fapi/v1/depth", &v, 3000);
        assert_int_equal(shut_for("GET", "/fapi/v1/depth", 3000), 6000);
        assert_int_equal(counter_read(region.header, COUNTER_bans), 1);
        assert_true(stops_begin(&l, POLICY_API, AT(8000), NOW(3000)));
        assert_int_equal(shut_for("GET", "/api/v3/depth", 3000), 5000);
}

/* In place of the C library's: who is shut out when the file is written. */
static struct {
        unsigned n;
        bool was_shut;
} syncs;

int msync(void *at, size_t n, int flags)
{
        uint64_t until_ms;
        enum gate_kind kind;

        ++syncs.n;
        syncs.was_shut =
                flags == MS_SYNC && at == region.header && n >= sizeof(struct region_header) &&
                (gate_check(limiter_gate(&l, 3), AT(3000), &until_ms, &kind) == GATE_SHUT ||
                 gate_check(limiter_gate(&l, BUDGET_GATE_ALL), AT(3000), &until_ms, &kind) ==
                         GATE_SHUT);
        return 0;
}

/* What a power cut leaves is what was written: before stops_apply() returns nobody can send. */
static void a_ban_is_written_to_the_disk_before_anything_else_is_sent(void **state)
{
        static const struct {
                struct verdict v;
                unsigned n_syncs;
        } rows[] = {
                { { .kind = VERDICT_BANNED, .ban_until_ms = AT(90000) }, 1 },
                { { .kind = VERDICT_BANNED }, 1 },
                { { .kind = VERDICT_FIREWALL }, 1 },
                { { .kind = VERDICT_OVER_WEIGHT }, 0 },
                { { .kind = VERDICT_OVERLOADED }, 0 },
        };
        char path[] = "/tmp/weir-stops-XXXXXX";
        struct region_error error;
        struct region_plan plan;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char file[64];

                assert_non_null(mkdtemp(strcpy(path, "/tmp/weir-stops-XXXXXX")));
                snprintf(file, sizeof(file), "%s/region", path);
                budget_plan(&plan, AT(0));
                region_close(&region);
                assert_int_equal(region_open(file, &plan, &region, &error), 0);
                syncs.n = 0;
                apply("GET", "/fapi/v1/depth", &rows[i].v, 3000);
                assert_int_equal(syncs.n, rows[i].n_syncs);
                assert_true(syncs.n == 0 || syncs.was_shut);
                syncs.n = 0;
                if (rows[i].v.kind == VERDICT_BANNED && rows[i].v.ban_until_ms) {
                        /* Known already: no disk is waited for. */
                        apply("GET", "/fapi/v1/depth", &rows[i].v, 3000);
                        assert_int_equal(syncs.n, 0);
                        assert_true(stops_begin(&l, POLICY_FAPI, AT(95000), NOW(3000)));
                        assert_int_equal(syncs.n, 1);
                }
                region_close(&region);
                assert_int_equal(unlink(file), 0);
                assert_int_equal(rmdir(path), 0);
        }
}

/* The firewall's block is over, one product's ban is not: another product asks. */
static void who_is_banned_himself_is_not_the_one_who_asks(void **state)
{
        struct verdict block = { .kind = VERDICT_FIREWALL, .retry_at_ms = AT(10000) },
                       ban = { .kind = VERDICT_BANNED, .ban_until_ms = AT(50000) };
        int gate;

        (void)state;
        apply("GET", "/fapi/v1/depth", &ban, 3000);
        apply("GET", "/api/v3/depth", &block, 3000);
        assert_int_equal(stops_claim_probe(&l, POLICY_API, NOW(9000)), STOPS_NO_PROBE);
        assert_int_equal(stops_claim_probe(&l, POLICY_DAPI, NOW(12000)), STOPS_NO_PROBE);
        /* Looking claims nothing, and what is only claimed has not left. */
        assert_int_equal(stops_due_probe(&l, POLICY_API, NOW(9000)), STOPS_NO_PROBE);
        for (int i = 0; i < 2; ++i)
                assert_int_equal(stops_due_probe(&l, POLICY_API, NOW(12000)), BUDGET_GATE_ALL);
        gate = stops_claim_probe(&l, POLICY_API, NOW(12000));
        assert_int_equal(gate, BUDGET_GATE_ALL);
        assert_int_equal(stops_due_probe(&l, POLICY_API, NOW(12000)), STOPS_NO_PROBE);
        assert_int_equal(counter_read(region.header, COUNTER_probes), 0);
        stops_probe_left(&l);
        assert_int_equal(counter_read(region.header, COUNTER_probes), 1);
        /* One is enough. */
        assert_int_equal(stops_claim_probe(&l, POLICY_PAPI, NOW(12000)), STOPS_NO_PROBE);
        stops_probe_done(&l, gate, true, NOW(12100));
        assert_int_equal(shut_for("GET", "/api/v3/depth", 12200), 0);
        assert_int_equal(shut_for("GET", "/fapi/v1/depth", 12200), 37800);
        assert_int_equal(stops_claim_probe(&l, POLICY_FAPI, NOW(49000)), STOPS_NO_PROBE);
        assert_int_equal(stops_claim_probe(&l, POLICY_DAPI, NOW(52000)), budget_gate(POLICY_FAPI));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(orders_stop_until_the_window_turns_that_is_named),
                TEST(a_part_that_is_one_order_too_many_stops_orders_too),
                TEST(weight_stops_a_product_and_of_sapi_one_endpoint),
                TEST(what_a_few_endpoints_share_stops_until_its_own_turn),
                TEST(each_endpoint_of_sapi_that_was_refused_stops),
                TEST(a_head_stops_for_a_moment_or_for_as_long_as_it_says),
                TEST(who_is_banned_himself_is_not_the_one_who_asks),
                TEST(a_ban_is_written_to_the_disk_before_anything_else_is_sent),
        };

        return cmocka_run_group_tests_name("budget/stops", tests, NULL, teardown);
}
