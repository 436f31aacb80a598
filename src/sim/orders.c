#include "sim/orders.h"

#include <stdio.h>

static const char *const type_names[TYPE_COUNT] = {
        [TYPE_LIMIT] = "LIMIT",
        [TYPE_MARKET] = "MARKET",
        [TYPE_LIMIT_MAKER] = "LIMIT_MAKER",
        [TYPE_STOP_LOSS] = "STOP_LOSS",
        [TYPE_STOP_LOSS_LIMIT] = "STOP_LOSS_LIMIT",
        [TYPE_TAKE_PROFIT] = "TAKE_PROFIT",
        [TYPE_TAKE_PROFIT_LIMIT] = "TAKE_PROFIT_LIMIT",
        [TYPE_STOP] = "STOP",
        [TYPE_STOP_MARKET] = "STOP_MARKET",
        [TYPE_TAKE_PROFIT_FUTURES] = "TAKE_PROFIT",
        [TYPE_TAKE_PROFIT_MARKET] = "TAKE_PROFIT_MARKET",
        [TYPE_TRAILING_STOP_MARKET] = "TRAILING_STOP_MARKET",
};

static const char *const tif_names[TIF_COUNT] = { "GTC", "IOC", "FOK", "GTX", "GTD" };
static const char *const position_names[SIDE_COUNT] = { "BOTH", "LONG", "SHORT" };
static const char *const status_names[] = { "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED",
                                            "EXPIRED" };

const char *order_type_name(enum order_type type)
{
        return type_names[type];
}

const char *order_status_name(enum order_status status)
{
        return status_names[status];
}

const char *order_tif_name(enum order_tif tif)
{
        return tif_names[tif];
}

const char *position_side_name(enum position_side side)
{
        return position_names[side];
}

static bool is_spot(const struct call *call)
{
        return call->endpoint->product == PRODUCT_SPOT;
}

/* The place of @name in @names from @first on, or -1. */
static int find_name(struct str name, const char *const *names, int first, int end)
{
        for (int i = first; i < end; ++i)
                if (str_eq(name, str_of(names[i])))
                        return i;
        return -1;
}

static bool get_type(struct call *call, struct order_wish *wish)
{
        struct str name = form_get(call->params, "type");
        int type;

        if (!call_has(call, "type"))
                return false;
        if (is_spot(call))
                type = find_name(name, type_names, 0, TYPE_STOP);
        else if ((type = find_name(name, type_names, 0, TYPE_LIMIT_MAKER)) < 0)
                type = find_name(name, type_names, TYPE_STOP, TYPE_COUNT);
        if (type < 0) {
                call_refuse(call, REFUSED_ORDER_TYPE);
                return false;
        }
        wish->type = (enum order_type)type;
        if (wish->type < TYPE_STOP || call->endpoint->product != PRODUCT_USDM || wish->is_algo)
                return true;
        call_refuse(call, REFUSED_USE_ALGO);
        return false;
}

static bool get_side(struct call *call, struct order_wish *wish)
{
        struct str side = form_get(call->params, "side");

        if (!call_has(call, "side"))
                return false;
        wish->is_sell = str_eq(side, STR_LITERAL("SELL"));
        if (wish->is_sell || str_eq(side, STR_LITERAL("BUY")))
                return true;
        call_refuse(call, REFUSED_SIDE);
        return false;
}

static bool wants_price(const struct order_wish *wish)
{
        return wish->type == TYPE_LIMIT || wish->type == TYPE_LIMIT_MAKER ||
               wish->type == TYPE_STOP_LOSS_LIMIT || wish->type == TYPE_TAKE_PROFIT_LIMIT ||
               wish->type == TYPE_STOP || wish->type == TYPE_TAKE_PROFIT_FUTURES;
}

static bool wants_stop_price(const struct order_wish *wish)
{
        return wish->type >= TYPE_STOP_LOSS && wish->type != TYPE_TRAILING_STOP_MARKET;
}

static bool get_tif(struct call *call, struct order_wish *wish)
{
        struct str name = form_get(call->params, "timeInForce");
        int tif = find_name(name, tif_names, 0, is_spot(call) ? TIF_GTX : TIF_COUNT);
        /* Conditional orders at their own endpoints default to GTC. */
        bool needed = wants_price(wish) && wish->type != TYPE_LIMIT_MAKER && !wish->is_algo;

        if (name.n == 0) {
                wish->tif = TIF_GTC;
                return !needed || call_has(call, "timeInForce");
        }
        if (tif < 0) {
                call_refuse(call, REFUSED_TIME_IN_FORCE);
                return false;
        }
        wish->tif = (enum order_tif)tif;
        return true;
}

bool orders_client_id(struct call *call, const char *name, char to[static CLIENT_ID_MAX + 1])
{
        static const char allowed[] = ".ABCDEFGHIJKLMNOPQRSTUVWXYZ:/abcdefghijklmnopqrstuvwxyz"
                                      "0123456789_-";
        struct str id = form_get(call->params, name);

        to[0] = 0;
        if (id.n > CLIENT_ID_MAX && !is_spot(call)) {
                call_refuse(call, REFUSED_CLIENT_ID_LENGTH);
                return false;
        }
        for (size_t i = 0; i < id.n; ++i)
                if (id.n > CLIENT_ID_MAX || !id.p[i] || !strchr(allowed, id.p[i])) {
                        call_refuse(call, REFUSED_ILLEGAL, name, "^[\\.A-Z\\:/a-z0-9_-]{1,36}$");
                        return false;
                }
        str_copy(id, to, CLIENT_ID_MAX + 1);
        return true;
}

static bool get_position_side(struct call *call, struct order_wish *wish)
{
        struct str name = form_get(call->params, "positionSide");
        int side = name.n ? find_name(name, position_names, 0, SIDE_COUNT) : SIDE_BOTH;
        bool dual;

        if (is_spot(call))
                return true;
        if (side < 0) {
                call_refuse(call, REFUSED_BAD_PARAMETER, "positionSide");
                return false;
        }
        dual = call_wallet(call)->dual_side[call->endpoint->product];
        wish->position_side = (enum position_side)side;
        wish->reduce_only = form_is(call->params, "reduceOnly", "true") ||
                            (side == SIDE_LONG && wish->is_sell) ||
                            (side == SIDE_SHORT && !wish->is_sell);
        wish->close_position = form_is(call->params, "closePosition", "true");
        if (dual == (side != SIDE_BOTH))
                return true;
        call_refuse(call, REFUSED_POSITION_SIDE);
        return false;
}

static bool get_numbers(struct call *call, struct order_wish *wish)
{
        return call_decimal(call, "quantity", &wish->qty) &&
               call_decimal(call, "quoteOrderQty", &wish->quote_qty) &&
               call_decimal(call, "price", &wish->price) &&
               call_decimal(call, wish->is_algo ? "triggerPrice" : "stopPrice", &wish->stop_price);
}

/* @is_wanted: the order cannot do without one. */
static bool check_price(struct call *call, const struct symbol *s, bool is_wanted, decimal price)
{
        if (is_wanted ? price > 0 && price % s->tick == 0 : price == 0 || price % s->tick == 0)
                return true;
        if (is_spot(call))
                call_refuse(call, REFUSED_FILTER, "PRICE_FILTER");
        else if (price == 0)
                call_refuse(call, REFUSED_PRICE_MIN);
        else if (decimal_places(price) > s->price_places)
                call_refuse(call, REFUSED_PRECISION_FUTURES);
        else
                call_refuse(call, REFUSED_PRICE_TICK);
        return false;
}

static bool check_qty(struct call *call, const struct symbol *s, const struct order_wish *wish)
{
        if (wish->qty % s->step == 0 && wish->qty >= s->min_qty && wish->qty <= s->max_qty)
                return true;
        if (is_spot(call))
                call_refuse(call, REFUSED_FILTER, "LOT_SIZE");
        else if (wish->qty == 0)
                call_refuse(call, REFUSED_QUANTITY_ZERO);
        else if (decimal_places(wish->qty) > s->qty_places)
                call_refuse(call, REFUSED_PRECISION_FUTURES);
        else
                call_refuse(call, REFUSED_QUANTITY_STEP);
        return false;
}

static bool check_notional(struct call *call, const struct symbol *s, const struct order_wish *wish)
{
        decimal price =
                wish->price ? wish->price : market_price(&call->engine->market, s, call->now_ms);
        char least[DECIMAL_TEXT];

        if (s->product == PRODUCT_COINM || wish->reduce_only || wish->close_position ||
            market_notional(s, wish->qty, price) >= s->min_notional)
                return true;
        if (is_spot(call))
                call_refuse(call, REFUSED_FILTER, "NOTIONAL");
        else
                call_refuse(call, REFUSED_NOTIONAL, decimal_text(s->min_notional, 0, least));
        return false;
}

/* A market order on spot may name what it spends instead of what it buys. */
static void qty_from_quote(struct call *call, const struct symbol *s, struct order_wish *wish)
{
        if (wish->qty || !wish->quote_qty || wish->type != TYPE_MARKET)
                return;
        wish->qty =
                decimal_div(wish->quote_qty, market_ask(&call->engine->market, s, call->now_ms));
        wish->qty -= wish->qty % s->step;
}

static bool is_complete(struct call *call, const struct order_wish *wish)
{
        bool qty_optional = wish->close_position ||
                            (is_spot(call) && wish->type == TYPE_MARKET && wish->quote_qty);

        if (!qty_optional && !call_has(call, "quantity"))
                return false;
        if (wants_price(wish) && !call_has(call, "price"))
                return false;
        return !wants_stop_price(wish) ||
               call_has(call, wish->is_algo ? "triggerPrice" : "stopPrice");
}

bool orders_wish(struct call *call, const struct symbol *s, struct order_wish *ret_wish)
{
        struct order_wish wish = { .account = call->account->index,
                                   .symbol = s,
                                   .is_algo = ret_wish->is_algo };
        const char *id = wish.is_algo ? "clientAlgoId" : "newClientOrderId";

        if (!get_side(call, &wish) || !get_type(call, &wish) || !get_position_side(call, &wish) ||
            !get_numbers(call, &wish) || !is_complete(call, &wish) || !get_tif(call, &wish) ||
            !orders_client_id(call, id, wish.client_id))
                return false;
        if (!wants_price(&wish))
                wish.price = 0;
        qty_from_quote(call, s, &wish);
        if (!check_price(call, s, wants_price(&wish), wish.price) ||
            !check_price(call, s, wants_stop_price(&wish), wish.stop_price) ||
            (!wish.close_position && !check_qty(call, s, &wish)) || !check_notional(call, s, &wish))
                return false;
        wish.hidden_until_ms = call->late_ms ? call->now_ms + call->late_ms : 0;
        wish.first_ppm = call->first_ppm;
        wish.rest_after_ms = call->rest_after_ms;
        *ret_wish = wish;
        return true;
}

json_t *orders_refuse(struct call *call, enum engine_answer answer)
{
        bool spot = is_spot(call);

        switch (answer) {
        case ENGINE_OK:
                break;
        case ENGINE_NO_FUNDS:
                return call_refuse(call, spot ? REFUSED_NO_FUNDS : REFUSED_MARGIN);
        case ENGINE_DUPLICATE:
                return call_refuse(call, spot ? REFUSED_DUPLICATE_SPOT : REFUSED_DUPLICATE_FUTURES);
        case ENGINE_WOULD_MATCH:
                return call_refuse(call, spot ? REFUSED_WOULD_MATCH : REFUSED_GTX);
        case ENGINE_WOULD_NOT_FILL:
                return call_refuse(call, REFUSED_FOK);
        case ENGINE_NOTHING_TO_REDUCE:
                return call_refuse(call, REFUSED_REDUCE_ONLY);
        case ENGINE_TOO_MANY:
                return spot ? call_refuse(call, REFUSED_FILTER, "MAX_NUM_ORDERS")
                            : call_refuse(call, REFUSED_OPEN_ORDERS_MAX);
        }
        return NULL;
}

bool orders_execute(struct call *call, const struct order_wish *wish, struct order **ret_order)
{
        enum engine_answer answer = engine_place(call->engine, wish, call->now_ms, ret_order);

        if (answer != ENGINE_OK) {
                orders_refuse(call, answer);
                return false;
        }
        /* By the id that was sent: one that we made up was nobody's attempt. */
        attempts_executed(call->attempts, str_of(wish->client_id));
        call->is_executed = true;
        return true;
}

struct order *orders_find(struct call *call, const char *id_name, const char *client_name)
{
        return engine_find(call->engine, call->account->index, call->endpoint->product,
                           form_u64(call->params, id_name, 0), form_get(call->params, client_name),
                           call->now_ms);
}

struct order *orders_named(struct call *call, const struct symbol *symbol, enum refusal missing)
{
        struct order *order;

        if (!form_has(call->params, "orderId") && !form_has(call->params, "origClientOrderId")) {
                call_refuse(call, REFUSED_EITHER, "origClientOrderId", "orderId");
                return NULL;
        }
        order = orders_find(call, "orderId", "origClientOrderId");
        if (order && order->wish.symbol == symbol && !order->wish.is_algo)
                return order;
        call_refuse(call, missing);
        return NULL;
}

static bool is_listed(const struct call *call, const struct order_filter *filter,
                      const struct order *o)
{
        return o->wish.account == call->account->index &&
               o->wish.symbol->product == call->endpoint->product &&
               (!filter->symbol || filter->symbol == o->wish.symbol) &&
               (!filter->only_open || order_is_open(o)) && o->wish.is_algo == filter->is_algo &&
               o->id >= filter->from_id && call->now_ms >= o->wish.hidden_until_ms;
}

/* Newest first through the memory, oldest first in the answer. */
json_t *orders_list(const struct call *call, const struct order_filter *filter, order_json_fn fn)
{
        const struct list *head = filter->only_open ? &call->engine->open : &call->engine->all;
        json_t *list = json_array();

        for (const struct list *it = head->prev; it != head; it = it->prev) {
                const struct order *o = filter->only_open ? container_of(it, struct order, open)
                                                          : container_of(it, struct order, all);

                if (!is_listed(call, filter, o))
                        continue;
                json_array_insert_new(list, 0, fn(o));
                if (json_array_size(list) >= filter->limit)
                        break;
        }
        return list;
}

json_t *orders_cancel_all(struct call *call, const struct order_filter *filter)
{
        struct list *it, *after;
        json_t *list = json_array();

        list_for_each_safe(it, after, &call->engine->open)
        {
                struct order *o = container_of(it, struct order, open);

                if (!is_listed(call, filter, o))
                        continue;
                engine_cancel(call->engine, o, call->now_ms);
                call->is_executed = true;
                json_add(list, orders_canceled_json(o, NULL));
        }
        return list;
}
