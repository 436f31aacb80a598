#include "cli/futures_json.h"
#include "trade/words.h"

json_t *futures_json_text(const char *s)
{
        return s && s[0] ? json_string(s) : json_null();
}

json_t *futures_json_number(uint64_t n)
{
        return json_integer((json_int_t)n);
}

void futures_json_put(json_t *object, const char *name, json_t *value)
{
        int r = json_object_set_new(object, name, value);

        must(r == 0);
}

json_t *futures_json_order(const struct weir_order_state *o)
{
        json_t *j = json_object();

        futures_json_put(j, "symbol", futures_json_text(o->symbol));
        futures_json_put(j, "orderId",
                         o->order_id ? futures_json_number(o->order_id) : json_null());
        futures_json_put(j, "clientId", futures_json_text(o->client_id));
        futures_json_put(j, "conditional", json_boolean(o->is_conditional));
        futures_json_put(j, "status", futures_json_text(words_status(o->status)));
        futures_json_put(j, "side", futures_json_text(words_side(o->side)));
        futures_json_put(j, "positionSide",
                         futures_json_text(words_position_side(o->position_side)));
        futures_json_put(j, "type", futures_json_text(words_type(o->type)));
        futures_json_put(j, "timeInForce",
                         futures_json_text(words_time_in_force(o->time_in_force)));
        futures_json_put(j, "quantity", futures_json_text(o->quantity));
        futures_json_put(j, "filled", futures_json_text(o->filled));
        futures_json_put(j, "price", futures_json_text(o->price));
        futures_json_put(j, "averagePrice", futures_json_text(o->average_price));
        futures_json_put(j, "triggerPrice", futures_json_text(o->trigger_price));
        futures_json_put(j, "filledValue", futures_json_text(o->filled_value));
        futures_json_put(j, "reduceOnly", json_boolean(o->reduce_only));
        futures_json_put(j, "closePosition", json_boolean(o->close_position));
        if (o->actual_order_id)
                futures_json_put(j, "actualOrderId", futures_json_number(o->actual_order_id));
        futures_json_put(j, "updatedMs",
                         o->updated_ms ? futures_json_number(o->updated_ms) : json_null());
        return j;
}

json_t *futures_json_position(const struct weir_position *p)
{
        json_t *j = json_object();

        futures_json_put(j, "symbol", futures_json_text(p->symbol));
        futures_json_put(j, "side", futures_json_text(words_position_side(p->side)));
        futures_json_put(j, "quantity", futures_json_text(p->quantity));
        futures_json_put(j, "entryPrice", futures_json_text(p->entry_price));
        futures_json_put(j, "markPrice", futures_json_text(p->mark_price));
        futures_json_put(j, "liquidationPrice", futures_json_text(p->liquidation_price));
        futures_json_put(j, "unrealized", futures_json_text(p->unrealized));
        futures_json_put(j, "notional", futures_json_text(p->notional));
        futures_json_put(j, "margin", futures_json_text(p->margin));
        futures_json_put(j, "marginAsset", futures_json_text(p->margin_asset));
        futures_json_put(j, "isolated", json_boolean(p->is_isolated));
        futures_json_put(j, "leverage",
                         p->leverage ? futures_json_number(p->leverage) : json_null());
        futures_json_put(j, "updatedMs", futures_json_number(p->updated_ms));
        return j;
}

json_t *futures_json_balance(const struct weir_balance *b)
{
        json_t *j = json_object();

        futures_json_put(j, "asset", futures_json_text(b->asset));
        futures_json_put(j, "wallet", futures_json_text(b->wallet));
        futures_json_put(j, "unrealized", futures_json_text(b->unrealized));
        futures_json_put(j, "equity", futures_json_text(b->equity));
        futures_json_put(j, "available", futures_json_text(b->available));
        futures_json_put(j, "initialMargin", futures_json_text(b->initial_margin));
        futures_json_put(j, "maintenanceMargin", futures_json_text(b->maintenance_margin));
        return j;
}

json_t *futures_json_trade(const struct weir_trade *t)
{
        json_t *j = json_object();

        futures_json_put(j, "symbol", futures_json_text(t->symbol));
        futures_json_put(j, "tradeId", futures_json_number(t->trade_id));
        futures_json_put(j, "orderId", futures_json_number(t->order_id));
        futures_json_put(j, "timeMs", futures_json_number(t->time_ms));
        futures_json_put(j, "side", futures_json_text(words_side(t->side)));
        futures_json_put(j, "positionSide",
                         futures_json_text(words_position_side(t->position_side)));
        futures_json_put(j, "maker", json_boolean(t->is_maker));
        futures_json_put(j, "price", futures_json_text(t->price));
        futures_json_put(j, "quantity", futures_json_text(t->quantity));
        futures_json_put(j, "value", futures_json_text(t->value));
        futures_json_put(j, "realized", futures_json_text(t->realized));
        futures_json_put(j, "commission", futures_json_text(t->commission));
        futures_json_put(j, "commissionAsset", futures_json_text(t->commission_asset));
        return j;
}
