#include "gateway/flow_inside.h"
#include "gateway/outlet.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/upstream.h"

/* How long requests wait for the exchange's time to be asked the first time: some round trips, a
 * handshake, and a try more. */
#define CLOCK_WAIT_MS 3000

void flow_await_clock(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct upstream *u = f->upstream;
        uint64_t wait_ms = f->max_wait_ms < CLOCK_WAIT_MS ? f->max_wait_ms : CLOCK_WAIT_MS;

        flow_wait_us(f, FLOW_STARTING, f->arrived_us + wait_ms * US_PER_MS);
        /* Last: @f may be refused in here. */
        errand_ask_time(g, u);
}

void flow_give_up_clock(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct upstream *u = f->upstream;

        if (f->max_wait_ms < CLOCK_WAIT_MS && !upstream_knows_time(g, u) && !u->has_given_up) {
                refuse_limiter(f, LIMITER_LATE, 0);
                flow_end(f);
                return;
        }
        upstream_give_up_time(g, u);
        flow_admit(f);
        flow_start_waiting(g, u);
}

/* For each of @u that waits for the time: the urgent ones first. Then it is in the queue no more.
 */
static void each_starting(struct gateway *g, struct upstream *u,
                          void (*fn)(struct flow *, const char *), const char *why)
{
        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct list *it, *after;

                list_for_each_safe(it, after, &g->queue.starting[class])
                {
                        struct flow *f = container_of(it, struct flow, class_link);

                        if (f->state != FLOW_STARTING || f->upstream != u)
                                continue;
                        queue_remove(g, f);
                        fn(f, why);
                }
        }
}

static void start_one(struct flow *f, const char *why)
{
        (void)why;
        flow_admit(f);
}

static void refuse_one(struct flow *f, const char *why)
{
        flow_not_sent(f, why);
}

void flow_start_waiting(struct gateway *g, struct upstream *u)
{
        u->has_started = upstream_knows_time(g, u);
        each_starting(g, u, start_one, NULL);
}

/* They wait for the same by another way, which may answer yet. */
static void wait_instead(struct gateway *g, struct upstream *u, struct upstream *other)
{
        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                struct list *it, *after;

                list_for_each_safe(it, after, &g->queue.starting[class])
                {
                        struct flow *f = container_of(it, struct flow, class_link);

                        if (f->state == FLOW_STARTING && f->upstream == u)
                                f->upstream = other;
                }
        }
}

void flow_refuse_waiting(struct gateway *g, struct upstream *u, const char *why)
{
        struct upstream *other = outlets_instead(g, u);

        if (other) {
                wait_instead(g, u, other);
                return;
        }
        each_starting(g, u, refuse_one, why);
}
