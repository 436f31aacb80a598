#include "trade/amount.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct amount amount(const char *text)
{
        struct amount a = AMOUNT_ZERO;

        assert_int_equal(amount_parse(str_of(text), &a), 0);
        return a;
}

static void what_is_read_is_printed_without_idle_zeros(void **state)
{
        static const struct {
                const char *text, *printed;
        } rows[] = {
                { "0", "0" },
                { "-0", "0" },
                { "0.000", "0" },
                { "1", "1" },
                { "0010.0100", "10.01" },
                { "-0.5", "-0.5" },
                { "0.000000000000000001", "0.000000000000000001" },
                { "-0.000000000000000001000", "-0.000000000000000001" },
                { "123456789.123456789123456789", "123456789.123456789123456789" },
                { "99999999999999999999.999999999999999999",
                  "99999999999999999999.999999999999999999" },
                { "100000000000000000000", "100000000000000000000" },
        };
        char text[AMOUNT_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(amount_print(amount(rows[i].text), text), rows[i].printed);
}

static void what_is_no_amount_is_refused(void **state)
{
        static const struct {
                const char *text;
                int error;
        } rows[] = {
                { "", -EINVAL },
                { "-", -EINVAL },
                { ".", -EINVAL },
                { ".5", -EINVAL },
                { "5.", -EINVAL },
                { "1.2.3", -EINVAL },
                { "+1", -EINVAL },
                { "--1", -EINVAL },
                { "1e5", -EINVAL },
                { " 1", -EINVAL },
                { "1 ", -EINVAL },
                { "0x10", -EINVAL },
                { "1,5", -EINVAL },
                { "NaN", -EINVAL },
                { "1-", -EINVAL },
                { "0.0000000000000000001", -ERANGE },
                { "100000000000000000001", -ERANGE },
                { "1000000000000000000000", -ERANGE },
                { "100000000000000000000.000000000000000001", -ERANGE },
                { "99999999999999999999999999999999999999999999999999", -ERANGE },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct amount a = { 42 };
                int r = amount_parse(str_of(rows[i].text), &a);

                if (r != rows[i].error || a.units != 42)
                        fail_msg("\"%s\": %d, want %d", rows[i].text, r, rows[i].error);
        }
}

static void rounding_goes_where_it_is_told(void **state)
{
        static const struct {
                const char *value, *step, *down, *up, *nearest;
        } rows[] = {
                { "1.25", "0.1", "1.2", "1.3", "1.3" },
                { "1.24999", "0.1", "1.2", "1.3", "1.2" },
                { "1.2", "0.1", "1.2", "1.2", "1.2" },
                { "-1.25", "0.1", "-1.3", "-1.2", "-1.2" },
                { "-1.26", "0.1", "-1.3", "-1.2", "-1.3" },
                { "0.00099", "0.001", "0", "0.001", "0.001" },
                { "50000.07", "0.10", "50000", "50000.1", "50000.1" },
                { "7", "5", "5", "10", "5" },
                { "7.5", "5", "5", "10", "10" },
                { "0.3", "0.00000001", "0.3", "0.3", "0.3" },
        };
        char text[AMOUNT_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const char *wants[] = { rows[i].down, rows[i].up, rows[i].nearest };

                for (unsigned d = AMOUNT_DOWN; d <= AMOUNT_NEAREST; ++d) {
                        struct amount a;

                        assert_int_equal(amount_round(amount(rows[i].value), amount(rows[i].step),
                                                      (enum amount_direction)d, &a),
                                         0);
                        if (strcmp(amount_print(a, text), wants[d]) != 0)
                                fail_msg("%s by %s, direction %u: %s, want %s", rows[i].value,
                                         rows[i].step, d, text, wants[d]);
                }
        }
}

static void rounding_past_the_largest_amount_is_refused(void **state)
{
        struct amount a;

        (void)state;
        assert_int_equal(amount_round(amount("99999999999999999999.5"), amount("3"), AMOUNT_UP, &a),
                         -ERANGE);
}

static void products_are_exact_or_refused(void **state)
{
        static const struct {
                const char *a, *b, *product; /* NULL: refused */
        } rows[] = {
                { "0.1", "0.2", "0.02" },
                { "50000.1", "0.012", "600.0012" },
                { "-3", "0.5", "-1.5" },
                { "0", "99999999999999999999", "0" },
                { "0.000000001", "0.000000001", "0.000000000000000001" },
                { "0.0000000001", "0.000000001", NULL },
                { "10000000000", "10000000000", "100000000000000000000" },
                { "10000000000", "10000000001", NULL },
                { "499304.66774", "98004459394329.93012347444595",
                  "48934084034924227400.238825409445338653" },
                { "-99999999999999999999.999999999999999999", "1",
                  "-99999999999999999999.999999999999999999" },
                { "99999999999999999999", "99999999999999999999", NULL },
        };
        char text[AMOUNT_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct amount product;
                int r = amount_multiply(amount(rows[i].a), amount(rows[i].b), &product);

                if (!rows[i].product) {
                        assert_int_equal(r, -ERANGE);
                        continue;
                }
                assert_int_equal(r, 0);
                assert_string_equal(amount_print(product, text), rows[i].product);
        }
}

/* A small generator, so that a failure can be repeated. */
static uint64_t next(uint64_t *seed)
{
        *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return *seed >> 11;
}

static void a_rounded_amount_is_on_the_grid_and_no_further_than_a_step(void **state)
{
        uint64_t seed = 20261126;

        (void)state;
        for (unsigned i = 0; i < 20000; ++i) {
                struct amount step = { (amount_units)(next(&seed) % 1000000007 + 1) };
                struct amount a = { (amount_units)next(&seed) * (amount_units)next(&seed) }, r;
                amount_units off;

                if (i % 2)
                        a.units = -a.units;
                for (unsigned d = AMOUNT_DOWN; d <= AMOUNT_NEAREST; ++d) {
                        char text[AMOUNT_TEXT_MAX];
                        struct amount again;

                        assert_int_equal(amount_round(a, step, (enum amount_direction)d, &r), 0);
                        off = r.units - a.units;
                        assert_true(r.units % step.units == 0);
                        assert_true(d != AMOUNT_DOWN || (off <= 0 && -off < step.units));
                        assert_true(d != AMOUNT_UP || (off >= 0 && off < step.units));
                        assert_true(d != AMOUNT_NEAREST ||
                                    (2 * off <= step.units && -2 * off < step.units));
                        assert_int_equal(amount_parse(str_of(amount_print(r, text)), &again), 0);
                        assert_int_equal(amount_compare(r, again), 0);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_read_is_printed_without_idle_zeros),
                cmocka_unit_test(what_is_no_amount_is_refused),
                cmocka_unit_test(rounding_goes_where_it_is_told),
                cmocka_unit_test(rounding_past_the_largest_amount_is_refused),
                cmocka_unit_test(products_are_exact_or_refused),
                cmocka_unit_test(a_rounded_amount_is_on_the_grid_and_no_further_than_a_step),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
