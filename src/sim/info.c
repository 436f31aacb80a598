/*
 * What the exchange says of itself: time, limits, symbols.
 */
#include "sim/call.h"

#include <stdio.h>

json_t *info_ping(struct call *call)
{
        (void)call;
        return json_object();
}

json_t *info_time(struct call *call)
{
        return json_pack("{s:I}", "serverTime", (json_int_t)call->now_ms);
}

static json_t *limit_json(const char *type, const struct limit *limit)
{
        uint32_t n;
        const char *unit = limit_unit(limit->span_s, &n);

        return json_pack("{s:s,s:s,s:i,s:I}", "rateLimitType", type, "interval", unit,
                         "intervalNum", (int)n, "limit", (json_int_t)limit->limit);
}

static json_t *limits_json(const struct call *call, bool only_orders)
{
        static const struct {
                enum limit_type type;
                const char *name;
        } types[] = {
                { LIMIT_WEIGHT, "REQUEST_WEIGHT" },
                { LIMIT_ORDERS, "ORDERS" },
                { LIMIT_ORDERS_LONG, "ORDERS" },
                { LIMIT_RAW, "RAW_REQUESTS" },
        };
        json_t *list = json_array();

        for (size_t i = 0; i < ARRAY_SIZE(types); ++i) {
                const struct limit *limit =
                        &call->ledger->rules.limits[call->endpoint->pool][types[i].type];
                bool orders = types[i].type == LIMIT_ORDERS || types[i].type == LIMIT_ORDERS_LONG;

                if (limit->limit && limit->span_s && (orders || !only_orders))
                        json_add(list, limit_json(types[i].name, limit));
        }
        return list;
}

/* rateLimit/order: spot shows what is used, futures do not. */
json_t *info_order_limits(struct call *call)
{
        static const enum limit_type types[] = { LIMIT_ORDERS, LIMIT_ORDERS_LONG };
        struct book *book = ledger_book(call->account_owner, call->endpoint->pool, NULL);
        json_t *list = limits_json(call, true);
        size_t at = 0;

        for (size_t i = 0; i < ARRAY_SIZE(types); ++i) {
                const struct limit *limit =
                        &call->ledger->rules.limits[call->endpoint->pool][types[i]];

                if (!limit->limit || !limit->span_s)
                        continue;
                if (call->endpoint->pool == POOL_SPOT)
                        json_put(json_array_get(list, at), "count",
                                 json_integer((json_int_t)ledger_used(call->ledger, book, types[i],
                                                                      call->now_ms)));
                ++at;
        }
        return list;
}

static json_t *price_filter(const struct symbol *s)
{
        return json_pack("{s:s,s:o,s:o,s:o}", "filterType", "PRICE_FILTER", "minPrice",
                         json_price(s, s->tick), "maxPrice", json_price(s, 1000000 * DECIMAL_ONE),
                         "tickSize", json_price(s, s->tick));
}

static json_t *lot_filter(const struct symbol *s, const char *type)
{
        return json_pack("{s:s,s:o,s:o,s:o}", "filterType", type, "minQty", json_qty(s, s->min_qty),
                         "maxQty", json_qty(s, s->max_qty), "stepSize", json_qty(s, s->step));
}

static json_t *spot_filters(const struct symbol *s)
{
        json_t *list = json_array();

        json_add(list, price_filter(s));
        json_add(list, lot_filter(s, "LOT_SIZE"));
        json_add(list, json_pack("{s:s,s:i}", "filterType", "ICEBERG_PARTS", "limit", 10));
        json_add(list, json_pack("{s:s,s:s,s:o,s:s}", "filterType", "MARKET_LOT_SIZE", "minQty",
                                 "0.00000000", "maxQty", json_qty(s, s->max_qty), "stepSize",
                                 "0.00000000"));
        json_add(list, json_pack("{s:s,s:i,s:i,s:i,s:i}", "filterType", "TRAILING_DELTA",
                                 "minTrailingAboveDelta", 10, "maxTrailingAboveDelta", 2000,
                                 "minTrailingBelowDelta", 10, "maxTrailingBelowDelta", 2000));
        json_add(list,
                 json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "filterType", "PERCENT_PRICE_BY_SIDE",
                           "bidMultiplierUp", "5", "bidMultiplierDown", "0.2", "askMultiplierUp",
                           "5", "askMultiplierDown", "0.2", "avgPriceMins", 5));
        json_add(list,
                 json_pack("{s:s,s:o,s:b,s:s,s:b,s:i}", "filterType", "NOTIONAL", "minNotional",
                           json_price(s, s->min_notional), "applyMinToMarket", 1, "maxNotional",
                           "9000000.00000000", "applyMaxToMarket", 0, "avgPriceMins", 5));
        json_add(list, json_pack("{s:s,s:i}", "filterType", "MAX_NUM_ORDERS", "maxNumOrders",
                                 OPEN_ORDERS_MAX));
        json_add(list, json_pack("{s:s,s:i}", "filterType", "MAX_NUM_ALGO_ORDERS",
                                 "maxNumAlgoOrders", 5));
        json_add(list, json_pack("{s:s,s:i}", "filterType", "MAX_NUM_ORDER_AMENDS",
                                 "maxNumOrderAmends", AMENDS_MAX_SPOT));
        return list;
}

static json_t *spot_symbol(const struct symbol *s)
{
        json_t *o = json_pack("{s:s,s:s,s:s,s:i,s:s,s:i,s:i,s:i,s:i}", "symbol", s->name, "status",
                              "TRADING", "baseAsset", s->base, "baseAssetPrecision", 8,
                              "quoteAsset", s->quote, "quotePrecision", 8, "quoteAssetPrecision", 8,
                              "baseCommissionPrecision", 8, "quoteCommissionPrecision", 8);

        json_put(o, "orderTypes",
                 json_pack("[s,s,s,s,s,s,s]", "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS",
                           "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"));
        json_object_update_new(o,
                               json_pack("{s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b}",
                                         "icebergAllowed", 1, "ocoAllowed", 1, "otoAllowed", 0,
                                         "opoAllowed", 0, "quoteOrderQtyMarketAllowed", 1,
                                         "allowTrailingStop", 0, "cancelReplaceAllowed", 1,
                                         "amendAllowed", 1, "pegInstructionsAllowed", 0,
                                         "isSpotTradingAllowed", 1, "isMarginTradingAllowed", 1));
        json_put(o, "filters", spot_filters(s));
        json_put(o, "permissions", json_array());
        json_put(o, "permissionSets", json_pack("[[s,s]]", "SPOT", "MARGIN"));
        json_put(o, "defaultSelfTradePreventionMode", json_string("EXPIRE_MAKER"));
        json_put(o, "allowedSelfTradePreventionModes",
                 json_pack("[s,s,s]", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"));
        return o;
}

static json_t *futures_filters(const struct symbol *s)
{
        json_t *list = json_array();

        json_add(list, price_filter(s));
        json_add(list, lot_filter(s, "LOT_SIZE"));
        json_add(list, lot_filter(s, "MARKET_LOT_SIZE"));
        json_add(list,
                 json_pack("{s:s,s:i}", "filterType", "MAX_NUM_ORDERS", "limit", OPEN_ORDERS_MAX));
        json_add(list, json_pack("{s:s,s:i}", "filterType", "MAX_NUM_ALGO_ORDERS", "limit", 10));
        if (s->product == PRODUCT_USDM)
                json_add(list, json_pack("{s:s,s:o}", "filterType", "MIN_NOTIONAL", "notional",
                                         json_decimal(s->min_notional, 0)));
        json_add(list, json_pack("{s:s,s:s,s:s,s:s}", "filterType", "PERCENT_PRICE", "multiplierUp",
                                 "1.0500", "multiplierDown", "0.9500", "multiplierDecimal", "4"));
        return list;
}

static json_t *futures_symbol(const struct symbol *s)
{
        bool coin = s->product == PRODUCT_COINM;
        json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s}", "symbol", s->name,
                              "pair", s->pair, "contractType", "PERPETUAL", "deliveryDate",
                              (json_int_t)4133404800000, "onboardDate", (json_int_t)1569398400000,
                              coin ? "contractStatus" : "status", "TRADING", "maintMarginPercent",
                              "2.5000", "requiredMarginPercent", "5.0000", "baseAsset", s->base,
                              "quoteAsset", s->quote, "marginAsset", s->margin);

        json_object_update_new(o, json_pack("{s:i,s:i,s:i,s:i,s:s,s:s,s:s,s:s}", "pricePrecision",
                                            (int)s->price_places, "quantityPrecision",
                                            (int)s->qty_places, "baseAssetPrecision", 8,
                                            "quotePrecision", 8, "underlyingType", "COIN",
                                            "triggerProtect", "0.0500", "liquidationFee",
                                            "0.012500", "marketTakeBound", "0.05"));
        if (coin)
                json_put(o, "contractSize", json_integer(s->contract / DECIMAL_ONE));
        else
                json_put(o, "maxMoveOrderLimit", json_integer(AMENDS_MAX_FUTURES));
        json_put(o, "underlyingSubType", json_pack("[s]", "PoW"));
        json_put(o, "filters", futures_filters(s));
        json_put(o, "orderTypes",
                 json_pack("[s,s,s,s,s,s,s]", "LIMIT", "MARKET", "STOP", "STOP_MARKET",
                           "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"));
        json_put(o, "timeInForce", json_pack("[s,s,s,s,s]", "GTC", "IOC", "FOK", "GTX", "GTD"));
        return o;
}

/* Whether @symbol is in the request's symbol or symbols, or neither was sent. */
static bool is_wanted(const struct call *call, const struct symbol *symbol)
{
        struct str list = form_get(call->params, "symbols");
        struct str one = form_get(call->params, "symbol");
        char quoted[40];

        if (one.n > 0 && call->endpoint->pool == POOL_SPOT)
                return str_eq(one, str_of(symbol->name));
        if (list.n == 0)
                return true;
        snprintf(quoted, sizeof(quoted), "\"%s\"", symbol->name);
        return str_find(list, str_of(quoted)) != NULL;
}

static json_t *symbols_json(const struct call *call)
{
        const struct market *market = &call->engine->market;
        json_t *list = json_array();

        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == call->endpoint->product && is_wanted(call, s))
                        json_add(list,
                                 s->product == PRODUCT_SPOT ? spot_symbol(s) : futures_symbol(s));
        }
        return list;
}

static json_t *assets_json(const struct call *call)
{
        const struct market *market = &call->engine->market;
        json_t *list = json_array();

        for (size_t i = 0; i < market->n_assets; ++i)
                if (market->assets[i].start[call->endpoint->product])
                        json_add(list,
                                 json_pack("{s:s,s:b,s:s}", "asset", market->assets[i].name,
                                           "marginAvailable", 1, "autoAssetExchange", "-10000"));
        return list;
}

json_t *info_exchange(struct call *call)
{
        const struct symbol *one;
        json_t *info;

        if (call->endpoint->product != PRODUCT_NONE && !call_symbol_if_any(call, &one))
                return NULL;
        info = json_pack("{s:s,s:I,s:o,s:[]}", "timezone", "UTC", "serverTime",
                         (json_int_t)call->now_ms, "rateLimits", limits_json(call, false),
                         "exchangeFilters");
        if (call->endpoint->product == PRODUCT_USDM) {
                json_put(info, "futuresType", json_string("U_MARGINED"));
                json_put(info, "assets", assets_json(call));
        }
        if (call->endpoint->product == PRODUCT_NONE)
                json_put(info, "optionSymbols", json_array());
        else
                json_put(info, "symbols", symbols_json(call));
        return info;
}
