/*
 * Trips
 *
 * How long requests are on their way, from their release to their answer, is measured for each
 * budget and shared by all: what is released so long before a turn may still be unanswered at it,
 * and is then charged to two windows. So ceilings are fully open a trip earlier
 * (core/takes_ceiling.c).
 *
 * Kept is what nine of ten or more do not exceed: a longer one lifts it by half of what it is
 * longer, a quarter of itself at most, so that a spike of seconds hardly moves it; a shorter one
 * lowers it a little.
 */
#ifndef CORE_TRIP_H
#define CORE_TRIP_H

#include "core/layout.h"

/* A request of this budget was answered after @trip_ms. */
void trip_note(struct slot *slot, uint64_t trip_ms);

/* Most trips of this budget are not longer; 0 when nobody knows yet. */
static inline uint32_t trip_most_ms(const struct slot *slot)
{
        uint64_t word = atomic_load_explicit(&slot->trip, memory_order_relaxed);

        return (uint32_t)(((word & TRIP_MASK) + 15) / 16);
}

#endif
