#include "cli/history_time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* 2026-11-26T10:30:00Z */
#define NOW_MS UINT64_C(1795689000000)

static void times_are_read_as_they_are_written(void **state)
{
        static const struct {
                const char *text;
                uint64_t ms;
        } rows[] = {
                { "now", NOW_MS },
                { "30s", NOW_MS - 30000 },
                { "90m", NOW_MS - 5400000 },
                { "2h", NOW_MS - 7200000 },
                { "3d", NOW_MS - 259200000 },
                { "2w", NOW_MS - 1209600000 },
                { "999999999w", 0 },
                { "2026-11-26", NOW_MS - 37800000 },
                { "2026-11-26T10:30", NOW_MS },
                { "2026-11-26 10:30", NOW_MS },
                { "2026-11-26T10:29:59", NOW_MS - 1000 },
                { "2026-11-26T10:29:59Z", NOW_MS - 1000 },
                { "2028-02-29", UINT64_C(1835395200000) },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t ms = 1;
                int r = history_time_parse(rows[i].text, NOW_MS, &ms);

                if (r != 0 || ms != rows[i].ms)
                        fail_msg("%s: %d, %llu", rows[i].text, r, (unsigned long long)ms);
        }
}

static void what_is_no_time_is_refused(void **state)
{
        static const char *const rows[] = {
                "",
                "h",
                "2",
                "2y",
                "-2h",
                "2 h",
                "1234567890h",
                "yesterday",
                "2026",
                "2026-13-01",
                "2026-02-30",
                "2026-11-26T",
                "2026-11-26T25:00",
                "2026-11-26T10:30+01:00",
                "1960-01-01",
                "2hh",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t ms;

                if (history_time_parse(rows[i], NOW_MS, &ms) != -EINVAL)
                        fail_msg("\"%s\" was taken", rows[i]);
        }
}

static void times_are_written_without_what_is_zero(void **state)
{
        char text[HISTORY_TIME_SIZE];

        (void)state;
        assert_string_equal(history_time_text(NOW_MS, text), "2026-11-26 10:30");
        assert_string_equal(history_time_text(NOW_MS + 2000, text), "2026-11-26 10:30:02");
        assert_string_equal(history_time_iso(NOW_MS, text), "2026-11-26T10:30:00Z");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(times_are_read_as_they_are_written),
                cmocka_unit_test(what_is_no_time_is_refused),
                cmocka_unit_test(times_are_written_without_what_is_zero),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
