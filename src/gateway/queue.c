#include "gateway/queue.h"
#include "base/clock.h"
#include "gateway/flow_fair.h"

/* Between two rounds of trying. */
#define TRY_SPACING_US 1000

static bool is_before(const struct heap_link *a, const struct heap_link *b)
{
        const struct flow *x = container_of(a, struct flow, time_link);
        const struct flow *y = container_of(b, struct flow, time_link);

        if (x->due_us != y->due_us)
                return x->due_us < y->due_us;
        if (x->request.class != y->request.class)
                return x->request.class < y->request.class;
        if (x->wish.tag != y->wish.tag)
                return x->wish.tag < y->wish.tag;
        if (x->request.deadline_ms != y->request.deadline_ms)
                return x->request.deadline_ms < y->request.deadline_ms;
        return x->sequence < y->sequence;
}

/* When @flow may try for an earlier place, monotonic; UINT64_MAX: it need not. */
static uint64_t try_us(const struct flow *flow)
{
        if (flow->state != FLOW_HELD || flow->ticket.try_ms == 0)
                return UINT64_MAX;
        return exclock_to_mono_us(&flow->upstream->clock, flow->ticket.try_ms);
}

static void arm(struct gateway *g, uint64_t at_us)
{
        struct queue *q = &g->queue;

        if (at_us == q->armed_us)
                return;
        q->armed_us = at_us;
        if (at_us == UINT64_MAX)
                loop_timer_clear(q->timer);
        else
                loop_timer_set(q->timer, at_us);
}

/*
 * Lets those of one lane try whose time may have come. Who will fit in this window, only later, is
 * not overtaken by lighter ones behind: they would eat what it waits for. Who will not fit in it
 * any more has no hope, and is in nobody's way.
 * Return: when to try again.
 */
static uint64_t try_lane(const struct fair_lane *lane, uint64_t now_us)
{
        struct fair_wish *first;

        while ((first = fair_hopeful(lane)) != NULL) {
                struct flow *flow = container_of(first, struct flow, wish);

                if (try_us(flow) > now_us)
                        return try_us(flow);
                queue_remove(flow->gateway, flow);
                flow_due(flow);
        }
        return UINT64_MAX;
}

/* The urgent classes first. Return: when to try again. */
static uint64_t try_all(struct gateway *g, uint64_t now_us)
{
        uint64_t next_us = UINT64_MAX;

        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct list *it, *after;

                list_for_each_safe(it, after, &g->fair.by_class[class])
                {
                        uint64_t at_us =
                                try_lane(container_of(it, struct fair_lane, class_link), now_us);

                        next_us = at_us < next_us ? at_us : next_us;
                }
        }
        return next_us == UINT64_MAX || next_us > now_us + TRY_SPACING_US ? next_us
                                                                          : now_us + TRY_SPACING_US;
}

static void on_timer(void *ctx)
{
        struct gateway *g = ctx;
        struct queue *q = &g->queue;
        uint64_t now_us = clock_mono_us(), next_us;
        struct heap_link *first;

        q->armed_us = UINT64_MAX;
        while ((first = heap_peek(&q->by_time)) != NULL) {
                struct flow *flow = container_of(first, struct flow, time_link);

                if (flow->due_us > now_us)
                        break;
                queue_remove(g, flow);
                flow_due(flow);
        }
        next_us = try_all(g, now_us);
        first = heap_peek(&q->by_time);
        if (first && container_of(first, struct flow, time_link)->due_us < next_us)
                next_us = container_of(first, struct flow, time_link)->due_us;
        arm(g, next_us);
}

int queue_init(struct gateway *g)
{
        struct queue *q = &g->queue;

        heap_init(&q->by_time, is_before);
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                list_init(&q->starting[class]);
        q->n = 0;
        q->armed_us = UINT64_MAX;
        return loop_timer_new(g->loop, on_timer, g, &q->timer);
}

void queue_deinit(struct gateway *g)
{
        g->queue.timer = loop_timer_free(g->queue.timer);
        heap_deinit(&g->queue.by_time);
}

/* Where it waits besides the heap: for the time, or in the line of a budget. */
static int line_up(struct queue *q, struct flow *flow)
{
        int r;

        if (flow->state == FLOW_STARTING) {
                list_append(&q->starting[flow->request.class], &flow->class_link);
                return 0;
        }
        if (!flow->wish.client)
                return 0;
        r = fair_place(&flow->wish, flow_fair_window(flow));
        if (r == 0)
                r = fair_hope(&flow->wish, try_us(flow) != UINT64_MAX && !flow->wish.is_held_back);
        return r;
}

static void step_out(struct flow *flow)
{
        list_unlink(&flow->class_link);
        if (!flow->wish.client)
                return;
        (void)!fair_place(&flow->wish, FAIR_NOWHERE);
        (void)!fair_hope(&flow->wish, false);
        fair_hold_back(&flow->wish, false);
}

int queue_add(struct gateway *g, struct flow *flow, uint64_t due_us)
{
        struct queue *q = &g->queue;
        uint64_t first_us;
        int r;

        flow->due_us = due_us;
        r = heap_push(&q->by_time, &flow->time_link);
        if (r < 0)
                return r;
        ++q->n;
        r = line_up(q, flow);
        if (r < 0) {
                queue_remove(g, flow);
                return r;
        }
        first_us = due_us;
        if (flow->wish.hopeful_link.place != 0 && try_us(flow) < first_us)
                first_us = try_us(flow);
        if (first_us < q->armed_us)
                arm(g, first_us);
        return 0;
}

void queue_remove(struct gateway *g, struct flow *flow)
{
        if (flow->time_link.place == 0)
                return;
        heap_remove(&g->queue.by_time, &flow->time_link);
        step_out(flow);
        --g->queue.n;
}
