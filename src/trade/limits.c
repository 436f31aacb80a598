#include "trade/limits.h"
#include "base/str.h"

#include <string.h>

static uint64_t span_of(const char *interval)
{
        static const struct {
                const char *name;
                uint64_t ms;
        } rows[] = {
                { "SECOND", 1000 },
                { "MINUTE", 60000 },
                { "HOUR", 3600000 },
                { "DAY", 86400000 },
        };

        for (size_t i = 0; interval && i < ARRAY_SIZE(rows); ++i)
                if (strcmp(interval, rows[i].name) == 0)
                        return rows[i].ms;
        return 0;
}

/* One entry as the region writes windows; 0 for what is none of @type. */
static uint64_t window_of(const json_t *entry, const char *type)
{
        const char *is = json_string_value(json_object_get(entry, "rateLimitType"));
        json_int_t n = json_integer_value(json_object_get(entry, "intervalNum"));
        json_int_t limit = json_integer_value(json_object_get(entry, "limit"));
        uint64_t span_ms = span_of(json_string_value(json_object_get(entry, "interval")));

        if (!is || strcmp(is, type) != 0 || span_ms == 0 || n <= 0 || n > 31 || limit <= 0 ||
            limit > UINT32_MAX)
                return 0;
        span_ms *= (uint64_t)n;
        return span_ms <= UINT32_MAX ? region_window((uint32_t)span_ms, (uint32_t)limit) : 0;
}

static void follow(struct limiter *l, int pool, const json_t *list, const char *type)
{
        uint64_t windows[REGION_POOL_WINDOWS] = { 0 };
        const json_t *entry;
        size_t i, n = 0;

        json_array_foreach(list, i, entry)
        {
                uint64_t window = window_of(entry, type);

                if (window != 0 && n < REGION_POOL_WINDOWS)
                        windows[n++] = window;
        }
        if (pool >= 0 && n > 0)
                limiter_set_pool(l, (uint16_t)pool, windows);
}

void limits_follow(struct limiter *l, enum policy_group group, const json_t *info)
{
        const json_t *list = json_object_get(info, "rateLimits");

        follow(l, policy_group_pool(group, POLICY_WEIGHT), list, "REQUEST_WEIGHT");
        follow(l, policy_group_pool(group, POLICY_ORDERS), list, "ORDERS");
        follow(l, policy_group_pool(group, POLICY_REQUESTS), list, "RAW_REQUESTS");
}
