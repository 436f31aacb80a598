#include "trade/changes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOLD_MAX 512

static char told[TOLD_MAX];

static void note(void *ctx, enum weir_event_kind kind, const struct weir_watched *before,
                 const struct weir_watched *now)
{
        static const char *const names[] = {
                [WEIR_EVENT_OPENED] = "opened",         [WEIR_EVENT_CLOSED] = "closed",
                [WEIR_EVENT_FLIPPED] = "flipped",       [WEIR_EVENT_CHANGED] = "changed",
                [WEIR_EVENT_PROTECTION] = "protection",
        };
        size_t n = strlen(told);

        (void)ctx;
        snprintf(told + n, sizeof(told) - n, "%s%s %s>%s", n ? ", " : "", names[kind],
                 before ? before->position.quantity : "", now ? now->position.quantity : "");
}

/* A position in short: symbol, side, quantity, entry price, how much its stop-loss covers. */
struct sketch {
        const char *symbol;
        enum weir_position_side side;
        const char *quantity, *entry;
        enum weir_coverage stop;
};

#define SKETCHES 3

static size_t draw(const struct sketch *sketches, struct weir_watched *to)
{
        size_t n = 0;

        for (; n < SKETCHES && sketches[n].symbol; ++n) {
                to[n] = (struct weir_watched){ .position = { .side = sketches[n].side },
                                               .stop_loss = sketches[n].stop };
                snprintf(to[n].position.symbol, WEIR_SYMBOL_SIZE, "%s", sketches[n].symbol);
                snprintf(to[n].position.quantity, WEIR_DECIMAL_SIZE, "%s", sketches[n].quantity);
                snprintf(to[n].position.entry_price, WEIR_DECIMAL_SIZE, "%s", sketches[n].entry);
        }
        return n;
}

#define BOTH  WEIR_POSITION_BOTH
#define LONG  WEIR_POSITION_LONG
#define SHORT WEIR_POSITION_SHORT

static void two_checks_differ_in_what_became_of_positions(void **state)
{
        static const struct {
                const char *label;
                struct sketch before[SKETCHES], now[SKETCHES];
                const char *told;
        } rows[] = {
                { "nothing twice", { { .symbol = NULL } }, { { .symbol = NULL } }, "" },
                { "the same twice",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "A", BOTH, "1", "5", 0 } },
                  "" },
                { "the same, written otherwise",
                  { { "A", BOTH, "1.0", "5", 0 } },
                  { { "A", BOTH, "1", "5.00", 0 } },
                  "" },
                { "one more", { { .symbol = NULL } }, { { "A", BOTH, "1", "5", 0 } }, "opened >1" },
                { "one less",
                  { { "A", BOTH, "-1", "5", 0 } },
                  { { .symbol = NULL } },
                  "closed -1>" },
                { "another",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "B", BOTH, "2", "5", 0 } },
                  "closed 1>, opened >2" },
                { "grown",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "A", BOTH, "3", "5", 0 } },
                  "changed 1>3" },
                { "closed and opened again just so",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "A", BOTH, "1", "6", 0 } },
                  "changed 1>1" },
                { "turned",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "A", BOTH, "-1", "6", 0 } },
                  "flipped 1>-1" },
                { "turned back",
                  { { "A", BOTH, "-1", "5", 0 } },
                  { { "A", BOTH, "2", "6", 2 } },
                  "flipped -1>2" },
                { "sides are positions of their own",
                  { { "A", LONG, "1", "5", 0 } },
                  { { "A", SHORT, "-1", "5", 0 } },
                  "closed 1>, opened >-1" },
                { "protection came",
                  { { "A", BOTH, "1", "5", 0 } },
                  { { "A", BOTH, "1", "5", WEIR_COVERED } },
                  "protection 1>1" },
                { "grew beyond its protection",
                  { { "A", BOTH, "1", "5", WEIR_COVERED } },
                  { { "A", BOTH, "2", "5", WEIR_PARTLY_COVERED } },
                  "changed 1>2, protection 1>2" },
                { "in another order",
                  { { "A", BOTH, "1", "5", 0 }, { "B", BOTH, "2", "5", 0 } },
                  { { "B", BOTH, "2", "5", 0 }, { "A", BOTH, "1", "5", 0 } },
                  "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_watched before[SKETCHES], now[SKETCHES];
                size_t n_before = draw(rows[i].before, before), n_now = draw(rows[i].now, now);

                told[0] = '\0';
                changes_positions(before, n_before, now, n_now, note, NULL);
                if (strcmp(told, rows[i].told) != 0)
                        fail_msg("%s: %s", rows[i].label, told);
        }
}

static void a_fall_of_equity_is_told_from_the_given_percent_on(void **state)
{
        static const struct {
                const char *label, *before, *now, *fall; /* before NULL: not held */
                bool is_fall;
                const char *change, *percent;
        } rows[] = {
                { "the first check", NULL, "97", "3", false, "", "" },
                { "just 3 percent", "100", "97", "3", true, "-3", "-3" },
                { "not quite", "100", "97.00000001", "3", false, "-2.99999999", "-2.99999999" },
                { "less than can be written", "10000", "9700.00000000001", "3", false,
                  "-299.99999999999", "-2.99999999" },
                { "more", "100", "50", "3", true, "-50", "-50" },
                { "a rise", "100", "197", "3", false, "97", "97" },
                { "never", "100", "0", "0", false, "-100", "-100" },
                { "all of it", "100", "0", "3", true, "-100", "-100" },
                { "from nothing", "0", "5", "3", false, "5", "" },
                { "from nothing to debts", "0", "-5", "3", false, "-5", "" },
                { "debts that grow", "-100", "-104", "3", true, "-4", "-4" },
                { "an eighth place", "100", "99.5", "0.5", true, "-0.5", "-0.5" },
                { "what is no number", "100", "", "3", false, "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_watched_balance before = { .change = "" }, now = { .change = "x" };
                struct amount fall;
                bool is_fall;

                assert_int_equal(amount_parse(str_of(rows[i].fall), &fall), 0);
                snprintf(before.balance.equity, WEIR_DECIMAL_SIZE, "%s",
                         rows[i].before ? rows[i].before : "");
                snprintf(now.balance.equity, WEIR_DECIMAL_SIZE, "%s", rows[i].now);
                is_fall = changes_equity(rows[i].before ? &before : NULL, &now, fall);
                if (is_fall != rows[i].is_fall || strcmp(now.change, rows[i].change) != 0 ||
                    strcmp(now.change_percent, rows[i].percent) != 0)
                        fail_msg("%s: %d, %s, %s", rows[i].label, is_fall, now.change,
                                 now.change_percent);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(two_checks_differ_in_what_became_of_positions),
                cmocka_unit_test(a_fall_of_equity_is_told_from_the_given_percent_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
