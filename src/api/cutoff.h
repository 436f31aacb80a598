/*
 * Cut off
 *
 * The circuit breakers of the region (call/breaker.h), as users of the library feed and obey them.
 * The library sends nothing of its own: behind a pause the first read that asks is the probe.
 */
#ifndef API_CUTOFF_H
#define API_CUTOFF_H

#include "api/reserve.h"
#include "call/breaker.h"

/* Nothing is wrong with @group's upstream; nearly always so. */
static inline bool cutoff_is_calm(const struct weir_limiter *l, enum policy_group group)
{
        return LIKELY(atomic_load_explicit(&limiter_egress(&l->limiter)->breakers[group],
                                           memory_order_relaxed) == 0);
}

/*
 * For one that has just been admitted. Return: LIMITER_GO; LIMITER_SHUT when its upstream does not
 * answer: its place is given back, and the ticket says when to come again.
 */
CHECKED int cutoff_pass(struct weir_limiter *l, const struct weir_request *request,
                        struct reservation *r, struct limiter_time time);

/* The same for a place of which nothing is known but that it has come; it may be no probe. */
CHECKED int cutoff_confirm(struct weir_limiter *l, struct reservation *r, struct limiter_time time);

/* For what weir_acquire() lets go, of which nothing is known: passes when a probe is due. Return:
 * 0, or when to come again, exchange ms. */
uint64_t cutoff_until_ms(struct weir_limiter *l, enum policy_group group, struct limiter_time time);

/* An attempt ended. */
void cutoff_tell(struct weir_limiter *l, enum policy_group group, bool is_failure,
                 struct limiter_time time);

#endif
