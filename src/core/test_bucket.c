#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/bucket.h"

#define NOW 1000000000000ULL
#define S   1000000ULL

static void tokens_flow_in_at_the_rate_and_no_faster(void **state)
{
        /* 60 a minute, 5 at once. */
        static const struct {
                const char *label;
                uint64_t now_us;
                uint32_t amount;
                bool may_wait;
                uint64_t latest_us;
                bool is_taken;
                uint64_t at_us;
        } steps[] = {
                { "the burst passes", NOW, 5, true, UINT64_MAX, true, NOW },
                { "the next waits for its token", NOW, 1, true, UINT64_MAX, true, NOW + S },
                { "too late for this one", NOW, 1, true, NOW + 2 * S - 1, false, 0 },
                { "just in time for this one", NOW, 1, true, NOW + 2 * S, true, NOW + 2 * S },
                { "who must not wait goes into debt", NOW, 1, false, NOW, true, NOW },
                { "which the next one waits for", NOW, 1, true, UINT64_MAX, true, NOW + 4 * S },
                { "later it is shorter", NOW + 3 * S, 1, true, UINT64_MAX, true, NOW + 5 * S },
                { "full again, and not fuller", NOW + 100 * S, 5, true, UINT64_MAX, true,
                  NOW + 100 * S },
                { "empty", NOW + 100 * S, 1, true, NOW + 100 * S, false, 0 },
                { "nothing costs nothing", NOW + 100 * S, 0, true, NOW + 100 * S, true,
                  NOW + 100 * S },
                { "more than the burst passes when full", NOW + 100 * S, 10, true, UINT64_MAX, true,
                  NOW + 105 * S },
                { "and leaves a debt", NOW + 105 * S, 1, true, UINT64_MAX, true, NOW + 111 * S },
                { "a clock that went back waits as long", NOW + 50 * S, 1, true, UINT64_MAX, true,
                  NOW + 112 * S },
        };
        word_t word = 0;
        const struct bucket b = { &word, 60, 5 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                uint64_t at_us = 0;
                bool is_taken = bucket_take(&b, steps[i].amount, steps[i].now_us, steps[i].may_wait,
                                            steps[i].latest_us, &at_us);

                if (is_taken != steps[i].is_taken || at_us != steps[i].at_us)
                        fail_msg("%s: %d, at %+lld us", steps[i].label, is_taken,
                                 (long long)(at_us - NOW));
        }
}

static void a_rate_that_does_not_divide_the_minute_is_never_exceeded(void **state)
{
        word_t word = 0;
        const struct bucket b = { &word, 7, 1 };
        uint64_t at_us = 0;

        (void)state;
        for (int i = 0; i < 8; ++i)
                assert_true(bucket_take(&b, 1, NOW, true, UINT64_MAX, &at_us));
        assert_true(at_us >= NOW + 60 * S);
        assert_true(at_us < NOW + 60 * S + 10);
}

static void the_whole_burst_passes_at_once_at_every_rate(void **state)
{
        (void)state;
        for (uint32_t rate = 1; rate < 5000; rate += 7) {
                word_t full = 0;
                struct bucket b = { &full, rate, 50 };
                uint64_t now_us = 1700000000000000ULL, at_us;

                for (uint32_t i = 0; i < b.burst; ++i) {
                        assert_true(bucket_take(&b, 1, now_us, true, UINT64_MAX, &at_us));
                        if (at_us != now_us)
                                fail_msg("rate %u: unit %u of the burst waits", rate, i + 1);
                }
                assert_true(bucket_take(&b, 1, now_us, true, UINT64_MAX, &at_us));
                assert_true(at_us > now_us);
        }
}

static void without_a_rate_everything_passes(void **state)
{
        word_t word = 0;
        const struct bucket b = { &word, 0, 0 };
        uint64_t at_us = 0;

        (void)state;
        assert_true(bucket_take(&b, UINT32_MAX, NOW, true, NOW, &at_us));
        assert_int_equal(at_us, NOW);
        bucket_give_back(&b, 1);
        assert_int_equal(word, 0);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
        word_t word = 0;
        const struct bucket b = { &word, 60, 5 };
        uint64_t at_us;

        (void)state;
        assert_true(bucket_take(&b, 5, NOW, true, NOW, &at_us));
        assert_int_equal(bucket_level_milli(&b, NOW), 0);
        assert_int_equal(bucket_level_milli(&b, NOW + S / 2), 500);
        bucket_give_back(&b, 2);
        assert_int_equal(bucket_level_milli(&b, NOW), 2000);
        assert_true(bucket_take(&b, 2, NOW, true, NOW, &at_us));
        assert_false(bucket_take(&b, 1, NOW, true, NOW, &at_us));
        assert_true(bucket_take(&b, 3, NOW, true, UINT64_MAX, &at_us));
        assert_int_equal(bucket_level_milli(&b, NOW), -3000);
        assert_int_equal(bucket_level_milli(&b, NOW + 1000 * S), 5000);
        word = 5;
        bucket_give_back(&b, 1);
        assert_int_equal(word, 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(tokens_flow_in_at_the_rate_and_no_faster),
                cmocka_unit_test(a_rate_that_does_not_divide_the_minute_is_never_exceeded),
                cmocka_unit_test(the_whole_burst_passes_at_once_at_every_rate),
                cmocka_unit_test(without_a_rate_everything_passes),
                cmocka_unit_test(what_is_given_back_can_be_taken_again),
        };

        return cmocka_run_group_tests_name("core/bucket", tests, NULL, NULL);
}
