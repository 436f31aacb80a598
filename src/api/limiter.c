#include "api/limiter.h"
#include "api/sized.h"
#include "base/clock.h"
#include "budget/budget.h"
#include "budget/exclock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest sleep without a look at the clocks. */
#define NAP_US US_PER_SECOND
/* So long before a turn of a second a quick look at the clock is not enough. */
#define QUICK_EDGE_MS 100u
/* As in the gateway's settings. */
#define PACING_MAX    1000000
#define DEFAULT_RPM   1200
#define DEFAULT_BURST 50
#define PATH_SIZE     4096

_Static_assert((int)WEIR_GROUP_COUNT == (int)POLICY_GROUP_COUNT, "groups are those of policy");
_Static_assert((int)WEIR_CLASS_COUNT == (int)CLASS_COUNT, "classes are those of base");
_Static_assert((int)POLICY_GROUP_COUNT <= EXCLOCK_WHEN, "each group has a clock");

void api_write_error(struct weir_error *error, const char *format, ...)
{
        va_list args;

        if (!error)
                return;
        va_start(args, format);
        (void)vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
}

int api_take(void *to, size_t to_bytes, size_t first, const void *from, const char *name,
             const char *defaults, struct weir_error *error)
{
        struct weir_error unread;

        if (!from)
                return 0;
        return sized_take_or_say(to, to_bytes, first, from, name, defaults,
                                 error ? error->text : unread.text);
}

int api_check_number(const char *member, int given, int most, struct weir_error *error)
{
        if (given >= -1 && given <= most)
                return 0;
        api_write_error(error, "%s is %d; a whole number from 0 to %d, or -1 for what is usual",
                        member, given, most);
        return -EINVAL;
}

struct api_time api_now(const struct weir_limiter *limiter, enum policy_group group)
{
        uint64_t wall_us = clock_wall_us();
        struct limiter_time time = exclock_shared(&limiter->region.header->clocks[group], wall_us);

        return (struct api_time){ time.now_ms * US_PER_MS + wall_us % US_PER_MS, time.guard_ms };
}

struct limiter_time api_now_quick(const struct weir_limiter *limiter, enum policy_group group)
{
        const word_t *clock = &limiter->region.header->clocks[group];
        struct limiter_time time = exclock_shared(clock, clock_wall_coarse_us());

        /* A processor that stood still may have left the coarse clock behind by more than its step.
         * That matters only where a window turns. */
        if (UNLIKELY(time.now_ms % MS_PER_SECOND >= MS_PER_SECOND - QUICK_EDGE_MS))
                return exclock_shared(clock, clock_wall_us());
        time.guard_ms += limiter->quick_ms;
        return time;
}

void api_sleep(const struct weir_limiter *limiter, enum policy_group group, uint64_t at_ms)
{
        uint64_t now_us = api_now(limiter, group).now_us, wait_us = NAP_US;

        if (at_ms < (now_us + NAP_US) / US_PER_MS)
                wait_us = at_ms * US_PER_MS > now_us ? at_ms * US_PER_MS - now_us : 0;
        if (wait_us > 0)
                clock_sleep_until_us(clock_mono_us() + wait_us);
}

/*
 * The largest amount that makes sense: what a minute of pacing gives, and a whole window of the
 * group. On a shared region the window is the one of now, which the limiter itself asks.
 */
static uint32_t acquire_most(const struct weir_limiter *l, int pool,
                             const struct weir_limiter_options *o)
{
        uint32_t most = UINT32_MAX;

        if (o->max_requests_per_minute > 0)
                most = o->max_requests_per_minute > o->max_burst ? o->max_requests_per_minute
                                                                 : o->max_burst;
        for (unsigned i = 0; pool >= 0 && !l->is_shared && i < policy_pool((size_t)pool)->n_windows;
             ++i)
                if (policy_pool((size_t)pool)->windows[i].limit < most)
                        most = policy_pool((size_t)pool)->windows[i].limit;
        return most;
}

/* What weir_acquire() takes from the group's weight pool. */
static void choose_acquire(struct weir_limiter *l, const struct weir_limiter_options *options)
{
        int pool = policy_group_pool((enum policy_group)options->acquire_group, POLICY_WEIGHT);

        l->acquire_group = (enum policy_group)options->acquire_group;
        l->acquire_class = (enum weir_class)options->acquire_class;
        l->acquire_gate = budget_gate(l->acquire_group);
        l->acquire_most = acquire_most(l, pool, options);
        if (!l->is_shared || pool < 0)
                return;
        l->acquire_charge = (struct limiter_charge){
                .pool = (uint16_t)pool,
                .has_ceilings = true,
                .amount = 1,
        };
}

static int check_options(const struct weir_limiter_options *o, struct weir_error *error)
{
        if ((o->max_requests_per_minute == 0) != (o->max_burst == 0)) {
                api_write_error(error,
                                "max_requests_per_minute %u with max_burst %u: give both, or "
                                "neither for no pacing",
                                o->max_requests_per_minute, o->max_burst);
                return -EINVAL;
        }
        if (o->max_requests_per_minute > PACING_MAX || o->max_burst > PACING_MAX) {
                api_write_error(error, "max_requests_per_minute %u, max_burst %u: at most %d",
                                o->max_requests_per_minute, o->max_burst, PACING_MAX);
                return -EINVAL;
        }
        if ((unsigned)o->acquire_group >= WEIR_GROUP_COUNT ||
            (unsigned)o->acquire_class >= WEIR_CLASS_COUNT) {
                api_write_error(error,
                                "acquire_group %d, acquire_class %d: not one of enum "
                                "weir_group and enum weir_request_class",
                                (int)o->acquire_group, (int)o->acquire_class);
                return -EINVAL;
        }
        return 0;
}

/* Return: the path to open, NULL for a private region; or an error with *ret_r set. */
static const char *choose_path(const char *region, char *place, size_t size, int *ret_r,
                               struct weir_error *error)
{
        struct region_error why;

        *ret_r = 0;
        if (!region || region[0] != '\0')
                return region;
        *ret_r = region_user_path(place, size, &why);
        if (*ret_r < 0)
                api_write_error(error, "%s", why.why);
        return place;
}

int weir_limiter_open(const struct weir_limiter_options *options, struct weir_limiter **ret_limiter,
                      struct weir_error *ret_error)
{
        struct weir_limiter_options own = WEIR_LIMITER_DEFAULTS, *o = &own;
        struct region_error why;
        struct region_plan plan;
        struct weir_limiter *l;
        char place[PATH_SIZE];
        const char *path;
        int r = api_take(&own, sizeof(own), SIZED_LIMITER_OPTIONS, options, "weir_limiter_options",
                         "WEIR_LIMITER_DEFAULTS", ret_error);

        if (r == 0)
                r = check_options(o, ret_error);
        if (r < 0)
                return r;
        path = choose_path(o->region, place, sizeof(place), &r, ret_error);
        if (r < 0)
                return r;
        l = calloc(1, sizeof(*l));
        if (!l) {
                api_write_error(ret_error, "no memory for a limiter");
                return -ENOMEM;
        }
        budget_plan(&plan, clock_wall_us() / US_PER_MS);
        r = region_open(path, &plan, &l->region, &why);
        if (r < 0) {
                api_write_error(ret_error, "%s", why.why);
                free(l);
                return r;
        }
        l->limiter.region = &l->region;
        l->is_shared = path != NULL;
        l->quick_ms = (uint32_t)((clock_coarse_step_us() + US_PER_MS - 1) / US_PER_MS);
        choose_acquire(l, o);
        r = limiter_set_pacing(&l->limiter, o->max_requests_per_minute, o->max_burst);
        if (r < 0) {
                api_write_error(ret_error,
                                "region %.200s has no room for another pacing bucket; use "
                                "settings that its other programs use",
                                path);
                (void)weir_limiter_close(l);
                return r;
        }
        *ret_limiter = l;
        return 0;
}

struct weir_limiter *weir_limiter_close(struct weir_limiter *limiter)
{
        if (limiter) {
                routes_deinit(&limiter->routes);
                region_close(&limiter->region);
                free(limiter);
        }
        return NULL;
}

static int read_env(const char *name, uint32_t otherwise, uint32_t *ret, struct weir_error *error)
{
        const char *text = getenv(name);
        uint64_t value;

        *ret = otherwise;
        if (!text || text[0] == '\0')
                return 0;
        if (str_to_u64(str_of(text), &value) < 0 || value < 1 || value > PACING_MAX) {
                api_write_error(error,
                                "environment variable %s: \"%.64s\" is not a whole number "
                                "from 1 to %d",
                                name, text, PACING_MAX);
                return -EINVAL;
        }
        *ret = (uint32_t)value;
        return 0;
}

int weir_limiter_default(struct weir_limiter **ret_limiter, struct weir_error *ret_error)
{
        static _Atomic(struct weir_limiter *) one;
        struct weir_limiter *seen = atomic_load_explicit(&one, memory_order_acquire), *made;
        struct weir_limiter_options options = WEIR_LIMITER_DEFAULTS;
        int r;

        if (!seen) {
                options.region = getenv("WEIR_REGION");
                if (!options.region)
                        options.region = "";
                r = read_env("BINANCE_RATE_LIMIT_RPM", DEFAULT_RPM,
                             &options.max_requests_per_minute, ret_error);
                if (r == 0)
                        r = read_env("BINANCE_RATE_LIMIT_BURST", DEFAULT_BURST, &options.max_burst,
                                     ret_error);
                if (r == 0)
                        r = weir_limiter_open(&options, &made, ret_error);
                if (r < 0)
                        return r;
                /* No lock, so that a fork in between leaves none behind: of two threads who come
                 * here at once, one gives its own away. */
                if (atomic_compare_exchange_strong_explicit(&one, &seen, made, memory_order_acq_rel,
                                                            memory_order_acquire))
                        seen = made;
                else
                        (void)weir_limiter_close(made);
        }
        *ret_limiter = seen;
        return 0;
}

uint64_t weir_now_ms(const struct weir_limiter *limiter, enum weir_group group)
{
        if ((unsigned)group >= WEIR_GROUP_COUNT)
                return clock_wall_us() / US_PER_MS;
        return api_ms(api_now(limiter, (enum policy_group)group)).now_ms;
}

void weir_clock_sample(struct weir_limiter *limiter, enum weir_group group, uint64_t server_ms,
                       uint64_t sent_us, uint64_t received_us)
{
        uint64_t mono_us = clock_mono_us(), wall_us = clock_wall_us();
        word_t *word;
        struct exclock c;

        if ((unsigned)group >= WEIR_GROUP_COUNT)
                return;
        word = &limiter->region.header->clocks[group];
        exclock_resume(&c, word, mono_us, wall_us);
        if (exclock_sample(&c, server_ms, sent_us, received_us))
                exclock_publish(&c, word, mono_us, wall_us);
}

void weir_limiter_stats(const struct weir_limiter *limiter, struct weir_limiter_stats *ret_stats)
{
        const struct bucket *b = &limiter->limiter.pacing;
        struct weir_limiter_stats stats = WEIR_LIMITER_STATS_DEFAULTS;
        int64_t milli;

        if (b->rate_per_min > 0) {
                milli = bucket_level_milli(b, api_now(limiter, limiter->acquire_group).now_us);
                stats.tokens = (double)milli / 1000;
                stats.max_tokens = b->burst;
                stats.refill_rate_per_sec = (double)b->rate_per_min / 60;
                stats.max_requests_per_minute = b->rate_per_min;
                stats.utilization_pct = 100 - stats.tokens / stats.max_tokens * 100;
        }
        sized_give(ret_stats, &stats, sizeof(stats));
}

struct look {
        const struct weir_limiter *limiter;
        weir_budget_fn fn;
        void *ctx;
};

static void look_at(void *ctx, const struct window *w, uint16_t pool, uint64_t owner,
                    uint64_t shut_until_ms)
{
        const struct look *look = ctx;
        struct weir_budget budget;
        struct limiter_time time;
        struct window_view v;
        unsigned group = 0;
        uint64_t number;

        if (pool >= policy_pool_count())
                return;
        while (group + 1 < POLICY_GROUP_COUNT && !(policy_pool(pool)->groups & 1u << group))
                ++group;
        time = api_ms(api_now(look->limiter, (enum policy_group)group));
        number = window_number(w->span_ms, time.now_ms, time.guard_ms);
        window_look(w, number, &v);
        budget = (struct weir_budget){
                .name = policy_pool(pool)->name,
                .owner = owner,
                .span_ms = w->span_ms,
                .turns_ms = window_opens_ms(w->span_ms, number + 1, time.guard_ms),
                .limit = w->limit,
                .used = v.spent - v.held + v.extra,
                .held = v.held,
                .foreign = v.foreign,
                .shut_until_ms = shut_until_ms > time.now_ms ? shut_until_ms : 0,
        };
        look->fn(look->ctx, &budget);
}

void weir_limiter_budgets(const struct weir_limiter *limiter, weir_budget_fn fn, void *ctx)
{
        struct look look = { limiter, fn, ctx };

        limiter_each_slot(&limiter->region, look_at, &look);
}
