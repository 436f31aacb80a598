/*
 * What the tests of stats note, and how they look at it.
 */
#ifndef STATS_TEST_REQUESTS_H
#define STATS_TEST_REQUESTS_H

#include "stats/stats.h"

#include <string.h>

#define MINUTE(n) (UINT64_C(1790000000000) / 60000 * 60000 + (uint64_t)(n)*60000)

static inline struct stats_name called(const char *text)
{
        return (struct stats_name){ stats_key(str_of(text)), str_of(text) };
}

/* One that was answered. */
static inline struct stats_request request(const char *client, uint32_t weight, uint64_t sent_ms)
{
        return (struct stats_request){
                .class = CLASS_MARKET,
                .pool = 0,
                .endpoint = called("GET /api/v3/depth"),
                .client = called(client),
                .outcome = STATS_OK,
                .sent_ms = sent_ms,
                .weight = weight,
                .wait_us = 300,
                .exchange_us = 20000,
                .verdict = 0,
        };
}

/* One that weir refused at @now_ms. */
static inline void refuse(struct stats *s, const char *client, const char *reason, uint64_t now_ms)
{
        struct stats_request r = request(client, 0, 0);

        r.outcome = STATS_REFUSED;
        r.reason = reason;
        stats_note(s, &r, now_ms);
}

/* @n of them, a millisecond apart. */
static inline void note(struct stats *s, const char *client, uint32_t weight, uint64_t at_ms,
                        unsigned n)
{
        for (unsigned i = 0; i < n; ++i) {
                struct stats_request r = request(client, weight, at_ms + i);

                stats_note(s, &r, at_ms + i + 20);
        }
}

static inline struct stats *opened(uint64_t span_ms)
{
        struct stats_pool pool = { "spot-weight", span_ms, 6000 };
        struct stats *s = NULL;

        must(stats_open(7, &s) == 0);
        stats_set_pool(s, 0, &pool);
        return s;
}

struct found {
        const char *name;
        struct stats_figures figures;
        unsigned n;
};

static inline void found_one(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct found *f = ctx;

        ++f->n;
        if (strcmp(name, f->name) == 0)
                f->figures = *figures;
}

static inline struct found figures_of(const struct stats *s, enum stats_by by, const char *name)
{
        struct found f = { .name = name };

        stats_each(s, by, found_one, &f);
        return f;
}

static inline const struct stats_row *row_of(const struct stats_window *w, enum stats_by by,
                                             const char *name)
{
        for (size_t i = 0; i < w->n_rows; ++i)
                if (w->rows[i].by == by && strcmp(w->rows[i].name, name) == 0)
                        return &w->rows[i];
        return NULL;
}

#endif
