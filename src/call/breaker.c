#include "call/breaker.h"

#define TIME_BITS     48
#define TIME_MASK     ((1ULL << TIME_BITS) - 1) /* enough until the year 10889 */
#define STATE_SHIFT   62
#define FAILURES_MASK ((uint64_t)BREAKER_FAILURES_MAX)

static uint64_t word_of(enum breaker_state state, uint64_t failures, uint64_t at_ms)
{
        return (uint64_t)state << STATE_SHIFT | failures << TIME_BITS | (at_ms & TIME_MASK);
}

enum breaker_state breaker_state(uint64_t word)
{
        uint64_t state = word >> STATE_SHIFT;

        /* The fourth pattern is never written: a damaged word must not shut the way for good. */
        return state > BREAKER_PROBING ? BREAKER_CLOSED : (enum breaker_state)state;
}

enum breaker_answer breaker_ask(uint64_t word, const struct breaker_config *config, uint64_t now_ms,
                                uint64_t *ret_word, uint64_t *ret_retry_at_ms)
{
        uint64_t since_ms = word & TIME_MASK;

        *ret_word = word;
        if (breaker_state(word) == BREAKER_CLOSED)
                return BREAKER_SEND;
        /* A clock that went back behind the opening must not prolong the pause by its step. */
        if (now_ms < since_ms)
                since_ms = now_ms;
        if (now_ms - since_ms >= config->pause_ms) {
                *ret_word = word_of(BREAKER_PROBING, word >> TIME_BITS & FAILURES_MASK, now_ms);
                return BREAKER_PROBE;
        }
        *ret_word = word_of(breaker_state(word), word >> TIME_BITS & FAILURES_MASK, since_ms);
        *ret_retry_at_ms = since_ms + config->pause_ms;
        return BREAKER_REFUSE;
}

uint64_t breaker_told(uint64_t word, const struct breaker_config *config, bool is_failure,
                      uint64_t now_ms)
{
        uint64_t failures = word >> TIME_BITS & FAILURES_MASK;

        must(config->threshold > 0 && config->threshold <= BREAKER_FAILURES_MAX);

        switch (breaker_state(word)) {
        case BREAKER_OPEN:
                /* Of a request sent before it opened: neither proof of health nor news. */
                return word;
        case BREAKER_PROBING:
                return is_failure ? word_of(BREAKER_OPEN, failures, now_ms) : 0;
        case BREAKER_CLOSED:
                break;
        }
        if (!is_failure)
                return 0;
        if (word >> STATE_SHIFT != BREAKER_CLOSED)
                failures = 0;
        if (failures < BREAKER_FAILURES_MAX)
                ++failures;
        return word_of(failures >= config->threshold ? BREAKER_OPEN : BREAKER_CLOSED, failures,
                       now_ms);
}

bool breaker_is_failure(const struct verdict *verdict)
{
        switch (verdict->kind) {
        case VERDICT_UNSENT:
        case VERDICT_FAILED:
        case VERDICT_UNKNOWN_FATE:
        case VERDICT_UNAVAILABLE:
        case VERDICT_MAINTENANCE:
                return true;
        default:
                return verdict->status >= 500;
        }
}
