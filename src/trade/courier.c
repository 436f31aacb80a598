#include "trade/courier.h"
#include "base/clock.h"
#include "budget/budget.h"
#include "budget/exchange.h"
#include "budget/stops.h"
#include "classify/classify.h"
#include "http/client.h"
#include "http/write.h"
#include "net/loop.h"
#include "trade/query.h"
#include "trade/servertime.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Before asking the limiter again when it cannot say when. */
#define AGAIN_MS 50
/* How long a gateway may let an impatient one wait. */
#define IMPATIENT_MS 100
/* What the exchange itself needs between its two looks at recvWindow. */
#define ENGINE_MARGIN_MS 50
/* A read whose kept connection died under it is asked again this often. */
#define STALE_MAX 2
/* Longest that a gateway is let wait for room with an unsigned request. */
#define GATEWAY_WAIT_MS 60000

/* How the attempt that is under way, or the last one, ended. */
enum ending {
        ENDING_NONE,
        ENDING_DONE,
        ENDING_NOT_SENT,
        ENDING_MAYBE_SENT,
};

struct courier {
        struct courier_config config;
        char *url, *ca_file;
        struct http_url at; /* views into @url */
        char host_field[320];
        struct loop *loop;
        struct loop_timer *timer;
        struct tls *tls;
        struct http_pool *pool;
        struct servertime time;
        int64_t correction_ms;

        /* The attempt. */
        struct policy_plan plan;
        struct limiter_ticket ticket;
        struct http_call call;
        struct buf target, head, body;
        uint64_t leave_by_ms; /* the request's deadline */
        uint64_t expires_ms;  /* UINT64_MAX: unsigned */
        uint64_t left_ms;
        bool may_not_leave, is_cut;
        enum ending ending;
        unsigned status;
        char content_encoding[32], content_type[64], retry_after[24], weir_verdict[24];
        uint64_t weir_wait_us, weir_retries;
        struct limiter_news news[BUDGET_NEWS_MAX];
        size_t n_news;
        uint64_t received_us;
        char why[COURIER_WHY_MAX];
};

static struct limiter_time now_of(const struct courier *c)
{
        return servertime_now(&c->time, clock_mono_us());
}

uint64_t courier_now_ms(const struct courier *c)
{
        return now_of(c).now_ms;
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

PRINTF(3, 4)
static void tell(const struct courier *c, bool is_error, const char *format, ...)
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

static const struct http_call_ops call_ops;

/* What the region remembers must be of the exchange that we talk to. */
static int bind_region(struct courier *c, char *why)
{
        uint64_t exchanges[POLICY_GROUP_COUNT] = { 0 };
        enum policy_group group;

        if (!c->config.limiter)
                return 0;
        exchanges[c->config.group] = c->at.is_unix ? exchange_of_socket(c->at.host)
                                                   : exchange_of_host(c->at.host, c->at.port);
        if (exchange_bind(c->config.limiter->region, exchanges, &group) == 0)
                return 0;
        snprintf(why, COURIER_WHY_MAX,
                 "the region's budgets and bans of /%s are of another exchange than %s; use "
                 "another region for this one",
                 policy_group_name(group), c->url);
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
        http_call_init(&c->call, &call_ops);
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

static void sleep_until_us(struct courier *c, uint64_t at_us)
{
        loop_timer_set(c->timer, at_us);
        do
                (void)!loop_run(c->loop);
        while (clock_mono_us() < at_us);
        loop_timer_clear(c->timer);
}

void courier_sleep(struct courier *c, uint64_t until_ms)
{
        sleep_until_us(c, exclock_to_mono_us(&c->time.clock, until_ms));
}

/* The call. */

static bool gate_is_open(const struct courier *c, unsigned gate, uint64_t now_ms)
{
        enum gate_kind kind;
        uint64_t until_ms;

        return gate_check(limiter_gate(c->config.limiter, gate), now_ms, &until_ms, &kind) ==
               GATE_OPEN;
}

/* The last moment at which nothing has left: still good, and nobody banned? */
static bool on_leave(struct http_call *call)
{
        struct courier *c = container_of(call, struct courier, call);
        uint64_t now_ms = courier_now_ms(c);
        bool is_fresh = c->expires_ms == UINT64_MAX || now_ms + ENGINE_MARGIN_MS < c->expires_ms;
        bool may_leave = is_fresh && now_ms <= c->leave_by_ms;

        if (c->config.limiter)
                may_leave = may_leave && ticket_may_leave(&c->ticket, now_ms) &&
                            (c->ticket.is_probe ||
                             (gate_is_open(c, BUDGET_GATE_ALL, now_ms) &&
                              gate_is_open(c, budget_gate(c->plan.group), now_ms)));
        c->left_ms = now_ms;
        c->may_not_leave = !may_leave;
        return may_leave;
}

static void on_head(struct http_call *call, const struct http_head *head)
{
        struct courier *c = container_of(call, struct courier, call);

        c->status = head->status;
        str_copy(http_field_value(head, STR_LITERAL("content-encoding")), c->content_encoding,
                 sizeof(c->content_encoding));
        str_copy(http_field_value(head, STR_LITERAL("content-type")), c->content_type,
                 sizeof(c->content_type));
        str_copy(http_field_value(head, STR_LITERAL("retry-after")), c->retry_after,
                 sizeof(c->retry_after));
        if (c->config.is_gateway) {
                str_copy(http_field_value(head, STR_LITERAL("x-weir-verdict")), c->weir_verdict,
                         sizeof(c->weir_verdict));
                (void)!str_to_u64(http_field_value(head, STR_LITERAL("x-weir-wait-us")),
                                  &c->weir_wait_us);
                (void)!str_to_u64(http_field_value(head, STR_LITERAL("x-weir-retries")),
                                  &c->weir_retries);
                return;
        }
        for (size_t i = 0; i < head->n_fields && c->n_news < BUDGET_NEWS_MAX; ++i)
                c->n_news += budget_news(c->config.limiter, &c->plan, head->fields[i].name,
                                         head->fields[i].value, &c->news[c->n_news]);
}

static void on_data(struct http_call *call, struct str payload)
{
        struct courier *c = container_of(call, struct courier, call);

        if (buf_append_str(&c->body, payload) < 0)
                c->is_cut = true;
}

static void on_done(struct http_call *call)
{
        struct courier *c = container_of(call, struct courier, call);

        c->received_us = loop_now_us(c->loop);
        c->ending = ENDING_DONE;
        loop_stop(c->loop);
}

static void on_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct courier *c = container_of(call, struct courier, call);

        snprintf(c->why, sizeof(c->why), "%s", why);
        c->ending = failure == HTTP_NOT_SENT ? ENDING_NOT_SENT : ENDING_MAYBE_SENT;
        loop_stop(c->loop);
}

static const struct http_call_ops call_ops = {
        .leave = on_leave,
        .head = on_head,
        .data = on_data,
        .done = on_done,
        .failed = on_failed,
};

/* Writing. */

/* Path, parameters, and when it is signed the time and the signature over all of them. */
static int write_target(struct courier *c, const struct courier_request *request)
{
        struct buf query;
        char signature[SIGNER_TEXT_MAX];
        uint64_t now_ms = courier_now_ms(c);
        int r;

        c->expires_ms = UINT64_MAX;
        buf_init(&query, QUERY_MAX);
        r = buf_append_str(&query, request->params);
        if (r == 0 && request->is_signed) {
                c->expires_ms = now_ms + c->config.recv_window_ms;
                r = query_add_u64(&query, "recvWindow", c->config.recv_window_ms);
                if (r == 0)
                        r = query_add_u64(&query, "timestamp", now_ms);
                if (r == 0)
                        r = signer_sign(c->config.signer, buf_str(&query), signature);
                if (r == 0)
                        r = buf_printf(&query, "&signature=%s", signature);
                OPENSSL_cleanse(signature, sizeof(signature));
        }
        buf_clear(&c->target);
        if (r == 0)
                r = buf_printf(&c->target, "%.*s%s%s%.*s", STR_ARGS(c->at.base), request->path,
                               buf_length(&query) > 0 ? "?" : "", STR_ARGS(buf_str(&query)));
        if (query.data)
                OPENSSL_cleanse(query.data, query.size);
        buf_deinit(&query);
        return r;
}

/* How long a gateway may let it wait. */
static uint64_t gateway_wait_ms(const struct courier *c, const struct courier_request *request)
{
        uint64_t now_ms = courier_now_ms(c);
        uint64_t most_ms = request->is_impatient ? IMPATIENT_MS
                           : request->is_signed  ? c->config.recv_window_ms
                                                 : GATEWAY_WAIT_MS;
        uint64_t left_ms = request->deadline_ms > now_ms ? request->deadline_ms - now_ms : 0;

        return left_ms < most_ms ? left_ms : most_ms;
}

static int write_head(struct courier *c, const struct courier_request *request)
{
        struct buf *to = &c->head;
        struct str key = signer_api_key(c->config.signer);
        int r;

        buf_clear(to);
        r = http_write_request_line(to, str_of(request->method), buf_str(&c->target));
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("Host"), str_of(c->host_field));
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("User-Agent"),
                                     STR_LITERAL("weir/" WEIR_VERSION));
        if (r == 0)
                r = http_write_field(to, STR_LITERAL("Accept"), STR_LITERAL("application/json"));
        if (r == 0 && request->is_signed)
                r = http_write_field(to, STR_LITERAL("X-MBX-APIKEY"), key);
        if (r == 0 && c->config.is_gateway)
                r = http_write_field_u64(to, STR_LITERAL("X-Weir-Max-Wait"),
                                         gateway_wait_ms(c, request));
        if (r == 0 && c->config.is_gateway && request->class)
                r = http_write_field(to, STR_LITERAL("X-Weir-Class"),
                                     str_of(class_name(*request->class)));
        if (r == 0 && c->call.method != HTTP_GET)
                r = http_write_content_length(to, 0);
        if (r == 0)
                r = http_write_head_end(to);
        return r;
}

static enum http_method method_of(const char *method)
{
        return method[0] == 'G'   ? HTTP_GET
               : method[0] == 'D' ? HTTP_DELETE
               : method[1] == 'U' ? HTTP_PUT
                                  : HTTP_POST;
}

/* Signs and sends once; c->ending says how it ended. Return: 0, or a negative errno: not sent. */
static int send_once(struct courier *c, const struct courier_request *request)
{
        int r;

        /* What happened to idle connections since the last call is seen now, not by losing this
         * request on a dead one. */
        sleep_until_us(c, loop_now_us(c->loop));
        c->call.method = method_of(request->method);
        r = write_target(c, request);
        if (r == 0)
                r = write_head(c, request);
        if (r < 0)
                return r;
        buf_clear(&c->body);
        c->is_cut = c->may_not_leave = false;
        c->ending = ENDING_NONE;
        c->status = 0;
        c->n_news = 0;
        c->weir_wait_us = c->weir_retries = 0;
        c->leave_by_ms = request->deadline_ms;
        c->why[0] = c->content_encoding[0] = c->content_type[0] = '\0';
        c->retry_after[0] = c->weir_verdict[0] = '\0';
        c->call.head = buf_str(&c->head);
        c->call.body = STR_NULL;
        c->call.answer_by_us = 0;
        if (c->config.is_gateway)
                c->call.answer_by_us =
                        loop_now_us(c->loop) +
                        (c->config.timeout_ms + gateway_wait_ms(c, request) + MS_PER_SECOND) *
                                US_PER_MS;
        r = http_pool_call(c->pool, &c->call);
        if (r < 0)
                return r;
        while (c->ending == ENDING_NONE) {
                r = loop_run(c->loop);
                must(r == 0);
        }
        return 0;
}

/* Judging. */

static void judge(struct courier *c, struct verdict *ret_verdict)
{
        struct classify_in in = {
                .product = budget_product(c->plan.group),
                .is_mutating = c->plan.is_mutating,
                .is_order = c->plan.places_order || c->plan.class == CLASS_CANCEL,
                .is_cut = c->is_cut,
                .status = (int)c->status,
                .content_encoding = str_of(c->content_encoding),
                .content_type = str_of(c->content_type),
                .retry_after = str_of(c->retry_after),
                .body = buf_str(&c->body),
                .now_ms = courier_now_ms(c),
        };

        if (c->ending == ENDING_DONE)
                classify(&in, ret_verdict);
        else
                classify_transport(&in,
                                   strstr(c->why, "time") ? TRANSPORT_TIMEOUT : TRANSPORT_RESET,
                                   c->ending == ENDING_MAYBE_SENT, ret_verdict);
}

/* The books of a whole answer. */
static void land(struct courier *c, const struct verdict *verdict)
{
        struct limiter *l = c->config.limiter;
        struct limiter_time time = now_of(c);
        unsigned outcomes = c->status == 200 ? POLICY_OUTCOME_OK : 0;
        uint32_t refund = 0, foreign = 0;
        uint16_t pool = 0;
        struct stop stop;

        if (!l)
                return;
        if (verdict->code == -1121)
                outcomes |= POLICY_OUTCOME_BAD_SYMBOL;
        if (c->plan.n_charges > 0) {
                pool = c->plan.charges[0].pool;
                refund = c->plan.charges[0].amount - policy_settle(&c->plan, outcomes);
        }
        limiter_land(l, &c->ticket, time, pool, refund, c->news, c->n_news, &foreign);
        for (size_t i = 0; i < c->n_news; ++i)
                (void)!limiter_observe(l, &c->news[i], c->left_ms, time, &foreign);
        if (stops_apply(l, &c->plan, verdict, time, &stop))
                tell(c, true, "the exchange says %s: nothing is sent to it for %llu ms", stop.event,
                     (unsigned long long)(stop.until_ms > time.now_ms ? stop.until_ms - time.now_ms
                                                                      : 0));
}

/* After send_once() returned 0: books and verdict. */
static void settle(struct courier *c, struct verdict *ret_verdict)
{
        judge(c, ret_verdict);
        if (c->ending == ENDING_DONE) {
                land(c, ret_verdict);
                return;
        }
        if (!c->config.limiter)
                return;
        if (c->ending == ENDING_NOT_SENT)
                limiter_refund(c->config.limiter, &c->ticket);
        else
                limiter_abandon(&c->ticket);
}

/* Room. */

static int find_cost(struct courier *c, const struct courier_request *request)
{
        struct policy_input input = {
                .method = str_of(request->method),
                .path = str_of(request->path),
                .query = request->params,
                .api_key = request->is_signed ? signer_api_key(c->config.signer) : STR_NULL,
        };

        return policy_match(NULL, &input, &c->plan) == 0 ? 0 : -EINVAL;
}

static void ask_for_room(struct courier *c, const struct courier_request *request, bool is_probe,
                         struct limiter_request *ret)
{
        budget_request(c->config.limiter, &c->plan, ret);
        ret->deadline_ms = request->deadline_ms;
        if (request->class)
                ret->class = *request->class;
        ret->is_probe = is_probe;
        if (!is_probe)
                return;
        ret->class = CLASS_RECONCILE;
        ret->pacing = 0;
}

/* A ban may be over: exactly one process of all asks, with one cheap request. */
static void probe(struct courier *c, int gate)
{
        struct courier_request ping = {
                .method = "GET",
                .path = c->config.group == POLICY_DAPI ? "/dapi/v1/ping" : "/fapi/v1/ping",
                .deadline_ms = UINT64_MAX,
        };
        struct policy_plan plan = c->plan;
        struct limiter_request request;
        struct verdict verdict;
        bool is_answered = false;

        if (find_cost(c, &ping) == 0) {
                ask_for_room(c, &ping, true, &request);
                if (limiter_reserve(c->config.limiter, &request, now_of(c), &c->ticket) ==
                            LIMITER_GO &&
                    send_once(c, &ping) == 0) {
                        settle(c, &verdict);
                        is_answered = c->ending == ENDING_DONE;
                }
                limiter_refund(c->config.limiter, &c->ticket);
        }
        stops_probe_done(c->config.limiter, gate, is_answered, now_of(c));
        c->plan = plan;
}

/* Waits for a held place; tries for an earlier one when ceilings open. Return: as confirm. */
static int wait_for_place(struct courier *c, const struct limiter_request *request)
{
        struct limiter *l = c->config.limiter;
        struct limiter_ticket earlier = LIMITER_TICKET_NULL;
        int r = LIMITER_WAIT;

        while (r == LIMITER_WAIT) {
                uint64_t now_ms = courier_now_ms(c), try_ms = c->ticket.try_ms;

                if (try_ms > 0 && try_ms < c->ticket.at_ms) {
                        courier_sleep(c, try_ms > now_ms ? try_ms : now_ms + 1);
                        if (limiter_reserve(l, request, now_of(c), &earlier) == LIMITER_GO) {
                                limiter_refund(l, &c->ticket);
                                c->ticket = earlier;
                                return LIMITER_GO;
                        }
                        c->ticket.try_ms = earlier.try_ms > try_ms ? earlier.try_ms : 0;
                        limiter_refund(l, &earlier);
                        continue;
                }
                courier_sleep(c, c->ticket.at_ms > now_ms ? c->ticket.at_ms : now_ms + 1);
                r = limiter_confirm(l, &c->ticket, now_of(c));
        }
        return r;
}

static const char *answer_text(int r)
{
        switch (r) {
        case LIMITER_NEVER:
                return "it costs more than a whole window";
        case LIMITER_LATE:
                return "there is no room before the deadline";
        case LIMITER_SHUT:
                return "the exchange has stopped or banned this address until after the deadline";
        default:
                return "all windows ahead are full for this kind of request";
        }
}

static int refuse_room(struct courier *c, int r)
{
        static const int answers[] = {
                [LIMITER_NEVER] = COURIER_NEVER,
                [LIMITER_LATE] = COURIER_LATE,
                [LIMITER_SHUT] = COURIER_SHUT,
                [LIMITER_CROWDED] = COURIER_CROWDED,
        };
        const char *by;

        if (r < 0) {
                snprintf(c->why, sizeof(c->why), "not sent: the region: %s", strerror(-r));
                return r;
        }
        by = budget_blocked_by(&c->ticket);
        snprintf(c->why, sizeof(c->why), by[0] ? "not sent: %s (%s)" : "not sent: %s",
                 answer_text(r), by);
        return answers[r];
}

/*
 * A place in all budgets, now; waits for it. Return: 0 with the ticket flying, an enum
 * courier_answer, or a negative errno.
 */
static int admit(struct courier *c, const struct courier_request *wanted)
{
        struct limiter *l = c->config.limiter;
        struct limiter_request request;

        if (!l)
                return 0;
        ask_for_room(c, wanted, false, &request);
        for (;;) {
                struct limiter_time time = now_of(c);
                uint64_t until_ms = time.now_ms + AGAIN_MS;
                int r = limiter_reserve(l, &request, time, &c->ticket), gate;

                if (r == LIMITER_WAIT && !wanted->is_impatient)
                        r = wait_for_place(c, &request);
                if (r == LIMITER_GO)
                        return 0;
                if (r == LIMITER_LOST)
                        continue;
                if (r == LIMITER_SHUT) {
                        gate = stops_claim_probe(l, c->plan.group, now_of(c));
                        if (gate != STOPS_NO_PROBE) {
                                probe(c, gate);
                                continue;
                        }
                }
                if (wanted->is_impatient && r > 0)
                        r = LIMITER_LATE;
                if (r != LIMITER_SHUT && r != LIMITER_CROWDED && r != -ESTALE)
                        return refuse_room(c, r);
                if (r != -ESTALE && c->ticket.at_ms > until_ms)
                        until_ms = c->ticket.at_ms;
                if (until_ms >= wanted->deadline_ms)
                        return refuse_room(c, r == -ESTALE ? LIMITER_LATE : r);
                courier_sleep(c, until_ms);
        }
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
                { "full", COURIER_UNREACHED },
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

/* What one attempt came to, after send_once(). */
static int answer_of(struct courier *c, const struct courier_request *request,
                     struct courier_reply *reply)
{
        int r = COURIER_ANSWERED;

        settle(c, &reply->verdict);
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
                r = find_cost(c, request);
                if (r == 0)
                        r = admit(c, request);
                if (r != 0)
                        break;
                if (courier_now_ms(c) > request->deadline_ms) {
                        r = COURIER_LATE;
                        snprintf(c->why, sizeof(c->why), "not sent: the deadline is over");
                        break;
                }
                r = send_once(c, request);
                if (r < 0) {
                        snprintf(c->why, sizeof(c->why), "not sent: %s",
                                 r == -ENOKEY ? "there is no secret or private key to sign with"
                                              : strerror(-r));
                        break;
                }
                if (c->may_not_leave) {
                        settle(c, &reply->verdict);
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
                        tell(c, false, "%s %s: -1021, the clock is measured anew", request->method,
                             request->path);
                        sync_clock(c, request->deadline_ms, false);
                        corrected.deadline_ms = courier_deadline_ms(c, wanted->deadline_ms, then);
                        call.deadline_ms = request->deadline_ms;
                        continue;
                }
                if (call_told(&call, v, courier_now_ms(c), random_number(), &again_ms) != CALL_WAIT)
                        return r;
                tell(c, false, "%s %s: %d, retry %u in %llu ms", request->method, request->path,
                     v->code, call.retries, (unsigned long long)(again_ms - courier_now_ms(c)));
                courier_sleep(c, again_ms);
        }
}
