#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/waits.h"

static void a_bucket_stands_for_what_is_in_it_within_5_percent(void **state)
{
        (void)state;
        for (uint64_t us = 128; us < 134217728; us += 1 + us / 1000) {
                uint64_t shown = waits_bucket_us(waits_bucket(us));
                uint64_t off = shown > us ? shown - us : us - shown;

                if (off * 100 > us * 5)
                        fail_msg("%llu us is shown as %llu", (unsigned long long)us,
                                 (unsigned long long)shown);
        }
}

static void buckets_grow_with_what_is_in_them(void **state)
{
        static const struct {
                const char *label;
                uint64_t us;
                unsigned bucket;
        } rows[] = {
                { "none", 0, 0 },
                { "too short to be told", 127, 0 },
                { "the first", 128, 1 },
                { "still", 139, 1 },
                { "the second", 140, 2 },
                { "a doubling", 256, 9 },
                { "the last that is told", 134217727, 160 },
                { "longer", 134217728, 161 },
                { "far longer", UINT64_MAX, 161 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (waits_bucket(rows[i].us) != rows[i].bucket)
                        fail_msg("%s: %u", rows[i].label, waits_bucket(rows[i].us));
        for (unsigned i = 1; i + 1 < WAITS_FINE; ++i)
                assert_int_equal(waits_bucket(waits_bucket_us(i)), i);
}

static void a_step_includes_its_bound(void **state)
{
        struct waits w = { 0 };

        (void)state;
        for (unsigned i = 0; i < WAITS_BOUNDS; ++i) {
                waits_add(&w, waits_bound_us(i));
                waits_add(&w, waits_bound_us(i) + 1);
        }
        assert_int_equal(w.steps[0], 1);
        for (unsigned i = 1; i < WAITS_BOUNDS; ++i)
                assert_int_equal(w.steps[i], 2);
        assert_int_equal(w.steps[WAITS_BOUNDS], 1);
        assert_int_equal(w.n, 2 * WAITS_BOUNDS);
        assert_int_equal(w.max_us, 60000001);
}

static void quantiles_are_told_within_5_percent(void **state)
{
        static const double qs[] = { 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0 };
        struct waits w = { 0 };

        (void)state;
        assert_int_equal(waits_quantile_us(&w, 0.5), 0);
        for (uint64_t i = 1; i <= 100000; ++i)
                waits_add(&w, i * 300);
        for (size_t i = 0; i < ARRAY_SIZE(qs); ++i) {
                double is = (double)waits_quantile_us(&w, qs[i]), should = qs[i] * 100000 * 300;

                if (is < should * 0.95 || is > should * 1.05)
                        fail_msg("%f: %f instead of %f", qs[i], is, should);
        }
}

static void a_quantile_is_never_beyond_the_longest(void **state)
{
        struct waits w = { 0 };

        (void)state;
        waits_add(&w, 1000);
        assert_true(waits_quantile_us(&w, 0.99) <= 1000);
        waits_add(&w, 500000000);
        assert_int_equal(waits_quantile_us(&w, 0.99), 500000000);
        assert_true(waits_quantile_us(&w, 0.5) <= 1000);
}

static void what_is_packed_adds_up(void **state)
{
        const uint32_t words[] = { 0u << 24 | 10, 9u << 24 | 80, 160u << 24 | 10 };
        const struct waits_packed packed = { ARRAY_SIZE(words), 130000000, words };
        struct waits sum = { 0 };

        (void)state;
        waits_merge(&sum, &packed);
        waits_merge(&sum, &packed);
        assert_int_equal(sum.n, 200);
        assert_int_equal(sum.max_us, 130000000);
        assert_int_equal(waits_quantile_us(&sum, 0.5), waits_bucket_us(9));
        assert_int_equal(waits_packed_quantile_us(&packed, 0.1), 0);
        assert_int_equal(waits_packed_quantile_us(&packed, 0.99), waits_bucket_us(160));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bucket_stands_for_what_is_in_it_within_5_percent),
                cmocka_unit_test(buckets_grow_with_what_is_in_them),
                cmocka_unit_test(a_step_includes_its_bound),
                cmocka_unit_test(quantiles_are_told_within_5_percent),
                cmocka_unit_test(a_quantile_is_never_beyond_the_longest),
                cmocka_unit_test(what_is_packed_adds_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
