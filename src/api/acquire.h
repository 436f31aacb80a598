/*
 * Acquire
 *
 * The simple form: one number from the pacing bucket and, on a shared region, from the weight pool
 * of one group. Nobody settles it, so it lands at once, with a guard as wide as the time that the
 * caller may take to send: what may still be on its way when a window turns is charged to both.
 */
#ifndef API_ACQUIRE_H
#define API_ACQUIRE_H

#include "api/limiter.h"

/* What is acquired is to be sent within this. */
#define ACQUIRE_SEND_MS 2000u

struct acquire {
        struct limiter_ticket ticket;
        uint64_t deadline_ms;
        uint64_t again_ms; /* nothing is held: when to reserve anew */
        uint32_t weight;
};

/**
 * acquire_begin() - as weir_acquire_begin(), at @time
 *
 * Return: 0; microseconds, with @a holding a place or waiting to ask for one; -ETIMEDOUT, -EINVAL,
 *         or what limiter_reserve() returned: nothing is held.
 */
CHECKED int64_t acquire_begin(struct weir_limiter *l, struct acquire *a, uint32_t weight,
                              uint64_t deadline_ms, struct api_time time);
/* Return: as above. */
CHECKED int64_t acquire_poll(struct weir_limiter *l, struct acquire *a, struct api_time time);
void acquire_cancel(struct weir_limiter *l, struct acquire *a);

/* A request that left @sent_ms was answered: if it was the one that asked whether a ban is over,
 * it is, unless the answer has shut the gate again already. */
void acquire_answered(struct weir_limiter *l, uint64_t sent_ms, struct limiter_time time);

#endif
