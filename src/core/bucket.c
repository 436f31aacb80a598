#include "core/bucket.h"

#define US_PER_MINUTE 60000000ULL

/* Time that @amount takes to flow in; rounded up, so that the rate is never exceeded. */
static uint64_t inflow_us(const struct bucket *b, uint64_t amount)
{
        return (amount * US_PER_MINUTE + b->rate_per_min - 1) / b->rate_per_min;
}

bool bucket_take(const struct bucket *b, uint32_t amount, uint64_t now_us, bool may_wait,
                 uint64_t latest_us, uint64_t *ret_at_us)
{
        uint64_t seen, full, cost, depth, at;

        if (b->rate_per_min == 0) {
                *ret_at_us = now_us;
                return true;
        }

        cost = inflow_us(b, amount);
        /* As deep as so many single units, each of which was rounded up: or the last would wait. */
        depth = inflow_us(b, 1) * (b->burst > amount ? b->burst : amount);
        /* Relaxed order, here and below: the word is the whole message. */
        seen = atomic_load_explicit(b->full_us, memory_order_relaxed);
        do {
                full = (seen > now_us ? seen : now_us) + cost;
                at = full > now_us + depth && may_wait ? full - depth : now_us;
                if (at > latest_us)
                        return false;
        } while (!atomic_compare_exchange_weak_explicit(b->full_us, &seen, full,
                                                        memory_order_relaxed,
                                                        memory_order_relaxed));
        *ret_at_us = at;
        return true;
}

void bucket_give_back(const struct bucket *b, uint32_t amount)
{
        uint64_t seen, cost;

        if (b->rate_per_min == 0)
                return;
        cost = inflow_us(b, amount);
        seen = atomic_load_explicit(b->full_us, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(b->full_us, &seen,
                                                      seen > cost ? seen - cost : 0,
                                                      memory_order_relaxed, memory_order_relaxed))
                ;
}

int64_t bucket_level_milli(const struct bucket *b, uint64_t now_us)
{
        uint64_t full = atomic_load_explicit(b->full_us, memory_order_relaxed);
        int64_t missing_us = full > now_us ? (int64_t)(full - now_us) : 0;

        return (int64_t)b->burst * 1000 -
               missing_us * (int64_t)b->rate_per_min / (int64_t)(US_PER_MINUTE / 1000);
}
