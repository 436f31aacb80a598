#include "look/owners.h"

#include <stdlib.h>

/* So many accounts have their endpoints told apart; a desk has a handful. */
#define ACCOUNTS_MAX 64u

struct look_owners {
        size_t mask;        /* places less one, a power of two */
        unsigned addresses; /* how many there were */
        struct look_owner all[];
};

static struct look_owner *place_of(struct look_owners *o, uint64_t owner)
{
        size_t at = owner & o->mask;

        while (o->all[at].is_there && o->all[at].owner != owner)
                at = (at + 1) & o->mask;
        return &o->all[at];
}

const struct look_owner *owners_find(const struct look_owners *owners, uint64_t owner)
{
        size_t at;

        if (!owners)
                return NULL;
        for (at = owner & owners->mask; owners->all[at].is_there; at = (at + 1) & owners->mask)
                if (owners->all[at].owner == owner)
                        return &owners->all[at];
        return NULL;
}

static struct look_owner *add(struct look_owners *o, uint64_t owner)
{
        struct look_owner *at = place_of(o, owner);

        if (!at->is_there)
                *at = (struct look_owner){ owner, true, LOOK_NONE, LOOK_NONE, NULL };
        return at;
}

/* The products whose endpoints have budgets of their own, by address or by account. */
static uint32_t groups_by_endpoint(enum policy_scope scope)
{
        uint32_t groups = 0;

        for (size_t i = 0; i < policy_pool_count(); ++i)
                if (policy_pool(i)->is_per_endpoint && policy_pool(i)->scope == scope)
                        groups |= policy_pool(i)->groups;
        return groups;
}

/* @whose: the address' or the account's number. */
static void add_endpoints(struct look_owners *o, const struct limiter *l, enum policy_scope scope,
                          uint64_t whose, int egress, int account)
{
        uint32_t groups = groups_by_endpoint(scope);
        struct look_owner *at = add(o, holder_owner(l, whose, POLICY_ENDPOINT_UNKNOWN));

        at->egress = egress;
        at->account = account;
        for (size_t i = 0; i < policy_endpoint_count(); ++i) {
                const struct policy_endpoint *endpoint = policy_endpoint(i);

                if (!(groups & 1u << endpoint->group))
                        continue;
                at = add(o, holder_owner(l, whose, endpoint->key));
                at->egress = egress;
                at->account = account;
                at->endpoint = endpoint;
        }
}

static void add_address(struct look_owners *o, const struct limiter *l, unsigned egress,
                        uint64_t address)
{
        add(o, address)->egress = (int)egress;
        add_endpoints(o, l, POLICY_PER_IP, address, (int)egress, LOOK_NONE);
}

static void add_account(struct look_owners *o, const struct limiter *l, unsigned account,
                        const struct look_account *a)
{
        add(o, a->owner)->account = (int)account;
        if (account < ACCOUNTS_MAX)
                add_endpoints(o, l, POLICY_PER_ACCOUNT, a->number, LOOK_NONE, (int)account);
}

static unsigned addresses_of(const struct region_header *header)
{
        unsigned n = 0;

        for (unsigned i = 0; i < REGION_EGRESSES; ++i)
                n += egress_is_there(header, i);
        return n;
}

/* Twice as many places as there may be owners, so that a search is short. */
static struct look_owners *owners_new(const struct look *look, unsigned addresses)
{
        size_t accounts = look->n_accounts < ACCOUNTS_MAX ? look->n_accounts : ACCOUNTS_MAX;
        size_t n = (addresses + accounts) * (policy_endpoint_count() + 2) + look->n_accounts;
        size_t places = 64;
        struct look_owners *o;

        while (places < 2 * n)
                places *= 2;
        o = calloc(1, sizeof(*o) + places * sizeof(o->all[0]));
        if (o) {
                o->mask = places - 1;
                o->addresses = addresses;
        }
        return o;
}

void owners_renew(struct look *look, bool are_others)
{
        const struct region_header *header = look->region->header;
        /* Only read through it. */
        struct limiter l = { .region = (struct region *)(uintptr_t)look->region };
        unsigned addresses = addresses_of(header);

        if (look->owners && look->owners->addresses == addresses && !are_others)
                return;
        look->owners = owners_free(look->owners);
        look->owners = owners_new(look, addresses);
        if (!look->owners)
                return;
        /* One that is claimed meanwhile is looked at the next time. */
        for (unsigned i = 0; i < REGION_EGRESSES && addresses > 0; ++i) {
                if (!egress_is_there(header, i))
                        continue;
                --addresses;
                add_address(look->owners, &l, i,
                            atomic_load_explicit(&header->egresses[i].name, memory_order_relaxed));
        }
        for (unsigned i = 0; i < look->n_accounts; ++i)
                add_account(look->owners, &l, i, &look->accounts[i]);
}

struct look_owners *owners_free(struct look_owners *owners)
{
        free(owners);
        return NULL;
}
