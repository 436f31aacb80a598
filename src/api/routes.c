#include "api/routes.h"

#include <stdlib.h>

/* Shows @entry at its place. Return: false when there is no room. */
static bool show(struct routes *routes, struct routes_entry *entry)
{
        for (uint64_t i = 0; i < ROUTES_PROBES; ++i) {
                _Atomic(struct routes_entry *) *place =
                        &routes->entries[(entry->id + i) % ROUTES_MAX];
                struct routes_entry *seen = atomic_load_explicit(place, memory_order_acquire);

                if (seen && seen->id != entry->id)
                        continue;
                /* Another thread learns it as well: one of the two is enough. */
                if (seen && atomic_fetch_add_explicit(&routes->relearnt, 1, memory_order_relaxed) >=
                                    ROUTES_RELEARNT_MAX)
                        return false;
                entry->older = seen;
                return atomic_compare_exchange_strong_explicit(place, &seen, entry,
                                                               memory_order_acq_rel,
                                                               memory_order_acquire);
        }
        return false;
}

void routes_learn(struct routes *routes, uint64_t id, const struct limiter *l,
                  const struct limiter_request *request, const struct limiter_ticket *ticket)
{
        struct routes_entry *entry = malloc(sizeof(*entry));

        if (!entry)
                return;
        entry->id = id;
        if (!route_learn(l, request, ticket, &entry->route) || !show(routes, entry))
                free(entry);
}

void routes_deinit(struct routes *routes)
{
        for (size_t i = 0; i < ROUTES_MAX; ++i) {
                struct routes_entry *entry =
                        atomic_load_explicit(&routes->entries[i], memory_order_relaxed);

                while (entry) {
                        struct routes_entry *older = entry->older;

                        free(entry);
                        entry = older;
                }
        }
}
