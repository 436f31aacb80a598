/*
 * Limiter of the library
 *
 * A region, and how this process uses it. What the functions of weir.h do with the time of now,
 * those of this room do with a time that they are told; only limiter.c reads the clock.
 */
#ifndef API_LIMITER_H
#define API_LIMITER_H

#include "api/routes.h"
#include "base/base.h"
#include "core/limiter.h"
#include "policy/policy.h"

#include <weir.h>

struct weir_limiter {
        struct region region;
        struct limiter limiter;
        bool is_shared;
        enum policy_group acquire_group;
        struct limiter_charge
                acquire_charge; /* of one unit; amount 0: the group counts no weight */
        enum weir_class acquire_class;
        unsigned acquire_gate;
        uint32_t acquire_most; /* more at once is refused; UINT32_MAX: nothing is */
        /* When the lease of a ban's probe that weir_acquire() let pass ends; 0: there is none. */
        _Atomic(uint64_t) acquire_probe_ms;
        _Atomic(int) acquire_probe_gate;
        uint32_t quick_ms; /* how old a quick look at the clock may be */
        struct routes routes;
};

/* The exchange's time, in both units of it; @guard_ms is how wrong it may be. */
struct api_time {
        uint64_t now_us;
        uint32_t guard_ms;
};

static inline struct limiter_time api_ms(struct api_time time)
{
        return (struct limiter_time){ time.now_us / US_PER_MS, time.guard_ms };
}

struct api_time api_now(const struct weir_limiter *limiter, enum policy_group group);

/*
 * The same for reserve and settle, which are asked often and wait for nothing: the kernel's coarse
 * clock, a fifth of the price, as far behind as its step, by which the guard grows. Close before a
 * turn of a second, where every window turns, the clock is read exactly.
 */
struct limiter_time api_now_quick(const struct weir_limiter *limiter, enum policy_group group);

/* Sleeps until the exchange's clock shows @at_ms, or for a second: clocks are set meanwhile, and
 * bans end. */
void api_sleep(const struct weir_limiter *limiter, enum policy_group group, uint64_t at_ms);

void api_write_error(struct weir_error *error, const char *format, ...) PRINTF(2, 3);

/* Options of the caller's into @to, which holds the defaults: all of them stay for NULL. As
 * sized_take_or_say() otherwise; @error may be NULL. */
CHECKED int api_take(void *to, size_t to_bytes, size_t first, const void *from, const char *name,
                     const char *defaults, struct weir_error *error);

/* A whole number that a member of options holds: from 0 to @most, or -1 for what is usual. Return:
 * 0, or -EINVAL with @error written; it may be NULL. */
CHECKED int api_check_number(const char *member, int given, int most, struct weir_error *error);

/* More is a mistake of units. */
#define API_RETRIES_MAX    1000
#define API_BACKOFF_MAX_MS 3600000

#endif
