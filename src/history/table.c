#include "history/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const by_names[HISTORY_BYS] = { "all",     "class",    "client",
                                                   "account", "endpoint", "reason" };
static const char *const step_names[HISTORY_STEPS] = { "window", "hour", "day" };
static const char *const count_names[HISTORY_COUNTS] = {
#define X(name) #name,
        HISTORY_COUNT_NAMES(X)
#undef X
};

const char *history_by_name(enum history_by by)
{
        return by_names[by];
}

const char *history_step_name(enum history_step step)
{
        return step_names[step];
}

const char *history_count_name(enum history_count count)
{
        return count_names[count];
}

static int find(struct str name, const char *const *names, int n)
{
        for (int i = 0; i < n; ++i)
                if (str_eq(name, str_of(names[i])))
                        return i;
        return -EINVAL;
}

int history_by_from(struct str name, enum history_by *ret_by)
{
        int i = find(name, by_names, HISTORY_BYS);

        if (i < 0)
                return i;
        *ret_by = (enum history_by)i;
        return 0;
}

int history_step_from(struct str name, enum history_step *ret_step)
{
        int i = find(name, step_names, HISTORY_STEPS);

        if (i < 0)
                return i;
        *ret_step = (enum history_step)i;
        return 0;
}

/* Of all, in one piece: freed by its first. */
static uint64_t *figures_new(size_t n, size_t lists)
{
        return calloc(n * lists + 1, sizeof(uint64_t));
}

struct history_table *history_table_new(size_t n)
{
        struct history_table *t = calloc(1, sizeof(*t));
        uint64_t *figures = figures_new(n, HISTORY_COUNTS + 7);

        if (!t || !figures) {
                free(t);
                free(figures);
                return NULL;
        }
        t->n = n;
        t->limits = figures;
        t->foreign = figures + n;
        t->wait_p50_us = figures + 2 * n;
        t->wait_p99_us = figures + 3 * n;
        t->wait_max_us = figures + 4 * n;
        t->is_there = figures + 5 * n;
        t->written = figures + 6 * n;
        for (size_t i = 0; i < HISTORY_COUNTS; ++i)
                t->counts[i] = figures + (7 + i) * n;
        for (size_t i = 0; i < n; ++i)
                t->wait_p50_us[i] = t->wait_p99_us[i] = t->wait_max_us[i] = HISTORY_NO_WAIT;
        return t;
}

static void free_series(struct history_series *all, size_t n)
{
        for (size_t i = 0; i < n; ++i)
                free(all[i].weight);
        free(all);
}

struct history_table *history_table_free(struct history_table *table)
{
        if (!table)
                return NULL;
        free_series(table->series, table->n_series);
        free_series(table->reasons, table->n_reasons);
        free(table->limits);
        free(table);
        return NULL;
}

struct history_series *history_table_add(const struct history_table *table,
                                         struct history_series **all, size_t *n, struct str name)
{
        struct history_series *more = reallocarray(*all, *n + 1, sizeof(**all)), *s;
        uint64_t *figures;

        if (!more)
                return NULL;
        *all = more;
        figures = figures_new(table->n, 4);
        if (!figures)
                return NULL;
        s = &more[(*n)++];
        memset(s, 0, sizeof(*s));
        str_copy(name, s->name, sizeof(s->name));
        s->weight = figures;
        s->orders = figures + table->n;
        s->requests = figures + 2 * table->n;
        s->refused = figures + 3 * table->n;
        s->wait_p50_us = s->wait_p99_us = HISTORY_NO_WAIT;
        return s;
}
