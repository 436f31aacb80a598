#include "cli/picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void times_are_said_as_people_say_them(void **state)
{
        static const struct {
                json_int_t ms;
                const char *time, *left;
        } rows[] = {
                { -5, "0 ms", "0 s" },
                { 0, "0 ms", "0 s" },
                { 1, "1 ms", "1 s" },
                { 999, "999 ms", "1 s" },
                { 1000, "1.0 s", "1 s" },
                { 1250, "1.2 s", "2 s" },
                { 59999, "59 s", "60 s" },
                { 299000, "299 s", "299 s" },
                { 299001, "299 s", "5 m" },
                { 300000, "5 m", "5 m" },
                { 3723000, "1 h 02 m", "1 h 02 m" },
                { 259200000, "3 d 00 h", "3 d 00 h" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char time[PICTURE_TIME_SIZE], left[PICTURE_TIME_SIZE];

                picture_time(rows[i].ms, time);
                picture_left(rows[i].ms, left);
                if (strcmp(time, rows[i].time) != 0 || strcmp(left, rows[i].left) != 0)
                        fail_msg("%lld ms: %s, %s", (long long)rows[i].ms, time, left);
        }
}

static void large_counts_are_shortened(void **state)
{
        static const struct {
                json_int_t n;
                const char *text;
        } rows[] = {
                { 0, "0" },          { 6000, "6000" },    { 99999, "99999" },
                { 100000, "100k" },  { 300000, "300k" },  { 999999, "999k" },
                { 1000000, "1.0M" }, { 1234567, "1.2M" }, { INT32_MAX, "2147.4M" },
                { -12, "-12" },
        };
        char text[PICTURE_COUNT_SIZE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(picture_count(rows[i].n, text), rows[i].text);
}

static void a_time_passes_while_nothing_is_told(void **state)
{
        json_t *now = json_loads("{\"age_ms\": 1500, \"row\": {\"for_ms\": 2000}}", 0, NULL);
        const json_t *row = json_object_get(now, "row");

        (void)state;
        assert_int_equal(picture_rest(now, row, "for_ms"), 500);
        assert_int_equal(picture_rest(now, row, "none"), 0);
        assert_int_equal(picture_rest(NULL, row, "for_ms"), 2000);
        json_decref(now);
}

/* What is drawn of @json, rows with '\n' between. The caller's. */
static char *draw(const char *json, unsigned cols, bool are_notes)
{
        json_t *now = json_loads(json, 0, NULL);
        struct picture_box box = { 0, 20, 0, cols };
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        struct sheet s;
        unsigned rows;

        if (!now)
                fail_msg("no JSON: %s", json);
        assert_int_equal(sheet_init(&s, 20, cols, false), 0);
        rows = are_notes ? picture_notes(&s, box, now) : picture_alarms(&s, box, now);
        assert_int_equal(sheet_height(&s), rows);
        sheet_print(&s, to, false);
        fclose(to);
        sheet_deinit(&s);
        json_decref(now);
        return text;
}

static void what_is_wrong_is_said_in_words(void **state)
{
        static const struct {
                const char *json, *says;
        } rows[] = {
                { "{}", "" },
                { "{\"gates\": [], \"breakers\": [], \"hosts\": null, \"queue\": []}", "" },
                { "{\"gates\": [{\"product\": \"futures\", \"kind\": \"ban\", \"for_ms\": 89500}]}",
                  "! futures: ban for 90 s more, nothing is sent\n" },
                { "{\"gates\": [{\"product\": \"api\", \"egress\": \"second\", \"kind\": \"stop\","
                  " \"for_ms\": 1}]}",
                  "! api by second: stop for 1 s more, nothing is sent\n" },
                { "{\"gates\": [{\"product\": \"api\", \"egress\": \"default\", \"kind\": \"ban\","
                  " \"for_ms\": 0, \"probing\": true}]}",
                  "! api: ban is over, a probe is to be answered: being asked\n" },
                /* Bans stand above stops, whatever their order. */
                { "{\"gates\": [{\"product\": \"a\", \"kind\": \"stop\", \"for_ms\": 1000},"
                  " {\"product\": \"b\", \"kind\": \"firewall\", \"for_ms\": 1000}]}",
                  "! b: firewall for 1 s more, nothing is sent\n"
                  "! a: stop for 1 s more, nothing is sent\n" },
                { "{\"breakers\": [{\"product\": \"fapi\", \"state\": \"probing\","
                  " \"failures\": 12, \"for_ms\": 1500}]}",
                  "! fapi does not answer, 12 failures in a row: being asked, again in 2 s\n" },
                { "{\"front\": {\"ramps\": [{\"product\": \"api\", \"for_ms\": 9100}]}}",
                  "! api opened again: more from second to second, for 10 s more\n" },
                { "{\"budgets\": [{\"name\": \"spot-orders\", \"account\": \"main\","
                  " \"shut_for_ms\": 9100}]}",
                  "! spot-orders of main: stopped for 10 s more\n" },
                { "{\"paused\": {\"classes\": [\"backfill\"], \"clients\": [\"bot\"]}}",
                  "! paused: class backfill\n! paused: client bot\n" },
                { "{\"hosts\": {\"words\": \"the store is away\", \"share_for_s\": 50}}",
                  "! the store is away\n" },
                { "{\"hosts\": {\"words\": \"\", \"share_for_s\": 50}}", "" },
                { "{\"hosts\": null}", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *text = draw(rows[i].json, 120, false);

                if (strcmp(text, rows[i].says) != 0)
                        fail_msg("row %zu:\n%s\nexpected:\n%s", i, text, rows[i].says);
                free(text);
        }
}

static void what_is_worth_knowing_is_said_below(void **state)
{
        static const struct {
                const char *json, *says;
        } rows[] = {
                { "{\"gateway\": {\"state\": \"ready\", \"history\": \"on\"}, \"slots_taken\": "
                  "1023}",
                  "" },
                { "{\"gateway\": {\"state\": \"draining\", \"history\": \"failed\"}}",
                  "! history cannot be written; requests are served on\n"
                  "! the gateway is draining\n" },
                { "{\"weight_disagreements\": 2, \"same_account\": [[\"a\", \"b\"]]}",
                  "! 2 cost other than charged, see weir check --weights\n"
                  "! keys seem to be one account's and count apart, see weir status\n" },
                { "{\"slots_taken\": 1024}",
                  "! the region gets full: 1024 slots are taken, see weir status\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *text = draw(rows[i].json, 120, true);

                if (strcmp(text, rows[i].says) != 0)
                        fail_msg("row %zu:\n%s\nexpected:\n%s", i, text, rows[i].says);
                free(text);
        }
}

static void what_is_wrong_is_not_cut_off_where_it_is_narrow(void **state)
{
        char *text =
                draw("{\"hosts\": {\"words\": \"nobody speaks for this host: nothing is sent\"}}",
                     24, false);

        (void)state;
        assert_string_equal(text, "! nobody speaks for this\n! host: nothing is sent\n");
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_said_as_people_say_them),
                cmocka_unit_test(large_counts_are_shortened),
                cmocka_unit_test(a_time_passes_while_nothing_is_told),
                cmocka_unit_test(what_is_wrong_is_said_in_words),
                cmocka_unit_test(what_is_worth_knowing_is_said_below),
                cmocka_unit_test(what_is_wrong_is_not_cut_off_where_it_is_narrow),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
