#include "trade/episode.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A trade in short: signed quantity, profit, commission and its asset, position side, time. */
struct sketch {
        const char *quantity, *realized, *commission, *asset;
        enum weir_position_side side;
        uint64_t time_ms;
};

#define SKETCHES 8
#define TRADE(quantity, realized)                                                                  \
        {                                                                                          \
                quantity, realized, NULL, NULL, WEIR_POSITION_BOTH, 0                              \
        }
#define NOW 1000

static size_t draw(const struct sketch *sketches, struct weir_trade *to)
{
        size_t n = 0;

        for (; n < SKETCHES && sketches[n].quantity; ++n) {
                const struct sketch *s = &sketches[n];
                bool is_sale = s->quantity[0] == '-';

                to[n] = (struct weir_trade){ .trade_id = n + 1,
                                             .time_ms = s->time_ms ? s->time_ms : NOW,
                                             .side = is_sale ? WEIR_SELL : WEIR_BUY,
                                             .position_side = s->side };
                snprintf(to[n].quantity, WEIR_DECIMAL_SIZE, "%s", s->quantity + is_sale);
                snprintf(to[n].realized, WEIR_DECIMAL_SIZE, "%s", s->realized);
                snprintf(to[n].commission, WEIR_DECIMAL_SIZE, "%s",
                         s->commission ? s->commission : "0.1");
                snprintf(to[n].commission_asset, WEIR_SYMBOL_SIZE, "%s",
                         s->asset ? s->asset : "USDT");
        }
        return n;
}

static void a_position_is_made_of_the_trades_since_it_was_nothing(void **state)
{
        static const struct {
                const char *label;
                enum weir_position_side side;
                const char *held;
                struct sketch trades[SKETCHES];
                uint64_t first_id;
                size_t n;
                bool is_whole;
                const char *realized, *commission, *asset;
        } rows[] = {
                { "no trade is told",
                  WEIR_POSITION_BOTH,
                  "0",
                  { { .quantity = NULL } },
                  0,
                  0,
                  false,
                  "0",
                  "0",
                  "" },
                { "bought and sold",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("2", "0"), TRADE("-2", "7.5") },
                  1,
                  2,
                  true,
                  "7.5",
                  "0.2",
                  "USDT" },
                { "in parts",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("-3", "0"), TRADE("-1", "0"), TRADE("2.5", "-1"), TRADE("1.5", "-2") },
                  1,
                  4,
                  true,
                  "-3",
                  "0.4",
                  "USDT" },
                { "the one before is left out",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("2", "0"), TRADE("-2", "100"), TRADE("3", "0"), TRADE("1", "0"),
                    TRADE("-4", "5") },
                  3,
                  3,
                  true,
                  "5",
                  "0.3",
                  "USDT" },
                { "opened before the oldest trade",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("1", "0"), TRADE("-4", "5") },
                  1,
                  2,
                  false,
                  "5",
                  "0.2",
                  "USDT" },
                { "opened by a turn, whose profit is of the one before",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("-2", "0"), TRADE("5", "11"), TRADE("-3", "4") },
                  2,
                  2,
                  true,
                  "4",
                  "0.2",
                  "USDT" },
                { "turned",
                  WEIR_POSITION_BOTH,
                  "-1",
                  { TRADE("2", "0"), TRADE("-3", "6") },
                  1,
                  2,
                  true,
                  "6",
                  "0.2",
                  "USDT" },
                { "turned, and then grown",
                  WEIR_POSITION_BOTH,
                  "-4",
                  { TRADE("2", "0"), TRADE("-3", "6"), TRADE("-3", "0") },
                  1,
                  2,
                  true,
                  "6",
                  "0.2",
                  "USDT" },
                { "closed to nothing, and opened the other way",
                  WEIR_POSITION_BOTH,
                  "-4",
                  { TRADE("2", "0"), TRADE("-2", "6"), TRADE("-4", "0") },
                  1,
                  2,
                  true,
                  "6",
                  "0.2",
                  "USDT" },
                { "the other side's trades are not its own",
                  WEIR_POSITION_LONG,
                  "0",
                  { { "2", "0", NULL, NULL, WEIR_POSITION_LONG, 0 },
                    { "-9", "50", NULL, NULL, WEIR_POSITION_SHORT, 0 },
                    { "-2", "3", NULL, NULL, WEIR_POSITION_LONG, 0 } },
                  1,
                  2,
                  true,
                  "3",
                  "0.2",
                  "USDT" },
                { "what came after the check is not in it",
                  WEIR_POSITION_BOTH,
                  "0",
                  { TRADE("2", "0"),
                    TRADE("-2", "3"),
                    { "7", "0", NULL, NULL, WEIR_POSITION_BOTH, NOW + 1 } },
                  1,
                  2,
                  true,
                  "3",
                  "0.2",
                  "USDT" },
                { "commissions of several assets have no sum",
                  WEIR_POSITION_BOTH,
                  "0",
                  { { "2", "0", "0.1", "BNB", WEIR_POSITION_BOTH, 0 },
                    { "-2", "3", "0.2", "USDT", WEIR_POSITION_BOTH, 0 } },
                  1,
                  2,
                  true,
                  "3",
                  "0.3",
                  "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_trade trades[SKETCHES];
                const struct weir_trade *to[SKETCHES];
                size_t n = draw(rows[i].trades, trades);
                char realized[AMOUNT_TEXT_MAX], commission[AMOUNT_TEXT_MAX];
                struct episode e;
                struct amount held;

                assert_int_equal(amount_parse(str_of(rows[i].held), &held), 0);
                assert_int_equal(episode_find(trades, n, rows[i].side, held, NOW, to, &e), 0);
                amount_print(e.realized, realized);
                amount_print(e.commission, commission);
                if (e.n != rows[i].n || e.is_whole != rows[i].is_whole ||
                    (e.n > 0 && to[0]->trade_id != rows[i].first_id) ||
                    strcmp(realized, rows[i].realized) != 0 ||
                    strcmp(commission, rows[i].commission) != 0 ||
                    strcmp(e.commission_asset, rows[i].asset) != 0)
                        fail_msg("%s: %zu trades, whole %d, %s, %s %s", rows[i].label, e.n,
                                 e.is_whole, realized, commission, e.commission_asset);
                for (size_t k = 1; k < e.n; ++k)
                        assert_true(to[k - 1]->trade_id < to[k]->trade_id);
        }
}

static void a_trade_that_cannot_be_read_is_not_guessed(void **state)
{
        static const struct sketch rows[][SKETCHES] = {
                { TRADE("2", "0"), TRADE("-x", "3") },
                { TRADE("2", "0"), TRADE("-2", "much") },
                { TRADE("2", "0"), { "-2", "3", "1e3", "USDT", WEIR_POSITION_BOTH, 0 } },
                { TRADE("99999999999999999999", "0"), TRADE("99999999999999999999", "3") },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_trade trades[SKETCHES];
                const struct weir_trade *to[SKETCHES];
                struct episode e;

                assert_int_equal(episode_find(trades, draw(rows[i], trades), WEIR_POSITION_BOTH,
                                              AMOUNT_ZERO, NOW, to, &e),
                                 -EBADMSG);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_position_is_made_of_the_trades_since_it_was_nothing),
                cmocka_unit_test(a_trade_that_cannot_be_read_is_not_guessed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
