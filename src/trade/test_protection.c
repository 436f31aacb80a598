#include "trade/protection.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum flag {
        REDUCE = 1,
        CLOSE = 2,
        ALGO = 4,
};

/* "side type quantity filled trigger flags position_side status" as a row. */
struct sketch {
        enum weir_side side;
        enum weir_order_type type;
        const char *quantity, *filled, *trigger;
        unsigned flags;
        enum weir_position_side position_side;
        enum weir_order_status status;
};

static void set(char *to, const char *text)
{
        snprintf(to, WEIR_DECIMAL_SIZE, "%s", text ? text : "");
}

static struct weir_watched_order order_of(const struct sketch *s, const char *symbol)
{
        struct weir_watched_order o = { .order = {
                                                .side = s->side,
                                                .type = s->type,
                                                .position_side = s->position_side,
                                                .status = s->status ? s->status : WEIR_STATUS_NEW,
                                                .reduce_only = s->flags & REDUCE,
                                                .close_position = s->flags & CLOSE,
                                                .is_conditional = s->flags & ALGO,
                                        } };

        snprintf(o.order.symbol, sizeof(o.order.symbol), "%s", symbol);
        set(o.order.quantity, s->quantity);
        set(o.order.filled, s->filled);
        set(o.order.trigger_price, s->trigger);
        return o;
}

static struct weir_watched watched_of(const char *quantity, enum weir_position_side side,
                                      const char *liquidation)
{
        struct weir_watched w = { .position = { .symbol = "BTCUSDT", .side = side } };

        set(w.position.quantity, quantity);
        set(w.position.liquidation_price, liquidation);
        return w;
}

#define ORDER(side, type, quantity, filled, trigger, flags)                                        \
        {                                                                                          \
                side, type, quantity, filled, trigger, flags, WEIR_POSITION_BOTH, WEIR_STATUS_NEW  \
        }
#define STOP(quantity, filled, trigger, flags)                                                     \
        ORDER(WEIR_SELL, WEIR_TYPE_STOP_MARKET, quantity, filled, trigger, flags)
#define BOTH     WEIR_POSITION_BOTH
#define LONG     WEIR_POSITION_LONG
#define SHORT    WEIR_POSITION_SHORT
#define SKETCHES 3

static void what_opposes_and_only_closes_protects(void **state)
{
        static const struct {
                const char *label, *quantity;
                enum weir_position_side side;
                const char *liquidation;
                struct sketch orders[SKETCHES];
                enum weir_coverage stop, take;
                const char *stop_quantity, *take_quantity;
        } rows[] = {
                { "nothing",
                  "2",
                  BOTH,
                  "0",
                  { { .quantity = NULL } },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "a stop for all of it",
                  "2",
                  BOTH,
                  "0",
                  { STOP("2", "0", "90", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "a conditional one",
                  "2",
                  BOTH,
                  "0",
                  { STOP("2", "", "90", REDUCE | ALGO) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "one that closes the position",
                  "2",
                  BOTH,
                  "0",
                  { STOP("0", "", "90", CLOSE | ALGO) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "for a half",
                  "2",
                  BOTH,
                  "0",
                  { STOP("1", "0", "90", REDUCE) },
                  WEIR_PARTLY_COVERED,
                  WEIR_UNCOVERED,
                  "1",
                  "0" },
                { "two halves",
                  "2",
                  BOTH,
                  "0",
                  { STOP("1", "0", "90", REDUCE), STOP("1.0", "", "80", REDUCE | ALGO) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "a half of which a half is filled",
                  "2",
                  BOTH,
                  "0",
                  { { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "1", "0.5", "90", REDUCE, BOTH,
                      WEIR_STATUS_PARTIALLY_FILLED } },
                  WEIR_PARTLY_COVERED,
                  WEIR_UNCOVERED,
                  "0.5",
                  "0" },
                { "more than there is",
                  "2",
                  BOTH,
                  "0",
                  { STOP("5", "0", "90", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "more than there is, twice",
                  "2",
                  BOTH,
                  "0",
                  { STOP("99999999999999999999", "0", "90", REDUCE),
                    STOP("99999999999999999999", "0", "90", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "stop and take-profit",
                  "2",
                  BOTH,
                  "0",
                  { STOP("2", "0", "90", REDUCE),
                    ORDER(WEIR_SELL, WEIR_TYPE_TAKE_PROFIT_MARKET, "1", "0", "110", REDUCE) },
                  WEIR_COVERED,
                  WEIR_PARTLY_COVERED,
                  "2",
                  "1" },
                { "a limit order takes profit",
                  "2",
                  BOTH,
                  "0",
                  { ORDER(WEIR_SELL, WEIR_TYPE_LIMIT, "2", "0", "", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_COVERED,
                  "0",
                  "2" },
                { "stop and take-profit with limits",
                  "2",
                  BOTH,
                  "0",
                  { ORDER(WEIR_SELL, WEIR_TYPE_STOP, "2", "0", "90", REDUCE),
                    ORDER(WEIR_SELL, WEIR_TYPE_TAKE_PROFIT, "2", "0", "110", REDUCE) },
                  WEIR_COVERED,
                  WEIR_COVERED,
                  "2",
                  "2" },
                { "a trailing stop",
                  "2",
                  BOTH,
                  "50",
                  { ORDER(WEIR_SELL, WEIR_TYPE_TRAILING_STOP_MARKET, "2", "0", "", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "may go beyond zero",
                  "2",
                  BOTH,
                  "0",
                  { STOP("2", "0", "90", 0) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "does not oppose",
                  "2",
                  BOTH,
                  "0",
                  { ORDER(WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "90", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "does not oppose a short",
                  "-2",
                  BOTH,
                  "0",
                  { STOP("2", "0", "90", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "opposes a short",
                  "-2",
                  BOTH,
                  "0",
                  { ORDER(WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "110", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "a long in hedge mode",
                  "2",
                  LONG,
                  "0",
                  { { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "2", "0", "90", 0, LONG,
                      WEIR_STATUS_NEW } },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "a short in hedge mode",
                  "-2",
                  SHORT,
                  "0",
                  { { WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "110", 0, SHORT,
                      WEIR_STATUS_NEW } },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "of the other side",
                  "2",
                  LONG,
                  "0",
                  { { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "2", "0", "90", 0, SHORT, WEIR_STATUS_NEW },
                    { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "2", "0", "90", REDUCE, BOTH,
                      WEIR_STATUS_NEW } },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "canceled",
                  "2",
                  BOTH,
                  "0",
                  { { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "2", "0", "90", REDUCE, BOTH,
                      WEIR_STATUS_CANCELED } },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "a state that is not known",
                  "2",
                  BOTH,
                  "0",
                  { { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "2", "0", "90", REDUCE, BOTH,
                      WEIR_STATUS_OTHER } },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "a quantity that is none",
                  "2",
                  BOTH,
                  "0",
                  { STOP("all", "0", "90", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "a type that is not known",
                  "2",
                  BOTH,
                  "0",
                  { ORDER(WEIR_SELL, WEIR_TYPE_OTHER, "2", "0", "90", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "before liquidation",
                  "2",
                  BOTH,
                  "80",
                  { STOP("2", "0", "80.1", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "at liquidation",
                  "2",
                  BOTH,
                  "80",
                  { STOP("2", "0", "80.0", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "at a short's liquidation",
                  "-2",
                  BOTH,
                  "120",
                  { ORDER(WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "120", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "before a short's liquidation",
                  "-2",
                  BOTH,
                  "120",
                  { ORDER(WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "119.9", REDUCE) },
                  WEIR_COVERED,
                  WEIR_UNCOVERED,
                  "2",
                  "0" },
                { "beyond a short's liquidation",
                  "-2",
                  BOTH,
                  "120",
                  { ORDER(WEIR_BUY, WEIR_TYPE_STOP_MARKET, "2", "0", "121", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
                { "a trigger that is none",
                  "2",
                  BOTH,
                  "80",
                  { STOP("2", "0", "", REDUCE) },
                  WEIR_UNCOVERED,
                  WEIR_UNCOVERED,
                  "0",
                  "0" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_watched w =
                        watched_of(rows[i].quantity, rows[i].side, rows[i].liquidation);
                struct weir_watched_order orders[SKETCHES + 1];
                size_t n = 0;

                for (size_t k = 0; k < SKETCHES && rows[i].orders[k].quantity; ++k)
                        orders[n++] = order_of(&rows[i].orders[k], "BTCUSDT");
                /* What would protect it, were it of the same symbol. */
                orders[n++] = order_of(&(struct sketch){ rows[i].quantity[0] == '-' ? WEIR_BUY
                                                                                    : WEIR_SELL,
                                                         WEIR_TYPE_STOP_MARKET, "0", "", "95",
                                                         CLOSE, rows[i].side, WEIR_STATUS_NEW },
                                       "BTCUSDC");
                protection_judge(&w, orders, n);
                if (w.stop_loss != rows[i].stop || w.take_profit != rows[i].take ||
                    strcmp(w.stop_quantity, rows[i].stop_quantity) != 0 ||
                    strcmp(w.take_quantity, rows[i].take_quantity) != 0)
                        fail_msg("%s: stop %d of %s, take %d of %s", rows[i].label,
                                 (int)w.stop_loss, w.stop_quantity, (int)w.take_profit,
                                 w.take_quantity);
        }
}

static void orders_are_counted_by_symbol_and_side(void **state)
{
        static const struct sketch sketches[] = {
                { WEIR_SELL, WEIR_TYPE_STOP_MARKET, "1", "0", "90", 0, LONG, WEIR_STATUS_NEW },
                { WEIR_BUY, WEIR_TYPE_LIMIT, "1", "0", "", 0, LONG, WEIR_STATUS_NEW },
                { WEIR_SELL, WEIR_TYPE_LIMIT, "1", "0", "", 0, SHORT, WEIR_STATUS_NEW },
        };
        struct weir_watched w = watched_of("1", LONG, "0");
        struct weir_watched_order orders[4];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sketches); ++i)
                orders[i] = order_of(&sketches[i], "BTCUSDT");
        orders[3] = order_of(&sketches[0], "ETHUSDT");
        protection_judge(&w, orders, ARRAY_SIZE(orders));
        assert_int_equal(w.n_orders, 2);
        assert_int_equal(protection_role(&w.position, &orders[0].order), WEIR_ROLE_STOP_LOSS);
        assert_int_equal(protection_role(&w.position, &orders[1].order), WEIR_ROLE_ADDS);
        assert_int_equal(protection_role(NULL, &orders[3].order), WEIR_ROLE_NONE);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_opposes_and_only_closes_protects),
                cmocka_unit_test(orders_are_counted_by_symbol_and_side),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
