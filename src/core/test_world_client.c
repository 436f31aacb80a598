#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/test_world.h"

#include <errno.h>

/* What the client's own clock shows. */
static uint64_t local_us(const struct world *w, const struct client *c)
{
        int64_t since_ms = (int64_t)(w->now_ms - START_MS);

        return (uint64_t)((int64_t)(w->now_ms * US_PER_MS) + c->offset_us +
                          since_ms * c->drift_ppm / 1000);
}

static struct limiter_time time_of(const struct world *w, const struct client *c)
{
        struct limiter_time time = { (uint64_t)((int64_t)w->now_ms + c->error_ms), w->s->guard_ms };

        if (!w->s->clock)
                return time;
        time = w->s->clock->now((unsigned)(c - w->clients), local_us(w, c));
        if (time.now_ms + time.guard_ms < w->now_ms || time.now_ms > w->now_ms + time.guard_ms)
                fail_msg("%s, seed %llu: the clock is %lld ms off, and says +-%u ms", w->s->label,
                         (unsigned long long)w->seed, (long long)(time.now_ms - w->now_ms),
                         time.guard_ms);
        return time;
}

/* When the client's clock will show @local_ms. */
static uint64_t true_ms(const struct world *w, const struct client *c, uint64_t local_ms)
{
        return (uint64_t)((int64_t)local_ms - (int64_t)time_of(w, c).now_ms + (int64_t)w->now_ms);
}

static bool is_clock(const struct world *w, unsigned flow)
{
        return flow == w->s->flows;
}

/* Each flow keeps to its kind, as programs do: else those that wait would all be heavy in the end.
 */
static uint32_t draw_cost(struct world *w, uint16_t p, unsigned flow)
{
        if (client_is_order(w, flow) || (p == 0 && flow % 16 < w->s->light_in_16))
                return 1;
        if (p == 0 && flow % 16 < w->s->light_in_16 + w->s->heavy_in_16)
                return (uint32_t)w->s->windows[0][0] / 10;
        return 1 + (uint32_t)world_below(w, w->s->cost_max[p]);
}

/* The question for the time. */
static void clock_request(const struct world *w, struct limiter_request *r)
{
        *r = (struct limiter_request){
                .class = CLASS_RECONCILE,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .amount = 1, .has_ceilings = w->s->has_ceilings } },
        };
}

static void draw_request(struct world *w, struct limiter_request *r, unsigned flow)
{
        *r = (struct limiter_request){ .deadline_ms = UINT64_MAX };
        r->class = w->s->has_ceilings ? (enum weir_class)(1 + world_below(w, CLASS_COUNT - 1))
                                      : (enum weir_class)world_below(w, CLASS_COUNT);
        if (client_is_order(w, flow))
                r->class = CLASS_ORDER;
        else if (w->s->class_plus_1)
                r->class = (enum weir_class)(w->s->class_plus_1 - 1);
        for (uint16_t p = 0; p < POOLS; ++p) {
                if (w->s->cost_max[p] == 0)
                        continue;
                r->charges[r->n_charges++] = (struct limiter_charge){
                        .pool = p,
                        .owner = p,
                        .has_ceilings = p == 0 && w->s->has_ceilings,
                        .amount = draw_cost(w, p, flow),
                };
        }
}

static void leave_soon(struct world *w, unsigned client, unsigned flow)
{
        struct flow *f = &w->clients[client].flows[flow];
        uint64_t waited_ms = w->now_ms - f->since_ms;

        if (client_is_order(w, flow) && w->counted[0][0].n_windows > 0)
                ++w->order_waits[waited_ms < WORLD_WAIT_MS ? waited_ms : WORLD_WAIT_MS];

        for (unsigned p = 0; p < POOLS; ++p)
                for (unsigned i = 0; i < REGION_POOL_WINDOWS; ++i)
                        f->limits[p][i] = (uint32_t)w->windows[p][i];
        world_schedule(w, EV_LEAVE,
                       w->now_ms +
                               (world_one_in(w, 8) ? world_below(w, w->s->is_exact ? 3 : 20) : 0),
                       client, flow);
}

/* A place of the next window but one may become one of the next. */
static uint64_t due_ms(const struct limiter_ticket *t, struct limiter_time time)
{
        return t->look_ms > time.now_ms && t->look_ms < t->at_ms ? t->look_ms : t->at_ms;
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
                world_schedule(w, EV_WAKE, true_ms(w, c, due_ms(&f->ticket, time_of(w, c))), client,
                               flow);
                return;
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                must(f->ticket.at_ms > time_of(w, c).now_ms);
                world_schedule(w, EV_WAKE, true_ms(w, c, f->ticket.at_ms), client, flow);
                return;
        case -ESTALE:
                /* Its clock and another's are a window apart. */
                must(w->s->steps > 0);
                world_schedule(w, EV_WAKE, w->now_ms + 50, client, flow);
                return;
        case LIMITER_NEVER:
                /* Until the limit is raised again, or for good. */
                must(w->s->steps > 0);
                f->since = 0;
                world_schedule(w, EV_WAKE, w->now_ms + 50, client, flow);
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

static void try_one(struct world *w, unsigned client, struct flow *f)
{
        struct client *c = &w->clients[client];
        struct limiter_ticket earlier;
        int r = limiter_reserve(&w->limiter, &f->request, time_of(w, c), &earlier);

        if (r == LIMITER_GO) {
                limiter_refund(&w->limiter, &f->ticket);
                f->ticket = earlier;
                ++f->life;
                leave_soon(w, client, (unsigned)(f - c->flows));
                return;
        }
        if (r == LIMITER_WAIT && earlier.at_ms < f->ticket.at_ms) {
                limiter_refund(&w->limiter, &f->ticket);
                f->ticket = earlier;
                ++f->life;
                answered(w, client, (unsigned)(f - c->flows), LIMITER_WAIT);
                return;
        }
        f->ticket.try_ms = earlier.try_ms;
        f->ticket.look_ms = earlier.look_ms;
        limiter_refund(&w->limiter, &earlier);
}

/* A window has turned: there may be an earlier place in the new one. */
static void look(struct world *w, unsigned client, unsigned flow)
{
        struct flow *f = &w->clients[client].flows[flow];
        unsigned life = f->life;

        try_one(w, client, f);
        if (f->life == life)
                answered(w, client, flow, LIMITER_WAIT);
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
                if (f->ticket.at_ms > time_of(w, c).now_ms) {
                        look(w, client, flow);
                        return;
                }
                answered(w, client, flow, limiter_confirm(&w->limiter, &f->ticket, time_of(w, c)));
                return;
        }
        if (f->since == 0) {
                if (is_clock(w, flow))
                        clock_request(w, &f->request);
                else
                        draw_request(w, &f->request, flow);
                f->since = ++w->order;
                f->since_ms = w->now_ms;
        }
        answered(w, client, flow, reserve(w, &f->request, time_of(w, c), &f->ticket));
}

static bool is_stopped(struct world *w, const struct client *c)
{
        enum gate_kind kind;
        uint64_t until_ms;

        return gate_check(limiter_gate(&w->limiter, 0), time_of(w, c).now_ms, &until_ms, &kind) ==
               GATE_SHUT;
}

void client_leave(struct world *w, unsigned client, unsigned flow)
{
        struct client *c = &w->clients[client];
        struct flow *f = &c->flows[flow];
        uint64_t span_ms = w->s->windows[0][0] >> 32;
        struct event *e;

        must(f->ticket.state == TICKET_FLYING);
        if (!ticket_may_leave(&f->ticket, time_of(w, c).now_ms) || is_stopped(w, c) ||
            (w->s->chaos && world_one_in(w, 50))) {
                limiter_refund(&w->limiter, &f->ticket);
                world_schedule(w, EV_WAKE, w->now_ms, client, flow);
                return;
        }
        ++w->n_sent;
        f->left_us = local_us(w, c);
        e = world_schedule(w, EV_ARRIVE, w->now_ms + world_latency(w), client, flow);
        e->is_answered = !(w->s->chaos && world_one_in(w, 100));
        for (unsigned i = 0; i < f->request.n_charges; ++i)
                e->cost[f->request.charges[i].pool] = f->request.charges[i].amount;
        memcpy(e->limits, f->limits, sizeof(e->limits));
        f->is_free = e->is_answered && ((w->s->refunds && world_one_in(w, 6)) ||
                                        (w->s->are_free && client_is_order(w, flow)));
        if (f->is_free)
                e->cost[0] = 0;
        if (w->spike_ms > 0 && e->at_ms / span_ms > w->now_ms / span_ms)
                w->strayed += e->cost[0];
        if (!e->is_answered) {
                /* Given up at once: the worst that a client can do. */
                limiter_abandon(&f->ticket);
                ++f->life;
                f->since = 0;
                world_schedule(w, EV_WAKE, w->now_ms + 1, client, flow);
        }
}

static uint64_t pause_ms(struct world *w, unsigned flow)
{
        return client_is_order(w, flow) ? 1 + world_below(w, 2 * w->s->order_every_ms)
               : is_clock(w, flow)      ? w->s->clock->every_ms
                                        : 1;
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
        if (!w->s->refuses && world_one_in(w, 8))
                n = 0;
        /* All stop until the window turns, before anything else is said. */
        if (e->is_refused)
                (void)gate_shut(limiter_gate(&w->limiter, 0), GATE_STOP,
                                limiter_turn_ms(&w->limiter, 0, 0, time_of(w, c)));
        if (is_clock(w, e->flow))
                w->s->clock->sample(e->client, e->server_ms, f->left_us, local_us(w, c));
        limiter_land(&w->limiter, &f->ticket, time_of(w, c), 0,
                     f->is_free ? f->request.charges[0].amount : 0, news, n, NULL);
        f->since = 0;
        world_schedule(w, EV_WAKE, w->now_ms + pause_ms(w, e->flow), e->client, e->flow);
}

/* Of those of @class who may find room before their place's time the one that came first. */
static struct flow *first_hopeful(struct client *c, unsigned n, enum weir_class class)
{
        struct flow *first = NULL;

        for (unsigned i = 0; i < n; ++i) {
                struct flow *f = &c->flows[i];

                if (f->ticket.state == TICKET_HELD && f->request.class == class &&
                    f->ticket.try_ms != 0 && (!first || f->since < first->since))
                        first = f;
        }
        return first;
}

/*
 * In the order in which they came. Who will fit in this window, only later, is not overtaken; who
 * will not fit in it any more is in nobody's way.
 */
void client_try(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        struct limiter_time time = time_of(w, c);
        /* Often enough not to matter, seldom enough to simulate fast. */
        uint64_t rest_ms = w->s->is_exact ? 1 : 3 + (w->s->windows[0][0] >> 32) / 1000;
        uint64_t again_ms = time.now_ms + (w->s->is_exact ? 10 : 10 * rest_ms);

        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct flow *f;

                while ((f = first_hopeful(c, w->s->flows, (enum weir_class) class)) != NULL) {
                        if (f->ticket.try_ms > time.now_ms) {
                                if (f->ticket.try_ms < again_ms)
                                        again_ms = f->ticket.try_ms;
                                break;
                        }
                        try_one(w, client, f);
                }
        }
        again_ms = true_ms(w, c, again_ms);
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
                       (unsigned)world_below(w, world_clients(w)), 0);
}

/* Asks for the time before anything else, as programs do; not counted, for brevity. */
static void start_clock(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        uint64_t sent_us, there_ms;

        c->offset_us = ((int64_t)world_below(w, 4001) - 2000) * (int64_t)US_PER_MS;
        c->drift_ppm = world_one_in(w, 2) ? (int32_t)w->s->drift_ppm : -(int32_t)w->s->drift_ppm;
        w->s->clock->start(client, local_us(w, c));
        for (unsigned i = 0; i < SAMPLES; ++i) {
                sent_us = local_us(w, c);
                w->now_ms += world_latency(w);
                there_ms = w->now_ms;
                w->now_ms += world_latency(w);
                w->s->clock->sample(client, there_ms, sent_us, local_us(w, c));
        }
        world_schedule(w, EV_WAKE, w->now_ms + w->s->clock->every_ms, client, w->s->flows);
}

void client_set_clock(struct world *w, unsigned client)
{
        struct client *c = &w->clients[client];
        int64_t guard = w->s->guard_ms;

        if (w->s->clock) {
                start_clock(w, client);
                return;
        }
        /* Most of the time at an end of what is allowed. */
        c->error_ms = world_one_in(w, 3) ? guard
                      : world_one_in(w, 2)
                              ? -guard
                              : (int64_t)world_below(w, 2 * w->s->guard_ms + 1) - guard;
        world_schedule(w, EV_CLOCK, w->now_ms + world_below(w, 20000), client, 0);
}
