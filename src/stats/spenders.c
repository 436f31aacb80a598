#include "stats/spenders.h"

#include "stats/inside.h"

#include <stdlib.h>
#include <string.h>

/* Names that are told apart; what is beyond is with the others. */
#define SEEN_MAX   16384
#define SEEN_SLOTS 32768

struct seen {
        const char *name;
        struct stats_figures figures;
        size_t place; /* of its row */
};

/* All that is looked at, and found. */
struct search {
        const struct stats *stats;
        enum stats_by by;
        uint64_t from_ms;
        struct seen *all;
        size_t n, room;
        uint16_t slots[SEEN_SLOTS]; /* index + 1 */
        struct spenders *result;
        struct waits *waits; /* of its rows */
};

/* Names of one stats are one when they are at one place. Return: NULL without memory. */
static struct seen *find(struct search *s, const char *name)
{
        uint64_t at = ((uint64_t)(uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - 15);

        for (;; ++at) {
                uint16_t *slot = &s->slots[at % SEEN_SLOTS];

                if (*slot > 0 && s->all[*slot - 1].name == name)
                        return &s->all[*slot - 1];
                if (*slot > 0)
                        continue;
                if (s->n == s->room) {
                        size_t room = s->room > 0 ? s->room * 2 : 64;
                        struct seen *all =
                                room <= SEEN_MAX ? realloc(s->all, room * sizeof(*all)) : NULL;

                        if (!all)
                                return NULL;
                        s->all = all;
                        s->room = room;
                }
                s->all[s->n] = (struct seen){ .name = name };
                *slot = (uint16_t)++s->n;
                return &s->all[s->n - 1];
        }
}

/* Return: false without memory. */
typedef bool (*window_fn)(struct search *s, const struct stats_window *w);

/* Each window that ends late enough, the open ones too. */
static bool each_window(struct search *s, window_fn fn)
{
        bool is_done = true;

        for (uint32_t pool = 0; pool < stats_pools(s->stats); ++pool) {
                const struct stats_pool *of = stats_pool(s->stats, pool);
                const struct stats_window *w;
                struct stats_window *open;

                if (of->name && stats_is_of_orders(of->name))
                        continue;

                for (size_t i = 0; is_done && (w = stats_closed(s->stats, pool, i)) != NULL; ++i)
                        if (w->start_ms + w->span_ms > s->from_ms)
                                is_done = fn(s, w);
                for (size_t i = 0; is_done && (open = stats_look(s->stats, pool, i)) != NULL; ++i) {
                        if (open->start_ms + open->span_ms > s->from_ms)
                                is_done = fn(s, open);
                        stats_window_free(open);
                }
        }
        return is_done;
}

static bool sum_up(struct search *s, const struct stats_window *w)
{
        struct spenders *r = s->result;

        if (r->from_ms == 0 || w->start_ms < r->from_ms)
                r->from_ms = w->start_ms;
        if (w->start_ms + w->span_ms > r->to_ms)
                r->to_ms = w->start_ms + w->span_ms;
        stats_figures_add(&r->all, &w->all);
        for (size_t i = 0; i < w->n_rows; ++i) {
                struct seen *seen = w->rows[i].by == s->by ? find(s, w->rows[i].name) : NULL;

                if (w->rows[i].by == s->by && !seen)
                        return false;
                if (seen)
                        stats_figures_add(&seen->figures, &w->rows[i].figures);
        }
        return true;
}

static bool merge_waits(struct search *s, const struct stats_window *w)
{
        for (size_t i = 0; i < w->n_rows; ++i) {
                const struct seen *seen = w->rows[i].by == s->by ? find(s, w->rows[i].name) : NULL;

                if (seen)
                        waits_merge(&s->waits[seen->place], &w->rows[i].waits);
        }
        return true;
}

struct rank {
        struct seen *seen;
};

static int by_weight(const void *one, const void *other)
{
        const struct rank *a = one, *b = other;
        const struct stats_figures *f = &a->seen->figures, *g = &b->seen->figures;

        if (f->weight != g->weight)
                return f->weight < g->weight ? 1 : -1;
        if (f->requests != g->requests)
                return f->requests < g->requests ? 1 : -1;
        return strcmp(a->seen->name, b->seen->name);
}

/* The rows, and where the figures of each name go. Return: false without memory. */
static bool choose(struct search *s, size_t most)
{
        struct rank *sorted = malloc((s->n + 1) * sizeof(*sorted));
        struct spenders *r = s->result, *grown;
        const char *others = names_at(s->stats, names_first(s->by))->text;
        size_t n = 0, n_rows;
        bool has_others;

        if (!sorted)
                return false;
        for (size_t i = 0; i < s->n; ++i)
                if (s->all[i].name != others)
                        sorted[n++].seen = &s->all[i];
        qsort(sorted, n, sizeof(*sorted), by_weight);
        n_rows = n < most ? n : most;
        has_others = n > n_rows || n < s->n;
        grown = realloc(r, sizeof(*r) + (n_rows + 1) * sizeof(r->rows[0]));
        s->waits = calloc(n_rows + 1, sizeof(*s->waits));
        if (grown)
                s->result = r = grown;
        if (!grown || !s->waits) {
                free(sorted);
                return false;
        }
        memset(r->rows, 0, (n_rows + 1) * sizeof(r->rows[0]));
        for (size_t i = 0; i < n_rows; ++i)
                r->rows[i].name = sorted[i].seen->name;
        r->rows[n_rows].name = others;
        for (size_t i = 0; i < s->n; ++i)
                s->all[i].place = n_rows;
        for (size_t i = 0; i < n_rows; ++i)
                sorted[i].seen->place = i;
        for (size_t i = 0; i < s->n; ++i)
                stats_figures_add(&r->rows[s->all[i].place].figures, &s->all[i].figures);
        r->n_names = n;
        r->n = n_rows + has_others;
        free(sorted);
        return true;
}

static bool fill(struct search *s, size_t most)
{
        if (!each_window(s, sum_up) || !choose(s, most) || !each_window(s, merge_waits))
                return false;
        for (size_t i = 0; i < s->result->n; ++i) {
                s->result->rows[i].wait_p50_us = waits_quantile_us(&s->waits[i], 0.5);
                s->result->rows[i].wait_p99_us = waits_quantile_us(&s->waits[i], 0.99);
        }
        return true;
}

struct spenders *spenders_new(const struct stats *stats, enum stats_by by, uint64_t from_ms,
                              size_t most)
{
        struct search *s = calloc(1, sizeof(*s));
        struct spenders *result = NULL;

        must(by < STATS_BY_COUNT);
        if (!s)
                return NULL;
        *s = (struct search){ .stats = stats, .by = by, .from_ms = from_ms };
        s->result = calloc(1, sizeof(*s->result));
        if (s->result && fill(s, most))
                result = s->result;
        else
                free(s->result);
        free(s->all);
        free(s->waits);
        free(s);
        return result;
}

void spenders_free(struct spenders *spenders)
{
        free(spenders);
}
