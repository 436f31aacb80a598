/*
 * Queue
 *
 * Those who wait for their time: a heap by time, then class, deadline and arrival; and a list
 * per class in order of arrival, from whose heads earlier places are tried when the ceilings
 * open towards the end of a window.
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
