#include "budget/limits.h"
#include "core/pool.h"

#include <string.h>

static uint64_t interval_ms(const char *interval)
{
        static const struct {
                const char *name;
                uint64_t ms;
        } intervals[] = {
                { "SECOND", 1000 },
                { "MINUTE", 60000 },
                { "HOUR", 3600000 },
                { "DAY", 86400000 },
        };

        for (size_t i = 0; interval && i < ARRAY_SIZE(intervals); ++i)
                if (strcmp(interval, intervals[i].name) == 0)
                        return intervals[i].ms;
        return 0;
}

static bool unit_from(const char *type, enum policy_unit *ret_unit)
{
        static const char *const types[POLICY_UNIT_COUNT] = {
                [POLICY_WEIGHT] = "REQUEST_WEIGHT",
                [POLICY_ORDERS] = "ORDERS",
                [POLICY_REQUESTS] = "RAW_REQUESTS",
        };

        for (size_t i = 0; type && i < ARRAY_SIZE(types); ++i) {
                if (strcmp(type, types[i]) == 0) {
                        *ret_unit = (enum policy_unit)i;
                        return true;
                }
        }
        return false;
}

bool budget_limit_from(const struct budget_limit_words *words, struct budget_limit *ret)
{
        uint64_t each_ms = interval_ms(words->interval);

        if (!unit_from(words->type, &ret->unit) || each_ms == 0 || words->number < 1 ||
            words->number > 100000 || words->limit < 1 || words->limit > UINT32_MAX ||
            each_ms * (uint64_t)words->number > UINT32_MAX)
                return false;
        ret->span_ms = (uint32_t)(each_ms * (uint64_t)words->number);
        ret->limit = (uint32_t)words->limit;
        return true;
}

/* Of the spans of @old the one that says most about a new one: the longest that is not longer, else
 * the shortest. Return: itself if it is there, 0 if there is none. */
static uint32_t nearest(const uint64_t old[REGION_POOL_WINDOWS], uint32_t span_ms)
{
        uint32_t below_ms = 0, above_ms = 0;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t is_ms = region_window_span(old[i]);

                if (is_ms <= span_ms && is_ms > below_ms)
                        below_ms = is_ms;
                if (is_ms > span_ms && (above_ms == 0 || is_ms < above_ms))
                        above_ms = is_ms;
        }
        return below_ms ? below_ms : above_ms;
}

/* What was used in the time that a new span is about. */
static void carry(struct limiter *l, uint16_t pool, const uint64_t old[REGION_POOL_WINDOWS],
                  const uint64_t windows[REGION_POOL_WINDOWS], struct limiter_time time)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = region_window_span(windows[i]);
                uint32_t from_ms = nearest(old, span_ms);

                if (span_ms != 0 && from_ms != 0 && from_ms != span_ms)
                        limiter_carry_span(l, pool, from_ms, windows[i], time);
        }
}

void budget_set_pool(struct limiter *l, uint16_t pool, const uint64_t windows[REGION_POOL_WINDOWS],
                     struct limiter_time time)
{
        uint64_t old[REGION_POOL_WINDOWS];

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                old[i] = pool_window(l->region, pool, i);
        /* Before, so that the new windows are never empty; after, for what was taken meanwhile. */
        carry(l, pool, old, windows, time);
        limiter_set_pool(l, pool, windows);
        carry(l, pool, old, windows, time);
}

/*
 * Of a pool that several groups draw on the first of them says what it holds. Another one's page
 * may be older than the pool: COIN-M's went on naming its former limits when it was joined with
 * USD-M's.
 */
static bool is_first_of(enum policy_group group, uint16_t pool)
{
        return (policy_pool(pool)->groups & ((1u << group) - 1)) == 0;
}

/* Adds @named to what holds already, of two limits of one span the lower. */
static void add_lower(uint64_t windows[REGION_POOL_WINDOWS], uint64_t named)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                if (windows[i] != 0 && windows[i] >> 32 != named >> 32)
                        continue;
                if (windows[i] == 0 || named < windows[i])
                        windows[i] = named;
                return;
        }
}

/*
 * Replaces the windows of one kind by those that the exchange names, if it names any. Who is not
 * the first of a pool's groups only lowers limits and adds windows.
 */
static void follow_unit(struct limiter *l, enum policy_group group, enum policy_unit unit,
                        const struct budget_limit *limits, size_t n, struct limiter_time time)
{
        int pool = policy_group_pool(group, unit);
        uint64_t windows[REGION_POOL_WINDOWS] = { 0 };
        bool is_first, is_any = false;
        size_t k = 0;

        if (pool < 0)
                return;
        is_first = is_first_of(group, (uint16_t)pool);
        for (size_t i = 0; i < REGION_POOL_WINDOWS && !is_first; ++i)
                windows[i] = pool_window(l->region, (uint16_t)pool, i);
        for (size_t i = 0; i < n && k < REGION_POOL_WINDOWS; ++i) {
                uint64_t named = region_window(limits[i].span_ms, limits[i].limit);

                if (limits[i].unit != unit)
                        continue;
                is_any = true;
                if (is_first)
                        windows[k++] = named;
                else
                        add_lower(windows, named);
        }
        if (is_any)
                budget_set_pool(l, (uint16_t)pool, windows, time);
}

void budget_follow(struct limiter *l, enum policy_group group, const struct budget_limit *limits,
                   size_t n, struct limiter_time time)
{
        for (unsigned unit = 0; unit < POLICY_UNIT_COUNT; ++unit)
                follow_unit(l, group, (enum policy_unit)unit, limits, n, time);
}

void budget_windows(const struct limiter *l, enum policy_group group,
                    struct budget_windows *ret_windows)
{
        *ret_windows = (struct budget_windows){ 0 };
        for (unsigned unit = 0; unit < POLICY_UNIT_COUNT; ++unit) {
                int pool = policy_group_pool(group, (enum policy_unit)unit);

                for (size_t i = 0; pool >= 0 && i < REGION_POOL_WINDOWS; ++i)
                        ret_windows->of[unit][i] = pool_window(l->region, (uint16_t)pool, i);
        }
}

void budget_adopt(struct limiter *l, enum policy_group group, const struct budget_windows *before,
                  struct limiter_ticket *ticket, struct limiter_time time)
{
        struct budget_windows now;

        budget_windows(l, group, &now);
        for (unsigned unit = 0; unit < POLICY_UNIT_COUNT; ++unit) {
                int pool = policy_group_pool(group, (enum policy_unit)unit);

                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        uint32_t span_ms = region_window_span(now.of[unit][i]);
                        uint32_t from_ms = nearest(before->of[unit], span_ms);

                        if (span_ms != 0 && from_ms != 0 && from_ms != span_ms)
                                limiter_adopt_span(l, ticket, (uint16_t)pool, from_ms,
                                                   now.of[unit][i], time);
                }
        }
}
