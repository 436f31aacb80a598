/*
 * Ways
 *
 * The part of a look that is about addresses and hosts: what is stopped and banned, how fast
 * requests leave, what does not answer. For this room only.
 */
#ifndef LOOK_WAYS_H
#define LOOK_WAYS_H

#include "look/look.h"

/* Fills gates, ramps, breakers and front_per_s; wall_ms and egresses are there already. */
void ways_take(struct look *look);

#endif
