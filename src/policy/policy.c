#include "policy/policy.h"
#include "policy/tables.h"

#include <errno.h>

static const char *const group_names[] = {
        [POLICY_API] = "api",   [POLICY_SAPI] = "sapi", [POLICY_FAPI] = "fapi",
        [POLICY_DAPI] = "dapi", [POLICY_PAPI] = "papi", [POLICY_EAPI] = "eapi",
};

_Static_assert(ARRAY_SIZE(group_names) == POLICY_GROUP_COUNT, "every group has a name");

const char *policy_group_name(enum policy_group group)
{
        must((unsigned)group < POLICY_GROUP_COUNT);
        return group_names[group];
}

int policy_group_from(struct str name, enum policy_group *ret_group)
{
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                if (str_eq(name, str_of(group_names[i]))) {
                        *ret_group = (enum policy_group)i;
                        return 0;
                }
        }
        return -EINVAL;
}

int policy_group_of(struct str path, enum policy_group *ret_group)
{
        struct str head;

        if (path.n == 0 || path.p[0] != '/')
                return POLICY_NO_GROUP;
        if (str_has_prefix(path, STR_LITERAL("/futures/data/"))) {
                *ret_group = POLICY_FAPI;
                return 0;
        }

        path = str_from(path.p + 1, path.n - 1);
        if (!str_split(&path, '/', &head) || path.n == 0)
                return POLICY_NO_GROUP;
        return policy_group_from(head, ret_group) < 0 ? POLICY_NO_GROUP : 0;
}

size_t policy_pool_count(void)
{
        return table_n_pools;
}

const struct policy_pool *policy_pool(size_t index)
{
        must(index < table_n_pools);
        return &table_pools[index];
}

int policy_pool_find(struct str name)
{
        for (size_t i = 0; i < table_n_pools; ++i)
                if (str_eq(name, str_of(table_pools[i].name)))
                        return (int)i;
        return -ENOENT;
}

int policy_group_pool(enum policy_group group, enum policy_unit unit)
{
        const struct table_group *pools;
        uint16_t index = TABLE_NONE;

        must((unsigned)group < POLICY_GROUP_COUNT);
        pools = &table_groups[group];
        if (unit == POLICY_WEIGHT)
                index = pools->weight;
        else if (unit == POLICY_ORDERS)
                index = pools->orders;
        else if (unit == POLICY_REQUESTS)
                index = pools->every_request;

        if (index == TABLE_NONE || table_pools[index].is_per_endpoint)
                return -ENOENT;
        return index;
}

size_t policy_endpoint_count(void)
{
        return table_n_endpoints;
}

const struct policy_endpoint *policy_endpoint(size_t index)
{
        must(index < table_n_endpoints);
        return &table_endpoints[index];
}

uint32_t policy_settle(const struct policy_plan *plan, unsigned outcomes)
{
        return outcomes & plan->outcome ? plan->outcome_weight : plan->charges[0].amount;
}

uint32_t policy_charge_amount(const struct policy_charge *charge, uint64_t span_ms)
{
        for (unsigned i = 0; i < charge->n_specials; ++i)
                if (charge->specials[i].span_ms == span_ms)
                        return charge->specials[i].amount;
        return charge->amount;
}

uint64_t policy_expires_ms(const struct policy_plan *plan)
{
        return plan->timestamp_ms ? plan->timestamp_ms + plan->recv_window_us / US_PER_MS : 0;
}

const char *policy_key_text(struct str api_key, char *to)
{
        size_t n = api_key.n / 4 < 8 ? api_key.n / 4 : 8;

        for (size_t i = 0; i < n; ++i)
                to[i] = api_key.p[i] > 0x20 && api_key.p[i] < 0x7f ? api_key.p[i] : '?';
        memcpy(to + n, "...", 4);
        return to;
}

uint64_t policy_account(struct str api_key)
{
        uint64_t hash = table_hash(UINT32_MAX, api_key);

        return hash ? hash : 1;
}

uint64_t table_hash(uint64_t seed, struct str s)
{
        const uint64_t multiplier = 0x9e3779b97f4a7c15ULL;
        uint64_t h = seed * multiplier ^ s.n;

        for (size_t i = 0; i < s.n; i += 8) {
                uint64_t part = 0;

                memcpy(&part, s.p + i, s.n - i < 8 ? s.n - i : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
                part = __builtin_bswap64(part);
#endif
                h = (h ^ part) * multiplier;
                h ^= h >> 29;
        }
        return h ^ h >> 32;
}
