/*
 * Weights
 *
 * The simulated exchange's own table of endpoints, and the reading of its rules.
 */
#ifndef SIM_WEIGHT_H
#define SIM_WEIGHT_H

#include "base/base.h"
#include "base/str.h"
#include "sim/call.h"

/* Sorts the table; before anything else. */
void endpoints_init(void);
/* NULL when there is none. */
const struct endpoint *endpoint_find(struct str method, struct str path);
/* By the first part of a path that no endpoint has: whose weight an unknown path costs. */
enum pool pool_of_path(struct str path);

#define WEIGHT_PRICES_MAX 32
#define WEIGHT_NAME_BYTES 128

/* Which weights hold. */
struct weight_rules {
        bool measured; /* what was measured where it differs from the documents */
        /* Prices of whole endpoints that somebody has set, whatever the parameters. */
        struct {
                char name[WEIGHT_NAME_BYTES]; /* "GET /api/v3/ping" */
                uint64_t weight;
        } prices[WEIGHT_PRICES_MAX];
        size_t n_prices;
};

/**
 * weight_rules_set() - "GET /api/v3/ping=3"
 *
 * A path that is not served can be given a price too; one that is given again has the new one.
 *
 * Return: 0; -EINVAL, with *ret_why a sentence.
 */
CHECKED int weight_rules_set(struct weight_rules *rules, struct str text, const char **ret_why);

/**
 * weight_of() - what a request costs before its outcome is known
 * @endpoint: NULL when it is not served
 */
uint64_t weight_of(const struct weight_rules *rules, struct str method, struct str path,
                   const struct endpoint *endpoint, const struct form *params);
/* Nothing is charged when it succeeds. */
bool weight_is_free_on_success(const struct endpoint *endpoint);

#endif
