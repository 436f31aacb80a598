#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/acquire.h"
#include "api/test_stage.h"
#include "base/clock.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void mistakes_are_told_in_a_sentence(void **state)
{
        static const struct {
                const char *label;
                struct weir_limiter_options options;
                int r;
                const char *says;
        } rows[] = {
                { "a size that was forgotten",
                  { 0, NULL, 0, 0, WEIR_GROUP_FAPI, WEIR_CLASS_ACCOUNT },
                  -EINVAL,
                  "WEIR_LIMITER_DEFAULTS" },
                { "a rate without a burst",
                  { sizeof(struct weir_limiter_options), NULL, 10, 0, WEIR_GROUP_FAPI,
                    WEIR_CLASS_ACCOUNT },
                  -EINVAL,
                  "both" },
                { "a burst without a rate",
                  { sizeof(struct weir_limiter_options), NULL, 0, 10, WEIR_GROUP_FAPI,
                    WEIR_CLASS_ACCOUNT },
                  -EINVAL,
                  "both" },
                { "a rate of another unit",
                  { sizeof(struct weir_limiter_options), NULL, 1000001, 1, WEIR_GROUP_FAPI,
                    WEIR_CLASS_ACCOUNT },
                  -EINVAL,
                  "at most" },
                { "a group that is none",
                  { sizeof(struct weir_limiter_options), NULL, 0, 0, (enum weir_group)99,
                    WEIR_CLASS_ACCOUNT },
                  -EINVAL,
                  "weir_group" },
                { "a region that is a folder",
                  { sizeof(struct weir_limiter_options), "/", 0, 0, WEIR_GROUP_FAPI,
                    WEIR_CLASS_ACCOUNT },
                  -EISDIR,
                  "region /" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = NULL;
                struct weir_error error = { "" };
                int r = weir_limiter_open(&rows[i].options, &l, &error);

                if (r != rows[i].r || l || !strstr(error.text, rows[i].says))
                        fail_msg("%s: %d \"%s\"", rows[i].label, r, error.text);
        }
        assert_null(weir_limiter_close(NULL));
}

static void the_default_is_one_and_reads_the_environment_until_it_can(void **state)
{
        struct weir_limiter *first = NULL, *second = NULL;
        struct weir_error error;
        char path[64];

        (void)state;
        stage_path(path, sizeof(path));
        setenv("WEIR_REGION", path, 1);
        setenv("BINANCE_RATE_LIMIT_RPM", "a lot", 1);
        assert_int_equal(weir_limiter_default(&first, &error), -EINVAL);
        assert_non_null(strstr(error.text, "BINANCE_RATE_LIMIT_RPM"));
        setenv("BINANCE_RATE_LIMIT_RPM", "600", 1);
        setenv("BINANCE_RATE_LIMIT_BURST", "7", 1);
        assert_int_equal(weir_limiter_default(&first, &error), 0);
        assert_int_equal(weir_limiter_default(&second, &error), 0);
        assert_ptr_equal(first, second);
        assert_int_equal(first->limiter.pacing.rate_per_min, 600);
        assert_int_equal(first->limiter.pacing.burst, 7);
        assert_true(first->is_shared);
        unlink(path);
}

static void statistics_show_debt_and_are_nothing_without_a_bucket(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 10);
        struct weir_limiter_stats s = WEIR_LIMITER_STATS_DEFAULTS;

        (void)state;
        weir_limiter_stats(l, &s);
        assert_true(s.tokens == 10 && s.max_tokens == 10 && s.utilization_pct == 0);
        assert_true(s.refill_rate_per_sec == 1 && s.max_requests_per_minute == 60);
        for (int i = 0; i < 12; ++i)
                assert_true(weir_acquire_begin(l, 1, WEIR_NO_DEADLINE,
                                               &(struct weir_ticket){ { 0 } }) >= 0);
        weir_limiter_stats(l, &s);
        assert_true(s.tokens > -2.01 && s.tokens < -1.5);
        assert_true(s.utilization_pct > 100);
        weir_limiter_close(l);

        l = stage_open(NULL, 0, 0);
        weir_limiter_stats(l, &s);
        assert_true(s.tokens == 0 && s.max_tokens == 0 && s.utilization_pct == 0);
        weir_limiter_close(l);
}

static void a_measured_clock_is_everybodys(void **state)
{
        struct weir_limiter *l, *other;
        char path[64];
        uint64_t mono_us, exchange_ms;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        other = stage_open(path, 0, 0);
        assert_int_equal(api_now(other, POLICY_FAPI).guard_ms, 1000);
        exchange_ms = weir_now_ms(l, WEIR_GROUP_FAPI) + 3600000;
        /* Said an hour ahead, by a request that took no time. */
        mono_us = clock_mono_us();
        weir_clock_sample(l, WEIR_GROUP_FAPI, exchange_ms, mono_us, mono_us);
        assert_in_range(weir_now_ms(other, WEIR_GROUP_FAPI), exchange_ms - 2, exchange_ms + 5000);
        assert_in_range(api_now(other, POLICY_FAPI).guard_ms, 1, 20);
        assert_true(weir_now_ms(other, WEIR_GROUP_API) < exchange_ms);
        weir_limiter_close(l);
        weir_limiter_close(other);
        unlink(path);
}

static void a_quick_look_is_as_wrong_as_it_says(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        unsigned n_quick = 0;

        (void)state;
        assert_true(l->quick_ms > 0 && l->quick_ms <= 20);
        for (int i = 0; i < 2000 || n_quick == 0; ++i) {
                struct limiter_time quick = api_now_quick(l, POLICY_FAPI);
                struct limiter_time now = api_ms(api_now(l, POLICY_FAPI));
                bool is_exact = quick.guard_ms == now.guard_ms;

                assert_true(quick.now_ms <= now.now_ms);
                assert_true(is_exact || quick.guard_ms == now.guard_ms + l->quick_ms);
                /* Close before a turn it is never the coarse clock that speaks. */
                assert_true(is_exact || quick.now_ms % 1000 < 900);
                n_quick += !is_exact;
        }
        weir_limiter_close(l);
}

static void the_time_of_no_group_is_this_machines(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        uint64_t mono_us = clock_mono_us(), before = clock_wall_us() / US_PER_MS;

        (void)state;
        weir_clock_sample(l, (enum weir_group)9, before + 3600000, mono_us, mono_us);
        assert_in_range(weir_now_ms(l, (enum weir_group)9), before, before + 5000);
        assert_in_range(weir_now_ms(l, (enum weir_group) - 1), before, before + 5000);
        weir_limiter_close(l);
}

static int64_t ask(struct weir_limiter *l)
{
        struct acquire a;
        int64_t r = acquire_begin(l, &a, 1, UINT64_MAX, stage_at(0));

        acquire_cancel(l, &a);
        return r;
}

static void after_a_fork_a_shared_bucket_is_one_and_a_private_one_two(void **state)
{
        static const struct {
                const char *label;
                bool is_shared;
                int child_gets, parent_gets;
        } rows[] = { { "shared", true, 3, 0 }, { "private", false, 3, 3 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char path[64];
                struct weir_limiter *l;
                int status = 0, n = 0;
                pid_t pid;

                stage_path(path, sizeof(path));
                l = stage_open(rows[i].is_shared ? path : NULL, 60, 3);
                pid = fork();
                if (pid == 0) {
                        while (ask(l) == 0)
                                ++n;
                        weir_limiter_close(l);
                        _exit(n);
                }
                assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
                while (ask(l) == 0)
                        ++n;
                if (!WIFEXITED(status) || WEXITSTATUS(status) != rows[i].child_gets ||
                    n != rows[i].parent_gets)
                        fail_msg("%s: child %d, parent %d", rows[i].label, WEXITSTATUS(status), n);
                weir_limiter_close(l);
                unlink(path);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(mistakes_are_told_in_a_sentence),
                cmocka_unit_test(the_default_is_one_and_reads_the_environment_until_it_can),
                cmocka_unit_test(statistics_show_debt_and_are_nothing_without_a_bucket),
                cmocka_unit_test(a_measured_clock_is_everybodys),
                cmocka_unit_test(a_quick_look_is_as_wrong_as_it_says),
                cmocka_unit_test(the_time_of_no_group_is_this_machines),
                cmocka_unit_test(after_a_fork_a_shared_bucket_is_one_and_a_private_one_two),
        };

        return cmocka_run_group_tests_name("api/limiter", tests, NULL, NULL);
}
