#include "api/reserve.h"
#include "api/acquire.h"
#include "api/cutoff.h"
#include "budget/holder.h"
#include "budget/budget.h"
#include "budget/expiry.h"
#include "budget/landing.h"
#include "budget/stops.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct reservation) <= sizeof(struct weir_ticket), "fits the public ticket");
_Static_assert((int)WEIR_GO == (int)LIMITER_GO && (int)WEIR_WAIT == (int)LIMITER_WAIT &&
                       (int)WEIR_NEVER == (int)LIMITER_NEVER &&
                       (int)WEIR_LATE == (int)LIMITER_LATE && (int)WEIR_SHUT == (int)LIMITER_SHUT &&
                       (int)WEIR_CROWDED == (int)LIMITER_CROWDED &&
                       (int)WEIR_LOST == (int)LIMITER_LOST,
               "answers have the same numbers");

/* A budget that is not there, or a ban whose probe did not get a place: asked again then. */
#define AGAIN_MS 50

/* By when it must leave: what its signature allows, and the caller. */
static uint64_t deadline_of(const struct weir_request *request, uint64_t deadline_ms,
                            struct limiter_time time)
{
        /* Who measured the clock, and how far away the exchange is, nobody says here. */
        struct expiry expiry = {
                .at_ms = request->expires_ms,
                .window_ms = request_of(request)->plan.recv_window_us / US_PER_MS,
        };
        uint64_t leave_ms;

        if (expiry_leave_by(&expiry, time, &leave_ms) == EXPIRY_NONE)
                return deadline_ms;
        return leave_ms < deadline_ms ? leave_ms : deadline_ms;
}

/* What a route is known by: a caller may have set another class, and a key may have been named an
 * account's since. */
static uint64_t kind_of(const struct weir_limiter *l, const struct weir_request *request)
{
        return request_of(request)->kind + (uint64_t)request_class(request) +
               holders_version(&l->limiter) * CLASS_COUNT;
}

/* A ban is over, or not: of all who come exactly one is let through to see. */
static int take_as_probe(struct weir_limiter *l, struct limiter_request *request,
                         struct limiter_time time, struct reservation *r)
{
        int gate = stops_claim_probe(&l->limiter, r->group, time), answer;

        if (gate == STOPS_NO_PROBE)
                return LIMITER_SHUT;
        request->is_probe = true;
        request->pacing = 0;
        answer = limiter_reserve(&l->limiter, request, time, &r->ticket);
        if (answer == LIMITER_GO) {
                r->probe = gate;
                stops_probe_left(&l->limiter);
                return answer;
        }
        limiter_refund(&l->limiter, &r->ticket);
        stops_probe_done(&l->limiter, gate, false, time);
        r->ticket.at_ms = time.now_ms + AGAIN_MS;
        return answer == LIMITER_WAIT ? LIMITER_SHUT : answer;
}

/* Found out from tables and region; what is admitted at once is remembered. */
static SELDOM int take_the_long_way(struct weir_limiter *l, const struct weir_request *request,
                                    uint64_t deadline_ms, struct limiter_time time, bool learn,
                                    struct reservation *r)
{
        struct limiter_request what;
        int answer;

        if (!request_is_sound(request)) {
                r->ticket = LIMITER_TICKET_NULL;
                return -EINVAL;
        }
        budget_request(&l->limiter, &request_of(request)->plan, &what);
        what.class = request_class(request);
        what.deadline_ms = deadline_ms;
        answer = limiter_reserve(&l->limiter, &what, time, &r->ticket);
        if (answer == LIMITER_SHUT)
                return take_as_probe(l, &what, time, r);
        if (answer == LIMITER_GO && learn)
                routes_learn(&l->routes, kind_of(l, request), &l->limiter, &what, &r->ticket);
        return answer;
}

/* By the short way, else by the long one. */
static int take(struct weir_limiter *l, const struct weir_request *request, uint64_t deadline_ms,
                struct limiter_time time, struct reservation *ret)
{
        struct route *route = NULL;
        int r = ROUTE_STALE;

        deadline_ms = deadline_of(request, deadline_ms, time);
        ret->sent_ms = time.now_ms;
        ret->group = request_of(request)->plan.group;
        ret->probe = STOPS_NO_PROBE;
        if (LIKELY(request_is_sound(request)))
                route = routes_find(&l->routes, kind_of(l, request));
        if (LIKELY(route != NULL))
                r = route_go(&l->limiter, route, deadline_ms, time, &ret->ticket);
        if (LIKELY(r == ROUTE_GO))
                return LIMITER_GO;
        return take_the_long_way(l, request, deadline_ms, time, r == ROUTE_STALE, ret);
}

int reservation_take(struct weir_limiter *l, const struct weir_request *request,
                     uint64_t deadline_ms, struct limiter_time time, struct reservation *ret)
{
        int r = take(l, request, deadline_ms, time, ret);

        if (LIKELY(cutoff_is_calm(l, ret->group)) || r != LIMITER_GO ||
            ret->probe != STOPS_NO_PROBE)
                return r;
        return cutoff_pass(l, request, ret, time);
}

uint64_t reservation_shut_ms(struct weir_limiter *l, const struct weir_request *request,
                             struct limiter_time time)
{
        struct limiter_request what;

        budget_request(&l->limiter, &request_of(request)->plan, &what);
        what.class = request_class(request);
        what.deadline_ms = UINT64_MAX;
        return limiter_shut_ms(&l->limiter, &what, time);
}

int reservation_confirm(struct weir_limiter *l, struct reservation *r, struct limiter_time time)
{
        int answer;

        if (r->ticket.state == TICKET_FLYING)
                return LIMITER_GO;
        if (r->ticket.state != TICKET_HELD)
                return LIMITER_LOST;
        answer = limiter_confirm(&l->limiter, &r->ticket, time);
        r->sent_ms = time.now_ms;
        if (LIKELY(cutoff_is_calm(l, r->group)) || answer != LIMITER_GO)
                return answer;
        return cutoff_confirm(l, r, time);
}

static bool is_open(const struct weir_limiter *l, unsigned gate, uint64_t now_ms)
{
        enum gate_kind kind;
        uint64_t until_ms;

        return gate_check(limiter_gate(&l->limiter, gate), now_ms, &until_ms, &kind) == GATE_OPEN;
}

bool reservation_may_leave(const struct weir_limiter *l, const struct reservation *r,
                           struct limiter_time time)
{
        return ticket_may_leave(&r->ticket, time.now_ms) &&
               (r->probe != STOPS_NO_PROBE || (is_open(l, BUDGET_GATE_ALL, time.now_ms) &&
                                               is_open(l, r->ticket.gate, time.now_ms)));
}

static void probe_done(struct weir_limiter *l, struct reservation *r, bool is_answered,
                       struct limiter_time time)
{
        if (LIKELY(r->probe == STOPS_NO_PROBE))
                return;
        stops_probe_done(&l->limiter, r->probe, is_answered, time);
        r->probe = STOPS_NO_PROBE;
}

void reservation_refund(struct weir_limiter *l, struct reservation *r, struct limiter_time time)
{
        if (r->ticket.state == TICKET_EMPTY)
                return;
        limiter_refund(&l->limiter, &r->ticket);
        probe_done(l, r, false, time);
}

void reservation_abandon(struct weir_limiter *l, struct reservation *r, struct limiter_time time)
{
        if (r->ticket.state == TICKET_EMPTY)
                return;
        /* A place that was only held was never sent in. */
        if (r->ticket.state == TICKET_HELD)
                limiter_refund(&l->limiter, &r->ticket);
        else
                cutoff_tell(l, r->group, true, time);
        limiter_abandon(&r->ticket);
        probe_done(l, r, false, time);
}

/* Says whether a reply without a look at its body is what was asked for, and nothing else. */
static bool is_plain(const struct request *request, const struct weir_reply *reply)
{
        return reply->status == 200 && !request->is_batch &&
               (request->plan.outcome & ~(unsigned)POLICY_OUTCOME_OK) == 0;
}

static size_t news_of(const struct weir_limiter *l, const struct policy_plan *plan,
                      const struct weir_reply *reply, struct limiter_news *news)
{
        size_t n = 0;

        for (size_t i = 0; reply->headers && i < reply->n_headers && n < BUDGET_NEWS_MAX; ++i)
                n += budget_news(&l->limiter, plan, str_of(reply->headers[i].name),
                                 str_of(reply->headers[i].value), &news[n]);
        return n;
}

/* What was reserved is what success costs: no answer of its kind costs more than another. */
static bool is_priced_alike(const struct policy_plan *plan, const struct limiter_ticket *ticket)
{
        return plan->n_charges == 0 || ticket->n_takes == 0 ||
               ticket->takes[0].pool != plan->charges[0].pool ||
               ticket->takes[0].amount == plan->charges[0].amount;
}

/* Nearly every answer: done as asked, and no header to be read. */
static bool settle_plain(struct weir_limiter *l, const struct weir_request *request,
                         struct reservation *r, const struct weir_reply *reply,
                         struct limiter_time time)
{
        if (reply->n_headers > 0 || r->ticket.state != TICKET_FLYING ||
            r->probe != STOPS_NO_PROBE || request_of(request)->plan.outcome != 0 ||
            !is_plain(request_of(request), reply) ||
            !is_priced_alike(&request_of(request)->plan, &r->ticket))
                return false;
        limiter_land(&l->limiter, &r->ticket, time, 0, 0, NULL, 0, NULL);
        if (UNLIKELY(!cutoff_is_calm(l, r->group)))
                cutoff_tell(l, r->group, false, time);
        return true;
}

static SELDOM void settle(struct weir_limiter *l, const struct weir_request *request,
                          struct reservation *r, uint64_t sent_ms, const struct weir_reply *reply,
                          struct limiter_time time, struct verdict *ret_verdict)
{
        const struct policy_plan *plan = &request_of(request)->plan;
        bool is_simple = is_plain(request_of(request), reply);
        struct limiter_news news[BUDGET_NEWS_MAX];
        struct verdict verdict = { .status = reply->status };
        struct budget_answer answer = {
                .status = reply->status,
                .body = str_from(reply->body, reply->body ? reply->body_bytes : 0),
                .sent_ms = sent_ms,
                .news = news,
        };
        struct stop stop;

        verdict.msg[0] = '\0';
        answer.n_news = news_of(l, plan, reply, news);
        if (!is_simple || ret_verdict) {
                struct classify_in in;

                request_classify_in(request, reply, time.now_ms, &in);
                classify(&in, &verdict);
        }
        answer.code = verdict.code;
        (void)budget_land(&l->limiter, plan, r ? &r->ticket : NULL, &answer, time);
        if (!is_simple)
                (void)stops_apply(&l->limiter, plan, &verdict, time, &stop);
        cutoff_tell(l, plan->group, !is_simple && breaker_is_failure(&verdict), time);
        if (r)
                probe_done(l, r, true, time);
        else
                acquire_answered(l, sent_ms, time);
        if (ret_verdict)
                *ret_verdict = verdict;
}

void reservation_settle(struct weir_limiter *l, const struct weir_request *request,
                        struct reservation *r, uint64_t sent_ms, const struct weir_reply *reply,
                        struct limiter_time time, struct verdict *ret_verdict)
{
        if (!r || ret_verdict || UNLIKELY(!settle_plain(l, request, r, reply, time)))
                settle(l, request, r, sent_ms, reply, time, ret_verdict);
}

int weir_reserve(struct weir_limiter *limiter, const struct weir_request *request,
                 uint64_t deadline_ms, struct weir_ticket *ret_ticket)
{
        return reservation_take(limiter, request, deadline_ms,
                                api_now_quick(limiter, request_of(request)->plan.group),
                                reservation_of(ret_ticket));
}

int weir_confirm(struct weir_limiter *limiter, struct weir_ticket *ticket)
{
        struct reservation *r = reservation_of(ticket);

        return reservation_confirm(limiter, r, api_ms(api_now(limiter, r->group)));
}

uint64_t weir_ticket_at_ms(const struct weir_ticket *ticket)
{
        return ticket_next_ms(&((const struct reservation *)(const void *)ticket->inside)->ticket);
}

const char *weir_ticket_blocked_by(const struct weir_ticket *ticket)
{
        return budget_blocked_by(
                &((const struct reservation *)(const void *)ticket->inside)->ticket);
}

bool weir_may_leave(const struct weir_limiter *limiter, const struct weir_ticket *ticket)
{
        const struct reservation *r = (const struct reservation *)(const void *)ticket->inside;

        return reservation_may_leave(limiter, r, api_ms(api_now(limiter, r->group)));
}

int weir_reserve_wait(struct weir_limiter *limiter, const struct weir_request *request,
                      uint64_t deadline_ms, struct weir_ticket *ret_ticket)
{
        enum policy_group group = request_of(request)->plan.group;
        struct reservation *r = reservation_of(ret_ticket);
        int answer = weir_reserve(limiter, request, deadline_ms, ret_ticket);

        for (;;) {
                bool is_held = answer == WEIR_WAIT;

                if (answer == WEIR_LOST)
                        answer = weir_reserve(limiter, request, deadline_ms, ret_ticket);
                else if ((answer == WEIR_SHUT || answer == WEIR_CROWDED) &&
                         r->ticket.at_ms < r->ticket.deadline_ms) {
                        api_sleep(limiter, group, r->ticket.at_ms);
                        answer = weir_reserve(limiter, request, deadline_ms, ret_ticket);
                } else if (is_held) {
                        api_sleep(limiter, group, ticket_next_ms(&r->ticket));
                        answer = weir_confirm(limiter, ret_ticket);
                } else {
                        return answer;
                }
        }
}

void weir_settle(struct weir_limiter *limiter, const struct weir_request *request,
                 struct weir_ticket *ticket, const struct weir_reply *reply,
                 struct weir_verdict *ret_verdict)
{
        struct reservation *r = reservation_of(ticket);
        struct limiter_time time = api_now_quick(limiter, r->group);
        struct verdict verdict;

        if (!request_is_answered(reply) || !request_is_found(request)) {
                reservation_abandon(limiter, r, time);
                if (ret_verdict)
                        weir_classify(request, reply, time.now_ms, ret_verdict);
                return;
        }
        reservation_settle(limiter, request, r, r->sent_ms, reply, time,
                           ret_verdict ? &verdict : NULL);
        if (ret_verdict)
                request_verdict(&verdict, ret_verdict);
}

void weir_refund(struct weir_limiter *limiter, struct weir_ticket *ticket)
{
        struct reservation *r = reservation_of(ticket);

        reservation_refund(limiter, r, api_ms(api_now(limiter, r->group)));
}

void weir_abandon(struct weir_limiter *limiter, struct weir_ticket *ticket)
{
        struct reservation *r = reservation_of(ticket);

        reservation_abandon(limiter, r, api_ms(api_now(limiter, r->group)));
}

void weir_observe(struct weir_limiter *limiter, const struct weir_request *request,
                  uint64_t sent_ms, const struct weir_reply *reply)
{
        /* Of whom the answer speaks is not known, if the request is not. */
        if (!request_is_answered(reply) || !request_is_found(request))
                return;
        reservation_settle(limiter, request, NULL, sent_ms, reply,
                           api_ms(api_now(limiter, request_of(request)->plan.group)), NULL);
}
