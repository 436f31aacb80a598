#include "trade/rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void rows_stay_what_they_were_while_it_grows(void **state)
{
        struct rows rows = rows_of(sizeof(uint64_t), 1000);

        (void)state;
        assert_null(rows_all(&rows));
        for (uint64_t i = 0; i < 1000; ++i) {
                uint64_t *row = rows_add(&rows);

                assert_non_null(row);
                assert_int_equal(*row, 0);
                *row = i;
        }
        for (uint64_t i = 0; i < 1000; ++i)
                assert_int_equal(*(uint64_t *)rows_at(&rows, i), i);
        assert_ptr_equal(rows_all(&rows), rows_at(&rows, 0));
        rows_deinit(&rows);
        rows_deinit(&rows);
        assert_null(rows_all(&rows));
}

static void beyond_the_ceiling_there_is_no_row(void **state)
{
        struct rows rows = rows_of(1, 2);

        (void)state;
        assert_non_null(rows_add(&rows));
        assert_non_null(rows_add(&rows));
        assert_int_equal(rows.error, 0);
        assert_null(rows_add(&rows));
        assert_null(rows_add(&rows));
        assert_int_equal(rows.error, -EOVERFLOW);
        assert_int_equal(rows.n, 2);
        rows_deinit(&rows);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_stay_what_they_were_while_it_grows),
                cmocka_unit_test(beyond_the_ceiling_there_is_no_row),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
