#include "trade/answers.h"
#include "trade/amount.h"
#include "trade/words.h"

#include <stdio.h>

/* Text of a string member, of an integer too; "" for anything else or what is too long. */
static void copy_value(const json_t *value, char *to, size_t size)
{
        to[0] = '\0';
        if (json_is_string(value)) {
                if (!str_copy(str_of(json_string_value(value)), to, size))
                        to[0] = '\0';
        } else if (json_is_integer(value)) {
                snprintf(to, size, "%lld", (long long)json_integer_value(value));
        }
}

static void copy(const json_t *j, const char *name, char *to, size_t size)
{
        copy_value(json_object_get(j, name), to, size);
}

/* The first of two names that the endpoints use for one thing. */
static void copy_either(const json_t *j, const char *name, const char *other, char *to, size_t size)
{
        copy(j, json_object_get(j, name) ? name : other, to, size);
}

#define COPY(j, name, to)               copy(j, name, to, sizeof(to))
#define COPY_EITHER(j, name, other, to) copy_either(j, name, other, to, sizeof(to))

/* Of an integer, or of a string of digits. */
static uint64_t number(const json_t *j, const char *name)
{
        const json_t *value = json_object_get(j, name);
        uint64_t n = 0;

        if (json_is_integer(value) && json_integer_value(value) > 0)
                return (uint64_t)json_integer_value(value);
        if (json_is_string(value))
                (void)!str_to_u64(str_of(json_string_value(value)), &n);
        return n;
}

static const char *text(const json_t *j, const char *name)
{
        return json_string_value(json_object_get(j, name));
}

static bool is_true(const json_t *j, const char *name)
{
        return json_is_true(json_object_get(j, name));
}

bool answers_order(const json_t *j, bool is_conditional, struct weir_order_state *ret)
{
        const char *type = is_conditional ? "orderType" : text(j, "origType") ? "origType" : "type";

        *ret = (struct weir_order_state){
                .is_conditional = is_conditional,
                .type = WEIR_TYPE_OTHER,
                .order_id = number(j, is_conditional ? "algoId" : "orderId"),
                .actual_order_id = number(j, "actualOrderId"),
                .created_ms = number(j, is_conditional ? "createTime" : "time"),
                .updated_ms = number(j, "updateTime"),
                .reduce_only = is_true(j, "reduceOnly"),
                .close_position = is_true(j, "closePosition"),
                .status = words_status_from(text(j, is_conditional ? "algoStatus" : "status")),
        };
        (void)!words_side_from(text(j, "side"), &ret->side);
        (void)!words_type_from(text(j, type), &ret->type);
        (void)!words_time_in_force_from(text(j, "timeInForce"), &ret->time_in_force);
        (void)!words_position_side_from(text(j, "positionSide"), &ret->position_side);
        COPY(j, "symbol", ret->symbol);
        COPY(j, is_conditional ? "clientAlgoId" : "clientOrderId", ret->client_id);
        COPY_EITHER(j, "origQty", "quantity", ret->quantity);
        COPY(j, "executedQty", ret->filled);
        COPY(j, "price", ret->price);
        COPY(j, "avgPrice", ret->average_price);
        COPY_EITHER(j, "triggerPrice", "stopPrice", ret->trigger_price);
        COPY_EITHER(j, "cumQuote", "cumBase", ret->filled_value);
        return ret->order_id != 0 && ret->client_id[0] && ret->status != WEIR_STATUS_NONE;
}

static bool is_zero(const char *decimal)
{
        struct amount a;

        return amount_parse(str_of(decimal), &a) < 0 || amount_is_zero(a);
}

bool answers_position(const json_t *j, struct weir_position *ret)
{
        const char *margin_type = text(j, "marginType");

        *ret = (struct weir_position){
                .leverage = (uint32_t)number(j, "leverage"),
                .updated_ms = number(j, "updateTime"),
        };
        (void)!words_position_side_from(text(j, "positionSide"), &ret->side);
        COPY(j, "symbol", ret->symbol);
        COPY(j, "positionAmt", ret->quantity);
        COPY(j, "entryPrice", ret->entry_price);
        COPY(j, "markPrice", ret->mark_price);
        COPY(j, "liquidationPrice", ret->liquidation_price);
        COPY_EITHER(j, "unRealizedProfit", "unrealizedProfit", ret->unrealized);
        COPY_EITHER(j, "notional", "notionalValue", ret->notional);
        COPY(j, "isolatedMargin", ret->margin);
        /* Version 3 does not name the type: an isolated position is one with a margin of its own.
         */
        ret->is_isolated =
                margin_type ? strcmp(margin_type, "isolated") == 0 : !is_zero(ret->margin);
        if (!ret->is_isolated)
                COPY(j, "initialMargin", ret->margin);
        COPY(j, "marginAsset", ret->margin_asset);
        return ret->symbol[0] && !is_zero(ret->quantity);
}

bool answers_balance(const json_t *j, struct weir_balance *ret)
{
        *ret = (struct weir_balance){ .asset = "" };
        COPY(j, "asset", ret->asset);
        COPY(j, "walletBalance", ret->wallet);
        COPY_EITHER(j, "unrealizedProfit", "unRealizedProfit", ret->unrealized);
        COPY(j, "marginBalance", ret->equity);
        COPY(j, "availableBalance", ret->available);
        COPY(j, "initialMargin", ret->initial_margin);
        COPY(j, "maintMargin", ret->maintenance_margin);
        return ret->asset[0] && ret->wallet[0];
}

bool answers_totals(const json_t *j, struct weir_balance *ret)
{
        *ret = (struct weir_balance){ .asset = "" };
        COPY(j, "totalWalletBalance", ret->wallet);
        COPY(j, "totalUnrealizedProfit", ret->unrealized);
        COPY(j, "totalMarginBalance", ret->equity);
        COPY(j, "availableBalance", ret->available);
        COPY(j, "totalInitialMargin", ret->initial_margin);
        COPY(j, "totalMaintMargin", ret->maintenance_margin);
        return ret->wallet[0];
}

bool answers_trade(const json_t *j, struct weir_trade *ret)
{
        *ret = (struct weir_trade){
                .trade_id = number(j, "id"),
                .order_id = number(j, "orderId"),
                .time_ms = number(j, "time"),
                .is_maker = is_true(j, "maker"),
        };
        (void)!words_side_from(text(j, "side"), &ret->side);
        (void)!words_position_side_from(text(j, "positionSide"), &ret->position_side);
        COPY(j, "symbol", ret->symbol);
        COPY(j, "price", ret->price);
        COPY(j, "qty", ret->quantity);
        COPY_EITHER(j, "quoteQty", "baseQty", ret->value);
        COPY(j, "realizedPnl", ret->realized);
        COPY(j, "commission", ret->commission);
        COPY(j, "commissionAsset", ret->commission_asset);
        return ret->trade_id != 0 && ret->price[0] && ret->quantity[0];
}

#define COPY_AT(j, index, to) copy_value(json_array_get(j, index), to, sizeof(to))

bool answers_kline(const json_t *j, struct weir_kline *ret)
{
        *ret = (struct weir_kline){
                .open_ms = (uint64_t)json_integer_value(json_array_get(j, 0)),
                .close_ms = (uint64_t)json_integer_value(json_array_get(j, 6)),
                .n_trades = (uint64_t)json_integer_value(json_array_get(j, 8)),
        };
        COPY_AT(j, 1, ret->open);
        COPY_AT(j, 2, ret->high);
        COPY_AT(j, 3, ret->low);
        COPY_AT(j, 4, ret->close);
        COPY_AT(j, 5, ret->volume);
        COPY_AT(j, 7, ret->value);
        return ret->open_ms != 0 && ret->open[0] && ret->close[0];
}

bool answers_ticker(const json_t *day, const json_t *book, struct weir_ticker *ret)
{
        if (day) {
                COPY(day, "symbol", ret->symbol);
                COPY(day, "lastPrice", ret->last);
                COPY(day, "priceChangePercent", ret->change_percent);
                COPY(day, "highPrice", ret->high);
                COPY(day, "lowPrice", ret->low);
                COPY(day, "volume", ret->volume);
                ret->time_ms = number(day, "closeTime");
        }
        if (book) {
                COPY(book, "bidPrice", ret->bid);
                COPY(book, "bidQty", ret->bid_quantity);
                COPY(book, "askPrice", ret->ask);
                COPY(book, "askQty", ret->ask_quantity);
        }
        return (!day || ret->last[0]) && (!book || ret->bid[0]);
}
