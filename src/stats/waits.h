/*
 * Waits
 *
 * Durations by size, in two measures at once:
 *
 *      bounds   seventeen fixed steps from half a millisecond to a minute and more, as metrics
 *               show them
 *      fine     eight buckets in each doubling from 128 us to two minutes: any quantile is told
 *               within 5 %
 *
 * What is shorter than 128 us counts as none.
 */
#ifndef STATS_WAITS_H
#define STATS_WAITS_H

#include "base/base.h"

/* Upper bounds, inclusive; one more counts what is longer. */
#define WAITS_BOUNDS 16
/* None, eight for each of twenty doublings, longer. */
#define WAITS_FINE 162

struct waits {
        uint64_t n, sum_us, max_us;
        uint64_t steps[WAITS_BOUNDS + 1]; /* not cumulative */
        uint64_t fine[WAITS_FINE];
};

/* The upper bound of step @i in microseconds; @i below WAITS_BOUNDS. */
uint64_t waits_bound_us(unsigned i);

/* Which of the fine buckets. */
unsigned waits_bucket(uint64_t us);
/* What stands for all in bucket @i, in microseconds: 5 % from any of them at most. */
uint64_t waits_bucket_us(unsigned i);

void waits_add(struct waits *w, uint64_t us);
/* The same without steps and sum, where @bucket is known. */
static inline void waits_add_fine(struct waits *w, unsigned bucket, uint64_t us)
{
        ++w->n;
        ++w->fine[bucket];
        if (us > w->max_us)
                w->max_us = us;
}

/* What was shorter than or equal to @us for the part @q (0 to 1) of all; 0 when there are none. */
uint64_t waits_quantile_us(const struct waits *w, double q);

/*
 * Only the fine buckets that hold something: bucket << 24 | count, by bucket. What is more than 24
 * bits hold counts as that.
 */
struct waits_packed {
        uint32_t n; /* of @at */
        uint32_t max_us;
        const uint32_t *at; /* borrowed from whoever gave it */
};

#define WAITS_PACKED_BUCKET(word) ((word) >> 24)
#define WAITS_PACKED_COUNT(word)  ((word)&0xffffffu)

/* Adds what is packed to @to; its steps and sum, which are not known any more, stay. */
void waits_merge(struct waits *to, const struct waits_packed *from);
uint64_t waits_packed_quantile_us(const struct waits_packed *w, double q);

#endif
