/*
 * Tallies of the demo
 *
 * What a bot counts, where the parent can see it: one anonymous shared mapping with a slot per bot.
 * Each slot has one writer, its bot; the parent adds slots up whenever it draws.
 */
#ifndef CLI_DEMO_TALLY_H
#define CLI_DEMO_TALLY_H

#include "base/base.h"

/* Microseconds in steps of a sixteenth of an octave, up to 2^34 (five hours). */
#define TALLY_STEPS   16u
#define TALLY_OCTAVES 34u
#define TALLY_BUCKETS (TALLY_STEPS * TALLY_OCTAVES)

enum tally_count {
        TALLY_ANSWERED, /* market data and signed requests with status 200 */
        TALLY_429,
        TALLY_418,
        TALLY_ERRORS, /* other answers, and none */
        TALLY_ORDERS_WANTED,
        TALLY_ORDERS_PLACED,
        TALLY_ORDERS_REFUSED, /* refusals of placing; each is tried again */
        TALLY_CANCELLED,
        TALLY_CANCELS_REFUSED,
        TALLY_WAITING,       /* orders that are wanted and not placed, now */
        TALLY_WAITING_SINCE, /* monotonic us at which the oldest of them was wanted; 0: none */
        TALLY_COUNTS,
};

enum tally_wait {
        TALLY_WAIT_ORDER,   /* from wanting an order to knowing that it is placed, us */
        TALLY_WAIT_IN_WEIR, /* X-Weir-Wait-Us of the same */
        TALLY_WAITS,
};

/*
 * Writer:  its bot alone.
 * Readers: the parent.
 * Order:   relaxed, each word is the whole message.
 * Killed:  leaves what was counted.
 */
struct tally {
        _Atomic(uint64_t) counts[TALLY_COUNTS];
        _Atomic(uint64_t) waits[TALLY_WAITS][TALLY_BUCKETS];
        _Atomic(uint64_t) longest_us[TALLY_WAITS];
};

/* Slots, all zero, shared with every process forked afterwards. Return: NULL without memory. */
struct tally *tally_map(size_t n);

void tally_add(struct tally *t, enum tally_count count);
void tally_set(struct tally *t, enum tally_count count, uint64_t value);
void tally_wait(struct tally *t, enum tally_wait wait, uint64_t us);

/* Sums over @n slots. */
uint64_t tally_sum(const struct tally *slots, size_t n, enum tally_count count);
/* The wait that @pct of a hundred did not exceed, to a sixteenth of an octave; 0 when there is none
 * yet. */
uint64_t tally_percentile_us(const struct tally *slots, size_t n, enum tally_wait wait,
                             unsigned pct);
uint64_t tally_longest_us(const struct tally *slots, size_t n, enum tally_wait wait);

#endif
