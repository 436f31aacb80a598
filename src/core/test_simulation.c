/*
 * A model exchange that counts in its own true time, and programs whose clocks are wrong by up to
 * the guard, whose requests take random ways, come back late or never, and who die. In virtual
 * time, thousands of windows a second. What must hold: the exchange never counts more of ours than
 * the limit in any of its windows; and under saturation hardly less.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/heap.h"
#include "core/limiter.h"
#include "core/route.h"

#define CLIENTS     4
#define ROUTES      128
#define FLOWS       192 /* of one client */
#define POOLS       2
#define TRY_FAILURE 4 /* as the gateway: so many try in vain, then the rest is left in peace */
#define START_MS    1800000000000ULL

struct scenario {
        const char *label;
        uint64_t windows[POOLS][REGION_POOL_WINDOWS];
        uint32_t guard_ms;
        uint32_t cost_max[POOLS]; /* 0: this pool is not charged */
        uint32_t light_in_16;     /* so many of 16 cost 1 in pool 0 */
        bool has_ceilings;        /* pool 0 is shared by classes, all but the first */
        uint32_t latency_ms;      /* one way, on average */
        bool chaos;               /* spikes, deaths, cancellations, no answers */
        bool foreign;
        unsigned flows;  /* of each client */
        uint32_t n_full; /* windows of pool 0's longest span to simulate */
        double min_yield;
};

enum kind {
        EV_WAKE,   /* a flow has something to do: reserve, or confirm */
        EV_LEAVE,  /* GO was some moments ago: send */
        EV_ARRIVE, /* counted by the exchange */
        EV_ANSWER,
        EV_TRY, /* of a client: who waits looks for an earlier place */
        EV_KILL,
        EV_CLOCK,
        EV_FOREIGN,
};

struct event {
        struct heap_link link;
        uint64_t at_ms, order;
        enum kind kind;
        unsigned client, flow, life; /* of the flow: a dead one's events mean nothing */
        uint32_t cost[POOLS];
        uint32_t used[POOLS][REGION_POOL_WINDOWS];
        bool is_answered;
};

struct flow {
        unsigned life;
        uint64_t since; /* order of arrival */
        struct limiter_request request;
        struct limiter_ticket ticket;
};

struct client {
        int64_t error_ms;
        struct flow flows[FLOWS];
};

struct counted {
        uint64_t number;
        uint32_t ours, foreign;
        uint64_t total, n_windows;
        uint32_t highest, over; /* with foreign use; ours alone fails the test */
};

/* A kind of request whose budgets are known. */
struct learnt {
        struct limiter_request request;
        struct route route;
};

struct world {
        const struct scenario *s;
        uint64_t seed, rng, now_ms, end_ms, order;
        struct region region;
        struct limiter limiter;
        struct client clients[CLIENTS];
        struct counted counted[POOLS][REGION_POOL_WINDOWS];
        struct heap heap;
        uint64_t n_sent, n_lost, n_waits, n_carried, n_short;
        struct learnt learnt[ROUTES];
        unsigned n_learnt;
};

static uint64_t rnd(struct world *w)
{
        uint64_t z = (w->rng += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

static uint64_t below(struct world *w, uint64_t n)
{
        return n ? rnd(w) % n : 0;
}

static bool one_in(struct world *w, uint64_t n)
{
        return below(w, n) == 0;
}

static bool is_before(const struct heap_link *a, const struct heap_link *b)
{
        const struct event *x = container_of(a, struct event, link);
        const struct event *y = container_of(b, struct event, link);

        return x->at_ms != y->at_ms ? x->at_ms < y->at_ms : x->order < y->order;
}

static struct event *schedule(struct world *w, enum kind kind, uint64_t at_ms, unsigned client,
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

static struct limiter_time time_of(const struct world *w, const struct client *c)
{
        return (struct limiter_time){ (uint64_t)((int64_t)w->now_ms + c->error_ms),
                                      w->s->guard_ms };
}

/* When the client's clock will show @local_ms. */
static uint64_t true_ms(const struct client *c, uint64_t local_ms)
{
        return (uint64_t)((int64_t)local_ms - c->error_ms);
}

static uint64_t latency(struct world *w)
{
        uint64_t base = w->s->latency_ms / 2 + below(w, w->s->latency_ms + 1);

        return w->s->chaos && one_in(w, 100) ? base + below(w, 3000) : base;
}

static void draw_request(struct world *w, struct limiter_request *r)
{
        *r = (struct limiter_request){ .deadline_ms = UINT64_MAX };
        r->class = w->s->has_ceilings ? (enum weir_class)(1 + below(w, CLASS_COUNT - 1))
                                      : (enum weir_class)below(w, CLASS_COUNT);
        for (uint16_t p = 0; p < POOLS; ++p) {
                bool light = p == 0 && below(w, 16) < w->s->light_in_16;

                if (w->s->cost_max[p] == 0)
                        continue;
                r->charges[r->n_charges++] = (struct limiter_charge){
                        .pool = p,
                        .owner = p,
                        .has_ceilings = p == 0 && w->s->has_ceilings,
                        .amount = light ? 1 : 1 + (uint32_t)below(w, w->s->cost_max[p]),
                };
        }
}

static void leave_soon(struct world *w, unsigned client, unsigned flow)
{
        schedule(w, EV_LEAVE, w->now_ms + (one_in(w, 8) ? below(w, 20) : 0), client, flow);
}

static void answered(struct world *w, unsigned client, unsigned flow, int r)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];

        switch (r) {
        case LIMITER_GO:
                leave_soon(w, client, flow);
                return;
        case LIMITER_WAIT:
                must(f->ticket.at_ms > time_of(w, c).now_ms);
                ++w->n_waits;
                schedule(w, EV_WAKE, true_ms(c, f->ticket.at_ms), client, flow);
                return;
        case LIMITER_CROWDED:
                must(f->ticket.at_ms > time_of(w, c).now_ms);
                schedule(w, EV_WAKE, true_ms(c, f->ticket.at_ms), client, flow);
                return;
        case LIMITER_LOST:
                ++w->n_lost;
                schedule(w, EV_WAKE, w->now_ms + 1, client, flow);
                return;
        default:
                fail_msg("%s, seed %llu: answer %d", w->s->label, (unsigned long long)w->seed, r);
        }
}

static bool is_alike(const struct limiter_request *a, const struct limiter_request *b)
{
        if (a->class != b->class || a->n_charges != b->n_charges || a->pacing != b->pacing)
                return false;
        for (unsigned i = 0; i < a->n_charges; ++i)
                if (a->charges[i].pool != b->charges[i].pool ||
                    a->charges[i].owner != b->charges[i].owner ||
                    a->charges[i].amount != b->charges[i].amount ||
                    a->charges[i].has_ceilings != b->charges[i].has_ceilings)
                        return false;
        return true;
}

/* By the short way where one is known, and by the long way a third of the time in any case. */
static int reserve(struct world *w, const struct limiter_request *request, struct limiter_time time,
                   struct limiter_ticket *ticket)
{
        unsigned i = 0;
        int r;

        while (i < w->n_learnt && !is_alike(&w->learnt[i].request, request))
                ++i;
        if (i < w->n_learnt && !one_in(w, 3) &&
            route_go(&w->limiter, &w->learnt[i].route, request->deadline_ms, time, ticket) ==
                    ROUTE_GO) {
                ++w->n_short;
                return LIMITER_GO;
        }
        r = limiter_reserve(&w->limiter, request, time, ticket);
        if (r == LIMITER_GO && i == w->n_learnt && i < ROUTES &&
            route_learn(&w->limiter, request, ticket, &w->learnt[i].route)) {
                w->learnt[i].request = *request;
                ++w->n_learnt;
        }
        return r;
}

static void wake(struct world *w, unsigned client, unsigned flow)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];

        if (f->ticket.state == TICKET_HELD) {
                if (w->s->chaos && one_in(w, 40)) {
                        limiter_refund(&w->limiter, &f->ticket);
                        f->since = 0;
                        schedule(w, EV_WAKE, w->now_ms + below(w, 100), client, flow);
                        return;
                }
                answered(w, client, flow, limiter_confirm(&w->limiter, &f->ticket, time_of(w, c)));
                return;
        }
        if (f->since == 0) {
                draw_request(w, &f->request);
                f->since = ++w->order;
        }
        answered(w, client, flow, reserve(w, &f->request, time_of(w, c), &f->ticket));
}

static void leave(struct world *w, unsigned client, unsigned flow)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];
        struct event *e;

        must(f->ticket.state == TICKET_FLYING);
        if (!ticket_may_leave(&f->ticket, time_of(w, c).now_ms) || (w->s->chaos && one_in(w, 50))) {
                limiter_refund(&w->limiter, &f->ticket);
                schedule(w, EV_WAKE, w->now_ms, client, flow);
                return;
        }
        ++w->n_sent;
        e = schedule(w, EV_ARRIVE, w->now_ms + latency(w), client, flow);
        e->is_answered = !(w->s->chaos && one_in(w, 100));
        for (unsigned i = 0; i < f->request.n_charges; ++i)
                e->cost[f->request.charges[i].pool] = f->request.charges[i].amount;
        if (!e->is_answered) {
                /* Given up at once: the worst that a client can do. */
                limiter_abandon(&f->ticket);
                ++f->life;
                f->since = 0;
                schedule(w, EV_WAKE, w->now_ms + 1, client, flow);
        }
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
        answer = schedule(w, EV_ANSWER, w->now_ms + latency(w), e->client, e->flow);
        answer->life = e->life;
        for (unsigned p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        answer->used[p][i] = w->counted[p][i].ours + w->counted[p][i].foreign;
}

static void land(struct world *w, const struct event *e)
{
        struct client *c = &w->clients[e->client];
        struct flow *f = &c->flows[e->flow];
        struct limiter_news news[POOLS * REGION_POOL_WINDOWS];
        size_t n = 0;

        for (uint16_t p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        if (w->s->windows[p][i] != 0 && w->s->cost_max[p] != 0)
                                news[n++] = (struct limiter_news){
                                        .pool = p,
                                        .owner = p,
                                        .span_ms = (uint32_t)(w->s->windows[p][i] >> 32),
                                        .used = e->used[p][i],
                                };
        /* Without a header, now and then. */
        if (one_in(w, 8))
                n = 0;
        limiter_land(&w->limiter, &f->ticket, time_of(w, c), 0, 0, news, n, NULL);
        f->since = 0;
        schedule(w, EV_WAKE, w->now_ms + 1, e->client, e->flow);
}

/* Of those of @class who may try now the one that came first after @last. */
static struct flow *next_to_try(struct client *c, unsigned n, enum weir_class class,
                                uint64_t now_ms, uint64_t last)
{
        struct flow *next = NULL;

        for (unsigned i = 0; i < n; ++i) {
                struct flow *f = &c->flows[i];

                if (f->ticket.state == TICKET_HELD && f->request.class == class &&
                    f->ticket.try_ms != 0 && f->ticket.try_ms <= now_ms && f->since > last &&
                    (!next || f->since < next->since))
                        next = f;
        }
        return next;
}

/* Those who wait look for an earlier place, in the order in which they came, as in the gateway. */
static void try_round(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        struct limiter_time time = time_of(w, c);
        /* Often enough not to matter, seldom enough to simulate fast. */
        uint64_t rest_ms = 3 + (w->s->windows[0][0] >> 32) / 1000;
        uint64_t again_ms = time.now_ms + 10 * rest_ms;

        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct flow *next;
                uint64_t last = 0;
                unsigned failures = 0;

                while (failures < TRY_FAILURE &&
                       (next = next_to_try(c, w->s->flows, (enum weir_class) class, time.now_ms,
                                           last)) != NULL) {
                        struct limiter_ticket earlier;
                        int r = limiter_reserve(&w->limiter, &next->request, time, &earlier);

                        last = next->since;
                        if (r == LIMITER_GO) {
                                limiter_refund(&w->limiter, &next->ticket);
                                next->ticket = earlier;
                                ++next->life;
                                leave_soon(w, client, (unsigned)(next - c->flows));
                        } else {
                                next->ticket.try_ms = r == LIMITER_WAIT ? earlier.try_ms : 0;
                                limiter_refund(&w->limiter, &earlier);
                                ++failures;
                        }
                }
        }
        for (unsigned i = 0; i < w->s->flows; ++i) {
                uint64_t try_ms = c->flows[i].ticket.try_ms;

                if (c->flows[i].ticket.state == TICKET_HELD && try_ms != 0 && try_ms < again_ms)
                        again_ms = try_ms;
        }
        again_ms = true_ms(c, again_ms);
        schedule(w, EV_TRY, again_ms > w->now_ms + rest_ms ? again_ms : w->now_ms + rest_ms, client,
                 0);
}

/* A process dies, with all it holds; another takes its place at once. */
static void die(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];

        for (unsigned i = 0; i < w->s->flows; ++i) {
                ++c->flows[i].life;
                c->flows[i].since = 0;
                c->flows[i].ticket = LIMITER_TICKET_NULL;
                schedule(w, EV_WAKE, w->now_ms + below(w, 50), client, i);
        }
        schedule(w, EV_KILL, w->now_ms + below(w, 400000), (unsigned)below(w, CLIENTS), 0);
}

static void set_clock(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        int64_t guard = w->s->guard_ms;

        /* Most of the time at an end of what is allowed. */
        c->error_ms = one_in(w, 3)   ? guard
                      : one_in(w, 2) ? -guard
                                     : (int64_t)below(w, 2 * w->s->guard_ms + 1) - guard;
        schedule(w, EV_CLOCK, w->now_ms + below(w, 20000), client, 0);
}

static void foreign(struct world *w)
{
        uint32_t cost[POOLS] = { (uint32_t)w->s->windows[0][0] / 50 };

        count(w, cost, false);
        schedule(w, EV_FOREIGN, w->now_ms + below(w, w->s->windows[0][0] >> 32), 0, 0);
}

static void handle(struct world *w, const struct event *e)
{
        const struct flow *f = &w->clients[e->client].flows[e->flow];
        bool is_alive = e->life == f->life;

        w->now_ms = e->at_ms;
        switch (e->kind) {
        case EV_WAKE:
                if (is_alive)
                        wake(w, e->client, e->flow);
                break;
        case EV_LEAVE:
                if (is_alive)
                        leave(w, e->client, e->flow);
                break;
        case EV_ARRIVE:
                arrive(w, e);
                break;
        case EV_ANSWER:
                if (is_alive)
                        land(w, e);
                break;
        case EV_TRY:
                try_round(w, e->client);
                break;
        case EV_KILL:
                die(w, e->client);
                break;
        case EV_CLOCK:
                set_clock(w, e->client);
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
                set_clock(w, k);
                for (unsigned i = 0; i < w->s->flows; ++i)
                        schedule(w, EV_WAKE, w->now_ms + below(w, 100), k, i);
                schedule(w, EV_TRY, w->now_ms + k, k, 0);
        }
        if (w->s->chaos)
                schedule(w, EV_KILL, w->now_ms + below(w, 400000), 0, 0);
        if (w->s->foreign)
                schedule(w, EV_FOREIGN, w->now_ms, 0, 0);
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

static void run(const struct scenario *s, uint64_t seed)
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

/* WEIR_SIMULATION_SEEDS=100 to look harder. */
static uint64_t seeds(uint64_t n)
{
        const char *more = getenv("WEIR_SIMULATION_SEEDS");

        return more ? strtoull(more, NULL, 10) : n;
}

#define W(span_ms, limit) ((uint64_t)(span_ms) << 32 | (limit))

static void the_exchange_never_counts_more_than_the_limit(void **state)
{
        static const struct scenario scenarios[] = {
                { "1 s, chaos",
                  { { W(1000, 40) } },
                  20,
                  { 4 },
                  8,
                  true,
                  60,
                  true,
                  false,
                  64,
                  1000,
                  0 },
                { "2 s, chaos",
                  { { W(2000, 60) } },
                  50,
                  { 6 },
                  8,
                  true,
                  60,
                  true,
                  false,
                  64,
                  500,
                  0 },
                { "5 s, chaos",
                  { { W(5000, 50) } },
                  100,
                  { 5 },
                  8,
                  false,
                  80,
                  true,
                  false,
                  64,
                  200,
                  0 },
                { "10 s, chaos",
                  { { W(10000, 300) } },
                  250,
                  { 30 },
                  8,
                  true,
                  80,
                  true,
                  false,
                  64,
                  100,
                  0 },
                { "60 s, chaos",
                  { { W(60000, 1200) } },
                  250,
                  { 120 },
                  8,
                  true,
                  80,
                  true,
                  false,
                  64,
                  40,
                  0 },
                { "10 s and 60 s, chaos",
                  { { W(10000, 100), W(60000, 400) } },
                  100,
                  { 10 },
                  8,
                  false,
                  50,
                  true,
                  false,
                  64,
                  30,
                  0 },
                { "two pools, chaos",
                  { { W(60000, 600) }, { W(10000, 50), W(60000, 200), W(300000, 900) } },
                  30,
                  { 60, 3 },
                  12,
                  true,
                  50,
                  true,
                  false,
                  64,
                  30,
                  0 },
                { "a limit of 1, chaos",
                  { { W(1000, 1) } },
                  20,
                  { 1 },
                  16,
                  true,
                  60,
                  true,
                  false,
                  4,
                  1000,
                  0 },
                { "a limit of 2, chaos",
                  { { W(1000, 2) } },
                  20,
                  { 2 },
                  8,
                  true,
                  60,
                  true,
                  false,
                  4,
                  1000,
                  0 },
                { "a limit of 5, chaos",
                  { { W(2000, 5) } },
                  20,
                  { 5 },
                  8,
                  false,
                  60,
                  true,
                  false,
                  4,
                  500,
                  0 },
                { "a guard longer than the span, chaos",
                  { { W(1000, 40) } },
                  1500,
                  { 4 },
                  8,
                  false,
                  60,
                  true,
                  false,
                  32,
                  500,
                  0 },
                { "a guard of nearly the span, chaos",
                  { { W(2000, 40) } },
                  1900,
                  { 4 },
                  8,
                  true,
                  60,
                  true,
                  false,
                  32,
                  500,
                  0 },
                { "foreign use, chaos",
                  { { W(10000, 200) } },
                  50,
                  { 20 },
                  8,
                  true,
                  60,
                  true,
                  true,
                  32,
                  100,
                  0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); ++i)
                for (uint64_t seed = 1; seed <= seeds(2); ++seed)
                        run(&scenarios[i], seed);
}

static void saturation_fills_every_window(void **state)
{
        static const struct scenario scenarios[] = {
                { "1 s, light",
                  { { W(1000, 100) } },
                  5,
                  { 1 },
                  16,
                  false,
                  30,
                  false,
                  false,
                  64,
                  300,
                  0.99 },
                { "1 s, mixed",
                  { { W(1000, 100) } },
                  5,
                  { 10 },
                  8,
                  false,
                  30,
                  false,
                  false,
                  64,
                  300,
                  0.99 },
                { "10 s, light",
                  { { W(10000, 100) } },
                  20,
                  { 1 },
                  16,
                  false,
                  50,
                  false,
                  false,
                  64,
                  100,
                  0.99 },
                { "10 s, mixed, classes",
                  { { W(10000, 300) } },
                  20,
                  { 30 },
                  8,
                  true,
                  50,
                  false,
                  false,
                  64,
                  100,
                  0.98 },
                { "60 s, light, classes",
                  { { W(60000, 300) } },
                  20,
                  { 1 },
                  16,
                  true,
                  50,
                  false,
                  false,
                  128,
                  50,
                  0.99 },
                { "60 s, mixed",
                  { { W(60000, 2400) } },
                  20,
                  { 240 },
                  8,
                  false,
                  50,
                  false,
                  false,
                  64,
                  50,
                  0.99 },
                { "60 s, mixed, classes",
                  { { W(60000, 2400) } },
                  20,
                  { 240 },
                  8,
                  true,
                  50,
                  false,
                  false,
                  64,
                  50,
                  0.99 },
                { "10 s and 60 s, mixed",
                  { { W(10000, 100), W(60000, 400) } },
                  20,
                  { 10 },
                  8,
                  false,
                  50,
                  false,
                  false,
                  64,
                  50,
                  0.99 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(scenarios); ++i)
                for (uint64_t seed = 1; seed <= seeds(1); ++seed)
                        run(&scenarios[i], seed);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_exchange_never_counts_more_than_the_limit),
                cmocka_unit_test(saturation_fills_every_window),
        };

        return cmocka_run_group_tests_name("core/simulation", tests, NULL, NULL);
}
