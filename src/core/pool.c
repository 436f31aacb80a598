/*
 * What of the limiter is not about one request: limits, stops and shares, set and looked at.
 */
#include "core/pool.h"

#include "core/lease.h"
#include "core/limiter.h"
#include "core/slot.h"

void limiter_shut_pool(struct limiter *l, uint16_t pool, uint64_t owner, uint64_t until_ms)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = region_window_span(pool_window(l->region, pool, i));
                struct slot *slot;
                uint64_t seen;

                if (span_ms == 0)
                        continue;
                slot = slot_find(l->region, pool, owner, span_ms, true);
                if (!slot)
                        continue;
                seen = atomic_load_explicit(&slot->shut_until_ms, memory_order_relaxed);
                while (seen < until_ms &&
                       !atomic_compare_exchange_weak_explicit(&slot->shut_until_ms, &seen, until_ms,
                                                              memory_order_relaxed,
                                                              memory_order_relaxed))
                        ;
        }
}

static size_t place_of_span(const uint64_t windows[REGION_POOL_WINDOWS], uint32_t span_ms)
{
        size_t i = 0;

        while (i < REGION_POOL_WINDOWS && region_window_span(windows[i]) != span_ms)
                ++i;
        return i;
}

/* The windows of @now, each span that is in @old where it is there. */
static void keep_places(const uint64_t old[REGION_POOL_WINDOWS],
                        const uint64_t now[REGION_POOL_WINDOWS], uint64_t ret[REGION_POOL_WINDOWS])
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                size_t from = old[i] ? place_of_span(now, region_window_span(old[i]))
                                     : REGION_POOL_WINDOWS;

                ret[i] = from < REGION_POOL_WINDOWS ? now[from] : 0;
        }
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                if (region_window_span(now[i]) != 0 &&
                    place_of_span(ret, region_window_span(now[i])) == REGION_POOL_WINDOWS)
                        ret[place_of_span(ret, 0)] = now[i];
}

void limiter_set_pool(struct limiter *l, uint16_t pool, const uint64_t windows[REGION_POOL_WINDOWS])
{
        uint64_t old[REGION_POOL_WINDOWS], next[REGION_POOL_WINDOWS];

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                old[i] = pool_window(l->region, pool, i);
        /* Who reads in the middle of the change must miss no span that was there and stays. */
        keep_places(old, windows, next);
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                atomic_store_explicit(&l->region->header->pools[pool][i], next[i],
                                      memory_order_relaxed);
}

uint64_t limiter_turn_ms(const struct limiter *l, uint16_t pool, uint64_t of_ms,
                         struct limiter_time time)
{
        bool has_it = of_ms <= UINT32_MAX && pool_limit(l->region, pool, (uint32_t)of_ms) > 0;
        uint64_t turn_ms = UINT64_MAX;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = region_window_span(pool_window(l->region, pool, i));
                uint64_t end_ms;

                if (span_ms == 0 || (has_it && span_ms != of_ms))
                        continue;
                /* The window that refused may be the next one already. */
                end_ms = ((time.now_ms + time.guard_ms) / span_ms + 1) * span_ms + time.guard_ms;
                turn_ms = end_ms < turn_ms ? end_ms : turn_ms;
        }
        return turn_ms == UINT64_MAX ? time.now_ms : turn_ms;
}

void limiter_set_ceilings(struct limiter *l, const struct ceilings *ceilings)
{
        atomic_store_explicit(&l->region->header->ceilings, ceilings_pack(ceilings),
                              memory_order_relaxed);
}

void limiter_each_slot(const struct region *region, limiter_slot_fn fn, void *ctx)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                uint32_t pool, span_ms, limit;
                uint64_t pool_span;

                if (atomic_load_explicit(&slot->key, memory_order_acquire) == 0)
                        continue;
                pool_span = atomic_load_explicit(&slot->pool_span, memory_order_relaxed);
                pool = slot_pool(pool_span);
                span_ms = slot_span(pool_span);
                if (pool >= REGION_POOLS)
                        continue;
                limit = pool_limit(region, (uint16_t)pool, span_ms);
                if (limit == 0)
                        continue;
                fn(ctx, &(struct window){ slot, span_ms, limit, lease_region(region) },
                   (uint16_t)pool, atomic_load_explicit(&slot->owner, memory_order_relaxed),
                   atomic_load_explicit(&slot->shut_until_ms, memory_order_relaxed));
        }
}
