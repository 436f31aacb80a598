/*
 * Sweep
 *
 * Owners come and go, and what was kept of them takes a slot each. While anybody has the region
 * mapped no slot is ever freed: a slot found once is good for as long. So it is done by who opens
 * the region and finds nobody else there, under the exclusive file lock, when half of the slots are
 * taken:
 *
 *      budgets of owners   whose windows are all over for days, by two clocks (below)
 *      their anchors, pacing buckets that are full, slots that a killed process never named
 *
 * Kept are the address's own budgets, keys that have a name, and what was learnt of costs. A slot
 * that a kept one is found behind stays too: nothing is moved. What is freed is emptied first and
 * loses its key last, one after the other: killed in between, the rest is as it was.
 *
 * Places are freed by every one who finds nobody else there (sweep_places()): after a crash those
 * of the queue that died with it would be in the way until their windows are over.
 *
 * Two clocks: one that is wrong must not make what is spent look old. The caller's, and the latest
 * time that an exchange told the programs of this region, which is never ahead of the truth; where
 * none was told nothing is swept. What seems to be ahead of either is not old.
 */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include "core/region.h"

/*
 * sweep_places() - what is held for later by those who are gone
 *
 * A place is somebody's who waits for its time and has not sent yet. The caller alone has the
 * region mapped: so nobody waits, and none of these will ever be sent. What is sent, and what may
 * be on its way, stays.
 */
void sweep_places(struct region *region);

/* What ended longer ago than this, and so many windows, is over whatever a clock's error. */
#define SWEEP_AGE_MS  (2 * 86400000ULL)
#define SWEEP_WINDOWS 3

/* Taken slots from which on it is worth it. */
#define SWEEP_FROM (REGION_SLOTS / 2)

/* Slots in use. */
size_t sweep_count(const struct region *region);

/**
 * sweep() - free the slots of what is over
 * @clocks_ms: the two; nothing is done when one is 0
 *
 * The caller alone has the region mapped. Return: slots that were freed.
 */
size_t sweep(struct region *region, const uint64_t clocks_ms[2]);

#endif
