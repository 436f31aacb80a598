/*
 * Limits
 *
 * The rateLimits of exchangeInfo, for budget/limits.h. A gateway does this itself.
 */
#ifndef TRADE_LIMITS_H
#define TRADE_LIMITS_H

#include "base/base.h"
#include "core/limiter.h"
#include "policy/policy.h"

#include <jansson.h>

/* @info: of exchangeInfo. A kind of limit that it does not name stays as it is. */
void limits_follow(struct limiter *l, enum policy_group group, const json_t *info,
                   struct limiter_time time);

#endif
