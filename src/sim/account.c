/*
 * The account: balances, positions, trades and settings.
 */
#include "sim/orders.h"

#include <stdio.h>

json_t *account_spot(struct call *call)
{
        const struct market *market = &call->engine->market;
        const struct wallet *wallet = call_wallet(call);
        bool no_zeros = form_is(call->params, "omitZeroBalances", "true");
        json_t *balances = json_array(), *j;

        for (size_t i = 0; i < market->n_assets; ++i) {
                decimal free = wallet->free[PRODUCT_SPOT][i];
                decimal locked = wallet->locked[PRODUCT_SPOT][i];

                if (!market->assets[i].start[PRODUCT_SPOT] || (no_zeros && free + locked == 0))
                        continue;
                json_add(balances, json_pack("{s:s,s:o,s:o}", "asset", market->assets[i].name,
                                             "free", json_decimal(free, DECIMAL_PLACES), "locked",
                                             json_decimal(locked, DECIMAL_PLACES)));
        }
        j = json_pack("{s:i,s:i,s:i,s:i,s:b,s:b,s:b,s:b,s:b,s:I,s:s,s:o,s:[s],s:I}",
                      "makerCommission", 0, "takerCommission", 0, "buyerCommission", 0,
                      "sellerCommission", 0, "canTrade", 1, "canWithdraw", 1, "canDeposit", 1,
                      "brokered", 0, "requireSelfTradePrevention", 0, "updateTime",
                      (json_int_t)call->now_ms, "accountType", "SPOT", "balances", balances,
                      "permissions", "SPOT", "uid", (json_int_t)(1000 + call->account->index));
        json_put(j, "preventSor", json_false());
        json_put(j, "commissionRates",
                 json_pack("{s:s,s:s,s:s,s:s}", "maker", "0.00000000", "taker", "0.00000000",
                           "buyer", "0.00000000", "seller", "0.00000000"));
        return j;
}

static json_t *no_commission(void)
{
        return json_pack("{s:s,s:s,s:s,s:s}", "maker", "0.00000000", "taker", "0.00000000", "buyer",
                         "0.00000000", "seller", "0.00000000");
}

json_t *account_commission(struct call *call)
{
        const struct symbol *s = call_symbol(call);

        if (!s)
                return NULL;
        return json_pack("{s:s,s:o,s:o,s:o,s:{s:b,s:b,s:s,s:s}}", "symbol", s->name,
                         "standardCommission", no_commission(), "specialCommission",
                         no_commission(), "taxCommission", no_commission(), "discount",
                         "enabledForAccount", 1, "enabledForSymbol", 1, "discountAsset", "BNB",
                         "discount", "0.75000000");
}

static json_t *spot_trade(const struct trade *t)
{
        return json_pack("{s:s,s:I,s:I,s:i,s:o,s:o,s:o,s:s,s:s,s:I,s:b,s:b,s:b}", "symbol",
                         t->symbol->name, "id", (json_int_t)t->id, "orderId",
                         (json_int_t)t->order_id, "orderListId", -1, "price",
                         json_price(t->symbol, t->price), "qty", json_qty(t->symbol, t->qty),
                         "quoteQty", json_price(t->symbol, t->quote_qty), "commission",
                         "0.00000000", "commissionAsset", "BNB", "time", (json_int_t)t->time_ms,
                         "isBuyer", !t->is_sell, "isMaker", t->is_maker, "isBestMatch", 1);
}

static json_t *futures_trade(const struct trade *t)
{
        const struct symbol *s = t->symbol;
        bool coin = s->product == PRODUCT_COINM;
        json_t *j = json_pack("{s:s,s:I,s:I,s:s,s:o,s:o,s:o,s:o,s:s,s:s,s:I,s:s,s:b,s:b}", "symbol",
                              s->name, "id", (json_int_t)t->id, "orderId", (json_int_t)t->order_id,
                              "side", t->is_sell ? "SELL" : "BUY", "price", json_price(s, t->price),
                              "qty", json_qty(s, t->qty), "realizedPnl",
                              json_decimal(t->pnl, DECIMAL_PLACES), coin ? "baseQty" : "quoteQty",
                              json_decimal(t->quote_qty, DECIMAL_PLACES), "commission", "0",
                              "commissionAsset", s->margin, "time", (json_int_t)t->time_ms,
                              "positionSide", position_side_name(t->position_side), "buyer",
                              !t->is_sell, "maker", t->is_maker);

        json_put(j, "marginAsset", json_string(s->margin));
        if (coin)
                json_put(j, "pair", json_string(s->pair));
        return j;
}

json_t *account_trades(struct call *call)
{
        const struct engine *engine = call->engine;
        bool optional = call->endpoint->product == PRODUCT_COINM;
        uint64_t order_id = form_u64(call->params, "orderId", 0);
        uint64_t from_id = form_u64(call->params, "fromId", 0);
        uint64_t limit = form_u64(call->params, "limit", 500);
        uint64_t kept = engine->n_trades < TRADES_MAX ? engine->n_trades : TRADES_MAX;
        const struct symbol *symbol;
        json_t *list;

        if (!optional && !call_has(call, "symbol"))
                return NULL;
        if (!call_symbol_if_any(call, &symbol))
                return NULL;
        list = json_array();
        for (uint64_t i = 0; i < kept && json_array_size(list) < limit; ++i) {
                const struct trade *t = &engine->trades[(engine->n_trades - 1 - i) % TRADES_MAX];

                if (t->account != call->account->index || (symbol && t->symbol != symbol) ||
                    t->symbol->product != call->endpoint->product || t->id < from_id ||
                    (order_id && t->order_id != order_id))
                        continue;
                json_array_insert_new(list, 0,
                                      t->symbol->product == PRODUCT_SPOT ? spot_trade(t)
                                                                         : futures_trade(t));
        }
        return list;
}

json_t *account_income(struct call *call)
{
        const struct symbol *symbol;

        return call_symbol_if_any(call, &symbol) ? json_array() : NULL;
}

json_t *account_commission_rate(struct call *call)
{
        const struct symbol *s = call_symbol(call);

        if (!s)
                return NULL;
        return json_pack("{s:s,s:s,s:s,s:s}", "symbol", s->name, "makerCommissionRate", "0.000000",
                         "takerCommissionRate", "0.000000", "rpiCommissionRate", "0.000000");
}

json_t *account_brackets(struct call *call)
{
        const struct market *market = &call->engine->market;
        const struct symbol *one;
        json_t *list;

        if (!call_symbol_if_any(call, &one))
                return NULL;
        list = json_array();
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];
                bool coin = s->product == PRODUCT_COINM;

                if (s->product != call->endpoint->product || (one && one != s))
                        continue;
                json_add(list,
                         json_pack("{s:s,s:[{s:i,s:i,s:i,s:i,s:s,s:s},{s:i,s:i,s:i,s:i,s:s,s:s}]}",
                                   "symbol", s->name, "brackets", "bracket", 1, "initialLeverage",
                                   125, coin ? "qtyCap" : "notionalCap", 300000,
                                   coin ? "qtyFloor" : "notionalFloor", 0, "maintMarginRatio",
                                   "0.004", "cum", "0", "bracket", 2, "initialLeverage", 20,
                                   coin ? "qtyCap" : "notionalCap", 100000000,
                                   coin ? "qtyFloor" : "notionalFloor", 300000, "maintMarginRatio",
                                   "0.02", "cum", "4800"));
        }
        return list;
}

json_t *account_config(struct call *call)
{
        const struct wallet *wallet = call_wallet(call);

        return json_pack("{s:i,s:b,s:b,s:b,s:b,s:b,s:i,s:i}", "feeTier", 0, "canTrade", 1,
                         "canDeposit", 1, "canWithdraw", 1, "dualSidePosition",
                         wallet->dual_side[call->endpoint->product], "multiAssetsMargin",
                         wallet->multi_assets, "updateTime", 0, "tradeGroupId", -1);
}

json_t *account_symbol_config(struct call *call)
{
        const struct market *market = &call->engine->market;
        const struct wallet *wallet = call_wallet(call);
        const struct symbol *one;
        json_t *list;

        if (!call_symbol_if_any(call, &one))
                return NULL;
        list = json_array();
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == call->endpoint->product && (!one || one == s))
                        json_add(list,
                                 json_pack("{s:s,s:s,s:b,s:i,s:s}", "symbol", s->name, "marginType",
                                           wallet->isolated[i] ? "ISOLATED" : "CROSSED",
                                           "isAutoAddMargin", 0, "leverage",
                                           (int)wallet->leverage[i], "maxNotionalValue",
                                           "100000000"));
        }
        return list;
}

static bool has_position(const struct wallet *wallet, size_t symbol)
{
        for (size_t side = 0; side < SIDE_COUNT; ++side)
                if (wallet->positions[symbol][side].qty)
                        return true;
        return false;
}

json_t *account_set_leverage(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t leverage;
        char text[24];

        if (!s || !call_has(call, "leverage"))
                return NULL;
        leverage = form_u64(call->params, "leverage", 0);
        if (leverage < 1 || leverage > 125) {
                snprintf(text, sizeof(text), "%llu", (unsigned long long)leverage);
                return call_refuse(call, REFUSED_LEVERAGE, text);
        }
        call_wallet(call)->leverage[s->index] = (unsigned)leverage;
        return json_pack("{s:s,s:i,s:s}", "symbol", s->name, "leverage", (int)leverage,
                         s->product == PRODUCT_COINM ? "maxQty" : "maxNotionalValue", "100000000");
}

json_t *account_set_margin_type(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        struct wallet *wallet = call_wallet(call);
        bool isolated = form_is(call->params, "marginType", "ISOLATED");

        if (!s || !call_has(call, "marginType"))
                return NULL;
        if (!isolated && !form_is(call->params, "marginType", "CROSSED"))
                return call_refuse(call, REFUSED_BAD_PARAMETER, "marginType");
        if (wallet->isolated[s->index] == isolated)
                return call_refuse(call, REFUSED_NO_MARGIN_CHANGE);
        if (has_position(wallet, s->index))
                return call_refuse(call, REFUSED_MARGIN_WITH_POSITION);
        wallet->isolated[s->index] = isolated;
        return json_pack("{s:i,s:s}", "code", 200, "msg", "success");
}

json_t *account_dual_side(struct call *call)
{
        return json_pack("{s:b}", "dualSidePosition",
                         call_wallet(call)->dual_side[call->endpoint->product]);
}

json_t *account_set_dual_side(struct call *call)
{
        struct wallet *wallet = call_wallet(call);
        enum product product = call->endpoint->product;
        bool dual = form_is(call->params, "dualSidePosition", "true");

        if (!call_has(call, "dualSidePosition"))
                return NULL;
        if (wallet->dual_side[product] == dual)
                return call_refuse(call, REFUSED_NO_SIDE_CHANGE);
        for (size_t i = 0; i < call->engine->market.n_symbols; ++i)
                if (call->engine->market.symbols[i].product == product && has_position(wallet, i))
                        return call_refuse(call, REFUSED_SIDE_WITH_POSITION);
        wallet->dual_side[product] = dual;
        return json_pack("{s:i,s:s}", "code", 200, "msg", "success");
}

json_t *account_multi_assets(struct call *call)
{
        return json_pack("{s:b}", "multiAssetsMargin", call_wallet(call)->multi_assets);
}

json_t *account_set_multi_assets(struct call *call)
{
        if (!call_has(call, "multiAssetsMargin"))
                return NULL;
        call_wallet(call)->multi_assets = form_is(call->params, "multiAssetsMargin", "true");
        return json_pack("{s:i,s:s}", "code", 200, "msg", "success");
}

/* There is no stream behind it; a key that was never asked for does not exist. */
json_t *account_listen_key(struct call *call)
{
        bool *made = &call_wallet(call)->has_listen_key[call->endpoint->product];
        char key[80];

        snprintf(key, sizeof(key), "SimListenKey%zu%.40s", call->account->index,
                 call->account->key);
        if (strcmp(call->endpoint->method, "POST") == 0) {
                *made = true;
                return json_pack("{s:s}", "listenKey", key);
        }
        if (!*made)
                return call_refuse(call, REFUSED_LISTEN_KEY);
        *made = strcmp(call->endpoint->method, "PUT") == 0;
        return *made ? json_pack("{s:s}", "listenKey", key) : json_object();
}
