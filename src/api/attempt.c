#include "api/attempt.h"
#include "api/cutoff.h"
#include "api/refusal.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct attempt) <= sizeof(struct weir_attempt), "fits the public attempt");
_Static_assert(CALL_NO_DEADLINE == WEIR_NO_DEADLINE, "none is none");

#define NAME_SIZE 256

static struct attempt *attempt_of(struct weir_attempt *attempt)
{
        return (struct attempt *)(void *)attempt->inside;
}

static const struct policy_endpoint *endpoint_of(const struct attempt *a)
{
        return request_of(&a->request)->plan.endpoint;
}

static void count(struct attempt *a, size_t counter)
{
        struct tally *tallies[2] = { &a->caller->total, caller_tally(a->caller, endpoint_of(a)) };

        for (size_t i = 0; i < ARRAY_SIZE(tallies); ++i)
                atomic_fetch_add_explicit((_Atomic(uint64_t) *)(void *)((char *)tallies[i] +
                                                                        counter),
                                          1, memory_order_relaxed);
}

#define COUNT(a, counter) count(a, offsetof(struct tally, counter))

static int done(struct attempt *a, int result)
{
        a->phase = ATTEMPT_DONE;
        a->result = result;
        return WEIR_STEP_DONE;
}

static int park(struct attempt *a, uint64_t at_ms, uint64_t *ret_at_ms)
{
        a->phase = ATTEMPT_PARKED;
        a->at_ms = *ret_at_ms = at_ms;
        return WEIR_STEP_WAIT;
}

/* What the limiter says now. */
static int answered(struct attempt *a, int answer, uint64_t *ret_at_ms)
{
        const struct limiter_ticket *ticket = &a->reservation.ticket;

        switch (answer) {
        case LIMITER_GO:
                a->phase = ATTEMPT_SENDING;
                COUNT(a, calls);
                return WEIR_STEP_SEND;
        case LIMITER_WAIT:
                a->phase = ATTEMPT_HELD;
                a->at_ms = *ret_at_ms = ticket_next_ms(ticket);
                return WEIR_STEP_WAIT;
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                if (ticket->at_ms < ticket->deadline_ms)
                        return park(a, ticket->at_ms, ret_at_ms);
                break;
        default:
                break;
        }
        refusal_explain(a->caller->limiter->limiter.region, &a->reservation, answer, &a->verdict);
        return done(a, answer);
}

static int reserve(struct attempt *a, struct limiter_time time, uint64_t *ret_at_ms)
{
        return answered(a,
                        reservation_take(a->caller->limiter, &a->request, a->call.deadline_ms, time,
                                         &a->reservation),
                        ret_at_ms);
}

/* How it ends if nothing is ever sent. */
static void judge_failure(struct attempt *a, enum weir_failure failure)
{
        struct classify_in in;

        request_classify_failure_in(&a->request, &in);
        classify_transport(&in, failure == WEIR_NOT_SENT ? TRANSPORT_CONNECT : TRANSPORT_RESET,
                           failure != WEIR_NOT_SENT, &a->verdict);
}

int attempt_begin(struct attempt *a, struct weir_caller *caller, const struct weir_request *request,
                  uint64_t deadline_ms, struct limiter_time time, uint64_t *ret_at_ms)
{
        a->caller = caller;
        a->request = *request;
        /* Each attempt is signed afresh: only the caller's deadline counts. */
        a->request.expires_ms = 0;
        a->reservation.ticket.state = TICKET_EMPTY;
        call_init(&a->call, &caller->config, deadline_ms);
        judge_failure(a, WEIR_NOT_SENT);
        return reserve(a, time, ret_at_ms);
}

int attempt_next(struct attempt *a, struct limiter_time time, uint64_t *ret_at_ms)
{
        int answer;

        switch (a->phase) {
        case ATTEMPT_SENDING:
                return WEIR_STEP_SEND;
        case ATTEMPT_DONE:
                return WEIR_STEP_DONE;
        default:
                break;
        }
        if (time.now_ms < a->at_ms) {
                *ret_at_ms = a->at_ms;
                return WEIR_STEP_WAIT;
        }
        if (a->phase == ATTEMPT_PARKED)
                return reserve(a, time, ret_at_ms);
        answer = reservation_confirm(a->caller->limiter, &a->reservation, time);
        if (answer == LIMITER_LOST)
                return reserve(a, time, ret_at_ms);
        return answered(a, answer, ret_at_ms);
}

static bool is_hit(const struct verdict *v)
{
        return v->may_retry || v->kind == VERDICT_OVER_WEIGHT ||
               v->kind == VERDICT_TOO_MANY_ORDERS || v->kind == VERDICT_BANNED;
}

/* The exchange answered: again, or handed up? */
static int judged(struct attempt *a, struct limiter_time time, uint64_t random, uint64_t *ret_at_ms)
{
        const struct verdict *v = &a->verdict;
        char name[NAME_SIZE];
        uint64_t at_ms;

        if (is_hit(v))
                COUNT(a, hits);
        else if (v->kind != VERDICT_OK)
                COUNT(a, failures);
        if (call_told(&a->call, v, time.now_ms, random, &at_ms) == CALL_WAIT) {
                uint64_t shut_ms = reservation_shut_ms(a->caller->limiter, &a->request, time);
                uint64_t then_ms = shut_ms > at_ms ? shut_ms : at_ms;

                COUNT(a, retries);
                caller_log(a->caller, WEIR_LOG_WARNING,
                           "%s: refused by a limit (%d), retry %u of %u in %llu ms",
                           caller_endpoint_name(endpoint_of(a), name, sizeof(name)), v->code,
                           a->call.retries, a->caller->config.max_retries,
                           (unsigned long long)(then_ms - time.now_ms));
                return park(a, at_ms, ret_at_ms);
        }
        if (v->may_retry)
                caller_log(a->caller, WEIR_LOG_ERROR,
                           "%s: refused by a limit (%d), given up after %u retries",
                           caller_endpoint_name(endpoint_of(a), name, sizeof(name)), v->code,
                           a->call.retries);
        return done(a, 0);
}

int attempt_told(struct attempt *a, int result, const struct weir_reply *reply,
                 struct limiter_time time, uint64_t random, uint64_t *ret_at_ms)
{
        struct weir_limiter *l = a->caller->limiter;

        if (a->phase != ATTEMPT_SENDING)
                return -EINVAL;
        /* Neither is one that was agreed upon; the first would read as an answer of ours. */
        if (result > 0 || (result == 0 && !request_is_answered(reply)))
                result = -EPROTO;
        if (result == 0) {
                reservation_settle(l, &a->request, &a->reservation, a->reservation.sent_ms, reply,
                                   time, &a->verdict);
                return judged(a, time, random, ret_at_ms);
        }
        COUNT(a, failures);
        if (result == -ENOTCONN) {
                reservation_refund(l, &a->reservation, time);
                cutoff_tell(l, a->reservation.group, true, time);
                judge_failure(a, WEIR_NOT_SENT);
                return done(a, result);
        }
        reservation_abandon(l, &a->reservation, time);
        judge_failure(a, WEIR_NO_ANSWER);
        return done(a, result);
}

void attempt_cancel(struct attempt *a, struct limiter_time time)
{
        if (a->phase == ATTEMPT_DONE)
                return;
        /* What was handed out to be sent may have been. */
        if (a->phase == ATTEMPT_SENDING) {
                COUNT(a, failures);
                judge_failure(a, WEIR_NO_ANSWER);
        }
        str_copy(STR_LITERAL("given up by who waited for it"), a->verdict.msg,
                 sizeof(a->verdict.msg));
        reservation_abandon(a->caller->limiter, &a->reservation, time);
        (void)done(a, -ECANCELED);
}

/* Memory of zeros is no attempt that was begun. */
static bool is_begun(const struct weir_attempt *attempt)
{
        return ((const struct attempt *)(const void *)attempt->inside)->caller != NULL;
}

static struct limiter_time now(const struct attempt *a)
{
        return api_ms(api_now(a->caller->limiter, request_of(&a->request)->plan.group));
}

int weir_attempt_begin(struct weir_caller *caller, const struct weir_request *request,
                       uint64_t deadline_ms, struct weir_attempt *ret_attempt, uint64_t *ret_at_ms)
{
        return attempt_begin(attempt_of(ret_attempt), caller, request, deadline_ms,
                             api_ms(api_now(caller->limiter, request_of(request)->plan.group)),
                             ret_at_ms);
}

int weir_attempt_next(struct weir_attempt *attempt, uint64_t *ret_at_ms)
{
        if (!is_begun(attempt))
                return -EINVAL;
        return attempt_next(attempt_of(attempt), now(attempt_of(attempt)), ret_at_ms);
}

int weir_attempt_told(struct weir_attempt *attempt, int result, const struct weir_reply *reply,
                      uint64_t *ret_at_ms)
{
        struct attempt *a = attempt_of(attempt);

        if (!is_begun(attempt))
                return -EINVAL;
        return attempt_told(a, result, reply, now(a), caller_random(a->caller), ret_at_ms);
}

int weir_attempt_result(const struct weir_attempt *attempt, struct weir_verdict *ret_verdict)
{
        const struct attempt *a = (const struct attempt *)(const void *)attempt->inside;

        if (ret_verdict)
                request_verdict(&a->verdict, ret_verdict);
        return a->phase == ATTEMPT_DONE ? a->result : -EINPROGRESS;
}

void weir_attempt_cancel(struct weir_attempt *attempt)
{
        if (is_begun(attempt))
                attempt_cancel(attempt_of(attempt), now(attempt_of(attempt)));
}

int weir_call(struct weir_caller *caller, const struct weir_request *request, uint64_t deadline_ms,
              weir_call_fn fn, void *ctx, struct weir_verdict *ret_verdict)
{
        struct weir_attempt attempt;
        uint64_t at_ms = 0;
        int step = weir_attempt_begin(caller, request, deadline_ms, &attempt, &at_ms);

        while (step != WEIR_STEP_DONE) {
                if (step == WEIR_STEP_SEND) {
                        struct weir_reply reply = { 0 };
                        int r = fn(ctx, &reply);

                        step = weir_attempt_told(&attempt, r, &reply, &at_ms);
                } else {
                        api_sleep(caller->limiter, request_of(request)->plan.group, at_ms);
                        step = weir_attempt_next(&attempt, &at_ms);
                }
        }
        return weir_attempt_result(&attempt, ret_verdict);
}
