/*
 * Futures
 *
 * The execution adapter: orders, settings, lists of USD-M and COIN-M futures, in the structures of
 * weir.h, whose section 6 says what each function promises. Return values are those there; the
 * room api only checks arguments and calls here.
 *
 *      futures.c   opening, one request and its meaning, the exchange's filters
 *      place.c     placing
 *      change.c    cancels and settings
 *      lookup.c    what became of an order when nobody said
 *      lists.c     what is only read
 *      monitor.c   the position monitor on top of it, see monitor.h
 */
#ifndef TRADE_FUTURES_H
#define TRADE_FUTURES_H

#include "base/base.h"
#include "trade/courier.h"

#include <weir.h>

struct futures;

struct futures_config {
        enum weir_market market;
        bool is_testnet;
        const char *url;     /* NULL: the one of market and testnet */
        const char *gateway; /* NULL: straight, with @limiter */
        struct limiter *limiter;
        const char *ca_file;
        struct signer_source keys;
        const char *client_id_prefix;
        uint32_t recv_window_ms, timeout_ms, lookup_ms;
        struct call_config retry;
        courier_log_fn log;
        void *log_ctx;
};

#define FUTURES_CONFIG_DEFAULT                                                                     \
        ((struct futures_config){ .client_id_prefix = "weir",                                      \
                                  .recv_window_ms = 5000,                                          \
                                  .timeout_ms = 10000,                                             \
                                  .lookup_ms = 10000,                                              \
                                  .retry = CALL_CONFIG_DEFAULT })

/*
 * Whether the exchange there is another than Binance's own: a testnet, a simulated one. It counts
 * for itself and has limits of its own, so it must not share the region of the live one.
 */
bool futures_is_elsewhere(bool is_testnet, const char *url);

#define FUTURES_WHY_MAX 512

/* Return: 0, or a negative errno with @ret_why written. */
CHECKED int futures_open(const struct futures_config *config, struct futures **ret_futures,
                         char ret_why[FUTURES_WHY_MAX]);
/* Accepts NULL. Return: NULL. */
struct futures *futures_close(struct futures *f);

const char *futures_why(const struct futures *f);
struct str futures_raw(const struct futures *f);
const char *futures_request(const struct futures *f);
/* The exchange's time; asks for it if it is not known yet. */
uint64_t futures_now_ms(struct futures *f);

CHECKED int futures_place(struct futures *f, const struct weir_order *order, uint64_t deadline_ms,
                          struct weir_order_report *ret_report);
CHECKED int futures_check(struct futures *f, const struct weir_order *order, bool at_exchange,
                          uint64_t deadline_ms, struct weir_order_state *ret_state);
CHECKED int futures_cancel(struct futures *f, const struct weir_order_name *name,
                           uint64_t deadline_ms, struct weir_order_report *ret_report);
CHECKED int futures_cancel_all(struct futures *f, const char *symbol, uint64_t deadline_ms,
                               struct weir_order_report *ret_report);
CHECKED int futures_set_leverage(struct futures *f, const char *symbol, uint32_t leverage,
                                 uint64_t deadline_ms, struct weir_order_report *ret_report);
CHECKED int futures_set_isolated(struct futures *f, const char *symbol, bool is_isolated,
                                 uint64_t deadline_ms, struct weir_order_report *ret_report);
CHECKED int futures_set_hedge(struct futures *f, bool is_hedge, uint64_t deadline_ms,
                              struct weir_order_report *ret_report);

CHECKED int futures_query(struct futures *f, const struct weir_order_name *name,
                          uint64_t deadline_ms, struct weir_order_state *ret_state);
CHECKED int futures_open_orders(struct futures *f, const char *symbol, uint64_t deadline_ms,
                                weir_order_fn fn, void *ctx);
CHECKED int futures_positions(struct futures *f, const char *symbol, uint64_t deadline_ms,
                              weir_position_fn fn, void *ctx);
CHECKED int futures_account(struct futures *f, uint64_t deadline_ms, weir_balance_fn fn, void *ctx);
CHECKED int futures_trades(struct futures *f, const char *symbol, uint64_t order_id,
                           const struct weir_range *range, uint64_t deadline_ms, weir_trade_fn fn,
                           void *ctx);
CHECKED int futures_klines(struct futures *f, const char *symbol, const char *interval,
                           const struct weir_range *range, uint64_t deadline_ms, weir_kline_fn fn,
                           void *ctx);
CHECKED int futures_ticker(struct futures *f, const char *symbol, uint64_t deadline_ms,
                           struct weir_ticker *ret_ticker);
CHECKED int futures_filters(struct futures *f, const char *symbol, uint64_t deadline_ms,
                            struct weir_filters *ret_filters);

#endif
