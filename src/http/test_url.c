#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "http/url.h"

static void servers_are_read_from_urls(void **state)
{
        static const struct {
                const char *text, *host, *base; /* host NULL: refused */
                unsigned port;
                bool is_tls, is_unix;
        } rows[] = {
                { "https://api.binance.com", "api.binance.com", "", 443, true, false },
                { "http://127.0.0.1:8901/", "127.0.0.1", "", 8901, false, false },
                { "HTTP://localhost", "localhost", "", 80, false, false },
                { "https://[2001:db8::1]:9443/a/b//", "2001:db8::1", "/a/b", 9443, true, false },
                { "http://[::1]", "::1", "", 80, false, false },
                { "unix:/run/sim.sock", "/run/sim.sock", "", 0, false, true },
                { "unix:", NULL, NULL, 0, false, false },
                { "", NULL, NULL, 0, false, false },
                { "api.binance.com", NULL, NULL, 0, false, false },
                { "ftp://a", NULL, NULL, 0, false, false },
                { "http://", NULL, NULL, 0, false, false },
                { "http://:80", NULL, NULL, 0, false, false },
                { "http://a:", NULL, NULL, 0, false, false },
                { "http://a:0", NULL, NULL, 0, false, false },
                { "http://a:65536", NULL, NULL, 0, false, false },
                { "http://a:b", NULL, NULL, 0, false, false },
                { "http://[::1", NULL, NULL, 0, false, false },
                { "http://[::1]x", NULL, NULL, 0, false, false },
                { "http://user@a", NULL, NULL, 0, false, false },
                { "http://a/?x=1", NULL, NULL, 0, false, false },
                { "http://a/#x", NULL, NULL, 0, false, false },
                { "http://a b", NULL, NULL, 0, false, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct http_url url;
                int r = http_url_parse(str_of(rows[i].text), &url);

                if (r != (rows[i].host ? 0 : -EINVAL))
                        fail_msg("\"%s\": got %d", rows[i].text, r);
                if (r < 0)
                        continue;
                if (!str_eq(url.host, str_of(rows[i].host)) ||
                    !str_eq(url.base, str_of(rows[i].base)))
                        fail_msg("\"%s\": got \"%.*s\", \"%.*s\"", rows[i].text, STR_ARGS(url.host),
                                 STR_ARGS(url.base));
                assert_int_equal(url.port, rows[i].port);
                assert_int_equal(url.is_tls, rows[i].is_tls);
                assert_int_equal(url.is_unix, rows[i].is_unix);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(servers_are_read_from_urls),
        };

        return cmocka_run_group_tests_name("http/url", tests, NULL, NULL);
}
