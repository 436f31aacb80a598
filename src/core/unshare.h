/*
 * Unshare
 *
 * The end of sharing for a region, by a person's word: from then on its limits are the only caps.
 * Only while no gateway with a store is there, and in an order in which who is killed leaves a
 * region that shares and has less, never one that has more.
 */
#ifndef CORE_UNSHARE_H
#define CORE_UNSHARE_H

#include "core/limiter.h"

/**
 * unshare_lock() - keeps gateways with a store away, until the region is closed or unlocked
 * @region: of a file that may be written
 *
 * Return: 0; -EBUSY: one is there; or another negative errno. Nothing is locked then.
 */
CHECKED int unshare_lock(const struct region *region);
void unshare_unlock(const struct region *region);

/**
 * unshare() - gives up all that was granted, then shares no more
 * @of_pool: the clock of each pool's windows
 *
 * Behind unshare_lock(). What this host is for the store, its number and the books that it knows,
 * stays: a gateway with a store that comes later joins with it.
 */
void unshare(struct region *region, const struct limiter_time of_pool[REGION_POOLS]);

#endif
