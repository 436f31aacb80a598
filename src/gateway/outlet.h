/*
 * Outlets
 *
 * The addresses that this gateway leaves from (settings: egress), each with its place in the region
 * and its own ways to the products. Which of them a request takes is gateway/flow_way.c's.
 */
#ifndef GATEWAY_OUTLET_H
#define GATEWAY_OUTLET_H

#include "base/base.h"
#include "gateway/state.h"

/**
 * outlets_open() - names them in the region, and sees that each can be left from
 *
 * Says on stderr what is wrong. Return: 0 or a negative errno.
 */
CHECKED int outlets_open(struct gateway *g);
/* Wipes passwords; the upstreams are closed already. */
void outlets_close(struct gateway *g);

/* All ways to @group are in use from now on. Return: as upstream_use(), of the first that fails. */
CHECKED int outlets_use(struct gateway *g, enum policy_group group);

/* The one whose place in the region is @egress, or NULL. */
struct outlet *outlets_at(struct gateway *g, unsigned egress);

/* The first that nothing is known to be wrong with: for what is asked once, not by each. */
struct upstream *outlets_first_open(struct gateway *g, enum policy_group group);

/* Another way to the same product that answers, for who waits for the time of @u; or NULL. */
struct upstream *outlets_instead(struct gateway *g, const struct upstream *u);

/* Neither the product nor all of it is stopped or banned at that address. */
bool outlet_is_open(struct gateway *g, const struct upstream *u);

#endif
