#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <stdio.h>

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

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_listener_hears_what_is_written_and_never_itself),
                cmocka_unit_test(a_listener_hears_no_more_than_the_ceiling_lets_through),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
