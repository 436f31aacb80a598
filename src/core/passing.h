/*
 * Passing
 *
 * The tickets' side of the front before their host (core/front.h). It is asked last of all, when
 * nothing else is in the way: what is taken there must leave at once, or step back at once.
 */
#ifndef CORE_PASSING_H
#define CORE_PASSING_H

#include "core/limiter.h"

/* Return: when it may leave, exchange ms; @time.now_ms: it leaves, and is counted. */
uint64_t passing_take(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time);

#endif
