/*
 * Pools
 *
 * The windows of each counter of the exchange, as the region has them now: the exchange may change
 * them at any time, so they are read again for every request.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/region.h"

/* Window @i of @pool: span_ms << 32 | limit; 0: none. Relaxed: the word is the whole message. */
static inline uint64_t pool_window(const struct region *region, uint16_t pool, size_t i)
{
        must(pool < REGION_POOLS);
        return atomic_load_explicit(&region->header->pools[pool][i], memory_order_relaxed);
}

#endif
