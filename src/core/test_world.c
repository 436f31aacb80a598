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

        w->spike_ms = w->s->spike_one_in && world_one_in(w, w->s->spike_one_in) ? SPIKE_MS : 0;
        base += w->spike_ms;
        return w->s->chaos && world_one_in(w, 100) ? base + world_below(w, 3000) : base;
}

/*
 * The least that somebody wants who has waited long enough to have left in the window that ends
 * now, had there been room; UINT32_MAX: nobody does.
 */
static uint32_t least_wanted(const struct world *w)
{
        uint64_t enough_ms = 4 * (uint64_t)w->s->latency_ms + 20;
        uint32_t least = UINT32_MAX;

        for (unsigned k = 0; k < world_clients(w); ++k) {
                for (unsigned i = 0; i < w->s->flows; ++i) {
                        const struct flow *f = &w->clients[k].flows[i];

                        if (f->since != 0 && f->ticket.state != TICKET_FLYING &&
                            f->since_ms + enough_ms < w->now_ms &&
                            f->request.charges[0].amount < least)
                                least = f->request.charges[0].amount;
                }
        }
        return least;
}

/*
 * A window is over: how full was it? What is left and too little for anybody who waits is nobody's
 * fault; while nobody waits there is nothing to say. The first one was not all ours to use.
 */
static void close_window(const struct world *w, struct counted *c, uint32_t limit, uint64_t gap)
{
        uint32_t all = c->ours + c->foreign, least = w->s->refuses ? least_wanted(w) : 0;
        double yield;

        if (c->number == 0 || c->n_windows++ == 0)
                return;
        c->total += all;
        /* In the next ones trips are still being learnt. */
        if (least == UINT32_MAX || (c->n_windows < 4 && !w->s->from_start) ||
            w->now_ms < w->judged_ms)
                return;
        yield = c->foreign >= limit ? 1 : (double)c->ours / (limit - c->foreign);
        c->raw += yield;
        if (c->n_full == 0 || yield < c->raw_worst)
                c->raw_worst = yield;
        /* What left in time and was seconds on its way cannot be had. */
        all += w->strayed;
        if (all >= limit || limit - all < least)
                yield = 1;
        else
                yield = (double)(all - c->foreign) / (limit - c->foreign);
        c->sum += yield;
        if (c->n_full++ == 0 || yield < c->worst)
                c->worst = yield;
        /* Windows in which nothing at all was counted. */
        for (uint64_t i = 1; i < gap; ++i) {
                ++c->n_windows;
                ++c->n_full;
                c->worst = 0;
        }
}

static void turn(struct world *w)
{
        for (unsigned p = 0; p < POOLS; ++p) {
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        struct counted *c = &w->counted[p][i];
                        uint64_t window = w->s->windows[p][i], number;

                        if (window == 0)
                                continue;
                        number = w->now_ms / (window >> 32);
                        if (c->number == number)
                                continue;
                        close_window(w, c, (uint32_t)window,
                                     w->s->refuses ? number - c->number : 1);
                        c->number = number;
                        c->ours = c->foreign = c->allowed = 0;
                        if (p == 0 && i == 0)
                                w->strayed = 0;
                }
        }
}

/* Return: true when it was refused; what is refused is counted as others' use in any case. */
static bool count(struct world *w, const uint32_t cost[POOLS],
                  const uint32_t limits[POOLS][REGION_POOL_WINDOWS])
{
        bool is_ours = limits != NULL;
        bool is_refused = false;

        turn(w);
        for (unsigned p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        is_refused |= w->s->refuses && w->s->windows[p][i] != 0 &&
                                      w->counted[p][i].ours + w->counted[p][i].foreign + cost[p] >
                                              (uint32_t)w->s->windows[p][i];
        for (unsigned p = 0; p < POOLS; ++p) {
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        struct counted *c = &w->counted[p][i];
                        uint64_t window = w->s->windows[p][i];

                        if (window == 0)
                                continue;
                        if (is_ours && limits[p][i] > c->allowed)
                                c->allowed = limits[p][i];
                        if (is_ours && !is_refused)
                                c->ours += cost[p];
                        else
                                c->foreign += cost[p];
                        if (c->ours > c->highest)
                                c->highest = c->ours;
                        if (c->ours > c->allowed)
                                fail_msg("%s, seed %llu: %u of %u counted in a window of %u ms, "
                                         "%u ms into it",
                                         w->s->label, (unsigned long long)w->seed, c->ours,
                                         c->allowed, (unsigned)(window >> 32),
                                         (unsigned)(w->now_ms % (window >> 32)));
                        c->over += is_ours && c->ours + c->foreign > c->allowed;
                }
        }
        w->n_refused += is_refused && is_ours && w->now_ms >= w->judged_ms;
        w->n_refused_others += is_refused && !is_ours && w->now_ms >= w->judged_ms;
        return is_refused;
}

static void arrive(struct world *w, const struct event *e)
{
        bool is_refused = count(w, e->cost, e->limits);
        struct event *answer;

        if (!e->is_answered)
                return;
        answer = world_schedule(w, EV_ANSWER, w->now_ms + world_latency(w), e->client, e->flow);
        answer->life = e->life;
        answer->is_refused = is_refused;
        answer->server_ms = w->now_ms;
        for (unsigned p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        answer->used[p][i] = w->counted[p][i].ours + w->counted[p][i].foreign;
}

static void plan_stranger(struct world *w, unsigned which)
{
        const struct stranger *s = &w->s->strangers[which];
        uint64_t at_ms;

        if (s->every_ms == 0)
                return;
        at_ms = (w->now_ms / s->every_ms + 1) * s->every_ms + s->at_ms +
                world_below(w, s->jitter_ms + 1);
        world_schedule(w, EV_FOREIGN, at_ms, 0, which);
}

static void foreign(struct world *w, unsigned which)
{
        const struct stranger *s = &w->s->strangers[which];
        uint32_t cost[POOLS] = { s->cost };

        if (w->s->foreign) {
                cost[0] = (uint32_t)w->s->windows[0][0] / 50;
                (void)count(w, cost, NULL);
                world_schedule(w, EV_FOREIGN, w->now_ms + world_below(w, w->s->windows[0][0] >> 32),
                               0, 0);
                return;
        }
        /* Who is refused stops as well, mostly: it is not about him. */
        if (w->burst_left[which] == 0)
                w->burst_left[which] = s->burst;
        while (w->burst_left[which] > 0) {
                if (count(w, cost, NULL) && !s->goes_on)
                        w->burst_left[which] = 0;
                else if (--w->burst_left[which] > 0 && s->spacing_ms > 0) {
                        world_schedule(w, EV_FOREIGN, w->now_ms + s->spacing_ms, 0, which);
                        return;
                }
        }
        plan_stranger(w, which);
}

/* To something between a third and all of what the scenario says. */
static void change_limit(struct world *w)
{
        unsigned p = (unsigned)world_below(w, POOLS);

        for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = w->s->windows[p][i];
                uint32_t limit = (uint32_t)window, least = (limit + 2) / 3;

                if (window != 0 && world_one_in(w, 2))
                        w->windows[p][i] = window >> 32 << 32 |
                                           (least + (uint32_t)world_below(w, limit - least + 1));
        }
        limiter_set_pool(&w->limiter, (uint16_t)p, w->windows[p]);
        world_schedule(w, EV_LIMIT, w->now_ms + world_below(w, w->s->windows[0][0] >> 31), 0, 0);
}

/* Looked at before what leaves at the turn arrives. */
static void plan_turn(struct world *w)
{
        uint64_t span_ms = w->s->windows[0][0] >> 32;

        world_schedule(w, EV_TURN, (w->now_ms / span_ms + 1) * span_ms, 0, 0);
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
                foreign(w, e->flow);
                break;
        case EV_LIMIT:
                change_limit(w);
                break;
        case EV_TURN:
                turn(w);
                plan_turn(w);
                break;
        }
}

static uint64_t longest_ms(const uint64_t windows[REGION_POOL_WINDOWS])
{
        uint64_t span_ms = 0;

        for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                span_ms = windows[i] >> 32 > span_ms ? windows[i] >> 32 : span_ms;
        return span_ms;
}

static uint64_t first_of(const struct world *w, const struct stranger *s)
{
        uint64_t span_ms = w->s->windows[0][0] >> 32;

        return (w->now_ms / span_ms + s->from_window) * span_ms + s->at_ms;
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
        for (unsigned k = 0; k < world_clients(w); ++k)
                client_set_clock(w, k);
        w->judged_ms = w->now_ms + (w->s->windows[0][0] >> 32) * w->s->judged_from;
        w->end_ms = w->now_ms + longest_ms(w->s->windows[0]) * (w->s->n_full + 2);
        for (unsigned k = 0; k < world_clients(w); ++k) {
                for (unsigned i = 0; i < w->s->flows; ++i)
                        world_schedule(w, EV_WAKE,
                                       w->now_ms + world_below(w, client_is_order(w, i)
                                                                          ? w->s->order_every_ms
                                                                          : 100),
                                       k, i);
                world_schedule(w, EV_TRY, w->now_ms + k, k, 0);
        }
        if (w->s->chaos)
                world_schedule(w, EV_KILL, w->now_ms + world_below(w, 400000), 0, 0);
        if (w->s->foreign)
                world_schedule(w, EV_FOREIGN, w->now_ms, 0, 0);
        if (w->s->refuses)
                plan_turn(w);
        if (w->s->changes_limits)
                world_schedule(w, EV_LIMIT, w->now_ms, 0, 0);
        for (unsigned i = 0; i < ARRAY_SIZE(w->s->strangers); ++i)
                if (w->s->strangers[i].cost != 0)
                        world_schedule(w, EV_FOREIGN, first_of(w, &w->s->strangers[i]), 0, i);
}

static double yield_of(const struct world *w, unsigned p, unsigned i)
{
        const struct counted *c = &w->counted[p][i];

        return c->n_windows < 2 ? 0
                                : (double)c->total / (double)(c->n_windows - 1) /
                                          (double)(uint32_t)w->s->windows[p][i];
}

/* What so many of a thousand orders did not wait longer than. */
static uint32_t waited_ms(const struct world *w, unsigned permille)
{
        uint64_t all = 0, seen = 0;
        uint32_t ms = 0;

        for (unsigned i = 0; i <= WORLD_WAIT_MS; ++i)
                all += w->order_waits[i];
        for (unsigned i = 0; i <= WORLD_WAIT_MS; ++i) {
                seen += w->order_waits[i];
                ms = i;
                if (seen * 1000 >= all * permille)
                        break;
        }
        return all > 0 ? ms : 0;
}

struct world_result world_run(const struct scenario *s, uint64_t seed)
{
        static struct world world;
        struct world *w = &world;
        const struct counted *narrow = &w->counted[0][0];
        struct world_result result;
        double best = 0;
        uint64_t n_windows = 0;
        unsigned over = 0;

        *w = (struct world){ .s = s, .seed = seed, .rng = seed, .now_ms = START_MS + seed * 997 };
        memcpy(w->windows, s->windows, sizeof(w->windows));
        begin(w);
        while (s->steps ? w->n_steps < s->steps : w->now_ms < w->end_ms) {
                struct event *e = container_of(heap_peek(&w->heap), struct event, link);

                heap_remove(&w->heap, &e->link);
                ++w->n_steps;
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
        result = (struct world_result){
                .limit = narrow->n_full ? narrow->raw / (double)narrow->n_full : 0,
                .mean = narrow->n_full ? narrow->sum / (double)narrow->n_full : 0,
                .limit_worst = narrow->raw_worst,
                .worst = narrow->worst,
                .refused = w->n_refused,
                .refused_others = w->n_refused_others,
                .n_windows = narrow->n_full,
                .n_sent = w->n_sent,
                .n_steps = w->n_steps,
                .order_p99_ms = waited_ms(w, 990),
                .order_most_ms = waited_ms(w, 1000),
        };
        for (unsigned i = 0; i <= WORLD_WAIT_MS; ++i)
                result.n_orders += w->order_waits[i];
        result.n_late = result.n_orders - w->order_waits[0];
        if (s->refuses || s->steps)
                return result;
        print_message("%-44s seed %3llu: %6llu windows, %7llu sent, yield %6.2f %%, lost places "
                      "%llu, %llu by the short way%s\n",
                      s->label, (unsigned long long)seed, (unsigned long long)n_windows,
                      (unsigned long long)w->n_sent, best * 100, (unsigned long long)w->n_lost,
                      (unsigned long long)w->n_short, over ? ", above with foreign use" : "");
        if (best < s->min_yield)
                fail_msg("%s, seed %llu: yield %.2f %%", s->label, (unsigned long long)seed,
                         best * 100);
        return result;
}
