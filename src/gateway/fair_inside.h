/*
 * Fair's own: fair.c has lanes, clients and the order of wishes, fair_ledger.c what a window holds.
 */
#ifndef GATEWAY_FAIR_INSIDE_H
#define GATEWAY_FAIR_INSIDE_H

#include "gateway/fair.h"

static inline uint64_t fair_at_most(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/* When a window has turned: the only look at all clients of a lane. @keep: stays in any case. */
void fair_turn(struct fair_lane *lane, uint64_t now_ms, struct fair_client *keep);
/* It has had its share of this window. */
bool fair_is_full(const struct fair_client *client);
/* It waits for nothing. */
void fair_client_free(struct fair_client *client);

#endif
