/*
 * Market data, cut from the curves of the market.
 */
#include "sim/call.h"

#include <stdio.h>

#define DAY_MS 86400000ULL

static const struct {
        const char *name;
        uint64_t ms;
} intervals[] = {
        { "1s", 1000 },     { "1m", 60000 },      { "3m", 180000 },     { "5m", 300000 },
        { "15m", 900000 },  { "30m", 1800000 },   { "1h", 3600000 },    { "2h", 7200000 },
        { "4h", 14400000 }, { "6h", 21600000 },   { "8h", 28800000 },   { "12h", 43200000 },
        { "1d", DAY_MS },   { "3d", 3 * DAY_MS }, { "1w", 7 * DAY_MS }, { "1M", 30 * DAY_MS },
};

static bool is_spot(const struct call *call)
{
        return call->endpoint->product == PRODUCT_SPOT;
}

/* Return: false after a refusal. */
static bool get_limit(struct call *call, uint64_t fallback, uint64_t most, uint64_t *ret)
{
        struct str text = form_get(call->params, "limit");

        *ret = fallback;
        if (text.n == 0)
                return true;
        if (str_to_u64(text, ret) == 0 && *ret > 0) {
                if (*ret <= most)
                        return true;
                if (is_spot(call)) { /* spot cuts it */
                        *ret = most;
                        return true;
                }
        }
        call_refuse(call, REFUSED_BAD_PARAMETER, "limit");
        return false;
}

static json_t *depth_side(const struct call *call, const struct symbol *s, uint64_t n, bool asks)
{
        const struct market *market = &call->engine->market;
        decimal price =
                asks ? market_ask(market, s, call->now_ms) : market_bid(market, s, call->now_ms);
        json_t *list = json_array();

        for (uint64_t i = 0; i < n && price > 0; ++i) {
                uint64_t seed = (uint64_t)(price / s->tick) * 2 + asks;
                decimal qty = s->step * (decimal)(1 + market_hash(market, s, seed) % 5000);

                json_add(list, json_pack("[o,o]", json_price(s, price), json_qty(s, qty)));
                price += asks ? s->tick : -s->tick;
        }
        return list;
}

static bool depth_limit(struct call *call, uint64_t *ret)
{
        static const uint64_t allowed[] = { 5, 10, 20, 50, 100, 500, 1000 };
        char text[24];

        if (is_spot(call))
                return get_limit(call, 100, 5000, ret);
        *ret = form_u64(call->params, "limit", 500);
        for (size_t i = 0; i < ARRAY_SIZE(allowed); ++i)
                if (*ret == allowed[i])
                        return true;
        snprintf(text, sizeof(text), "%llu", (unsigned long long)*ret);
        call_refuse(call, REFUSED_DEPTH_LIMIT, text);
        return false;
}

json_t *data_depth(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t n;
        json_t *depth;

        if (!s || !depth_limit(call, &n))
                return NULL;
        depth = json_pack("{s:I}", "lastUpdateId", (json_int_t)(call->now_ms / 100));
        if (!is_spot(call)) {
                json_put(depth, "E", json_integer((json_int_t)call->now_ms));
                json_put(depth, "T", json_integer((json_int_t)call->now_ms));
                if (s->product == PRODUCT_COINM) {
                        json_put(depth, "symbol", json_string(s->name));
                        json_put(depth, "pair", json_string(s->pair));
                }
        }
        json_put(depth, "bids", depth_side(call, s, n, false));
        json_put(depth, "asks", depth_side(call, s, n, true));
        return depth;
}

/* One public trade every quarter of a second. */
#define TRADE_EVERY_MS 250

struct public_trade {
        uint64_t id, time_ms;
        decimal price, qty;
        bool buyer_is_maker;
};

static struct public_trade trade_at(const struct call *call, const struct symbol *s, uint64_t id)
{
        uint64_t hash = market_hash(&call->engine->market, s, id * 3 + 1);

        return (struct public_trade){
                .id = id,
                .time_ms = id * TRADE_EVERY_MS,
                .price = market_price(&call->engine->market, s, id * TRADE_EVERY_MS),
                .qty = s->step * (decimal)(1 + hash % 400),
                .buyer_is_maker = hash >> 63,
        };
}

json_t *data_trades(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t n, from;
        json_t *list;

        if (!s || !get_limit(call, 500, 1000, &n))
                return NULL;
        from = form_u64(call->params, "fromId", call->now_ms / TRADE_EVERY_MS + 1 - n);
        list = json_array();
        for (uint64_t id = from; id < from + n && id * TRADE_EVERY_MS <= call->now_ms; ++id) {
                struct public_trade t = trade_at(call, s, id);
                decimal quote = market_notional(s, t.qty, t.price);

                json_add(list, json_pack("{s:I,s:o,s:o,s:o,s:I,s:b,s:b}", "id", (json_int_t)t.id,
                                         "price", json_price(s, t.price), "qty", json_qty(s, t.qty),
                                         s->product == PRODUCT_COINM ? "baseQty" : "quoteQty",
                                         json_decimal(quote, DECIMAL_PLACES), "time",
                                         (json_int_t)t.time_ms, "isBuyerMaker", t.buyer_is_maker,
                                         "isBestMatch", 1));
        }
        return list;
}

json_t *data_agg_trades(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t n, from, start;
        json_t *list;

        if (!s || !get_limit(call, 500, 1000, &n))
                return NULL;
        start = form_u64(call->params, "startTime", 0);
        from = start ? (start + TRADE_EVERY_MS - 1) / TRADE_EVERY_MS
                     : call->now_ms / TRADE_EVERY_MS + 1 - n;
        from = form_u64(call->params, "fromId", from);
        list = json_array();
        for (uint64_t id = from; id < from + n && id * TRADE_EVERY_MS <= call->now_ms; ++id) {
                struct public_trade t = trade_at(call, s, id);

                json_add(list, json_pack("{s:I,s:o,s:o,s:I,s:I,s:I,s:b,s:b}", "a", (json_int_t)t.id,
                                         "p", json_price(s, t.price), "q", json_qty(s, t.qty), "f",
                                         (json_int_t)t.id, "l", (json_int_t)t.id, "T",
                                         (json_int_t)t.time_ms, "m", t.buyer_is_maker, "M", 1));
        }
        return list;
}

static json_t *candle_json(const struct call *call, const struct symbol *s, uint64_t from,
                           uint64_t step)
{
        struct candle c = market_candle(&call->engine->market, s, from, from + step, call->now_ms);

        return json_pack("[I,o,o,o,o,o,I,o,I,o,o,s]", (json_int_t)from, json_price(s, c.open),
                         json_price(s, c.high), json_price(s, c.low), json_price(s, c.close),
                         json_qty(s, c.volume), (json_int_t)(from + step - 1),
                         json_decimal(c.quote_volume, DECIMAL_PLACES), (json_int_t)c.trades,
                         json_qty(s, c.volume / 2),
                         json_decimal(c.quote_volume / 2, DECIMAL_PLACES), "0");
}

/* Continuous and index candles name a pair. */
static const struct symbol *candle_symbol(struct call *call)
{
        const struct market *market = &call->engine->market;
        struct str pair = form_get(call->params, "pair");

        if (pair.n == 0)
                return call_symbol(call);
        for (size_t i = 0; i < market->n_symbols; ++i)
                if (market->symbols[i].product == call->endpoint->product &&
                    str_eq(pair, str_of(market->symbols[i].pair)))
                        return &market->symbols[i];
        call_refuse(call, REFUSED_SYMBOL);
        return NULL;
}

static bool get_interval(struct call *call, uint64_t *ret_ms)
{
        struct str name = form_get(call->params, "interval");

        if (!call_has(call, "interval"))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(intervals); ++i)
                if (str_eq(name, str_of(intervals[i].name))) {
                        *ret_ms = intervals[i].ms;
                        return true;
                }
        call_refuse(call, REFUSED_INTERVAL);
        return false;
}

json_t *data_klines(struct call *call)
{
        const struct symbol *s = candle_symbol(call);
        uint64_t n, step, from, start, end;
        json_t *list;

        if (!s || !get_interval(call, &step) ||
            !get_limit(call, 500, is_spot(call) ? 1000 : 1500, &n))
                return NULL;
        start = form_u64(call->params, "startTime", 0);
        end = form_u64(call->params, "endTime", call->now_ms);
        end = end < call->now_ms ? end : call->now_ms;
        from = start ? (start + step - 1) / step * step : (end / step + 1 - n) * step;
        list = json_array();
        for (uint64_t i = 0; i < n && from <= end; ++i, from += step)
                json_add(list, candle_json(call, s, from, step));
        return list;
}

json_t *data_avg_price(struct call *call)
{
        const struct symbol *s = call_symbol(call);

        if (!s)
                return NULL;
        return json_pack("{s:i,s:o,s:I}", "mins", 5, "price",
                         json_price(s, market_price(&call->engine->market, s, call->now_ms)),
                         "closeTime", (json_int_t)call->now_ms);
}

typedef json_t *(*symbol_fn)(const struct call *call, const struct symbol *symbol);

static bool in_list(const struct call *call, const char *name)
{
        struct str list = form_get(call->params, "symbols");
        char quoted[40];

        snprintf(quoted, sizeof(quoted), "\"%s\"", name);
        return str_find(list, str_of(quoted)) != NULL;
}

/* One object for a symbol that was asked for, a list otherwise; COIN-M always lists. */
static json_t *for_symbols(struct call *call, symbol_fn fn, bool always_list)
{
        const struct market *market = &call->engine->market;
        bool some = form_has(call->params, "symbols");
        const struct symbol *one;
        json_t *list;

        if (!call_symbol_if_any(call, &one))
                return NULL;
        if (one && !always_list)
                return fn(call, one);
        list = json_array();
        for (size_t i = 0; i < market->n_symbols; ++i) {
                const struct symbol *s = &market->symbols[i];

                if (s->product == call->endpoint->product && (!one || one == s) &&
                    (!some || in_list(call, s->name)))
                        json_add(list, fn(call, s));
        }
        return list;
}

static json_t *ticker_day(const struct call *call, const struct symbol *s)
{
        uint64_t to = call->now_ms, from = to - DAY_MS;
        struct candle c = market_candle(&call->engine->market, s, from, to, to);
        decimal change = c.close - c.open;
        json_t *t =
                json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:I}",
                          "symbol", s->name, "priceChange", json_price(s, change),
                          "priceChangePercent", json_decimal(decimal_div(change * 100, c.open), 3),
                          "weightedAvgPrice", json_price(s, (c.open + c.close) / 2), "lastPrice",
                          json_price(s, c.close), "lastQty", json_qty(s, s->step * 7), "openPrice",
                          json_price(s, c.open), "highPrice", json_price(s, c.high), "lowPrice",
                          json_price(s, c.low), "volume", json_qty(s, c.volume),
                          s->product == PRODUCT_COINM ? "baseVolume" : "quoteVolume",
                          json_decimal(c.quote_volume, DECIMAL_PLACES), "openTime",
                          (json_int_t)from, "closeTime", (json_int_t)to, "firstId",
                          (json_int_t)(from / TRADE_EVERY_MS), "lastId",
                          (json_int_t)(to / TRADE_EVERY_MS), "count",
                          (json_int_t)(DAY_MS / TRADE_EVERY_MS));

        if (is_spot(call)) {
                json_put(t, "prevClosePrice", json_price(s, c.open));
                json_put(t, "bidPrice", json_price(s, market_bid(&call->engine->market, s, to)));
                json_put(t, "bidQty", json_qty(s, s->step * 900));
                json_put(t, "askPrice", json_price(s, market_ask(&call->engine->market, s, to)));
                json_put(t, "askQty", json_qty(s, s->step * 800));
        }
        if (s->product == PRODUCT_COINM)
                json_put(t, "pair", json_string(s->pair));
        return t;
}

json_t *data_ticker_day(struct call *call)
{
        return for_symbols(call, ticker_day, call->endpoint->product == PRODUCT_COINM);
}

static json_t *ticker_price(const struct call *call, const struct symbol *s)
{
        json_t *t = json_pack("{s:s,s:o}", "symbol", s->name, "price",
                              json_price(s, market_price(&call->engine->market, s, call->now_ms)));

        if (s->product == PRODUCT_COINM)
                json_put(t, "ps", json_string(s->pair));
        if (s->product != PRODUCT_SPOT)
                json_put(t, "time", json_integer((json_int_t)call->now_ms));
        return t;
}

json_t *data_ticker_price(struct call *call)
{
        return for_symbols(call, ticker_price, call->endpoint->product == PRODUCT_COINM);
}

static json_t *ticker_book(const struct call *call, const struct symbol *s)
{
        const struct market *market = &call->engine->market;
        json_t *t = json_pack("{s:s,s:o,s:o,s:o,s:o}", "symbol", s->name, "bidPrice",
                              json_price(s, market_bid(market, s, call->now_ms)), "bidQty",
                              json_qty(s, s->step * 900), "askPrice",
                              json_price(s, market_ask(market, s, call->now_ms)), "askQty",
                              json_qty(s, s->step * 800));

        if (s->product == PRODUCT_COINM)
                json_put(t, "pair", json_string(s->pair));
        if (s->product != PRODUCT_SPOT)
                json_put(t, "time", json_integer((json_int_t)call->now_ms));
        return t;
}

json_t *data_ticker_book(struct call *call)
{
        return for_symbols(call, ticker_book, call->endpoint->product == PRODUCT_COINM);
}

/* Funding is paid every eight hours. */
#define FUNDING_MS (8 * 3600000ULL)

static json_t *premium_index(const struct call *call, const struct symbol *s)
{
        json_t *mark = json_price(s, market_price(&call->engine->market, s, call->now_ms));
        json_t *o =
                json_pack("{s:s,s:O,s:O,s:o,s:s,s:s,s:I,s:I}", "symbol", s->name, "markPrice", mark,
                          "indexPrice", mark, "estimatedSettlePrice", mark, "lastFundingRate",
                          "0.00010000", "interestRate", "0.00010000", "nextFundingTime",
                          (json_int_t)((call->now_ms / FUNDING_MS + 1) * FUNDING_MS), "time",
                          (json_int_t)call->now_ms);

        if (s->product == PRODUCT_COINM)
                json_put(o, "pair", json_string(s->pair));
        return o;
}

json_t *data_premium_index(struct call *call)
{
        return for_symbols(call, premium_index, call->endpoint->product == PRODUCT_COINM);
}

json_t *data_funding_rate(struct call *call)
{
        const struct symbol *s;
        uint64_t n, at;
        json_t *list;

        if (!call_symbol_if_any(call, &s) || !get_limit(call, 100, 1000, &n))
                return NULL;
        if (!s)
                s = market_symbol(&call->engine->market, call->endpoint->product,
                                  STR_LITERAL("BTCUSDT"));
        list = json_array();
        at = (call->now_ms / FUNDING_MS + 1 - n) * FUNDING_MS;
        for (uint64_t i = 0; s && i < n; ++i, at += FUNDING_MS)
                json_add(list,
                         json_pack("{s:s,s:I,s:s,s:o}", "symbol", s->name, "fundingTime",
                                   (json_int_t)at, "fundingRate", "0.00010000", "markPrice",
                                   json_price(s, market_price(&call->engine->market, s, at))));
        return list;
}

static json_t *funding_info(const struct call *call, const struct symbol *s)
{
        (void)call;
        return json_pack("{s:s,s:s,s:s,s:i,s:b}", "symbol", s->name, "adjustedFundingRateCap",
                         "0.02000000", "adjustedFundingRateFloor", "-0.02000000",
                         "fundingIntervalHours", 8, "disclaimer", 0);
}

json_t *data_funding_info(struct call *call)
{
        return for_symbols(call, funding_info, true);
}

json_t *data_open_interest(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        json_t *o;

        if (!s)
                return NULL;
        o = json_pack("{s:s,s:o,s:I}", "symbol", s->name, "openInterest",
                      json_qty(s, s->step * 8000000), "time", (json_int_t)call->now_ms);
        if (s->product == PRODUCT_COINM) {
                json_put(o, "pair", json_string(s->pair));
                json_put(o, "contractType", json_string("PERPETUAL"));
        }
        return o;
}

/* The pages under /futures/data: one plausible row per period. */
json_t *data_statistics(struct call *call)
{
        const struct symbol *s = call_symbol(call);
        uint64_t n;
        json_t *list;

        if (!s || !get_limit(call, 30, 500, &n))
                return NULL;
        list = json_array();
        for (uint64_t i = 0; i < n; ++i)
                json_add(list,
                         json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I}", "symbol", s->name,
                                   "sumOpenInterest", "80000.000", "sumOpenInterestValue",
                                   "7300000000.0", "longShortRatio", "1.2000", "longAccount",
                                   "0.5455", "shortAccount", "0.4545", "buyVol", "387.3300",
                                   "sellVol", "248.5030", "timestamp",
                                   (json_int_t)((call->now_ms / 300000 - n + i + 1) * 300000)));
        return list;
}
