#include "sim/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_action_is_read(void **state)
{
        static const char *const lines[] = {
                "* * always delay 100",
                "* * always delay 100..300 spike 5% 4000",
                "GET /api/* 0.1% slow 10000",
                "POST /fapi/v1/order next 3 engine 6000",
                "POST /fapi/v1/order every 10 reset unread",
                "POST /fapi/v1/order after 10 reset unexecuted",
                "POST * 5% reset executed",
                "* * 5% close",
                "* * 5% half",
                "* * 5% half 10%",
                "POST /fapi/v1/order 5% unknown",
                "POST /fapi/v1/order 5% unknown execute 50%",
                "POST /fapi/* 5% unavailable",
                "POST /fapi/* 5% internal",
                "POST /fapi/* 5% overload",
                "POST /fapi/* 5% timeout execute 100%",
                "POST /fapi/* 5% bus execute 0%",
                "* * next 1 waf",
                "* * next 1 empty 502",
                "* * next 1 error 400 -1000 Some words of mine.",
                "* * next 1 error 503 -1001 execute 10% And more.",
                "* * next 1 body 502 <html>bad gateway</html>",
                "* * always gzip",
                "* * always chunked",
                "* * always trickle 10 5",
                "POST /fapi/v1/batchOrders always mixed",
                "* * always headers missing",
                "* * always headers stale",
                "POST /api/v3/order always late 3000",
                "POST /fapi/v1/order always partial 30%",
                "POST * 5% partial 0.5% 250",
                "skew -1500",
                "foreign futures 30",
                "seed 7",
                "  # a comment",
                "* * always close # and one behind",
                "",
        };
        struct faults *faults = calloc(1, sizeof(*faults));

        (void)state;
        assert_non_null(faults);
        faults_init(faults, 1);
        for (size_t i = 0; i < ARRAY_SIZE(lines); ++i) {
                struct faults_error e = { .line = 0 };

                if (faults_parse(faults, str_of(lines[i]), &e) != 0)
                        fail_msg("\"%s\": %u: %s", lines[i], e.column, e.why);
        }
        free(faults);
}

static void mistakes_are_named_with_line_and_column(void **state)
{
        static const struct {
                const char *script;
                unsigned line, column;
        } rows[] = {
                { "FETCH * always close", 1, 1 },
                { "POST * always partial", 1, 22 },
                { "POST * always partial 0%", 1, 23 },
                { "POST * always partial 100%", 1, 23 },
                { "POST * always partial 30% soon", 1, 27 },
                { "GET", 1, 4 },
                { "GET api always close", 1, 5 },
                { "GET /api sometimes close", 1, 10 },
                { "GET /api 101% close", 1, 10 },
                { "GET /api % close", 1, 10 },
                { "GET /api next close", 1, 15 },
                { "GET /api next 0 close", 1, 15 },
                { "GET /api every 0 close", 1, 16 },
                { "GET /api always", 1, 16 },
                { "GET /api always explode", 1, 17 },
                { "GET /api always delay", 1, 22 },
                { "GET /api always delay soon", 1, 23 },
                { "GET /api always delay 30..10", 1, 23 },
                { "GET /api always delay 10 20", 1, 26 },
                { "GET /api always delay 10 spike 5", 1, 32 },
                { "GET /api always reset", 1, 22 },
                { "GET /api always reset never", 1, 23 },
                { "GET /api always close now", 1, 23 },
                { "GET /api always unknown execute", 1, 32 },
                { "GET /api always unknown excute 5%", 1, 25 },
                { "GET /api always error 99 -1 x", 1, 23 },
                { "GET /api always error 400 x", 1, 27 },
                { "GET /api always headers old", 1, 25 },
                { "GET /api always trickle 0 5", 1, 25 },
                { "# fine\n\nGET /api always close\nskew much", 4, 6 },
                { "foreign moon 3", 1, 9 },
                { "foreign spot", 1, 13 },
                { "seed -3", 1, 6 },
        };
        struct faults *faults = calloc(1, sizeof(*faults));
        struct faults_error e;

        (void)state;
        assert_non_null(faults);
        faults_init(faults, 1);
        assert_int_equal(faults_parse(faults, STR_LITERAL("* * always gzip\n"), &e), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                e = (struct faults_error){ .line = 0 };
                if (faults_parse(faults, str_of(rows[i].script), &e) == 0 ||
                    e.line != rows[i].line || e.column != rows[i].column || !e.why[0])
                        fail_msg("\"%s\": line %u column %u: %s", rows[i].script, e.line, e.column,
                                 e.why);
                /* What was there stays. */
                assert_int_equal(faults->n, 1);
                assert_int_equal(faults->rules[0].action, FAULT_GZIP);
        }
        free(faults);
}

static void too_many_rules_are_refused(void **state)
{
        static const char line[] = "* * always gzip\n";
        size_t n = FAULT_RULES_MAX + 1, size = sizeof(line) - 1;
        char *script = malloc(n * size);
        struct faults *faults = calloc(1, sizeof(*faults));
        struct faults_error e;

        (void)state;
        assert_non_null(script);
        assert_non_null(faults);
        for (size_t i = 0; i < n; ++i)
                memcpy(script + i * size, line, size);
        assert_int_equal(faults_parse(faults, str_from(script, n * size), &e), -22);
        assert_int_equal(e.line, FAULT_RULES_MAX + 1);
        assert_int_equal(faults_parse(faults, str_from(script, (n - 1) * size), &e), 0);
        free(script);
        free(faults);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_action_is_read),
                cmocka_unit_test(mistakes_are_named_with_line_and_column),
                cmocka_unit_test(too_many_rules_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
