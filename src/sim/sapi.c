/*
 * The few wallet and margin endpoints that client libraries call when they load markets,
 * currencies and balances.
 */
#include "sim/call.h"

json_t *sapi_system_status(struct call *call)
{
        (void)call;
        return json_pack("{s:i,s:s}", "status", 0, "msg", "normal");
}

static json_t *network_json(const char *coin)
{
        json_t *j =
                json_pack("{s:s,s:s,s:s,s:b,s:b,s:b,s:b}", "network", coin, "coin", coin, "name",
                          coin, "isDefault", 1, "depositEnable", 1, "withdrawEnable", 1, "busy", 0);

        json_object_update_new(j, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i}",
                                            "withdrawIntegerMultiple", "0.00000001", "withdrawFee",
                                            "0.0001", "withdrawMin", "0.001", "withdrawMax",
                                            "1000000", "withdrawInternalMin", "0", "depositDust",
                                            "0.0001", "minConfirm", 1, "unLockConfirm", 2));
        return j;
}

static bool is_on_spot(const struct call *call, size_t asset)
{
        return call->engine->market.assets[asset].start[PRODUCT_SPOT] > 0;
}

json_t *sapi_coins(struct call *call)
{
        const struct wallet *wallet = call_wallet(call);
        json_t *list = json_array();

        for (size_t i = 0; i < call->engine->market.n_assets; ++i) {
                const char *name = call->engine->market.assets[i].name;
                decimal free = wallet->free[PRODUCT_SPOT][i];
                decimal locked = wallet->locked[PRODUCT_SPOT][i];

                if (is_on_spot(call, i))
                        json_add(list,
                                 json_pack("{s:s,s:s,s:b,s:b,s:b,s:b,s:o,s:o,s:s,s:s,s:[o]}",
                                           "coin", name, "name", name, "trading", 1,
                                           "depositAllEnable", 1, "withdrawAllEnable", 1,
                                           "isLegalMoney", 0, "free",
                                           json_decimal(free, DECIMAL_PLACES), "locked",
                                           json_decimal(locked, DECIMAL_PLACES), "freeze", "0",
                                           "withdrawing", "0", "networkList", network_json(name)));
        }
        return list;
}

json_t *sapi_margin_pairs(struct call *call)
{
        const struct market *market = &call->engine->market;
        json_t *list = json_array();

        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == PRODUCT_SPOT)
                        json_add(list, json_pack("{s:I,s:s,s:s,s:s,s:b,s:b,s:b}", "id",
                                                 (json_int_t)i, "symbol", s->name, "base", s->base,
                                                 "quote", s->quote, "isMarginTrade", 1,
                                                 "isBuyAllowed", 1, "isSellAllowed", 1));
        }
        return list;
}

json_t *sapi_margin_assets(struct call *call)
{
        json_t *list = json_array();

        for (size_t i = 0; i < call->engine->market.n_assets; ++i) {
                const char *name = call->engine->market.assets[i].name;

                if (is_on_spot(call, i))
                        json_add(list, json_pack("{s:s,s:s,s:b,s:b,s:s,s:s}", "assetName", name,
                                                 "assetFullName", name, "isBorrowable", 1,
                                                 "isMortgageable", 1, "userMinBorrow", "0",
                                                 "userMinRepay", "0"));
        }
        return list;
}

json_t *sapi_account_status(struct call *call)
{
        (void)call;
        return json_pack("{s:s}", "data", "Normal");
}

json_t *sapi_trading_status(struct call *call)
{
        return json_pack("{s:{s:b,s:i,s:{},s:I}}", "data", "isLocked", 0, "plannedRecoverTime", 0,
                         "triggerCondition", "updateTime", (json_int_t)call->now_ms);
}

json_t *sapi_restrictions(struct call *call)
{
        return json_pack("{s:b,s:I,s:b,s:b,s:b,s:b,s:b,s:b,s:b}", "ipRestrict", 0, "createTime",
                         (json_int_t)call->now_ms, "enableReading", 1, "enableWithdrawals", 0,
                         "enableInternalTransfer", 0, "enableMargin", 1, "enableFutures", 1,
                         "permitsUniversalTransfer", 0, "enableSpotAndMarginTrading", 1);
}

json_t *sapi_trade_fee(struct call *call)
{
        const struct market *market = &call->engine->market;
        const struct symbol *one;
        json_t *list;

        if (!call_symbol_if_any(call, &one))
                return NULL;
        list = json_array();
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == PRODUCT_SPOT && (!one || one == s))
                        json_add(list, json_pack("{s:s,s:s,s:s}", "symbol", s->name,
                                                 "makerCommission", "0", "takerCommission", "0"));
        }
        return list;
}

json_t *sapi_user_assets(struct call *call)
{
        const struct wallet *wallet = call_wallet(call);
        json_t *list = json_array();

        for (size_t i = 0; i < call->engine->market.n_assets; ++i)
                if (is_on_spot(call, i))
                        json_add(list, json_pack("{s:s,s:o,s:o,s:s,s:s,s:s,s:s}", "asset",
                                                 call->engine->market.assets[i].name, "free",
                                                 json_decimal(wallet->free[PRODUCT_SPOT][i],
                                                              DECIMAL_PLACES),
                                                 "locked",
                                                 json_decimal(wallet->locked[PRODUCT_SPOT][i],
                                                              DECIMAL_PLACES),
                                                 "freeze", "0", "withdrawing", "0", "ipoable", "0",
                                                 "btcValuation", "0"));
        return list;
}

json_t *sapi_transfer(struct call *call)
{
        if (!call_has(call, "type") || !call_has(call, "asset") || !call_has(call, "amount"))
                return NULL;
        return json_pack("{s:I}", "tranId", (json_int_t)call->now_ms);
}

json_t *sapi_nothing(struct call *call)
{
        (void)call;
        return json_array();
}
