#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/sized.h"
#include "api/test_stage.h"

#include <errno.h>
#include <string.h>

/* What a newer program has: more members than this library knows. */
struct newer_options {
        struct weir_limiter_options options;
        uint64_t more[2];
};

/* A structure of today, and what it was when it came out. */
struct today {
        size_t size;
        uint64_t first, second;
};

static void older_and_newer_programs_are_understood(void **state)
{
        static const struct {
                const char *label;
                size_t size;
                uint64_t beyond;
                int r;
                uint64_t second;
        } rows[] = {
                { "the same", 24, 9, 0, 2 },
                { "an older one leaves the default", 16, 9, 0, 77 },
                { "in the middle of a member", 20, 9, 0, 2 },
                { "a newer one that asks for nothing new", 32, 0, 0, 2 },
                { "a newer one that does", 32, 9, -E2BIG, 77 },
                { "forgotten", 0, 0, -EINVAL, 77 },
                { "older than the first", 15, 0, -EINVAL, 77 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t theirs[4] = { rows[i].size, 1, 2, rows[i].beyond };
                struct today ours = { sizeof(ours), 66, 77 };
                int r = sized_take(&ours, sizeof(ours), 16, theirs);

                if (r != rows[i].r || ours.second != rows[i].second || ours.size != sizeof(ours) ||
                    ours.first != (r == 0 ? 1 : 66))
                        fail_msg("%s: %d, second %llu", rows[i].label, r,
                                 (unsigned long long)ours.second);
        }
}

static void each_gets_as_much_as_it_has_room_for(void **state)
{
        static const uint64_t sizes[] = { 0, 8, 16, 24, 32 };
        static const struct today ours = { sizeof(ours), 1, 2 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                uint64_t theirs[4] = { sizes[i], 66, 77, 88 };

                sized_give(theirs, &ours, sizeof(ours));
                assert_int_equal(theirs[0], sizes[i]);
                assert_int_equal(theirs[1], sizes[i] >= 16 ? 1 : 66);
                assert_int_equal(theirs[2], sizes[i] >= 24 ? 2 : 77);
                assert_int_equal(theirs[3], 88);
        }
}

static void a_newer_program_opens_a_limiter_unless_it_asks_for_more(void **state)
{
        struct newer_options o = { WEIR_LIMITER_DEFAULTS, { 0, 0 } };
        struct weir_limiter *l = NULL;
        struct weir_error error = { "" };

        (void)state;
        o.options.size = sizeof(o);
        assert_int_equal(weir_limiter_open(&o.options, &l, &error), 0);
        weir_limiter_close(l);
        o.more[1] = 1;
        assert_int_equal(weir_limiter_open(&o.options, &l, &error), -EINVAL);
        assert_non_null(strstr(error.text, "newer"));
        assert_int_equal(weir_limiter_open(&o.options, &l, NULL), -EINVAL);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(older_and_newer_programs_are_understood),
                cmocka_unit_test(each_gets_as_much_as_it_has_room_for),
                cmocka_unit_test(a_newer_program_opens_a_limiter_unless_it_asks_for_more),
        };

        return cmocka_run_group_tests_name("api/sized", tests, NULL, NULL);
}
