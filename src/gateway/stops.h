/*
 * Stops of the gateway
 *
 * What budget/stops.h decides, told to the log, and carried out by an errand when a ban is over.
 */
#ifndef GATEWAY_STOPS_H
#define GATEWAY_STOPS_H

#include "budget/stops.h"
#include "gateway/state.h"

/* stops_apply(), and a line in the log. @request_id: whose answer it was; "" for one of our own. */
void stops_note(struct gateway *g, struct upstream *u, const struct policy_plan *plan,
                const struct verdict *verdict, const char *request_id);

/* The head of an answer is here: of a ban nobody waits for the text. */
void stops_note_head(struct gateway *g, struct upstream *u, unsigned status,
                     struct str retry_after);

/* Opens gates whose ban is over, by one probe; called from housekeeping. */
void stops_probe(struct gateway *g);

#endif
