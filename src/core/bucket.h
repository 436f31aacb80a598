/*
 * Pacing bucket
 *
 * Optional smoothing in front of the windows: @rate units a minute, @burst at once. One word holds
 * the time at which the bucket is full again (GCRA), so taking is one compare-and-swap and a place
 * in the future costs nothing. It is not what the exchange counts; the windows are.
 */
#ifndef CORE_BUCKET_H
#define CORE_BUCKET_H

#include "core/layout.h"

struct bucket {
        word_t *full_us;
        uint32_t rate_per_min; /* 0: no pacing, everything passes */
        uint32_t burst;
};

/**
 * bucket_take() - take @amount, now or as soon as the bucket has it
 * @may_wait:  false: take it in any case and pass now, in debt; for those who must not wait
 * @latest_us: give nothing and take nothing if it would be later
 * @ret_at_us: when the caller may pass; @now_us for at once
 *
 * An amount above the burst passes when the bucket is full, and leaves it in debt.
 *
 * Return: true when taken.
 */
CHECKED bool bucket_take(const struct bucket *b, uint32_t amount, uint64_t now_us, bool may_wait,
                         uint64_t latest_us, uint64_t *ret_at_us);

/* Gives back what was taken and not used. */
void bucket_give_back(const struct bucket *b, uint32_t amount);

/* Tokens in the bucket at @now_us, in thousandths; negative while places in the future are taken.
 */
int64_t bucket_level_milli(const struct bucket *b, uint64_t now_us);

#endif
