/*
 * Positions and balances of futures, in the shapes of the two versions of their endpoints.
 */
#include "sim/orders.h"

/* Of initial margin; liquidations do not happen, so it is only shown. */
#define MAINTENANCE_PER_MILLE 4

struct holding {
        const struct symbol *symbol;
        enum position_side side;
        decimal qty, entry, mark, pnl, notional, margin;
        unsigned leverage;
        bool isolated;
        uint64_t updated_ms;
};

static struct holding holding_of(const struct call *call, const struct symbol *s,
                                 enum position_side side)
{
        const struct wallet *wallet = call_wallet(call);
        const struct position *p = &wallet->positions[s->index][side];
        struct holding h = {
                .symbol = s,
                .side = side,
                .qty = p->qty,
                .entry = p->entry,
                .mark = market_price(&call->engine->market, s, call->now_ms),
                .leverage = wallet->leverage[s->index],
                .isolated = wallet->isolated[s->index],
                .updated_ms = p->updated_ms,
        };

        h.pnl = position_pnl(s, h.qty, h.entry, h.mark);
        h.notional = market_notional(s, h.qty, h.mark);
        h.margin = (h.notional < 0 ? -h.notional : h.notional) / (decimal)h.leverage;
        return h;
}

static json_t *amount(decimal value)
{
        return json_decimal(value, DECIMAL_PLACES);
}

static json_t *position_json(const struct holding *h)
{
        const struct symbol *s = h->symbol;
        bool coin = s->product == PRODUCT_COINM;
        json_t *j = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:o,s:I}", "symbol", s->name,
                              "positionAmt", json_qty(s, h->qty), "entryPrice", amount(h->entry),
                              "breakEvenPrice", amount(h->entry), "markPrice", amount(h->mark),
                              "unRealizedProfit", amount(h->pnl), "liquidationPrice", "0",
                              "positionSide", position_side_name(h->side),
                              coin ? "notionalValue" : "notional", amount(h->notional),
                              "isolatedWallet", amount(h->isolated ? h->margin : 0), "updateTime",
                              (json_int_t)h->updated_ms);

        json_object_update_new(j, json_pack("{s:o,s:s,s:s,s:s,s:o,s:i,s:b}", "leverage",
                                            json_decimal((decimal)h->leverage * DECIMAL_ONE, 0),
                                            "maxNotionalValue", "100000000", "marginType",
                                            h->isolated ? "isolated" : "cross", "isAutoAddMargin",
                                            "false", "isolatedMargin",
                                            amount(h->isolated ? h->margin : 0), "adlQuantile", 0,
                                            "isolated", h->isolated));
        if (coin)
                json_put(j, "maxQty", json_string("1000000"));
        json_object_update_new(
                j,
                json_pack("{s:s,s:o,s:o,s:o,s:s,s:s,s:s,s:s}", "marginAsset", s->margin,
                          "initialMargin", amount(h->margin), "maintMargin",
                          amount(h->margin * MAINTENANCE_PER_MILLE / 1000 * (decimal)h->leverage),
                          "positionInitialMargin", amount(h->margin), "openOrderInitialMargin", "0",
                          "adl", "0", "bidNotional", "0", "askNotional", "0"));
        return j;
}

static bool is_third_version(const struct call *call)
{
        return str_has_prefix(str_of(call->endpoint->path), STR_LITERAL("/fapi/v3/"));
}

/* Version 3 shows only what there is; the others show each symbol. */
json_t *account_positions(struct call *call)
{
        const struct market *market = &call->engine->market;
        bool dual = call_wallet(call)->dual_side[call->endpoint->product];
        const struct symbol *one;
        json_t *list;

        if (!call_symbol_if_any(call, &one))
                return NULL;
        list = json_array();
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product != call->endpoint->product || (one && one != s))
                        continue;
                for (enum position_side side = 0; side < SIDE_COUNT; ++side) {
                        struct holding h = holding_of(call, s, side);

                        if (dual == (side != SIDE_BOTH) && (h.qty || !is_third_version(call)))
                                json_add(list, position_json(&h));
                }
        }
        return list;
}

/* Of one margin asset. */
struct funds {
        decimal wallet, pnl, margin, order_margin, available;
};

static struct funds funds_of(const struct call *call, size_t asset)
{
        const struct market *market = &call->engine->market;
        const struct wallet *wallet = call_wallet(call);
        enum product product = call->endpoint->product;
        struct funds f = { .wallet = wallet->free[product][asset],
                           .order_margin = wallet->locked[product][asset] };

        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                for (enum position_side side = 0; side < SIDE_COUNT; ++side) {
                        struct holding h;

                        if (s->product != product || s->margin_asset != asset ||
                            !wallet->positions[i][side].qty)
                                continue;
                        h = holding_of(call, s, side);
                        f.pnl += h.pnl;
                        f.margin += h.margin;
                }
        }
        f.available = f.wallet + f.pnl - f.margin - f.order_margin;
        return f;
}

static json_t *asset_json(const struct call *call, size_t asset)
{
        struct funds f = funds_of(call, asset);
        decimal maintenance = f.margin * MAINTENANCE_PER_MILLE / 100;

        return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:I}", "asset",
                         call->engine->market.assets[asset].name, "walletBalance", amount(f.wallet),
                         "unrealizedProfit", amount(f.pnl), "marginBalance",
                         amount(f.wallet + f.pnl), "maintMargin", amount(maintenance),
                         "initialMargin", amount(f.margin + f.order_margin),
                         "positionInitialMargin", amount(f.margin), "openOrderInitialMargin",
                         amount(f.order_margin), "crossWalletBalance", amount(f.wallet),
                         "crossUnPnl", amount(f.pnl), "availableBalance", amount(f.available),
                         "maxWithdrawAmount", amount(f.available), "marginAvailable", 1,
                         "updateTime", (json_int_t)call->now_ms);
}

static bool is_margin_asset(const struct call *call, size_t asset)
{
        return call->engine->market.assets[asset].start[call->endpoint->product] > 0;
}

/* The sums that an account of USD-M begins with. */
static void put_totals(const struct call *call, json_t *j)
{
        struct funds sum = { 0 };

        for (size_t i = 0; i < call->engine->market.n_assets; ++i) {
                struct funds f = is_margin_asset(call, i) ? funds_of(call, i) : (struct funds){ 0 };

                sum.wallet += f.wallet;
                sum.pnl += f.pnl;
                sum.margin += f.margin;
                sum.order_margin += f.order_margin;
                sum.available += f.available;
        }
        json_object_update_new(
                j, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "totalInitialMargin",
                             amount(sum.margin + sum.order_margin), "totalMaintMargin",
                             amount(sum.margin * MAINTENANCE_PER_MILLE / 100), "totalWalletBalance",
                             amount(sum.wallet), "totalUnrealizedProfit", amount(sum.pnl),
                             "totalMarginBalance", amount(sum.wallet + sum.pnl),
                             "totalPositionInitialMargin", amount(sum.margin),
                             "totalOpenOrderInitialMargin", amount(sum.order_margin),
                             "totalCrossWalletBalance", amount(sum.wallet), "totalCrossUnPnl",
                             amount(sum.pnl), "availableBalance", amount(sum.available),
                             "maxWithdrawAmount", amount(sum.available)));
}

/* Positions as an account lists them: profit has another name there. */
static json_t *account_positions_json(struct call *call)
{
        const struct market *market = &call->engine->market;
        bool dual = call_wallet(call)->dual_side[call->endpoint->product];
        json_t *list = json_array();

        for (size_t i = 0; i < market->n_symbols; ++i)
                for (enum position_side side = 0; side < SIDE_COUNT; ++side) {
                        const struct symbol *s = &market->symbols[i];
                        struct holding h;
                        json_t *j;

                        if (s->product != call->endpoint->product || dual == (side == SIDE_BOTH))
                                continue;
                        h = holding_of(call, s, side);
                        if (!h.qty && is_third_version(call))
                                continue;
                        j = position_json(&h);
                        json_put(j, "unrealizedProfit", amount(h.pnl));
                        json_add(list, j);
                }
        return list;
}

json_t *account_futures(struct call *call)
{
        const struct wallet *wallet = call_wallet(call);
        json_t *j = json_pack("{s:i,s:b,s:b,s:b,s:b,s:b,s:i,s:i}", "feeTier", 0, "canTrade", 1,
                              "canDeposit", 1, "canWithdraw", 1, "dualSidePosition",
                              wallet->dual_side[call->endpoint->product], "multiAssetsMargin",
                              wallet->multi_assets, "tradeGroupId", -1, "updateTime", 0);
        json_t *assets = json_array();

        if (call->endpoint->product == PRODUCT_USDM)
                put_totals(call, j);
        for (size_t i = 0; i < call->engine->market.n_assets; ++i)
                if (is_margin_asset(call, i))
                        json_add(assets, asset_json(call, i));
        json_put(j, "assets", assets);
        json_put(j, "positions", account_positions_json(call));
        return j;
}

static json_t *balance_json(const struct call *call, size_t asset)
{
        struct funds f = funds_of(call, asset);
        json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:b,s:I}", "accountAlias", "SgsRsimuA",
                              "asset", call->engine->market.assets[asset].name, "balance",
                              amount(f.wallet), "crossWalletBalance", amount(f.wallet),
                              "crossUnPnl", amount(f.pnl), "availableBalance", amount(f.available),
                              "maxWithdrawAmount", amount(f.available), "marginAvailable", 1,
                              "updateTime", (json_int_t)call->now_ms);

        if (call->endpoint->product == PRODUCT_COINM)
                json_put(j, "withdrawAvailable", amount(f.available));
        if (call->endpoint->pool == POOL_PAPI)
                json_object_update_new(j,
                                       json_pack("{s:o,s:o,s:o,s:s,s:s}", "totalWalletBalance",
                                                 amount(f.wallet), "umWalletBalance",
                                                 amount(f.wallet), "umUnrealizedPNL", amount(f.pnl),
                                                 "cmWalletBalance", "0", "cmUnrealizedPNL", "0"));
        return j;
}

json_t *account_balance(struct call *call)
{
        json_t *list = json_array();

        for (size_t i = 0; i < call->engine->market.n_assets; ++i)
                if (is_margin_asset(call, i))
                        json_add(list, balance_json(call, i));
        return list;
}
