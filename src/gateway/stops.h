/*
 * Stops
 *
 * What a refusal of the exchange changes for everybody who shares the region: the one place that
 * decides for how long nothing more is sent.
 */
#ifndef GATEWAY_STOPS_H
#define GATEWAY_STOPS_H

#include "classify/verdict.h"
#include "gateway/state.h"

/**
 * stops_apply() - act on a verdict: shut gates and budgets, count, log
 *
 * A ban is on the disk when this returns. Does nothing for verdicts that stop nobody.
 */
void stops_apply(struct gateway *g, const struct upstream *u, const struct policy_plan *plan,
                 const struct verdict *verdict);

/* Opens gates whose ban is over, by one probe; called from housekeeping. */
void stops_probe(struct gateway *g);

#endif
