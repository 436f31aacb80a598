/*
 * Weights
 *
 * What the gateway does about costs that are learnt (core/evidence.h): it says so, obeys what the
 * configuration has decided, and sends the controls that a suspicion wants.
 */
#ifndef GATEWAY_WEIGHTS_H
#define GATEWAY_WEIGHTS_H

#include "core/evidence.h"
#include "gateway/flow.h"

/* Logs costs that are not what was charged. */
void weights_tell(struct gateway *g, const struct evidence_findings *findings);

/**
 * weights_hold_for_control() - does @f wait, that could leave now, so that what requests cost can
 * be told?
 *
 * Only what reads data, once, and seldom: when some request seems to cost more than is charged. May
 * end it.
 *
 * Return: true when it waits.
 */
CHECKED bool weights_hold_for_control(struct flow *f);

/* From now on what the settings have decided is charged, by all who use the region. */
void weights_decide(struct gateway *g);

CHECKED int weights_init(struct gateway *g);
void weights_deinit(struct gateway *g);

#endif
