#include "history/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_histogram_comes_back_whole(void **state)
{
        struct waits before = { 0 }, after = { 0 };
        char blob[BLOB_BYTES_MAX];
        size_t n;

        (void)state;
        for (uint64_t us = 0; us < 300 * US_PER_SECOND; us = us * 5 / 4 + 97)
                waits_add(&before, us);
        n = blob_pack(&before, blob);
        assert_true(n > 0 && n <= sizeof(blob));
        assert_int_equal(blob_add(str_from(blob, n), &after), 0);
        assert_memory_equal(before.fine, after.fine, sizeof(before.fine));
        assert_int_equal(before.max_us, after.max_us);
        assert_int_equal(before.n, after.n);
}

static void what_nobody_waited_takes_nothing(void **state)
{
        struct waits none = { 0 };
        char blob[BLOB_BYTES_MAX];

        (void)state;
        assert_int_equal(blob_pack(&none, blob), 0);
        assert_int_equal(blob_add(STR_NULL, &none), 0);
        assert_int_equal(none.n, 0);
}

static void forty_that_did_not_wait_are_three_bytes(void **state)
{
        struct waits w = { 0 };
        char blob[BLOB_BYTES_MAX];

        (void)state;
        for (int i = 0; i < 40; ++i)
                waits_add(&w, 12);
        assert_int_equal(blob_pack(&w, blob), 3);
}

static void the_largest_figures_fit(void **state)
{
        struct waits w = { .n = 1, .max_us = UINT64_MAX }, after = { 0 };
        char blob[BLOB_BYTES_MAX];
        size_t n;

        (void)state;
        for (size_t i = 0; i < WAITS_FINE; ++i)
                w.fine[i] = UINT64_MAX;
        n = blob_pack(&w, blob);
        assert_true(n <= sizeof(blob));
        assert_int_equal(blob_add(str_from(blob, n), &after), 0);
        assert_true(after.fine[WAITS_FINE - 1] == UINT64_MAX && after.max_us == UINT64_MAX);
}

static void damaged_bytes_add_nothing(void **state)
{
        static const struct {
                const char *label;
                struct str bytes;
        } rows[] = {
                { "a number without an end", { "\x80\x80", 2 } },
                { "a number beyond 64 bits",
                  { "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12 } },
                { "a bucket without a count", { "\x05\x01\x01\x07", 4 } },
                { "a bucket that is none", { "\x05\xa2\x01\x01", 4 } },
                { "two steps beyond the last", { "\x05\x70\x01\x70\x01", 5 } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct waits w = { 0 }, none = { 0 };

                if (blob_add(rows[i].bytes, &w) == 0 || memcmp(&w, &none, sizeof(w)) != 0)
                        fail_msg("%s was taken", rows[i].label);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_histogram_comes_back_whole),
                cmocka_unit_test(what_nobody_waited_takes_nothing),
                cmocka_unit_test(forty_that_did_not_wait_are_three_bytes),
                cmocka_unit_test(the_largest_figures_fit),
                cmocka_unit_test(damaged_bytes_add_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
