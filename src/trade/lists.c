#include "trade/answers.h"
#include "trade/inside.h"

#include <errno.h>
#include <stdio.h>

static const struct futures_route open_orders_route = {
        "GET", { "/fapi/v1/openOrders", "/dapi/v1/openOrders" }
};
static const struct futures_route open_algo_route = {
        "GET", { "/fapi/v1/openAlgoOrders", "/dapi/v1/openAlgoOrders" }
};
static const struct futures_route positions_route = {
        "GET", { "/fapi/v3/positionRisk", "/dapi/v1/positionRisk" }
};
static const struct futures_route account_route = { "GET",
                                                    { "/fapi/v3/account", "/dapi/v1/account" } };
static const struct futures_route trades_route = {
        "GET", { "/fapi/v1/userTrades", "/dapi/v1/userTrades" }
};
static const struct futures_route klines_route = { "GET",
                                                   { "/fapi/v1/klines", "/dapi/v1/klines" } };
static const struct futures_route day_route = {
        "GET", { "/fapi/v1/ticker/24hr", "/dapi/v1/ticker/24hr" }
};
static const struct futures_route book_route = {
        "GET", { "/fapi/v1/ticker/bookTicker", "/dapi/v1/ticker/bookTicker" }
};

/* The answer of f->params at @route: *ret_root is the caller's. Return: as a read. */
static int get(struct futures *f, const struct futures_route *route, bool is_signed,
               uint64_t deadline_ms, json_t **ret_root)
{
        int r = futures_read_result(f, futures_send(f, route, is_signed, deadline_ms));

        if (r != 0)
                return r;
        *ret_root = futures_json(f);
        return *ret_root ? 0 : -EBADMSG;
}

static int get_list(struct futures *f, const struct futures_route *route, bool is_signed,
                    uint64_t deadline_ms, json_t **ret_list)
{
        int r = get(f, route, is_signed, deadline_ms, ret_list);

        if (r != 0 || json_is_array(*ret_list))
                return r;
        json_decref(*ret_list);
        return futures_refuse(f, -EBADMSG, "the exchange's answer is no list");
}

static int begin_with_symbol(struct futures *f, const char *symbol, bool is_optional)
{
        int r;

        futures_begin(f);
        if (!symbol && is_optional)
                return 0;
        r = futures_check_symbol(f, symbol);
        return r == 0 ? query_add(&f->params, "symbol", symbol) : r;
}

/* Orders. Both lists are there before the first order is told: half a list is none. */

static void tell_orders(const json_t *list, bool is_conditional, weir_order_fn fn, void *ctx)
{
        struct weir_order_state order;
        const json_t *j;
        size_t i;

        json_array_foreach(list, i, j) if (answers_order(j, is_conditional, &order))
                fn(ctx, &order);
}

int futures_open_orders(struct futures *f, const char *symbol, uint64_t deadline_ms,
                        weir_order_fn fn, void *ctx)
{
        json_t *orders = NULL, *algos = NULL;
        int r = begin_with_symbol(f, symbol, true);

        if (r == 0)
                r = get_list(f, &open_orders_route, true, deadline_ms, &orders);
        if (r != 0)
                return r;
        r = get_list(f, &open_algo_route, true, deadline_ms, &algos);
        /* COIN-M may not have them (yet): then there are none. */
        if (r == -EBADMSG && f->config.market == WEIR_COINM && f->reply.verdict.status == 404)
                r = futures_refuse(f, 0, "%s", "");
        if (r == 0) {
                tell_orders(orders, false, fn, ctx);
                tell_orders(algos, true, fn, ctx);
        }
        json_decref(orders);
        if (r == 0)
                json_decref(algos);
        return r;
}

/* The account. */

int futures_positions(struct futures *f, const char *symbol, uint64_t deadline_ms,
                      weir_position_fn fn, void *ctx)
{
        struct weir_position position;
        json_t *list, *j;
        size_t i;
        /* COIN-M's endpoint knows no symbol: all are asked for, at the same weight. */
        bool is_coin = f->config.market == WEIR_COINM;
        int r = begin_with_symbol(f, is_coin ? NULL : symbol, true);

        if (r == 0)
                r = get_list(f, &positions_route, true, deadline_ms, &list);
        if (r != 0)
                return r;
        json_array_foreach(list, i, j)
        {
                if (answers_position(j, &position) &&
                    (!symbol || strcmp(symbol, position.symbol) == 0))
                        fn(ctx, &position);
        }
        json_decref(list);
        return 0;
}

int futures_account(struct futures *f, uint64_t deadline_ms, weir_balance_fn fn, void *ctx)
{
        struct weir_balance balance;
        json_t *root, *j;
        size_t i;
        int r;

        futures_begin(f);
        r = get(f, &account_route, true, deadline_ms, &root);
        if (r != 0)
                return r;
        if (answers_totals(root, &balance))
                fn(ctx, &balance);
        json_array_foreach(json_object_get(root, "assets"), i, j) if (answers_balance(j, &balance))
                fn(ctx, &balance);
        json_decref(root);
        return 0;
}

static int add_range(struct futures *f, const struct weir_range *range, uint32_t limit)
{
        int r = 0;

        if (range && range->from_id)
                r = query_add_u64(&f->params, "fromId", range->from_id);
        if (r == 0 && range && range->start_ms)
                r = query_add_u64(&f->params, "startTime", range->start_ms);
        if (r == 0 && range && range->end_ms)
                r = query_add_u64(&f->params, "endTime", range->end_ms);
        if (range && range->limit)
                limit = range->limit;
        if (r == 0 && limit)
                r = query_add_u64(&f->params, "limit", limit);
        return r;
}

int futures_trades(struct futures *f, const char *symbol, uint64_t order_id,
                   const struct weir_range *range, uint64_t deadline_ms, weir_trade_fn fn,
                   void *ctx)
{
        struct weir_trade trade;
        json_t *list, *j;
        size_t i;
        int r = begin_with_symbol(f, symbol, false);

        if (r == 0 && order_id)
                r = query_add_u64(&f->params, "orderId", order_id);
        if (r == 0)
                r = add_range(f, range, 0);
        if (r == 0)
                r = get_list(f, &trades_route, true, deadline_ms, &list);
        if (r != 0)
                return r;
        json_array_foreach(list, i, j) if (answers_trade(j, &trade)) fn(ctx, &trade);
        json_decref(list);
        return 0;
}

/* The market. */

int futures_klines(struct futures *f, const char *symbol, const char *interval,
                   const struct weir_range *range, uint64_t deadline_ms, weir_kline_fn fn,
                   void *ctx)
{
        struct weir_kline kline;
        json_t *list, *j;
        size_t i;
        int r = begin_with_symbol(f, symbol, false);

        if (r == 0 && !interval)
                r = futures_refuse(f, -EINVAL, "an interval is missing: 1m, 1h, 1d, ...");
        if (r == 0)
                r = query_add(&f->params, "interval", interval);
        /* Without a limit the exchange charges more than for the rows that it then sends. */
        if (r == 0)
                r = add_range(f, range, 100);
        if (r == 0)
                r = get_list(f, &klines_route, false, deadline_ms, &list);
        if (r != 0)
                return r;
        json_array_foreach(list, i, j) if (answers_kline(j, &kline)) fn(ctx, &kline);
        json_decref(list);
        return 0;
}

/* COIN-M answers one symbol with a list of one. */
static const json_t *only(const json_t *root)
{
        return json_is_array(root) ? json_array_get(root, 0) : root;
}

int futures_ticker(struct futures *f, const char *symbol, uint64_t deadline_ms,
                   struct weir_ticker *ret_ticker)
{
        json_t *day, *book;
        bool is_read;
        int r = begin_with_symbol(f, symbol, false);

        *ret_ticker = (struct weir_ticker){ .size = sizeof(*ret_ticker) };
        if (r == 0)
                r = get(f, &day_route, false, deadline_ms, &day);
        if (r != 0)
                return r;
        r = get(f, &book_route, false, deadline_ms, &book);
        if (r != 0) {
                json_decref(day);
                return r;
        }
        is_read = answers_ticker(only(day), only(book), ret_ticker);
        json_decref(day);
        json_decref(book);
        return is_read ? 0 : futures_refuse(f, -EBADMSG, "the exchange's answer is no ticker");
}

static void print(struct amount a, char *to)
{
        to[0] = '\0';
        if (!amount_is_zero(a))
                amount_print(a, to);
}

int futures_filters(struct futures *f, const char *symbol, uint64_t deadline_ms,
                    struct weir_filters *ret_filters)
{
        const struct filters *from;
        int r;

        futures_begin(f);
        *ret_filters = (struct weir_filters){ .size = sizeof(*ret_filters) };
        r = futures_check_symbol(f, symbol);
        if (r == 0)
                r = futures_find_filters(f, symbol, deadline_ms, &from);
        if (r != 0)
                return r;
        _Static_assert(AMOUNT_TEXT_MAX <= WEIR_DECIMAL_SIZE, "an amount fits");
        str_copy(str_of(from->symbol), ret_filters->symbol, sizeof(ret_filters->symbol));
        ret_filters->is_trading = from->is_trading;
        print(from->tick, ret_filters->tick);
        print(from->min_price, ret_filters->min_price);
        print(from->max_price, ret_filters->max_price);
        print(from->lot.step, ret_filters->step);
        print(from->lot.min, ret_filters->min_quantity);
        print(from->lot.max, ret_filters->max_quantity);
        print(from->market_lot.step, ret_filters->market_step);
        print(from->market_lot.min, ret_filters->market_min_quantity);
        print(from->market_lot.max, ret_filters->market_max_quantity);
        print(from->min_notional, ret_filters->min_notional);
        print(from->contract_size, ret_filters->contract_size);
        return 0;
}
