/*
 * Ways
 *
 * The part of weir status that is about addresses and hosts: what is stopped and banned, how fast
 * requests leave, what does not answer; of each address that requests leave from.
 */
#ifndef CLI_STATUS_WAYS_H
#define CLI_STATUS_WAYS_H

#include "core/region.h"

#include <jansson.h>

/* For people; nothing where nothing is wrong. @wall_ms: now. */
void status_print_ways(const struct region *region, uint64_t wall_ms);

/* For programs: "egresses", "gates", "front" and "breakers" of @root. */
void status_add_ways(const struct region *region, uint64_t wall_ms, json_t *root);

#endif
