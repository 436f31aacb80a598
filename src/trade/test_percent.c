#include "trade/percent.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct amount amount(const char *text)
{
        struct amount a = AMOUNT_ZERO;

        assert_int_equal(amount_parse(str_of(text), &a), 0);
        return a;
}

static void a_share_is_exact_to_eight_places(void **state)
{
        static const struct {
                const char *part, *whole, *percent;
                int error;
        } rows[] = {
                { "0", "5", "0", 0 },
                { "3", "100", "3", 0 },
                { "-3", "100", "-3", 0 },
                { "3", "-100", "3", 0 },
                { "1", "3", "33.33333333", 0 },
                { "-2", "3", "-66.66666666", 0 },
                { "2.99999999999", "100", "2.99999999", 0 },
                { "0.000000000000000001", "1", "0", 0 },
                { "0.000000000000000003", "0.000000000000000004", "75", 0 },
                { "10000000000000000000", "10000000000000000000", "100", 0 },
                { "1", "10000000000000000000", "0", 0 },
                { "1", "0", "", -EDOM },
                { "1", "10000000000000000001", "", -ERANGE },
                { "99999999999999999999", "0.000000000000000001", "", -ERANGE },
                { "1", "0.000000000000000001", "100000000000000000000", 0 },
                { "2", "0.000000000000000001", "", -ERANGE },
        };
        char text[AMOUNT_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct amount percent = amount("7");
                int r = percent_of(amount(rows[i].part), amount(rows[i].whole), &percent);

                if (r != rows[i].error ||
                    strcmp(amount_print(percent, text), r == 0 ? rows[i].percent : "7") != 0)
                        fail_msg("%s of %s: %d, %s", rows[i].part, rows[i].whole, r, text);
        }
}

static void liquidation_is_as_far_as_the_mark_has_to_go(void **state)
{
        static const struct {
                const char *label, *quantity, *mark, *liquidation, *percent; /* NULL: none */
        } rows[] = {
                { "a long falls", "1", "100", "80", "20" },
                { "a short rises", "-1", "100", "112.5", "12.5" },
                { "a long beyond it", "1", "80", "100", "-25" },
                { "a short beyond it", "-1", "125", "100", "-20" },
                { "no such price", "1", "100", "0", NULL },
                { "no such price, with places", "1", "100", "0.00000", NULL },
                { "below zero there is none", "1", "100", "-5", NULL },
                { "not told", "1", "100", "", NULL },
                { "no mark", "1", "", "80", NULL },
                { "a mark of zero", "1", "0", "80", NULL },
        };
        char text[AMOUNT_TEXT_MAX] = "";

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_position p = { .symbol = "A" };
                struct amount percent;
                int r;

                snprintf(p.quantity, sizeof(p.quantity), "%s", rows[i].quantity);
                snprintf(p.mark_price, sizeof(p.mark_price), "%s", rows[i].mark);
                snprintf(p.liquidation_price, sizeof(p.liquidation_price), "%s",
                         rows[i].liquidation);
                r = percent_liquidation(&p, &percent);
                if (r != (rows[i].percent ? 0 : -EDOM) ||
                    (r == 0 && strcmp(amount_print(percent, text), rows[i].percent) != 0))
                        fail_msg("%s: %d, %s", rows[i].label, r, text);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_share_is_exact_to_eight_places),
                cmocka_unit_test(liquidation_is_as_far_as_the_mark_has_to_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
