/*
 * The address that a flow takes; for the files that are flow's own.
 *
 * The rule, and its reasons, are in docs/egress.md. While nothing is stopped each request takes the
 * address with the most left of what it needs. While one is, every client is served by its home, or
 * not at all: nobody goes on through a ban by another address, unless a cancel may.
 */
#ifndef GATEWAY_FLOW_WAY_H
#define GATEWAY_FLOW_WAY_H

#include "gateway/flow.h"

/* Before anything is known of its budgets: by which it asks for the exchange's time. */
void flow_way_begin(struct flow *f);

enum {
        FLOW_WAY_CUT = 64, /* the way to the exchange does not answer: nothing was asked for */
};

/* A place at the address that the rule names; f->upstream is by that. Return: as limiter_reserve(),
 * or FLOW_WAY_CUT. */
CHECKED int flow_way_reserve(struct flow *f);

/* The same without a place, for what is sent whatever the limits are. */
void flow_way_choose(struct flow *f);

/* One after the other: where no limits are kept. */
void flow_way_turn(struct flow *f);

/* It waits at an address that is stopped, or does not answer, and may look for another one. */
bool flow_way_may_change(struct flow *f);

#endif
