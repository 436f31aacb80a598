#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "watch/exposition.h"

static const struct metric_family waits = { "weir_wait_seconds", METRIC_HISTOGRAM, "seconds",
                                            "class", "How long." };
static const struct metric_family sent = { "weir_sent", METRIC_COUNTER, "", "pool,egress",
                                           "So many." };
static const struct metric_family build = { "weir_build", METRIC_INFO, "", "version", "Which." };
static const struct metric_family level = { "weir_level", METRIC_GAUGE, "", "", "How much." };

static struct buf buf;

static int setup(void **state)
{
        (void)state;
        buf_init(&buf, 1 << 20);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        buf_deinit(&buf);
        return 0;
}

static void assert_text(const char *expected)
{
        assert_int_equal(buf_append(&buf, "", 1), 0);
        assert_string_equal(buf_str(&buf).p, expected);
}

static void write_all(enum exposition_form form)
{
        static const double bounds[] = { 0.0005, 1, 2.5 };
        static const uint64_t counts[] = { 3, 0, 2, 1 };
        const struct exposition_buckets buckets = { bounds, counts, 3, 4.25 };
        struct exposition e;

        exposition_init(&e, &buf, form);
        exposition_begin(&e, &build);
        exposition_sample(&e, 1, LABELS("1.2"));
        exposition_begin(&e, &sent);
        exposition_sample(&e, 7, LABELS("spot", "default"));
        exposition_sample(&e, 8, LABELS("spot", NULL));
        exposition_sample(&e, 9, LABELS("", ""));
        exposition_begin(&e, &waits);
        exposition_histogram(&e, &buckets, LABELS("order"));
        assert_int_equal(exposition_end(&e), 0);
}

static void openmetrics_names_families_units_and_its_end(void **state)
{
        (void)state;
        write_all(EXPOSITION_OPENMETRICS);
        assert_text("# HELP weir_build Which.\n"
                    "# TYPE weir_build info\n"
                    "weir_build_info{version=\"1.2\"} 1\n"
                    "# HELP weir_sent So many.\n"
                    "# TYPE weir_sent counter\n"
                    "weir_sent_total{pool=\"spot\",egress=\"default\"} 7\n"
                    "weir_sent_total{pool=\"spot\"} 8\n"
                    "weir_sent_total 9\n"
                    "# HELP weir_wait_seconds How long.\n"
                    "# TYPE weir_wait_seconds histogram\n"
                    "# UNIT weir_wait_seconds seconds\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"0.0005\"} 3\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"1.0\"} 3\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"2.5\"} 5\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"+Inf\"} 6\n"
                    "weir_wait_seconds_sum{class=\"order\"} 4.25\n"
                    "weir_wait_seconds_count{class=\"order\"} 6\n"
                    "# EOF\n");
}

static void the_older_form_has_the_same_series_under_names_of_samples(void **state)
{
        (void)state;
        write_all(EXPOSITION_CLASSIC);
        assert_text("# HELP weir_build_info Which.\n"
                    "# TYPE weir_build_info gauge\n"
                    "weir_build_info{version=\"1.2\"} 1\n"
                    "# HELP weir_sent_total So many.\n"
                    "# TYPE weir_sent_total counter\n"
                    "weir_sent_total{pool=\"spot\",egress=\"default\"} 7\n"
                    "weir_sent_total{pool=\"spot\"} 8\n"
                    "weir_sent_total 9\n"
                    "# HELP weir_wait_seconds How long.\n"
                    "# TYPE weir_wait_seconds histogram\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"0.0005\"} 3\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"1.0\"} 3\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"2.5\"} 5\n"
                    "weir_wait_seconds_bucket{class=\"order\",le=\"+Inf\"} 6\n"
                    "weir_wait_seconds_sum{class=\"order\"} 4.25\n"
                    "weir_wait_seconds_count{class=\"order\"} 6\n");
}

static void numbers_keep_their_digits(void **state)
{
        static const struct {
                double value;
                const char *text;
        } rows[] = {
                { 0, "0" },
                { -3, "-3" },
                { 1764186000, "1764186000" },
                { 1764186000.123, "1764186000.123" },
                { 0.05, "0.05" },
                { 4503599627370497.0, "4503599627370497" },
                { 1e300, "1e+300" },
                { NAN, "NaN" },
                { INFINITY, "+Inf" },
                { -INFINITY, "-Inf" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
                struct exposition e;
                char expected[64];

                exposition_init(&e, &buf, EXPOSITION_CLASSIC);
                exposition_begin(&e, &level);
                buf_clear(&buf);
                exposition_sample(&e, rows[i].value, NO_LABELS);
                assert_int_equal(exposition_end(&e), 0);
                snprintf(expected, sizeof(expected), "weir_level %s\n", rows[i].text);
                assert_text(expected);
                buf_clear(&buf);
        }
}

static void what_clients_call_themselves_cannot_break_a_line(void **state)
{
        static const struct {
                const char *value, *text;
        } rows[] = {
                { "a\"b\\c", "a\\\"b\\\\c" },
                { "a\nb\tc\x7f", "a?b?c?" },
                { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
                { "\xff\xc3", "??" },
                { "\xc0\xaf", "??" },
                { "\xed\xa0\x80", "???" },
                { "\xe2\x82", "??" },
                { "\xf4\x90\x80\x80", "????" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
                struct exposition e;
                char expected[64];

                exposition_init(&e, &buf, EXPOSITION_OPENMETRICS);
                exposition_begin(&e, &build);
                buf_clear(&buf);
                exposition_sample(&e, 1, LABELS(rows[i].value));
                snprintf(expected, sizeof(expected), "weir_build_info{version=\"%s\"} 1\n",
                         rows[i].text);
                assert_text(expected);
                buf_clear(&buf);
        }
}

static void a_reader_gets_the_form_that_it_names(void **state)
{
        static const struct {
                const char *accept;
                enum exposition_form form;
        } rows[] = {
                { "", EXPOSITION_CLASSIC },
                { "*/*", EXPOSITION_CLASSIC },
                { "text/plain;version=0.0.4", EXPOSITION_CLASSIC },
                { "application/openmetrics-text", EXPOSITION_OPENMETRICS },
                { "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                  EXPOSITION_OPENMETRICS },
                { "text/plain;q=0.9, Application/OpenMetrics-Text ; q=0.1",
                  EXPOSITION_OPENMETRICS },
                { "application/openmetrics-text;q=0", EXPOSITION_CLASSIC },
                { "application/openmetrics-text; q=0.000, text/plain", EXPOSITION_CLASSIC },
                { "application/openmetrics-textual", EXPOSITION_CLASSIC },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
                if (exposition_wanted(str_of(rows[i].accept)) != rows[i].form)
                        fail_msg("%s", rows[i].accept);
}

static void what_does_not_fit_is_an_error_and_not_a_part(void **state)
{
        struct exposition e;
        struct buf small;

        (void)state;
        buf_init(&small, 32);
        exposition_init(&e, &small, EXPOSITION_OPENMETRICS);
        exposition_begin(&e, &sent);
        exposition_sample(&e, 1, LABELS("spot", "default"));
        assert_int_equal(exposition_end(&e), -ENOBUFS);
        buf_deinit(&small);
}

/* As promtool check metrics wants them, and OpenMetrics: it is told here at once, and for families
 * that no test has. */
static void each_family_is_declared_well(void **state)
{
        (void)state;
        for (unsigned i = 0; i < METRICS; ++i) {
                const struct metric_family *f = metric_family((enum metric)i);
                struct str name = str_of(f->name), unit = str_of(f->unit), help = str_of(f->help);

                for (size_t k = 0; k < name.n; ++k)
                        if (!islower((unsigned char)name.p[k]) && name.p[k] != '_')
                                fail_msg("%s: a name is of small letters", f->name);
                if (unit.n > 0 &&
                    (name.n <= unit.n || !str_eq(str_from(name.p + name.n - unit.n, unit.n), unit)))
                        fail_msg("%s: its unit %s is not its end", f->name, f->unit);
                if (str_find(name, STR_LITERAL("_total")) || str_find(name, STR_LITERAL("_info")))
                        fail_msg("%s: the end of a sample's name is not its own", f->name);
                if (help.n < 10 || help.p[help.n - 1] != '.' || str_find(help, STR_LITERAL("\\")) ||
                    str_find(help, STR_LITERAL("\n")))
                        fail_msg("%s: its help is no sentence", f->name);
                for (unsigned k = 0; k < i; ++k)
                        if (str_eq(name, str_of(metric_family((enum metric)k)->name)))
                                fail_msg("%s: is declared twice", f->name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(openmetrics_names_families_units_and_its_end, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(
                        the_older_form_has_the_same_series_under_names_of_samples, setup, teardown),
                cmocka_unit_test_setup_teardown(numbers_keep_their_digits, setup, teardown),
                cmocka_unit_test_setup_teardown(what_clients_call_themselves_cannot_break_a_line,
                                                setup, teardown),
                cmocka_unit_test(a_reader_gets_the_form_that_it_names),
                cmocka_unit_test(what_does_not_fit_is_an_error_and_not_a_part),
                cmocka_unit_test(each_family_is_declared_well),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
