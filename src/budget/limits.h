/*
 * Limits
 *
 * The rateLimits of exchangeInfo replace those that the region was made with: an account's or a
 * testnet's may be others than the tables say, and the exchange may change them at any time.
 */
#ifndef BUDGET_LIMITS_H
#define BUDGET_LIMITS_H

#include "base/base.h"
#include "core/limiter.h"
#include "policy/policy.h"

/* More than any product has: five. */
#define BUDGET_LIMITS_MAX 16

struct budget_limit {
        enum policy_unit unit;
        uint32_t span_ms;
        uint32_t limit;
};

/* One entry as it stands in exchangeInfo; NULL for a word that is not there. */
struct budget_limit_words {
        const char *type, *interval;
        int64_t number, limit; /* intervalNum, limit */
};

/* Return: false for what is no limit that we can keep; the exchange may add kinds of its own. */
CHECKED bool budget_limit_from(const struct budget_limit_words *words,
                               struct budget_limit *ret_limit);

/* The windows of a group's pools, by unit. */
struct budget_windows {
        uint64_t of[POLICY_UNIT_COUNT][REGION_POOL_WINDOWS];
};

void budget_windows(const struct limiter *l, enum policy_group group,
                    struct budget_windows *ret_windows);

/*
 * The windows of each kind that @limits names are now these; the others stay. Of a span that was
 * not there before the use so far is taken from those that were. What USD-M and COIN-M share
 * follows USD-M; COIN-M's word only lowers a limit there or adds a window.
 */
void budget_follow(struct limiter *l, enum policy_group group, const struct budget_limit *limits,
                   size_t n, struct limiter_time time);

/* The windows of one pool are now these, likewise; unused places are 0. */
void budget_set_pool(struct limiter *l, uint16_t pool, const uint64_t windows[REGION_POOL_WINDOWS],
                     struct limiter_time time);

/**
 * budget_adopt() - @ticket is in flight while limits are followed
 * @before: the windows before budget_follow() was called, with this @time and by this caller
 *
 * Once for each ticket. Of what nobody adopts the flight is over when it cannot be counted any
 * more, 30 s later: nothing is lost but its share of that time.
 */
void budget_adopt(struct limiter *l, enum policy_group group, const struct budget_windows *before,
                  struct limiter_ticket *ticket, struct limiter_time time);

#endif
