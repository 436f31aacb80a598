#include "gateway/flow.h"
#include "base/clock.h"
#include "base/log.h"
#include "classify/classify.h"
#include "budget/budget.h"
#include "gateway/refuse.h"
#include "gateway/reply.h"
#include "gateway/queue.h"
#include "gateway/stops.h"
#include "gateway/upstream.h"

#include <errno.h>
#include <stdlib.h>

/* Flows kept for reuse, with their buffers; more than are ever under way at once on one desk. */
#define FREE_FLOWS_MAX 1024
/* Before trying again when the limiter cannot say when. */
#define AGAIN_MS 50
/* A read whose kept connection died under it is asked again this often. */
#define STALE_MAX 2
/* What the exchange itself needs between its two looks at recvWindow. */
#define ENGINE_MARGIN_MS 50
/* How long requests wait for the exchange's time to be asked the first time: some round trips, a
 * handshake, and a try more. */
#define CLOCK_WAIT_MS 3000

static void flow_reserve(struct flow *f);
static void flow_give_up_clock(struct flow *f);

static struct flow *flow_new(struct gateway *g)
{
        struct list *link = list_first(&g->free_flows);
        struct flow *f;

        if (link) {
                list_unlink(link);
                f = container_of(link, struct flow, link);
        } else {
                f = calloc(1, sizeof(*f));
                if (!f)
                        return NULL;
                buf_init(&f->head, HTTP_HEAD_MAX + 1024);
                buf_init(&f->reply, HTTP_HEAD_MAX + 1024);
                buf_init(&f->body, FLOW_COLLECT_MAX);
                list_init(&f->link);
                list_init(&f->class_link);
                list_init(&f->unflushed_link);
        }
        f->gateway = g;
        list_append(&g->flows, &f->link);
        ++g->n_flows;
        return f;
}

static void flow_free(struct flow *f)
{
        struct gateway *g = f->gateway;

        must(!f->exchange && f->ticket.state == TICKET_EMPTY && f->time_link.place == 0);
        list_unlink(&f->link);
        list_unlink(&f->unflushed_link);
        --g->n_flows;
        buf_clear(&f->head);
        buf_clear(&f->reply);
        buf_clear(&f->body);
        f->state = FLOW_NEW;
        list_prepend(&g->free_flows, &f->link);
}

void flow_pool_free(struct gateway *g)
{
        struct list *link;

        while ((link = list_first(&g->free_flows)) != NULL) {
                struct flow *f = container_of(link, struct flow, link);

                list_unlink(link);
                buf_deinit(&f->head);
                buf_deinit(&f->reply);
                buf_deinit(&f->body);
                free(f);
        }
}

/* Ends a flow whose exchange was answered, or whose client is gone. */
static void flow_end(struct flow *f)
{
        queue_remove(f->gateway, f);
        limiter_refund(&f->gateway->limiter, &f->ticket);
        flow_free(f);
}

static void flow_abort(struct flow *f)
{
        http_exchange_abort(f->exchange);
        f->exchange = NULL;
        flow_end(f);
}

/* Waiting. */

static uint64_t mono_us(const struct flow *f, uint64_t exchange_ms)
{
        return exclock_to_mono_us(&f->upstream->clock, exchange_ms);
}

static void flow_wait_us(struct flow *f, enum flow_state state, uint64_t due_us)
{
        struct gateway *g = f->gateway;

        if (g->queue.n >= g->settings.max_queue) {
                counter_add(g->region.header, COUNTER_refused_queue);
                refuse_queue(f);
                flow_end(f);
                return;
        }
        f->state = state;
        if (queue_add(g, f, due_us) < 0) {
                refuse_memory(f);
                flow_end(f);
        }
}

static void flow_wait(struct flow *f, enum flow_state state, uint64_t until_ms)
{
        flow_wait_us(f, state, mono_us(f, until_ms));
}

/* Nothing can be had before @until_ms: wait for it if the deadline allows, else say so now. */
static void flow_park_or_refuse(struct flow *f, int answer, uint64_t until_ms)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms;

        if (until_ms < now_ms + AGAIN_MS)
                until_ms = now_ms + AGAIN_MS;
        if (until_ms < f->request.deadline_ms) {
                flow_wait(f, FLOW_PARKED, until_ms);
                return;
        }
        refuse_limiter(f, answer, until_ms);
        flow_end(f);
}

/* Sending. */

static bool gates_are_open(struct flow *f, uint64_t now_ms)
{
        enum gate_kind kind;
        uint64_t until_ms;

        return gate_check(limiter_gate(&f->gateway->limiter, BUDGET_GATE_ALL), now_ms, &until_ms,
                          &kind) == GATE_OPEN &&
               gate_check(limiter_gate(&f->gateway->limiter, f->request.gate), now_ms, &until_ms,
                          &kind) == GATE_OPEN;
}

/* The last moment at which nothing has left: is its place still good, and nobody banned? */
static bool flow_leave(struct http_call *http)
{
        struct flow *f = container_of(http, struct flow, http);
        uint64_t now_ms;

        f->left_us = clock_mono_us();
        if (!f->gateway->settings.limits)
                return true;
        now_ms = exclock_now(&f->upstream->clock, f->left_us).now_ms;
        f->sent_ms = now_ms;
        f->may_not_leave = !ticket_may_leave(&f->ticket, now_ms) || now_ms >= f->expires_ms ||
                           !gates_are_open(f, now_ms);
        if (f->may_not_leave)
                return false;
        counter_add(f->gateway->region.header, COUNTER_sent);
        return true;
}

static void flow_send(struct flow *f)
{
        f->state = FLOW_SENT;
        f->may_not_leave = f->has_landed = false;
        f->http.method = http_exchange_head(f->exchange)->method;
        f->http.head = buf_str(&f->head);
        f->http.body = http_exchange_body(f->exchange);
        f->http.answer_by_us = 0;
        if (http_pool_call(f->upstream->pool, &f->http) < 0) {
                refuse_unsent(f, "weir is stopping");
                flow_end(f);
        }
}

/* Reserving. */

static void flow_place(struct flow *f, int answer)
{
        switch (answer) {
        case LIMITER_GO:
                flow_send(f);
                return;
        case LIMITER_WAIT:
                counter_add(f->gateway->region.header, COUNTER_waited);
                flow_wait(f, FLOW_HELD, f->ticket.at_ms);
                return;
        case LIMITER_LOST:
                flow_reserve(f);
                return;
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                flow_park_or_refuse(f, answer, f->ticket.at_ms);
                return;
        case -ESTALE:
                flow_park_or_refuse(f, LIMITER_CROWDED, 0);
                return;
        default:
                refuse_limiter(f, answer, f->ticket.at_ms);
                flow_end(f);
                return;
        }
}

static void flow_reserve(struct flow *f)
{
        flow_place(f, limiter_reserve(&f->gateway->limiter, &f->request,
                                      upstream_now(f->gateway, f->upstream), &f->ticket));
}

void flow_due(struct flow *f)
{
        struct limiter_time time = upstream_now(f->gateway, f->upstream);
        int r;

        if (f->state == FLOW_STARTING) {
                flow_give_up_clock(f);
                return;
        }
        if (f->state == FLOW_PARKED) {
                flow_reserve(f);
                return;
        }
        r = limiter_confirm(&f->gateway->limiter, &f->ticket, time);
        if (r == LIMITER_WAIT) {
                /* Not counted again as waiting: it is the same wait. */
                flow_wait(f, FLOW_HELD,
                          f->ticket.at_ms > time.now_ms ? f->ticket.at_ms : time.now_ms + 1);
                return;
        }
        flow_place(f, r);
}

bool flow_try(struct flow *f)
{
        struct limiter *l = &f->gateway->limiter;
        struct limiter_ticket earlier;
        int r = limiter_reserve(l, &f->request, upstream_now(f->gateway, f->upstream), &earlier);

        if (r != LIMITER_GO) {
                uint64_t try_ms = earlier.try_ms;

                limiter_refund(l, &earlier);
                f->ticket.try_ms = r == LIMITER_WAIT ? try_ms : 0;
                return false;
        }
        queue_remove(f->gateway, f);
        limiter_refund(l, &f->ticket);
        f->ticket = earlier;
        flow_send(f);
        return true;
}

/* The reply. */

/* The books: called once per attempt, when its reply's head, or all of it, is here. */
static void flow_land(struct flow *f, unsigned outcomes)
{
        struct gateway *g = f->gateway;
        struct limiter_time time = upstream_now(g, f->upstream);
        uint32_t foreign = 0, refund = 0;
        uint16_t pool = 0;
        bool is_foreign;

        f->has_landed = true;
        if (!g->settings.limits)
                return;
        if (f->plan.n_charges > 0) {
                pool = f->plan.charges[0].pool;
                refund = f->plan.charges[0].amount - policy_settle(&f->plan, outcomes);
        }
        limiter_land(&g->limiter, &f->ticket, time, pool, refund, f->news, f->n_news, &foreign);
        is_foreign = foreign > 0;
        for (size_t i = 0; i < f->n_news; ++i)
                is_foreign |= limiter_observe(&g->limiter, &f->news[i], f->sent_ms, time, &foreign);
        if (is_foreign) {
                counter_add(g->region.header, COUNTER_foreign);
                log_event(LOG_INFO, "foreign_use", "group=%s in_window=%u",
                          policy_group_name(f->plan.group), foreign);
        }
}

static void flow_head(struct http_call *http, const struct http_head *head)
{
        struct flow *f = container_of(http, struct flow, http);
        struct gateway *g = f->gateway;

        f->status = head->status;
        f->n_news = g->settings.limits ? upstream_news(&g->limiter, &f->plan, head, f->news) : 0;
        /*
         * What changes something is collected whole: should its reply break off, the client can
         * still be told in words that the fate is unknown.
         */
        f->is_collecting =
                f->plan.is_mutating ||
                (g->settings.limits &&
                 (head->status >= 300 || (f->plan.outcome & ~(unsigned)POLICY_OUTCOME_OK) != 0));
        f->is_discarding = f->is_cut = false;
        if (reply_take_head(f, head) < 0) {
                /* Cannot be passed on as it is; the exchange has acted, so the fate is told as
                 * unknown. */
                f->is_discarding = true;
                flow_land(f, 0);
                return;
        }
        if (f->is_collecting)
                return;
        flow_land(f, head->status == 200 ? POLICY_OUTCOME_OK : 0);
        f->state = FLOW_ANSWERING;
        reply_start(f);
}

/* What the collected reply means for everybody, and whether this request is sent again. */
static bool flow_judge(struct flow *f, bool may_retry)
{
        struct gateway *g = f->gateway;
        struct verdict verdict;
        unsigned outcomes = 0;
        uint64_t again_ms, now_ms = upstream_now(g, f->upstream).now_ms;

        if (!g->settings.limits)
                return false;
        reply_classify(f, now_ms, &verdict);
        if (f->status == 200)
                outcomes |= POLICY_OUTCOME_OK;
        if (verdict.code == -1121)
                outcomes |= POLICY_OUTCOME_BAD_SYMBOL;
        if (reply_says_expired(f))
                outcomes |= POLICY_OUTCOME_EXPIRED;
        flow_land(f, outcomes);
        stops_note(g, f->upstream, &f->plan, &verdict);
        if (verdict.executed == EXECUTED_UNKNOWN)
                counter_add(g->region.header, COUNTER_unknown_fate);
        if (!may_retry || f->is_gone || g->is_draining)
                return false;
        if (call_told(&f->call, &verdict, now_ms, gateway_random(g), &again_ms) != CALL_WAIT)
                return false;

        counter_add(g->region.header, COUNTER_retries);
        log_event(LOG_WARN, "retry", "group=%s class=%s code=%d retry=%u in_ms=%llu",
                  policy_group_name(f->plan.group), class_name(f->request.class), verdict.code,
                  f->call.retries, (unsigned long long)(again_ms - now_ms));
        buf_clear(&f->reply);
        buf_clear(&f->body);
        flow_wait(f, FLOW_PARKED, again_ms);
        return true;
}

static void flush_all(void *ctx)
{
        struct gateway *g = ctx;
        struct list *link;

        g->is_flush_due = false;
        while ((link = list_first(&g->unflushed)) != NULL) {
                struct flow *f = container_of(link, struct flow, unflushed_link);

                list_unlink(link);
                if (http_exchange_flush(f->exchange) == HTTP_FULL)
                        http_call_pause(&f->http);
        }
}

/* What was appended leaves with what comes in the same turn of the loop, not later. */
static void flow_flush_soon(struct flow *f)
{
        struct gateway *g = f->gateway;

        if (!list_is_empty(&f->unflushed_link))
                return;
        list_append(&g->unflushed, &f->unflushed_link);
        if (g->is_flush_due)
                return;
        g->is_flush_due = loop_defer(g->loop, flush_all, g) == 0;
        if (!g->is_flush_due)
                flush_all(g);
}

static void flow_data(struct http_call *http, struct str payload)
{
        struct flow *f = container_of(http, struct flow, http);

        if (f->is_discarding || (f->state == FLOW_ANSWERING && f->is_gone))
                return;
        if (f->is_collecting) {
                if (buf_append_str(&f->body, payload) == 0)
                        return;
                /* Too long to be an error of the exchange: judge by what is here, pass on the rest.
                 */
                f->is_cut = true;
                f->is_collecting = false;
                (void)!flow_judge(f, false);
                f->state = FLOW_ANSWERING;
                reply_start(f);
        }
        reply_add(f, payload);
        flow_flush_soon(f);
}

static void flow_finish(struct flow *f)
{
        reply_finish(f);
        f->exchange = NULL;
        flow_end(f);
}

static void flow_done(struct http_call *http)
{
        struct flow *f = container_of(http, struct flow, http);

        if (f->is_discarding) {
                refuse_unreadable(f);
                flow_end(f);
                return;
        }
        if (f->is_collecting) {
                f->is_collecting = false;
                if (flow_judge(f, true))
                        return;
                f->state = FLOW_ANSWERING;
                reply_start_whole(f);
        }
        flow_finish(f);
}

/* A kept connection that the exchange closed just then: a read may be asked again, an order never.
 */
static bool may_ask_again(struct flow *f, enum http_failure failure)
{
        return failure == HTTP_MAYBE_SENT && !f->plan.is_mutating && f->http.is_reuse &&
               !f->is_gone && !f->gateway->is_draining && f->n_stale < STALE_MAX;
}

static void flow_not_sent(struct flow *f, const char *why)
{
        counter_add(f->gateway->region.header, COUNTER_not_sent);
        log_event(LOG_WARN, "not_sent", "group=%s why=\"%s\"", policy_group_name(f->plan.group),
                  why);
        refuse_unsent(f, why);
        flow_end(f);
}

static void flow_failed(struct http_call *http, enum http_failure failure, const char *why)
{
        struct flow *f = container_of(http, struct flow, http);
        struct gateway *g = f->gateway;

        if (failure == HTTP_NOT_SENT) {
                limiter_refund(&g->limiter, &f->ticket);
                if (f->is_gone) {
                        flow_abort(f);
                        return;
                }
                if (f->may_not_leave) {
                        flow_reserve(f);
                        return;
                }
                flow_not_sent(f, why);
                return;
        }

        /* No answer: the exchange may have counted it, and may still do so. */
        if (!f->has_landed)
                limiter_abandon(&f->ticket);
        if (may_ask_again(f, failure)) {
                ++f->n_stale;
                if (g->settings.limits)
                        flow_reserve(f);
                else
                        flow_send(f);
                return;
        }
        if (f->state == FLOW_ANSWERING) {
                log_event(LOG_WARN, "reply_cut", "group=%s why=\"%s\"",
                          policy_group_name(f->plan.group), why);
                flow_abort(f);
                return;
        }
        if (f->plan.is_mutating)
                counter_add(g->region.header, COUNTER_unknown_fate);
        log_event(LOG_WARN, f->plan.is_mutating ? "unknown_fate" : "read_failed",
                  "group=%s why=\"%s\"", policy_group_name(f->plan.group), why);
        refuse_unanswered(f, why);
        flow_end(f);
}

static const struct http_call_ops flow_ops = {
        .leave = flow_leave,
        .head = flow_head,
        .data = flow_data,
        .done = flow_done,
        .failed = flow_failed,
};

/* The beginning. */

/* By when it must leave: what its signature allows, what the client asks, what we are set to. */
static void flow_set_deadline(struct flow *f, uint64_t max_wait_ms)
{
        struct limiter_time time = upstream_now(f->gateway, f->upstream);
        uint64_t expires_ms = policy_expires_ms(&f->plan);
        uint64_t window_ms = f->plan.recv_window_us / US_PER_MS, margin_ms;

        f->expires_ms = UINT64_MAX;
        f->request.deadline_ms = time.now_ms + max_wait_ms + 1;
        if (!f->plan.is_signed || expires_ms == 0)
                return;
        margin_ms = f->upstream->clock.one_way_us / US_PER_MS +
                    (window_ms / 10 < ENGINE_MARGIN_MS ? window_ms / 10 : ENGINE_MARGIN_MS);
        if (f->upstream->clock.is_measured)
                margin_ms += time.guard_ms;
        expires_ms = expires_ms > margin_ms ? expires_ms - margin_ms : 0;
        /*
         * Past its end already by our clock: it may go at once, and the exchange says whether it is
         * too old; it knows its own clock better than we do. We only add no waiting to it.
         */
        if (expires_ms <= time.now_ms)
                expires_ms = time.now_ms + 1;
        else
                f->expires_ms = expires_ms;
        if (expires_ms < f->request.deadline_ms)
                f->request.deadline_ms = expires_ms;
}

/* X-Weir-Class and X-Weir-Max-Wait (ms). Return: false after having refused. */
static bool flow_read_wishes(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        struct str class = http_field_value(head, STR_LITERAL("x-weir-class"));
        struct str max_wait = http_field_value(head, STR_LITERAL("x-weir-max-wait"));

        f->max_wait_ms = f->gateway->settings.max_wait_ms;
        if (class.p && class_from(class, &f->request.class) < 0) {
                refuse_wish(f, "X-Weir-Class", class,
                            "one of cancel, order, reconcile, account, market, backfill");
                return false;
        }
        if (max_wait.p &&
            (str_to_u64(max_wait, &f->max_wait_ms) < 0 || f->max_wait_ms > 86400000)) {
                refuse_wish(f, "X-Weir-Max-Wait", max_wait,
                            "a number of milliseconds up to 86400000");
                return false;
        }
        return true;
}

static void note_unknown(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        char quoted[160];

        counter_add(f->gateway->region.header, COUNTER_unknown_endpoints);
        log_event(LOG_INFO, "unknown_endpoint", "group=%s method=%.*s path=%s weight=%u",
                  policy_group_name(f->plan.group),
                  head->method_text.n < 16 ? (int)head->method_text.n : 16, head->method_text.p,
                  log_quote(head->path, quoted, sizeof(quoted)), f->gateway->policy.unknown_weight);
}

/* Its deadline can be told, and places be taken. */
static void flow_admit(struct flow *f)
{
        struct gateway *g = f->gateway;
        uint64_t waited_ms = (loop_now_us(g->loop) - f->arrived_us) / US_PER_MS;

        flow_set_deadline(f, f->max_wait_ms > waited_ms ? f->max_wait_ms - waited_ms : 0);
        call_init(&f->call, &g->call, f->request.deadline_ms);
        flow_reserve(f);
}

/*
 * The first of a product, in a region that knows no time of it: this machine's clock may be hours
 * off, and places taken by it would be in windows that others come to later. Wait for the errand
 * that asks.
 */
static void flow_await_clock(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct upstream *u = f->upstream;
        uint64_t wait_ms = f->max_wait_ms < CLOCK_WAIT_MS ? f->max_wait_ms : CLOCK_WAIT_MS;

        flow_wait_us(f, FLOW_STARTING, f->arrived_us + wait_ms * US_PER_MS);
        /* Last: @f may be refused in here. */
        errand_ask_time(g, u);
}

/* The time has not come. Who may wait no longer is refused, the others go by the wall clock. */
static void flow_give_up_clock(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct upstream *u = f->upstream;

        if (f->max_wait_ms < CLOCK_WAIT_MS && !upstream_knows_time(g, u) && !u->has_given_up) {
                refuse_limiter(f, LIMITER_LATE, 0);
                flow_end(f);
                return;
        }
        upstream_give_up_time(g, u);
        flow_admit(f);
        flow_start_waiting(g, u);
}

/* For each of @u that waits for the time: the urgent ones first. Then it is in the queue no more.
 */
static void each_starting(struct gateway *g, struct upstream *u,
                          void (*fn)(struct flow *, const char *), const char *why)
{
        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct list *it, *after;

                list_for_each_safe(it, after, &g->queue.by_class[class])
                {
                        struct flow *f = container_of(it, struct flow, class_link);

                        if (f->state != FLOW_STARTING || f->upstream != u)
                                continue;
                        queue_remove(g, f);
                        fn(f, why);
                }
        }
}

static void start_one(struct flow *f, const char *why)
{
        (void)why;
        flow_admit(f);
}

static void refuse_one(struct flow *f, const char *why)
{
        flow_not_sent(f, why);
}

void flow_start_waiting(struct gateway *g, struct upstream *u)
{
        u->has_started = upstream_knows_time(g, u);
        each_starting(g, u, start_one, NULL);
}

void flow_refuse_waiting(struct gateway *g, struct upstream *u, const char *why)
{
        each_starting(g, u, refuse_one, why);
}

static void flow_start(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        struct gateway *g = f->gateway;

        if (upstream_use(g, f->upstream) < 0 ||
            upstream_write_head(f->upstream, &f->head, head, http_exchange_body(f->exchange).n) <
                    0) {
                refuse_memory(f);
                flow_end(f);
                return;
        }
        http_call_init(&f->http, &flow_ops);
        if (!g->settings.limits) {
                flow_send(f);
                return;
        }
        budget_request(&g->limiter, &f->plan, &f->request);
        if (!f->plan.is_known)
                note_unknown(f);
        if (!flow_read_wishes(f)) {
                flow_end(f);
                return;
        }
        /* Who is stopped is told so at once. */
        if (upstream_knows_time(g, f->upstream) || f->upstream->has_given_up ||
            !gates_are_open(f, upstream_now(g, f->upstream).now_ms))
                flow_admit(f);
        else
                flow_await_clock(f);
}

void flow_begin(void *ctx, struct http_exchange *exchange)
{
        const struct http_head *head = http_exchange_head(exchange);
        struct policy_input input = {
                .method = head->method_text,
                .path = head->path,
                .query = head->query,
                .body = http_exchange_body(exchange),
                .api_key = http_field_value(head, STR_LITERAL("x-mbx-apikey")),
        };
        struct gateway *g = ctx;
        struct policy_plan plan;
        struct flow *f;

        counter_add(g->region.header, COUNTER_requests);
        if (refuse_at_the_door(g, exchange))
                return;
        if (policy_match(&g->policy, &input, &plan) != 0) {
                refuse_path(exchange);
                return;
        }
        f = flow_new(g);
        if (!f) {
                refuse_busy(exchange);
                return;
        }
        f->upstream = &g->upstreams[plan.group];
        f->exchange = exchange;
        f->plan = plan;
        f->ticket.state = TICKET_EMPTY;
        f->ticket.blocker = BLOCKED_BY_NOTHING;
        f->request.class = plan.class;
        f->state = FLOW_NEW;
        f->sequence = ++g->sequence;
        f->arrived_us = f->left_us = loop_now_us(g->loop);
        f->call.retries = 0;
        f->n_stale = 0;
        f->is_gone = f->is_collecting = f->has_landed = false;
        http_exchange_set_user(exchange, f);
        flow_start(f);
}

void flow_client_gone(void *ctx, struct http_exchange *exchange)
{
        struct flow *f = http_exchange_user(exchange);

        (void)ctx;
        if (!f)
                return;
        f->is_gone = true;
        switch (f->state) {
        case FLOW_STARTING:
        case FLOW_HELD:
        case FLOW_PARKED:
                counter_add(f->gateway->region.header, COUNTER_abandoned);
                flow_abort(f);
                return;
        case FLOW_SENT:
                /* Still waiting for a connection: nothing has left, and nothing will. */
                if (f->http.sent_us == 0) {
                        counter_add(f->gateway->region.header, COUNTER_abandoned);
                        http_call_cancel(&f->http);
                        flow_abort(f);
                }
                /* Else the reply is awaited: it says what everybody may still spend. */
                return;
        case FLOW_ANSWERING:
                http_call_cancel(&f->http);
                flow_abort(f);
                return;
        default:
                return;
        }
}

void flow_client_drained(void *ctx, struct http_exchange *exchange)
{
        struct flow *f = http_exchange_user(exchange);

        (void)ctx;
        if (f && f->state == FLOW_ANSWERING)
                http_call_resume(&f->http);
}

void flow_turn_away(struct flow *f)
{
        if (f->state != FLOW_STARTING && f->state != FLOW_HELD && f->state != FLOW_PARKED)
                return;
        refuse_unsent(f, "weir is stopping");
        flow_end(f);
}

void flow_drop(struct flow *f)
{
        if (f->state == FLOW_SENT || f->state == FLOW_ANSWERING)
                http_call_cancel(&f->http);
        if (f->ticket.state == TICKET_FLYING)
                limiter_abandon(&f->ticket);
        if (f->state == FLOW_SENT)
                refuse_unanswered(f, "weir was stopped while it waited for the reply");
        if (f->exchange)
                flow_abort(f);
        else
                flow_end(f);
}
