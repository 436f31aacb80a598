/*
 * Spenders
 *
 * Who used how much in the last windows of all pools together, those that are open with them.
 */
#ifndef STATS_SPENDERS_H
#define STATS_SPENDERS_H

#include "stats/stats.h"

struct spender {
        const char *name; /* lives as long as the stats */
        struct stats_figures figures;
        uint64_t wait_p50_us, wait_p99_us; /* in weir, of what left */
};

struct spenders {
        uint64_t from_ms, to_ms;  /* as far as there are windows; both 0: there are none */
        struct stats_figures all; /* of all names together */
        size_t n_names;           /* all that are known by name */
        size_t n;
        struct spender rows[]; /* the heaviest first; the last may be "(others)" */
};

/**
 * spenders_new() - from the windows that end after @from_ms
 * @most: rows
 *
 * Return: NULL without memory; to be freed with spenders_free().
 */
struct spenders *spenders_new(const struct stats *stats, enum stats_by by, uint64_t from_ms,
                              size_t most);
void spenders_free(struct spenders *spenders);

#endif
