#include "trade/query.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void parameters_are_escaped_in_order(void **state)
{
        struct buf q;

        (void)state;
        buf_init(&q, QUERY_MAX);
        assert_int_equal(query_add(&q, "symbol", "BTCUSDT"), 0);
        assert_int_equal(query_add(&q, "nothing", NULL), 0);
        assert_int_equal(query_add(&q, "empty", ""), 0);
        assert_int_equal(query_add(&q, "newClientOrderId", "a:b/c.d_e-f g+h%"), 0);
        assert_int_equal(query_add_u64(&q, "zero", 0), 0);
        assert_int_equal(query_add(&q, "symbol", "\xef\xbc\x91\xe5\xb8\x81"), 0);
        assert_true(str_eq(buf_str(&q),
                           STR_LITERAL("symbol=BTCUSDT&newClientOrderId=a%3Ab%2Fc.d_e-f%20g%2Bh%25"
                                       "&zero=0&symbol=%EF%BC%91%E5%B8%81")));
        buf_deinit(&q);
}

static void what_is_too_long_is_refused(void **state)
{
        struct buf q;

        (void)state;
        buf_init(&q, 16);
        assert_int_equal(query_add(&q, "a", "0123456789"), 0);
        assert_int_equal(query_add(&q, "b", "0123456789"), -ENOBUFS);
        buf_deinit(&q);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parameters_are_escaped_in_order),
                cmocka_unit_test(what_is_too_long_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
