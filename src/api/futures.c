#include "api/futures.h"
#include "api/limiter.h"
#include "api/sized.h"
#include "trade/amount.h"
#include "trade/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_log(void *ctx, bool is_error, const char *text)
{
        struct weir_futures *f = ctx;

        f->log(f->log_ctx, is_error ? WEIR_LOG_ERROR : WEIR_LOG_WARNING, text);
}

/* Another exchange than the live one has limits of its own: it never spends those of the desk. */
static int find_limiter(struct weir_futures *f, const struct weir_futures_options *o,
                        struct limiter **ret_limiter, struct weir_error *error)
{
        struct weir_limiter *limiter = o->limiter;
        int r = 0;

        if (o->gateway)
                return 0;
        if (!limiter && futures_is_elsewhere(o->is_testnet, o->url)) {
                r = weir_limiter_open(NULL, &f->own, error);
                limiter = f->own;
        } else if (!limiter) {
                r = weir_limiter_default(&limiter, error);
        }
        if (r == 0)
                *ret_limiter = &limiter->limiter;
        return r;
}

static void configure(struct weir_futures *f, const struct weir_futures_options *o,
                      struct limiter *limiter, struct futures_config *c)
{
        *c = FUTURES_CONFIG_DEFAULT;
        c->market = o->market;
        c->is_testnet = o->is_testnet;
        c->url = o->url;
        c->gateway = o->gateway;
        c->limiter = limiter;
        c->ca_file = o->ca_file;
        c->keys = (struct signer_source){ o->api_key, o->api_key_file, o->api_secret,
                                          o->api_secret_file, o->private_key_file };
        if (o->client_id_prefix)
                c->client_id_prefix = o->client_id_prefix;
        c->recv_window_ms = o->recv_window_ms;
        c->timeout_ms = o->timeout_ms;
        c->lookup_ms = o->lookup_ms;
        if (o->max_retries >= 0)
                c->retry.max_retries = (uint32_t)o->max_retries;
        if (o->base_backoff_ms >= 0)
                c->retry.backoff.base_ms = (uint32_t)o->base_backoff_ms;
        f->log = o->log;
        f->log_ctx = o->log_ctx;
        if (o->log) {
                c->log = on_log;
                c->log_ctx = f;
        }
}

WEIR_PUBLIC int weir_futures_open(const struct weir_futures_options *options,
                                  struct weir_futures **ret_futures, struct weir_error *ret_error)
{
        struct weir_futures_options o = WEIR_FUTURES_DEFAULTS;
        struct weir_futures *f = calloc(1, sizeof(*f));
        struct limiter *limiter = NULL;
        struct futures_config config;
        char why[FUTURES_WHY_MAX];
        int r;

        if (!f) {
                api_write_error(ret_error, "out of memory");
                return -ENOMEM;
        }
        r = api_take(&o, sizeof(o), SIZED_FUTURES_OPTIONS, options, "weir_futures_options",
                     "WEIR_FUTURES_DEFAULTS", ret_error);
        if (r == 0)
                r = api_check_number("weir_futures_options.max_retries", o.max_retries,
                                     API_RETRIES_MAX, ret_error);
        if (r == 0)
                r = api_check_number("weir_futures_options.base_backoff_ms", o.base_backoff_ms,
                                     API_BACKOFF_MAX_MS, ret_error);
        if (r == 0)
                r = find_limiter(f, &o, &limiter, ret_error);
        if (r == 0) {
                configure(f, &o, limiter, &config);
                r = futures_open(&config, &f->inside, why);
                if (r < 0)
                        api_write_error(ret_error, "%s", why);
        }
        if (r < 0) {
                weir_futures_close(f);
                return r;
        }
        *ret_futures = f;
        return 0;
}

WEIR_PUBLIC struct weir_futures *weir_futures_close(struct weir_futures *futures)
{
        if (!futures)
                return NULL;
        futures_close(futures->inside);
        weir_limiter_close(futures->own);
        free(futures);
        return NULL;
}

WEIR_PUBLIC const char *weir_futures_why(const struct weir_futures *futures)
{
        return futures->why[0] ? futures->why : futures_why(futures->inside);
}

WEIR_PUBLIC const char *weir_futures_raw(const struct weir_futures *futures, size_t *ret_bytes)
{
        struct str raw = futures_raw(futures->inside);

        if (ret_bytes)
                *ret_bytes = raw.n;
        return raw.n > 0 ? raw.p : "";
}

WEIR_PUBLIC const char *weir_futures_request(const struct weir_futures *futures)
{
        return futures_request(futures->inside);
}

WEIR_PUBLIC uint64_t weir_futures_now_ms(struct weir_futures *futures)
{
        return futures_now_ms(futures->inside);
}

WEIR_PUBLIC const char *weir_order_status_name(enum weir_order_status status)
{
        return words_status(status);
}

/* A new call: nothing is wrong with it yet. */
static struct futures *begin(struct weir_futures *f)
{
        f->why[0] = '\0';
        return f->inside;
}

static int take(struct weir_futures *f, void *to, size_t to_bytes, size_t first, const void *from,
                const char *name, const char *defaults)
{
        return from ? sized_take_or_say(to, to_bytes, first, from, name, defaults, f->why) : 0;
}

/* What changes something. */

WEIR_PUBLIC int weir_futures_place(struct weir_futures *futures, const struct weir_order *order,
                                   uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        struct weir_order o = WEIR_ORDER_DEFAULTS;
        struct weir_order_report report;
        int r;

        if (take(futures, &o, sizeof(o), SIZED_ORDER, order, "weir_order", "WEIR_ORDER_DEFAULTS") <
            0)
                return -EINVAL;
        r = futures_place(begin(futures), &o, deadline_ms, &report);
        sized_give(ret_report, &report, sizeof(report));
        return r;
}

WEIR_PUBLIC int weir_futures_check(struct weir_futures *futures, const struct weir_order *order,
                                   bool at_exchange, uint64_t deadline_ms,
                                   struct weir_order_state *ret_state)
{
        struct weir_order o = WEIR_ORDER_DEFAULTS;

        if (take(futures, &o, sizeof(o), SIZED_ORDER, order, "weir_order", "WEIR_ORDER_DEFAULTS") <
            0)
                return -EINVAL;
        return futures_check(begin(futures), &o, at_exchange, deadline_ms, ret_state);
}

WEIR_PUBLIC int weir_futures_cancel(struct weir_futures *futures,
                                    const struct weir_order_name *name, uint64_t deadline_ms,
                                    struct weir_order_report *ret_report)
{
        struct weir_order_name n = WEIR_ORDER_NAME_DEFAULTS;
        struct weir_order_report report;
        int r;

        if (take(futures, &n, sizeof(n), SIZED_ORDER_NAME, name, "weir_order_name",
                 "WEIR_ORDER_NAME_DEFAULTS") < 0)
                return -EINVAL;
        r = futures_cancel(begin(futures), &n, deadline_ms, &report);

        sized_give(ret_report, &report, sizeof(report));
        return r;
}

WEIR_PUBLIC int weir_futures_cancel_all(struct weir_futures *futures, const char *symbol,
                                        uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        struct weir_order_report report;
        int r = futures_cancel_all(begin(futures), symbol, deadline_ms, &report);

        sized_give(ret_report, &report, sizeof(report));
        return r;
}

WEIR_PUBLIC int weir_futures_set_leverage(struct weir_futures *futures, const char *symbol,
                                          uint32_t leverage, uint64_t deadline_ms,
                                          struct weir_order_report *ret_report)
{
        struct weir_order_report report;
        int r = futures_set_leverage(begin(futures), symbol, leverage, deadline_ms, &report);

        sized_give(ret_report, &report, sizeof(report));
        return r;
}

WEIR_PUBLIC int weir_futures_set_isolated(struct weir_futures *futures, const char *symbol,
                                          bool is_isolated, uint64_t deadline_ms,
                                          struct weir_order_report *ret_report)
{
        struct weir_order_report report;
        int r = futures_set_isolated(begin(futures), symbol, is_isolated, deadline_ms, &report);

        sized_give(ret_report, &report, sizeof(report));
        return r;
}

WEIR_PUBLIC int weir_futures_set_hedge(struct weir_futures *futures, bool is_hedge,
                                       uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        struct weir_order_report report;
        int r = futures_set_hedge(begin(futures), is_hedge, deadline_ms, &report);

        sized_give(ret_report, &report, sizeof(report));
        return r;
}

/* What is only read. */

WEIR_PUBLIC int weir_futures_query(struct weir_futures *futures, const struct weir_order_name *name,
                                   uint64_t deadline_ms, struct weir_order_state *ret_state)
{
        struct weir_order_name n = WEIR_ORDER_NAME_DEFAULTS;

        if (take(futures, &n, sizeof(n), SIZED_ORDER_NAME, name, "weir_order_name",
                 "WEIR_ORDER_NAME_DEFAULTS") < 0)
                return -EINVAL;
        return futures_query(begin(futures), &n, deadline_ms, ret_state);
}

WEIR_PUBLIC int weir_futures_open_orders(struct weir_futures *futures, const char *symbol,
                                         uint64_t deadline_ms, weir_order_fn fn, void *ctx)
{
        return futures_open_orders(begin(futures), symbol, deadline_ms, fn, ctx);
}

WEIR_PUBLIC int weir_futures_positions(struct weir_futures *futures, const char *symbol,
                                       uint64_t deadline_ms, weir_position_fn fn, void *ctx)
{
        return futures_positions(begin(futures), symbol, deadline_ms, fn, ctx);
}

WEIR_PUBLIC int weir_futures_account(struct weir_futures *futures, uint64_t deadline_ms,
                                     weir_balance_fn fn, void *ctx)
{
        return futures_account(begin(futures), deadline_ms, fn, ctx);
}

WEIR_PUBLIC int weir_futures_trades(struct weir_futures *futures, const char *symbol,
                                    uint64_t order_id, const struct weir_range *range,
                                    uint64_t deadline_ms, weir_trade_fn fn, void *ctx)
{
        struct weir_range r = WEIR_RANGE_DEFAULTS;

        if (take(futures, &r, sizeof(r), SIZED_RANGE, range, "weir_range", "WEIR_RANGE_DEFAULTS") <
            0)
                return -EINVAL;
        return futures_trades(begin(futures), symbol, order_id, &r, deadline_ms, fn, ctx);
}

WEIR_PUBLIC int weir_futures_klines(struct weir_futures *futures, const char *symbol,
                                    const char *interval, const struct weir_range *range,
                                    uint64_t deadline_ms, weir_kline_fn fn, void *ctx)
{
        struct weir_range r = WEIR_RANGE_DEFAULTS;

        if (take(futures, &r, sizeof(r), SIZED_RANGE, range, "weir_range", "WEIR_RANGE_DEFAULTS") <
            0)
                return -EINVAL;
        return futures_klines(begin(futures), symbol, interval, &r, deadline_ms, fn, ctx);
}

WEIR_PUBLIC int weir_futures_ticker(struct weir_futures *futures, const char *symbol,
                                    uint64_t deadline_ms, struct weir_ticker *ret_ticker)
{
        struct weir_ticker ticker;
        int r = futures_ticker(begin(futures), symbol, deadline_ms, &ticker);

        sized_give(ret_ticker, &ticker, sizeof(ticker));
        return r;
}

WEIR_PUBLIC int weir_futures_filters(struct weir_futures *futures, const char *symbol,
                                     uint64_t deadline_ms, struct weir_filters *ret_filters)
{
        struct weir_filters filters;
        int r = futures_filters(begin(futures), symbol, deadline_ms, &filters);

        sized_give(ret_filters, &filters, sizeof(filters));
        return r;
}

/* Decimals. */

static int read_two(const char *a, const char *b, struct amount *ret_a, struct amount *ret_b)
{
        int r = a && b ? amount_parse(str_of(a), ret_a) : -EINVAL;

        return r < 0 ? r : amount_parse(str_of(b), ret_b);
}

WEIR_PUBLIC int weir_decimal_round(const char *value, const char *step,
                                   enum weir_round_to direction, char to[WEIR_DECIMAL_SIZE])
{
        static const enum amount_direction directions[] = {
                [WEIR_DOWN] = AMOUNT_DOWN,
                [WEIR_UP] = AMOUNT_UP,
                [WEIR_NEAREST] = AMOUNT_NEAREST,
        };
        struct amount a, s;
        int r = read_two(value, step, &a, &s);

        if (r < 0)
                return r;
        if (s.units <= 0 || (unsigned)direction >= ARRAY_SIZE(directions))
                return -EINVAL;
        r = amount_round(a, s, directions[direction], &a);
        if (r == 0)
                amount_print(a, to);
        return r;
}

WEIR_PUBLIC int weir_decimal_compare(const char *a, const char *b, int *ret_order)
{
        struct amount x, y;
        int r = read_two(a, b, &x, &y);

        if (r == 0)
                *ret_order = amount_compare(x, y);
        return r;
}
