#include "sim/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void decimals_are_read_exactly_or_refused(void **state)
{
        static const struct {
                const char *text;
                int answer;
                decimal value;
        } rows[] = {
                { "0", 0, 0 },
                { "1", 0, DECIMAL_ONE },
                { "0.00000001", 0, 1 },
                { "0.1", 0, 10000000 },
                { ".5", 0, 50000000 },
                { "5.", 0, 5 * DECIMAL_ONE },
                { "-2.5", 0, -250000000 },
                { "1.000000000000", 0, DECIMAL_ONE },
                { "92233720368.54775807", 0, INT64_MAX },
                { "92233720368.54775808", -34, 0 },
                { "0.000000001", -34, 0 },
                { "99999999999999999999", -34, 0 },
                { "", -22, 0 },
                { ".", -22, 0 },
                { "-", -22, 0 },
                { "1e5", -22, 0 },
                { "1,5", -22, 0 },
                { "+1", -22, 0 },
                { "1.2.3", -22, 0 },
                { " 1", -22, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                decimal value = 0;
                int r = decimal_from(str_of(rows[i].text), &value);

                if (r != rows[i].answer || value != rows[i].value)
                        fail_msg("\"%s\": %d, %lld", rows[i].text, r, (long long)value);
        }
}

static void decimals_are_written_with_the_places_asked_for(void **state)
{
        static const struct {
                decimal value;
                unsigned places;
                const char *text;
        } rows[] = {
                { 0, 8, "0.00000000" },      { 0, 0, "0" },
                { 1, 8, "0.00000001" },      { 1, 7, "0.0000000" },
                { -150000000, 2, "-1.50" },  { 123456789, 3, "1.234" },
                { 5 * DECIMAL_ONE, 0, "5" }, { INT64_MAX, 8, "92233720368.54775807" },
        };
        char text[DECIMAL_TEXT];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(decimal_text(rows[i].value, rows[i].places, text),
                                    rows[i].text);
}

static void products_saturate_and_zero_divides(void **state)
{
        (void)state;
        assert_int_equal(decimal_mul(150000000, 2 * DECIMAL_ONE), 3 * DECIMAL_ONE);
        assert_int_equal(decimal_mul(INT64_MAX, INT64_MAX), INT64_MAX);
        assert_int_equal(decimal_mul(INT64_MAX, -INT64_MAX), -INT64_MAX);
        assert_int_equal(decimal_div(DECIMAL_ONE, 4 * DECIMAL_ONE), 25000000);
        assert_int_equal(decimal_div(DECIMAL_ONE, 0), 0);
        assert_int_equal(decimal_places(100000), 3);
        assert_int_equal(decimal_places(5 * DECIMAL_ONE), 0);
        assert_int_equal(decimal_places(1), 8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decimals_are_read_exactly_or_refused),
                cmocka_unit_test(decimals_are_written_with_the_places_asked_for),
                cmocka_unit_test(products_saturate_and_zero_divides),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
