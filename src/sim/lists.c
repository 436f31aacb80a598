/*
 * Orders that come together: conditional ("algo") orders of USD-M, and one-cancels-the-other
 * lists of spot, as far as clients need them.
 */
#include "sim/orders.h"

#include <stdio.h>

static json_t *algo_json(const struct order *o)
{
        const struct symbol *s = o->wish.symbol;

        return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:o,s:b,s:b,s:I,s:I,s:s}",
                         "algoId", (json_int_t)o->id, "clientAlgoId", o->wish.client_id, "algoType",
                         "CONDITIONAL", "orderType", order_type_name(o->wish.type), "symbol",
                         s->name, "side", o->wish.is_sell ? "SELL" : "BUY", "positionSide",
                         position_side_name(o->wish.position_side), "timeInForce",
                         order_tif_name(o->wish.tif), "quantity", json_qty(s, o->wish.qty),
                         "algoStatus", order_status_name(o->status), "triggerPrice",
                         json_price(s, o->wish.stop_price), "price", json_price(s, o->wish.price),
                         "closePosition", o->wish.close_position, "reduceOnly", o->wish.reduce_only,
                         "createTime", (json_int_t)o->created_ms, "updateTime",
                         (json_int_t)o->updated_ms, "workingType", "CONTRACT_PRICE");
}

json_t *algo_place(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish wish = { .is_algo = true };
        struct order *order;

        if (!s || !call_has(call, "algoType") || !orders_wish(call, s, &wish))
                return NULL;
        if (wish.type < TYPE_STOP)
                return call_refuse(call, REFUSED_ORDER_TYPE);
        if (!call_admit_orders(call) || !orders_execute(call, &wish, &order))
                return NULL;
        return algo_json(order);
}

static struct order *named_algo(struct call *call, enum refusal missing)
{
        struct order *order = orders_find(call, "algoId", "clientAlgoId");

        if (order && order->wish.is_algo)
                return order;
        call_refuse(call, missing);
        return NULL;
}

json_t *algo_query(struct call *call)
{
        struct order *order = named_algo(call, REFUSED_NO_ORDER);

        return order ? algo_json(order) : NULL;
}

json_t *algo_cancel(struct call *call)
{
        struct order *order = named_algo(call, REFUSED_UNKNOWN_ORDER);

        if (!order)
                return NULL;
        if (!order_is_open(order))
                return call_refuse(call, REFUSED_UNKNOWN_ORDER);
        engine_cancel(call->engine, order, call->now_ms);
        call->is_executed = true;
        return json_pack("{s:I,s:s,s:s,s:s}", "algoId", (json_int_t)order->id, "clientAlgoId",
                         order->wish.client_id, "code", "200", "msg", "success");
}

json_t *algo_cancel_all(struct call *call)
{
        struct order_filter filter = {
                .symbol = call_symbol(call), .only_open = true, .is_algo = true, .limit = UINT64_MAX
        };

        if (!filter.symbol)
                return NULL;
        json_decref(orders_cancel_all(call, &filter));
        return json_pack("{s:i,s:s}", "code", 200, "msg",
                         "The operation of cancel all open order is done.");
}

static json_t *algo_list(struct call *call, bool only_open)
{
        struct order_filter filter = { .only_open = only_open,
                                       .is_algo = true,
                                       .limit = form_u64(call->params, "limit", 500) };

        return call_symbol_if_any(call, &filter.symbol) ? orders_list(call, &filter, algo_json)
                                                        : NULL;
}

json_t *algo_list_open(struct call *call)
{
        return algo_list(call, true);
}

json_t *algo_list_all(struct call *call)
{
        return algo_list(call, false);
}

/* The list with its orders, newest state. */
static json_t *list_json(const struct call *call, uint64_t id, bool with_reports)
{
        json_t *orders = json_array(), *reports = json_array(), *j;
        const struct order *last = NULL;
        bool open = false;

        for (const struct list *it = call->engine->all.next; it != &call->engine->all;
             it = it->next) {
                const struct order *o = container_of(it, struct order, all);

                if (o->wish.list_id != id || o->wish.account != call->account->index)
                        continue;
                last = o;
                open |= order_is_open(o);
                json_add(orders,
                         json_pack("{s:s,s:I,s:s}", "symbol", o->wish.symbol->name, "orderId",
                                   (json_int_t)o->id, "clientOrderId", o->wish.client_id));
                json_add(reports, orders_json(o));
        }
        if (!last) {
                json_decref(orders);
                json_decref(reports);
                return NULL;
        }
        j = json_pack("{s:I,s:s,s:s,s:s,s:s,s:I,s:s,s:o}", "orderListId", (json_int_t)id,
                      "contingencyType", "OCO", "listStatusType",
                      open ? "EXEC_STARTED" : "ALL_DONE", "listOrderStatus",
                      open ? "EXECUTING" : "ALL_DONE", "listClientOrderId",
                      last->wish.list_client_id, "transactionTime", (json_int_t)last->updated_ms,
                      "symbol", last->wish.symbol->name, "orders", orders);
        if (with_reports)
                json_put(j, "orderReports", json_incref(reports));
        json_decref(reports);
        return j;
}

/* One leg from parameters that begin with @prefix ("above", "below"), or the old names. */
static bool get_leg(struct call *call, const struct symbol *s, bool above, struct order_wish *wish)
{
        bool old = !form_has(call->params, "aboveType");
        bool sell = form_is(call->params, "side", "SELL");
        bool limit_leg = above == sell; /* the leg that makes a profit */
        const char *price = old     ? (limit_leg ? "price" : "stopLimitPrice")
                            : above ? "abovePrice"
                                    : "belowPrice";
        const char *stop = old ? "stopPrice" : above ? "aboveStopPrice" : "belowStopPrice";
        const char *id = old     ? (limit_leg ? "limitClientOrderId" : "stopClientOrderId")
                         : above ? "aboveClientOrderId"
                                 : "belowClientOrderId";

        *wish = (struct order_wish){ .account = call->account->index,
                                     .symbol = s,
                                     .is_sell = sell,
                                     .list_id = call->engine->next_list_id };
        if (!call_decimal(call, "quantity", &wish->qty) ||
            !call_decimal(call, price, &wish->price) ||
            !orders_client_id(call, id, wish->client_id) ||
            !orders_client_id(call, "listClientOrderId", wish->list_client_id))
                return false;
        if (!wish->list_client_id[0])
                snprintf(wish->list_client_id, sizeof(wish->list_client_id), "simlist%llu",
                         (unsigned long long)wish->list_id);
        if (!limit_leg && !call_decimal(call, stop, &wish->stop_price))
                return false;
        wish->type = limit_leg     ? TYPE_LIMIT_MAKER
                     : wish->price ? TYPE_STOP_LOSS_LIMIT
                                   : TYPE_STOP_LOSS;
        if (wish->qty == 0 || wish->qty % s->step)
                call_refuse(call, REFUSED_FILTER, "LOT_SIZE");
        else if (wish->price % s->tick || wish->stop_price % s->tick)
                call_refuse(call, REFUSED_FILTER, "PRICE_FILTER");
        else if (limit_leg ? wish->price > 0 : wish->stop_price > 0)
                return true;
        else
                call_refuse(call, REFUSED_MISSING, limit_leg ? price : stop);
        return false;
}

json_t *list_place_oco(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish legs[2];
        struct order *first, *second;
        enum engine_answer answer;

        if (!s || !call_has(call, "side") || !call_has(call, "quantity") ||
            !get_leg(call, s, true, &legs[0]) || !get_leg(call, s, false, &legs[1]) ||
            !call_admit_orders(call))
                return NULL;
        answer = engine_try(call->engine, &legs[1], call->now_ms);
        if (answer != ENGINE_OK)
                return orders_refuse(call, answer);
        if (!orders_execute(call, &legs[0], &first))
                return NULL;
        /* The first leg holds the coins of both. */
        answer = engine_place_beside(call->engine, &legs[1], call->now_ms, &second);
        if (answer != ENGINE_OK) {
                engine_cancel(call->engine, first, call->now_ms);
                return orders_refuse(call, answer);
        }
        call->engine->next_list_id += 1;
        return list_json(call, first->wish.list_id, true);
}

/* The id of the list that a request names by number or, in @client_name, by its client id; or 0. */
static uint64_t named_list(const struct call *call, const char *client_name)
{
        uint64_t id = form_u64(call->params, "orderListId", 0);
        struct str client = form_get(call->params, client_name);
        const struct list *head = &call->engine->all;

        if (id || client.n == 0)
                return id;
        for (const struct list *it = head->prev; it != head; it = it->prev) {
                const struct order *o = container_of(it, struct order, all);

                if (o->wish.list_id && o->wish.account == call->account->index &&
                    str_eq(client, str_of(o->wish.list_client_id)))
                        return o->wish.list_id;
        }
        return 0;
}

json_t *list_cancel(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t id = s ? named_list(call, "listClientOrderId") : 0;
        struct list *it, *after;
        bool any = false;

        if (!s)
                return NULL;
        list_for_each_safe(it, after, &call->engine->open)
        {
                struct order *o = container_of(it, struct order, open);

                if (id && o->wish.list_id == id && o->wish.account == call->account->index) {
                        engine_cancel(call->engine, o, call->now_ms);
                        call->is_executed = any = true;
                }
        }
        return any ? list_json(call, id, true) : call_refuse(call, REFUSED_UNKNOWN_ORDER);
}

json_t *list_query(struct call *call)
{
        uint64_t id = named_list(call, "origClientOrderId");
        json_t *list = id ? list_json(call, id, false) : NULL;

        return list ? list : call_refuse(call, REFUSED_NO_ORDER);
}

json_t *list_all(struct call *call)
{
        json_t *all = json_array();

        for (uint64_t id = 1; id < call->engine->next_list_id; ++id) {
                json_t *list = list_json(call, id, false);
                bool open =
                        list && strcmp(json_string_value(json_object_get(list, "listOrderStatus")),
                                       "EXECUTING") == 0;

                if (list && (open || strstr(call->endpoint->path, "allOrderList")))
                        json_add(all, list);
                else
                        json_decref(list);
        }
        return all;
}
