#include "gateway/queue.h"
#include "base/clock.h"

/* Of each class, how many may try in vain before the rest is left in peace: they need the same
 * room. */
#define TRIES 4
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

/* Lets the first ones of each class try. Return: when to try again. */
static uint64_t try_all(struct gateway *g, uint64_t now_us)
{
        uint64_t next_us = UINT64_MAX;

        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct list *it, *after, *head = &g->queue.by_class[class];
                unsigned failures = 0;

                list_for_each_safe(it, after, head)
                {
                        struct flow *flow = container_of(it, struct flow, class_link);

                        if (failures == TRIES)
                                break;
                        if (try_us(flow) <= now_us && flow_try(flow))
                                continue;
                        ++failures;
                        if (try_us(flow) < next_us)
                                next_us = try_us(flow);
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
                list_init(&q->by_class[class]);
        q->n = 0;
        q->armed_us = UINT64_MAX;
        return loop_timer_new(g->loop, on_timer, g, &q->timer);
}

void queue_deinit(struct gateway *g)
{
        g->queue.timer = loop_timer_free(g->queue.timer);
        heap_deinit(&g->queue.by_time);
}

/* In order of arrival: mostly at the end, further ahead for one that has waited before. */
static void insert_by_arrival(struct list *head, struct flow *flow)
{
        struct list *place = head;

        while (place->prev != head &&
               container_of(place->prev, struct flow, class_link)->sequence > flow->sequence)
                place = place->prev;
        list_insert_before(place, &flow->class_link);
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
        insert_by_arrival(&q->by_class[flow->request.class], flow);
        ++q->n;
        first_us = try_us(flow) < due_us ? try_us(flow) : due_us;
        if (first_us < q->armed_us)
                arm(g, first_us);
        return 0;
}

void queue_remove(struct gateway *g, struct flow *flow)
{
        if (flow->time_link.place == 0)
                return;
        heap_remove(&g->queue.by_time, &flow->time_link);
        list_unlink(&flow->class_link);
        --g->queue.n;
}
