#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "budget/expiry.h"

#define NOW_MS  1700000000000ULL
#define HOUR_MS 3600000LL

/* A request that was signed @age_ms ago, by the exchange's clock. */
struct row {
        const char *label;
        int64_t age_ms;
        uint64_t window_ms, way_ms;
        uint32_t guard_ms;
        bool is_measured;
        enum expiry_kind kind;
        int64_t leave_in_ms;
};

static void check(const struct row *rows, size_t n)
{
        for (const struct row *row = rows; row < rows + n; ++row) {
                struct expiry e = {
                        .at_ms = (uint64_t)((int64_t)NOW_MS - row->age_ms) + row->window_ms,
                        .window_ms = row->window_ms,
                        .way_ms = row->way_ms,
                        .is_measured = row->is_measured,
                };
                struct limiter_time time = { NOW_MS, row->guard_ms };
                uint64_t leave_ms = NOW_MS;

                if (expiry_leave_by(&e, time, &leave_ms) != row->kind ||
                    leave_ms != NOW_MS + (uint64_t)row->leave_in_ms)
                        fail_msg("%s: leaves at %llu", row->label, (unsigned long long)leave_ms);
        }
}

static void a_request_leaves_while_it_still_gets_there_in_time(void **state)
{
        static const struct row rows[] = {
                { "just signed", 0, 5000, 20, 5, true, EXPIRY_FIRM, 4925 },
                { "waited a while", 3000, 5000, 20, 5, true, EXPIRY_FIRM, 1925 },
                { "a short window", 0, 200, 20, 5, true, EXPIRY_FIRM, 155 },
                { "of a clock that is ahead", -HOUR_MS, 5000, 20, 5, true, EXPIRY_FIRM,
                  HOUR_MS + 4925 },
                { "nobody measured: its error is no margin", 0, 5000, 0, 1000, false, EXPIRY_FIRM,
                  4950 },
                { "a millisecond is left", 4924, 5000, 20, 5, true, EXPIRY_FIRM, 1 },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows));
}

static void what_may_be_too_old_is_not_made_older(void **state)
{
        static const struct row rows[] = {
                { "the margin is gone", 4925, 5000, 20, 5, true, EXPIRY_DOUBT, 1 },
                { "just over, by our clock", 5000, 5000, 20, 5, true, EXPIRY_DOUBT, 1 },
                { "over by as much as our clock may be off", 5005, 5000, 20, 5, true, EXPIRY_DOUBT,
                  1 },
                { "over by an hour, and nobody measured", HOUR_MS, 5000, 0, 1000, false,
                  EXPIRY_DOUBT, 1 },
                { "signed at the beginning of time", (int64_t)NOW_MS - 1, 0, 20, 5, false,
                  EXPIRY_DOUBT, 1 },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows));
}

static void what_waiting_does_not_make_older_has_no_end(void **state)
{
        static const struct row rows[] = {
                { "of a machine whose clock is an hour behind", HOUR_MS, 60000, 20, 5, true,
                  EXPIRY_NONE, 0 },
                { "over, beyond the error of our clock", 5006, 5000, 20, 5, true, EXPIRY_NONE, 0 },
                { "never signed", (int64_t)NOW_MS, 0, 20, 5, false, EXPIRY_NONE, 0 },
        };

        (void)state;
        check(rows, ARRAY_SIZE(rows));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_leaves_while_it_still_gets_there_in_time),
                cmocka_unit_test(what_may_be_too_old_is_not_made_older),
                cmocka_unit_test(what_waiting_does_not_make_older_has_no_end),
        };

        return cmocka_run_group_tests_name("budget/expiry", tests, NULL, NULL);
}
