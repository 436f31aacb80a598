/*
 * Twins
 *
 * Keys that nobody has named one account's, and that are: the order counts of their replies give
 * them away. Two keys of one account move one counter, so what a reply to one shows is what the
 * last reply to the other showed and what both have sent since, no more and no less. Two accounts
 * cannot keep that up in both directions: each would have to be ahead of the other. Strangers,
 * fills and refusals move counts otherwise; what does not fit exactly takes the suspicion away
 * again, so a desk whose accounts others use as well may never be told, and nobody is told wrongly.
 *
 * Only a reply to an order that was alone, from its leaving to its answer, is compared: another in
 * flight may or may not be in its count. One process, in its own memory; keys beyond TWINS_KEYS are
 * not looked at.
 */
#ifndef BUDGET_TWINS_H
#define BUDGET_TWINS_H

#include "base/base.h"
#include "base/str.h"
#include "core/limiter.h"
#include "policy/policy.h"

#define TWINS_KEYS  32
#define TWINS_POOLS 4 /* of orders: spot, futures, portfolio margin, options */
/* Coincidences in each direction before it is said. */
#define TWINS_ENOUGH 4

struct twins_key {
        uint64_t number; /* of its account, as holder_find() says */
        char text[POLICY_KEY_TEXT_SIZE];
        uint32_t counted; /* what its answered orders have added to the count, ever */
        /* The last count that one of its replies showed for certain. */
        bool is_shown;
        uint32_t shown;
        uint32_t span_ms;
        uint64_t window; /* number of it */
        uint64_t turn;   /* when, in order */
        uint32_t counted_then[TWINS_KEYS];
        uint8_t fits[TWINS_KEYS]; /* how often what it showed followed from what that key had */
        bool is_told[TWINS_KEYS];
};

struct twins_pool {
        uint16_t pool;
        unsigned n_keys, flying;
        uint32_t sent;
        uint64_t turn;
        struct twins_key keys[TWINS_KEYS];
};

struct twins {
        unsigned n_pools;
        struct twins_pool pools[TWINS_POOLS];
};

/* An order on its way. */
struct twins_order {
        bool is_flying, was_alone;
        uint8_t pool, key;
        uint32_t sent;
};

#define TWINS_ORDER_NULL ((struct twins_order){ .is_flying = false })

/* Two keys of one account: their first characters. */
struct twins_pair {
        const struct twins_key *one, *other;
};

/* An order of @plan leaves. Does nothing for what is no order. @key: for people, see
 * policy_key_text(). */
void twins_sent(struct twins *t, const struct policy_plan *plan, uint64_t account, const char *key,
                struct twins_order *ret_order);

/**
 * twins_answered() - its answer came
 * @news: what its headers say
 * @ret_pair: written for true
 *
 * Return: true when two keys have become known to be one account's; once for each two.
 */
CHECKED bool twins_answered(struct twins *t, struct twins_order *order,
                            const struct policy_plan *plan, int status,
                            const struct limiter_news *news, size_t n, struct limiter_time time,
                            struct twins_pair *ret_pair);

/* No answer will come. @was_sent: it may have been counted. Harmless after twins_answered(). */
void twins_ended(struct twins *t, struct twins_order *order, bool was_sent);

#endif
