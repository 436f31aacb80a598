#include "stats/series.h"

#include <stdlib.h>
#include <string.h>

/* Names that are weighed; what is beyond is with the others. */
#define WEIGHED_MAX   16384
#define WEIGHED_SLOTS 32768

struct weighed {
        char name[STATS_NAME_SIZE];
        uint64_t used;
};

struct series_names {
        struct weighed *all;
        size_t n, room;
        uint16_t slots[WEIGHED_SLOTS]; /* index + 1 */
};

struct series *series_new(const struct series_query *query)
{
        struct series *s = calloc(1, sizeof(*s));
        uint64_t first, last;

        must(query->step_ms > 0 && query->top <= SERIES_NAMES_MAX);
        if (!s)
                return NULL;
        first = query->from_ms / query->step_ms + (query->from_ms % query->step_ms > 0);
        last = query->to_ms / query->step_ms;
        s->query = *query;
        if (last >= first)
                s->n_steps = last - first < SERIES_STEPS_MAX ? (size_t)(last - first) + 1
                                                             : SERIES_STEPS_MAX;
        s->first_ms = (last + 1 - s->n_steps) * query->step_ms;
        s->steps = calloc(s->n_steps + 1, sizeof(*s->steps));
        s->names = calloc(1, sizeof(*s->names));
        if (!s->steps || !s->names) {
                series_free(s);
                return NULL;
        }
        return s;
}

static void free_names(struct series *s)
{
        if (s->names)
                free(s->names->all);
        free(s->names);
        s->names = NULL;
}

void series_free(struct series *s)
{
        if (!s)
                return;
        free_names(s);
        for (size_t i = 0; i < ARRAY_SIZE(s->lines); ++i)
                free(s->lines[i].weight);
        free(s->steps);
        free(s);
}

/* Return: false when @w is not in it. */
static bool step_of(const struct series *s, const struct stats_window *w, size_t *ret)
{
        if (w->span_ms != s->query.step_ms || w->start_ms < s->first_ms)
                return false;
        *ret = (size_t)((w->start_ms - s->first_ms) / s->query.step_ms);
        return *ret < s->n_steps;
}

static bool is_others(const char *name)
{
        return strcmp(name, STATS_OTHERS) == 0;
}

/* Return: NULL without memory, or beyond all that are weighed. */
static struct weighed *find(struct series_names *names, const char *name)
{
        uint64_t at = (stats_key(str_of(name)) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - 15);

        for (;; ++at) {
                uint16_t *slot = &names->slots[at % WEIGHED_SLOTS];

                if (*slot > 0 && strcmp(names->all[*slot - 1].name, name) == 0)
                        return &names->all[*slot - 1];
                if (*slot > 0)
                        continue;
                if (names->n == names->room) {
                        size_t room = names->room > 0 ? names->room * 2 : 64;
                        struct weighed *all = realloc(names->all, room * sizeof(*all));

                        if (!all)
                                return NULL;
                        names->all = all;
                        names->room = room;
                }
                names->all[names->n] = (struct weighed){ 0 };
                str_copy(str_of(name), names->all[names->n].name, STATS_NAME_SIZE);
                *slot = (uint16_t)++names->n;
                return &names->all[names->n - 1];
        }
}

/* By which names are chosen. */
static uint64_t used(const struct series *s, const struct stats_figures *figures)
{
        return s->query.is_of_orders ? figures->orders : figures->weight;
}

bool series_weigh(struct series *s, const struct stats_window *w)
{
        size_t step;

        if (!step_of(s, w, &step))
                return true;
        for (size_t i = 0; i < w->n_rows; ++i) {
                const struct stats_row *row = &w->rows[i];
                struct weighed *weighed;

                if (row->by != s->query.by || is_others(row->name))
                        continue;
                if (s->names->n >= WEIGHED_MAX)
                        return true;
                weighed = find(s->names, row->name);
                if (!weighed)
                        return false;
                weighed->used += used(s, &row->figures);
        }
        return true;
}

static int by_use(const void *one, const void *other)
{
        const struct weighed *a = one, *b = other;

        if (a->used != b->used)
                return a->used < b->used ? 1 : -1;
        return strcmp(a->name, b->name);
}

static bool add_line(struct series *s, const char *name)
{
        struct series_line *line = &s->lines[s->n_lines];

        str_copy(str_of(name), line->name, sizeof(line->name));
        line->weight = calloc(2 * s->n_steps + 1, sizeof(*line->weight));
        line->orders = line->weight + (line->weight ? s->n_steps : 0);
        ++s->n_lines;
        return line->weight != NULL;
}

bool series_choose(struct series *s)
{
        bool is_done = true;

        if (s->names->n > 0)
                qsort(s->names->all, s->names->n, sizeof(s->names->all[0]), by_use);
        for (size_t i = 0; is_done && i < s->names->n && i < s->query.top; ++i)
                if (s->names->all[i].used > 0)
                        is_done = add_line(s, s->names->all[i].name);
        free_names(s);
        return is_done && add_line(s, STATS_OTHERS);
}

static struct series_line *line_of(struct series *s, const char *name)
{
        size_t i = 0;

        while (i + 1 < s->n_lines && strcmp(s->lines[i].name, name) != 0)
                ++i;
        return &s->lines[i];
}

void series_add(struct series *s, const struct stats_window *w)
{
        struct series_step *to;
        size_t step;

        if (!step_of(s, w, &step))
                return;
        to = &s->steps[step];
        *to = (struct series_step){
                .is_there = true,
                .limit = w->limit,
                .foreign = w->foreign,
                .wait_p50_us = waits_packed_quantile_us(&w->waits, 0.5),
                .wait_p99_us = waits_packed_quantile_us(&w->waits, 0.99),
                .all = w->all,
        };
        memcpy(to->refused, w->refused, sizeof(to->refused));
        for (size_t i = 0; i < w->n_rows; ++i)
                if (w->rows[i].by == s->query.by) {
                        struct series_line *line = line_of(s, w->rows[i].name);

                        line->weight[step] += w->rows[i].figures.weight;
                        line->orders[step] += w->rows[i].figures.orders;
                        line->sum += used(s, &w->rows[i].figures);
                }
}

/* What is kept, and what is open. Return: false without memory. */
static bool each_window(const struct stats *stats, uint32_t pool, struct series *s,
                        bool (*fn)(struct series *, const struct stats_window *))
{
        const struct stats_window *w;
        struct stats_window *open;
        bool is_done = true;

        for (size_t i = 0; is_done && (w = stats_closed(stats, pool, i)) != NULL; ++i)
                is_done = fn(s, w);
        for (size_t i = 0; is_done && (open = stats_look(stats, pool, i)) != NULL; ++i) {
                is_done = fn(s, open);
                stats_window_free(open);
        }
        return is_done;
}

static bool add(struct series *s, const struct stats_window *w)
{
        series_add(s, w);
        return true;
}

struct series *series_of_memory(const struct stats *stats, uint32_t pool,
                                const struct series_query *query)
{
        struct series *s = series_new(query);

        if (!s)
                return NULL;
        if (!each_window(stats, pool, s, series_weigh) || !series_choose(s) ||
            !each_window(stats, pool, s, add)) {
                series_free(s);
                return NULL;
        }
        return s;
}
