#include "trade/courier.h"
#include "base/clock.h"
#include "budget/exchange.h"
#include "trade/courier_inside.h"
#include "trade/query.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* A read whose kept connection died under it is asked again this often. */
#define STALE_MAX 2

struct limiter_time courier_time(const struct courier *c)
{
        return servertime_now(&c->time, clock_mono_us());
}

uint64_t courier_now_ms(const struct courier *c)
{
        return courier_time(c).now_ms;
}

int64_t courier_correction_ms(const struct courier *c)
{
        return c->correction_ms;
}

uint64_t courier_deadline_ms(const struct courier *c, uint64_t deadline_ms, int64_t then)
{
        int64_t by_ms = c->correction_ms - then;

        if (deadline_ms == UINT64_MAX || (by_ms < 0 && deadline_ms < (uint64_t)-by_ms))
                return deadline_ms;
        return by_ms > 0 && deadline_ms > UINT64_MAX - (uint64_t)by_ms
                       ? UINT64_MAX
                       : deadline_ms + (uint64_t)by_ms;
}

void courier_tell(const struct courier *c, bool is_error, const char *format, ...)
{
        char text[COURIER_WHY_MAX];
        va_list args;

        if (!c->config.log)
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        c->config.log(c->config.log_ctx, is_error, text);
}

/* Life. */

static void stop_loop(void *ctx)
{
        loop_stop(ctx);
}

static int open_tls(struct courier *c, char *why)
{
        int r;

        if (!c->at.is_tls)
                return 0;
        r = tls_client_new(c->ca_file, &c->tls);
        if (r < 0)
                snprintf(why, COURIER_WHY_MAX, "the certificates to trust cannot be read (%s): %s",
                         c->ca_file ? c->ca_file : "the system's", strerror(-r));
        return r;
}

static int open_pool(struct courier *c)
{
        struct http_pool_config config = {
                .host = c->at.host,
                .port = c->at.port,
                .is_unix = c->at.is_unix,
                .tls = c->tls,
                .max_connections = 2,
                .answer_timeout_us = c->config.timeout_ms * US_PER_MS,
                .progress_timeout_us = c->config.timeout_ms * US_PER_MS,
        };
        int r = loop_new(&c->loop);

        if (r == 0)
                r = loop_timer_new(c->loop, stop_loop, c->loop, &c->timer);
        if (r == 0)
                r = http_pool_new(c->loop, &config, &c->pool);
        return r;
}

static void write_host_field(struct courier *c)
{
        bool is_v6 = !c->at.is_unix && memchr(c->at.host.p, ':', c->at.host.n) != NULL;
        const char *format = is_v6 ? "[%.*s]" : "%.*s";
        int n;

        if (c->at.is_unix) {
                snprintf(c->host_field, sizeof(c->host_field), "localhost");
                return;
        }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        n = snprintf(c->host_field, sizeof(c->host_field), format, STR_ARGS(c->at.host));
#pragma GCC diagnostic pop
        if (c->at.port != (c->at.is_tls ? 443 : 80) && n > 0 && (size_t)n < sizeof(c->host_field))
                snprintf(c->host_field + n, sizeof(c->host_field) - (size_t)n, ":%u",
                         (unsigned)c->at.port);
}

/* What the region remembers must be of the exchange that we talk to. */
static int bind_region(struct courier *c, char *why)
{
        uint64_t exchanges[POLICY_GROUP_COUNT] = { 0 };
        enum policy_group group;

        if (!c->config.limiter)
                return 0;
        exchanges[c->config.group] = exchange_at(c->at.is_unix, c->at.host, c->at.port);
        if (exchange_bind(c->config.limiter->region, exchanges, &group) == 0)
                return 0;
        exchange_say_other(group, c->url, why, COURIER_WHY_MAX);
        return -EXDEV;
}

static int courier_begin(struct courier *c, char *why)
{
        const struct limiter *l = c->config.limiter;
        int r;

        if (http_url_parse(str_of(c->url), &c->at) < 0) {
                snprintf(why, COURIER_WHY_MAX,
                         "\"%s\" is no base URL; write http://HOST:PORT, https://HOST or unix:PATH",
                         c->url);
                return -EINVAL;
        }
        write_host_field(c);
        r = bind_region(c, why);
        if (r < 0)
                return r;
        servertime_init(&c->time, l ? &l->region->header->clocks[c->config.group] : NULL,
                        clock_mono_us(), clock_wall_us());
        letter_init(c);
        r = open_tls(c, why);
        if (r < 0)
                return r;
        r = open_pool(c);
        if (r < 0)
                snprintf(why, COURIER_WHY_MAX, "no event loop: %s", strerror(-r));
        return r;
}

int courier_open(const struct courier_config *config, struct courier **ret_courier,
                 char ret_why[COURIER_WHY_MAX])
{
        struct courier *c = calloc(1, sizeof(*c));
        int r = -ENOMEM;

        must(config->is_gateway == !config->limiter);
        snprintf(ret_why, COURIER_WHY_MAX, "out of memory");
        if (!c)
                return r;
        c->config = *config;
        buf_init(&c->target, QUERY_MAX + 256);
        buf_init(&c->head, QUERY_MAX + 2048);
        buf_init(&c->body, COURIER_BODY_MAX);
        c->url = strdup(config->url);
        c->ca_file = config->ca_file ? strdup(config->ca_file) : NULL;
        if (c->url && (c->ca_file || !config->ca_file))
                r = courier_begin(c, ret_why);
        if (r < 0) {
                courier_close(c);
                return r;
        }
        ret_why[0] = '\0';
        *ret_courier = c;
        return 0;
}

struct courier *courier_close(struct courier *c)
{
        if (!c)
                return NULL;
        c->pool = http_pool_free(c->pool);
        c->timer = loop_timer_free(c->timer);
        c->loop = loop_free(c->loop);
        c->tls = tls_free(c->tls);
        /* A signature is good for a minute at most, but why leave one about. */
        if (c->head.data)
                OPENSSL_cleanse(c->head.data, c->head.size);
        if (c->target.data)
                OPENSSL_cleanse(c->target.data, c->target.size);
        buf_deinit(&c->target);
        buf_deinit(&c->head);
        buf_deinit(&c->body);
        free(c->url);
        free(c->ca_file);
        free(c);
        return NULL;
}

/* Waiting. */

void courier_sleep_until_us(struct courier *c, uint64_t at_us)
{
        loop_timer_set(c->timer, at_us);
        do
                (void)!loop_run(c->loop);
        while (clock_mono_us() < at_us);
        loop_timer_clear(c->timer);
}

void courier_sleep(struct courier *c, uint64_t until_ms)
{
        courier_sleep_until_us(c, exclock_to_mono_us(&c->time.clock, until_ms));
}

/* Attempts. */

/* What a gateway itself refuses was not sent. Return: COURIER_ANSWERED if it is none of that. */
static int gateway_refusal(const struct courier *c)
{
        static const struct {
                const char *verdict;
                int answer;
        } rows[] = {
                { "never", COURIER_NEVER },        { "late", COURIER_LATE },
                { "crowded", COURIER_CROWDED },    { "queue", COURIER_CROWDED },
                { "stop", COURIER_SHUT },          { "ban", COURIER_SHUT },
                { "firewall", COURIER_SHUT },      { "unsent", COURIER_UNREACHED },
                { "stopping", COURIER_UNREACHED }, { "memory", COURIER_UNREACHED },
                { "full", COURIER_UNREACHED },     { "breaker", COURIER_UNREACHED },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (strcmp(c->weir_verdict, rows[i].verdict) == 0)
                        return rows[i].answer;
        return COURIER_ANSWERED;
}

static bool is_read(const struct courier_request *request)
{
        return request->method[0] == 'G';
}

static struct verdict unsent(const struct courier_request *request)
{
        return (struct verdict){
                .kind = VERDICT_UNSENT,
                .executed = is_read(request) ? EXECUTED_NA : EXECUTED_NO,
        };
}

/* What one attempt came to, after letter_send(). */
static int answer_of(struct courier *c, const struct courier_request *request,
                     struct courier_reply *reply)
{
        int r = COURIER_ANSWERED;

        letter_settle(c, &reply->verdict);
        reply->body = buf_str(&c->body);
        if (c->ending == ENDING_DONE)
                r = gateway_refusal(c);
        else if (c->ending == ENDING_NOT_SENT)
                r = COURIER_UNREACHED;
        else
                r = COURIER_UNANSWERED;
        if (r != COURIER_ANSWERED && r != COURIER_UNANSWERED) {
                reply->verdict.executed = is_read(request) ? EXECUTED_NA : EXECUTED_NO;
                if (r == COURIER_UNREACHED)
                        reply->verdict.kind = VERDICT_UNSENT;
                reply->verdict.reconcile = false;
        } else {
                reply->attempts += 1 + (uint32_t)c->weir_retries;
                reply->expires_ms = c->expires_ms == UINT64_MAX ? 0 : c->expires_ms;
                reply->last_ms = c->left_ms;
                if (reply->sent_ms == 0)
                        reply->sent_ms = c->left_ms;
        }
        if (c->ending != ENDING_DONE)
                snprintf(reply->why, sizeof(reply->why), "%s", c->why);
        else if (reply->verdict.kind != VERDICT_OK)
                snprintf(reply->why, sizeof(reply->why), "%s", reply->verdict.msg);
        return r;
}

/* One request, one reply. Return: as courier_send(). */
static int attempt(struct courier *c, const struct courier_request *request,
                   struct courier_reply *reply)
{
        unsigned stale = 0;
        int r;

        for (;;) {
                reply->why[0] = '\0';
                r = admission_find_cost(c, request);
                if (r == 0)
                        r = admission_take(c, request);
                if (r != 0)
                        break;
                if (courier_now_ms(c) > request->deadline_ms) {
                        r = COURIER_LATE;
                        snprintf(c->why, sizeof(c->why), "not sent: the deadline is over");
                        break;
                }
                r = letter_send(c, request);
                if (r < 0) {
                        snprintf(c->why, sizeof(c->why), "not sent: %s",
                                 r == -ENOKEY ? "there is no secret or private key to sign with"
                                              : strerror(-r));
                        break;
                }
                if (c->may_not_leave) {
                        letter_settle(c, &reply->verdict);
                        continue;
                }
                r = answer_of(c, request, reply);
                /* A kept connection that was closed just then: a read may be asked again. */
                if (r != COURIER_UNANSWERED || !is_read(request) || !c->call.is_reuse ||
                    ++stale > STALE_MAX)
                        return r;
        }
        if (c->config.limiter)
                limiter_refund(c->config.limiter, &c->ticket);
        snprintf(reply->why, sizeof(reply->why), "%s", c->why);
        reply->verdict = unsent(request);
        if (r == COURIER_SHUT)
                reply->verdict.retry_at_ms = c->ticket.at_ms;
        return r;
}

/* Measures the exchange's clock; if it cannot be, what is known has to do. */
static void sync_clock(struct courier *c, uint64_t deadline_ms, bool is_impatient)
{
        struct courier_request request = {
                .method = "GET",
                .path = c->config.group == POLICY_DAPI ? "/dapi/v1/time" : "/fapi/v1/time",
                .deadline_ms = deadline_ms,
                .is_impatient = is_impatient,
        };
        struct courier_reply reply = { .attempts = 0 };
        uint64_t was_us, is_us;

        if (attempt(c, &request, &reply) != COURIER_ANSWERED || reply.verdict.kind != VERDICT_OK)
                return;
        was_us = exclock_now_us(&c->time.clock, c->received_us);
        if (servertime_take(&c->time, reply.body, c->call.sent_us + c->weir_wait_us, c->received_us,
                            clock_wall_us()) < 0)
                return;
        is_us = exclock_now_us(&c->time.clock, c->received_us);
        c->correction_ms += ((int64_t)is_us - (int64_t)was_us) / (int64_t)US_PER_MS;
}

void courier_learn_time(struct courier *c)
{
        if (!servertime_is_fresh(&c->time, clock_mono_us()))
                sync_clock(c, courier_now_ms(c) + c->config.timeout_ms, true);
}

static uint64_t random_number(void)
{
        uint64_t n = 0;

        (void)!getrandom(&n, sizeof(n), GRND_NONBLOCK);
        return n;
}

/* Whether it was certainly refused by a clock, and asking the time may help. */
static bool is_clock_trouble(const struct verdict *v)
{
        return v->code == -1021 && v->kind == VERDICT_CLOCK &&
               (v->executed == EXECUTED_NO || v->executed == EXECUTED_NA);
}

int courier_send(struct courier *c, const struct courier_request *wanted,
                 struct courier_reply *ret_reply)
{
        struct courier_request corrected = *wanted;
        const struct courier_request *request = &corrected;
        int64_t then = c->correction_ms;
        struct call call;
        bool is_synced = false;
        uint64_t again_ms;
        int r;

        *ret_reply = (struct courier_reply){ .attempts = 0 };
        if (request->is_signed && !c->config.signer) {
                snprintf(ret_reply->why, sizeof(ret_reply->why),
                         "not sent: there is no API key; set BINANCE_API_KEY, or name its file");
                ret_reply->verdict = unsent(request);
                return -ENOKEY;
        }
        if ((request->is_signed || c->config.limiter) &&
            !servertime_is_fresh(&c->time, clock_mono_us()))
                sync_clock(c, request->deadline_ms, request->is_impatient);
        corrected.deadline_ms = courier_deadline_ms(c, wanted->deadline_ms, then);
        call_init(&call, &c->config.retry, request->deadline_ms);
        for (;;) {
                const struct verdict *v = &ret_reply->verdict;

                r = attempt(c, request, ret_reply);
                if (r < 0 || r == COURIER_NEVER || r == COURIER_UNREACHED ||
                    r == COURIER_UNANSWERED || c->ending != ENDING_DONE)
                        return r;
                if (!is_synced && is_clock_trouble(v)) {
                        is_synced = true;
                        courier_tell(c, false, "%s %s: -1021, the clock is measured anew",
                                     request->method, request->path);
                        sync_clock(c, request->deadline_ms, false);
                        corrected.deadline_ms = courier_deadline_ms(c, wanted->deadline_ms, then);
                        call.deadline_ms = request->deadline_ms;
                        continue;
                }
                if (call_told(&call, v, courier_now_ms(c), random_number(), &again_ms) != CALL_WAIT)
                        return r;
                courier_tell(c, false, "%s %s: %d, retry %u in %llu ms", request->method,
                             request->path, v->code, call.retries,
                             (unsigned long long)(again_ms - courier_now_ms(c)));
                courier_sleep(c, again_ms);
        }
}
