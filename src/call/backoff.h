/*
 * Backoff
 *
 * How long to wait when the exchange did not say: base * 2^attempt, and a share of that on top,
 * chosen by a random number, so that callers who failed together do not return together.
 */
#ifndef CALL_BACKOFF_H
#define CALL_BACKOFF_H

#include "base/base.h"

struct backoff_config {
        uint32_t base_ms;    /* delay before the first retry */
        uint32_t ceiling_ms; /* no delay is longer, before jitter */
        uint32_t jitter_pct; /* a delay d becomes one of [d, d + d * jitter_pct / 100) */
};

/* 1, 2, 4, 8, 16 s, each up to a quarter longer. Five minutes: the longest ordinary window. */
#define BACKOFF_CONFIG_DEFAULT                                                                     \
        {                                                                                          \
                .base_ms = 1000, .ceiling_ms = 300000, .jitter_pct = 25                            \
        }

/**
 * backoff_delay_ms() - the wait before retry number @attempt
 * @attempt: 0 before the first retry
 * @random:  any number; equal numbers give equal delays
 *
 * Return: at least a millisecond, never shorter than the delay without jitter.
 */
uint64_t backoff_delay_ms(const struct backoff_config *config, uint32_t attempt, uint64_t random);

#endif
