#include "lease/store_url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct store_url good(const char *text)
{
        char why[OP_WHY_SIZE] = "";
        struct store_url url;

        if (store_url_parse(str_of(text), &url, why) < 0)
                fail_msg("%s: %s", text, why);
        return url;
}

static void test_forms(void **state)
{
        static const struct {
                const char *text, *shown;
        } rows[] = {
                { "redis://localhost", "redis://localhost:6379" },
                { "redis://10.0.0.1:7000/3", "redis://10.0.0.1:7000?db=3" },
                { "REDISS://[::1]:7000", "rediss://[::1]:7000" },
                { "valkey://cache", "redis://cache:6379" },
                { "redis://h/?name=desk&replicas=2&db=1",
                  "redis://h:6379?db=1&replicas=2&name=desk" },
                { "redis://u:p@h", "redis://h:6379" },
                { "unix:///run/redis.sock", "unix:///run/redis.sock" },
                { "unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2" },
                { "redis+sentinel://a,b:26380/mymaster",
                  "redis+sentinel://a:26379,b:26380/mymaster?replicas=1" },
                { "rediss+sentinel://a/m?replicas=0", "rediss+sentinel://a:26379/m?replicas=0" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char text[STORE_TEXT_SIZE];
                struct store_url url = good(rows[i].text);

                assert_string_equal(store_url_text(&url, text), rows[i].shown);
                /* What is shown is a URL of the same place. */
                url = good(text);
                assert_string_equal(store_url_text(&url, text), rows[i].shown);
        }
}

static void test_credentials(void **state)
{
        struct store_url url = good("redis://desk:a%3ab%40c@h:1");

        (void)state;
        assert_string_equal(url.user, "desk");
        assert_string_equal(url.password, "a:b@c");
        assert_string_equal(url.hosts[0].name, "h");
        url = good("redis://:p%2F@h");
        assert_string_equal(url.user, "");
        assert_string_equal(url.password, "p/");
        /* The last @ ends them. */
        url = good("redis://:p@q@h");
        assert_string_equal(url.password, "p@q");
}

static void test_mistakes_are_named_and_show_no_secret(void **state)
{
        static const struct {
                const char *text, *why;
        } rows[] = {
                { "", "a store is named as redis://HOST:PORT" },
                { "http://h", "a store is named as redis://HOST:PORT" },
                { "redis://", "the name of the host is missing" },
                { "redis://:hunter2@", "the name of the host is missing" },
                { "redis://hunter2@h", "there is a user without a password" },
                { "redis://:hunter2%@h", "the password before the @ is longer" },
                { "redis://:hunter2%0@h", "the password before the @ is longer" },
                { "redis://:hunter2%00@h", "the password before the @ is longer" },
                { "redis://:hunter2@h:0", "the port of h is no number from 1 to 65535" },
                { "redis://:hunter2@h:65536", "the port of h is no number from 1 to 65535" },
                { "redis://:hunter2@h/x", "/DB, as db= takes a whole number from 0 to 1023" },
                { "redis://h?replica=1", "the parameter \"replica\" is unknown" },
                { "redis://h?name", "a parameter behind the ? lacks its value" },
                { "redis://h?name=a:b", "name= takes letters, digits" },
                { "redis://h?replicas=9", "replicas= takes a whole number from 0 to 8" },
                { "redis://a b", "the name of the host holds a character" },
                { "redis://[::1", "an IPv6 address lacks its closing bracket" },
                { "redis+sentinel://a:1", "the name of the master is missing" },
                { "unix://run/x", "the path of the socket must begin with /" },
                { "unix:///", "the path of the socket must begin with /" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char why[OP_WHY_SIZE] = "";
                struct store_url url;

                if (store_url_parse(str_of(rows[i].text), &url, why) != -EINVAL)
                        fail_msg("%s was taken", rows[i].text);
                if (!strstr(why, rows[i].why))
                        fail_msg("%s: %s", rows[i].text, why);
                assert_null(strstr(why, "hunter2"));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_credentials),
                cmocka_unit_test(test_mistakes_are_named_and_show_no_secret),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
