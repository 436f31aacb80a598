#include "core/pacing.h"

#include "core/slot.h"

#include <errno.h>

uint64_t pacing_take(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t at_us;

        if (ticket->is_paced || ticket->pacing == 0 || l->pacing.rate_per_min == 0)
                return time.now_ms;
        ticket->is_paced = bucket_take(&l->pacing, ticket->pacing, time.now_ms * US_PER_MS,
                                       ticket->class > CLASS_ORDER, UINT64_MAX, &at_us);
        return (at_us + US_PER_MS - 1) / US_PER_MS;
}

void pacing_give_back(struct limiter *l, struct limiter_ticket *ticket)
{
        if (ticket->is_paced)
                bucket_give_back(&l->pacing, ticket->pacing);
        ticket->is_paced = false;
}

static struct bucket bucket_of(struct slot *slot, uint64_t owner)
{
        return (struct bucket){ &slot->cells[0].sent, (uint32_t)(owner >> 32), (uint32_t)owner };
}

int limiter_set_pacing(struct limiter *l, uint32_t rate_per_min, uint32_t burst)
{
        uint64_t owner = (uint64_t)rate_per_min << 32 | burst;
        struct slot *slot;

        if (rate_per_min == 0) {
                l->pacing = (struct bucket){ 0 };
                return 0;
        }
        slot = slot_find(l->region, REGION_POOL_PACING, owner, 0, true);
        if (!slot)
                return -ENOSPC;
        l->pacing = bucket_of(slot, owner);
        return 0;
}

void limiter_each_bucket(const struct region *region, limiter_bucket_fn fn, void *ctx)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                struct bucket bucket;

                if (atomic_load_explicit(&slot->key, memory_order_acquire) == 0 ||
                    slot_pool(atomic_load_explicit(&slot->pool_span, memory_order_relaxed)) !=
                            REGION_POOL_PACING)
                        continue;
                bucket = bucket_of(slot, atomic_load_explicit(&slot->owner, memory_order_relaxed));
                if (bucket.rate_per_min > 0)
                        fn(ctx, &bucket);
        }
}
