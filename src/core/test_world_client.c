#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/test_world.h"

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

static void draw_request(struct world *w, struct limiter_request *r)
{
        *r = (struct limiter_request){ .deadline_ms = UINT64_MAX };
        r->class = w->s->has_ceilings ? (enum weir_class)(1 + world_below(w, CLASS_COUNT - 1))
                                      : (enum weir_class)world_below(w, CLASS_COUNT);
        for (uint16_t p = 0; p < POOLS; ++p) {
                bool light = p == 0 && world_below(w, 16) < w->s->light_in_16;

                if (w->s->cost_max[p] == 0)
                        continue;
                r->charges[r->n_charges++] = (struct limiter_charge){
                        .pool = p,
                        .owner = p,
                        .has_ceilings = p == 0 && w->s->has_ceilings,
                        .amount = light ? 1 : 1 + (uint32_t)world_below(w, w->s->cost_max[p]),
                };
        }
}

static void leave_soon(struct world *w, unsigned client, unsigned flow)
{
        world_schedule(w, EV_LEAVE, w->now_ms + (world_one_in(w, 8) ? world_below(w, 20) : 0),
                       client, flow);
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
                world_schedule(w, EV_WAKE, true_ms(c, f->ticket.at_ms), client, flow);
                return;
        case LIMITER_CROWDED:
                must(f->ticket.at_ms > time_of(w, c).now_ms);
                world_schedule(w, EV_WAKE, true_ms(c, f->ticket.at_ms), client, flow);
                return;
        case LIMITER_LOST:
                ++w->n_lost;
                world_schedule(w, EV_WAKE, w->now_ms + 1, client, flow);
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
        if (i < w->n_learnt && !world_one_in(w, 3) &&
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

void client_wake(struct world *w, unsigned client, unsigned flow)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];

        if (f->ticket.state == TICKET_HELD) {
                if (w->s->chaos && world_one_in(w, 40)) {
                        limiter_refund(&w->limiter, &f->ticket);
                        f->since = 0;
                        world_schedule(w, EV_WAKE, w->now_ms + world_below(w, 100), client, flow);
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

void client_leave(struct world *w, unsigned client, unsigned flow)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];
        struct event *e;

        must(f->ticket.state == TICKET_FLYING);
        if (!ticket_may_leave(&f->ticket, time_of(w, c).now_ms) ||
            (w->s->chaos && world_one_in(w, 50))) {
                limiter_refund(&w->limiter, &f->ticket);
                world_schedule(w, EV_WAKE, w->now_ms, client, flow);
                return;
        }
        ++w->n_sent;
        e = world_schedule(w, EV_ARRIVE, w->now_ms + world_latency(w), client, flow);
        e->is_answered = !(w->s->chaos && world_one_in(w, 100));
        for (unsigned i = 0; i < f->request.n_charges; ++i)
                e->cost[f->request.charges[i].pool] = f->request.charges[i].amount;
        if (!e->is_answered) {
                /* Given up at once: the worst that a client can do. */
                limiter_abandon(&f->ticket);
                ++f->life;
                f->since = 0;
                world_schedule(w, EV_WAKE, w->now_ms + 1, client, flow);
        }
}

void client_land(struct world *w, const struct event *e)
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
        if (world_one_in(w, 8))
                n = 0;
        limiter_land(&w->limiter, &f->ticket, time_of(w, c), 0, 0, news, n, NULL);
        f->since = 0;
        world_schedule(w, EV_WAKE, w->now_ms + 1, e->client, e->flow);
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

void client_try(struct world *w, unsigned client)
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
        world_schedule(w, EV_TRY, again_ms > w->now_ms + rest_ms ? again_ms : w->now_ms + rest_ms,
                       client, 0);
}

void client_die(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];

        for (unsigned i = 0; i < w->s->flows; ++i) {
                ++c->flows[i].life;
                c->flows[i].since = 0;
                c->flows[i].ticket = LIMITER_TICKET_NULL;
                world_schedule(w, EV_WAKE, w->now_ms + world_below(w, 50), client, i);
        }
        world_schedule(w, EV_KILL, w->now_ms + world_below(w, 400000),
                       (unsigned)world_below(w, CLIENTS), 0);
}

void client_set_clock(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        int64_t guard = w->s->guard_ms;

        /* Most of the time at an end of what is allowed. */
        c->error_ms = world_one_in(w, 3) ? guard
                      : world_one_in(w, 2)
                              ? -guard
                              : (int64_t)world_below(w, 2 * w->s->guard_ms + 1) - guard;
        world_schedule(w, EV_CLOCK, w->now_ms + world_below(w, 20000), client, 0);
}
