#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/query.h"

#include <stdio.h>

#define NINES "999999999999999999999999999999999"

static void a_value_is_read_as_a_form_writes_it(void **state)
{
        static const struct {
                const char *query;
                int answer;
                const char *value;
        } rows[] = {
                { "a=b", QUERY_FOUND, "b" },
                { "x=1&a=b&y=2", QUERY_FOUND, "b" },
                { "a=", QUERY_FOUND, "" },
                { "a=b=c", QUERY_FOUND, "b=c" },
                { "a=1+2%2b3%C3%a4", QUERY_FOUND, "1 2+3\xc3\xa4" },
                { "a=1234567", QUERY_FOUND, "1234567" },
                { "", QUERY_MISSING, "" },
                { "a", QUERY_FOUND, "" },
                { "ab=1&ba=2", QUERY_MISSING, "" },
                { "a=12345678", QUERY_BAD, "" },
                { "a=%", QUERY_BAD, "" },
                { "a=%4", QUERY_BAD, "" },
                { "a=%4g", QUERY_BAD, "" },
                { "a=%00", QUERY_BAD, "" },
                { "a=1&a=1", QUERY_BAD, "" },
                { "a=&a=", QUERY_BAD, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char value[8] = "";
                int r = query_text(str_of(rows[i].query), "a", value, sizeof(value));

                if (r != rows[i].answer || (r == QUERY_FOUND && strcmp(value, rows[i].value) != 0))
                        fail_msg("%s: %d \"%s\"", rows[i].query, r, value);
        }
}

static void a_number_is_within_its_range_or_bad(void **state)
{
        static const struct {
                const char *query;
                int answer;
                uint64_t value;
        } rows[] = {
                { "n=7", QUERY_FOUND, 7 },    { "n=5", QUERY_FOUND, 5 },
                { "n=9", QUERY_FOUND, 9 },    { "m=7", QUERY_FOUND, 42 },
                { "n=4", QUERY_BAD, 42 },     { "n=10", QUERY_BAD, 42 },
                { "n=", QUERY_BAD, 42 },      { "n=-7", QUERY_BAD, 42 },
                { "n=7.", QUERY_BAD, 42 },    { "n=" NINES, QUERY_BAD, 42 },
                { "n=7&n=7", QUERY_BAD, 42 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t value = 42;
                int r = query_number(str_of(rows[i].query), "n", 5, 9, &value);

                if (r != rows[i].answer || value != rows[i].value)
                        fail_msg("%s: %d %llu", rows[i].query, r, (unsigned long long)value);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_value_is_read_as_a_form_writes_it),
                cmocka_unit_test(a_number_is_within_its_range_or_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
