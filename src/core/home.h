/*
 * Homes
 *
 * Which of several addresses a client belongs to. It is asked where an address is stopped or
 * banned: then a client is served by its own address or not at all (docs/egress.md). A table of
 * words, so that all gateways of a region, and the same one after a restart, agree about it.
 *
 * A client is a number; it is found at its place or one of the few behind. When those are all taken
 * by others the first of them is forgotten, and counts as new when it comes again.
 */
#ifndef CORE_HOME_H
#define CORE_HOME_H

#include "core/layout.h"

#define HOME_NONE REGION_EGRESSES

struct homes {
        word_t *words;
        size_t n;
};

/* Return: its address' place in the region, or HOME_NONE. */
unsigned home_find(struct homes homes, uint64_t client);

/* From now on @client belongs to @egress, unless another process has just said otherwise. Return:
 * to which it belongs. */
unsigned home_give(struct homes homes, uint64_t client, unsigned egress);

/* It belongs to @egress whatever it did before. */
void home_move(struct homes homes, uint64_t client, unsigned egress);

#endif
