/*
 * Variants
 *
 * An endpoint as far as its price goes: the endpoint and the clause of its rule that held. So
 * "GET /fapi/v1/klines limit<=499" is one, whatever the symbol, and "GET /fapi/v1/klines" is the
 * one of which no clause holds. Where a clause costs so much per element, each number of elements
 * is one of its own. An endpoint that no table knows has one, whatever its parameters.
 *
 * Its key is the same in every build that has the endpoint and the clause, even when what they cost
 * is corrected: it names what is kept in shared regions. The two lowest bits of a key are 0, for
 * who keeps a few things of one.
 */
#ifndef POLICY_VARIANT_H
#define POLICY_VARIANT_H

#include "policy/policy.h"
#include "policy/tables.h"

/* The key's bits that are 0. */
#define VARIANT_LOW_BITS 7u

static inline uint64_t variant_key(uint64_t endpoint, uint64_t clause)
{
        uint64_t key = (endpoint ^ clause) * 0x9e3779b97f4a7c15ULL;

        key = (key ^ key >> 32) & ~(uint64_t)VARIANT_LOW_BITS;
        return key ? key : VARIANT_LOW_BITS + 1;
}

/* What a clause adds to the key. @n: elements of the list; looked at where each has its price. */
static inline uint64_t variant_clause(const struct table_clause *c, uint64_t n)
{
        uint64_t most = c->each ? c->cost / c->each : 0;

        return c->key + (n < most ? n : most);
}

/* Of an endpoint that is in no table. @method: as match.c counts them. */
uint64_t variant_unknown(unsigned method, struct str path);

/* Longest name of a variant with its NUL: method, path, clause. */
#define VARIANT_NAME_SIZE 224

struct variant {
        uint64_t key;
        const struct policy_endpoint *endpoint;
        char name[VARIANT_NAME_SIZE]; /* "GET /fapi/v1/klines limit<=499" */
        uint32_t weight;              /* reserved */
        uint8_t outcome;              /* 0, or the bit of enum policy_outcome that makes it */
        uint32_t outcome_weight;      /* this */
};

/* Calls @fn for each variant of the tables, until it returns false. */
typedef bool (*variant_fn)(void *ctx, const struct variant *variant);
void variant_each(variant_fn fn, void *ctx);

/* Return: false when no table has it. Looks through all: for people. */
CHECKED bool variant_find(uint64_t key, struct variant *ret_variant);

/**
 * variant_named() - the variant of a name as above; one blank between its parts
 *
 * A name of a method and a path that no table has is that of the unknown endpoint: its @endpoint is
 * NULL.
 *
 * Return: 0; -EINVAL: not a method and a path of a product; -ENOENT: the endpoint is known, and has
 *         no such clause.
 */
CHECKED int variant_named(struct str name, struct variant *ret_variant);

#endif
