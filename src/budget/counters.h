/*
 * Counters
 *
 * Totals since the region was made, shared by all gateways that use it; for people to look at.
 */
#ifndef BUDGET_COUNTERS_H
#define BUDGET_COUNTERS_H

#include "base/base.h"
#include "core/layout.h"

enum counter {
#define COUNTER(id, help) COUNTER_##id,
#include "budget/counters.def"
#undef COUNTER
        COUNTERS,
};

_Static_assert(COUNTERS <= REGION_COUNTERS, "the region has a word for each counter");

static inline void counter_add(struct region_header *header, enum counter counter)
{
        /* Relaxed: nobody draws a conclusion from one counter about another. */
        atomic_fetch_add_explicit(&header->counters[counter], 1, memory_order_relaxed);
}

static inline uint64_t counter_read(const struct region_header *header, enum counter counter)
{
        return atomic_load_explicit(&header->counters[counter], memory_order_relaxed);
}

const char *counter_name(enum counter counter);
const char *counter_help(enum counter counter);

#endif
