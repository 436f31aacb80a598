/*
 * Top
 *
 * Those names of one dimension that used the most, bounded in number, for series that must not
 * jump: a name's series only grows while it is there, and so does that of all the others together.
 * So a name that comes in later begins at zero, and what it had before stays with the others; one
 * that makes room for a heavier one leaves its part to nobody, for what was shown once is not shown
 * again under another name.
 */
#ifndef WATCH_TOP_H
#define WATCH_TOP_H

#include "stats/stats.h"

/* Names with series of their own, in metrics: seven families of each. */
#define TOP_MAX 200

struct top_row {
        size_t place;               /* in the order of stats_each() */
        char name[STATS_NAME_SIZE]; /* another one there: this one has made room in the stats */
        bool is_over;
        struct stats_figures before; /* when it came in */
        struct stats_figures now;
};

struct top {
        size_t most;                  /* of rows */
        struct top_row rows[TOP_MAX]; /* by place */
        size_t n;
        bool was_full;
        struct stats_figures gone; /* shown by those that made room */
        struct stats_figures all;
};

/* @most: TOP_MAX at most. */
void top_init(struct top *top, size_t most);
/* Anew, from what @stats has now. */
void top_update(struct top *top, const struct stats *stats, enum stats_by by);
/* Each row, then STATS_OTHERS. */
void top_each(const struct top *top, stats_name_fn fn, void *ctx);

#endif
