#include "watch/top.h"

#include <string.h>

/* Who is to make room for another must have less by a quarter, so that equals do not take turns. */
#define LEAD_NUM 5
#define LEAD_DEN 4

struct candidate {
        size_t place;
        const char *name;
        struct stats_figures figures;
};

struct update {
        struct top *top;
        size_t place, next; /* of the name that comes; of the row that is next in order */
        struct candidate best[TOP_MAX]; /* the heaviest first, of those without a row */
        size_t n;
};

/* What of @a is beyond @b. */
static struct stats_figures less(const struct stats_figures *a, const struct stats_figures *b)
{
        return (struct stats_figures){
                .requests = a->requests - b->requests,
                .weight = a->weight - b->weight,
                .orders = a->orders - b->orders,
                .errors = a->errors - b->errors,
                .over_limit = a->over_limit - b->over_limit,
                .retries = a->retries - b->retries,
                .refused = a->refused - b->refused,
        };
}

void top_init(struct top *top, size_t most)
{
        must(most <= TOP_MAX);
        *top = (struct top){ .most = most };
}

static bool is_heavier(const struct stats_figures *a, const struct stats_figures *b)
{
        return a->weight != b->weight ? a->weight > b->weight : a->requests > b->requests;
}

static void note_candidate(struct update *u, const char *name, const struct stats_figures *figures)
{
        size_t i = u->n;

        if (u->top->most == 0 ||
            (u->n == u->top->most && !is_heavier(figures, &u->best[u->n - 1].figures)))
                return;
        if (u->n < u->top->most)
                ++u->n;
        else
                --i;
        for (; i > 0 && is_heavier(figures, &u->best[i - 1].figures); --i)
                u->best[i] = u->best[i - 1];
        u->best[i] = (struct candidate){ u->place, name, *figures };
}

static void see(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct update *u = ctx;
        struct top *top = u->top;

        stats_figures_add(&top->all, figures);
        /* These come and go as they have something: they are in nobody's way, and have no place. */
        if (strcmp(name, STATS_OTHERS) == 0 || strcmp(name, STATS_NONE) == 0)
                return;
        if (u->next < top->n && top->rows[u->next].place == u->place) {
                struct top_row *row = &top->rows[u->next++];

                row->is_over = strcmp(row->name, name) != 0;
                if (row->is_over)
                        note_candidate(u, name, figures);
                else
                        row->now = *figures;
        } else {
                note_candidate(u, name, figures);
        }
        ++u->place;
}

/* In order of place. */
static void insert(struct top *top, const struct top_row *row)
{
        size_t i = top->n++;

        for (; i > 0 && top->rows[i - 1].place > row->place; --i)
                top->rows[i] = top->rows[i - 1];
        top->rows[i] = *row;
}

static size_t lightest(const struct top *top)
{
        size_t least = 0;

        for (size_t i = 1; i < top->n; ++i)
                if (is_heavier(&top->rows[least].now, &top->rows[i].now))
                        least = i;
        return least;
}

static void remove_row(struct top *top, size_t i)
{
        struct stats_figures shown = less(&top->rows[i].now, &top->rows[i].before);

        stats_figures_add(&top->gone, &shown);
        memmove(&top->rows[i], &top->rows[i + 1], (top->n - i - 1) * sizeof(top->rows[0]));
        --top->n;
}

void top_update(struct top *top, const struct stats *stats, enum stats_by by)
{
        struct update u = { .top = top };

        top->all = (struct stats_figures){ 0 };
        stats_each(stats, by, see, &u);
        for (size_t i = top->n; i > 0; --i)
                if (top->rows[i - 1].is_over)
                        remove_row(top, i - 1);
        for (size_t i = 0; i < u.n; ++i) {
                const struct candidate *c = &u.best[i];
                struct top_row row = { .place = c->place, .now = c->figures };

                str_copy(str_of(c->name), row.name, sizeof(row.name));
                if (top->n == top->most) {
                        size_t least = lightest(top);

                        if (c->figures.weight * LEAD_DEN <= top->rows[least].now.weight * LEAD_NUM)
                                break;
                        remove_row(top, least);
                }
                /* It was among the others, who keep that. While there was room for all, nobody ever
                 * was: it shows all that it has. */
                if (top->was_full)
                        row.before = c->figures;
                insert(top, &row);
                top->was_full |= top->n == top->most;
        }
}

void top_each(const struct top *top, stats_name_fn fn, void *ctx)
{
        struct stats_figures others = less(&top->all, &top->gone);

        for (size_t i = 0; i < top->n; ++i) {
                struct stats_figures shown = less(&top->rows[i].now, &top->rows[i].before);

                others = less(&others, &shown);
                fn(ctx, top->rows[i].name, &shown);
        }
        fn(ctx, STATS_OTHERS, &others);
}
