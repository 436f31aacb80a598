/*
 * Breakers of the gateway
 *
 * One circuit breaker for each upstream, its word in the region (call/breaker.h): all processes of
 * the machine feed and obey it. It stops what has not been sent yet and nothing else: an order that
 * is with the exchange gets its answer, or is told that its fate is unknown, whatever the breaker
 * does meanwhile. The probe is our own question for the exchange's time.
 */
#ifndef GATEWAY_BREAKERS_H
#define GATEWAY_BREAKERS_H

#include "call/breaker.h"
#include "gateway/state.h"

/* Nothing is to be sent to @u now. @ret_for_ms: how long at least; may be NULL. */
CHECKED bool breakers_are_shut(struct gateway *g, const struct upstream *u, uint64_t *ret_for_ms);

/* An attempt ended. @why: a sentence, for the log; of a failure only. */
void breakers_tell(struct gateway *g, const struct upstream *u, bool is_failure, const char *why);

/* Asks where a pause is over, if nobody else does; called from housekeeping. */
void breakers_probe(struct gateway *g);

#endif
