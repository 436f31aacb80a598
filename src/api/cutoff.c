#include "api/cutoff.h"

static word_t *word_of(struct weir_limiter *l, enum policy_group group)
{
        return limiter_breaker(&l->limiter, group);
}

static uint64_t rule_of(const struct weir_limiter *l)
{
        return atomic_load_explicit(&l->region.header->rules[RULE_BREAKER], memory_order_relaxed);
}

static int pass(struct weir_limiter *l, struct reservation *r, bool may_probe,
                struct limiter_time time)
{
        uint64_t at_ms;

        if (breaker_pass(word_of(l, r->group), rule_of(l), may_probe, time.now_ms, &at_ms) !=
            BREAKER_REFUSE)
                return LIMITER_GO;
        limiter_refund(&l->limiter, &r->ticket);
        r->ticket.at_ms = at_ms;
        r->ticket.blocker = BLOCKED_BY_BREAKER;
        return LIMITER_SHUT;
}

int cutoff_pass(struct weir_limiter *l, const struct weir_request *request, struct reservation *r,
                struct limiter_time time)
{
        return pass(l, r, !request_of(request)->plan.is_mutating, time);
}

int cutoff_confirm(struct weir_limiter *l, struct reservation *r, struct limiter_time time)
{
        return pass(l, r, false, time);
}

uint64_t cutoff_until_ms(struct weir_limiter *l, enum policy_group group, struct limiter_time time)
{
        uint64_t at_ms;

        if (!breaker_is_shut(word_of(l, group), rule_of(l), time.now_ms, &at_ms) ||
            breaker_is_due(word_of(l, group), rule_of(l), time.now_ms))
                return 0;
        return at_ms;
}

void cutoff_tell(struct weir_limiter *l, enum policy_group group, bool is_failure,
                 struct limiter_time time)
{
        (void)breaker_tell(word_of(l, group), rule_of(l), is_failure, time.now_ms);
}
