/*
 * Sized structures
 *
 * Options and results begin with their size as the program was compiled with it. A newer library
 * has more members than an older program, which has said nothing of them: they are the defaults.
 * An older library does not know what a newer program asks for: it may be asked for nothing.
 */
#ifndef API_SIZED_H
#define API_SIZED_H

#include "base/base.h"

#include <weir.h>

/*
 * Sizes of the first version that was released, never to be changed. Members are only added behind
 * them, and never in the padding of one before.
 */
#define SIZED_LIMITER_OPTIONS 32
#define SIZED_CALLER_OPTIONS  48
#define SIZED_FUTURES_OPTIONS 136
#define SIZED_MONITOR_OPTIONS 24
#define SIZED_ORDER           96
#define SIZED_ORDER_NAME      40
#define SIZED_RANGE           40

/**
 * sized_take() - a structure of the caller's as ours
 * @to:    holds the defaults, which stay for what @from does not have
 * @first: size of its first version
 *
 * Return: 0; -EINVAL: smaller than ever, so that its size was forgotten; -E2BIG: it asks for what
 *         is not known here.
 */
CHECKED int sized_take(void *to, size_t to_bytes, size_t first, const void *from);

/* The same with a sentence; @name: "weir_order", @defaults: "WEIR_ORDER_DEFAULTS".
 * Return: 0 or -EINVAL with @ret_why written. */
CHECKED int sized_take_or_say(void *to, size_t to_bytes, size_t first, const void *from,
                              const char *name, const char *defaults,
                              char ret_why[WEIR_ERROR_SIZE]);

/* What fits of ours into the caller's, whose first member keeps its size. */
void sized_give(void *to, const void *from, size_t from_bytes);

#endif
