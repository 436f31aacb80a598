/*
 * Budgets. Those of addresses and accounts come first, so that the many which the exchange counts
 * by endpoint cannot take their places; within these the region's order stands, which does not
 * change while it lives, so a series stays. What is left out still shows in how full its pool is.
 */
#include "watch/metrics.h"

#include <stdio.h>

/* Pools with a window: beyond the tables of any exchange. */
#define POOLS_MAX   256
#define WINDOW_SIZE 24
#define NAME_SIZE   256

struct pool_row {
        const struct policy_pool *pool;
        uint32_t span_ms;
        size_t n;
        double fullest;
};

struct budget_rows {
        const struct look *look;
        const struct look_budget *rows[METRICS_BUDGETS_MAX];
        size_t n, n_hidden;
        struct pool_row pools[POOLS_MAX];
        size_t n_pools;
};

/* "1m", "10s", "1d": as the exchange names it. */
static const char *window_text(uint32_t span_ms, char to[WINDOW_SIZE])
{
        static const struct {
                uint32_t ms;
                const char *name;
        } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" } };
        size_t i;

        for (i = 0; i < 3 && (span_ms < units[i].ms || span_ms % units[i].ms != 0); ++i)
                ;
        snprintf(to, WINDOW_SIZE, "%u%s", span_ms / units[i].ms, units[i].name);
        return to;
}

/* Used, and reserved by those that wait. */
static double taken(const struct look_budget *b)
{
        return (double)b->used + b->held;
}

/* Other hosts' use that headers show is held against the limit, not against this host's cap. */
static double headroom(const struct look_budget *b)
{
        double left = b->limit - taken(b);
        double mine = (double)b->cap - b->ours - b->held;

        if (b->cap >= 0 && mine < left)
                left = mine;
        return left > 0 ? left : 0;
}

static void note_pool(struct budget_rows *rows, const struct look_budget *b)
{
        double full = b->limit > 0 ? taken(b) / b->limit : 0;
        struct pool_row *row = rows->pools;

        while (row < rows->pools + rows->n_pools &&
               (row->pool != b->pool || row->span_ms != b->span_ms))
                ++row;
        if (row == rows->pools + POOLS_MAX)
                return;
        if (row == rows->pools + rows->n_pools) {
                *row = (struct pool_row){ .pool = b->pool, .span_ms = b->span_ms };
                ++rows->n_pools;
        }
        ++row->n;
        row->fullest = full > row->fullest ? full : row->fullest;
}

static void choose(struct budget_rows *rows, bool by_endpoint)
{
        for (size_t i = 0; i < rows->look->n_budgets; ++i) {
                const struct look_budget *b = &rows->look->budgets[i];

                if (b->pool->is_per_endpoint != by_endpoint)
                        continue;
                note_pool(rows, b);
                if (rows->n < METRICS_BUDGETS_MAX)
                        rows->rows[rows->n++] = b;
                else
                        ++rows->n_hidden;
        }
}

/* @class: NULL in families without that label. */
static void write_sample(struct exposition *e, const struct budget_rows *rows,
                         const struct look_budget *b, const char *class, double value)
{
        char window[WINDOW_SIZE], owner[LOOK_OWNER_SIZE], endpoint[NAME_SIZE] = "";
        const char *const labels[] = {
                b->pool->name,
                window_text(b->span_ms, window),
                look_owner_text(b->owner, owner),
                look_account_of(rows->look, b),
                endpoint,
                look_egress_of(rows->look, b),
                class,
        };

        if (b->endpoint_path)
                snprintf(endpoint, sizeof(endpoint), "%s %s", b->endpoint_method, b->endpoint_path);
        exposition_sample(e, value, labels, sizeof(labels) / sizeof(labels[0]) - !class);
}

static double figure(const struct look_budget *b, enum metric metric)
{
        switch ((int)metric) {
        case METRIC_budget_limit:
                return b->limit;
        case METRIC_budget_used:
                return b->used;
        case METRIC_budget_ours:
                return b->ours;
        case METRIC_budget_in_flight:
                return b->in_flight;
        case METRIC_budget_held:
                return b->held;
        case METRIC_budget_foreign:
                return b->foreign;
        case METRIC_budget_expected:
                return b->expected;
        case METRIC_budget_headroom:
                return headroom(b);
        case METRIC_budget_turn:
                return (double)b->turns_in_ms / 1000;
        default:
                return (double)b->cap;
        }
}

static void write_figures(struct exposition *e, const struct budget_rows *rows, enum metric metric)
{
        exposition_begin(e, metric_family(metric));
        for (size_t i = 0; i < rows->n; ++i)
                if (metric != METRIC_budget_cap || rows->rows[i]->cap >= 0)
                        write_sample(e, rows, rows->rows[i], NULL, figure(rows->rows[i], metric));
}

static void write_ceilings(struct exposition *e, const struct budget_rows *rows)
{
        exposition_begin(e, metric_family(METRIC_budget_ceiling));
        for (size_t i = 0; i < rows->n; ++i)
                for (unsigned class = 0; class < CLASS_COUNT && rows->rows[i]->has_ceilings;
                     ++class)
                        write_sample(e, rows, rows->rows[i], class_name((enum weir_class) class),
                                     rows->rows[i]->ceilings[class]);
}

static void write_pools(struct exposition *e, const struct budget_rows *rows)
{
        static const enum metric metrics[] = { METRIC_budgets, METRIC_pool_fullest };
        char window[WINDOW_SIZE];

        for (size_t m = 0; m < 2; ++m) {
                exposition_begin(e, metric_family(metrics[m]));
                for (size_t i = 0; i < rows->n_pools; ++i) {
                        const struct pool_row *row = &rows->pools[i];

                        exposition_sample(e, m == 0 ? (double)row->n : row->fullest,
                                          LABELS(row->pool->name,
                                                 window_text(row->span_ms, window)));
                }
        }
}

void metrics_budgets(struct exposition *e, const struct look *look)
{
        struct budget_rows rows = { .look = look };

        choose(&rows, false);
        choose(&rows, true);
        for (int m = METRIC_budget_limit; m <= METRIC_budget_turn; ++m)
                write_figures(e, &rows, (enum metric)m);
        write_ceilings(e, &rows);
        write_pools(e, &rows);
        exposition_begin(e, metric_family(METRIC_budgets_hidden));
        exposition_sample(e, (double)rows.n_hidden, NO_LABELS);
}
