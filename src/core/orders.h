/*
 * Orders
 *
 * What orders and cancels want of a window's end is measured for each budget and shared by all, and
 * so much is kept for them there. While ceilings open, data is not at the limit; once they are
 * open, a trip before the turn (core/trip.h), it is, and who comes then finds what was kept, or
 * waits for the turn. Measured is what orders used of the last three quarters of that time: at its
 * beginning leave those that have waited for it, who need nothing kept. What is kept melts as the
 * turn comes, down to one order, where any were seen.
 *
 * It is courtesy, as ceilings are: the law is what is in the books.
 */
#ifndef CORE_ORDERS_H
#define CORE_ORDERS_H

#include "core/layout.h"

/* An order of @amount was answered that left @rest_ms before the end of window @number; ceilings
 * are open for its last @open_ms. */
void orders_note(struct slot *slot, uint64_t number, uint32_t amount, uint64_t rest_ms,
                 uint64_t open_ms);

/*
 * What orders are likely to want of the last @rest_ms of window @number. Nothing where none were
 * seen of late, or where one is more than @most.
 */
uint32_t orders_want(const struct slot *slot, uint64_t number, uint32_t most, uint64_t rest_ms,
                     uint64_t open_ms);

#endif
