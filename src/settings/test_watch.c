#include "settings/test_settings.h"

#include <string.h>
#include <unistd.h>

static void what_is_written_is_taken(void **state)
{
        static struct settings s;
        char *text = said_of(&s, "watch:\n"
                                 "  page: off\n"
                                 "  token_file: /etc/weir/look\n"
                                 "  listen: ['10.0.0.5:8901', 'unix:/run/weir/look']\n"
                                 "  hosts: [weir.lan, 10.0.0.5]\n");

        (void)state;
        assert_string_equal(text, "");
        free(text);
        assert_false(s.watch.page);
        assert_string_equal(s.watch.token_file, "/etc/weir/look");
        assert_int_equal(s.watch.listen.n, 2);
        assert_string_equal(s.watch.listen.all[0].host, "10.0.0.5");
        assert_true(s.watch.listen.all[1].is_unix);
        assert_int_equal(s.watch.hosts.n, 2);
        assert_string_equal(s.watch.hosts.all[1], "10.0.0.5");
}

static void lists_may_be_empty_and_one_member_needs_none(void **state)
{
        static struct settings s;
        char *text = said_of(&s, "watch: {listen: [], hosts: []}\n");

        (void)state;
        assert_string_equal(text, "");
        free(text);
        assert_true(s.watch.page);
        assert_int_equal(s.watch.listen.n + s.watch.hosts.n, 0);
        text = said_of(&s, "watch: {listen: '127.0.0.1:1', hosts: desk}\n");
        assert_string_equal(text, "");
        free(text);
        assert_int_equal(s.watch.listen.n + s.watch.hosts.n, 2);
}

static void every_mistake_is_told(void **state)
{
        static const struct {
                const char *yaml, *says;
        } rows[] = {
                { "watch: {page: perhaps}\n", "neither on nor off" },
                { "watch: {listen: [8901]}\n", "names no host; write 127.0.0.1:8901" },
                { "watch: {listen: ['a:1', 'a:1']}\n", "stands here twice" },
                { "watch: {listen: ['a:1', 'a:2', 'a:3', 'a:4', 'a:5']}\n", "more than 4 places" },
                { "watch: {hosts: ['http://x']}\n", "without scheme and port" },
                { "watch: {hosts: ['x:80']}\n", "without scheme and port" },
                { "watch: {hosts: ['a b']}\n", "is no host name" },
                { "watch: {hosts: ['-x']}\n", "is no host name" },
                { "watch: {hosts: [a, b, c, d, e, f, g, h, i]}\n", "more than 8 names" },
                { "watch: {token_files: x}\n", "did you mean \"token_file\"?" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *text = said(rows[i].yaml);

                if (!strstr(text, rows[i].says))
                        fail_msg("%s: %s", rows[i].yaml, text);
                free(text);
        }
}

/* What is good alone but not together. */
static void what_does_not_go_together_is_told(void **state)
{
        static const struct {
                const char *yaml, *says; /* NULL: nothing */
        } rows[] = {
                { "watch: {listen: ['127.0.0.1:1', 'unix:/x', '[::1]:2', 'localhost:3']}\n", NULL },
                { "watch: {listen: ['10.0.0.5:1']}\n", "at 10.0.0.5:1 nobody could look" },
                { "watch: {listen: ['0.0.0.0:1']}\n", "nobody could look" },
                { "watch: {listen: ['10.0.0.5:1'], token_file: /dev/null}\n", NULL },
                { "watch: {listen: ['10.0.0.5:1'], action_token_file: /dev/null}\n", NULL },
                { "watch: {listen: ['10.0.0.5:1'], tls_cert: /dev/null, tls_key: /dev/null,"
                  " client_ca: /dev/null}\n",
                  NULL },
                { "watch: {listen: ['127.0.0.1:1'], tls_cert: /dev/null}\n",
                  "set watch.tls_key too" },
                { "watch: {listen: ['127.0.0.1:1'], tls_key: /dev/null}\n",
                  "set watch.tls_cert too" },
                { "watch: {listen: ['127.0.0.1:1'], client_ca: /dev/null}\n", "within TLS only" },
                { "watch: {tls_cert: /dev/null, tls_key: /dev/null}\n", "at watch.listen only" },
                { "watch: {token_file: /nowhere}\n", "\"/nowhere\" cannot be read" },
        };
        static struct settings s;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct settings_report report = { 0 };
                char *text = NULL;
                size_t n = 0;
                FILE *to = open_memstream(&text, &n);
                int r;

                settings_init(&s);
                assert_int_equal(settings_load_bytes(&s, "f", str_of(rows[i].yaml), &report),
                                 SETTINGS_GOOD);
                r = settings_check(&s, &report);
                settings_report_print(&report, to);
                fclose(to);
                if ((r == SETTINGS_GOOD) != !rows[i].says ||
                    (rows[i].says && !strstr(text, rows[i].says)))
                        fail_msg("%s: %d %s", rows[i].yaml, r, text);
                settings_report_deinit(&report);
                free(text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_taken),
                cmocka_unit_test(lists_may_be_empty_and_one_member_needs_none),
                cmocka_unit_test(every_mistake_is_told),
                cmocka_unit_test(what_does_not_go_together_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
