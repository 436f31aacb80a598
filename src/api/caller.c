#include "api/caller.h"
#include "api/sized.h"
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A log line is a sentence. */
#define LINE_SIZE 512
#define NAME_SIZE 256
/* More is a mistake of units. */
#define JITTER_MAX_PCT 1000

/* -1 is what the environment says, else @otherwise. Return: 0 or -EINVAL. */
static int read_setting(const char *member, const char *variable, int given, int otherwise,
                        int most, uint32_t *ret, struct weir_error *error)
{
        const char *text = given == -1 && variable ? getenv(variable) : NULL;
        uint64_t value = (uint64_t)otherwise;
        int r = api_check_number(member, given, most, error);

        if (r < 0)
                return r;
        if (given >= 0)
                value = (uint64_t)given;
        if (text && text[0] != '\0' &&
            (str_to_u64(str_of(text), &value) < 0 || value > (uint64_t)most)) {
                api_write_error(error,
                                "environment variable %s: \"%.64s\" is not a whole number from 0 "
                                "to %d; set it right or leave it out",
                                variable, text, most);
                return -EINVAL;
        }
        *ret = (uint32_t)value;
        return 0;
}

static int configure(struct weir_caller *c, const struct weir_caller_options *o,
                     struct weir_error *error)
{
        struct backoff_config *backoff = &c->config.backoff;
        int r;

        c->config = CALL_CONFIG_DEFAULT;
        r = read_setting("weir_caller_options.max_retries", "WEIR_MAX_RETRIES", o->max_retries,
                         CALL_MAX_RETRIES, API_RETRIES_MAX, &c->config.max_retries, error);
        if (r == 0)
                r = read_setting("weir_caller_options.base_backoff_ms", "WEIR_BASE_BACKOFF_MS",
                                 o->base_backoff_ms, (int)backoff->base_ms, API_BACKOFF_MAX_MS,
                                 &backoff->base_ms, error);
        if (r == 0)
                r = read_setting("weir_caller_options.jitter_pct", NULL, o->jitter_pct,
                                 (int)backoff->jitter_pct, JITTER_MAX_PCT, &backoff->jitter_pct,
                                 error);
        if (r < 0)
                return r;
        c->log = o->log;
        c->log_ctx = o->log_ctx;
        c->limiter = o->limiter;
        return c->limiter ? 0 : weir_limiter_default(&c->limiter, error);
}

int weir_caller_new(const struct weir_caller_options *options, struct weir_caller **ret_caller,
                    struct weir_error *ret_error)
{
        struct weir_caller_options o = WEIR_CALLER_DEFAULTS;
        struct weir_caller *c;
        int r = api_take(&o, sizeof(o), SIZED_CALLER_OPTIONS, options, "weir_caller_options",
                         "WEIR_CALLER_DEFAULTS", ret_error);

        if (r < 0)
                return r;
        c = calloc(1, sizeof(*c));
        if (!c) {
                api_write_error(ret_error, "no memory for a caller");
                return -ENOMEM;
        }
        r = configure(c, &o, ret_error);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret_caller = c;
        return 0;
}

struct weir_caller *weir_caller_free(struct weir_caller *caller)
{
        free(caller);
        return NULL;
}

struct tally *caller_tally(struct weir_caller *caller, const struct policy_endpoint *endpoint)
{
        if (!endpoint)
                return &caller->other;
        for (uint64_t i = 0; i < CALLER_ENDPOINTS; ++i) {
                struct caller_row *row = &caller->rows[(endpoint->key + i) % CALLER_ENDPOINTS];
                const struct policy_endpoint *seen =
                        atomic_load_explicit(&row->endpoint, memory_order_relaxed);

                /* Relaxed: the row points to a constant, and its counts begin at 0. */
                if (!seen && atomic_compare_exchange_strong_explicit(&row->endpoint, &seen,
                                                                     endpoint, memory_order_relaxed,
                                                                     memory_order_relaxed))
                        seen = endpoint;
                if (seen == endpoint)
                        return &row->tally;
        }
        return &caller->other;
}

const char *caller_endpoint_name(const struct policy_endpoint *endpoint, char *to, size_t size)
{
        if (!endpoint)
                return "other";
        (void)snprintf(to, size, "%s %s", endpoint->method, endpoint->path);
        return to;
}

uint64_t caller_random(struct weir_caller *caller)
{
        /* Splitmix: an odd step through all numbers, scrambled. The clock sets a fork's two apart.
         */
        uint64_t x = atomic_fetch_add_explicit(&caller->random, 0x9e3779b97f4a7c15ULL,
                                               memory_order_relaxed) ^
                     clock_mono_us();

        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
        return x ^ x >> 31;
}

void caller_log(const struct weir_caller *caller, enum weir_log_level level, const char *format,
                ...)
{
        char line[LINE_SIZE];
        va_list args;

        if (!caller->log)
                return;
        va_start(args, format);
        (void)vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        caller->log(caller->log_ctx, level, line);
}

static struct weir_call_stats stats_of(const struct tally *t)
{
        struct weir_call_stats stats = {
                .size = sizeof(stats),
                .total_calls = atomic_load_explicit(&t->calls, memory_order_relaxed),
                .rate_limit_hits = atomic_load_explicit(&t->hits, memory_order_relaxed),
                .retries = atomic_load_explicit(&t->retries, memory_order_relaxed),
                .failures = atomic_load_explicit(&t->failures, memory_order_relaxed),
                .success_rate = 1,
        };
        uint64_t bad = stats.rate_limit_hits + stats.failures;

        /* Others count while we read: never below 0. */
        if (stats.total_calls > 0)
                stats.success_rate =
                        bad < stats.total_calls ? 1 - (double)bad / (double)stats.total_calls : 0;
        return stats;
}

void weir_caller_stats(const struct weir_caller *caller, struct weir_call_stats *ret_stats)
{
        struct weir_call_stats stats = stats_of(&caller->total);

        sized_give(ret_stats, &stats, sizeof(stats));
}

void weir_caller_endpoints(const struct weir_caller *caller, weir_endpoint_fn fn, void *ctx)
{
        struct weir_call_stats stats;
        char name[NAME_SIZE];

        for (size_t i = 0; i < CALLER_ENDPOINTS; ++i) {
                const struct policy_endpoint *endpoint =
                        atomic_load_explicit(&caller->rows[i].endpoint, memory_order_relaxed);

                if (!endpoint)
                        continue;
                stats = stats_of(&caller->rows[i].tally);
                fn(ctx, caller_endpoint_name(endpoint, name, sizeof(name)), &stats);
        }
        stats = stats_of(&caller->other);
        if (stats.total_calls > 0)
                fn(ctx, caller_endpoint_name(NULL, name, sizeof(name)), &stats);
}
