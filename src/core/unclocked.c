#include "core/unclocked.h"

static unsigned byte_of(uint64_t word, unsigned group)
{
        must(group < sizeof(word));
        return (unsigned)(word >> (8 * group)) & UNCLOCKED_MOST;
}

static void change(struct egress *egress, unsigned group, int by)
{
        uint64_t seen = atomic_load_explicit(&egress->unclocked, memory_order_relaxed), wanted;

        do {
                int n = (int)byte_of(seen, group) + by;

                n = n < 0 ? 0 : n > (int)UNCLOCKED_MOST ? (int)UNCLOCKED_MOST : n;
                wanted = (seen & ~((uint64_t)UNCLOCKED_MOST << (8 * group))) |
                         (uint64_t)n << (8 * group);
        } while (!atomic_compare_exchange_weak_explicit(&egress->unclocked, &seen, wanted,
                                                        memory_order_relaxed,
                                                        memory_order_relaxed));
}

void unclocked_add(struct egress *egress, unsigned group)
{
        change(egress, group, 1);
}

unsigned unclocked_count(const struct egress *egress, unsigned group)
{
        return byte_of(atomic_load_explicit(&egress->unclocked, memory_order_relaxed), group);
}

void unclocked_drop(struct egress *egress, unsigned group, unsigned n)
{
        change(egress, group, -(int)(n < UNCLOCKED_MOST ? n : UNCLOCKED_MOST));
}
