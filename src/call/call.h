/*
 * Call
 *
 * What to do after an attempt: hand the reply up, or wait and go through the limiter again. A
 * pure machine: it is told the verdict and the time and says what comes next.
 *
 *                      +------------------------------------------+
 *                      v                                          |
 *      limiter -> attempt -> call_told() -> CALL_WAIT -> wait until @retry_at_ms
 *                                |
 *                                +--------> CALL_DONE -> the reply goes up
 *
 * Only a request that was certainly not executed because of a limit is repeated (verdict's
 * @may_retry), at the moment the exchange named, else after an exponential delay. A ban, a
 * firewall, an unknown fate and every other error go up at once. Never past the deadline: if
 * the wait would end behind it, the reply goes up now and not after a vain wait.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "base/base.h"
#include "call/backoff.h"
#include "classify/verdict.h"

#define CALL_MAX_RETRIES 5

/* For requests that may wait as long as it takes. */
#define CALL_NO_DEADLINE UINT64_MAX

struct call_config {
        struct backoff_config backoff;
        uint32_t max_retries;
};

#define CALL_CONFIG_DEFAULT                                                                        \
        ((struct call_config){ .backoff = BACKOFF_CONFIG_DEFAULT, .max_retries = CALL_MAX_RETRIES })

enum call_answer {
        CALL_DONE = 0, /* hand the reply up */
        CALL_WAIT,     /* ask the limiter again at @retry_at_ms, then send again */
};

/* One request. Held by value, owns nothing. */
struct call {
        const struct call_config *config; /* the owner's, who outlives the call */
        uint64_t deadline_ms;             /* exchange clock */
        uint32_t attempts;                /* verdicts told so far */
        uint32_t retries;                 /* how many of them were answered by CALL_WAIT */
};

/**
 * call_init() - begin a request
 * @deadline_ms: last moment at which an attempt may start, exchange clock; CALL_NO_DEADLINE
 */
void call_init(struct call *call, const struct call_config *config, uint64_t deadline_ms);

/**
 * call_told() - an attempt ended with @verdict
 * @now_ms:  exchange clock
 * @random:  any number; spreads the callers when the exchange named no time
 * @ret_retry_at_ms: written for CALL_WAIT: after @now_ms, not after the deadline
 *
 * Return: an enum call_answer. After CALL_DONE the call is over and must not be told more.
 */
CHECKED enum call_answer call_told(struct call *call, const struct verdict *verdict,
                                   uint64_t now_ms, uint64_t random, uint64_t *ret_retry_at_ms);

#endif
