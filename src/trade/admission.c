/*
 * Admission
 *
 * A place in all budgets for one attempt, from the limiter of this process. A gateway has its own:
 * with one, everything is admitted at once.
 *
 *      reserve -> GO
 *         |-> WAIT:  held until its place's time, or until an earlier one can be had
 *         |-> SHUT, CROWDED: again when it may have changed; of a ban that may be over, one process
 *         |          of all sends the probe
 *         +-> NEVER, LATE, or too late for the deadline: refused, nothing was sent
 */
#include "base/clock.h"
#include "budget/stops.h"
#include "call/breaker.h"
#include "core/sharing.h"
#include "trade/courier_inside.h"

#include <errno.h>
#include <stdio.h>

/* Before asking the limiter again when it cannot say when. */
#define AGAIN_MS 50

int admission_find_cost(struct courier *c, const struct courier_request *request)
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

/* One cheap request. Return: whether it was answered. */
static bool ping(struct courier *c, bool passes_gates)
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

        if (admission_find_cost(c, &ping) == 0) {
                ask_for_room(c, &ping, true, &request);
                request.is_probe = passes_gates;
                if (limiter_reserve(c->config.limiter, &request, courier_time(c), &c->ticket) ==
                            LIMITER_GO &&
                    letter_send(c, &ping) == 0) {
                        letter_settle(c, &verdict);
                        is_answered = c->ending == ENDING_DONE;
                }
                limiter_refund(c->config.limiter, &c->ticket);
        }
        c->plan = plan;
        return is_answered;
}

/* A ban may be over: exactly one process of all asks. */
static void probe(struct courier *c, int gate)
{
        bool is_answered = ping(c, true);

        stops_probe_done(c->config.limiter, gate, is_answered, courier_time(c));
}

static uint64_t breaker_rule(const struct courier *c)
{
        return atomic_load_explicit(&c->config.limiter->region->header->rules[RULE_BREAKER],
                                    memory_order_relaxed);
}

/*
 * Admitted: does the exchange answer at all? A read may be the probe that finds out; before an
 * order we ask ourselves. Return: LIMITER_GO, or LIMITER_SHUT with nothing held, until
 * ticket.at_ms.
 */
static int pass_breaker(struct courier *c, const struct courier_request *wanted)
{
        word_t *word = limiter_breaker(c->config.limiter, c->plan.group);
        uint64_t now_ms = courier_now_ms(c), at_ms;

        if (breaker_pass(word, breaker_rule(c), wanted->method[0] == 'G', now_ms, &at_ms) !=
            BREAKER_REFUSE)
                return LIMITER_GO;
        limiter_refund(c->config.limiter, &c->ticket);
        if (breaker_is_due(word, breaker_rule(c), now_ms) &&
            breaker_pass(word, breaker_rule(c), true, now_ms, &at_ms) == BREAKER_PROBE) {
                (void)ping(c, false);
                at_ms = courier_now_ms(c);
        }
        c->ticket.at_ms = at_ms;
        c->ticket.blocker = BLOCKED_BY_BREAKER;
        return LIMITER_SHUT;
}

/* Waits for a held place, or for an earlier one when ceilings open. Return: as confirm. */
static int wait_for_place(struct courier *c)
{
        int r = LIMITER_WAIT;

        while (r == LIMITER_WAIT) {
                uint64_t now_ms = courier_now_ms(c), next_ms = ticket_next_ms(&c->ticket);

                courier_sleep(c, next_ms > now_ms ? next_ms : now_ms + 1);
                r = limiter_confirm(c->config.limiter, &c->ticket, courier_time(c));
        }
        return r;
}

static const char *answer_text(int r, const struct limiter_ticket *ticket)
{
        if (ticket->blocker == BLOCKED_BY_BREAKER)
                return "the exchange does not answer, and is asked again after the deadline";
        switch (r) {
        case LIMITER_NEVER:
                return "it costs more than a whole window";
        case LIMITER_LATE:
                return "there is no room before the deadline";
        case LIMITER_SHUT:
                if (ticket->awaits_probe)
                        return "the time of a ban is over, but no probe has been answered before "
                               "the deadline";
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
        if (c->ticket.is_capped) {
                uint64_t now_ms = courier_now_ms(c), at_ms = now_ms;
                char why[SHARING_WORDS_SIZE];

                snprintf(c->why, sizeof(c->why), "not sent: %s",
                         sharing_refusal(c->config.limiter->region, by, now_ms, &at_ms, why));
                return answers[r];
        }
        snprintf(c->why, sizeof(c->why), by[0] ? "not sent: %s (%s)" : "not sent: %s",
                 answer_text(r, &c->ticket), by);
        return answers[r];
}

int admission_take(struct courier *c, const struct courier_request *wanted)
{
        struct limiter *l = c->config.limiter;
        struct limiter_request request;

        if (!l)
                return 0;
        ask_for_room(c, wanted, false, &request);
        for (;;) {
                struct limiter_time time = courier_time(c);
                uint64_t until_ms = time.now_ms + AGAIN_MS;
                int r = limiter_reserve(l, &request, time, &c->ticket), gate;

                if (r == LIMITER_WAIT && !wanted->is_impatient)
                        r = wait_for_place(c);
                if (r == LIMITER_GO)
                        r = pass_breaker(c, wanted);
                if (r == LIMITER_GO)
                        return 0;
                if (r == LIMITER_LOST)
                        continue;
                if (r == LIMITER_SHUT) {
                        gate = stops_claim_probe(l, c->plan.group, courier_time(c));
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
