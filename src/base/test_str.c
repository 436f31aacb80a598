#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"

static void numbers_refuse_what_is_not_all_digits(void **state)
{
        static const struct {
                const char *text;
                int result;
                uint64_t value;
        } rows[] = {
                { "0", 0, 0 },
                { "007", 0, 7 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -22, 0 },
                { "99999999999999999999999", -22, 0 },
                { "", -22, 0 },
                { "+1", -22, 0 },
                { "-1", -22, 0 },
                { " 1", -22, 0 },
                { "1 ", -22, 0 },
                { "0x10", -22, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t value = 0;
                int r = str_to_u64(str_of(rows[i].text), &value);

                if (r != rows[i].result || value != rows[i].value)
                        fail_msg("\"%s\": got %d, %llu", rows[i].text, r,
                                 (unsigned long long)value);
        }
}

static void split_cuts_and_ends(void **state)
{
        struct str rest = STR_LITERAL("a,,bc"), part;

        (void)state;
        assert_true(str_split(&rest, ',', &part) && str_eq(part, STR_LITERAL("a")));
        assert_true(str_split(&rest, ',', &part) && part.n == 0);
        assert_true(str_split(&rest, ',', &part) && str_eq(part, STR_LITERAL("bc")));
        assert_false(str_split(&rest, ',', &part));
}

static void finding_ignores_case_when_asked(void **state)
{
        (void)state;
        assert_non_null(str_find_nocase(STR_LITERAL("Too Many Requests"), STR_LITERAL("many r")));
        assert_null(str_find(STR_LITERAL("Too Many Requests"), STR_LITERAL("many r")));
        assert_null(str_find_nocase(STR_LITERAL("abc"), STR_LITERAL("abcd")));
        assert_true(str_eq_nocase(STR_LITERAL("X-MBX"), STR_LITERAL("x-mbx")));
        assert_false(str_eq_nocase(STR_LITERAL("X-MBX"), STR_LITERAL("x-mb")));
}

static void copying_always_terminates(void **state)
{
        char to[4];

        (void)state;
        assert_true(str_copy(STR_LITERAL("abc"), to, sizeof(to)));
        assert_string_equal(to, "abc");
        assert_false(str_copy(STR_LITERAL("abcd"), to, sizeof(to)));
        assert_string_equal(to, "abc");
        assert_true(str_copy(STR_NULL, to, sizeof(to)));
        assert_string_equal(to, "");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_refuse_what_is_not_all_digits),
                cmocka_unit_test(split_cuts_and_ends),
                cmocka_unit_test(finding_ignores_case_when_asked),
                cmocka_unit_test(copying_always_terminates),
        };

        return cmocka_run_group_tests_name("base/str", tests, NULL, NULL);
}
