/*
 * Server time
 *
 * The exchange's clock as this process knows it: measured by GET /time, kept against the monotonic
 * clock, told to all who share the region.
 */
#ifndef TRADE_SERVERTIME_H
#define TRADE_SERVERTIME_H

#include "base/base.h"
#include "base/str.h"
#include "budget/exclock.h"

/* Measured anew after so long: by then two clocks may have drifted 60 ms apart. */
#define SERVERTIME_FRESH_US (600 * US_PER_SECOND)

struct servertime {
        struct exclock clock;
        word_t *word; /* the region's, who outlives us; NULL: nobody else is told */
};

/* @word: NULL, or the region's word for this product, with what others have measured. */
void servertime_init(struct servertime *s, word_t *word, uint64_t mono_us, uint64_t wall_us);

bool servertime_is_fresh(const struct servertime *s, uint64_t mono_us);

/**
 * servertime_take() - a body of GET /time came to a request of @sent_us (monotonic)
 *
 * Return: 0, or -EBADMSG if it tells no time.
 */
CHECKED int servertime_take(struct servertime *s, struct str body, uint64_t sent_us,
                            uint64_t received_us, uint64_t wall_us);

static inline struct limiter_time servertime_now(const struct servertime *s, uint64_t mono_us)
{
        return exclock_now(&s->clock, mono_us);
}

#endif
