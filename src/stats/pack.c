/*
 * A window as it is kept and shown: one piece of memory, with its rows and behind them the waits of
 * all. What has no row of its own, or is not among the greatest, is what is left of the window's
 * sums, so that each dimension adds up to them.
 */
#include "stats/inside.h"

#include <stdlib.h>
#include <string.h>

struct packed {
        struct stats_window window;
        size_t bytes;
        struct stats_row rows[];
};

/* A row before it is written. */
struct draft {
        enum stats_by by;
        const char *name;
        struct stats_figures figures;
        uint32_t max_us;
        uint32_t fine[WAITS_FINE];
};

/* The greatest of one dimension, the first first. */
struct pick {
        const struct tally *rows[STATS_ROWS_KEPT];
        unsigned n;
};

static const struct tally *tally_at(const struct open_window *o, unsigned i)
{
        return &o->pieces[i / TALLIES_IN_PIECE]->all[i % TALLIES_IN_PIECE];
}

static enum stats_by dimension_of(uint16_t number)
{
        unsigned by = STATS_BY_COUNT - 1;

        while (number < names_first(by))
                --by;
        return by;
}

static bool is_greater(const struct tally *a, const struct tally *b)
{
        if (a->weight != b->weight)
                return a->weight > b->weight;
        if (a->requests != b->requests)
                return a->requests > b->requests;
        return a->number < b->number;
}

static void offer(struct pick *p, const struct tally *t)
{
        unsigned i = p->n;

        if (i == STATS_ROWS_KEPT && !is_greater(t, p->rows[--i]))
                return;
        for (; i > 0 && is_greater(t, p->rows[i - 1]); --i)
                p->rows[i] = p->rows[i - 1];
        p->rows[i] = t;
        p->n += p->n < STATS_ROWS_KEPT;
}

static void draft_of(const struct stats *s, const struct tally *t, struct draft *ret)
{
        const struct name *name = names_at(s, t->number);

        *ret = (struct draft){
                .by = name->by,
                .name = name->text,
                .figures = { t->requests, t->weight, t->orders, t->errors, t->over_limit,
                             t->retries, t->refused },
                .max_us = t->max_us,
        };
        ret->fine[0] = t->none;
        for (unsigned i = 1; i < WAITS_FINE; ++i)
                ret->fine[i] = t->fine[i - 1];
}

static void take_off(struct draft *from, const struct draft *d)
{
        from->figures.requests -= d->figures.requests;
        from->figures.weight -= d->figures.weight;
        from->figures.orders -= d->figures.orders;
        from->figures.errors -= d->figures.errors;
        from->figures.over_limit -= d->figures.over_limit;
        from->figures.retries -= d->figures.retries;
        from->figures.refused -= d->figures.refused;
        for (unsigned i = 0; i < WAITS_FINE; ++i)
                from->fine[i] -= d->fine[i];
}

static void draft_of_all(const struct open_window *o, struct draft *ret)
{
        *ret = (struct draft){
                .figures = o->all,
                .max_us = o->waits.max_us < UINT32_MAX ? (uint32_t)o->waits.max_us : UINT32_MAX,
        };
        for (unsigned i = 0; i < WAITS_FINE; ++i)
                ret->fine[i] = (uint32_t)o->waits.fine[i];
}

/* What is left of the window beside the picked. Return: false when nothing is. */
static bool draft_of_others(const struct stats *s, const struct open_window *o, enum stats_by by,
                            const struct pick *p, struct draft *ret)
{
        static const struct stats_figures nothing;
        struct draft one;

        draft_of_all(o, ret);
        ret->by = by;
        ret->name = names_at(s, names_first(by))->text;
        for (unsigned i = 0; i < p->n; ++i) {
                draft_of(s, p->rows[i], &one);
                take_off(ret, &one);
        }
        return memcmp(&ret->figures, &nothing, sizeof(nothing)) != 0;
}

static uint32_t count_words(const struct draft *d)
{
        uint32_t n = 0;

        for (unsigned i = 0; i < WAITS_FINE; ++i)
                n += d->fine[i] > 0;
        return n;
}

static struct waits_packed write_words(const struct draft *d, uint32_t **to)
{
        struct waits_packed w = { .max_us = d->max_us, .at = *to };

        for (unsigned i = 0; i < WAITS_FINE; ++i)
                if (d->fine[i] > 0) {
                        uint32_t n = d->fine[i] < 0xffffff ? d->fine[i] : 0xffffff;

                        *(*to)++ = i << 24 | n;
                        ++w.n;
                }
        return w;
}

/* All rows one after the other: counted, or written to @to where that is not NULL. */
static void each_row(const struct stats *s, const struct open_window *o, const struct pick *picks,
                     struct packed *to, size_t *n_rows, size_t *n_words, uint32_t *words)
{
        struct draft d;

        for (unsigned by = 0; by < STATS_BY_COUNT; ++by)
                for (unsigned i = 0; i <= picks[by].n; ++i) {
                        if (i < picks[by].n)
                                draft_of(s, picks[by].rows[i], &d);
                        else if (!draft_of_others(s, o, by, &picks[by], &d))
                                continue;
                        if (to)
                                to->rows[*n_rows] = (struct stats_row){ d.by, d.name, d.figures,
                                                                        write_words(&d, &words) };
                        ++*n_rows;
                        *n_words += count_words(&d);
                }
}

size_t pack_bytes(const struct stats_window *w)
{
        return container_of(w, struct packed, window)->bytes;
}

struct stats_window *pack(const struct stats *s, const struct book *b, const struct open_window *o)
{
        struct pick picks[STATS_BY_COUNT] = { 0 };
        size_t n_rows = 0, n_words = 0, bytes;
        struct packed *p;
        struct draft all;
        uint32_t *words;

        for (unsigned i = 0; i < o->n; ++i) {
                const struct tally *t = tally_at(o, i);

                offer(&picks[dimension_of(t->number)], t);
        }
        each_row(s, o, picks, NULL, &n_rows, &n_words, NULL);
        draft_of_all(o, &all);
        bytes = sizeof(*p) + n_rows * sizeof(p->rows[0]) +
                (n_words + count_words(&all)) * sizeof(*words);
        p = malloc(bytes);
        if (!p)
                return NULL;
        p->bytes = bytes;
        words = (uint32_t *)(void *)&p->rows[n_rows];
        p->window = (struct stats_window){
                .pool = b->pool.name,
                .start_ms = o->number * b->pool.span_ms,
                .span_ms = b->pool.span_ms,
                .limit = b->pool.limit,
                .all = o->all,
                .foreign = o->foreign,
                .rows = p->rows,
                .n_rows = n_rows,
        };
        memcpy(p->window.refused, o->refused, sizeof(o->refused));
        p->window.waits = write_words(&all, &words);
        n_rows = n_words = 0;
        each_row(s, o, picks, p, &n_rows, &n_words, words);
        return &p->window;
}

void stats_window_free(struct stats_window *window)
{
        if (window)
                free(container_of(window, struct packed, window));
}
