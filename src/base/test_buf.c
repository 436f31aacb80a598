#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "base/buf.h"

static void what_goes_in_comes_out_in_order(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 4096);
        assert_int_equal(buf_append(&b, "hello ", 6), 0);
        assert_int_equal(buf_printf(&b, "%s %d", "world", 7), 0);
        buf_consume(&b, 3);
        assert_true(str_eq(buf_str(&b), STR_LITERAL("lo world 7")));
        for (int i = 0; i < 300; ++i) {
                assert_int_equal(buf_append(&b, "0123456789", 10), 0);
                buf_consume(&b, 10);
        }
        assert_int_equal(buf_length(&b), 10);
        assert_true(str_eq(buf_str(&b), STR_LITERAL("0123456789")));
        assert_true(b.size <= 4096);
        buf_deinit(&b);
        buf_deinit(&b);
}

static void the_ceiling_holds(void **state)
{
        struct buf b;
        char kilobyte[1024] = { 0 };

        (void)state;
        buf_init(&b, 1500);
        assert_int_equal(buf_append(&b, kilobyte, 1024), 0);
        assert_int_equal(buf_append(&b, kilobyte, 477), -ENOBUFS);
        assert_int_equal(buf_append(&b, kilobyte, 476), 0);
        assert_int_equal(buf_append(&b, kilobyte, 1), -ENOBUFS);
        assert_int_equal(buf_reserve(&b, SIZE_MAX), -ENOBUFS);
        buf_consume(&b, 1);
        assert_int_equal(buf_append(&b, kilobyte, 1), 0);
        buf_deinit(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_goes_in_comes_out_in_order),
                cmocka_unit_test(the_ceiling_holds),
        };

        return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
