/* Questions for the time that are not charged yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/unclocked.h"

static void counts_each_group_for_itself(void **state)
{
        struct egress egress = { .unclocked = 0 };

        (void)state;
        unclocked_add(&egress, 0);
        unclocked_add(&egress, 7);
        unclocked_add(&egress, 7);
        assert_int_equal(unclocked_count(&egress, 0), 1);
        assert_int_equal(unclocked_count(&egress, 1), 0);
        assert_int_equal(unclocked_count(&egress, 7), 2);
        unclocked_drop(&egress, 7, 1);
        assert_int_equal(unclocked_count(&egress, 7), 1);
        assert_int_equal(unclocked_count(&egress, 0), 1);
}

static void neither_runs_over_nor_below_zero(void **state)
{
        struct egress egress = { .unclocked = 0 };

        (void)state;
        for (int i = 0; i < 300; ++i)
                unclocked_add(&egress, 3);
        assert_int_equal(unclocked_count(&egress, 3), UNCLOCKED_MOST);
        assert_int_equal(unclocked_count(&egress, 4), 0);
        unclocked_drop(&egress, 3, 1000);
        unclocked_drop(&egress, 2, 1);
        assert_int_equal(unclocked_count(&egress, 3), 0);
        assert_int_equal(egress.unclocked, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_each_group_for_itself),
                cmocka_unit_test(neither_runs_over_nor_below_zero),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
