/*
 * What an operator holds: it waits without a place until it is let go, or its deadline passes. What
 * has been sent is not touched; what waits for a connection is asked for at the last moment
 * (flow_leave), as for everything else.
 */
#include "gateway/flow_inside.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/upstream.h"

bool flow_is_paused(const struct flow *f)
{
        const struct gateway *g = f->gateway;

        return UNLIKELY(!pauses_are_none(&g->pauses)) && !g->shadow &&
               pauses_hold(&g->pauses, f->request.class, f->tally.client) != NULL;
}

/* What is held must not keep others from waiting for their places. */
#define HELD_PART 2

void flow_hold(struct flow *f, bool is_on_hold)
{
        struct gateway *g = f->gateway;

        if (f->is_on_hold == is_on_hold)
                return;
        f->is_on_hold = is_on_hold;
        g->n_on_hold += is_on_hold ? 1 : (size_t)-1;
}

static bool may_wait(const struct flow *f)
{
        const struct gateway *g = f->gateway;

        return f->is_on_hold || g->n_on_hold < (g->settings.max_queue + 1) / HELD_PART;
}

void flow_pause(struct flow *f)
{
        fair_leave(&f->wish, false);
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
        if (upstream_now(f->gateway, f->upstream).now_ms >= f->request.deadline_ms ||
            !may_wait(f)) {
                refuse_paused(f);
                flow_end(f);
                return;
        }
        flow_hold(f, true);
        flow_wait(f, FLOW_PARKED, f->request.deadline_ms);
}

size_t flow_review_pauses(struct gateway *g)
{
        struct list *it, *after;
        size_t n = 0;

        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                if (!flow_is_waiting(f) || f->is_on_hold == flow_is_paused(f))
                        continue;
                ++n;
                if (f->is_on_hold) {
                        flow_hold(f, false);
                        flow_hurry(f);
                } else {
                        queue_remove(g, f);
                        flow_pause(f);
                }
        }
        return n;
}

struct flow *flow_find(struct gateway *g, uint64_t sequence)
{
        struct list *it, *after;

        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                if (f->sequence == sequence)
                        return f;
        }
        return NULL;
}

bool flow_drop_queued(struct flow *f)
{
        if (!flow_is_queued(f))
                return false;
        refuse_dropped(f);
        flow_end(f);
        return true;
}
