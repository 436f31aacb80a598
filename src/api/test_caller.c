#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/caller.h"
#include "api/test_stage.h"

#include <errno.h>

static void settings_come_from_the_caller_then_the_environment(void **state)
{
        static const struct {
                const char *label;
                int max_retries, base_backoff_ms;
                const char *retries_env, *backoff_env;
                const char *says; /* refused; NULL: it is not */
                uint32_t retries, base_ms;
        } rows[] = {
                { "nothing said", -1, -1, NULL, NULL, NULL, 5, 1000 },
                { "by the environment", -1, -1, "2", "100", NULL, 2, 100 },
                { "the caller knows better", 7, 50, "2", "100", NULL, 7, 50 },
                { "none at all", 0, 0, NULL, NULL, NULL, 0, 0 },
                { "an empty variable is none", -1, -1, "", "", NULL, 5, 1000 },
                { "words", -1, -1, "five", NULL, "WEIR_MAX_RETRIES", 0, 0 },
                { "negative", -1, -1, NULL, "-1", "WEIR_BASE_BACKOFF_MS", 0, 0 },
                { "too many", 1001, -1, NULL, NULL, "max_retries is 1001", 0, 0 },
                { "fewer than none", -2, -1, "2", NULL, "max_retries is -2", 0, 0 },
                { "a wait before now", -1, -1000, NULL, NULL, "base_backoff_ms is -1000", 0, 0 },
        };
        struct weir_limiter *l = stage_open(NULL, 0, 0);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_caller_options o = WEIR_CALLER_DEFAULTS;
                struct weir_caller *c = NULL;
                struct weir_error error = { "" };
                int r;

                o.limiter = l;
                o.max_retries = rows[i].max_retries;
                o.base_backoff_ms = rows[i].base_backoff_ms;
                unsetenv("WEIR_MAX_RETRIES");
                unsetenv("WEIR_BASE_BACKOFF_MS");
                if (rows[i].retries_env)
                        setenv("WEIR_MAX_RETRIES", rows[i].retries_env, 1);
                if (rows[i].backoff_env)
                        setenv("WEIR_BASE_BACKOFF_MS", rows[i].backoff_env, 1);
                r = weir_caller_new(&o, &c, &error);
                if (r != (rows[i].says ? -EINVAL : 0) ||
                    (rows[i].says && !strstr(error.text, rows[i].says)))
                        fail_msg("%s: %d \"%s\"", rows[i].label, r, error.text);
                if (r == 0 && (c->config.max_retries != rows[i].retries ||
                               c->config.backoff.base_ms != rows[i].base_ms))
                        fail_msg("%s: %u retries, base %u", rows[i].label, c->config.max_retries,
                                 c->config.backoff.base_ms);
                weir_caller_free(c);
        }
        {
                struct weir_caller_options o = WEIR_CALLER_DEFAULTS;
                struct weir_caller *c = NULL;
                struct weir_error error = { "" };

                o.limiter = l;
                o.jitter_pct = -5;
                assert_int_equal(weir_caller_new(&o, &c, &error), -EINVAL);
                assert_non_null(strstr(error.text, "jitter_pct is -5"));
        }
        weir_limiter_close(l);
}

struct rows {
        unsigned n;
        uint64_t calls, other;
};

static void add(void *ctx, const char *endpoint, const struct weir_call_stats *stats)
{
        struct rows *rows = ctx;

        ++rows->n;
        rows->calls += stats->total_calls;
        if (strcmp(endpoint, "other") == 0)
                rows->other = stats->total_calls;
}

static void endpoints_beyond_the_table_share_one_row(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_caller_options o = WEIR_CALLER_DEFAULTS;
        struct weir_caller *c = NULL;
        struct rows rows = { 0 };
        size_t n = policy_endpoint_count();

        (void)state;
        assert_true(n > CALLER_ENDPOINTS);
        o.limiter = l;
        assert_int_equal(weir_caller_new(&o, &c, NULL), 0);
        for (int round = 0; round < 2; ++round)
                for (size_t i = 0; i < n; ++i)
                        atomic_fetch_add(&caller_tally(c, policy_endpoint(i))->calls, 1);
        atomic_fetch_add(&caller_tally(c, NULL)->calls, 1);
        weir_caller_endpoints(c, add, &rows);
        assert_int_equal(rows.n, CALLER_ENDPOINTS + 1);
        assert_int_equal(rows.calls, 2 * n + 1);
        assert_int_equal(rows.other, 2 * (n - CALLER_ENDPOINTS) + 1);
        weir_caller_free(c);
        weir_limiter_close(l);
}

static void an_older_program_gets_as_much_as_it_has_room_for(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_caller_options o = WEIR_CALLER_DEFAULTS;
        struct weir_call_stats stats = { .size = offsetof(struct weir_call_stats, retries),
                                         .retries = 77 };
        struct weir_caller *c = NULL;

        (void)state;
        o.limiter = l;
        assert_int_equal(weir_caller_new(&o, &c, NULL), 0);
        weir_caller_stats(c, &stats);
        assert_int_equal(stats.total_calls, 0);
        assert_int_equal(stats.retries, 77);
        weir_caller_free(c);
        o.size = 3;
        assert_int_equal(weir_caller_new(&o, &c, NULL), -EINVAL);
        weir_limiter_close(l);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(settings_come_from_the_caller_then_the_environment),
                cmocka_unit_test(endpoints_beyond_the_table_share_one_row),
                cmocka_unit_test(an_older_program_gets_as_much_as_it_has_room_for),
        };

        return cmocka_run_group_tests_name("api/caller", tests, NULL, NULL);
}
