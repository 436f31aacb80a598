#include "gateway/errand.h"
#include "base/clock.h"
#include "base/log.h"
#include "classify/classify.h"
#include "budget/budget.h"
#include "budget/landing.h"
#include "core/unclocked.h"
#include "gateway/breakers.h"
#include "gateway/flow.h"
#include "gateway/outlet.h"
#include "gateway/shown.h"
#include "gateway/state.h"
#include "gateway/stops.h"
#include "gateway/tally.h"
#include "gateway/upstream.h"
#include "gateway/weights.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Samples of the clock right after the start: the quickest of them counts. */
#define TIME_BURST 4
#define AGAIN_US   (1 * US_PER_SECOND)
#define NEVER      UINT64_MAX

static const struct {
        const char *path[ERRAND_KINDS]; /* NULL: the product has none */
} places[POLICY_GROUP_COUNT] = {
        [POLICY_API] = { { "/api/v3/time", "/api/v3/exchangeInfo?symbol=BTCUSDT",
                           "/api/v3/ping" } },
        /* The same host answers both; /sapi has no time of its own. */
        [POLICY_SAPI] = { { "/api/v3/time", NULL, "/sapi/v1/system/status" } },
        [POLICY_FAPI] = { { "/fapi/v1/time", "/fapi/v1/exchangeInfo", "/fapi/v1/ping" } },
        [POLICY_DAPI] = { { "/dapi/v1/time", "/dapi/v1/exchangeInfo", "/dapi/v1/ping" } },
        [POLICY_PAPI] = { { "/papi/v1/time", NULL, "/papi/v1/ping" } },
        [POLICY_EAPI] = { { "/eapi/v1/time", "/eapi/v1/exchangeInfo", "/eapi/v1/ping" } },
};

static void errand_send(struct errand *e);

static bool gates_are_open(struct errand *e)
{
        return outlet_is_open(e->gateway, e->upstream);
}

static uint64_t period_us(const struct errand *e)
{
        const struct settings *s = &e->gateway->settings;

        return (e->kind == ERRAND_TIME ? s->clock_interval_ms : s->discovery_interval_ms) *
               US_PER_MS;
}

/* The way is shut for it: probes pass, that of the breaker and that of a ban. */
static bool is_cut_off(struct errand *e)
{
        return !e->is_knocking && e->kind != ERRAND_PROBE &&
               breakers_are_shut(e->gateway, e->upstream, NULL);
}

static void tell_probe_leaves(struct errand *e)
{
        e->is_wait_told = false;
        stops_probe_left(upstream_limiter(e->upstream));
        log_event(LOG_INFO, "probe", "group=%s egress=%s gate=%u",
                  policy_group_name(e->upstream->group), e->upstream->outlet->shown, e->gate);
}

static bool errand_leave(struct http_call *call)
{
        struct errand *e = container_of(call, struct errand, call);
        uint64_t now_ms = upstream_now(e->gateway, e->upstream).now_ms;

        e->sent_ms = now_ms;
        e->is_held_back =
                is_cut_off(e) ||
                (e->is_uncharged ? !gates_are_open(e) : !ticket_may_leave(&e->ticket, now_ms));
        if (e->kind == ERRAND_PROBE && !e->is_held_back)
                tell_probe_leaves(e);
        if (e->is_held_back || !e->is_uncharged || e->is_noted)
                return !e->is_held_back;
        /* Before its first byte: who is killed from now on leaves it to the next one to charge. */
        unclocked_add(limiter_egress(upstream_limiter(e->upstream)), e->upstream->group);
        e->is_noted = true;
        return true;
}

static void errand_head(struct http_call *call, const struct http_head *head)
{
        struct errand *e = container_of(call, struct errand, call);
        struct str retry_after = http_field_value(head, STR_LITERAL("retry-after"));

        e->status = head->status;
        e->n_news = upstream_news(upstream_limiter(e->upstream), &e->plan, head, e->news);
        str_copy(retry_after, e->retry_after, sizeof(e->retry_after));
        stops_note_head(e->gateway, e->upstream, head->status, retry_after);
}

static void errand_data(struct http_call *call, struct str payload)
{
        struct errand *e = container_of(call, struct errand, call);
        size_t n = payload.n;

        if (e->kind == ERRAND_INFO)
                (void)ratelimits_feed(&e->upstream->errands.limits, payload);
        if (n > sizeof(e->body) - e->n_body) {
                n = sizeof(e->body) - e->n_body;
                e->is_cut = true;
        }
        memcpy(e->body + e->n_body, payload.p, n);
        e->n_body += n;
}

static bool is_time_known_or_given_up(const struct errand *e)
{
        return upstream_knows_time(e->gateway, e->upstream) || e->upstream->has_given_up;
}

static void write_request(const struct errand *e, struct limiter_request *ret_request)
{
        budget_request(upstream_limiter(e->upstream), &e->plan, ret_request);
        ret_request->is_probe = e->kind == ERRAND_PROBE;
        ret_request->class = CLASS_RECONCILE;
        ret_request->pacing = 0;
}

static void land(struct errand *e)
{
        struct evidence_findings findings = { 0 };
        struct budget_answer answer = { .status = (int)e->status,
                                        .sent_ms = e->sent_ms,
                                        .news = e->news,
                                        .n_news = e->n_news,
                                        .control =
                                                e->is_control ? EVIDENCE_CONTROL : EVIDENCE_PLAIN,
                                        .ret_findings = &findings };

        e->is_control = false;
        (void)budget_land(upstream_limiter(e->upstream), &e->plan, &e->ticket, &answer,
                          upstream_now(e->gateway, e->upstream));
        weights_tell(e->gateway, &findings);
}

/* What left before the windows could be told, in the books at last: ours, and that of processes
 * which were killed before they could charge it. */
static void charge_late(struct errand *e)
{
        struct limiter *l = upstream_limiter(e->upstream);
        unsigned n_noted = unclocked_count(limiter_egress(l), e->upstream->group);
        struct limiter_time time = upstream_now(e->gateway, e->upstream);
        uint64_t sent_ms = exclock_now(&e->upstream->clock, e->call.sent_us).now_ms;
        struct limiter_request request;
        uint32_t foreign;

        if (e->n_uncharged < n_noted)
                e->n_uncharged = n_noted;
        for (; e->n_uncharged > 0; --e->n_uncharged) {
                write_request(e, &request);
                /* Not asked for a place: it has been sent, and what is in the way is no matter. */
                if (limiter_charge(l, &request, time, &e->ticket) < 0)
                        continue;
                /* The first trip that anybody knows of. */
                e->ticket.at_ms = sent_ms;
                limiter_land(l, &e->ticket, time, 0, 0, NULL, 0, NULL);
        }
        unclocked_drop(limiter_egress(l), e->upstream->group, n_noted);
        for (size_t i = 0; i < e->n_news; ++i)
                (void)!limiter_observe(l, &e->news[i], sent_ms, time, &foreign);
}

static bool is_owing(const struct errand *e)
{
        return e->n_uncharged > 0 || unclocked_count(limiter_egress(upstream_limiter(e->upstream)),
                                                     e->upstream->group) > 0;
}

static void take_time(struct errand *e, uint64_t received_us)
{
        struct upstream *u = e->upstream;
        json_t *root = json_loadb(e->body, e->n_body, 0, NULL);
        json_int_t server_ms = json_integer_value(json_object_get(root, "serverTime"));
        bool is_better = server_ms > 0 && exclock_sample(&u->clock, (uint64_t)server_ms,
                                                         e->call.sent_us, received_us);

        json_decref(root);
        /* Before others learn the time: nobody who knows it looks for what is not charged. */
        if (exclock_is_known(&u->clock) && is_owing(e))
                charge_late(e);
        if (is_better)
                exclock_publish(&u->clock, &e->gateway->region.header->clocks[u->group],
                                clock_mono_us(), clock_wall_us());
        if (server_ms > 0 && ++e->n_done < TIME_BURST)
                e->due_us = 0;
}

static void take_info(struct errand *e)
{
        struct ratelimits *limits = &e->upstream->errands.limits;
        struct budget_limit entries[BUDGET_LIMITS_MAX];
        int n = ratelimits_entries(limits, entries);
        uint64_t shown;

        if (n < 0) {
                log_event(LOG_WARN, "limits_unread", "group=%s status=%u",
                          policy_group_name(e->upstream->group), e->status);
                return;
        }
        flow_follow(e->gateway, e->upstream, entries, (size_t)n);
        shown = region_hash(limits->text, limits->n_text);
        if (shown == e->upstream->errands.limits_shown)
                return;
        e->upstream->errands.limits_shown = shown;
        for (int i = 0; i < n; ++i) {
                static const char *const names[POLICY_UNIT_COUNT] = {
                        [POLICY_WEIGHT] = "weight",
                        [POLICY_ORDERS] = "orders",
                        [POLICY_REQUESTS] = "raw",
                };

                log_event(LOG_INFO, "limit", "group=%s kind=%s limit=%u per_ms=%u",
                          policy_group_name(e->upstream->group), names[entries[i].unit],
                          entries[i].limit, entries[i].span_ms);
        }
}

static void finish_probe(struct errand *e, bool is_answered)
{
        struct gateway *g = e->gateway;

        e->due_us = NEVER;
        stops_probe_done(upstream_limiter(e->upstream), (int)e->gate, is_answered,
                         upstream_now(g, e->upstream));
        if (is_answered)
                log_event(LOG_INFO, "probe_answered", "group=%s egress=%s gate=%u status=%u",
                          policy_group_name(e->upstream->group), e->upstream->outlet->shown,
                          e->gate, e->status);
}

/* An answer that was no time: asked again soon, but for one that says that there is none. */
static void wait_or_give_up(struct errand *e, const struct verdict *verdict, uint64_t received_us)
{
        e->due_us = received_us + AGAIN_US;
        if (verdict->kind != VERDICT_OK && verdict->kind != VERDICT_REJECTED &&
            verdict->kind != VERDICT_AUTH && verdict->kind != VERDICT_NOT_FOUND)
                return;
        e->due_us = received_us + period_us(e);
        upstream_give_up_time(e->gateway, e->upstream);
        /* By our own clock, as all that follows. */
        if (is_owing(e))
                charge_late(e);
        flow_start_waiting(e->gateway, e->upstream);
}

/* What the answer, or as much of it as is here, means for everybody. */
static void judge(const struct errand *e, struct verdict *ret_verdict)
{
        struct classify_in in = {
                .product = budget_product(e->upstream->group),
                .status = (int)e->status,
                .is_cut = e->is_cut,
                .retry_after = str_of(e->retry_after),
                .body = str_from(e->body, e->n_body),
                .now_ms = upstream_now(e->gateway, e->upstream).now_ms,
        };

        classify(&in, ret_verdict);
        stops_note(e->gateway, e->upstream, &e->plan, ret_verdict, "");
}

/* Whether the exchange answers that question: said when it changes. */
static void tell_way(struct errand *e, const char *why)
{
        char text[VERDICT_MSG_SIZE];

        if (e->kind != ERRAND_TIME || e->is_failing == (why != NULL))
                return;
        e->is_failing = why != NULL;
        if (why)
                log_event(LOG_WARN, "unreachable", "group=%s egress=%s why=\"%s\"",
                          policy_group_name(e->upstream->group), e->upstream->outlet->shown,
                          shown_text(str_of(why), text, sizeof(text)));
        else
                log_event(LOG_INFO, "reached", "group=%s egress=%s",
                          policy_group_name(e->upstream->group), e->upstream->outlet->shown);
}

static void errand_done(struct http_call *call)
{
        struct errand *e = container_of(call, struct errand, call);
        uint64_t received_us = loop_now_us(e->gateway->loop);
        struct verdict verdict;

        e->is_running = e->is_unreached = e->is_noted = false;
        tell_way(e, NULL);
        if (e->is_uncharged)
                ++e->n_uncharged;
        else
                land(e);
        judge(e, &verdict);
        e->is_knocking = false;
        breakers_tell(e->gateway, e->upstream, breaker_is_failure(&verdict),
                      verdict.msg[0] ? verdict.msg : verdict_kind_sentence(verdict.kind));
        e->due_us = received_us + period_us(e);
        if (verdict.kind == VERDICT_OK && e->kind == ERRAND_TIME)
                take_time(e, received_us);
        if (verdict.kind == VERDICT_OK && e->kind == ERRAND_INFO)
                take_info(e);
        if (e->kind == ERRAND_PROBE)
                finish_probe(e, true);
        if (e->kind == ERRAND_TIME && !is_time_known_or_given_up(e))
                wait_or_give_up(e, &verdict, received_us);
        tally_errand(e, &verdict);
        if (e->due_us == 0)
                errand_send(e);
        if (e->kind == ERRAND_TIME && !e->upstream->has_started &&
            exclock_is_known(&e->upstream->clock)) {
                /* The limits are asked first: what goes on is soon bound by them. */
                errands_run(e->gateway, e->upstream);
                flow_start_waiting(e->gateway, e->upstream);
        }
}

static void errand_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct errand *e = container_of(call, struct errand, call);
        struct verdict verdict;

        e->is_running = false;
        e->is_unreached = failure == HTTP_NOT_SENT;
        if (failure == HTTP_CUT) {
                e->is_cut = true;
                judge(e, &verdict);
        }
        if (!e->is_unreached)
                tally_errand(e, NULL);
        if (e->is_unreached)
                limiter_refund(upstream_limiter(e->upstream), &e->ticket);
        else
                limiter_abandon(&e->ticket);
        if (e->is_uncharged && !e->is_unreached)
                ++e->n_uncharged;
        if (e->is_noted && e->is_unreached)
                unclocked_drop(limiter_egress(upstream_limiter(e->upstream)), e->upstream->group,
                               1);
        e->is_noted = false;
        e->due_us = loop_now_us(e->gateway->loop) + AGAIN_US;
        /* One that was held back at the last moment says nothing about the way. */
        if (!e->is_held_back) {
                tell_way(e, why);
                breakers_tell(e->gateway, e->upstream, true, why);
        }
        e->is_knocking = false;
        if (e->kind == ERRAND_PROBE)
                finish_probe(e, false);
        log_event(LOG_DEBUG, "errand_failed", "path=%.*s why=\"%s\"", STR_ARGS(e->path), why);
        if (e->kind != ERRAND_TIME || !e->is_unreached)
                return;
        /* No request could have been sent either; those who wait for the time are told why. */
        if (gates_are_open(e))
                flow_refuse_waiting(e->gateway, e->upstream, why);
        else
                flow_start_waiting(e->gateway, e->upstream);
}

static const struct http_call_ops errand_ops = {
        .leave = errand_leave,
        .head = errand_head,
        .data = errand_data,
        .done = errand_done,
        .failed = errand_failed,
};

/* Takes a place in the budgets, at once or not at all; the first question for the time takes none.
 */
static bool errand_reserve(struct errand *e)
{
        struct policy_input input = { .method = STR_LITERAL("GET") };
        struct str rest = e->path;
        struct limiter_request request;
        int r;

        if (is_cut_off(e))
                return false;
        if (!str_split(&rest, '?', &input.path))
                return false;
        input.query = rest;
        if (policy_match(&e->gateway->policy, &input, &e->plan) != 0)
                return false;
        e->is_uncharged = e->kind == ERRAND_TIME && !is_time_known_or_given_up(e);
        if (e->is_uncharged)
                return gates_are_open(e);
        write_request(e, &request);
        r = limiter_reserve(upstream_limiter(e->upstream), &request,
                            upstream_now(e->gateway, e->upstream), &e->ticket);
        if (r != LIMITER_GO)
                limiter_refund(upstream_limiter(e->upstream), &e->ticket);
        /* Behind the books of others, or known too badly: that only the exchange's time can mend.
         */
        e->is_uncharged =
                r == -ESTALE && e->kind == ERRAND_TIME &&
                (!exclock_is_known(&e->upstream->clock) || e->ticket.blocker == BLOCKED_BY_CLOCK) &&
                gates_are_open(e);
        return r == LIMITER_GO || e->is_uncharged;
}

/* It has its place. */
static void start_call(struct errand *e)
{
        e->n_head = (size_t)snprintf(e->head, sizeof(e->head),
                                     "GET %.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir/%s\r\n"
                                     "Accept: application/json\r\n\r\n",
                                     STR_ARGS(e->path), e->upstream->host_field, WEIR_VERSION);
        must(e->n_head < sizeof(e->head));
        e->n_body = e->n_news = 0;
        e->is_cut = e->is_held_back = false;
        e->status = 0;
        if (e->kind == ERRAND_INFO)
                e->upstream->errands.limits = RATELIMITS_NULL;
        e->call.method = HTTP_GET;
        e->call.head = str_from(e->head, e->n_head);
        e->call.body = STR_NULL;
        e->call.rank = CLASS_RECONCILE;
        e->is_running = true;
        if (http_pool_call(e->upstream->pool, &e->call) < 0) {
                e->is_running = false;
                limiter_refund(upstream_limiter(e->upstream), &e->ticket);
                e->due_us = NEVER;
                if (e->kind == ERRAND_PROBE)
                        finish_probe(e, false);
        }
}

static void errand_send(struct errand *e)
{
        e->is_capped = false;
        if (!errand_reserve(e)) {
                e->is_capped = e->ticket.is_capped;
                e->due_us = loop_now_us(e->gateway->loop) + AGAIN_US;
                return;
        }
        start_call(e);
}

void errands_init(struct gateway *g, struct upstream *u)
{
        for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind) {
                struct errand *e = &u->errands.all[kind];
                const char *path = places[u->group].path[kind];

                *e = (struct errand){ .gateway = g, .upstream = u, .due_us = NEVER };
                e->kind = (enum errand_kind)kind;
                e->path = str_of(path);
                http_call_init(&e->call, &errand_ops);
                if (path && (kind == ERRAND_TIME || (kind == ERRAND_INFO && g->settings.discovery)))
                        e->due_us = 0;
        }
        if (!g->settings.limits)
                for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind)
                        u->errands.all[kind].due_us = NEVER;
}

void errands_run(struct gateway *g, struct upstream *u)
{
        uint64_t now_us = loop_now_us(g->loop);

        for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind) {
                struct errand *e = &u->errands.all[kind];

                if (kind == ERRAND_INFO && !is_time_known_or_given_up(e))
                        continue;
                /* The exchange's limits are the same by whichever address they are asked. */
                if (kind == ERRAND_INFO && outlets_first_open(g, u->group) != u)
                        continue;
                if (!e->is_running && e->due_us <= now_us)
                        errand_send(e);
        }
}

void errands_hurry(struct gateway *g, struct upstream *u)
{
        (void)g;
        for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind)
                if (u->errands.all[kind].is_capped && !u->errands.all[kind].is_running)
                        errand_send(&u->errands.all[kind]);
}

void errand_ask_time(struct gateway *g, struct upstream *u)
{
        struct errand *e = &u->errands.all[ERRAND_TIME];

        (void)g;
        if (e->is_unreached && !e->is_running)
                errand_send(e);
}

void errand_measure(struct gateway *g, struct upstream *u)
{
        (void)g;
        u->errands.all[ERRAND_TIME].due_us = 0;
}

void errand_control(struct gateway *g, struct upstream *u, bool is_behind)
{
        struct errand *e = &u->errands.all[ERRAND_TIME];

        (void)g;
        if (e->is_running || !is_time_known_or_given_up(e))
                return;
        errand_send(e);
        e->is_control = is_behind && e->is_running;
}

/* Its call was cancelled: it may have been sent. */
static void give_up(struct errand *e)
{
        if (e->is_uncharged && e->call.sent_us > 0)
                ++e->n_uncharged;
        if (e->call.sent_us > 0)
                tally_errand(e, NULL);
        limiter_abandon(&e->ticket);
        e->is_running = e->is_noted = false;
}

bool errand_can_knock(struct gateway *g, struct upstream *u)
{
        struct errand *e = &u->errands.all[ERRAND_TIME];

        (void)g;
        return gates_are_open(e);
}

void errand_knock(struct gateway *g, struct upstream *u)
{
        struct errand *e = &u->errands.all[ERRAND_TIME];

        (void)g;
        /* One that has not been answered for so long is given up. */
        if (e->is_running) {
                http_call_cancel(&e->call);
                give_up(e);
        }
        e->is_knocking = true;
        errand_send(e);
        /* No room for it: another one will be it. */
        if (!e->is_running)
                e->is_knocking = false;
}

/* Strangers may have filled the window. Said once for each ban. */
static void tell_probe_waits(struct errand *e, uint64_t now_ms)
{
        uint64_t at_ms = e->ticket.at_ms;

        if (e->is_wait_told)
                return;
        e->is_wait_told = true;
        log_event(LOG_INFO, "probe_waits", "group=%s egress=%s gate=%u pool=%s for_ms=%llu",
                  policy_group_name(e->upstream->group), e->upstream->outlet->shown, e->gate,
                  budget_blocked_by(&e->ticket),
                  (unsigned long long)(at_ms > now_ms ? at_ms - now_ms : 0));
}

void errand_probe(struct gateway *g, struct upstream *u, unsigned gate)
{
        struct limiter_time time = upstream_now(g, u);
        struct errand *e = &u->errands.all[ERRAND_PROBE];

        must(!e->is_running);
        e->gate = gate;
        if (!errand_reserve(e)) {
                tell_probe_waits(e, time.now_ms);
                return;
        }
        /* Only who has room for it asks for the lease. */
        if (stops_claim_probe(upstream_limiter(u), u->group, time) != (int)gate) {
                limiter_step_back(upstream_limiter(u), &e->ticket);
                limiter_refund(upstream_limiter(u), &e->ticket);
                return;
        }
        start_call(e);
}

void errands_stop(struct upstream *u)
{
        for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind) {
                struct errand *e = &u->errands.all[kind];

                if (!e->is_running)
                        continue;
                http_call_cancel(&e->call);
                give_up(e);
        }
}
