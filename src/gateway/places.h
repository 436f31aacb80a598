/*
 * Places
 *
 * Where the gateway listens, whoever opened that: which of it others reach.
 */
#ifndef GATEWAY_PLACES_H
#define GATEWAY_PLACES_H

#include "gateway/state.h"

/* Once all are open: an event for each that is neither loopback nor a unix socket, since weir asks
 * nobody who he is. */
void places_warn(const struct gateway *g);

#endif
