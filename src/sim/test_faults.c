#include "sim/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct faults *script(const char *text)
{
        struct faults *faults = calloc(1, sizeof(*faults));
        struct faults_error e;

        assert_non_null(faults);
        faults_init(faults, 1);
        assert_int_equal(faults_parse(faults, str_of(text), &e), 0);
        return faults;
}

static struct fault_plan plan(struct faults *faults, const char *method, const char *path)
{
        struct fault_plan made;

        faults_plan(faults, str_of(method), str_of(path), &made);
        return made;
}

static void rules_match_method_and_path(void **state)
{
        static const struct {
                const char *rule, *method, *path;
                bool matches;
        } rows[] = {
                { "* * always gzip", "GET", "/api/v3/ping", true },
                { "GET * always gzip", "GET", "/api/v3/ping", true },
                { "POST * always gzip", "GET", "/api/v3/ping", false },
                { "GET /api/* always gzip", "GET", "/api/v3/ping", true },
                { "GET /api/* always gzip", "GET", "/fapi/v1/ping", false },
                { "GET /api/v3/order always gzip", "GET", "/api/v3/order", true },
                { "GET /api/v3/order always gzip", "GET", "/api/v3/orderList", false },
                { "GET /api/v3/order* always gzip", "GET", "/api/v3/orderList", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct faults *faults = script(rows[i].rule);

                if (plan(faults, rows[i].method, rows[i].path).gzip != rows[i].matches)
                        fail_msg("\"%s\" and %s %s", rows[i].rule, rows[i].method, rows[i].path);
                free(faults);
        }
}

static void counted_rules_count_their_matches(void **state)
{
        static const struct {
                const char *rule, *hits;
        } rows[] = {
                { "GET * always gzip", "111111111" },  { "GET * next 3 gzip", "111000000" },
                { "GET * every 3 gzip", "001001001" }, { "GET * after 3 gzip", "000111111" },
                { "GET * 0% gzip", "000000000" },      { "GET * 100% gzip", "111111111" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct faults *faults = script(rows[i].rule);

                for (size_t k = 0; rows[i].hits[k]; ++k) {
                        assert_false(plan(faults, "POST", "/").gzip); /* does not count */
                        if (plan(faults, "GET", "/").gzip != (rows[i].hits[k] == '1'))
                                fail_msg("\"%s\" at request %zu", rows[i].rule, k);
                }
                free(faults);
        }
}

static void chance_keeps_to_its_share_and_its_seed(void **state)
{
        struct faults *a = script("seed 5\n* * 20% gzip"), *b = script("seed 5\n* * 20% gzip");
        unsigned hits = 0;

        (void)state;
        for (unsigned i = 0; i < 10000; ++i) {
                bool hit = plan(a, "GET", "/").gzip;

                assert_int_equal(hit, plan(b, "GET", "/").gzip);
                hits += hit;
        }
        assert_in_range(hits, 1800, 2200);
        free(a);
        free(b);
}

static void the_first_ending_wins_and_the_rest_adds_up(void **state)
{
        struct faults *faults = script("* * always delay 100\n"
                                       "* * always delay 50\n"
                                       "* * always unknown execute 100%\n"
                                       "* * always reset executed\n"
                                       "* * always chunked\n");
        struct fault_plan made = plan(faults, "POST", "/x");

        (void)state;
        assert_int_equal(made.delay_us, 150000);
        assert_non_null(made.answer);
        assert_int_equal(made.answer->action, FAULT_UNKNOWN);
        assert_true(made.answer_executes);
        assert_int_equal(made.lost, STAGE_NONE);
        assert_true(made.chunked);
        free(faults);
}

static void waits_stay_in_their_range_but_for_spikes(void **state)
{
        struct faults *faults = script("* * always slow 10..20 spike 10% 4000");
        unsigned spikes = 0;

        (void)state;
        for (unsigned i = 0; i < 1000; ++i) {
                uint64_t us = plan(faults, "GET", "/").slow_us;

                if (us == 4000000)
                        ++spikes;
                else
                        assert_in_range(us, 10000, 20000);
        }
        assert_in_range(spikes, 60, 140);
        free(faults);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_match_method_and_path),
                cmocka_unit_test(counted_rules_count_their_matches),
                cmocka_unit_test(chance_keeps_to_its_share_and_its_seed),
                cmocka_unit_test(the_first_ending_wins_and_the_rest_adds_up),
                cmocka_unit_test(waits_stay_in_their_range_but_for_spikes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
