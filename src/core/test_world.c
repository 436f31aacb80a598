#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/test_world.h"

static uint64_t rnd(struct world *w)
{
        uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

uint64_t world_below(struct world *w, uint64_t n)
{
        return n ? rnd(w) % n : 0;
}

bool world_one_in(struct world *w, uint64_t n)
{
        return world_below(w, n) == 0;
}

static bool is_before(const struct heap_link *a, const struct heap_link *b)
{
        const struct event *x = container_of(a, struct event, link);
        const struct event *y = container_of(b, struct event, link);

        return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

struct event *world_schedule(struct world *w, enum kind kind, uint64_t at_ms, unsigned client,
                             unsigned flow)
{
        struct event *e = calloc(1, sizeof(*e));

        must(e);
        e->kind = kind;
        e->at_ms = at_ms > w->now_ms ? at_ms : w->now_ms;
        /* Among those of one moment, any order. */
        e->order = rnd(w);
        e->client = client;
        e->flow = flow;
        e->life = w->clients[client].flows[flow].life;
        must(heap_push(&w->heap, &e->link) == 0);
        return e;
}

uint64_t world_latency(struct world *w)
{
        uint64_t base = w->s->latency_ms / 2 + world_below(w, w->s->latency_ms + 1);

        return w->s->chaos && world_one_in(w, 100) ? base + world_below(w, 3000) : base;
}

static void count(struct world *w, const uint32_t cost[POOLS], bool is_ours)
{
        for (unsigned p = 0; p < POOLS; ++p) {
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        struct counted *c = &w->counted[p][i];
                        uint64_t window = w->s->windows[p][i];
                        uint32_t limit = (uint32_t)window;

                        if (window == 0)
                                continue;
                        if (c->number != w->now_ms / (window >> 32)) {
                                /* The first one was not all ours to use. */
                                if (c->number != 0 && c->n_windows++ > 0)
                                        c->total += c->ours + c->foreign;
                                c->number = w->now_ms / (window >> 32);
                                c->ours = c->foreign = 0;
                        }
                        if (is_ours)
                                c->ours += cost[p];
                        else
                                c->foreign += cost[p];
                        if (c->ours > c->highest)
                                c->highest = c->ours;
                        if (c->ours > limit)
                                fail_msg("%s, seed %llu: %u of %u counted in a window of %u ms, "
                                         "%u ms into it",
                                         w->s->label, (unsigned long long)w->seed, c->ours, limit,
                                         (unsigned)(window >> 32),
                                         (unsigned)(w->now_ms % (window >> 32)));
                        c->over += is_ours && c->ours + c->foreign > limit;
                }
        }
}

static void arrive(struct world *w, const struct event *e)
{
        struct event *answer;

        count(w, e->cost, true);
        if (!e->is_answered)
                return;
        answer = world_schedule(w, EV_ANSWER, w->now_ms + world_latency(w), e->client, e->flow);
        answer->life = e->life;
        for (unsigned p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        answer->used[p][i] = w->counted[p][i].ours + w->counted[p][i].foreign;
}

static void foreign(struct world *w)
{
        uint32_t cost[POOLS] = { (uint32_t)w->s->windows[0][0] / 50 };

        count(w, cost, false);
        world_schedule(w, EV_FOREIGN, w->now_ms + world_below(w, w->s->windows[0][0] >> 32), 0, 0);
}

static void handle(struct world *w, const struct event *e)
{
        const struct flow *f = &w->clients[e->client].flows[e->flow];
        bool is_alive = e->life == f->life;

        w->now_ms = e->at_ms;
        switch (e->kind) {
        case EV_WAKE:
                if (is_alive)
                        client_wake(w, e->client, e->flow);
                break;
        case EV_LEAVE:
                if (is_alive)
                        client_leave(w, e->client, e->flow);
                break;
        case EV_ARRIVE:
                arrive(w, e);
                break;
        case EV_ANSWER:
                if (is_alive)
                        client_land(w, e);
                break;
        case EV_TRY:
                client_try(w, e->client);
                break;
        case EV_KILL:
                client_die(w, e->client);
                break;
        case EV_CLOCK:
                client_set_clock(w, e->client);
                break;
        case EV_FOREIGN:
                foreign(w);
                break;
        }
}

static void begin(struct world *w)
{
        static struct region_plan plan;
        struct region_error error;
        struct ceilings ceilings = CEILINGS_DEFAULT;

        memset(&plan, 0, sizeof(plan));
        for (unsigned p = 0; p < POOLS; ++p)
                memcpy(plan.windows[p], w->s->windows[p], sizeof(plan.windows[p]));
        plan.ceilings = ceilings_pack(&ceilings);
        assert_int_equal(region_open(NULL, &plan, &w->region, &error), 0);
        w->limiter.region = &w->region;
        heap_init(&w->heap, is_before);
        for (unsigned k = 0; k < CLIENTS; ++k) {
                client_set_clock(w, k);
                for (unsigned i = 0; i < w->s->flows; ++i)
                        world_schedule(w, EV_WAKE, w->now_ms + world_below(w, 100), k, i);
                world_schedule(w, EV_TRY, w->now_ms + k, k, 0);
        }
        if (w->s->chaos)
                world_schedule(w, EV_KILL, w->now_ms + world_below(w, 400000), 0, 0);
        if (w->s->foreign)
                world_schedule(w, EV_FOREIGN, w->now_ms, 0, 0);
}

static uint64_t longest_ms(const uint64_t windows[REGION_POOL_WINDOWS])
{
        uint64_t span_ms = 0;

        for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                span_ms = windows[i] >> 32 > span_ms ? windows[i] >> 32 : span_ms;
        return span_ms;
}

static double yield_of(const struct world *w, unsigned p, unsigned i)
{
        const struct counted *c = &w->counted[p][i];

        return c->n_windows < 2 ? 0
                                : (double)c->total / (double)(c->n_windows - 1) /
                                          (double)(uint32_t)w->s->windows[p][i];
}

void world_run(const struct scenario *s, uint64_t seed)
{
        static struct world world;
        struct world *w = &world;
        double best = 0;
        uint64_t n_windows = 0;
        unsigned over = 0;

        *w = (struct world){ .s = s, .seed = seed, .rng = seed, .now_ms = START_MS + seed * 997 };
        w->end_ms = w->now_ms + longest_ms(s->windows[0]) * (s->n_full + 2);
        begin(w);
        while (w->now_ms < w->end_ms) {
                struct event *e = container_of(heap_peek(&w->heap), struct event, link);

                heap_remove(&w->heap, &e->link);
                handle(w, e);
                free(e);
        }
        while (heap_peek(&w->heap)) {
                struct event *e = container_of(heap_peek(&w->heap), struct event, link);

                heap_remove(&w->heap, &e->link);
                free(e);
        }
        heap_deinit(&w->heap);
        region_close(&w->region);

        /* Which window is the narrow one depends on the costs: it is the one that must be full. */
        for (unsigned p = 0; p < POOLS; ++p) {
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        if (s->windows[p][i] == 0 || s->cost_max[p] == 0)
                                continue;
                        best = yield_of(w, p, i) > best ? yield_of(w, p, i) : best;
                        n_windows += w->counted[p][i].n_windows;
                        over += w->counted[p][i].over;
                }
        }
        print_message("%-44s seed %3llu: %6llu windows, %7llu sent, yield %6.2f %%, lost places "
                      "%llu, %llu by the short way%s\n",
                      s->label, (unsigned long long)seed, (unsigned long long)n_windows,
                      (unsigned long long)w->n_sent, best * 100, (unsigned long long)w->n_lost,
                      (unsigned long long)w->n_short, over ? ", above with foreign use" : "");
        if (best < s->min_yield)
                fail_msg("%s, seed %llu: yield %.2f %%", s->label, (unsigned long long)seed,
                         best * 100);
}
