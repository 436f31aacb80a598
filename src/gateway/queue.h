/*
 * Queue
 *
 * Those who wait for their time: a heap by time, then class, fair order, deadline and arrival. Who
 * waits for a budget is also in line there (fair.h): towards the end of a window, when the ceilings
 * open, the first of each line try for an earlier place.
 */
#ifndef GATEWAY_QUEUE_H
#define GATEWAY_QUEUE_H

#include "gateway/flow.h"

CHECKED int queue_init(struct gateway *g);
void queue_deinit(struct gateway *g);

/* @due_us: monotonic. Return: 0 or -ENOMEM. */
CHECKED int queue_add(struct gateway *g, struct flow *flow, uint64_t due_us);
/* Harmless for a flow that does not wait. */
void queue_remove(struct gateway *g, struct flow *flow);

#endif
