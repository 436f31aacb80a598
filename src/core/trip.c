#include "core/trip.h"

/* In 1/16 ms. A minute: longer than any answer is waited for. */
#define TRIP_MOST (60000u * 16u)

_Static_assert(TRIP_MOST <= TRIP_MASK, "a trip fits");

static uint64_t next_of(uint64_t most, uint64_t trip)
{
        uint64_t next;

        if (most == 0)
                next = trip;
        else if (trip > most)
                next = most + 1 + (trip - most < most / 2 ? trip - most : most / 2) / 2;
        else
                /* Far below: the one that it was learnt from, with a handshake perhaps, was none of
                 * the usual ones. */
                next = most - most / (trip < most / 4 ? 32 : 512) - 1;
        return next < TRIP_MOST ? next : TRIP_MOST;
}

void trip_note(struct slot *slot, uint64_t trip_ms)
{
        uint64_t trip = trip_ms < 1 ? 16 : trip_ms < TRIP_MOST / 16 ? trip_ms * 16 : TRIP_MOST;
        uint64_t seen = atomic_load_explicit(&slot->trip, memory_order_relaxed);

        while (!atomic_compare_exchange_weak_explicit(&slot->trip, &seen,
                                                      (seen & ~TRIP_MASK) |
                                                              next_of(seen & TRIP_MASK, trip),
                                                      memory_order_relaxed, memory_order_relaxed))
                ;
}
