/*
 * Market
 *
 * What is traded and at which price. Prices are a function of seed, symbol and time, nothing is
 * stored: candles of yesterday and the ticker of now are cut from the same curve, in every run
 * with the same seed. A price may be pinned, for tests.
 */
#ifndef SIM_MARKET_H
#define SIM_MARKET_H

#include "base/base.h"
#include "base/str.h"
#include "sim/decimal.h"

enum product {
        PRODUCT_SPOT,
        PRODUCT_USDM,
        PRODUCT_COINM,
        PRODUCT_COUNT,
        PRODUCT_NONE = PRODUCT_COUNT,
};

struct asset {
        const char *name;
        decimal start[PRODUCT_COUNT];
};

struct symbol {
        enum product product;
        const char *name, *pair;
        const char *base, *quote;
        const char *margin;   /* futures: what it is settled in */
        decimal price;        /* about which it moves */
        decimal tick, step;   /* of prices, of quantities */
        decimal min_notional; /* in quote */
        decimal contract;     /* COIN-M: worth of one contract in quote */
        decimal min_qty, max_qty;
        unsigned price_places, qty_places;
        size_t asset, quote_asset, margin_asset; /* indexes of assets */
        size_t index;
};

#define ASSETS_MAX  16
#define SYMBOLS_MAX 64

struct market {
        uint64_t seed;
        struct asset assets[ASSETS_MAX];
        size_t n_assets;
        struct symbol symbols[SYMBOLS_MAX];
        size_t n_symbols;
        decimal pinned[SYMBOLS_MAX]; /* 0: moves by itself */
};

void market_init(struct market *market, uint64_t seed);
const struct symbol *market_symbol(const struct market *market, enum product product,
                                   struct str name);

/* Where the next trade of @symbol is at @now_ms, on its tick. */
decimal market_price(const struct market *market, const struct symbol *symbol, uint64_t now_ms);
/* One tick apart, around the price. */
decimal market_bid(const struct market *market, const struct symbol *symbol, uint64_t now_ms);
decimal market_ask(const struct market *market, const struct symbol *symbol, uint64_t now_ms);

struct candle {
        decimal open, high, low, close, volume, quote_volume;
        uint64_t trades;
};

/* Of [@from_ms, @to_ms); the future is cut off at @now_ms. */
struct candle market_candle(const struct market *market, const struct symbol *symbol,
                            uint64_t from_ms, uint64_t to_ms, uint64_t now_ms);

/* A number that depends on nothing but its arguments, for quantities and ids. */
uint64_t market_hash(const struct market *market, const struct symbol *symbol, uint64_t salt);

/* Quantity times price in quote (or in the margin asset of COIN-M, where quantities are contracts).
 */
decimal market_notional(const struct symbol *symbol, decimal qty, decimal price);

#endif
