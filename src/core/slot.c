#include "core/slot.h"

#include "core/limiter.h"

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <xxhash.h>
#pragma GCC diagnostic pop

uint64_t slot_key(uint16_t pool, uint64_t owner, uint32_t span_ms)
{
        uint64_t words[2] = { owner, slot_name(pool, span_ms) };
        uint64_t key = XXH3_64bits(words, sizeof(words));

        return key ? key : 1;
}

/* For people; again and again, in case the claimer was killed before it came to it. */
static void describe(struct slot *slot, uint16_t pool, uint64_t owner, uint32_t span_ms)
{
        if (LIKELY(atomic_load_explicit(&slot->pool_span, memory_order_relaxed) != 0))
                return;
        atomic_store_explicit(&slot->owner, owner, memory_order_relaxed);
        /* Release: who sees it sees whose it is (core/sound.c). */
        atomic_store_explicit(&slot->pool_span, slot_name(pool, span_ms), memory_order_release);
}

struct slot *slot_find(const struct region *region, uint16_t pool, uint64_t owner, uint32_t span_ms,
                       bool claim)
{
        uint64_t key = slot_key(pool, owner, span_ms);

        for (uint64_t i = 0; i < SLOT_PROBES; ++i) {
                struct slot *slot = &region->slots[(key + i) % REGION_SLOTS];
                uint64_t seen = atomic_load_explicit(&slot->key, memory_order_acquire);

                if (seen == 0 && claim &&
                    atomic_compare_exchange_strong_explicit(&slot->key, &seen, key,
                                                            memory_order_acq_rel,
                                                            memory_order_acquire))
                        seen = key;
                if (seen == key) {
                        if (claim)
                                describe(slot, pool, owner, span_ms);
                        return slot;
                }
                if (seen == 0)
                        return NULL;
        }
        return NULL;
}

uint64_t limiter_owner(const struct limiter *l, const void *name, size_t n)
{
        uint64_t owner = XXH3_64bits_withSeed(name, n, l->region->header->seed);

        return owner ? owner : 1;
}

uint64_t region_hash(const void *meaning, size_t n)
{
        return XXH3_64bits(meaning, n);
}
