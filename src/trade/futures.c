#include "trade/futures.h"
#include "budget/exchange.h"
#include "http/url.h"
#include "trade/inside.h"
#include "trade/limits.h"
#include "trade/look.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* How long the exchange's filters are kept: they change a few times a year. */
#define FILTERS_KEEP_MS (3600 * MS_PER_SECOND)
/* Binance takes 36; ours leave room behind the prefix for what makes them unique. */
#define PREFIX_MAX 12

static const char *const urls[2][2] = {
        [WEIR_USDM] = { "https://fapi.binance.com", "https://testnet.binancefuture.com" },
        [WEIR_COINM] = { "https://dapi.binance.com", "https://testnet.binancefuture.com" },
};

bool futures_is_elsewhere(bool is_testnet, const char *url)
{
        struct http_url at;

        if (is_testnet || !url)
                return is_testnet;
        return http_url_parse(str_of(url), &at) < 0 || at.is_unix || !exchange_is_binance(at.host);
}

/* Life. */

PRINTF(3, 4)
static int complain(char *why, int error, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why, FUTURES_WHY_MAX, format, args);
        va_end(args);
        return error;
}

static bool is_prefix(const char *prefix)
{
        size_t n = strlen(prefix);

        return n > 0 && n <= PREFIX_MAX &&
               strspn(prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
                       n;
}

static int check_config(const struct futures_config *c, char *why)
{
        if (c->market != WEIR_USDM && c->market != WEIR_COINM)
                return complain(why, -EINVAL, "there is no such market");
        if (!is_prefix(c->client_id_prefix))
                return complain(why, -EINVAL,
                                "the prefix of client ids must be 1 to %d letters, digits, _ or -",
                                PREFIX_MAX);
        if (c->recv_window_ms == 0 || c->recv_window_ms > 60000)
                return complain(why, -EINVAL, "recvWindow must be 1 to 60000 ms");
        if (c->timeout_ms == 0)
                return complain(why, -EINVAL, "the time-out must not be 0");
        if (c->url && c->gateway)
                return complain(why, -EINVAL,
                                "an exchange's URL and a gateway: the gateway knows its exchange; "
                                "name one of them");
        return 0;
}

static enum policy_group group_of(enum weir_market market)
{
        return market == WEIR_COINM ? POLICY_DAPI : POLICY_FAPI;
}

static int open_courier(struct futures *f, char *why)
{
        const struct futures_config *c = &f->config;
        struct courier_config config = {
                .url = c->gateway ? c->gateway
                       : c->url   ? c->url
                                  : urls[c->market][c->is_testnet],
                .is_gateway = c->gateway != NULL,
                .limiter = f->limiter,
                .signer = f->signer,
                .ca_file = c->ca_file,
                .group = group_of(c->market),
                .recv_window_ms = c->recv_window_ms,
                .timeout_ms = c->timeout_ms,
                .retry = c->retry,
                .log = c->log,
                .log_ctx = c->log_ctx,
        };

        return courier_open(&config, &f->courier, why);
}

int futures_open(const struct futures_config *config, struct futures **ret_futures,
                 char ret_why[FUTURES_WHY_MAX])
{
        struct futures *f;
        int r = check_config(config, ret_why);

        if (r < 0)
                return r;
        must(config->gateway || config->limiter);
        f = calloc(1, sizeof(*f));
        if (!f)
                return complain(ret_why, -ENOMEM, "out of memory");
        f->config = *config;
        f->limiter = config->gateway ? NULL : config->limiter;
        str_copy(str_of(config->client_id_prefix), f->prefix, sizeof(f->prefix));
        buf_init(&f->params, QUERY_MAX);
        r = signer_open(&config->keys, &f->signer, ret_why);
        if (r == 0)
                r = open_courier(f, ret_why);
        /* The caller's strings are not ours to keep. */
        f->config.url = f->config.gateway = f->config.ca_file = f->config.client_id_prefix = NULL;
        f->config.keys = (struct signer_source){ NULL, NULL, NULL, NULL, NULL };
        if (r < 0) {
                futures_close(f);
                return r;
        }
        ret_why[0] = '\0';
        *ret_futures = f;
        return 0;
}

struct futures *futures_close(struct futures *f)
{
        if (!f)
                return NULL;
        f->courier = courier_close(f->courier);
        f->signer = signer_close(f->signer);
        filters_deinit(&f->filters);
        buf_deinit(&f->params);
        free(f);
        return NULL;
}

const char *futures_why(const struct futures *f)
{
        return f->why;
}

struct str futures_raw(const struct futures *f)
{
        return f->reply.body;
}

const char *futures_request(const struct futures *f)
{
        return f->request;
}

uint64_t futures_now_ms(struct futures *f)
{
        courier_learn_time(f->courier);
        return courier_now_ms(f->courier);
}

/* One request. */

void futures_begin(struct futures *f)
{
        buf_clear(&f->params);
        f->why[0] = f->request[0] = '\0';
        f->reply = (struct courier_reply){ .attempts = 0 };
        f->correction_ms = courier_correction_ms(f->courier);
}

uint64_t futures_deadline_ms(const struct futures *f, uint64_t deadline_ms)
{
        return courier_deadline_ms(f->courier, deadline_ms, f->correction_ms);
}

int futures_refuse(struct futures *f, int error, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(f->why, sizeof(f->why), format, args);
        va_end(args);
        return error;
}

int futures_send(struct futures *f, const struct futures_route *route, bool is_signed,
                 uint64_t deadline_ms)
{
        struct courier_request request = {
                .method = route->method,
                .path = route->path[f->config.market],
                .params = buf_str(&f->params),
                .is_signed = is_signed,
                .class = f->class,
                .deadline_ms = futures_deadline_ms(f, deadline_ms),
        };
        int r;

        must(request.path);
        snprintf(f->request, sizeof(f->request), "%s %s%s%.*s", request.method, request.path,
                 request.params.n > 0 ? "?" : "", STR_ARGS(request.params));
        r = courier_send(f->courier, &request, &f->reply);
        f->spent += (uint64_t)f->reply.attempts *
                    look_weight(request.method, request.path, request.params);
        if (f->reply.verdict.code != 0)
                futures_refuse(f, 0, "%d %s", f->reply.verdict.code, f->reply.why);
        else
                futures_refuse(f, 0, "%s", f->reply.why);
        return r;
}

static int not_sent(int answer)
{
        switch (answer) {
        case COURIER_NEVER:
                return WEIR_NEVER;
        case COURIER_LATE:
                return WEIR_LATE;
        case COURIER_SHUT:
                return WEIR_SHUT;
        case COURIER_CROWDED:
                return WEIR_CROWDED;
        case COURIER_UNREACHED:
                return -EHOSTUNREACH;
        default:
                return answer;
        }
}

int futures_read_result(struct futures *f, int answer)
{
        if (answer == COURIER_UNANSWERED)
                return -EIO;
        if (answer != COURIER_ANSWERED)
                return not_sent(answer);
        if (f->reply.verdict.kind == VERDICT_OK)
                return 0;
        if (!f->why[0])
                futures_refuse(f, 0, "the exchange answered with status %d and no text",
                               f->reply.verdict.status);
        return f->reply.verdict.code == -2013 ? -ENOENT : -EBADMSG;
}

int futures_change_result(int answer)
{
        return answer == COURIER_ANSWERED || answer == COURIER_UNANSWERED ? 0 : not_sent(answer);
}

json_t *futures_json(struct futures *f)
{
        struct str body = f->reply.body;
        json_t *root = body.n > 0 ? json_loadb(body.p, body.n, 0, NULL) : NULL;

        if (!root)
                futures_refuse(f, 0, "the exchange's answer is no JSON");
        return root;
}

static enum weir_executed executed_of(enum verdict_executed executed)
{
        switch (executed) {
        case EXECUTED_NO:
                return WEIR_EXECUTED_NO;
        case EXECUTED_YES:
                return WEIR_EXECUTED_YES;
        case EXECUTED_PARTLY:
                return WEIR_EXECUTED_PARTLY;
        case EXECUTED_UNKNOWN:
                return WEIR_EXECUTED_UNKNOWN;
        default:
                return WEIR_EXECUTED_NA;
        }
}

void futures_note(const struct futures *f, struct weir_order_report *report)
{
        const struct verdict *v = &f->reply.verdict;

        report->executed = executed_of(v->executed);
        report->attempts += f->reply.attempts;
        if (report->sent_ms == 0)
                report->sent_ms = f->reply.sent_ms;
        report->verdict = (struct weir_verdict){
                .kind = verdict_kind_name(v->kind),
                .executed = report->executed,
                .is_ok = v->kind == VERDICT_OK,
                .may_retry = v->may_retry,
                .reconcile = v->reconcile,
                .status = v->status,
                .code = v->code,
                .retry_at_ms = v->retry_at_ms,
                .ban_until_ms = v->ban_until_ms,
        };
        str_copy(str_of(v->msg[0] ? v->msg : f->reply.why), report->verdict.msg,
                 sizeof(report->verdict.msg));
}

/* What is asked. */

int futures_check_symbol(struct futures *f, const char *symbol)
{
        size_t n = symbol ? strlen(symbol) : 0;

        /* Not only ASCII: the exchange lists symbols in Chinese too. */
        if (n == 0 || n >= WEIR_SYMBOL_SIZE)
                return futures_refuse(f, -EINVAL,
                                      "a symbol is missing or too long; write BTCUSDT, or "
                                      "BTCUSD_PERP on COIN-M");
        for (size_t i = 0; i < n; ++i)
                if ((unsigned char)symbol[i] <= ' ' || (symbol[i] >= 'a' && symbol[i] <= 'z'))
                        return futures_refuse(f, -EINVAL,
                                              "the symbol \"%s\" has a small letter or a blank; "
                                              "write it as the exchange does",
                                              symbol);
        return 0;
}

int futures_check_client_id(struct futures *f, const char *client_id)
{
        size_t n = strlen(client_id);

        if (n > 0 && n < WEIR_CLIENT_ID_SIZE &&
            strspn(client_id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              ".:/_-") == n)
                return 0;
        return futures_refuse(f, -EINVAL,
                              "the client id \"%.50s\" must be 1 to 36 letters, digits, or one of "
                              ". : / _ -",
                              client_id);
}

int futures_check_name(struct futures *f, const struct weir_order_name *name)
{
        int r = futures_check_symbol(f, name->symbol);

        if (r == 0 && name->order_id == 0 && !name->client_id)
                return futures_refuse(f, -EINVAL, "an order is named by its id or its client id");
        if (r < 0 || name->order_id != 0)
                return r;
        return futures_check_client_id(f, name->client_id);
}

static const struct futures_route info_route = {
        "GET", { "/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo" }
};

static int read_filters(struct futures *f, uint64_t deadline_ms)
{
        struct filters_table table;
        json_t *info;
        int r;

        buf_clear(&f->params);
        r = futures_read_result(f, futures_send(f, &info_route, false, deadline_ms));
        if (r != 0)
                return r;
        info = futures_json(f);
        r = filters_read(info, &table);
        if (r == 0 && f->limiter)
                limits_follow(f->limiter, group_of(f->config.market), info,
                              courier_time(f->courier));
        json_decref(info);
        if (r < 0)
                return futures_refuse(f, r, "the exchange's filters cannot be read");
        filters_deinit(&f->filters);
        f->filters = table;
        f->filters_at_ms = courier_now_ms(f->courier);
        return 0;
}

int futures_find_filters(struct futures *f, const char *symbol, uint64_t deadline_ms,
                         const struct filters **ret_filters)
{
        uint64_t now_ms = courier_now_ms(f->courier);
        int r = 0;

        if (f->filters_at_ms == 0 || now_ms > f->filters_at_ms + FILTERS_KEEP_MS)
                r = read_filters(f, deadline_ms);
        /* Old ones are better than none: the exchange itself has the last word. */
        if (r != 0 && f->filters_at_ms == 0)
                return r;
        *ret_filters = filters_find(&f->filters, symbol);
        if (*ret_filters)
                return 0;
        return futures_refuse(f, -ENOENT, "this market has no symbol %s", symbol);
}
