#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "settings/settings.h"
#include "settings/guess.h"
#include "settings/table.h"
#include "settings/value.h"

/* The report as weir prints it. */
static char *printed(const struct settings_report *report)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);

        assert_non_null(to);
        settings_report_print(report, to);
        fclose(to);
        return text;
}

static int load(struct settings *s, const char *yaml, struct settings_report *report)
{
        int r = settings_load_bytes(s, "f", str_of(yaml), report);

        assert_true(r >= 0);
        assert_true((r == SETTINGS_MISTAKEN) == (report->n_mistakes > 0));
        r = settings_check(s, report);
        assert_true(r >= 0);
        return report->n_mistakes > 0 ? SETTINGS_MISTAKEN : SETTINGS_GOOD;
}

/* A file and all that is said about it. */
static const struct {
        const char *yaml, *says;
} broken[] = {
        /* keys */
        { "max_wiat: 5s\n", "weir: f:1:1: unknown key \"max_wiat\"; did you mean \"max_wait\"?\n" },
        { "Max-Wait: 5s\n", "weir: f:1:1: unknown key \"Max-Wait\"; did you mean \"max_wait\"?\n" },
        { "\n\n  timeout: {}\n",
          "weir: f:3:3: unknown key \"timeout\"; did you mean \"timeouts\"?\n" },
        { "wurst: 5s\n",
          "weir: f:1:1: unknown key \"wurst\"; weir gateway --help lists all keys\n" },
        { "timeouts:\n  conect: 5s\n",
          "weir: f:2:3: unknown key \"conect\" in timeouts; did you mean \"connect\"?\n" },
        { "max_retries: 7\n",
          "weir: f:1:1: unknown key \"max_retries\"; write \"retry:\" and below it, "
          "indented, \"max_retries:\"\n" },
        { "retry.jitter: 5\n",
          "weir: f:1:1: unknown key \"retry.jitter\"; write \"retry:\" and below it, "
          "indented, \"jitter:\"\n" },
        { "pool:\n  max_wait: 5s\n", "weir: f:2:3: unknown key \"max_wait\" in pool; did you mean "
                                     "\"max_wait\", at the top?\n" },
        { "upstream:\n  spot: https://a\n",
          "weir: f:2:3: unknown key \"spot\" in upstream; weir gateway --help lists all keys\n" },
        { "[a, b]: 5\n",
          "weir: f:1:1: a key must be a word; see weir gateway --help for all keys\n" },
        { "max_queue: 5\nlimits: on\nmax_queue: 6\n",
          "weir: f:3:1: max_queue: is here a second time, after line 1; remove one\n" },
        { "pool: {warm: 1, warm: 2}\n",
          "weir: f:1:17: pool.warm: is here a second time, after line 1; remove one\n" },
        { "pool: {warm: 1}\npool:\n  warm: 2\n",
          "weir: f:3:3: pool.warm: is here a second time, after line 1; remove one\n" },
        /* shapes */
        { "pool: 5\n",
          "weir: f:1:7: pool: is a section; write below it, indented, some of warm, max, idle\n" },
        { "retry:\nlimits: on\n",
          "weir: f:1:7: retry: is a section; write below it, indented, some of "
          "max_retries, base_backoff, jitter\n" },
        { "max_wait: [5s]\n",
          "weir: f:1:11: max_wait: takes a duration such as 250ms, 5s, 10m or 1h, not a list\n" },
        { "limits:\n  on: yes\n", "weir: f:2:3: limits: takes on or off, not keys below it\n" },
        { "clock_interval:\n",
          "weir: f:1:16: clock_interval: has no value; write a duration such as 250ms, "
          "5s, 10m or 1h, or remove the key\n" },
        { "region: ~\n",
          "weir: f:1:9: region: has no value; write the path of a file, or remove the key\n" },
        { "max_queue: !!int 5\n",
          "weir: f:1:12: max_queue: a \"!\" tag has no meaning here; remove it\n" },
        { "- a\n", "weir: f:1:1: the file must hold keys and values, such as \"max_wait: 5s\"\n" },
        { "hello\n",
          "weir: f:1:1: the file must hold keys and values, such as \"max_wait: 5s\"\n" },
        { "max_queue: 5\n---\nlimits: on\n",
          "weir: f:3:1: a second document begins here; remove the \"---\" above\n" },
        /* syntax */
        { "retry:\n\tjitter: 3\n", "weir: f:2:1: a tab stands in the indentation; write spaces\n" },
        { "retry:\n  \tjitter: 3\n",
          "weir: f:2:3: a tab stands in the indentation; write spaces\n" },
        { "limits: 'on\n",
          "weir: f:2:1: this is no YAML: while scanning a quoted scalar, found unexpected "
          "end of stream\n" },
        { "limits: on\n  pool: 1\n",
          "weir: f:2:7: this is no YAML: mapping values are not allowed in "
          "this context\n" },
        { "listen:\n  - [::1]:8900\n",
          "weir: f:2:6: this is no YAML: while parsing a flow node, did not find expected node "
          "content; write quotes around an IPv6 address: \"[::1]:8900\"\n" },
        { "limits: *x\n", "weir: f:1:9: this is no YAML: found undefined alias\n" },
        { "limits: on\na: \xff\n",
          "weir: f:2:4: the file is no text here (invalid leading UTF-8 octet); "
          "write it as UTF-8\n" },
        { "limits: on\x01\n", "weir: f:1:11: the file is no text here (control characters are not "
                              "allowed); write it as UTF-8\n" },
        /* numbers */
        { "max_queue: many\n", "weir: f:1:12: max_queue: \"many\" is not a whole number; write one "
                               "from 1 to 1000000\n" },
        { "max_queue: 0\n",
          "weir: f:1:12: max_queue: \"0\" is too small; write a value from 1 to 1000000\n" },
        { "max_queue: 1000001\n",
          "weir: f:1:12: max_queue: \"1000001\" is too large; write a value from 1 to 1000000\n" },
        { "max_queue: 99999999999999999999999\n",
          "weir: f:1:12: max_queue: \"99999999999999999999999\" is "
          "too large; write a value from 1 to 1000000\n" },
        { "max_queue: -1\n",
          "weir: f:1:12: max_queue: \"-1\" is not a whole number; write one from 1 to 1000000\n" },
        { "max_queue: 1e3\n",
          "weir: f:1:12: max_queue: \"1e3\" is not a whole number; write one from 1 to 1000000\n" },
        { "max_queue: 10%\n",
          "weir: f:1:12: max_queue: \"10%\" is not a whole number; write one from 1 to 1000000\n" },
        { "opens_from: 101%\n",
          "weir: f:1:13: opens_from: \"101%\" is too large; write a value from 0% to 100%\n" },
        { "opens_from: 0.5\n",
          "weir: f:1:13: opens_from: \"0.5\" is not a whole number of percent; write "
          "one from 0% to 100%\n" },
        { "max_wait: 5\n", "weir: f:1:11: max_wait: \"5\" has no unit; write 5ms, 5s, 5m or 5h\n" },
        { "max_wait: 5sec\n",
          "weir: f:1:11: max_wait: \"5sec\" is not a duration such as 250ms, 5s, 10m or "
          "1h; write one from 0s to 10m\n" },
        { "max_wait: 1.5s\n",
          "weir: f:1:11: max_wait: \"1.5s\" is not a duration such as 250ms, 5s, 10m or "
          "1h; write one from 0s to 10m\n" },
        { "timeouts: {answer: 45s}\n",
          "weir: f:1:20: timeouts.answer: \"45s\" is too large; write a value from 10ms to 25s\n" },
        { "max_wait: 5124095576030432h\n",
          "weir: f:1:11: max_wait: \"5124095576030432h\" is too large; "
          "write a value from 0s to 10m\n" },
        { "max_body: 1MB\n",
          "weir: f:1:11: max_body: \"1MB\" is not a size such as 64KiB or 1MiB; write one "
          "from 1KiB to 64MiB\n" },
        { "max_body: 100\n",
          "weir: f:1:11: max_body: \"100\" is too small; write a value from 1KiB to 64MiB\n" },
        { "limits: maybe\n",
          "weir: f:1:9: limits: \"maybe\" is neither on nor off; write one of them\n" },
        { "log:\n  level: inof\n",
          "weir: f:2:10: log.level: \"inof\" is no level; did you mean \"info\"?\n" },
        { "log:\n  level: 7\n",
          "weir: f:2:10: log.level: \"7\" is no level; write error, warn, info or debug\n" },
        /* paths */
        { "region: ~/weir\n", "weir: f:1:9: region: \"~/weir\" would need a shell to expand it; "
                              "write the whole path\n" },
        { "region: $HOME/weir\n", "weir: f:1:9: region: \"$HOME/weir\" would need a shell to "
                                  "expand it; write the whole path\n" },
        { "region: on\n", "weir: f:1:9: region: \"on\" is no path; name the file, with ./on one of "
                          "that name\n" },
        { "history: {path: yes}\n", "weir: f:1:17: history.path: \"yes\" is no path; write on, or "
                                    "./yes for a file of that name\n" },
        { "history: {path: 'No'}\n", "weir: f:1:17: history.path: \"No\" is no path; write off, or "
                                     "./No for a file of that name\n" },
        { "log: {access: true}\n", "weir: f:1:15: log.access: \"true\" is no path; write on, or "
                                   "./true for a file of that name\n" },
        { "region: \"a\\0b\"\n",
          "weir: f:1:9: region: the path \"a\\x00b\" holds a control character\n" },
        { "tls_ca: /nonexistent/ca.pem\n", "weir: f:1:9: tls_ca: \"/nonexistent/ca.pem\" cannot be "
                                           "read: No such file or directory\n" },
        { "region: \"a\\x82\\L\"\n", "weir: f:1:9: region: the path \"a\\xc2\\x82\\xe2\\x80\\xa8\" "
                                     "holds a control character\n" },
        /* places to listen on */
        { "listen: []\n",
          "weir: f:1:9: listen: the list is empty; write a list of HOST:PORT and unix:PATH, "
          "or remove the key\n" },
        { "listen: 8900\n", "weir: f:1:9: listen: \"8900\" names no host; write 127.0.0.1:8900\n" },
        { "listen: [':8900']\n",
          "weir: f:1:10: listen: \":8900\" names no host; write 127.0.0.1:8900 for this "
          "machine only, 0.0.0.0:8900 for all the network\n" },
        { "listen: localhost\n", "weir: f:1:9: listen: \"localhost\" names no port; write "
                                 "HOST:PORT, such as 127.0.0.1:8900\n" },
        { "listen: http://localhost:8900\n",
          "weir: f:1:9: listen: \"http://localhost:8900\" is a URL; write "
          "HOST:PORT or unix:PATH\n" },
        { "listen: ::1:8900\n",
          "weir: f:1:9: listen: \"::1:8900\" has more than one colon; write an IPv6 "
          "address between brackets, such as [::1]:8900\n" },
        { "listen: '[::1:8900'\n",
          "weir: f:1:9: listen: \"[::1:8900\" lacks the \"]\" that ends an IPv6 address\n" },
        { "listen: '[::g]:1'\n",
          "weir: f:1:9: listen: \"::g\" is no IPv6 address; between brackets write one "
          "such as ::1\n" },
        { "listen: '[]:1'\n",
          "weir: f:1:9: listen: \"\" is no IPv6 address; between brackets write one "
          "such as ::1\n" },
        { "listen: 127.0.0.1:99999\n",
          "weir: f:1:9: listen: \"99999\" is no port; write a number from 0 to 65535\n" },
        { "listen: 127.0.0.256:80\n",
          "weir: f:1:9: listen: \"127.0.0.256\" is no host name and no IP address\n" },
        { "listen: a..b:80\n",
          "weir: f:1:9: listen: \"a..b\" is no host name and no IP address\n" },
        { "listen: 'a b:80'\n",
          "weir: f:1:9: listen: \"a b\" is no host name and no IP address\n" },
        { "listen: 'unix:'\n",
          "weir: f:1:9: listen: \"unix:\" names no socket; write unix:/run/weir.sock\n" },
        { "listen:\n  - a:1\n  - a:1\n",
          "weir: f:3:5: listen: \"a:1\" stands here twice; remove one\n" },
        /* upstreams */
        { "upstream: api.binance.com\n",
          "weir: f:1:11: upstream: \"api.binance.com\" is no URL; write "
          "http://HOST[:PORT], https://HOST[:PORT] or unix:PATH\n" },
        { "upstream: ws://a\n",
          "weir: f:1:11: upstream: \"ws://a\" is no URL; write http://HOST[:PORT], "
          "https://HOST[:PORT] or unix:PATH\n" },
        { "upstream:\n  fapi: https://a/\n",
          "weir: f:2:9: upstream.fapi: \"https://a/\" goes on after the "
          "host; requests keep their own path, so end it before the \"/\"\n" },
        { "upstream:\n  fapi: https://a?b\n",
          "weir: f:2:9: upstream.fapi: \"https://a?b\" goes on after the "
          "host; requests keep their own path, so end it before the \"?\"\n" },
        { "upstream:\n  fapi: https://me:secret@a\n",
          "weir: f:2:9: upstream.fapi: the URL holds a user name; write scheme and host only (API "
          "keys "
          "stay with the clients)\n" },
        { "upstream:\n  fapi: https://\n",
          "weir: f:2:9: upstream.fapi: \"https://\" names no host\n" },
        { "upstream:\n  fapi: https://a:0\n",
          "weir: f:2:9: upstream.fapi: \"0\" is no port; write a number from 1 to 65535\n" },
        { "upstream:\n  fapi: 'https://[::1]x'\n",
          "weir: f:2:9: upstream.fapi: \"https://[::1]x\" goes on after the host\n" },
        { "upstream: [https://a]\n",
          "weir: f:1:11: upstream: is a section; write below it, indented, some of "
          "api, sapi, fapi, dapi, papi, eapi\n" },
        /* good alone, not together */
        { "classes:\n  market: 96%\n", "weir: f:2:11: classes.market: 96% for market is more than "
                                       "the 90% of account, which comes "
                                       "before it; lower market or raise account\n" },
        { "classes:\n  account: 50%\n", "weir: f:2:12: classes.account: 80% for market is more "
                                        "than the 50% of account, which comes "
                                        "before it; lower market or raise account\n" },
        { "pool: {warm: 20, max: 10}\n",
          "weir: f:1:14: pool.warm: 20 warm connections do not fit into a "
          "pool of 10; lower pool.warm or raise pool.max\n" },
        { "pool: {max: 1}\n",
          "weir: f:1:13: pool.max: 2 warm connections do not fit into a pool of 1; "
          "lower pool.warm or raise pool.max\n" },
        { "upstream:\n  api: http://127.0.0.1:8900\n",
          "weir: f:2:8: upstream.api: weir itself listens on 127.0.0.1:8900; name the exchange's "
          "address\n" },
        /* all of them, in the order of the file */
        { "classes: {market: 96%}\nlimits: perhaps\npool:\n  warm: x\n  cold: 1\n",
          "weir: f:1:19: classes.market: 96% for market is more than the 90% of account, which "
          "comes "
          "before it; lower market or raise account\n"
          "weir: f:2:9: limits: \"perhaps\" is neither on nor off; write one of them\n"
          "weir: f:4:9: pool.warm: \"x\" is not a whole number; write one from 0 to 64\n"
          "weir: f:5:3: unknown key \"cold\" in pool; weir gateway --help lists all keys\n" },
};

static void every_mistake_is_told_with_its_place_and_remedy(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(broken); ++i) {
                static struct settings_report report;
                static struct settings s;
                char *text;

                settings_init(&s);
                assert_int_equal(load(&s, broken[i].yaml, &report), SETTINGS_MISTAKEN);
                text = printed(&report);
                if (strcmp(text, broken[i].says) != 0)
                        fail_msg("row %zu:\n%s\nwant %sgot  %s", i, broken[i].yaml, broken[i].says,
                                 text);
                free(text);
                settings_report_deinit(&report);
        }
}

static void load_well(struct settings *s, const char *yaml)
{
        struct settings_report report = { 0 };

        settings_init(s);
        if (load(s, yaml, &report))
                fail_msg("%s\nsays %s", yaml, printed(&report));
        settings_report_deinit(&report);
}

static void an_empty_file_leaves_the_defaults(void **state)
{
        static const char *const files[] = { "",      "\n",     "# only a comment\n",
                                             "---\n", "null\n", "{}\n" };
        static struct settings defaults, s;

        (void)state;
        settings_init(&defaults);
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i) {
                load_well(&s, files[i]);
                assert_memory_equal(&s, &defaults, sizeof(s));
        }
        assert_int_equal(s.n_listen, 1);
        assert_string_equal(s.listen[0].host, "127.0.0.1");
        assert_int_equal(s.listen[0].port, 8900);
        assert_string_equal(s.upstream[POLICY_FAPI].host, "fapi.binance.com");
        assert_int_equal(s.upstream[POLICY_FAPI].port, 443);
        assert_true(s.upstream[POLICY_FAPI].is_tls);
        assert_true(s.limits);
        assert_int_equal(s.max_wait_ms, 65000);
        assert_int_equal(s.ceiling_pct[CLASS_BACKFILL], 60);
        assert_int_equal(s.max_body_bytes, 1 << 20);
        assert_int_equal(s.log.level, LOG_INFO);
}

/* What is written in settings.def is how weir itself would write it. */
static void a_default_is_its_own_text(void **state)
{
        static struct settings s;
        char text[SETTINGS_PATH_SIZE];

        (void)state;
        settings_init(&s);
        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                if (!setting_is_list(t))
                        assert_string_equal(value_text(t, &s, text, sizeof(text)), t->preset);
                assert_true(t->min <= t->max);
                assert_true(strlen(t->help) > 10 && t->help[strlen(t->help) - 1] == '.');
        }
}

static void values_are_taken_in_all_their_spellings(void **state)
{
        static struct settings s;

        (void)state;
        load_well(&s, "listen: [ 'localhost:80', '[::1]:81', unix:/run/w, 0.0.0.0:0 ]\n"
                      "upstream: {api: http://sim, sapi: 'https://[::1]:8443', fapi: unix:/run/f}\n"
                      "limits: Off\nmax_wait: 0\nmax_body: 2048\ndiscovery_interval: 1h\n"
                      "retry: {base_backoff: 250ms, jitter: 10}\nopens_from: 70%\n"
                      "log: {level: debug}\nregion: ''\n");
        assert_int_equal(s.n_listen, 4);
        assert_string_equal(s.listen[1].host, "::1");
        assert_int_equal(s.listen[1].port, 81);
        assert_true(s.listen[2].is_unix);
        assert_string_equal(s.listen[2].path, "/run/w");
        assert_int_equal(s.listen[3].port, 0);
        assert_int_equal(s.upstream[POLICY_API].port, 80);
        assert_false(s.upstream[POLICY_API].is_tls);
        assert_string_equal(s.upstream[POLICY_SAPI].host, "::1");
        assert_int_equal(s.upstream[POLICY_SAPI].port, 8443);
        assert_true(s.upstream[POLICY_FAPI].is_unix);
        assert_string_equal(s.upstream[POLICY_DAPI].host, "dapi.binance.com");
        assert_false(s.limits);
        assert_int_equal(s.max_wait_ms, 0);
        assert_int_equal(s.max_body_bytes, 2048);
        assert_int_equal(s.discovery_interval_ms, 3600000);
        assert_int_equal(s.retry.base_backoff_ms, 250);
        assert_int_equal(s.retry.jitter_pct, 10);
        assert_int_equal(s.opens_from_pct, 70);
        assert_int_equal(s.log.level, LOG_DEBUG);
        assert_int_equal(s.origins[SETTING_limits].line, 3);
        assert_int_equal(s.origins[SETTING_limits].column, 9);
}

static void one_upstream_stands_for_all_groups(void **state)
{
        static struct settings s;

        (void)state;
        load_well(&s, "upstream: http://127.0.0.1:9000\n");
        for (size_t i = 0; i < POLICY_GROUP_COUNT; ++i) {
                assert_string_equal(s.upstream[i].host, "127.0.0.1");
                assert_int_equal(s.upstream[i].port, 9000);
        }
}

static void the_later_source_wins(void **state)
{
        static struct settings s;
        static struct settings_report report;

        (void)state;
        load_well(&s, "pacing: {requests_per_minute: 100, burst: 7}\nlisten: [a:1, b:2]\n"
                      "retry: {max_retries: 3}\n");
        setenv("BINANCE_RATE_LIMIT_RPM", "1200", 1);
        setenv("BINANCE_RATE_LIMIT_BURST", "", 1);
        setenv("WEIR_BASE_BACKOFF_MS", "50", 1);
        setenv("WEIR_MAX_RETRIES", "4", 1);
        assert_int_equal(settings_load_environment(&s, &report), SETTINGS_GOOD);
        assert_int_equal(settings_flag(&s, "--max-retries", "retry.max_retries", "2", &report), 0);
        assert_int_equal(settings_flag(&s, "--listen", "listen", "c:3", &report), 0);
        assert_int_equal(settings_flag(&s, "--listen", "listen", "d:4", &report), 0);

        assert_int_equal(s.pacing.requests_per_minute, 1200);
        assert_int_equal(s.pacing.burst, 7);
        assert_int_equal(s.retry.base_backoff_ms, 50);
        assert_int_equal(s.retry.max_retries, 2);
        assert_int_equal(s.n_listen, 2);
        assert_string_equal(s.listen[0].host, "c");
        assert_string_equal(s.listen[1].host, "d");
        assert_int_equal(s.origins[SETTING_pacing_burst].source, SETTINGS_FILE);
        assert_int_equal(s.origins[SETTING_retry_max_retries].source, SETTINGS_FLAG);
        assert_int_equal(s.origins[SETTING_retry_base_backoff].source, SETTINGS_ENVIRONMENT);
        unsetenv("BINANCE_RATE_LIMIT_RPM");
        unsetenv("BINANCE_RATE_LIMIT_BURST");
        unsetenv("WEIR_BASE_BACKOFF_MS");
        unsetenv("WEIR_MAX_RETRIES");
}

static void variables_and_flags_are_named_in_mistakes(void **state)
{
        static struct settings s;
        static struct settings_report report;
        char *text;

        (void)state;
        settings_init(&s);
        setenv("BINANCE_RATE_LIMIT_RPM", "lots", 1);
        setenv("WEIR_BASE_BACKOFF_MS", "0", 1);
        assert_int_equal(settings_load_environment(&s, &report), SETTINGS_MISTAKEN);
        unsetenv("BINANCE_RATE_LIMIT_RPM");
        unsetenv("WEIR_BASE_BACKOFF_MS");
        assert_int_equal(settings_flag(&s, "--listen", "listen", "x", &report), SETTINGS_MISTAKEN);
        assert_int_equal(settings_flag(&s, "--set", "max_wiat", "5s", &report), SETTINGS_MISTAKEN);
        assert_int_equal(settings_flag(&s, "--set", "wurst", "5s", &report), SETTINGS_MISTAKEN);
        assert_int_equal(settings_flag(&s, "--upstream", "upstream", "x", &report),
                         SETTINGS_MISTAKEN);
        assert_int_equal(settings_flag(&s, "--upstream", "upstream", "spot=http://a", &report),
                         SETTINGS_MISTAKEN);
        text = printed(&report);
        assert_string_equal(
                text,
                "weir: environment variable BINANCE_RATE_LIMIT_RPM: pacing.requests_per_minute: "
                "\"lots\" is not a whole number; write one from 0 to 1000000\n"
                "weir: environment variable WEIR_BASE_BACKOFF_MS: retry.base_backoff: \"0ms\" is "
                "too "
                "small; write a value from 1ms to 60s\n"
                "weir: --listen: listen: \"x\" names no port; write HOST:PORT, such as "
                "127.0.0.1:8900\n"
                "weir: --set: there is no setting \"max_wiat\"; did you mean \"max_wait\"?\n"
                "weir: --set: there is no setting \"wurst\"\n"
                "weir: --upstream: upstream: \"x\" is no URL; write http://HOST[:PORT], "
                "https://HOST[:PORT] or unix:PATH\n"
                "weir: --upstream: upstream: \"spot\" is no group of the exchange; there are api, "
                "sapi, "
                "fapi, dapi, papi and eapi\n");
        free(text);
        settings_report_deinit(&report);
}

static void an_upstream_flag_takes_one_group_or_all(void **state)
{
        static struct settings s;
        static struct settings_report report;

        (void)state;
        settings_init(&s);
        assert_int_equal(settings_flag(&s, "-u", "upstream", "http://all", &report), 0);
        assert_int_equal(settings_flag(&s, "-u", "upstream", "fapi=unix:/a=b", &report), 0);
        assert_string_equal(s.upstream[POLICY_API].host, "all");
        assert_string_equal(s.upstream[POLICY_EAPI].host, "all");
        assert_string_equal(s.upstream[POLICY_FAPI].path, "/a=b");
}

static void a_file_that_cannot_be_read_is_a_mistake(void **state)
{
        static struct settings s;
        static struct settings_report report;
        char *text;

        (void)state;
        settings_init(&s);
        assert_int_equal(settings_load_file(&s, "/nonexistent/weir.yaml", &report),
                         SETTINGS_MISTAKEN);
        assert_int_equal(settings_load_file(&s, "/", &report), SETTINGS_MISTAKEN);
        assert_int_equal(settings_load_file(&s, "/dev/zero", &report), SETTINGS_MISTAKEN);
        text = printed(&report);
        assert_string_equal(text,
                            "weir: /nonexistent/weir.yaml: cannot be read: No such file or "
                            "directory\nweir: /: cannot be read: Is a directory\n"
                            "weir: /dev/zero: is larger than 1 MiB, which is no configuration\n");
        free(text);
        settings_report_deinit(&report);
}

static void mistakes_beyond_the_ceiling_are_counted(void **state)
{
        static struct settings s;
        static struct settings_report report;
        char yaml[20 * SETTINGS_MISTAKES_MAX] = "";

        (void)state;
        for (size_t i = 0; i < SETTINGS_MISTAKES_MAX + 7; ++i)
                snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "zzzzz%03zu: 1\n", i);
        settings_init(&s);
        assert_int_equal(load(&s, yaml, &report), SETTINGS_MISTAKEN);
        assert_int_equal(report.n_mistakes, SETTINGS_MISTAKES_MAX);
        assert_int_equal(report.n_more, 7);
        settings_report_deinit(&report);
}

static void long_paths_are_refused_whole(void **state)
{
        static struct settings s;
        static struct settings_report report;
        char path[SETTINGS_PATH_SIZE + 1];

        (void)state;
        settings_init(&s);
        memset(path, 'a', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(settings_flag(&s, "-r", "region", path, &report), SETTINGS_MISTAKEN);
        memcpy(path, "unix:", 5);
        path[5 + SETTINGS_UNIX_SIZE] = '\0';
        assert_int_equal(settings_flag(&s, "-l", "listen", path, &report), SETTINGS_MISTAKEN);
        path[4 + SETTINGS_UNIX_SIZE] = '\0';
        assert_int_equal(settings_flag(&s, "-l", "listen", path, &report), SETTINGS_GOOD);
        assert_string_equal(s.region, "");
        settings_report_deinit(&report);
}

static void what_is_printed_can_be_loaded_again(void **state)
{
        static struct settings s, again;
        char *text = NULL;
        size_t n;
        FILE *to = open_memstream(&text, &n);

        (void)state;
        assert_non_null(to);
        load_well(&s, "listen: ['[::1]:81', unix:/run/w, a:0]\nupstream: https://[::1]:8443\n"
                      "region: 'a \"b\" \\c: #d'\nlimits: off\nmax_wait: 1500ms\nmax_body: 1500\n"
                      "timeouts: {idle: 2m}\npool: {idle: 90s}\nlog: {level: error}\n");
        settings_print(&s, to);
        fclose(to);
        load_well(&again, text);
        free(text);
        for (size_t i = 0; i < SETTINGS_COUNT; ++i)
                assert_true(value_is_equal(&settings_table[i], &s, &again));
        assert_string_equal(again.region, "a \"b\" \\c: #d");
}

static size_t n_ignored;

static void count_ignored(const char *key)
{
        assert_true(strcmp(key, "listen") == 0 || strcmp(key, "region") == 0);
        ++n_ignored;
}

static void a_reload_takes_what_may_change_and_names_the_rest(void **state)
{
        static struct settings s, next;

        (void)state;
        load_well(&s, "max_wait: 5s\nlisten: [a:1]\nlog: {level: warn}\n");
        load_well(&next,
                  "max_wait: 6s\nlisten: [a:1, b:2]\nregion: /x\nclasses: {backfill: 10%}\n");
        n_ignored = 0;
        assert_int_equal(settings_reload(&s, &next, count_ignored), 3);
        assert_int_equal(n_ignored, 2);
        assert_int_equal(s.max_wait_ms, 6000);
        assert_int_equal(s.log.level, LOG_INFO);
        assert_int_equal(s.ceiling_pct[CLASS_BACKFILL], 10);
        assert_int_equal(s.n_listen, 1);
        assert_string_equal(s.region, "");
        assert_int_equal(settings_reload(&s, &next, NULL), 0);
}

static void a_guess_is_near_or_none(void **state)
{
        static const struct {
                const char *word, *best;
        } rows[] = {
                { "listne", "listen" },
                { "LISTEN", "listen" },
                { "lisen", "listen" },
                { "max-body", "max_body" },
                { "maxbody", "max_body" },
                { "xyz", "" },
                { "l", "" },
                { "", "" },
                { "listenlistenlisten", "" },
        };
        static const char *const right[] = { "listen", "max_body", "limits" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct guess g;

                guess_init(&g, str_of(rows[i].word));
                for (size_t j = 0; j < ARRAY_SIZE(right); ++j)
                        guess_offer(&g, str_of(right[j]));
                if (!str_eq(g.best, str_of(rows[i].best)))
                        fail_msg("%s: got %.*s", rows[i].word, STR_ARGS(g.best));
        }
}

static void quotes_are_harmless_and_short(void **state)
{
        char to[QUOTE_SIZE], text[200];

        (void)state;
        assert_string_equal(value_quote(STR_LITERAL("a\x1b[31m\n\x7f"), to, sizeof(to)),
                            "\"a\\x1b[31m\\x0a\\x7f\"");
        memset(text, '\n', sizeof(text));
        value_quote(str_from(text, sizeof(text)), to, sizeof(to));
        assert_true(strlen(to) < sizeof(to) && to[strlen(to) - 1] == '"');
        /* The cut falls into the middle of a character of two bytes. */
        memset(text, 'a', sizeof(text));
        memcpy(text + 59, "\xc3\xa9", 2);
        value_quote(str_from(text, sizeof(text)), to, sizeof(to));
        assert_string_equal(to + 60, "...\"");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_mistake_is_told_with_its_place_and_remedy),
                cmocka_unit_test(an_empty_file_leaves_the_defaults),
                cmocka_unit_test(a_default_is_its_own_text),
                cmocka_unit_test(values_are_taken_in_all_their_spellings),
                cmocka_unit_test(one_upstream_stands_for_all_groups),
                cmocka_unit_test(the_later_source_wins),
                cmocka_unit_test(variables_and_flags_are_named_in_mistakes),
                cmocka_unit_test(an_upstream_flag_takes_one_group_or_all),
                cmocka_unit_test(a_file_that_cannot_be_read_is_a_mistake),
                cmocka_unit_test(mistakes_beyond_the_ceiling_are_counted),
                cmocka_unit_test(long_paths_are_refused_whole),
                cmocka_unit_test(what_is_printed_can_be_loaded_again),
                cmocka_unit_test(a_reload_takes_what_may_change_and_names_the_rest),
                cmocka_unit_test(a_guess_is_near_or_none),
                cmocka_unit_test(quotes_are_harmless_and_short),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
