#include "sim/market.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Constant in a static initialiser; halves are rounded up. */
#define DECIMAL(x) ((decimal)((x)*1e8 + 0.5))

static const struct asset assets[] = {
#define ASSET(name, spot, usdm, coinm) { name, { DECIMAL(spot), DECIMAL(usdm), DECIMAL(coinm) } },
#include "sim/symbols.def"
};

static const struct symbol symbols[] = {
#define SYMBOL(product_, name_, pair_, base_, quote_, margin_, price_, tick_, step_, notional_,    \
               contract_)                                                                          \
        { .product = PRODUCT_##product_,                                                           \
          .name = name_,                                                                           \
          .pair = pair_,                                                                           \
          .base = base_,                                                                           \
          .quote = quote_,                                                                         \
          .margin = margin_,                                                                       \
          .price = DECIMAL(price_),                                                                \
          .tick = DECIMAL(tick_),                                                                  \
          .step = DECIMAL(step_),                                                                  \
          .min_notional = DECIMAL(notional_),                                                      \
          .contract = DECIMAL(contract_) },
#include "sim/symbols.def"
};

/* The curve: each octave moves by so much of the price, over so long. */
static const struct {
        uint64_t period_ms;
        double swing;
} octaves[] = {
        { 7 * 86400000ULL, 0.06 }, { 86400000, 0.02 }, { 3600000, 0.006 },
        { 300000, 0.002 },         { 20000, 0.0005 },  { 1500, 0.0001 },
};

static size_t asset_index(const struct market *market, const char *name)
{
        for (size_t i = 0; i < market->n_assets; ++i)
                if (strcmp(market->assets[i].name, name) == 0)
                        return i;
        return 0;
}

void market_init(struct market *market, uint64_t seed)
{
        static_assert(ARRAY_SIZE(assets) <= ASSETS_MAX, "one slot per asset");
        static_assert(ARRAY_SIZE(symbols) <= SYMBOLS_MAX, "one slot per symbol");

        *market = (struct market){ .seed = seed,
                                   .n_assets = ARRAY_SIZE(assets),
                                   .n_symbols = ARRAY_SIZE(symbols) };
        memcpy(market->assets, assets, sizeof(assets));
        memcpy(market->symbols, symbols, sizeof(symbols));
        for (size_t i = 0; i < market->n_symbols; ++i) {
                struct symbol *s = &market->symbols[i];

                s->index = i;
                s->price_places = decimal_places(s->tick);
                s->qty_places = decimal_places(s->step);
                s->min_qty = s->step;
                s->max_qty = 9000000 * DECIMAL_ONE;
                s->asset = asset_index(market, s->base);
                s->quote_asset = asset_index(market, s->quote);
                s->margin_asset = asset_index(market, s->margin);
        }
}

const struct symbol *market_symbol(const struct market *market, enum product product,
                                   struct str name)
{
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == product && str_eq(name, str_of(s->name)))
                        return s;
        }
        return NULL;
}

static uint64_t hash(uint64_t seed, uint64_t what, uint64_t salt)
{
        uint64_t x = seed * 0x9e3779b97f4a7c15ULL + what * 0xbf58476d1ce4e5b9ULL +
                     salt * 0x94d049bb133111ebULL + 1;

        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9ULL;
        x ^= x >> 27;
        x *= 0x94d049bb133111ebULL;
        return x ^ x >> 31;
}

uint64_t market_hash(const struct market *market, const struct symbol *symbol, uint64_t salt)
{
        return hash(market->seed, symbol->index, salt);
}

/* In [-1, 1), one value per knot of an octave; the same for all symbols of a coin, so that spot and
 * futures move together. */
static double knot(const struct market *market, const struct symbol *symbol, size_t octave,
                   uint64_t at)
{
        return (double)(hash(market->seed, symbol->asset, at * 8 + octave) >> 11) /
                       (double)(1ULL << 52) -
               1.0;
}

static double curve(const struct market *market, const struct symbol *symbol, uint64_t now_ms)
{
        double sum = 0;

        for (size_t i = 0; i < ARRAY_SIZE(octaves); ++i) {
                uint64_t at = now_ms / octaves[i].period_ms;
                double part =
                        (double)(now_ms % octaves[i].period_ms) / (double)octaves[i].period_ms;
                double smooth = part * part * (3 - 2 * part);
                double from = knot(market, symbol, i, at), to = knot(market, symbol, i, at + 1);

                sum += octaves[i].swing * (from + (to - from) * smooth);
        }
        return sum;
}

static decimal on_tick(const struct symbol *symbol, decimal price)
{
        price -= price % symbol->tick;
        return price > symbol->tick ? price : symbol->tick;
}

decimal market_price(const struct market *market, const struct symbol *symbol, uint64_t now_ms)
{
        double price;

        if (market->pinned[symbol->index])
                return market->pinned[symbol->index];
        price = (double)symbol->price * (1 + curve(market, symbol, now_ms));
        return on_tick(symbol, (decimal)llround(price));
}

decimal market_bid(const struct market *market, const struct symbol *symbol, uint64_t now_ms)
{
        decimal price = market_price(market, symbol, now_ms);

        return price > symbol->tick ? price : symbol->tick;
}

decimal market_ask(const struct market *market, const struct symbol *symbol, uint64_t now_ms)
{
        return market_bid(market, symbol, now_ms) + symbol->tick;
}

struct candle market_candle(const struct market *market, const struct symbol *symbol,
                            uint64_t from_ms, uint64_t to_ms, uint64_t now_ms)
{
        enum {
                SAMPLES = 4
        };
        struct candle candle = { 0 };
        uint64_t last = to_ms - 1 < now_ms ? to_ms - 1 : now_ms;

        for (uint64_t i = 0; i <= SAMPLES; ++i) {
                decimal p = market_price(market, symbol, from_ms + (last - from_ms) * i / SAMPLES);

                if (i == 0)
                        candle.open = candle.high = candle.low = p;
                candle.high = p > candle.high ? p : candle.high;
                candle.low = p < candle.low ? p : candle.low;
                candle.close = p;
        }
        candle.trades = 1 + market_hash(market, symbol, from_ms) % 997;
        candle.volume = (decimal)candle.trades * 37 * symbol->step;
        candle.quote_volume = market_notional(symbol, candle.volume, candle.close);
        return candle;
}

decimal market_notional(const struct symbol *symbol, decimal qty, decimal price)
{
        if (symbol->product == PRODUCT_COINM)
                return decimal_div(decimal_mul(qty, symbol->contract), price);
        return decimal_mul(qty, price);
}
