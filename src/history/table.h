/*
 * Table
 *
 * What is asked of history and what comes of it: figures by time, for the page, for weir history,
 * for JSON. No disk and no SQLite in here, so that what is in memory may be shown the same way.
 */
#ifndef HISTORY_TABLE_H
#define HISTORY_TABLE_H

#include "base/base.h"
#include "base/str.h"

/* The dimensions. Numbers are in files: none changes its meaning. */
enum history_by {
        HISTORY_ALL = 0,
        HISTORY_CLASS = 1,
        HISTORY_CLIENT = 2,
        HISTORY_ACCOUNT = 3,
        HISTORY_ENDPOINT = 4,
        HISTORY_REASON = 5, /* why requests were refused */
        HISTORY_BYS,
};

enum history_step {
        HISTORY_WINDOW,
        HISTORY_HOUR,
        HISTORY_DAY,
        HISTORY_STEPS,
};

/* What is counted, each a column of the file: X(name). */
#define HISTORY_COUNT_NAMES(X)                                                                     \
        X(requests)                                                                                \
        X(weight)                                                                                  \
        X(orders)                                                                                  \
        X(errors)                                                                                  \
        X(over_limit)                                                                              \
        X(retries)                                                                                 \
        X(refused)

enum history_count {
#define X(name) HISTORY_COUNT_##name,
        HISTORY_COUNT_NAMES(X)
#undef X
        HISTORY_COUNTS,
};

/* The longest name of anything, with its NUL; longer ones are cut. */
#define HISTORY_NAME_SIZE 96
/* Most rows of an answer, and most pools it may name. */
#define HISTORY_SERIES_MAX 64
#define HISTORY_POOLS_MAX  32
/* Who has no row of his own, in the file and here. */
#define HISTORY_OTHERS "(others)"
/* A wait that nobody had. */
#define HISTORY_NO_WAIT UINT64_MAX

struct history_ask {
        enum history_by by;
        enum history_step step;
        uint64_t from_ms, to_ms;      /* [from, to), widened to whole steps */
        char pool[HISTORY_NAME_SIZE]; /* empty: of which most was used */
        bool is_of_orders;            /* series are chosen by orders, else by weight */
        unsigned top;         /* most series, up to HISTORY_SERIES_MAX; the others are one more */
        size_t steps_max;     /* more are refused */
        uint32_t patience_ms; /* longest time to read for; 0: any */
};

struct history_series {
        char name[HISTORY_NAME_SIZE];
        uint64_t total[HISTORY_COUNTS];
        uint64_t wait_p50_us, wait_p99_us;              /* HISTORY_NO_WAIT: none */
        uint64_t *weight, *orders, *requests, *refused; /* one per step */
};

struct history_table {
        enum history_by by;
        enum history_step step;
        bool is_of_orders;
        uint64_t step_ms, first_ms;
        size_t n; /* steps */
        char pool[HISTORY_NAME_SIZE];
        char pools[HISTORY_POOLS_MAX][HISTORY_NAME_SIZE]; /* that there are, by weight */
        size_t n_pools;

        /* One per step, of all. */
        uint64_t *is_there; /* 0: nobody wrote what happened then */
        uint64_t *limits;   /* of all windows that a step has; 0: none */
        uint64_t *written;  /* of those that were written; as limits where nobody knows any more */
        uint64_t *foreign;
        uint64_t *counts[HISTORY_COUNTS];
        uint64_t *wait_p50_us, *wait_p99_us, *wait_max_us; /* HISTORY_NO_WAIT: none */

        struct history_series *series; /* the greatest first; HISTORY_OTHERS, if any, last */
        size_t n_series;
        struct history_series *reasons; /* of refusals */
        size_t n_reasons;
};

const char *history_by_name(enum history_by by);
const char *history_step_name(enum history_step step);
/* Return: 0, or -EINVAL. */
CHECKED int history_by_from(struct str name, enum history_by *ret_by);
CHECKED int history_step_from(struct str name, enum history_step *ret_step);
const char *history_count_name(enum history_count count);

/* With all figures 0 and no wait. Return: NULL without memory. */
struct history_table *history_table_new(size_t n);
/* Accepts NULL. Return: NULL. */
struct history_table *history_table_free(struct history_table *table);

/* One more of @*all, with figures for each step of @table. Return: NULL without memory. */
struct history_series *history_table_add(const struct history_table *table,
                                         struct history_series **all, size_t *n, struct str name);

/**
 * history_table_json() - as /weir/api/history answers it
 * @is_whole: with the totals of each series, and its requests and orders by step
 *
 * Return: JSON for free(), or NULL without memory.
 */
char *history_table_json(const struct history_table *table, bool is_whole);

#endif
