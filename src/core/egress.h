/*
 * Egresses
 *
 * The addresses by which requests leave. Binance counts weight by address, stops and bans an
 * address; so of each address the region keeps budgets, gates, fronts and breakers apart. What
 * belongs to an account (its orders) knows nothing of addresses.
 *
 *      egress 0    has no name: that of every program which does not choose one
 *      1 to 15     claimed by name, by whoever comes first, for good: so all processes of the
 *                  region mean the same one by the same name
 *
 * A limiter works for one of them. Its budgets by address are those of the owner limiter.address.
 */
#ifndef CORE_EGRESS_H
#define CORE_EGRESS_H

#include "base/str.h"
#include "core/limiter.h"

/**
 * limiter_set_egress() - from now on @l works for the address with this name
 * @name: printable; STR_NULL or empty for the one without a name
 *
 * Set it before anything is taken: tickets belong to the limiter that gave them.
 *
 * Return: 0; -ENAMETOOLONG: EGRESS_TEXT bytes or more; -ENOSPC: the region has no place for another
 *         name. Then it stays as it was.
 */
CHECKED int limiter_set_egress(struct limiter *l, struct str name);

/* Its name, for people; "" for the first, and for a place that nobody has claimed. */
const char *egress_text(const struct egress *egress, char to[EGRESS_TEXT]);

/* Whether anybody has ever named it. The first is always there. */
bool egress_is_there(const struct region_header *header, unsigned index);

#endif
