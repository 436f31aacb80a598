/*
 * Series
 *
 * Windows of one pool side by side, as charts draw them: one step after the other without a gap,
 * the heaviest names with a line each and the rest in one.
 *
 *      series_new(), series_weigh() for each window, series_choose(), series_add() for each again
 *
 * The windows may come from anywhere; those of another span than a step, and those outside, are
 * left out.
 */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include "stats/stats.h"

#define SERIES_STEPS_MAX 3000
#define SERIES_NAMES_MAX 48

struct series_query {
        enum stats_by by;
        uint64_t from_ms, to_ms; /* the starts of the first and the last step are in between */
        uint64_t step_ms;        /* a window's span */
        size_t top;              /* names, up to SERIES_NAMES_MAX */
        bool is_of_orders;       /* they are chosen by those, else by weight */
};

struct series_step {
        bool is_there; /* else nothing happened in it, or nobody knows */
        uint64_t limit, foreign, wait_p50_us, wait_p99_us;
        struct stats_figures all;
        uint32_t refused[STATS_REASONS_MAX];
};

struct series_line {
        char name[STATS_NAME_SIZE];
        uint64_t sum;              /* of what was asked for */
        uint64_t *weight, *orders; /* by step; one piece */
};

struct series {
        struct series_query query;
        uint64_t first_ms; /* the start of step 0 */
        size_t n_steps;
        struct series_step *steps;
        struct series_line lines[SERIES_NAMES_MAX + 1]; /* the greatest first, the others last */
        size_t n_lines;
        struct series_names *names;
};

/* Return: NULL without memory. */
struct series *series_new(const struct series_query *query);
/* Accepts NULL. */
void series_free(struct series *series);

/* Return: false without memory. */
CHECKED bool series_weigh(struct series *series, const struct stats_window *window);
CHECKED bool series_choose(struct series *series);
void series_add(struct series *series, const struct stats_window *window);

/**
 * series_of_memory() - the same of what @stats has of @pool
 *
 * Return: NULL without memory.
 */
struct series *series_of_memory(const struct stats *stats, uint32_t pool,
                                const struct series_query *query);

#endif
