#include "cli/top_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char snapshot[] =
        "{\"region\": \"/run/weir/region\", \"exchange_ms\": 1795724547262,"
        " \"gateway\": {\"state\": \"ready\", \"uptime_ms\": 3723000, \"connections\": 7,"
        "   \"shadow\": false, \"history\": \"on\"},"
        " \"rates\": {\"requests_per_s\": 12.4, \"weight_per_s\": 310.0, \"waiting\": 3},"
        " \"budgets\": ["
        "  {\"name\": \"spot-weight\", \"egress\": \"default\", \"account\": null,"
        "   \"endpoint\": null, \"span_ms\": 60000, \"limit\": 6000, \"used\": 4200, \"ours\": "
        "3600,"
        "   \"in_flight\": 600, \"held\": 300, \"foreign\": 600, \"expected\": 600,"
        "   \"turns_in_ms\": 12300, \"shut_for_ms\": 0, \"ceilings\": {\"cancel\": 6000,"
        "   \"order\": 5700, \"reconcile\": 5400, \"account\": 5400, \"market\": 4800,"
        "   \"backfill\": 3600}},"
        "  {\"name\": \"sapi-ip\", \"egress\": \"second\", \"account\": null,"
        "   \"endpoint\": \"GET /sapi/v1/system/status\", \"span_ms\": 60000, \"limit\": 12000,"
        "   \"used\": 1, \"ours\": 1, \"in_flight\": 0, \"held\": 0, \"foreign\": 0,"
        "   \"expected\": 0, \"turns_in_ms\": 12300, \"shut_for_ms\": 0},"
        "  {\"name\": \"futures-orders\", \"egress\": null, \"account\": \"main\","
        "   \"endpoint\": null, \"span_ms\": 10000, \"limit\": 300, \"used\": 300, \"ours\": 300,"
        "   \"in_flight\": 0, \"held\": 0, \"foreign\": 0, \"expected\": 0,"
        "   \"turns_in_ms\": 2000, \"shut_for_ms\": 2000}],"
        " \"gates\": [{\"egress\": \"default\", \"product\": \"api\", \"kind\": \"ban\","
        "   \"for_ms\": 89500, \"probing\": false}],"
        " \"breakers\": [{\"egress\": \"second\", \"product\": \"sapi\", \"state\": \"open\","
        "   \"failures\": 10, \"for_ms\": 1500}],"
        " \"front\": {\"ramps\": []}, \"hosts\": null,"
        " \"paused\": {\"classes\": [\"backfill\"], \"clients\": []},"
        " \"queue\": [{\"class\": \"cancel\", \"waiting\": 0, \"oldest_ms\": 0, \"paused\": false},"
        "   {\"class\": \"order\", \"waiting\": 0, \"oldest_ms\": 0, \"paused\": false},"
        "   {\"class\": \"reconcile\", \"waiting\": 0, \"oldest_ms\": 0, \"paused\": false},"
        "   {\"class\": \"account\", \"waiting\": 0, \"oldest_ms\": 0, \"paused\": false},"
        "   {\"class\": \"market\", \"waiting\": 2, \"oldest_ms\": 1250, \"paused\": false},"
        "   {\"class\": \"backfill\", \"waiting\": 1, \"oldest_ms\": 9000, \"paused\": true}],"
        " \"counters\": {\"requests\": 1561, \"sent\": 345, \"bans\": 0, \"refused_late\": 1216}}";

static const char spenders[] =
        "{\"by\": \"client\", \"rows\": ["
        " {\"name\": \"watcher\", \"requests\": 192, \"weight\": 234, \"orders\": 0,"
        "  \"share\": 0.322, \"errors\": 0, \"over_limit\": 0, \"retries\": 0,"
        "  \"retry_rate\": 0.0, \"refused\": 115, \"wait_p50_ms\": 0.1, \"wait_p99_ms\": 8.0},"
        " {\"name\": \"trader\", \"requests\": 468, \"weight\": 260, \"orders\": 31,"
        "  \"share\": 0.358, \"errors\": 2, \"over_limit\": 1, \"retries\": 3,"
        "  \"retry_rate\": 0.0064, \"refused\": 0, \"wait_p50_ms\": 0.2, \"wait_p99_ms\": "
        "1250.0}]}";

/* clang-format off */
#define GOLDEN_80 \
        " weir top  http://127.0.0.1:8900  ready                            20:22:27 UTC\n" \
        "! api: ban for 90 s more, nothing is sent\n" \
        "! sapi by second does not answer, 10 failures in a row: asked again in 2 s\n" \
        "! futures-orders of main: stopped for 2 s more\n" \
        "! paused: class backfill\n" \
        "12 requests/s   310 weight/s   3 waiting\n" \
        "futures-orders main  10s ##################################        300/300    2s\n" \
        "spot-weight           1m #################===+++oo~~m..r.o.      4200/6000   13s\n" \
        "~em/status by second  1m #.................................        1/12000   13s\n" \
        "\n" \
        "cancel 0   order 0   reconcile 0   account 0   market 2, 1.2 s\n" \
        "backfill 1, 9.0 s paused\n" \
        "\n" \
        "client                requests  vweight   share    429  refused  errors  retried\n" \
        "trader                     468      260  35.8 %      1        0       2    0.6 %\n" \
        "watcher                    192      234  32.2 %      0      115       0    0.0 %\n" \
        "\n" \
        "events\n" \
        "20:22:21 refused verdict=late\n" \
        "20:22:22 refused 2 times verdict=shut\n" \
        "\n" \
        "\n" \
        "\n" \
        "\n" \
        "\n" \
        "q quit  p freeze  c/a/e by client, account, endpoint  </> sort  r turn  h help\n"

#define GOLDEN_40 \
        " weir top  http://127.0.0.1:8900\n" \
        "! api: ban for 90 s more, nothing is\n" \
        "! sent\n" \
        "! sapi by second does not answer, 10\n" \
        "! failures in a row: asked again in 2 s\n" \
        "! futures-orders of main: stopped for 2\n" \
        "! s more\n" \
        "! paused: class backfill\n" \
        "12 requests/s   310 weight/s   3 waiting\n" \
        "futures-order 10s ######   300/300    2s\n" \
        "spot-weight    1m ###=+o 4200/6000   13s\n" \
        "~us by second  1m #.....   1/12000   13s\n" \
        "\n" \
        "cancel 0   order 0   reconcile 0\n" \
        "account 0   market 2, 1.2 s\n" \
        "backfill 1, 9.0 s paused\n" \
        "\n" \
        "client         requests  vweight   share\n" \
        "trader              468      260  35.8 %\n" \
        "watcher             192      234  32.2 %\n" \
        "\n" \
        "q quit  p freeze  c/a/e </> r  h help\n"

#define GOLDEN_160 \
        " weir top  http://127.0.0.1:8900  ready  up 1 h 02 m  7 connections                                                                                20:22:27 UTC\n" \
        "! api: ban for 90 s more, nothing is sent\n" \
        "! sapi by second does not answer, 10 failures in a row: asked again in 2 s\n" \
        "! futures-orders of main: stopped for 2 s more\n" \
        "! paused: class backfill\n" \
        "12 requests/s   310 weight/s   3 waiting\n" \
        "budget                                           window of now                  used/limit  turn  of it, and what classes may use\n" \
        "futures-orders main                          10s ##########################        300/300    2s\n" \
        "spot-weight                                   1m #############==+++o~m~.ro.      4200/6000   13s  600 in flight, 300 held, 600 by others, 600 expected of others\n" \
        "sapi-ip GET /sapi/v1/system/status by second  1m #.........................        1/12000   13s\n" \
        "\n" \
        "cancel 0   order 0   reconcile 0   account 0   market 2, 1.2 s   backfill 1, 9.0 s paused\n" \
        "\n" \
        "client                       requests  vweight   share    429  refused  errors  retried      p99  events\n" \
        "trader                            468      260  35.8 %      1        0       2    0.6 %    1.2 s  20:22:21 refused verdict=late\n" \
        "watcher                           192      234  32.2 %      0      115       0    0.0 %     8 ms  20:22:22 refused 2 times verdict=shut\n" \
        "\n" \
        "\n" \
        "\n" \
        "q quit  p freeze  c/a/e by client, account, endpoint  </> sort  r turn  h help\n"
/* clang-format on */

struct stage {
        struct top_view view;
        struct top_events events;
        json_t *now, *spenders;
};

static int setup(void **state)
{
        struct stage *g = calloc(1, sizeof(*g));

        if (!g)
                return -1;
        g->now = json_loads(snapshot, 0, NULL);
        g->spenders = json_loads(spenders, 0, NULL);
        assert_non_null(g->now);
        assert_non_null(g->spenders);
        for (int i = 0; i < 3; ++i)
                top_events_add(&g->events, json_pack("{s:I, s:s, s:s, s:s}", "at_ms",
                                                     (json_int_t)(1795724540000 + i * 1000),
                                                     "level", "warn", "event", "refused", "text",
                                                     i == 1 ? "request=b verdict=late"
                                                            : "request=a verdict=shut"));
        g->view = (struct top_view){
                .source = "http://127.0.0.1:8900",
                .is_gateway = true,
                .is_frame = true,
                .now = g->now,
                .spenders = g->spenders,
                .events = &g->events,
                .order = { .column = TOP_WEIGHT },
        };
        *state = g;
        return 0;
}

static int teardown(void **state)
{
        struct stage *g = *state;

        top_events_deinit(&g->events);
        json_decref(g->now);
        json_decref(g->spenders);
        free(g);
        return 0;
}

static char *draw(const struct stage *g, unsigned rows, unsigned cols, bool is_unicode)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);
        struct sheet s;

        assert_int_equal(sheet_init(&s, rows, cols, is_unicode), 0);
        top_view_draw(&s, &g->view);
        sheet_print(&s, to, false);
        sheet_deinit(&s);
        fclose(to);
        return text;
}

static void expect(const struct stage *g, unsigned rows, unsigned cols, const char *lines)
{
        char *text = draw(g, rows, cols, false);

        if (strcmp(text, lines) != 0)
                fail_msg("%ux%u:\n%s\nexpected:\n%s", rows, cols, text, lines);
        free(text);
}

static void a_terminal_of_80_columns(void **state)
{
        expect(*state, 26, 80, GOLDEN_80);
}

static void a_narrow_one(void **state)
{
        expect(*state, 22, 40, GOLDEN_40);
}

static void a_wide_one_has_details_and_two_columns(void **state)
{
        expect(*state, 20, 160, GOLDEN_160);
}

static void expect_within(const struct stage *g, unsigned rows, unsigned cols, const char *words)
{
        char *text = draw(g, rows, cols, true);

        if (!strstr(text, words))
                fail_msg("%s\nhas not: %s", text, words);
        free(text);
}

static void a_gateway_that_is_gone_is_said_so_with_the_age(void **state)
{
        struct stage *g = *state;

        g->view.trouble = "127.0.0.1:8900: Connection refused";
        g->view.age_ms = 7300;
        expect_within(g, 24, 80, "7.3 s old: 127.0.0.1:8900: Connection refused");
        expect_within(g, 24, 80, "NOT LIVE");
        /* What was known last stays. */
        expect_within(g, 24, 80, "4200/6000");
        g->view.now = NULL;
        expect_within(g, 24, 80, "\xe2\x96\x8c 127.0.0.1:8900: Connection refused");
}

static void what_should_not_be_believed_is_said_above_it(void **state)
{
        struct stage *g = *state;

        g->view.doubt = "region /r: is damaged: slot 7 is not what its key says";
        expect_within(g, 24, 80,
                      "\xe2\x96\x8c region /r: is damaged: slot 7 is not what its key says");
        expect_within(g, 24, 80, "4200/6000");
        g->view.trouble = "region /r: cannot open it: No such file or directory";
        expect_within(g, 24, 80, "old: region /r: cannot open it");
}

static void what_is_frozen_is_said_so(void **state)
{
        struct stage *g = *state;

        g->view.is_frozen = true;
        expect_within(g, 24, 80, "FROZEN");
        expect_within(g, 24, 80, "p go on");
}

static void a_region_alone_shows_what_has_happened_so_far(void **state)
{
        struct stage *g = *state;

        g->view.is_gateway = false;
        g->view.spenders = NULL;
        json_object_del(g->now, "queue");
        json_object_del(g->now, "rates");
        json_object_del(g->now, "gateway");
        expect_within(g, 24, 80, "1216 refused: could not be sent before its deadline");
        expect_within(g, 24, 80, "api: ban for 90 s more, nothing is sent");
}

static void rows_are_sorted_by_the_column_of_choice(void **state)
{
        static const struct {
                enum top_column column;
                bool is_upward;
                const char *first, *second;
        } rows[] = {
                { TOP_WEIGHT, false, "trader", "watcher" },
                { TOP_WEIGHT, true, "watcher", "trader" },
                { TOP_REFUSED, false, "watcher", "trader" },
                { TOP_WAIT_P99, false, "trader", "watcher" },
                { TOP_NAME, false, "trader", "watcher" },
                { TOP_NAME, true, "watcher", "trader" },
        };
        struct stage *g = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char *text;

                g->view.order.column = rows[i].column;
                g->view.order.is_upward = rows[i].is_upward;
                text = draw(g, 40, 120, true);
                if (!(strstr(text, rows[i].first) < strstr(text, rows[i].second)))
                        fail_msg("row %zu:\n%s", i, text);
                free(text);
        }
}

static void a_column_that_is_not_shown_is_not_chosen(void **state)
{
        enum top_column column = TOP_NAME;

        (void)state;
        for (int i = 0; i < 20; ++i) {
                column = top_column_next(column, 1, 40);
                assert_true(column <= TOP_SHARE);
        }
        assert_int_equal(top_column_next(TOP_NAME, -1, 40), TOP_SHARE);
        assert_int_equal(top_column_next(TOP_NAME, -1, 500), TOP_ORDERS);
        assert_int_equal(top_column_next(TOP_ORDERS, 1, 500), TOP_NAME);
        assert_int_equal(top_column_next(TOP_ORDERS, -1, 40), TOP_SHARE);
        assert_int_equal(top_column_next(TOP_WEIGHT, 1, 1), TOP_NAME);
}

static void an_event_again_and_again_is_one_line(void **state)
{
        struct stage *g = *state;

        assert_int_equal(g->events.n, 2);
        assert_int_equal(picture_number(g->events.all[1], "times"), 2);
        for (int i = 0; i < 1000; ++i)
                top_events_add(&g->events, json_pack("{s:s, s:o}", "event", "other", "text",
                                                     json_sprintf("n=%d", i)));
        assert_int_equal(g->events.n, TOP_EVENTS);
        assert_string_equal(picture_text(g->events.all[TOP_EVENTS - 1], "text"), "n=999");
}

/* There may be hundreds of those, and one of the others is what matters most. */
static void budgets_by_endpoint_stand_behind_the_others(void **state)
{
        struct stage *g = *state;
        json_t *now = json_loads(
                "{\"budgets\": [{\"name\": \"sapi-uid\", \"limit\": 10, \"used\": 2, \"ours\": 2},"
                " {\"name\": \"sapi-ip\", \"limit\": 10, \"used\": 5, \"ours\": 5},"
                " {\"name\": \"spot-weight\", \"limit\": 10, \"used\": 1, \"ours\": 1}]}",
                0, NULL);
        char *text;

        assert_non_null(now);
        g->view.now = now;
        text = draw(g, 24, 80, false);
        assert_true(strstr(text, "spot-weight") < strstr(text, "sapi-ip"));
        assert_true(strstr(text, "sapi-ip") < strstr(text, "sapi-uid"));
        free(text);
        json_decref(now);
        g->view.now = NULL;
}

/* Every size that a terminal may have, all that may be missing, and members of wrong kinds: what is
 * outside would be seen by a sanitizer, or end on another row. */
static void no_size_is_too_small_or_too_large(void **state)
{
        static const unsigned sizes[] = { 1,  2,  3,   4,   5,   6,   7,   8,   9,   10, 11, 13,
                                          17, 20, 22,  23,  30,  34,  40,  43,  44,  59, 60, 79,
                                          80, 99, 100, 119, 120, 149, 150, 160, 200, 500 };
        struct stage *g = *state;

        for (size_t r = 0; r < ARRAY_SIZE(sizes); ++r) {
                for (size_t c = 0; c < ARRAY_SIZE(sizes); ++c) {
                        for (unsigned how = 0; how < 16; ++how) {
                                struct sheet s;

                                g->view.has_help = how & 1;
                                g->view.trouble = how & 2 ? "it does not answer" : NULL;
                                g->view.now = how & 4 ? NULL : g->now;
                                g->view.is_gateway = !(how & 8);
                                g->view.order.scroll = how;
                                assert_int_equal(sheet_init(&s, sizes[r], sizes[c], how & 1), 0);
                                top_view_draw(&s, &g->view);
                                assert_true(sheet_height(&s) <= sizes[r]);
                                sheet_deinit(&s);
                        }
                }
        }
}

/* Of another version, or damaged: it is drawn as far as it goes. */
static void members_of_wrong_kinds_do_no_harm(void **state)
{
        static const char *const texts[] = {
                "{}",
                "{\"budgets\": 7, \"gates\": {}, \"queue\": \"x\", \"rates\": []}",
                "{\"budgets\": [7, null, {}, {\"limit\": 0, \"used\": 5, \"ours\": -5}]}",
                "{\"budgets\": [{\"limit\": 9223372036854775807, \"used\": 9223372036854775807}]}",
                "{\"budgets\": [{\"limit\": 1, \"ours\": 9223372036854775807, \"foreign\": 5}]}",
                "{\"gates\": [{}], \"breakers\": [[]], \"paused\": {\"classes\": [7]}}",
                "{\"counters\": {\"no such one\": 3}, \"exchange_ms\": -1}",
                "{\"queue\": [{}, 7, {\"waiting\": 1e300}]}",
        };
        struct stage *g = *state;

        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                json_t *now = json_loads(texts[i], 0, NULL);

                assert_non_null(now);
                g->view.now = now;
                for (unsigned cols = 1; cols < 170; cols += 13) {
                        free(draw(g, 24, cols, true));
                        g->view.is_gateway = !g->view.is_gateway;
                        free(draw(g, 24, cols, false));
                }
                json_decref(now);
        }
        g->view.now = NULL;
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                ROW(a_terminal_of_80_columns),
                ROW(a_narrow_one),
                ROW(a_wide_one_has_details_and_two_columns),
                ROW(a_gateway_that_is_gone_is_said_so_with_the_age),
                ROW(what_should_not_be_believed_is_said_above_it),
                ROW(what_is_frozen_is_said_so),
                ROW(a_region_alone_shows_what_has_happened_so_far),
                ROW(rows_are_sorted_by_the_column_of_choice),
                ROW(a_column_that_is_not_shown_is_not_chosen),
                ROW(an_event_again_and_again_is_one_line),
                ROW(budgets_by_endpoint_stand_behind_the_others),
                ROW(no_size_is_too_small_or_too_large),
                ROW(members_of_wrong_kinds_do_no_harm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
