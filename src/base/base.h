/*
 * Base
 *
 * The few words that every room uses: must(), results that cannot be dropped,
 * container_of(), cleanup. Nothing here knows of sockets or exchanges.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHECKED           __attribute__((warn_unused_result))
#define PRINTF(at, first) __attribute__((format(printf, at, first)))
#define CLEANUP(fn)       __attribute__((cleanup(fn)))
#define LIKELY(x)         __builtin_expect(!!(x), 1)
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)
/* Rarely taken: kept out of its caller, whose frame stays small. */
#define SELDOM        __attribute__((noinline, cold))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

/*
 * must() is for our own mistakes, never for input: it stays on in every build,
 * because a limiter that goes on after a broken invariant gets its user banned.
 */
#define must(condition)                                                                            \
        (LIKELY(condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__, __func__))

/* Says what broke and aborts. */
_Noreturn void must_failed(const char *condition, const char *file, int line, const char *function);

#define MS_PER_SECOND 1000ULL
#define US_PER_MS     1000ULL
#define US_PER_SECOND 1000000ULL

#endif
