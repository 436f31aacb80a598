/*
 * Unclocked
 *
 * Before the exchange's clock is known nobody can say in which window a request counts, so the
 * first question for the time is not charged when it leaves but when it is answered. Until then it
 * is written down here, by address and product group: if its process is killed, whoever measures
 * the clock next charges it. One that was answered long ago may be charged once too often, never
 * too seldom.
 */
#ifndef CORE_UNCLOCKED_H
#define CORE_UNCLOCKED_H

#include "core/layout.h"

/* More at a time than these are not told apart: a byte. */
#define UNCLOCKED_MOST 255u

/* One is about to leave: written down before its first byte. @group: below sizeof(word_t). */
void unclocked_add(struct egress *egress, unsigned group);

/* How many are written down. */
unsigned unclocked_count(const struct egress *egress, unsigned group);

/* @n of them are charged by now, or did not leave after all. */
void unclocked_drop(struct egress *egress, unsigned group, unsigned n);

#endif
