/*
 * The endpoints for single orders.
 */
#include "sim/orders.h"

static bool is_spot(const struct call *call)
{
        return call->endpoint->product == PRODUCT_SPOT;
}

json_t *order_place(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish wish = { .is_algo = false };
        struct order *order;

        if (!s || !orders_wish(call, s, &wish) || !call_admit_orders(call) ||
            !orders_execute(call, &wish, &order))
                return NULL;
        return orders_placed_json(call, order);
}

json_t *order_test(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish wish = { .is_algo = false };

        if (!s || !orders_wish(call, s, &wish))
                return NULL;
        if (!is_spot(call) || !form_is(call->params, "computeCommissionRates", "true"))
                return json_object();
        return json_pack("{s:{s:s,s:s},s:{s:s,s:s}}", "standardCommissionForOrder", "maker",
                         "0.00000000", "taker", "0.00000000", "taxCommissionForOrder", "maker",
                         "0.00000000", "taker", "0.00000000");
}

json_t *order_query(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *order = s ? orders_named(call, s, REFUSED_NO_ORDER) : NULL;

        return order ? orders_json(order) : NULL;
}

json_t *order_query_open(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *order = s ? orders_named(call, s, REFUSED_NO_ORDER) : NULL;

        if (!order)
                return NULL;
        return order_is_open(order) ? orders_json(order) : call_refuse(call, REFUSED_NO_ORDER);
}

json_t *order_cancel(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *order = s ? orders_named(call, s, REFUSED_UNKNOWN_ORDER) : NULL;
        char id[CLIENT_ID_MAX + 1];

        if (!order || !orders_client_id(call, "newClientOrderId", id) || !call_admit_orders(call))
                return NULL;
        if (!order_is_open(order))
                return call_refuse(call, REFUSED_UNKNOWN_ORDER);
        engine_cancel(call->engine, order, call->now_ms);
        call->is_executed = true;
        return orders_canceled_json(order, id);
}

json_t *order_cancel_all(struct call *call)
{
        struct order_filter filter = { .symbol = call_symbol(call),
                                       .only_open = true,
                                       .limit = UINT64_MAX };
        json_t *list;

        if (!filter.symbol)
                return NULL;
        list = orders_cancel_all(call, &filter);
        if (is_spot(call)) {
                if (json_array_size(list) > 0)
                        return list;
                json_decref(list);
                return call_refuse(call, REFUSED_UNKNOWN_ORDER);
        }
        json_decref(list);
        return json_pack("{s:i,s:s}", "code", 200, "msg",
                         "The operation of cancel all open order is done.");
}

json_t *order_modify(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order *order = s ? orders_named(call, s, REFUSED_NO_ORDER) : NULL;
        decimal price, qty;
        enum engine_answer answer;

        if (!order || !call_has(call, "side") || !call_decimal(call, "price", &price) ||
            !call_decimal(call, "quantity", &qty))
                return NULL;
        price = price ? price : order->wish.price;
        qty = qty ? qty : order->wish.qty;
        if (price % s->tick || qty % s->step)
                return call_refuse(call, REFUSED_PRECISION_FUTURES);
        if (!call_admit_orders(call))
                return NULL;
        if (!order_is_open(order))
                return call_refuse(call, REFUSED_NO_ORDER);
        if (price == order->wish.price && qty == order->wish.qty)
                return call_refuse(call, REFUSED_NO_MODIFY);
        if (order->n_amendments >= AMENDS_MAX_FUTURES)
                return call_refuse(call, REFUSED_MODIFY_LIMIT);
        answer = engine_modify(call->engine, order, price, qty, call->now_ms);
        call->is_executed = answer == ENGINE_OK;
        return answer == ENGINE_OK ? orders_json(order) : orders_refuse(call, answer);
}

json_t *order_list_open(struct call *call)
{
        struct order_filter filter = { .only_open = true, .limit = UINT64_MAX };

        if (!call_symbol_if_any(call, &filter.symbol))
                return NULL;
        return orders_list(call, &filter, orders_json);
}

json_t *order_list_all(struct call *call)
{
        struct order_filter filter = {
                .symbol = call_symbol(call),
                .from_id = form_u64(call->params, "orderId", 0),
                .limit = form_u64(call->params, "limit", 500),
        };

        return filter.symbol ? orders_list(call, &filter, orders_json) : NULL;
}

json_t *order_countdown(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t wait;

        if (!s || !call_has(call, "countdownTime"))
                return NULL;
        wait = form_u64(call->params, "countdownTime", 0);
        call_wallet(call)->countdown_ms[s->index] = wait ? call->now_ms + wait : 0;
        return json_pack("{s:s,s:I}", "symbol", s->name, "countdownTime", (json_int_t)wait);
}

/* What the two halves of cancelReplace came to; NULL: not attempted. */
struct replacement {
        json_t *cancel, *place;
        bool canceled, placed, tried_to_place;
};

static void replace_cancel(struct call *call, struct replacement *r)
{
        struct order *order = orders_find(call, "cancelOrderId", "cancelOrigClientOrderId");
        char id[CLIENT_ID_MAX + 1];

        r->canceled = order && order_is_open(order) &&
                      orders_client_id(call, "cancelNewClientOrderId", id);
        if (r->canceled) {
                engine_cancel(call->engine, order, call->now_ms);
                call->is_executed = true;
                r->cancel = orders_canceled_json(order, id);
                return;
        }
        call_refuse(call, REFUSED_UNKNOWN_ORDER);
        r->cancel = call_refusal_json(call);
}

static void replace_place(struct call *call, const struct order_wish *wish, struct replacement *r)
{
        struct order *order;

        r->tried_to_place = true;
        r->placed = orders_execute(call, wish, &order);
        r->place = r->placed ? orders_placed_json(call, order) : call_refusal_json(call);
}

/* In @r, or as the refusal whose data it is. */
static json_t *replace_answer(struct call *call, struct replacement *r)
{
        json_t *data = json_pack("{s:s,s:s,s:o,s:o}", "cancelResult",
                                 r->canceled ? "SUCCESS" : "FAILURE", "newOrderResult",
                                 r->placed           ? "SUCCESS"
                                 : r->tried_to_place ? "FAILURE"
                                                     : "NOT_ATTEMPTED",
                                 "cancelResponse", r->cancel, "newOrderResponse",
                                 r->place ? r->place : json_null());

        if (r->canceled && r->placed)
                return data;
        call_refuse(call,
                    r->canceled || r->placed ? REFUSED_REPLACE_PARTLY : REFUSED_REPLACE_FAILED);
        call->data = data;
        return NULL;
}

/* Above the order limit only the cancel may still be tried, if the client wants that. */
static json_t *replace_over_limit(struct call *call, bool goes_on)
{
        struct replacement r = { .tried_to_place = true };
        struct call refused = *call;

        if (call->code != -1015 ||
            !form_is(call->params, "orderRateLimitExceededMode", "CANCEL_ONLY"))
                return NULL;
        r.place = call_refusal_json(call);
        replace_cancel(call, &r);
        if (goes_on)
                return replace_answer(call, &r);
        json_decref(r.place);
        json_decref(r.cancel);
        refused.is_executed = call->is_executed;
        *call = refused;
        return NULL;
}

json_t *order_replace(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct order_wish wish = { .is_algo = false };
        struct replacement r = { .canceled = false };
        bool goes_on = form_is(call->params, "cancelReplaceMode", "ALLOW_FAILURE");

        if (!s || !call_has(call, "cancelReplaceMode") || !orders_wish(call, s, &wish))
                return NULL;
        if (!call_admit_orders(call))
                return replace_over_limit(call, goes_on);
        replace_cancel(call, &r);
        if (r.canceled || goes_on)
                replace_place(call, &wish, &r);
        return replace_answer(call, &r);
}
