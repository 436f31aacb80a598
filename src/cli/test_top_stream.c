#include "cli/top_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char told[4096];

static void tell(void *ctx, struct str event, struct str data)
{
        size_t n = strlen(told);

        assert_ptr_equal(ctx, told);
        snprintf(told + n, sizeof(told) - n, "%.*s=%.*s;", STR_ARGS(event), STR_ARGS(data));
}

static void a_stream_is_told_as_events(void **state)
{
        static const struct {
                const char *bytes, *told, *id;
        } rows[] = {
                { "", "", "" },
                { "retry: 1000\n\n", "", "" },
                { ": nothing new\n\n", "", "" },
                { "event: now\ndata: {}\n\n", "now={};", "" },
                { "event: now\ndata: {}\n", "", "" }, /* not ended yet */
                { "event:now\r\ndata:{}\r\n\r\n", "now={};", "" },
                { "data: a\ndata: b\n\n", "message=a\nb;", "" },
                { "data\n\n", "message=;", "" },
                { "event: happened\nid: 7\ndata: x\n\n", "happened=x;", "7" },
                { "id: 7\n\n", "", "7" },
                { "event: a\n\ndata: b\n\n", "message=b;",
                  "" }, /* a name without data is forgotten */
                { "event: now\ndata: 1\n\nevent: now\ndata: 2\n\n", "now=1;now=2;", "" },
                { "other: x\ndata:  two blanks\n\n", "message= two blanks;", "" },
                { "data: a:b\n\n", "message=a:b;", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                size_t n = strlen(rows[i].bytes);

                /* In pieces of every size. */
                for (size_t piece = 1; piece <= n + 1; ++piece) {
                        struct top_stream s;

                        top_stream_init(&s);
                        told[0] = '\0';
                        for (size_t at = 0; at < n; at += piece)
                                top_stream_feed(&s,
                                                str_from(rows[i].bytes + at,
                                                         n - at < piece ? n - at : piece),
                                                tell, told);
                        if (strcmp(told, rows[i].told) != 0 || strcmp(s.id, rows[i].id) != 0)
                                fail_msg("row %zu in pieces of %zu: %s, id %s", i, piece, told,
                                         s.id);
                        top_stream_deinit(&s);
                }
        }
}

static void an_event_that_is_too_long_is_dropped_and_the_next_is_not(void **state)
{
        static char much[1 << 20];
        struct top_stream s;

        (void)state;
        memset(much, 'x', sizeof(much));
        top_stream_init(&s);
        told[0] = '\0';
        top_stream_feed(&s, STR_LITERAL("event: now\ndata: "), tell, told);
        for (size_t n = 0; n <= TOP_STREAM_MAX; n += sizeof(much))
                top_stream_feed(&s, str_from(much, sizeof(much)), tell, told);
        top_stream_feed(&s, STR_LITERAL("\n\nevent: now\ndata: short\n\n"), tell, told);
        assert_string_equal(told, "now=short;");
        top_stream_deinit(&s);
}

static void a_new_answer_begins_anew_and_keeps_the_id(void **state)
{
        struct top_stream s;

        (void)state;
        top_stream_init(&s);
        told[0] = '\0';
        top_stream_feed(&s, STR_LITERAL("id: 9\ndata: x\n\nevent: now\ndata: half"), tell, told);
        top_stream_restart(&s);
        top_stream_feed(&s, STR_LITERAL("data: whole\n\n"), tell, told);
        assert_string_equal(told, "message=x;message=whole;");
        assert_string_equal(s.id, "9");
        top_stream_deinit(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stream_is_told_as_events),
                cmocka_unit_test(an_event_that_is_too_long_is_dropped_and_the_next_is_not),
                cmocka_unit_test(a_new_answer_begins_anew_and_keeps_the_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
