#include "base/clock.h"
#include "base/log.h"
#include "budget/budget.h"
#include "budget/landing.h"
#include "classify/classify.h"
#include "gateway/accounts.h"
#include "gateway/breakers.h"
#include "gateway/access_log.h"
#include "gateway/flow_inside.h"
#include "gateway/refuse.h"
#include "gateway/reply.h"
#include "gateway/shadow.h"
#include "gateway/stops.h"
#include "gateway/upstream.h"
#include "gateway/weights.h"

/* A read whose kept connection died under it is asked again this often. */
#define STALE_MAX 2
/* What others use is told again after so long. */
#define TOLD_AGAIN_US (10 * US_PER_SECOND)

/* Sending. */

/* The exchange's time now, at which it leaves if it may. */
static uint64_t look_at_clock(struct flow *f)
{
        f->left_us = clock_mono_us();
        return exclock_now(&f->upstream->clock, f->left_us).now_ms;
}

/*
 * It has its connection, perhaps after a while: how many leave now? Asked until it was held back
 * once: where connecting itself is slow, nobody would ever leave.
 */
static bool flow_pass_again(struct flow *f, uint64_t now_ms)
{
        uint64_t at_ms;

        if (f->was_held_back)
                return true;
        at_ms = limiter_pass_again(upstream_limiter(f->upstream), &f->ticket,
                                   (struct limiter_time){ .now_ms = now_ms });
        if (LIKELY(at_ms <= now_ms))
                return true;
        f->may_not_leave = f->was_held_back = true;
        f->front_ms = at_ms;
        return false;
}

/* The last moment at which nothing has left: is its place still good, and nobody banned? */
static bool flow_leave(struct http_call *http)
{
        struct flow *f = container_of(http, struct flow, http);
        uint64_t now_ms = look_at_clock(f);

        if (!flow_seal(f, now_ms))
                return false;
        /* A signature may take milliseconds, in which a window may end. */
        if (f->seal == FLOW_SIGN)
                now_ms = look_at_clock(f);
        f->sent_ms = now_ms;
        if (!f->gateway->settings.limits) {
                tally_left(f);
                return true;
        }
        if (f->gateway->shadow) {
                counter_add(f->gateway->region.header, COUNTER_sent);
                tally_left(f);
                return true;
        }
        f->may_not_leave = !ticket_may_leave(&f->ticket, now_ms) || now_ms >= f->expires_ms ||
                           !flow_gates_are_open(f, now_ms) || flow_is_paused(f) ||
                           breakers_are_shut(f->gateway, f->upstream, NULL);
        if (f->may_not_leave || !flow_pass_again(f, now_ms))
                return false;
        counter_add(f->gateway->region.header, COUNTER_sent);
        tally_left(f);
        accounts_sent(f);
        return true;
}

void flow_send(struct flow *f)
{
        f->state = FLOW_SENT;
        f->may_not_leave = f->has_landed = false;
        f->front_ms = 0;
        f->http.method = http_exchange_head(f->exchange)->method;
        f->http.head = buf_str(&f->head);
        f->http.body = http_exchange_body(f->exchange);
        f->http.answer_by_us = 0;
        f->http.rank = (unsigned)f->request.class;
        f->http.is_urgent = f->request.class <= CLASS_ORDER;
        if (http_pool_call(f->upstream->pool, &f->http) < 0) {
                refuse_unsent(f, "weir is stopping");
                flow_end(f);
        }
}

/* The reply. */

/* Somebody steady shows in every other reply: told when it is twice what was told, else every ten
 * seconds, or nothing else would be left of what happened. */
static void tell_foreign(struct flow *f, uint32_t foreign)
{
        struct upstream *u = f->upstream;
        uint64_t now_us = loop_now_us(f->gateway->loop);

        if (foreign < 2 * (uint64_t)u->told_foreign && now_us - u->told_foreign_us < TOLD_AGAIN_US)
                return;
        u->told_foreign = foreign;
        u->told_foreign_us = now_us;
        log_event(LOG_INFO, "foreign_use", "request=%s group=%s egress=%s in_window=%u",
                  f->request_id, policy_group_name(f->plan.group), u->outlet->shown, foreign);
}

/* The books: called once per attempt, when its reply's head, or all of it, is here. */
static void flow_land(struct flow *f, int status, int code)
{
        struct gateway *g = f->gateway;
        struct evidence_findings findings = { 0 };
        struct budget_answer answer = {
                .status = status,
                .code = code,
                .body = buf_str(&f->body),
                .sent_ms = f->sent_ms,
                .news = f->news,
                .n_news = f->n_news,
                .control = f->control == CONTROL_BEHIND ? EVIDENCE_SUSPECT : EVIDENCE_PLAIN,
                .ret_findings = &findings,
                .ret_refund = &f->tally.refund,
        };
        uint32_t foreign;

        f->has_landed = true;
        if (!g->settings.limits)
                return;
        foreign = budget_land(upstream_limiter(f->upstream), &f->plan, &f->ticket, &answer,
                              upstream_now(g, f->upstream));
        weights_tell(g, &findings);
        accounts_answered(f, status);
        shadow_land(f, status);
        /* Where budgets are shared it is mostly the other hosts', of whom the store knows. */
        if (foreign > 0 && !g->hosts.is_sharing) {
                counter_add(g->region.header, COUNTER_foreign);
                tell_foreign(f, foreign);
        }
}

static void flow_head(struct http_call *http, const struct http_head *head)
{
        struct flow *f = container_of(http, struct flow, http);
        struct gateway *g = f->gateway;
        int r;

        f->status = head->status;
        tally_answered(f, head->status);
        f->n_news = g->settings.limits
                            ? upstream_news(upstream_limiter(f->upstream), &f->plan, head, f->news)
                            : 0;
        /*
         * What changes something is collected whole: should its reply break off, the client can
         * still be told in words that the fate is unknown.
         */
        f->is_collecting =
                f->plan.is_mutating ||
                (g->settings.limits &&
                 (head->status != 200 || (f->plan.outcome & ~(unsigned)POLICY_OUTCOME_OK) != 0));
        f->is_discarding = f->is_cut = false;
        r = reply_take_head(f, head);
        stops_note_head(g, f->upstream, head->status, str_of(f->retry_after));
        if (r < 0) {
                /* Cannot be passed on as it is; the exchange has acted, so the fate is told as
                 * unknown. */
                f->is_discarding = true;
                flow_land(f, 0, 0);
                return;
        }
        if (f->is_collecting)
                return;
        breakers_tell(g, f->upstream, false, "");
        flow_land(f, (int)head->status, 0);
        f->state = FLOW_ANSWERING;
        reply_start(f);
}

/* What the collected reply means for everybody, and whether this request is sent again. */
static bool flow_judge(struct flow *f, bool may_retry)
{
        struct gateway *g = f->gateway;
        struct verdict verdict;
        uint64_t again_ms, now_ms = upstream_now(g, f->upstream).now_ms;
        bool was_shut;

        if (!g->settings.limits)
                return false;
        was_shut = !flow_gates_are_open(f, f->sent_ms);
        reply_classify(f, now_ms, &verdict);
        tally_judged(f, &verdict);
        flow_land(f, (int)f->status, verdict.code);
        stops_note(g, f->upstream, &f->plan, &verdict, f->request_id);
        breakers_tell(g, f->upstream, breaker_is_failure(&verdict),
                      verdict.msg[0] ? verdict.msg : verdict_kind_sentence(verdict.kind));
        flow_seal_told(f, &verdict);
        if (verdict.executed == EXECUTED_UNKNOWN)
                counter_add(g->region.header, COUNTER_unknown_fate);
        if (g->shadow) {
                shadow_judge(f, &verdict, was_shut);
                return false;
        }
        if (!may_retry || f->is_gone || g->is_draining)
                return false;
        if (call_told(&f->call, &verdict, now_ms, gateway_random(g), &again_ms) != CALL_WAIT)
                return false;

        counter_add(g->region.header, COUNTER_retries);
        log_event(LOG_WARN, "retry", "request=%s group=%s class=%s code=%d retry=%u in_ms=%llu",
                  f->request_id, policy_group_name(f->plan.group), class_name(f->request.class),
                  verdict.code, f->call.retries, (unsigned long long)(again_ms - now_ms));
        tally_again(f);
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
        access_log_answered(f);
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

void flow_not_sent(struct flow *f, const char *why)
{
        counter_add(f->gateway->region.header, COUNTER_not_sent);
        log_event(LOG_WARN, "not_sent", "request=%s group=%s why=\"%s\"", f->request_id,
                  policy_group_name(f->plan.group), why);
        refuse_unsent(f, why);
        flow_end(f);
}

/* A refusal that broke off is one all the same: what is here of it says for how long all stop. */
static void hear_refusal(struct flow *f)
{
        struct verdict verdict;

        if (!f->gateway->settings.limits)
                return;
        f->is_cut = true;
        reply_classify(f, upstream_now(f->gateway, f->upstream).now_ms, &verdict);
        stops_note(f->gateway, f->upstream, &f->plan, &verdict, f->request_id);
}

/* Nothing of it left: the pool had no connection for it, or flow_leave() said no. */
static void failed_unsent(struct flow *f, const char *why)
{
        tally_not_left(f);
        if (f->front_ms > 0 && f->front_ms < f->request.deadline_ms && !f->is_gone &&
            !f->seal_failure) {
                /* It keeps its place in the windows. */
                limiter_keep(&f->ticket, f->front_ms);
                flow_wait(f, FLOW_HELD, f->front_ms);
                return;
        }
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
        if (f->is_gone) {
                tally_ends(f, STATS_GONE);
                flow_abort(f);
        } else if (f->seal_failure) {
                flow_not_sent(f, f->seal_failure);
        } else if (f->may_not_leave) {
                flow_reserve(f);
        } else {
                breakers_tell(f->gateway, f->upstream, true, why);
                flow_not_sent(f, why);
        }
}

static void ask_again(struct flow *f)
{
        tally_again(f);
        ++f->n_stale;
        if (f->gateway->settings.limits)
                flow_reserve(f);
        else
                flow_send(f);
}

/* It may have been executed, and what came of its reply is no whole one. */
static void end_unanswered(struct flow *f, const char *why)
{
        const char *group = policy_group_name(f->plan.group);

        breakers_tell(f->gateway, f->upstream, true, why);
        tally_ends(f, STATS_UNKNOWN);
        if (f->state == FLOW_ANSWERING) {
                log_event(LOG_WARN, "reply_cut", "request=%s group=%s why=\"%s\"", f->request_id,
                          group, why);
                flow_abort(f);
                return;
        }
        if (f->plan.is_mutating)
                counter_add(f->gateway->region.header, COUNTER_unknown_fate);
        log_event(LOG_WARN, f->plan.is_mutating ? "unknown_fate" : "read_failed",
                  "request=%s group=%s why=\"%s\"", f->request_id, group, why);
        refuse_unanswered(f, why);
        flow_end(f);
}

static void flow_failed(struct http_call *http, enum http_failure failure, const char *why)
{
        struct flow *f = container_of(http, struct flow, http);

        accounts_ended(f, failure != HTTP_NOT_SENT);
        if (failure == HTTP_NOT_SENT) {
                failed_unsent(f, why);
                return;
        }
        /* The exchange may have counted it, and may still do so. */
        if (!f->has_landed)
                limiter_abandon(&f->ticket);
        shadow_drop(f, true);
        if (failure == HTTP_CUT && f->is_collecting)
                hear_refusal(f);
        if (may_ask_again(f, failure))
                ask_again(f);
        else
                end_unanswered(f, why);
}

static const struct http_call_ops flow_ops = {
        .leave = flow_leave,
        .head = flow_head,
        .data = flow_data,
        .done = flow_done,
        .failed = flow_failed,
};

void flow_call_init(struct flow *f)
{
        http_call_init(&f->http, &flow_ops);
}
