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
        case VERDICT_OVERLOADED:
                return false;
        default:
                return verdict->status >= 500;
        }
}

/* What the rule's word holds besides threshold and pause: that somebody wrote it. */
#define RULE_IS_SET     (1ULL << 63)
#define THRESHOLD_SHIFT 32

uint64_t breaker_config_pack(const struct breaker_config *config)
{
        return RULE_IS_SET |
               (uint64_t)(config->threshold & BREAKER_FAILURES_MAX) << THRESHOLD_SHIFT |
               config->pause_ms;
}

struct breaker_config breaker_config_unpack(uint64_t word)
{
        if ((word & RULE_IS_SET) == 0)
                return BREAKER_CONFIG_DEFAULT;
        return (struct breaker_config){
                .threshold = (uint32_t)(word >> THRESHOLD_SHIFT) & BREAKER_FAILURES_MAX,
                .pause_ms = (uint32_t)word,
        };
}

static uint64_t failures_of(uint64_t word)
{
        return word >> TIME_BITS & FAILURES_MASK;
}

/* The pause is over, and long so: nobody came who may probe. */
static bool has_lapsed(uint64_t word, const struct breaker_config *config, uint64_t now_ms)
{
        return now_ms >= (word & TIME_MASK) + config->pause_ms + BREAKER_LAPSE_MS;
}

/* What one that may not probe finds. @ret_word: as in breaker_ask(). */
static enum breaker_answer ask_without_probing(uint64_t word, const struct breaker_config *config,
                                               uint64_t now_ms, uint64_t *ret_word,
                                               uint64_t *ret_retry_at_ms)
{
        enum breaker_answer answer = breaker_ask(word, config, now_ms, ret_word, ret_retry_at_ms);

        if (answer != BREAKER_PROBE)
                return answer;
        if (has_lapsed(word, config, now_ms)) {
                *ret_word = word_of(BREAKER_CLOSED, config->threshold - 1, now_ms);
                return BREAKER_SEND;
        }
        *ret_word = word;
        /* Somebody else is about to probe. */
        *ret_retry_at_ms = now_ms + (config->pause_ms < 100 ? config->pause_ms + 1 : 100);
        return BREAKER_REFUSE;
}

enum breaker_answer breaker_pass(_Atomic(uint64_t) *word, uint64_t rule, bool may_probe,
                                 uint64_t now_ms, uint64_t *ret_retry_at_ms)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next;
        struct breaker_config config;
        enum breaker_answer answer;

        if (LIKELY(breaker_state(seen) == BREAKER_CLOSED))
                return BREAKER_SEND;
        config = breaker_config_unpack(rule);
        if (config.threshold == 0)
                return BREAKER_SEND;
        do {
                answer = may_probe ? breaker_ask(seen, &config, now_ms, &next, ret_retry_at_ms)
                                   : ask_without_probing(seen, &config, now_ms, &next,
                                                         ret_retry_at_ms);
        } while (next != seen &&
                 !atomic_compare_exchange_weak_explicit(word, &seen, next, memory_order_relaxed,
                                                        memory_order_relaxed));
        return answer;
}

bool breaker_is_shut(const _Atomic(uint64_t) *word, uint64_t rule, uint64_t now_ms,
                     uint64_t *ret_retry_at_ms)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next;
        struct breaker_config config;

        if (LIKELY(breaker_state(seen) == BREAKER_CLOSED))
                return false;
        config = breaker_config_unpack(rule);
        return config.threshold > 0 &&
               ask_without_probing(seen, &config, now_ms, &next, ret_retry_at_ms) == BREAKER_REFUSE;
}

bool breaker_is_due(const _Atomic(uint64_t) *word, uint64_t rule, uint64_t now_ms)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next, retry_at_ms;
        struct breaker_config config;

        if (LIKELY(breaker_state(seen) == BREAKER_CLOSED))
                return false;
        config = breaker_config_unpack(rule);
        return config.threshold > 0 &&
               breaker_ask(seen, &config, now_ms, &next, &retry_at_ms) == BREAKER_PROBE;
}

enum breaker_turn breaker_tell(_Atomic(uint64_t) *word, uint64_t rule, bool is_failure,
                               uint64_t now_ms)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), next;
        struct breaker_config config;

        /* What nearly every answer is, to nearly every word. */
        if (LIKELY(!is_failure && seen == 0))
                return BREAKER_STAYED;
        config = breaker_config_unpack(rule);
        do {
                next = config.threshold == 0 ? 0 : breaker_told(seen, &config, is_failure, now_ms);
        } while (next != seen &&
                 !atomic_compare_exchange_weak_explicit(word, &seen, next, memory_order_relaxed,
                                                        memory_order_relaxed));
        if (breaker_state(next) == breaker_state(seen))
                return BREAKER_STAYED;
        return breaker_state(next) == BREAKER_OPEN ? BREAKER_TURNED_OPEN : BREAKER_TURNED_CLOSED;
}

void breaker_look(const _Atomic(uint64_t) *word, uint64_t rule, struct breaker_view *ret_view)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
        struct breaker_config config = breaker_config_unpack(rule);

        *ret_view = (struct breaker_view){
                .state = config.threshold == 0 ? BREAKER_CLOSED : breaker_state(seen),
                .failures = (uint32_t)failures_of(seen),
                .probe_ms = (seen & TIME_MASK) + config.pause_ms,
        };
}
