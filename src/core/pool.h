/*
 * Pools
 *
 * The windows of each counter of the exchange, as the region has them now: the exchange may change
 * them at any time, so they are read again for every request.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/region.h"

/* Window @i of @pool, as region_window() makes it. Relaxed: the word is the whole message. */
static inline uint64_t pool_window(const struct region *region, uint16_t pool, size_t i)
{
        must(pool < REGION_POOLS);
        return atomic_load_explicit(&region->header->pools[pool][i], memory_order_relaxed);
}

/* The limit of the window of @span_ms. Return: 0 when @pool has none of that span. */
static inline uint32_t pool_limit(const struct region *region, uint16_t pool, uint32_t span_ms)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = pool_window(region, pool, i);

                if (region_window_span(window) == span_ms)
                        return region_window_limit(window);
        }
        return 0;
}

static inline bool pool_has_windows(const struct region *region, uint16_t pool)
{
        bool has = false;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                has |= pool_window(region, pool, i) != 0;
        return has;
}

#endif
