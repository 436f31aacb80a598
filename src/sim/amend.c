/*
 * Orders that are changed where they stand: smaller on spot, where they keep their place, and what
 * became of an order by changes, on spot and futures.
 */
#include "sim/orders.h"

#include <stdio.h>

static json_t *amended_json(const struct order *o, const struct amendment *a)
{
        const struct symbol *s = o->wish.symbol;
        json_t *order = json_pack("{s:s,s:I,s:I,s:s,s:s,s:o,s:o,s:o,s:s,s:o,s:o}", "symbol",
                                  s->name, "orderId", (json_int_t)o->id, "orderListId",
                                  o->wish.list_id ? (json_int_t)o->wish.list_id : (json_int_t)-1,
                                  "origClientOrderId", a->old_client_id, "clientOrderId",
                                  a->client_id, "price", json_price(s, o->wish.price), "qty",
                                  json_qty(s, a->qty), "executedQty", json_qty(s, o->filled),
                                  "preventedQty", "0.00000000", "quoteOrderQty", json_price(s, 0),
                                  "cumulativeQuoteQty", json_price(s, o->filled_quote));

        json_object_update_new(order, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "status",
                                                order_status_name(o->status), "timeInForce",
                                                order_tif_name(o->wish.tif), "type",
                                                order_type_name(o->wish.type), "side",
                                                o->wish.is_sell ? "SELL" : "BUY", "workingTime",
                                                (json_int_t)o->created_ms,
                                                "selfTradePreventionMode", "EXPIRE_MAKER"));
        return json_pack("{s:I,s:I,s:o}", "transactTime", (json_int_t)a->time_ms, "executionId",
                         (json_int_t)a->id, "amendedOrder", order);
}

/* Return: false after a refusal. */
static bool may_shrink(struct call *call, const struct order *order, decimal qty)
{
        const struct symbol *s = order->wish.symbol;

        if (qty % s->step || qty < s->min_qty)
                call_refuse(call, REFUSED_FILTER, "LOT_SIZE");
        else if (!order_is_open(order))
                call_refuse(call, REFUSED_AMEND_UNKNOWN);
        else if (qty == order->wish.qty)
                call_refuse(call, REFUSED_AMEND_SAME);
        else if (qty > order->wish.qty)
                call_refuse(call, REFUSED_AMEND_MORE);
        else if (order->n_amendments >= AMENDS_MAX_SPOT)
                call_refuse(call, REFUSED_FILTER, "MAX_NUM_ORDER_AMENDS");
        else
                return true;
        return false;
}

json_t *amend_order(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *order;
        char id[CLIENT_ID_MAX + 1];
        decimal qty;

        if (!s || !call_has(call, "newQty") || !call_decimal(call, "newQty", &qty) ||
            !orders_client_id(call, "newClientOrderId", id))
                return NULL;
        order = orders_named(call, s, REFUSED_AMEND_UNKNOWN);
        if (!order || !may_shrink(call, order, qty) || !call_admit_orders(call))
                return NULL;
        if (!id[0])
                snprintf(id, sizeof(id), "simamend%llu",
                         (unsigned long long)call->engine->next_amendment_id);
        engine_shrink(call->engine, order, qty, id, call->now_ms);
        call->is_executed = true;
        return amended_json(order, &order->amendments[order->n_amendments - 1]);
}

static json_t *spot_amendment(const struct order *o, const struct amendment *a)
{
        const struct symbol *s = o->wish.symbol;

        return json_pack("{s:s,s:I,s:I,s:s,s:s,s:o,s:o,s:I}", "symbol", s->name, "orderId",
                         (json_int_t)o->id, "executionId", (json_int_t)a->id, "origClientOrderId",
                         a->old_client_id, "newClientOrderId", a->client_id, "origQty",
                         json_qty(s, a->old_qty), "newQty", json_qty(s, a->qty), "time",
                         (json_int_t)a->time_ms);
}

/* @count: how many changes the order had with this one. */
static json_t *futures_amendment(const struct order *o, const struct amendment *a, size_t count)
{
        const struct symbol *s = o->wish.symbol;
        json_t *j = json_pack("{s:I,s:s,s:s,s:I,s:s,s:I,s:{s:{s:o,s:o},s:{s:o,s:o},s:I}}",
                              "amendmentId", (json_int_t)a->id, "symbol", s->name, "pair", s->pair,
                              "orderId", (json_int_t)o->id, "clientOrderId", a->client_id, "time",
                              (json_int_t)a->time_ms, "amendment", "price", "before",
                              json_price(s, a->old_price), "after", json_price(s, a->price),
                              "origQty", "before", json_qty(s, a->old_qty), "after",
                              json_qty(s, a->qty), "count", (json_int_t)count);

        if (s->product == PRODUCT_USDM)
                json_put(j, "priceMatch", json_string("NONE"));
        return j;
}

/* Spot tells the oldest first, futures the newest. */
json_t *amend_list(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *o = s ? orders_named(call, s, REFUSED_NO_ORDER) : NULL;
        bool spot = call->endpoint->product == PRODUCT_SPOT;
        uint64_t limit = form_u64(call->params, "limit", spot ? 500 : 50);
        uint64_t from_id = form_u64(call->params, "fromExecutionId", 0);
        uint64_t from_ms = form_u64(call->params, "startTime", 0);
        uint64_t to_ms = form_u64(call->params, "endTime", UINT64_MAX);
        json_t *list;

        if (!o)
                return NULL;
        list = json_array();
        for (size_t i = 0; i < o->n_amendments && json_array_size(list) < limit; ++i) {
                size_t at = spot ? i : o->n_amendments - 1 - i;
                const struct amendment *a = &o->amendments[at];

                if (a->id < from_id || a->time_ms < from_ms || a->time_ms > to_ms)
                        continue;
                json_add(list, spot ? spot_amendment(o, a) : futures_amendment(o, a, at + 1));
        }
        return list;
}
