#include "core/trip.h"

/* In 1/16 ms. A minute: longer than any answer is waited for. */
#define TRIP_MOST (60000u * 16u)

void trip_note(struct slot *slot, uint64_t trip_ms)
{
        uint64_t most = atomic_load_explicit(&slot->trip, memory_order_relaxed), next;
        uint64_t trip = trip_ms < 1 ? 16 : trip_ms * 16 < TRIP_MOST ? trip_ms * 16 : TRIP_MOST;

        if (most == 0)
                next = trip;
        else if (trip > most)
                next = most + 1 + (trip - most < most / 2 ? trip - most : most / 2) / 2;
        else
                /* Far below: the one that it was learnt from, with a handshake perhaps, was none of
                 * the usual ones. */
                next = most - most / (trip < most / 4 ? 32 : 512) - 1;
        if (next > TRIP_MOST)
                next = TRIP_MOST;
        atomic_store_explicit(&slot->trip, next, memory_order_relaxed);
}
