#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "net/address.h"

static void places_are_read_and_written(void **state)
{
        static const struct {
                const char *text, *printed; /* NULL: refused */
                int error;
                unsigned port;
        } rows[] = {
                { "127.0.0.1:8900", "127.0.0.1:8900", 0, 8900 },
                { "localhost:1", "127.0.0.1:1", 0, 1 },
                { "LocalHost:0", "127.0.0.1:0", 0, 0 },
                { "*:65535", "0.0.0.0:65535", 0, 65535 },
                { ":80", "0.0.0.0:80", 0, 80 },
                { "[::1]:443", "[::1]:443", 0, 443 },
                { "[::]:443", "[::]:443", 0, 443 },
                { "unix:/run/weir.sock", "unix:/run/weir.sock", 0, 0 },
                { "unix:", NULL, -EINVAL, 0 },
                { "", NULL, -EINVAL, 0 },
                { "8900", NULL, -EINVAL, 0 },
                { "127.0.0.1", NULL, -EINVAL, 0 },
                { "127.0.0.1:", NULL, -EINVAL, 0 },
                { "127.0.0.1:65536", NULL, -EINVAL, 0 },
                { "127.0.0.1:-1", NULL, -EINVAL, 0 },
                { "127.0.0.1:80x", NULL, -EINVAL, 0 },
                { "127.0.0:80", NULL, -EINVAL, 0 },
                { "::1:443", NULL, -EINVAL, 0 },
                { "[::1:443", NULL, -EINVAL, 0 },
                { "api.example.com:443", NULL, -EINVAL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char printed[ADDRESS_TEXT_MAX];
                struct address address;
                int r = address_parse(str_of(rows[i].text), &address);

                if (r != rows[i].error)
                        fail_msg("\"%s\": got %d", rows[i].text, r);
                if (r < 0)
                        continue;
                assert_string_equal(address_print(&address, printed), rows[i].printed);
                assert_int_equal(address_port(&address), rows[i].port);
        }
}

static void a_path_has_to_fit(void **state)
{
        char path[200];
        struct address address;

        (void)state;
        memset(path, 'a', sizeof(path));
        assert_int_equal(address_from_path(str_from(path, 107), &address), 0);
        assert_int_equal(address_from_path(str_from(path, 108), &address), -ENAMETOOLONG);
        assert_int_equal(address_from_path(STR_LITERAL("a\0b"), &address), -EINVAL);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(places_are_read_and_written),
                cmocka_unit_test(a_path_has_to_fit),
        };

        return cmocka_run_group_tests_name("net/address", tests, NULL, NULL);
}
