#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "budget/exclock.h"

#define MS(n)  ((uint64_t)(n)*US_PER_MS)
#define DAY_MS 86400000ULL

static void the_true_time_is_always_inside_the_error(void **state)
{
        /* The exchange's clock is mono + 5000 s; delays are lopsided on purpose. */
        static const struct {
                const char *label;
                uint64_t there_us, back_us;
        } rows[] = {
                { "quick", 100, 100 },        { "slow there", 80000, 1000 },
                { "slow back", 1000, 80000 }, { "a spike", 1500000, 1500000 },
                { "no time at all", 0, 0 },   { "all there", 250000, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t sent_us = MS(1000000) + 777, arrives_us = sent_us + rows[i].there_us;
                uint64_t true_us = arrives_us + 5000 * US_PER_SECOND, now_us;
                struct limiter_time t;
                struct exclock c;
                word_t word[2 * EXCLOCK_WHEN] = { 0 };

                exclock_init(&c, word, sent_us, DAY_MS * 1000);
                assert_true(exclock_sample(&c, true_us / US_PER_MS, sent_us,
                                           arrives_us + rows[i].back_us));
                now_us = arrives_us + rows[i].back_us + 123456;
                t = exclock_now(&c, now_us);
                true_us = now_us + 5000 * US_PER_SECOND;
                if (true_us / US_PER_MS > t.now_ms + t.guard_ms ||
                    true_us / US_PER_MS + t.guard_ms < t.now_ms)
                        fail_msg("%s: true %llu, believed %llu +- %u", rows[i].label,
                                 (unsigned long long)(true_us / US_PER_MS),
                                 (unsigned long long)t.now_ms, t.guard_ms);
        }
}

static void a_worse_sample_is_ignored_until_the_old_one_cannot_be_true(void **state)
{
        struct exclock c;
        word_t word[2 * EXCLOCK_WHEN] = { 0 };

        (void)state;
        exclock_init(&c, word, MS(1000), MS(50000));
        assert_true(exclock_sample(&c, 90000, MS(1000), MS(1010)));
        /* Within both errors: says nothing new. */
        assert_false(exclock_sample(&c, 91050, MS(2000), MS(2100)));
        /* The exchange's clock was set by ten seconds: the old sample is refuted. */
        assert_true(exclock_sample(&c, 102050, MS(3000), MS(3100)));
        assert_in_range(exclock_now(&c, MS(3100)).now_ms, 102000, 102150);
}

static void two_samples_together_know_more_than_each(void **state)
{
        /* The exchange's clock is 5000 s ahead of ours. */
        const uint64_t ahead_us = 5000 * US_PER_SECOND;
        uint64_t sent_us = MS(1000000), true_ms;
        struct exclock c;
        word_t word[2 * EXCLOCK_WHEN] = { 0 };
        struct limiter_time t;

        (void)state;
        exclock_init(&c, word, sent_us, MS(50000));
        /* 200 ms there, 2 ms back; then 2 ms there and 200 ms back. */
        assert_true(exclock_sample(&c, (sent_us + MS(200) + ahead_us) / US_PER_MS, sent_us,
                                   sent_us + MS(202)));
        assert_in_range(exclock_now(&c, sent_us + MS(202)).guard_ms, 101, 104);
        sent_us += MS(1000);
        assert_true(exclock_sample(&c, (sent_us + MS(2) + ahead_us) / US_PER_MS, sent_us,
                                   sent_us + MS(202)));
        t = exclock_now(&c, sent_us + MS(202));
        true_ms = (sent_us + MS(202) + ahead_us) / US_PER_MS;
        assert_in_range(t.guard_ms, 3, 6);
        assert_in_range(t.now_ms + t.guard_ms, true_ms, true_ms + 2 * t.guard_ms);
}

static void the_way_is_that_of_lately(void **state)
{
        struct exclock c;
        word_t word[2 * EXCLOCK_WHEN] = { 0 };

        (void)state;
        exclock_init(&c, word, MS(0), MS(50000));
        (void)!exclock_sample(&c, 90000, MS(1000), MS(1020));
        assert_int_equal(c.one_way_us, MS(10));
        /* One spike does little, and a way that is longer from now on is followed. */
        (void)!exclock_sample(&c, 91000, MS(2000), MS(2340));
        assert_int_equal(c.one_way_us, MS(20));
        for (unsigned i = 0; i < 100; ++i)
                (void)!exclock_sample(&c, 92000 + 1000 * i, MS(3000 + 1000 * i),
                                      MS(3100 + 1000 * i));
        assert_in_range(c.one_way_us, MS(48), MS(50));
        (void)!exclock_sample(&c, 193000, MS(104000), MS(104006));
        assert_int_equal(c.one_way_us, MS(3));
}

static void the_error_grows_with_age(void **state)
{
        struct exclock c;
        word_t word[2 * EXCLOCK_WHEN] = { 0 };
        uint32_t young, old;

        (void)state;
        exclock_init(&c, word, MS(0), MS(50000));
        assert_true(exclock_sample(&c, 90000, MS(1000), MS(1002)));
        young = exclock_now(&c, MS(1002)).guard_ms;
        old = exclock_now(&c, MS(1002) + 3600 * US_PER_SECOND).guard_ms;
        assert_true(young <= 5);
        assert_in_range(old, young + 300, young + 400);
}

static void the_next_process_starts_from_what_was_published(void **state)
{
        struct exclock c, next;
        word_t word[2 * EXCLOCK_WHEN] = { 0 };
        int64_t offset_ms;
        uint32_t error_ms;

        (void)state;
        assert_false(exclock_read(word, &offset_ms, &error_ms));
        exclock_init(&c, word, MS(5000), MS(1000000));
        assert_true(exclock_sample(&c, 996000, MS(5000), MS(5004)));
        exclock_publish(&c, word, MS(5004), MS(1000004));
        assert_true(exclock_read(word, &offset_ms, &error_ms));
        assert_in_range(offset_ms + 5000, 990, 1010); /* about -4 s */
        exclock_init(&next, word, MS(70), MS(2000000));
        assert_in_range(exclock_now(&next, MS(70)).now_ms, 1995990, 1996010);
        assert_true(exclock_now(&next, MS(70)).guard_ms >= EXCLOCK_UNKNOWN_ERROR_MS);
}

static void a_shared_clock_grows_less_certain_with_age(void **state)
{
        static const struct {
                const char *label;
                int64_t later_ms;
                uint32_t least_ms, most_ms;
        } rows[] = {
                { "at once", 0, 3, 6 },
                { "after a minute", 60000, 9, 12 },
                { "after an hour", 3600000, 363, 366 },
                { "after a day it is unknown", 86400000, 1000, 1000 },
                { "and when the wall clock was set back", -1000, 1000, 1000 },
        };
        word_t word[2 * EXCLOCK_WHEN] = { 0 };
        struct exclock c, other;

        (void)state;
        assert_int_equal(exclock_shared(word, MS(DAY_MS)).guard_ms, EXCLOCK_UNKNOWN_ERROR_MS);
        assert_int_equal(exclock_shared(word, MS(DAY_MS)).now_ms, DAY_MS);
        exclock_init(&c, word, MS(5000), MS(DAY_MS));
        assert_true(exclock_sample(&c, DAY_MS - 4000, MS(5000), MS(5004)));
        exclock_publish(&c, word, MS(5004), MS(DAY_MS + 4));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t wall_ms = (uint64_t)((int64_t)DAY_MS + 4 + rows[i].later_ms);
                struct limiter_time t = exclock_shared(word, MS(wall_ms));

                if (t.guard_ms < rows[i].least_ms || t.guard_ms > rows[i].most_ms)
                        fail_msg("%s: error %u", rows[i].label, t.guard_ms);
                assert_in_range(t.now_ms + 4000 + 10, wall_ms, wall_ms + 20);
        }
        /* Another process' worse sample changes nothing; one that refutes it does. */
        exclock_resume(&other, word, MS(700), MS(DAY_MS + 4));
        assert_false(exclock_sample(&other, DAY_MS - 3960, MS(700), MS(800)));
        assert_true(exclock_sample(&other, DAY_MS - 9000, MS(700), MS(800)));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_true_time_is_always_inside_the_error),
                cmocka_unit_test(a_worse_sample_is_ignored_until_the_old_one_cannot_be_true),
                cmocka_unit_test(two_samples_together_know_more_than_each),
                cmocka_unit_test(the_way_is_that_of_lately),
                cmocka_unit_test(the_error_grows_with_age),
                cmocka_unit_test(the_next_process_starts_from_what_was_published),
                cmocka_unit_test(a_shared_clock_grows_less_certain_with_age),
        };

        return cmocka_run_group_tests_name("budget/exclock", tests, NULL, NULL);
}
