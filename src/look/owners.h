/*
 * Owners
 *
 * Whose a budget is, by the hash that its slot has: of an address, of an endpoint at an address, of
 * a named account. Made once for all that there are, since a region may hold hundreds of budgets by
 * endpoint, and made anew when there is another address or account. For this room only.
 */
#ifndef LOOK_OWNERS_H
#define LOOK_OWNERS_H

#include "look/look.h"

struct look_owner {
        uint64_t owner;
        bool is_there;
        int egress, account; /* LOOK_NONE */
        const struct policy_endpoint *endpoint;
};

/*
 * For the accounts of @look and the addresses of its region. What there is no memory for stays
 * unknown. @are_others: the accounts are not those of the last time.
 */
void owners_renew(struct look *look, bool are_others);

/* NULL: nobody knows whose that is. */
const struct look_owner *owners_find(const struct look_owners *owners, uint64_t owner);

struct look_owners *owners_free(struct look_owners *owners);

#endif
