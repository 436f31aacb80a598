/*
 * Pacing
 *
 * The tickets' side of the pacing bucket that their limiter uses (core/bucket.h). A ticket pays
 * once, when its windows allow it, and gets its tokens back when it is dropped.
 */
#ifndef CORE_PACING_H
#define CORE_PACING_H

#include "core/limiter.h"

/*
 * Takes the pacing tokens of a ticket whose windows allow it now. Orders and what closes pay but
 * do not wait: an order never waits behind a poll. Return: when it may pass, exchange ms.
 */
uint64_t pacing_take(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time);

void pacing_give_back(struct limiter *l, struct limiter_ticket *ticket);

#endif
