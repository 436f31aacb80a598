#include "settings/test_settings.h"

static struct settings s;

static void mistakes_have_their_place_and_show_no_password(void **state)
{
        static const struct said_row rows[] = {
                { "store:\n  url: redis://:hunter2@cache/1\n  share: 25%\n  grace: 1m\n", "" },
                { "store:\n  url: ''\n  host: box-1\n", "" },
                { "store:\n  url: redis://:hunter2@cache:x\n",
                  "weir: f:2:8: store.url: the port of cache is no number from 1 to 65535\n" },
                { "store:\n  url: redis://:hunter2%@cache\n",
                  "weir: f:2:8: store.url: the password before the @ is longer than 511 "
                  "characters, or not percent-encoded as it should be\n" },
                { "store:\n  name: a b\n",
                  "weir: f:2:9: store.name: \"a b\" is no name; write letters, digits and \". _ "
                  "-\", 63 at most\n" },
                { "store:\n  share: 101%\n", "weir: f:2:10: store.share: \"101%\" is too large; "
                                             "write a value from 0% to 100%\n" },
        };

        (void)state;
        says_just(&s, rows, ARRAY_SIZE(rows));
}

static void a_password_is_not_printed(void **state)
{
        char *yaml, *json;

        (void)state;
        free(said_of(&s, "store:\n  url: rediss://desk:hunter2@cache\n"));
        assert_string_equal(s.store.url, "rediss://desk:hunter2@cache");
        yaml = printed_by(settings_print, &s);
        json = printed_by(settings_print_json, &s);
        assert_non_null(strstr(yaml, "rediss://cache:6379"));
        assert_non_null(strstr(json, "rediss://cache:6379"));
        assert_null(strstr(yaml, "hunter2"));
        assert_null(strstr(json, "hunter2"));
        free(yaml);
        free(json);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mistakes_have_their_place_and_show_no_password),
                cmocka_unit_test(a_password_is_not_printed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
