#include "call/call.h"

void call_init(struct call *call, const struct call_config *config, uint64_t deadline_ms)
{
        *call = (struct call){ .config = config, .deadline_ms = deadline_ms };
}

/*
 * The moment of the next attempt. A stated time that is over already (Retry-After: 0, a clock
 * that differs, a reply that lay around) says nothing about when there is room again: taken at
 * its word it would spend all retries within one round trip and turn a 429 into a ban.
 */
static uint64_t next_attempt_ms(const struct call *call, const struct verdict *verdict,
                                uint64_t now_ms, uint64_t random)
{
        uint64_t delay_ms;

        if (verdict->retry_at_ms > now_ms)
                return verdict->retry_at_ms;
        delay_ms = backoff_delay_ms(&call->config->backoff, call->retries, random);
        return delay_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + delay_ms;
}

enum call_answer call_told(struct call *call, const struct verdict *verdict, uint64_t now_ms,
                           uint64_t random, uint64_t *ret_retry_at_ms)
{
        uint64_t at_ms;

        ++call->attempts;
        /* The second half is the classifier's own promise; orders are worth asking twice. */
        if (!verdict->may_retry ||
            (verdict->executed != EXECUTED_NO && verdict->executed != EXECUTED_NA))
                return CALL_DONE;
        if (call->retries >= call->config->max_retries)
                return CALL_DONE;

        at_ms = next_attempt_ms(call, verdict, now_ms, random);
        if (at_ms > call->deadline_ms)
                return CALL_DONE;

        ++call->retries;
        *ret_retry_at_ms = at_ms;
        return CALL_WAIT;
}
