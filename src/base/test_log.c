#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct {
        unsigned n;
        char event[32], group[32];
        enum log_level level;
} heard;

static void hear(void *ctx, const struct log_record *record)
{
        struct str group = log_fields_find(record->fields, STR_LITERAL("group"));

        assert_ptr_equal(ctx, &heard);
        ++heard.n;
        heard.level = record->level;
        snprintf(heard.event, sizeof(heard.event), "%s", record->event);
        str_copy(group, heard.group, sizeof(heard.group));
        /* Written, and not told to us again. */
        log_event(LOG_WARN, "inner", "n=%u", heard.n);
}

static void a_listener_hears_what_is_written_and_never_itself(void **state)
{
        (void)state;
        memset(&heard, 0, sizeof(heard));
        log_set_level(LOG_WARN);
        log_listen(hear, &heard);
        log_event(LOG_INFO, "quiet", "group=%s", "x");
        assert_int_equal(heard.n, 0);
        log_event(LOG_ERROR, "loud", "group=%s", "fapi");
        assert_int_equal(heard.n, 1);
        assert_string_equal(heard.event, "loud");
        assert_string_equal(heard.group, "fapi");
        assert_int_equal(heard.level, LOG_ERROR);
        log_listen(NULL, NULL);
        log_event(LOG_ERROR, "alone", "group=%s", "x");
        assert_int_equal(heard.n, 1);
}

/* The wall clock may turn a second in between: then it is twice as many at most. */
static void a_listener_hears_no_more_than_the_ceiling_lets_through(void **state)
{
        (void)state;
        memset(&heard, 0, sizeof(heard));
        log_listen(hear, &heard);
        for (unsigned i = 0; i < 5 * LOG_CEILING; ++i)
                log_event(LOG_ERROR, "often", "i=%u", i);
        assert_true(heard.n >= LOG_CEILING && heard.n <= 2 * LOG_CEILING);
        log_listen(NULL, NULL);
}

/* What @say writes to stderr. */
static void capture(void (*say)(void), char *to, size_t size)
{
        int kept = dup(STDERR_FILENO), fds[2];
        ssize_t n;

        assert_int_equal(pipe(fds), 0);
        assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        say();
        assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        close(kept);
        close(fds[1]);
        n = read(fds[0], to, size - 1);
        close(fds[0]);
        to[n > 0 ? n : 0] = '\0';
}

static void say_it(void)
{
        log_say(LOG_ERROR, "cannot open %s: no \"such\" file", "a\nb");
}

static void a_sentence_is_one_line_in_either_form(void **state)
{
        char text[512];

        (void)state;
        capture(say_it, text, sizeof(text));
        assert_string_equal(text, "weir: cannot open a?b: no \"such\" file\n");
        log_set_format(LOG_JSON);
        capture(say_it, text, sizeof(text));
        log_set_format(LOG_LOGFMT);
        assert_ptr_equal(strstr(text, "{\"logger\":\"weir\",\"ts\":\""), text);
        assert_non_null(strstr(text, "Z\",\"level\":\"error\",\"event\":\"said\",\"text\":"
                                     "\"cannot open a\\nb: no \\\"such\\\" file\"}\n"));
}

static void what_is_said_later_is_the_same_line(void **state)
{
        static const char text[] = "cannot open a\nb: no \"such\" file";
        char line[LOG_LATER_MAX(sizeof(text))];
        size_t n;

        (void)state;
        n = log_say_later(LOG_ERROR, LOG_LOGFMT, text, line);
        assert_int_equal(n, strlen("weir: cannot open a?b: no \"such\" file\n"));
        assert_memory_equal(line, "weir: cannot open a?b: no \"such\" file\n", n);
        n = log_say_later(LOG_ERROR, LOG_JSON, text, line);
        line[n] = '\0';
        assert_string_equal(line,
                            "{\"logger\":\"weir\",\"level\":\"error\",\"event\":\"said\",\"text\":"
                            "\"cannot open a\\nb: no \\\"such\\\" file\"}\n");
        log_set_format(LOG_JSON);
        assert_int_equal(log_format_now(), LOG_JSON);
        log_set_format(LOG_LOGFMT);
        assert_int_equal(log_format_now(), LOG_LOGFMT);
}

static void fill_and_log(void)
{
        static char much[4096];
        int flags = fcntl(STDERR_FILENO, F_GETFL);

        /* Full: a blocking write would never return. */
        assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK), 0);
        while (write(STDERR_FILENO, much, sizeof(much)) > 0)
                ;
        assert_int_equal(fcntl(STDERR_FILENO, F_SETFL, flags), 0);
        assert_false(log_has_room());
        log_event(LOG_ERROR, "lost", "n=%u", 1u);
        log_event(LOG_ERROR, "lost", "n=%u", 2u);
}

static void log_again(void)
{
        log_event(LOG_ERROR, "back", "n=%u", 3u);
        log_event(LOG_ERROR, "back", "n=%u", 4u);
}

static void a_line_without_room_is_lost_and_counted(void **state)
{
        char text[512];

        (void)state;
        capture(fill_and_log, text, sizeof(text));
        capture(log_again, text, sizeof(text));
        assert_non_null(strstr(text, " event=back n=3 missed=2\n"));
        assert_non_null(strstr(text, " event=back n=4\n"));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_listener_hears_what_is_written_and_never_itself),
                cmocka_unit_test(a_sentence_is_one_line_in_either_form),
                cmocka_unit_test(what_is_said_later_is_the_same_line),
                cmocka_unit_test(a_line_without_room_is_lost_and_counted),
                cmocka_unit_test(a_listener_hears_no_more_than_the_ceiling_lets_through),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
