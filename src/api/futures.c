#include "trade/futures.h"
#include "api/limiter.h"
#include "trade/amount.h"
#include "trade/words.h"

#include <errno.h>
#include <stdlib.h>

/* The adapter as weir.h hands it out: what it logs is for the caller's own function. */
struct weir_futures {
        struct futures *futures;
        weir_log_fn log;
        void *log_ctx;
};

static void pass_on(void *ctx, bool is_error, const char *text)
{
        const struct weir_futures *f = ctx;

        f->log(f->log_ctx, is_error ? WEIR_LOG_ERROR : WEIR_LOG_WARNING, text);
}

static int check_options(const struct weir_futures_options *o, struct weir_error *error)
{
        if (o->size < sizeof(*o)) {
                api_write_error(error,
                                "weir_futures_options.size is %zu; begin with "
                                "WEIR_FUTURES_DEFAULTS",
                                o->size);
                return -EINVAL;
        }
        if (o->market != WEIR_USDM && o->market != WEIR_COINM) {
                api_write_error(error, "market is %d; WEIR_USDM or WEIR_COINM", (int)o->market);
                return -EINVAL;
        }
        if (o->max_retries < 0 || o->max_retries > 20 || o->base_backoff_ms < 1 ||
            o->base_backoff_ms > 60000) {
                api_write_error(error,
                                "max_retries is %d and base_backoff_ms is %d; from 0 to 20 and "
                                "from 1 to 60000",
                                o->max_retries, o->base_backoff_ms);
                return -EINVAL;
        }
        return 0;
}

static struct futures_config config_of(const struct weir_futures_options *o,
                                       struct weir_limiter *limiter, struct weir_futures *f)
{
        struct futures_config config = FUTURES_CONFIG_DEFAULT;

        config.market = o->market;
        config.is_testnet = o->is_testnet;
        config.url = o->url;
        config.gateway = o->gateway;
        config.limiter = limiter ? &limiter->limiter : NULL;
        config.ca_file = o->ca_file;
        config.keys = (struct signer_source){
                .api_key = o->api_key,
                .api_key_file = o->api_key_file,
                .api_secret = o->api_secret,
                .api_secret_file = o->api_secret_file,
                .private_key_file = o->private_key_file,
        };
        if (o->client_id_prefix)
                config.client_id_prefix = o->client_id_prefix;
        config.recv_window_ms = o->recv_window_ms;
        config.timeout_ms = o->timeout_ms;
        config.lookup_ms = o->lookup_ms;
        config.retry.max_retries = (uint32_t)o->max_retries;
        config.retry.backoff.base_ms = (uint32_t)o->base_backoff_ms;
        config.log = o->log ? pass_on : NULL;
        config.log_ctx = f;
        return config;
}

int weir_futures_open(const struct weir_futures_options *options, struct weir_futures **ret_futures,
                      struct weir_error *ret_error)
{
        static const struct weir_futures_options defaults = WEIR_FUTURES_DEFAULTS;
        const struct weir_futures_options *o = options ? options : &defaults;
        struct weir_limiter *limiter = o->limiter;
        struct futures_config config;
        char why[FUTURES_WHY_MAX];
        struct weir_futures *f;
        int r = check_options(o, ret_error);

        if (r == 0 && !o->gateway && !limiter)
                r = weir_limiter_default(&limiter, ret_error);
        if (r < 0)
                return r;
        f = calloc(1, sizeof(*f));
        if (!f) {
                api_write_error(ret_error, "no memory for an adapter");
                return -ENOMEM;
        }
        f->log = o->log;
        f->log_ctx = o->log_ctx;
        config = config_of(o, o->gateway ? NULL : limiter, f);
        r = futures_open(&config, &f->futures, why);
        if (r < 0) {
                api_write_error(ret_error, "%s", why);
                free(f);
                return r;
        }
        *ret_futures = f;
        return 0;
}

struct weir_futures *weir_futures_close(struct weir_futures *futures)
{
        if (!futures)
                return NULL;
        futures_close(futures->futures);
        free(futures);
        return NULL;
}

const char *weir_futures_why(const struct weir_futures *futures)
{
        return futures_why(futures->futures);
}

const char *weir_futures_raw(const struct weir_futures *futures, size_t *ret_bytes)
{
        struct str raw = futures_raw(futures->futures);

        if (ret_bytes)
                *ret_bytes = raw.n;
        return raw.n ? raw.p : "";
}

const char *weir_futures_request(const struct weir_futures *futures)
{
        return futures_request(futures->futures);
}

uint64_t weir_futures_now_ms(struct weir_futures *futures)
{
        return futures_now_ms(futures->futures);
}

/* A caller that was compiled against an older header has less room than we would write. */
#define SIZE_IS_WRONG(p) ((p)->size < sizeof(*(p)))

int weir_futures_place(struct weir_futures *futures, const struct weir_order *order,
                       uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(order) || SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_place(futures->futures, order, deadline_ms, ret_report);
}

int weir_futures_check(struct weir_futures *futures, const struct weir_order *order,
                       bool at_exchange, uint64_t deadline_ms, struct weir_order_state *ret_state)
{
        if (SIZE_IS_WRONG(order))
                return -EINVAL;
        return futures_check(futures->futures, order, at_exchange, deadline_ms, ret_state);
}

int weir_futures_cancel(struct weir_futures *futures, const struct weir_order_name *name,
                        uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_cancel(futures->futures, name, deadline_ms, ret_report);
}

int weir_futures_cancel_all(struct weir_futures *futures, const char *symbol, uint64_t deadline_ms,
                            struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_cancel_all(futures->futures, symbol, deadline_ms, ret_report);
}

int weir_futures_set_leverage(struct weir_futures *futures, const char *symbol, uint32_t leverage,
                              uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_set_leverage(futures->futures, symbol, leverage, deadline_ms, ret_report);
}

int weir_futures_set_isolated(struct weir_futures *futures, const char *symbol, bool is_isolated,
                              uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_set_isolated(futures->futures, symbol, is_isolated, deadline_ms, ret_report);
}

int weir_futures_set_hedge(struct weir_futures *futures, bool is_hedge, uint64_t deadline_ms,
                           struct weir_order_report *ret_report)
{
        if (SIZE_IS_WRONG(ret_report))
                return -EINVAL;
        return futures_set_hedge(futures->futures, is_hedge, deadline_ms, ret_report);
}

int weir_futures_query(struct weir_futures *futures, const struct weir_order_name *name,
                       uint64_t deadline_ms, struct weir_order_state *ret_state)
{
        return futures_query(futures->futures, name, deadline_ms, ret_state);
}

int weir_futures_open_orders(struct weir_futures *futures, const char *symbol, uint64_t deadline_ms,
                             weir_order_fn fn, void *ctx)
{
        return futures_open_orders(futures->futures, symbol, deadline_ms, fn, ctx);
}

int weir_futures_positions(struct weir_futures *futures, const char *symbol, uint64_t deadline_ms,
                           weir_position_fn fn, void *ctx)
{
        return futures_positions(futures->futures, symbol, deadline_ms, fn, ctx);
}

int weir_futures_account(struct weir_futures *futures, uint64_t deadline_ms, weir_balance_fn fn,
                         void *ctx)
{
        return futures_account(futures->futures, deadline_ms, fn, ctx);
}

int weir_futures_trades(struct weir_futures *futures, const char *symbol, uint64_t order_id,
                        const struct weir_range *range, uint64_t deadline_ms, weir_trade_fn fn,
                        void *ctx)
{
        return futures_trades(futures->futures, symbol, order_id, range, deadline_ms, fn, ctx);
}

int weir_futures_klines(struct weir_futures *futures, const char *symbol, const char *interval,
                        const struct weir_range *range, uint64_t deadline_ms, weir_kline_fn fn,
                        void *ctx)
{
        return futures_klines(futures->futures, symbol, interval, range, deadline_ms, fn, ctx);
}

int weir_futures_ticker(struct weir_futures *futures, const char *symbol, uint64_t deadline_ms,
                        struct weir_ticker *ret_ticker)
{
        if (SIZE_IS_WRONG(ret_ticker))
                return -EINVAL;
        return futures_ticker(futures->futures, symbol, deadline_ms, ret_ticker);
}

int weir_futures_filters(struct weir_futures *futures, const char *symbol, uint64_t deadline_ms,
                         struct weir_filters *ret_filters)
{
        if (SIZE_IS_WRONG(ret_filters))
                return -EINVAL;
        return futures_filters(futures->futures, symbol, deadline_ms, ret_filters);
}

const char *weir_order_status_name(enum weir_order_status status)
{
        return words_status(status);
}

_Static_assert(WEIR_DECIMAL_SIZE >= AMOUNT_TEXT_MAX, "a decimal holds any amount");
_Static_assert((int)WEIR_DOWN == (int)AMOUNT_DOWN && (int)WEIR_UP == (int)AMOUNT_UP &&
                       (int)WEIR_NEAREST == (int)AMOUNT_NEAREST,
               "directions are amount's");

int weir_decimal_round(const char *value, const char *step, enum weir_round_to direction,
                       char to[WEIR_DECIMAL_SIZE])
{
        struct amount a, grid;
        int r = amount_parse(str_of(value), &a);

        if (r == 0)
                r = amount_parse(str_of(step), &grid);
        if (r == 0 && (grid.units <= 0 || direction < WEIR_DOWN || direction > WEIR_NEAREST))
                r = -EINVAL;
        if (r == 0)
                r = amount_round(a, grid, (enum amount_direction)direction, &a);
        if (r == 0)
                amount_print(a, to);
        return r;
}

int weir_decimal_compare(const char *a, const char *b, int *ret_order)
{
        struct amount left, right;
        int r = amount_parse(str_of(a), &left);

        if (r == 0)
                r = amount_parse(str_of(b), &right);
        if (r == 0)
                *ret_order = amount_compare(left, right);
        return r;
}
