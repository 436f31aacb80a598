/*
 * Orders as JSON, in the shapes of spot and of futures.
 */
#include "sim/orders.h"

#include <stdio.h>

static decimal average_price(const struct order *o)
{
        if (o->filled == 0)
                return 0;
        if (o->wish.symbol->product == PRODUCT_COINM)
                return decimal_div(decimal_mul(o->filled, o->wish.symbol->contract),
                                   o->filled_quote);
        return decimal_div(o->filled_quote, o->filled);
}

static json_t *spot_json(const struct order *o, bool is_query)
{
        const struct symbol *s = o->wish.symbol;
        json_t *j = json_pack("{s:s,s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "symbol", s->name, "orderId",
                              (json_int_t)o->id, "orderListId",
                              o->wish.list_id ? (json_int_t)o->wish.list_id : (json_int_t)-1,
                              "clientOrderId", o->wish.client_id, "price",
                              json_price(s, o->wish.price), "origQty", json_qty(s, o->wish.qty),
                              "executedQty", json_qty(s, o->filled), "origQuoteOrderQty",
                              json_price(s, o->wish.quote_qty), "cummulativeQuoteQty",
                              json_price(s, o->filled_quote));

        json_object_update_new(j, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "status",
                                            order_status_name(o->status), "timeInForce",
                                            order_tif_name(o->wish.tif), "type",
                                            order_type_name(o->wish.type), "side",
                                            o->wish.is_sell ? "SELL" : "BUY", "workingTime",
                                            (json_int_t)o->created_ms, "selfTradePreventionMode",
                                            "EXPIRE_MAKER"));
        if (o->wish.stop_price)
                json_put(j, "stopPrice", json_price(s, o->wish.stop_price));
        if (!is_query)
                return j;
        if (!o->wish.stop_price)
                json_put(j, "stopPrice", json_price(s, 0));
        json_object_update_new(j, json_pack("{s:s,s:I,s:I,s:b}", "icebergQty", "0.00000000", "time",
                                            (json_int_t)o->created_ms, "updateTime",
                                            (json_int_t)o->updated_ms, "isWorking", 1));
        return j;
}

static json_t *futures_json(const struct order *o)
{
        const struct symbol *s = o->wish.symbol;
        bool coin = s->product == PRODUCT_COINM;
        json_t *j =
                json_pack("{s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:s}", "orderId",
                          (json_int_t)o->id, "symbol", s->name, "status",
                          order_status_name(o->status), "clientOrderId", o->wish.client_id, "price",
                          json_price(s, o->wish.price), "avgPrice",
                          json_decimal(average_price(o), s->price_places < 5 ? 5 : s->price_places),
                          "origQty", json_qty(s, o->wish.qty), "executedQty",
                          json_qty(s, o->filled), coin ? "cumBase" : "cumQuote",
                          json_decimal(o->filled_quote, DECIMAL_PLACES), "timeInForce",
                          order_tif_name(o->wish.tif), "type",
                          o->triggered ? (o->wish.price ? "LIMIT" : "MARKET")
                                       : order_type_name(o->wish.type));

        json_object_update_new(
                j, json_pack("{s:b,s:b,s:s,s:s,s:o,s:s,s:b,s:s,s:I,s:I}", "reduceOnly",
                             o->wish.reduce_only, "closePosition", o->wish.close_position, "side",
                             o->wish.is_sell ? "SELL" : "BUY", "positionSide",
                             position_side_name(o->wish.position_side), "stopPrice",
                             json_price(s, o->wish.stop_price), "workingType", "CONTRACT_PRICE",
                             "priceProtect", 0, "origType", order_type_name(o->wish.type), "time",
                             (json_int_t)o->created_ms, "updateTime", (json_int_t)o->updated_ms));
        if (coin)
                json_put(j, "pair", json_string(s->pair));
        else
                json_object_update_new(j, json_pack("{s:s,s:s,s:i}", "priceMatch", "NONE",
                                                    "selfTradePreventionMode", "EXPIRE_MAKER",
                                                    "goodTillDate", 0));
        return j;
}

json_t *orders_json(const struct order *o)
{
        return o->wish.symbol->product == PRODUCT_SPOT ? spot_json(o, true) : futures_json(o);
}

static json_t *fills_json(const struct order *o)
{
        const struct symbol *s = o->wish.symbol;
        json_t *list = json_array();

        if (o->filled)
                json_add(list, json_pack("{s:o,s:o,s:s,s:s,s:I}", "price",
                                         json_price(s, average_price(o)), "qty",
                                         json_qty(s, o->filled), "commission", "0.00000000",
                                         "commissionAsset", o->wish.is_sell ? s->quote : s->base,
                                         "tradeId", (json_int_t)o->trade_id));
        return list;
}

json_t *orders_placed_json(const struct call *call, const struct order *o)
{
        const struct form *q = call->params;
        bool full = form_is(q, "newOrderRespType", "FULL");
        bool ack = form_is(q, "newOrderRespType", "ACK");
        json_t *j;

        if (o->wish.symbol->product != PRODUCT_SPOT) {
                /* ACK, the default on futures, is in the moment of acceptance. */
                if (form_is(q, "newOrderRespType", "RESULT") || o->status == ORDER_EXPIRED)
                        return futures_json(o);
                j = futures_json(o);
                if (o->filled > 0) {
                        struct order taken = *o;

                        taken.status = ORDER_NEW;
                        taken.filled = taken.filled_quote = 0;
                        json_decref(j);
                        j = futures_json(&taken);
                }
                json_object_del(j, "time");
                return j;
        }
        if (!form_has(q, "newOrderRespType")) {
                full = o->wish.type == TYPE_MARKET || o->wish.type == TYPE_LIMIT;
                ack = !full;
        }
        if (ack)
                return json_pack("{s:s,s:I,s:I,s:s,s:I}", "symbol", o->wish.symbol->name, "orderId",
                                 (json_int_t)o->id, "orderListId",
                                 o->wish.list_id ? (json_int_t)o->wish.list_id : (json_int_t)-1,
                                 "clientOrderId", o->wish.client_id, "transactTime",
                                 (json_int_t)o->updated_ms);
        j = spot_json(o, false);
        json_put(j, "transactTime", json_integer((json_int_t)o->updated_ms));
        if (full)
                json_put(j, "fills", fills_json(o));
        return j;
}

json_t *orders_canceled_json(const struct order *o, const char *cancel_id)
{
        json_t *j;
        char made[CLIENT_ID_MAX + 1];

        if (o->wish.symbol->product != PRODUCT_SPOT)
                return futures_json(o);
        j = spot_json(o, false);
        json_put(j, "origClientOrderId", json_string(o->wish.client_id));
        if (!cancel_id || !cancel_id[0]) {
                snprintf(made, sizeof(made), "simcancel%llu", (unsigned long long)o->id);
                cancel_id = made;
        }
        json_put(j, "clientOrderId", json_string(cancel_id));
        json_put(j, "transactTime", json_integer((json_int_t)o->updated_ms));
        return j;
}
