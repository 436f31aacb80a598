#include "sim/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define D(x) ((decimal)((x)*1e8 + 0.5))

struct fills {
        unsigned takers, makers;
};

static void count_fill(void *ctx, const struct order *order, bool is_maker, uint64_t now_ms)
{
        struct fills *fills = ctx;

        (void)order;
        (void)now_ms;
        *(is_maker ? &fills->makers : &fills->takers) += 1;
}

/* An engine with BTCUSDT at 50000 on both markets. */
static struct engine *engine_at_50000(struct fills *fills)
{
        struct engine *e = malloc(sizeof(*e));

        assert_non_null(e);
        *fills = (struct fills){ 0, 0 };
        engine_init(e, 1, 2, count_fill, fills);
        for (size_t i = 0; i < e->market.n_symbols; ++i)
                e->market.pinned[i] = D(50000);
        return e;
}

static void engine_free(struct engine *e)
{
        engine_deinit(e);
        free(e);
}

static struct order_wish wish(struct engine *e, enum product product, bool sell, double qty,
                              double price)
{
        return (struct order_wish){
                .symbol = market_symbol(&e->market, product, STR_LITERAL("BTCUSDT")),
                .type = price > 0 ? TYPE_LIMIT : TYPE_MARKET,
                .is_sell = sell,
                .qty = D(qty),
                .price = D(price),
        };
}

static void orders_fill_rest_or_are_refused(void **state)
{
        static const struct {
                const char *label;
                enum product product;
                bool sell, reduce;
                double qty, price;
                enum order_type type;
                enum order_tif tif;
                enum engine_answer answer;
                enum order_status status;
        } rows[] = {
                { "market", PRODUCT_SPOT, false, false, 1, 0, TYPE_MARKET, TIF_GTC, ENGINE_OK,
                  ORDER_FILLED },
                { "limit below rests", PRODUCT_SPOT, false, false, 1, 49000, TYPE_LIMIT, TIF_GTC,
                  ENGINE_OK, ORDER_NEW },
                { "limit above crosses", PRODUCT_SPOT, false, false, 1, 51000, TYPE_LIMIT, TIF_GTC,
                  ENGINE_OK, ORDER_FILLED },
                { "sell below crosses", PRODUCT_SPOT, true, false, 1, 49000, TYPE_LIMIT, TIF_GTC,
                  ENGINE_OK, ORDER_FILLED },
                { "IOC that cannot", PRODUCT_SPOT, false, false, 1, 49000, TYPE_LIMIT, TIF_IOC,
                  ENGINE_OK, ORDER_EXPIRED },
                { "FOK that cannot, spot", PRODUCT_SPOT, false, false, 1, 49000, TYPE_LIMIT,
                  TIF_FOK, ENGINE_OK, ORDER_EXPIRED },
                { "FOK that cannot, futures", PRODUCT_USDM, false, false, 1, 49000, TYPE_LIMIT,
                  TIF_FOK, ENGINE_WOULD_NOT_FILL, ORDER_NEW },
                { "post-only that would take", PRODUCT_USDM, false, false, 1, 51000, TYPE_LIMIT,
                  TIF_GTX, ENGINE_WOULD_MATCH, ORDER_NEW },
                { "limit maker that would take", PRODUCT_SPOT, false, false, 1, 51000,
                  TYPE_LIMIT_MAKER, TIF_GTC, ENGINE_WOULD_MATCH, ORDER_NEW },
                { "more than there is", PRODUCT_SPOT, false, false, 1000, 49000, TYPE_LIMIT,
                  TIF_GTC, ENGINE_NO_FUNDS, ORDER_NEW },
                { "more coins than there are", PRODUCT_SPOT, true, false, 1000, 0, TYPE_MARKET,
                  TIF_GTC, ENGINE_NO_FUNDS, ORDER_NEW },
                { "more margin than there is", PRODUCT_USDM, false, false, 100000, 0, TYPE_MARKET,
                  TIF_GTC, ENGINE_NO_FUNDS, ORDER_NEW },
                { "nothing to reduce", PRODUCT_USDM, true, true, 1, 0, TYPE_MARKET, TIF_GTC,
                  ENGINE_NOTHING_TO_REDUCE, ORDER_NEW },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct fills fills;
                struct engine *e = engine_at_50000(&fills);
                struct order_wish w =
                        wish(e, rows[i].product, rows[i].sell, rows[i].qty, rows[i].price);
                struct order *order = NULL;
                enum engine_answer got;

                w.type = rows[i].type;
                w.tif = rows[i].tif;
                w.reduce_only = rows[i].reduce;
                got = engine_place(e, &w, 1000, &order);
                if (got != rows[i].answer || (order && order->status != rows[i].status))
                        fail_msg("%s: %d, %d", rows[i].label, got, order ? (int)order->status : -1);
                assert_int_equal(fills.takers, order && order->status == ORDER_FILLED);
                engine_free(e);
        }
}

static void money_is_locked_and_comes_back(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_SPOT, false, 2, 40000);
        size_t usdt = w.symbol->quote_asset, btc = w.symbol->asset;
        struct wallet *wallet = &e->wallets[0];
        decimal before = wallet->free[PRODUCT_SPOT][usdt];
        decimal coins = wallet->free[PRODUCT_SPOT][btc];
        struct order *order;

        (void)state;
        assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        assert_int_equal(wallet->free[PRODUCT_SPOT][usdt], before - D(80000));
        assert_int_equal(wallet->locked[PRODUCT_SPOT][usdt], D(80000));
        engine_cancel(e, order, 1001);
        assert_int_equal(wallet->free[PRODUCT_SPOT][usdt], before);
        assert_int_equal(wallet->locked[PRODUCT_SPOT][usdt], 0);

        assert_int_equal(engine_place(e, &w, 1002, &order), ENGINE_OK);
        e->market.pinned[w.symbol->index] = D(39000);
        engine_tick(e, 2000);
        assert_int_equal(order->status, ORDER_FILLED);
        assert_int_equal(fills.makers, 1);
        assert_int_equal(wallet->free[PRODUCT_SPOT][usdt], before - D(80000));
        assert_int_equal(wallet->locked[PRODUCT_SPOT][usdt], 0);
        assert_int_equal(wallet->free[PRODUCT_SPOT][btc], coins + D(2));
        engine_free(e);
}

static void positions_open_grow_shrink_and_turn(void **state)
{
        static const struct {
                const char *label;
                bool sell;
                double qty, at, held, entry, pnl;
        } steps[] = {
                { "open", false, 1, 50000, 1, 50000.1, 0 },
                { "grow", false, 1, 60000, 2, 55000.1, 0 },
                { "shrink", true, 1, 60000, 1, 55000.1, 4999.9 },
                { "turn", true, 3, 56000, -2, 56000, 999.9 },
                { "close", false, 2, 50000, 0, 0, 11999.8 },
        };
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        decimal funds = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct order_wish w = wish(e, PRODUCT_USDM, steps[i].sell, steps[i].qty, 0);
                struct wallet *wallet = &e->wallets[0];
                const struct position *p = &wallet->positions[w.symbol->index][SIDE_BOTH];
                decimal *balance = &wallet->free[PRODUCT_USDM][w.symbol->margin_asset];
                struct order *order;

                funds = *balance;
                e->market.pinned[w.symbol->index] = D(steps[i].at);
                assert_int_equal(engine_place(e, &w, 1000 + i, &order), ENGINE_OK);
                if (p->qty != (decimal)(steps[i].held * 1e8) ||
                    llabs(p->entry - D(steps[i].entry)) > 10 ||
                    llabs(*balance - funds - D(steps[i].pnl)) > 100)
                        fail_msg("%s: %lld at %lld, profit %lld", steps[i].label, (long long)p->qty,
                                 (long long)p->entry, (long long)(*balance - funds));
        }
        engine_free(e);
}

static void reduce_only_never_turns_a_position(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_USDM, false, 1, 0);
        struct order *order;

        (void)state;
        assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        w = wish(e, PRODUCT_USDM, true, 5, 0);
        w.reduce_only = true;
        assert_int_equal(engine_place(e, &w, 1001, &order), ENGINE_OK);
        assert_int_equal(order->filled, D(1));
        assert_int_equal(e->wallets[0].positions[w.symbol->index][SIDE_BOTH].qty, 0);
        engine_free(e);
}

static void client_ids_are_unique_among_open_orders_of_an_account(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_SPOT, false, 1, 40000);
        struct order *first, *second;

        (void)state;
        snprintf(w.client_id, sizeof(w.client_id), "mine");
        assert_int_equal(engine_place(e, &w, 1000, &first), ENGINE_OK);
        assert_int_equal(engine_place(e, &w, 1001, &second), ENGINE_DUPLICATE);
        w.account = 1;
        assert_int_equal(engine_place(e, &w, 1002, &second), ENGINE_OK);
        w.account = 0;
        engine_cancel(e, first, 1003);
        assert_int_equal(engine_place(e, &w, 1004, &second), ENGINE_OK);
        assert_ptr_equal(engine_find(e, 0, PRODUCT_SPOT, 0, STR_LITERAL("mine"), 1005), second);
        assert_ptr_equal(engine_find(e, 0, PRODUCT_SPOT, first->id, STR_NULL, 1005), first);
        assert_null(engine_find(e, 1, PRODUCT_SPOT, first->id, STR_NULL, 1005));
        assert_null(engine_find(e, 0, PRODUCT_USDM, first->id, STR_NULL, 1005));
        engine_free(e);
}

static void hidden_orders_show_up_late(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_SPOT, false, 1, 40000);
        struct order *order;

        (void)state;
        w.hidden_until_ms = 3000;
        assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        assert_null(engine_find(e, 0, PRODUCT_SPOT, order->id, STR_NULL, 2999));
        assert_ptr_equal(engine_find(e, 0, PRODUCT_SPOT, order->id, STR_NULL, 3000), order);
        engine_free(e);
}

static void countdowns_cancel_and_stops_trigger(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_USDM, false, 1, 40000);
        struct order *rests, *stop;

        (void)state;
        assert_int_equal(engine_place(e, &w, 1000, &rests), ENGINE_OK);
        e->wallets[0].countdown_ms[w.symbol->index] = 2000;
        engine_tick(e, 1900);
        assert_int_equal(rests->status, ORDER_NEW);
        engine_tick(e, 2000);
        assert_int_equal(rests->status, ORDER_CANCELED);

        e->wallets[0].countdown_ms[w.symbol->index] = 0;
        w = wish(e, PRODUCT_USDM, true, 1, 0);
        w.type = TYPE_STOP_MARKET;
        w.stop_price = D(45000);
        assert_int_equal(engine_place(e, &w, 3000, &stop), ENGINE_OK);
        engine_tick(e, 3100);
        assert_int_equal(stop->status, ORDER_NEW);
        e->market.pinned[w.symbol->index] = D(44000);
        engine_tick(e, 3200);
        assert_int_equal(stop->status, ORDER_FILLED);
        engine_free(e);
}

static void one_leg_of_a_list_cancels_the_other(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish profit = wish(e, PRODUCT_SPOT, true, 1, 60000), loss = profit;
        size_t btc = profit.symbol->asset;
        decimal coins = e->wallets[0].free[PRODUCT_SPOT][btc];
        struct order *above, *below;

        (void)state;
        profit.list_id = loss.list_id = 1;
        loss.type = TYPE_STOP_LOSS;
        loss.price = 0;
        loss.stop_price = D(40000);
        assert_int_equal(engine_place(e, &profit, 1000, &above), ENGINE_OK);
        assert_int_equal(engine_place_beside(e, &loss, 1000, &below), ENGINE_OK);
        e->market.pinned[profit.symbol->index] = D(61000);
        engine_tick(e, 2000);
        assert_int_equal(above->status, ORDER_FILLED);
        assert_int_equal(below->status, ORDER_EXPIRED);
        assert_int_equal(e->wallets[0].free[PRODUCT_SPOT][btc], coins - D(1));
        assert_int_equal(e->wallets[0].locked[PRODUCT_SPOT][btc], 0);
        engine_free(e);
}

static void a_part_fills_first_and_the_rest_when_its_time_has_come(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_USDM, false, 1, 51000);
        struct wallet *wallet = &e->wallets[0];
        decimal *locked = &wallet->locked[PRODUCT_USDM][w.symbol->margin_asset];
        const struct position *p = &wallet->positions[w.symbol->index][SIDE_BOTH];
        struct order *order;

        (void)state;
        w.first_ppm = 333333;
        w.rest_after_ms = 500;
        assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        assert_int_equal(order->status, ORDER_PARTIALLY_FILLED);
        assert_int_equal(order->filled, D(0.333));
        assert_int_equal(p->qty, D(0.333));
        /* What is left is still paid for. */
        assert_int_equal(*locked, D(0.667) * 51000 / 20);
        engine_tick(e, 1400);
        assert_int_equal(order->filled, D(0.333));
        engine_tick(e, 1500);
        assert_int_equal(order->status, ORDER_FILLED);
        assert_int_equal(order->filled, D(1));
        assert_int_equal(order->filled_quote, D(0.333) * 50000 + D(0.333) / 10 + D(0.667) * 51000);
        assert_int_equal(p->qty, D(1));
        assert_int_equal(*locked, 0);
        assert_int_equal(e->n_trades, 2);
        /* Order counts are given back once, for the first fill. */
        assert_int_equal(fills.takers, 1);
        assert_int_equal(fills.makers, 0);
        engine_free(e);
}

static void what_may_not_rest_is_over_after_its_first_part(void **state)
{
        static const struct {
                const char *label;
                double price;
                enum order_tif tif;
                enum order_status status;
                double filled;
        } rows[] = {
                { "market", 0, TIF_GTC, ORDER_EXPIRED, 0.3 },
                { "IOC", 51000, TIF_IOC, ORDER_EXPIRED, 0.3 },
                { "FOK", 51000, TIF_FOK, ORDER_FILLED, 1 },
                { "GTC", 51000, TIF_GTC, ORDER_PARTIALLY_FILLED, 0.3 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct fills fills;
                struct engine *e = engine_at_50000(&fills);
                struct order_wish w = wish(e, PRODUCT_SPOT, false, 1, rows[i].price);
                size_t usdt = w.symbol->quote_asset;
                struct order *order;

                w.tif = rows[i].tif;
                w.first_ppm = 300000;
                assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
                if (order->status != rows[i].status || order->filled != D(rows[i].filled))
                        fail_msg("%s: %d, filled %lld", rows[i].label, (int)order->status,
                                 (long long)order->filled);
                if (order_is_open(order))
                        engine_cancel(e, order, 1001);
                assert_int_equal(e->wallets[0].locked[PRODUCT_SPOT][usdt], 0);
                engine_free(e);
        }
}

static void a_partly_filled_order_is_cancelled_modified_and_reduces_no_further(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_USDM, false, 1, 0);
        const struct position *p = &e->wallets[0].positions[w.symbol->index][SIDE_BOTH];
        struct order *order, *close;

        (void)state;
        assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        w = wish(e, PRODUCT_USDM, true, 1, 49000);
        w.reduce_only = true;
        w.first_ppm = 400000;
        w.rest_after_ms = 1000;
        assert_int_equal(engine_place(e, &w, 1001, &close), ENGINE_OK);
        assert_int_equal(p->qty, D(0.6));
        /* Something else closes most of the rest. */
        w = wish(e, PRODUCT_USDM, true, 0.5, 0);
        assert_int_equal(engine_place(e, &w, 1002, &order), ENGINE_OK);
        engine_tick(e, 3000);
        assert_int_equal(close->status, ORDER_FILLED);
        assert_int_equal(close->filled, D(0.5));
        assert_int_equal(p->qty, 0);

        w = wish(e, PRODUCT_USDM, false, 1, 51000);
        w.first_ppm = 500000;
        w.rest_after_ms = 100000;
        assert_int_equal(engine_place(e, &w, 4000, &order), ENGINE_OK);
        assert_int_equal(engine_modify(e, order, D(51000), D(0.5), 4001), ENGINE_OK);
        assert_int_equal(order->status, ORDER_CANCELED);
        assert_int_equal(order->filled, D(0.5));
        assert_int_equal(e->wallets[0].locked[PRODUCT_USDM][w.symbol->margin_asset], 0);
        engine_free(e);
}

static void closed_orders_are_forgotten_in_the_end(void **state)
{
        struct fills fills;
        struct engine *e = engine_at_50000(&fills);
        struct order_wish w = wish(e, PRODUCT_SPOT, false, 0.00001, 0);
        struct order_wish open = wish(e, PRODUCT_SPOT, false, 1, 40000);
        struct order *order, *rests;

        (void)state;
        assert_int_equal(engine_place(e, &open, 1000, &rests), ENGINE_OK);
        for (size_t i = 0; i < ORDERS_MAX + 100; ++i)
                assert_int_equal(engine_place(e, &w, 1000, &order), ENGINE_OK);
        assert_int_equal(e->n_orders, ORDERS_MAX);
        assert_ptr_equal(engine_find(e, 0, PRODUCT_SPOT, rests->id, STR_NULL, 1000), rests);
        assert_null(engine_find(e, 0, PRODUCT_SPOT, rests->id + 1, STR_NULL, 1000));
        engine_free(e);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(orders_fill_rest_or_are_refused),
                cmocka_unit_test(money_is_locked_and_comes_back),
                cmocka_unit_test(positions_open_grow_shrink_and_turn),
                cmocka_unit_test(reduce_only_never_turns_a_position),
                cmocka_unit_test(client_ids_are_unique_among_open_orders_of_an_account),
                cmocka_unit_test(hidden_orders_show_up_late),
                cmocka_unit_test(countdowns_cancel_and_stops_trigger),
                cmocka_unit_test(one_leg_of_a_list_cancels_the_other),
                cmocka_unit_test(a_part_fills_first_and_the_rest_when_its_time_has_come),
                cmocka_unit_test(what_may_not_rest_is_over_after_its_first_part),
                cmocka_unit_test(
                        a_partly_filled_order_is_cancelled_modified_and_reduces_no_further),
                cmocka_unit_test(closed_orders_are_forgotten_in_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
