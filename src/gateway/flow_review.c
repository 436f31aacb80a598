/*
 * Those who wait, when the world changes under them.
 *
 * A request that waits has a place and a deadline that were good when it came. When the exchange
 * stops or bans us, or its limits change, what was promised may be impossible: who cannot be sent
 * in time any more is told so at that moment, not when his time is over; the others find new
 * places, in the order that they had.
 */
#include "budget/limits.h"
#include "core/pool.h"
#include "gateway/flow_fair.h"
#include "gateway/flow_inside.h"
#include "gateway/flow_way.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/upstream.h"

/* A gate has opened before the time that was named: a probe was answered, long before its lease
 * ends. */
static bool is_let_in(const struct flow *f, uint64_t shut_ms)
{
        return shut_ms == 0 && f->state == FLOW_PARKED && !f->is_on_hold &&
               f->due_us == f->shut_due_us;
}

void flow_review_stops(struct gateway *g)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);
                uint64_t shut_ms;

                if (!flow_is_waiting(f))
                        continue;
                shut_ms = limiter_shut_ms(upstream_limiter(f->upstream), &f->request,
                                          upstream_now(g, f->upstream));
                if (shut_ms >= f->request.deadline_ms || flow_way_may_change(f))
                        flow_displace(f);
                else if (is_let_in(f, shut_ms))
                        flow_hurry(f);
        }
        flow_fair_settle(g);
}

void flow_review_caps(struct gateway *g)
{
        uint64_t now_us = loop_now_us(g->loop);
        struct list *it, *after;

        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                if (!flow_is_waiting(f) || f->due_us <= now_us)
                        continue;
                if (f->state == FLOW_HELD && f->ticket.blocker == BLOCKED_BY_POOL)
                        f->ticket.try_ms = upstream_now(g, f->upstream).now_ms;
                else if (f->state != FLOW_PARKED || !f->ticket.is_capped)
                        continue;
                flow_hurry(f);
        }
}

/* All places are given back and taken again, as far as there are as many. */
static void review_places(struct gateway *g)
{
        struct list *it, *after;
        struct heap_link *first;
        struct list starting;

        list_init(&starting);
        while ((first = heap_peek(&g->queue.by_time)) != NULL) {
                struct flow *f = container_of(first, struct flow, time_link);

                if (f->state != FLOW_STARTING) {
                        flow_displace(f);
                        continue;
                }
                queue_remove(g, f);
                list_append(&starting, &f->class_link);
        }
        list_for_each_safe(it, after, &starting)
        {
                struct flow *f = container_of(it, struct flow, class_link);

                list_unlink(&f->class_link);
                flow_wait_us(f, FLOW_STARTING, f->due_us);
        }
        flow_fair_settle(g);
}

/* Of all limits: another number when one of them is another, unless by a chance of 2^-64. */
static uint64_t sum_of_limits(const struct region *region)
{
        uint64_t sum = 0;

        for (uint16_t pool = 0; pool < REGION_POOLS; ++pool)
                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                        sum = sum * UINT64_C(0x9e3779b97f4a7c15) + pool_window(region, pool, i);
        return sum;
}

/* Return: whether one has changed since. */
static bool see_gates(struct outlet *o)
{
        bool is_new = false;

        for (unsigned i = 0; i < REGION_GATES; ++i) {
                uint64_t word =
                        atomic_load_explicit(limiter_gate(&o->limiter, i), memory_order_relaxed);

                is_new |= word != o->seen_gates[i];
                o->seen_gates[i] = word;
        }
        return is_new;
}

void flow_review(struct gateway *g)
{
        uint64_t limits = sum_of_limits(&g->region);
        bool is_new_stop = false;

        for (size_t k = 0; k < g->n_outlets; ++k)
                is_new_stop |= see_gates(&g->outlets[k]);
        if (limits != g->seen_limits)
                review_places(g);
        else if (is_new_stop)
                flow_review_stops(g);
        g->seen_limits = limits;
}

static void adopt_errands(struct gateway *g, struct upstream *u,
                          const struct budget_windows *before, struct limiter_time time)
{
        for (size_t k = 0; k < g->n_outlets; ++k) {
                struct outlet *o = &g->outlets[k];

                for (size_t i = 0; i < ARRAY_SIZE(o->upstreams); ++i)
                        for (unsigned kind = 0; kind < ERRAND_KINDS; ++kind)
                                budget_adopt(&o->limiter, u->group, before,
                                             &o->upstreams[i].errands.all[kind].ticket, time);
        }
}

void flow_follow(struct gateway *g, struct upstream *u, const struct budget_limit *limits, size_t n)
{
        struct limiter_time time = upstream_now(g, u);
        struct budget_windows before;
        struct list *it, *after;

        budget_windows(&g->limiter, u->group, &before);
        budget_follow(&g->limiter, u->group, limits, n, time);
        tally_follow(g);
        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                budget_adopt(upstream_limiter(f->upstream), u->group, &before, &f->ticket, time);
        }
        adopt_errands(g, u, &before, time);
}
