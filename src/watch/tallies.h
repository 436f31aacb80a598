/*
 * Tallies
 *
 * What the stats keep in memory, as JSON: who spends (/weir/api/spenders), and the last windows
 * (/weir/api/history). docs/watch.md has the members.
 */
#ifndef WATCH_TALLIES_H
#define WATCH_TALLIES_H

#include "stats/series.h"
#include "stats/stats.h"
#include "watch/inside.h"

/* Of the windows that end after @from_ms; @most rows. NULL: out of memory. */
json_t *tallies_spenders(const struct stats *stats, enum stats_by by, uint64_t from_ms,
                         uint64_t to_ms, size_t most);
/* NULL: out of memory. */
json_t *tallies_history(const struct stats *stats, uint32_t pool, const struct series_query *query);
/* The pool of which most was used in its last windows. */
uint32_t tallies_busiest(const struct stats *stats);

/* Of what the figures are: "of". Return: false after having refused. */
CHECKED bool tallies_read_of(struct visit *visit, bool *ret_is_of_orders);

void tallies_show_spenders(struct visit *visit);
void tallies_show_history(struct visit *visit);

#endif
