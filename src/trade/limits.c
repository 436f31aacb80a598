#include "trade/limits.h"
#include "budget/limits.h"

void limits_follow(struct limiter *l, enum policy_group group, const json_t *info,
                   struct limiter_time time)
{
        const json_t *entry;
        struct budget_limit limits[BUDGET_LIMITS_MAX];
        size_t i, n = 0;

        json_array_foreach(json_object_get(info, "rateLimits"), i, entry)
        {
                struct budget_limit_words words = {
                        json_string_value(json_object_get(entry, "rateLimitType")),
                        json_string_value(json_object_get(entry, "interval")),
                        json_integer_value(json_object_get(entry, "intervalNum")),
                        json_integer_value(json_object_get(entry, "limit")),
                };

                if (n < ARRAY_SIZE(limits) && budget_limit_from(&words, &limits[n]))
                        ++n;
        }
        budget_follow(l, group, limits, n, time);
}
