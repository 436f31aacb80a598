#include "settings/test_settings.h"

#include <string.h>

static void every_form_is_taken_and_written_as_it_was(void **state)
{
        static const struct {
                const char *text, *name, *host;
                unsigned port;
                const char *shown; /* NULL: as it was */
        } rows[] = {
                { "default", "default", "", 0, NULL },
                { "203.0.113.7", "203.0.113.7", "203.0.113.7", 0, NULL },
                { "2001:db8::7", "2001:db8::7", "2001:db8::7", 0, NULL },
                { "[2001:db8::7]", "2001:db8::7", "2001:db8::7", 0, "2001:db8::7" },
                { "tokyo=203.0.113.7", "tokyo", "203.0.113.7", 0, NULL },
                { "http://proxy.internal:3128", "proxy.internal:3128", "proxy.internal", 3128,
                  NULL },
                { "HTTP://proxy.internal:3128/", "proxy.internal:3128", "proxy.internal", 3128,
                  "http://proxy.internal:3128" },
                { "203.0.113.7=203.0.113.7", "203.0.113.7", "203.0.113.7", 0, "203.0.113.7" },
                { "far=http://[2001:db8::9]:80", "far", "2001:db8::9", 80, NULL },
                { "far=http://me:pa=ss@10.0.0.1:3128", "far", "10.0.0.1", 3128,
                  "far=http://(login)@10.0.0.1:3128" },
        };
        static struct settings s;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char yaml[256], shown[2 * SETTINGS_HOST_SIZE], *text;

                (void)snprintf(yaml, sizeof(yaml), "egress: ['%s']\n", rows[i].text);
                text = said_of(&s, yaml);
                assert_string_equal(text, "");
                free(text);
                assert_int_equal(s.n_egress, 1);
                assert_string_equal(s.egress[0].name, rows[i].name);
                assert_string_equal(s.egress[0].host, rows[i].host);
                assert_int_equal(s.egress[0].port, rows[i].port);
                assert_int_equal(s.egress[0].is_proxy, rows[i].port > 0);
                assert_string_equal(settings_egress_text(&s.egress[0], shown, sizeof(shown)),
                                    rows[i].shown ? rows[i].shown : rows[i].text);
        }
        assert_string_equal(s.egress[0].login, "me:pa=ss");
}

static void every_mistake_is_told_and_no_password_with_it(void **state)
{
        static const struct {
                const char *yaml, *says;
        } rows[] = {
                { "egress: [10.0.0.256]\n", "\"10.0.0.256\" is no address to leave from" },
                { "egress: ['proxy:3128']\n", "write one of this machine in digits" },
                { "egress: ['me:SECRET@proxy:3128']\n", "what stands here is no address" },
                { "egress: ['me:SECRET=x@proxy:3128']\n", "what stands here is no name" },
                { "egress: ['http://meSECRET@proxy:3128']\n", "is no USER:PASSWORD" },
                { "egress: ['http://me:SECRET@proxy']\n", "names no port" },
                { "egress: ['https://me:SECRET@proxy:1']\n", "only proxies of HTTP" },
                { "egress: ['socks5://proxy:1080']\n", "only proxies of HTTP" },
                { "egress: ['http://proxy:0']\n", "a proxy is reached at HOST:PORT" },
                { "egress: [0.0.0.0]\n", "stands for any address; write default" },
                { "egress: ['::']\n", "stands for any address; write default" },
                { "egress: ['a b=10.0.0.1']\n", "\"a b\" is no name" },
                { "egress: ['=10.0.0.1']\n", "\"\" is no name" },
                { "egress: ['x=default']\n", "default keeps its name" },
                { "egress: ['default=10.0.0.1']\n", "choose another name" },
                { "egress: [10.0.0.1=10.0.0.2]\n",
                  "the name 10.0.0.1 is an address, and not the one that this leaves by" },
                { "egress: ['10.0.0.1=http://me:SECRET@10.0.0.1:3128']\n",
                  "choose another name, or leave out \"10.0.0.1=\"" },
                { "egress: ['10.0.0.1=2001:db8::7']\n", "the name 10.0.0.1 is an address" },
                { "egress: [10.0.0.1, 10.0.0.1]\n", "the name 10.0.0.1 stands here twice" },
                { "egress: [10.0.0.1, x=10.0.0.1]\n", "and would be counted twice" },
                { "egress: ['a=http://p:1', 'b=http://P:1']\n", "and would be counted twice" },
                { "egress: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7,"
                  " 10.0.0.8, 10.0.0.9]\n",
                  "there are more than 8 addresses to leave from" },
                { "egress: []\n", "the list is empty" },
                { "egress_ban_cancels: maybe\n", "egress_ban_cancels" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *text = said(rows[i].yaml);

                if (!strstr(text, rows[i].says) || strstr(text, "SECRET"))
                        fail_msg("%s: %s", rows[i].yaml, text);
                free(text);
        }
}

static void flags_replace_the_files(void **state)
{
        struct settings_report report = { 0 };
        static struct settings s;
        char *text = said_of(&s, "egress: [10.0.0.1, 10.0.0.2]\n");

        (void)state;
        free(text);
        assert_int_equal(s.n_egress, 2);
        assert_int_equal(settings_flag(&s, "--egress", "egress", "10.0.0.3", &report),
                         SETTINGS_GOOD);
        assert_int_equal(settings_flag(&s, "--egress", "egress", "default", &report),
                         SETTINGS_GOOD);
        assert_int_equal(s.n_egress, 2);
        assert_string_equal(s.egress[0].name, "10.0.0.3");
        assert_string_equal(s.egress[1].name, "default");
        settings_report_deinit(&report);
        settings_init(&s);
        assert_int_equal(s.n_egress, 1);
        assert_string_equal(s.egress[0].name, "default");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_form_is_taken_and_written_as_it_was),
                cmocka_unit_test(every_mistake_is_told_and_no_password_with_it),
                cmocka_unit_test(flags_replace_the_files),
        };

        return cmocka_run_group_tests_name("settings/egress", tests, NULL, NULL);
}
