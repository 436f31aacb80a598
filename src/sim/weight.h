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

/**
 * weight_of() - what a request costs before its outcome is known
 * @measured: follow what was measured where it differs from the documents
 */
uint64_t weight_of(const struct endpoint *endpoint, const struct form *params, bool measured);
/* Nothing is charged when it succeeds. */
bool weight_is_free_on_success(const struct endpoint *endpoint);

#endif
