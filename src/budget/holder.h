/*
 * Holders
 *
 * Orders are counted by account, and an account may have several API keys. That a key belongs to an
 * account with a name is written in the region, so that every process goes by it, also those that
 * know nothing of names; a key that was never named is an account of its own. What is named stays
 * so until another name is given.
 *
 * Each such key has a slot of REGION_POOL_KEYS. Its cells are 64 words:
 *
 *      0      the account's number, 0: not yet
 *      1      0: the account's books do not hold all that was used under the key alone, and both
 *             are charged; 1: they do, and only the account is
 *      2      the number of another account, or key, whose order counts are the same; 0: none known
 *      4, 5   the key, for people: its first characters
 *      6, 7   those of word 2's
 *      8..15  the account's name, for people
 *
 * Writers: holder_name(). Readers: every admission, word 0 with acquire. Killed: while word 1 is
 * 0 both budgets are charged, so nothing is lost; the next who names the key takes its use over.
 */
#ifndef BUDGET_HOLDER_H
#define BUDGET_HOLDER_H

#include "base/base.h"
#include "base/str.h"
#include "core/limiter.h"
#include "policy/policy.h"

/* The longest name, with its NUL. */
#define HOLDER_NAME_SIZE 64

/* Letters, digits, "-", "_" and ".". */
bool holder_is_name(struct str name);

/* Answers of holder_name() */
#define HOLDER_NAMED 1 /* it had no name before */
#define HOLDER_MOVED 2 /* it belonged to another account before */

/**
 * holder_name() - @key belongs to the account @name, for all who use the region
 * @wall_us: this machine's clock
 *
 * What was used under the key, or the account it was said to belong to before, counts for @name.
 *
 * Return: 0 when that was known; HOLDER_NAMED, HOLDER_MOVED; -EINVAL for a name or a key that
 * is none; -ENOSPC: no room in the region.
 */
CHECKED int holder_name(struct limiter *l, struct str name, struct str key, uint64_t wall_us);

/* Whose budgets a key draws on. */
struct holder {
        uint64_t number; /* as policy_account() gives one for a key */
        bool is_apart;   /* the key's own budgets are charged as well, for the time being */
};

struct holder holder_find(const struct limiter *l, uint64_t key_number);

/* Changes whenever a key is named. */
static inline uint64_t holders_version(const struct limiter *l)
{
        return atomic_load_explicit(&l->region->header->accounts, memory_order_acquire);
}

/* The number of an account with this name. */
uint64_t holder_number(struct str name);

/* The owner of a counter: of an account, or of an address (limiter.address), and of an endpoint, 0
 * for none. */
uint64_t holder_owner(const struct limiter *l, uint64_t whose, uint64_t endpoint);

/* The named keys, for people. */
struct holder_view {
        char name[HOLDER_NAME_SIZE];
        char key[POLICY_KEY_TEXT_SIZE];
        uint64_t number;
};

typedef void (*holder_fn)(void *ctx, const struct holder_view *view);
void holders_each(const struct region *region, holder_fn fn, void *ctx);

/* Keys, or accounts by one of their keys, that headers show to be one account's. */
struct holder_twins {
        uint64_t one, other;                                                 /* numbers */
        char one_key[POLICY_KEY_TEXT_SIZE], other_key[POLICY_KEY_TEXT_SIZE]; /* for people */
};

/* Makes it known to people. Return: false when it was, or there is no room. */
bool holder_suspect(struct limiter *l, const struct holder_twins *twins);

/* Those that have not been named one account's since. */
typedef void (*holder_twins_fn)(void *ctx, const struct holder_twins *twins);
void holders_each_suspect(const struct limiter *l, holder_twins_fn fn, void *ctx);

#endif
