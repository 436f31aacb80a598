#include "core/pacing.h"

#include "core/bucket.h"

static struct bucket bucket_of(struct limiter *l)
{
        uint64_t rate = atomic_load_explicit(&l->region->header->pacing_rate, memory_order_relaxed);

        return (struct bucket){ &l->region->header->pacing_full_us, (uint32_t)(rate >> 32),
                                (uint32_t)rate };
}

uint64_t pacing_take(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct bucket b = bucket_of(l);
        uint64_t at_us;

        if (ticket->is_paced || ticket->pacing == 0 || b.rate_per_min == 0)
                return time.now_ms;
        ticket->is_paced = bucket_take(&b, ticket->pacing, time.now_ms * US_PER_MS,
                                       ticket->class > CLASS_ORDER, UINT64_MAX, &at_us);
        return (at_us + US_PER_MS - 1) / US_PER_MS;
}

void pacing_give_back(struct limiter *l, struct limiter_ticket *ticket)
{
        struct bucket b = bucket_of(l);

        if (ticket->is_paced)
                bucket_give_back(&b, ticket->pacing);
        ticket->is_paced = false;
}

void limiter_set_pacing(struct limiter *l, uint32_t rate_per_min, uint32_t burst)
{
        uint64_t rate = (uint64_t)rate_per_min << 32 | burst;

        /* Debt at another rate says nothing: the bucket starts full. */
        if (atomic_exchange_explicit(&l->region->header->pacing_rate, rate, memory_order_relaxed) !=
            rate)
                atomic_store_explicit(&l->region->header->pacing_full_us, 0, memory_order_relaxed);
}
