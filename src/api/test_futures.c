#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/futures.h"
#include "base/base.h"

#include <errno.h>
#include <string.h>

static void an_order_of_no_size_is_refused_and_says_why(void **state)
{
        struct weir_futures_options o = WEIR_FUTURES_DEFAULTS;
        struct weir_order order = WEIR_ORDER_DEFAULTS;
        struct weir_order_report report = { .size = sizeof(report) };
        struct weir_futures *f = NULL;
        struct weir_error error = { "" };

        (void)state;
        o.is_testnet = true;
        if (weir_futures_open(&o, &f, &error) != 0)
                fail_msg("%s", error.text);
        order.size = 0;
        assert_int_equal(weir_futures_place(f, &order, 1, &report), -EINVAL);
        assert_non_null(strstr(weir_futures_why(f), "WEIR_ORDER_DEFAULTS"));
        /* And is forgotten with the next call, which has another reason. */
        order.size = sizeof(order);
        assert_int_equal(weir_futures_place(f, &order, 1, &report), -EINVAL);
        assert_null(strstr(weir_futures_why(f), "WEIR_ORDER_DEFAULTS"));
        assert_true(weir_futures_why(f)[0] != '\0');
        weir_futures_close(f);
}

static void numbers_that_make_no_sense_are_named(void **state)
{
        static const struct {
                int max_retries, base_backoff_ms;
                const char *says; /* NULL: opened */
        } rows[] = {
                { 0, 0, NULL },
                { -1, -1, NULL },
                { -2, 1000, "weir_futures_options.max_retries is -2" },
                { 2000, 1000, "weir_futures_options.max_retries is 2000" },
                { 5, -7, "weir_futures_options.base_backoff_ms is -7" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_futures_options o = WEIR_FUTURES_DEFAULTS;
                struct weir_futures *f = NULL;
                struct weir_error error = { "" };
                int r;

                o.is_testnet = true;
                o.max_retries = rows[i].max_retries;
                o.base_backoff_ms = rows[i].base_backoff_ms;
                r = weir_futures_open(&o, &f, &error);
                if (r != (rows[i].says ? -EINVAL : 0) ||
                    (rows[i].says && !strstr(error.text, rows[i].says)))
                        fail_msg("row %zu: %d \"%s\"", i, r, error.text);
                weir_futures_close(f);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_of_no_size_is_refused_and_says_why),
                cmocka_unit_test(numbers_that_make_no_sense_are_named),
        };

        return cmocka_run_group_tests_name("api/futures", tests, NULL, NULL);
}
