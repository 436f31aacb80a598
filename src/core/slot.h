/*
 * Slots
 *
 * Where in the region a budget is: one window length of one pool for one owner. The slots are a
 * hash table that only grows while it is mapped: a key is claimed once by compare-and-swap and
 * stays, so a look-up needs no lock and a slot found once is good for as long as the region is
 * mapped.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "core/region.h"

/* Places a key may be away from where it belongs; beyond it the table counts as full. */
#define SLOT_PROBES 64

/* What a slot's key is made of; never 0. It belongs at key % REGION_SLOTS, or behind it. */
uint64_t slot_key(uint16_t pool, uint64_t owner, uint32_t span_ms);

/* The slot of a budget, claimed if @claim. NULL: not there, or no room. */
struct slot *slot_find(const struct region *region, uint16_t pool, uint64_t owner, uint32_t span_ms,
                       bool claim);

#endif
