/*
 * Letter
 *
 * One attempt, once there is room for it: signed with the time of this moment, looked at a last
 * time when the connection is in hand, sent once, and its answer waited for.
 *
 *      write -> leave? -> head, data -> done    a whole answer: the ticket lands with its news
 *                 |                  \> failed  it may have been sent: the ticket is abandoned
 *                 +-> not sent                  the ticket is given back
 *
 * letter_settle() is due after each, and keeps the books so; whether the request is sent again is
 * not decided here.
 */
#include "base/clock.h"
#include "budget/landing.h"
#include "budget/stops.h"
#include "classify/classify.h"
#include "http/write.h"
#include "call/breaker.h"
#include "trade/courier_inside.h"
#include "trade/query.h"

#include <openssl/crypto.h>
#include <stdio.h>

/* How long a gateway may let an impatient one wait. */
#define IMPATIENT_MS 100
/* What the exchange itself needs between its two looks at recvWindow. */
#define ENGINE_MARGIN_MS 50
/* Longest that a gateway is let wait for room with an unsigned request. */
#define GATEWAY_WAIT_MS 60000

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
        if (may_leave && c->config.limiter && c->ticket.is_probe)
                stops_probe_left(c->config.limiter);
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

        snprintf(c->why, sizeof(c->why), "%s%s", why,
                 failure == HTTP_NOT_SENT && !c->config.limiter ? "; is the gateway running?" : "");
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

void letter_init(struct courier *c)
{
        http_call_init(&c->call, &call_ops);
}

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

int letter_send(struct courier *c, const struct courier_request *request)
{
        int r;

        /* What happened to idle connections since the last call is seen now, not by losing this
         * request on a dead one. */
        courier_sleep_until_us(c, loop_now_us(c->loop));
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

/* Of a request that was answered, or failed in some way. @is_answered: by all of its answer, or by
 * what came of one that broke off. */
static void judge(struct courier *c, bool is_answered, struct verdict *ret_verdict)
{
        struct classify_in in = {
                .product = budget_product(c->plan.group),
                .is_mutating = c->plan.is_mutating,
                .is_order = c->plan.places_order || c->plan.class == CLASS_CANCEL,
                .is_cut = c->is_cut || c->ending != ENDING_DONE,
                .status = (int)c->status,
                .content_encoding = str_of(c->content_encoding),
                .content_type = str_of(c->content_type),
                .retry_after = str_of(c->retry_after),
                .body = buf_str(&c->body),
                .now_ms = courier_now_ms(c),
        };

        if (is_answered)
                classify(&in, ret_verdict);
        else
                classify_transport(&in,
                                   strstr(c->why, "time") ? TRANSPORT_TIMEOUT : TRANSPORT_RESET,
                                   c->ending == ENDING_MAYBE_SENT, ret_verdict);
}

static void apply_stop(struct courier *c, const struct verdict *verdict)
{
        struct limiter_time time = courier_time(c);
        struct stop stop;

        if (stops_apply(c->config.limiter, &c->plan, verdict, time, &stop))
                courier_tell(c, true, "the exchange says %s: nothing is sent to it for %llu ms",
                             stop.event,
                             (unsigned long long)(stop.until_ms > time.now_ms
                                                          ? stop.until_ms - time.now_ms
                                                          : 0));
}

/* The books of a whole answer. */
static void land(struct courier *c, const struct verdict *verdict)
{
        struct limiter *l = c->config.limiter;
        struct limiter_time time = courier_time(c);
        struct budget_answer answer = {
                .status = (int)c->status,
                .code = verdict->code,
                .body = buf_str(&c->body),
                .sent_ms = c->left_ms,
                .news = c->news,
                .n_news = c->n_news,
        };

        if (!l)
                return;
        (void)budget_land(l, &c->plan, &c->ticket, &answer, time);
        apply_stop(c, verdict);
}

/* How the way to the exchange is, for all who use the region. */
static void tell_breaker(struct courier *c, const struct verdict *verdict)
{
        struct region_header *header = c->config.limiter->region->header;
        bool is_failure = c->ending != ENDING_DONE || breaker_is_failure(verdict);
        uint64_t rule = atomic_load_explicit(&header->rules[RULE_BREAKER], memory_order_relaxed);

        /* One that was held back at the last moment says nothing about it. */
        if (c->may_not_leave)
                return;
        if (breaker_tell(limiter_breaker(c->config.limiter, c->plan.group), rule, is_failure,
                         courier_now_ms(c)) == BREAKER_TURNED_OPEN)
                courier_tell(c, true,
                             "the exchange does not answer: nothing is sent to it for %u ms",
                             breaker_config_unpack(rule).pause_ms);
}

void letter_settle(struct courier *c, struct verdict *ret_verdict)
{
        struct verdict broken_off;

        judge(c, c->ending == ENDING_DONE, ret_verdict);
        if (c->config.limiter)
                tell_breaker(c, ret_verdict);
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
        if (c->status == 0)
                return;
        /* A refusal that broke off stops everybody all the same. */
        judge(c, true, &broken_off);
        apply_stop(c, &broken_off);
}
