/*
 * Rate limits of exchangeInfo
 *
 * Finds the "rateLimits" array in an exchangeInfo reply while it streams by: such a reply has
 * megabytes of symbols, and reading all of them into a tree would stop the loop for tens of
 * milliseconds. Only the array itself, some hundred bytes, is parsed.
 */
#ifndef GATEWAY_RATELIMITS_H
#define GATEWAY_RATELIMITS_H

#include "base/base.h"
#include "base/str.h"
#include "budget/limits.h"

/* Five limits take about 400 bytes; more than this is not a list of limits. */
#define RATELIMITS_BYTES 8192

struct ratelimits {
        unsigned matched; /* bytes of the array's name seen so far */
        bool is_found, is_ended, is_bad;
        size_t n_text;
        char text[RATELIMITS_BYTES];
};

#define RATELIMITS_NULL ((struct ratelimits){ .matched = 0 })

/* The next piece of the reply. Return: true once the array is complete. */
bool ratelimits_feed(struct ratelimits *r, struct str piece);

/**
 * ratelimits_entries() - what the array says
 * @ret_entries: BUDGET_LIMITS_MAX places
 *
 * Types and intervals that are not known are left out, as the exchange may add some.
 *
 * Return: how many were written, or -EINVAL when it is not a list of limits.
 */
CHECKED int ratelimits_entries(const struct ratelimits *r, struct budget_limit *ret_entries);

#endif
