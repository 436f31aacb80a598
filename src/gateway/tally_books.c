/*
 * The books that stats keeps for this gateway: one for each pool that counts weight, and one for
 * each that counts orders, as long as the exchange says.
 */
#include "gateway/tally.h"

#include "base/clock.h"
#include "core/pool.h"
#include "gateway/outlet.h"
#include "gateway/upstream.h"

#define DAY_MS (24 * 3600 * MS_PER_SECOND)

/* The longest window below a day; 0: there is none. */
static uint64_t window_of(const struct gateway *g, uint16_t pool)
{
        uint64_t longest = 0;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = pool_window(&g->region, pool, i);

                if (region_window_span(window) < DAY_MS && window > longest)
                        longest = window;
        }
        return longest;
}

void tally_follow(struct gateway *g)
{
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                const struct policy_pool *p = policy_pool(i);
                uint64_t window = window_of(g, (uint16_t)i);
                struct stats_pool as = { p->name, region_window_span(window), 0 };

                if (g->tally.books[i] == STATS_NO_POOL || as.span_ms == 0)
                        continue;
                /* Each address may use it all; each endpoint, each account, where they are counted
                 * apart. */
                if (!p->is_per_endpoint && p->unit == POLICY_WEIGHT)
                        as.limit = (uint64_t)region_window_limit(window) * g->n_outlets;
                stats_set_pool(g->stats, g->tally.books[i], &as);
        }
}

/* Return: how many there are then. */
static uint32_t give_books(struct gateway *g, enum policy_unit unit, uint32_t n)
{
        for (size_t i = 0; i < policy_pool_count() && n < STATS_POOLS_MAX; ++i)
                if (policy_pool(i)->unit == unit)
                        g->tally.books[i] = n++;
        return n;
}

int tally_open(struct gateway *g)
{
        uint32_t n = 0;
        int r = stats_open(gateway_random(g), &g->stats);

        if (r < 0)
                return r;
        for (size_t i = 0; i < REGION_POOLS; ++i)
                g->tally.books[i] = STATS_NO_POOL;
        n = give_books(g, POLICY_WEIGHT, n);
        (void)give_books(g, POLICY_ORDERS, n);
        tally_follow(g);
        return 0;
}

void tally_close(struct gateway *g)
{
        if (g->stats)
                for (uint32_t i = 0; i < stats_pools(g->stats); ++i)
                        stats_turn(g->stats, i, 0, true);
        g->stats = stats_close(g->stats);
}

/* The product that speaks for @pool's clock. */
static const struct upstream *clock_of(const struct gateway *g, size_t pool)
{
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                if (policy_pool(pool)->groups >> i & 1 && g->outlets[0].upstreams[i].is_in_use)
                        return &g->outlets[0].upstreams[i];
        return NULL;
}

/* What others used of the window of each book that @now_ms is in, or of that number, by all
 * addresses and endpoints together. */
struct others {
        const struct gateway *gateway;
        uint64_t at_ms[STATS_POOLS_MAX]; /* 0: not asked for */
        uint64_t used[STATS_POOLS_MAX];
};

static void add_others(void *ctx, const struct window *window, uint16_t pool, uint64_t owner,
                       uint64_t shut_until_ms)
{
        struct others *o = ctx;
        uint32_t book = o->gateway->tally.books[pool];
        struct window_view view;

        (void)owner;
        (void)shut_until_ms;
        if (book == STATS_NO_POOL || o->at_ms[book] == 0 ||
            window->span_ms != stats_pool(o->gateway->stats, book)->span_ms)
                return;
        window_look(window, o->at_ms[book] / window->span_ms, &view);
        o->used[book] += view.foreign;
}

static void note_others(struct gateway *g, struct others *o)
{
        /* Of budgets that are shared it is mostly the other hosts'. */
        if (g->hosts.is_sharing)
                return;
        limiter_each_slot(&g->region, add_others, o);
        for (uint32_t book = 0; book < stats_pools(g->stats); ++book)
                if (o->at_ms[book] > 0)
                        stats_note_foreign(g->stats, book, o->at_ms[book], o->used[book]);
}

/* Looking through the region costs a tenth of a millisecond. */
#define OTHERS_EVERY_US US_PER_SECOND

void tally_keep(struct gateway *g)
{
        struct others now = { .gateway = g }, last = { .gateway = g };
        uint64_t now_ms[STATS_POOLS_MAX] = { 0 };
        bool is_any_over = false;

        tally_follow(g);
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                uint32_t book = g->tally.books[i];
                const struct upstream *u = clock_of(g, i);

                if (!u || book >= stats_pools(g->stats) || stats_pool(g->stats, book)->span_ms == 0)
                        continue;
                now.at_ms[book] = now_ms[book] = upstream_now(g, u).now_ms;
                is_any_over |= stats_is_due(g->stats, book, now_ms[book], &last.at_ms[book]);
        }
        if (is_any_over)
                note_others(g, &last);
        for (uint32_t book = 0; book < stats_pools(g->stats); ++book)
                if (last.at_ms[book] > 0)
                        stats_turn(g->stats, book, now_ms[book], false);
        if (loop_now_us(g->loop) < g->tally.others_us + OTHERS_EVERY_US)
                return;
        g->tally.others_us = loop_now_us(g->loop);
        note_others(g, &now);
}

uint64_t tally_now_ms(const struct gateway *g, const struct upstream *u)
{
        return u->is_in_use ? exclock_now(&u->clock, loop_now_us(g->loop)).now_ms
                            : clock_wall_us() / US_PER_MS;
}

const struct stats *tally_shown(void *ctx, uint64_t *ret_now_ms)
{
        struct gateway *g = ctx;
        const struct upstream *first = &g->outlets[0].upstreams[0];

        for (unsigned i = POLICY_GROUP_COUNT; i > 0; --i)
                if (g->outlets[0].upstreams[i - 1].is_in_use)
                        first = &g->outlets[0].upstreams[i - 1];
        *ret_now_ms = tally_now_ms(g, first);
        return g->stats;
}
