/*
 * Ways
 *
 * The part of weir status that is about addresses and hosts: what is stopped and banned, how fast
 * requests leave, what does not answer; of each address that requests leave from.
 */
#ifndef CLI_STATUS_WAYS_H
#define CLI_STATUS_WAYS_H

#include "look/look.h"

/* Nothing where nothing is wrong. */
void status_print_ways(const struct look *look);

#endif
