/*
 * Routes of a limiter
 *
 * What has been found out about the budgets of each kind of request that was once admitted. Found
 * without a lock: an entry is made whole before it is shown, and given back only with the limiter.
 */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "core/route.h"

/* Kinds of requests that are kept, by endpoint, parameters that change the price, account and
 * class; a program that has more sends the rest the long way. About 600 KB if all are used. */
#define ROUTES_MAX 1024u
/* Learnt again because limits had changed; after so many the limits change too often to learn. */
#define ROUTES_RELEARNT_MAX 1024u

struct routes_entry {
        uint64_t id;
        struct routes_entry *older; /* what it replaced */
        struct route route;
};

struct routes {
        _Atomic(struct routes_entry *) entries[ROUTES_MAX];
        _Atomic(uint32_t) relearnt;
};

/* Places a route may be away from where it belongs. */
#define ROUTES_PROBES 8u

/* Return: NULL when there is none. */
static inline struct route *routes_find(struct routes *routes, uint64_t id)
{
        for (uint64_t i = 0; i < ROUTES_PROBES; ++i) {
                struct routes_entry *entry =
                        atomic_load_explicit(&routes->entries[(id + i) % ROUTES_MAX],
                                             memory_order_acquire);

                if (!entry)
                        return NULL;
                if (LIKELY(entry->id == id))
                        return &entry->route;
        }
        return NULL;
}

/* @request of kind @id was just admitted with @ticket; does nothing when there is no room. */
void routes_learn(struct routes *routes, uint64_t id, const struct limiter *l,
                  const struct limiter_request *request, const struct limiter_ticket *ticket);

void routes_deinit(struct routes *routes);

#endif
