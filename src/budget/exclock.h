/*
 * Exchange clock
 *
 * The exchange's windows turn by its own clock, so each product's clock is measured: the answer to
 * a time request was written between its two ends, so half its round trip is how wrong it can be,
 * and less where samples leave each other only a part. What is known grows wrong with age. Kept
 * against the monotonic clock, so that a step of this machine's wall clock changes nothing, and
 * written to the region against the wall clock, for the next process.
 */
#ifndef BUDGET_EXCLOCK_H
#define BUDGET_EXCLOCK_H

#include "base/base.h"
#include "core/limiter.h"

struct exclock {
        bool is_measured;
        bool is_taken_over; /* started from what another process measured */
        int64_t offset_us;  /* exchange minus monotonic */
        uint64_t error_us;  /* at @measured_us */
        uint64_t measured_us;
        uint64_t one_way_us; /* half the quickest round trip seen lately */
};

/* How wrong an unmeasured clock may be: NTP keeps machines far closer, virtual machines wake up
 * late. */
#define EXCLOCK_UNKNOWN_ERROR_MS 1000u
/* Two quartz clocks drift apart by at most this. */
#define EXCLOCK_DRIFT_PPM 100u

/*
 * A published clock is two words of the region: @word, and EXCLOCK_WHEN words behind it the wall
 * clock's milliseconds at which it was published.
 */
#define EXCLOCK_WHEN 8
/* Older than this, a published clock's error is that of an unmeasured one at least: it has drifted
 * that far by then. */
#define EXCLOCK_STALE_MS (EXCLOCK_UNKNOWN_ERROR_MS * (1000000ULL / EXCLOCK_DRIFT_PPM))

/* Starts from what an earlier process wrote in @word, else from the wall clock. */
void exclock_init(struct exclock *c, const word_t *word, uint64_t mono_us, uint64_t wall_us);

/**
 * exclock_sample() - the exchange said @server_ms between @sent_us and @received_us (monotonic)
 *
 * Return: true when we know more by it than before.
 */
bool exclock_sample(struct exclock *c, uint64_t server_ms, uint64_t sent_us, uint64_t received_us);

/* Writes the clock for other processes. */
void exclock_publish(const struct exclock *c, word_t *word, uint64_t mono_us, uint64_t wall_us);

/*
 * Whether the exchange's time was ever measured, here or by another process. Before, it is this
 * machine's wall clock, which may be hours off: places taken by it would be in other windows.
 */
static inline bool exclock_is_known(const struct exclock *c)
{
        return c->is_measured || c->is_taken_over;
}

uint64_t exclock_now_us(const struct exclock *c, uint64_t mono_us);
struct limiter_time exclock_now(const struct exclock *c, uint64_t mono_us);

/* The monotonic time at which the exchange's clock shows @exchange_ms. */
uint64_t exclock_to_mono_us(const struct exclock *c, uint64_t exchange_ms);

/**
 * exclock_shared() - the exchange's time for a process that measures nothing itself
 * @word: as published by whoever does, if anybody
 *
 * The error grows with the age of what was published; a wall clock that was set back since makes
 * it unknown.
 */
struct limiter_time exclock_shared(const word_t *word, uint64_t wall_us);

/* As exclock_shared(), as something to take samples with. */
void exclock_resume(struct exclock *c, const word_t *word, uint64_t mono_us, uint64_t wall_us);

/* The latest time that any exchange is known to have told, as published; 0: none. Never ahead of
 * the truth by more than a clock's error, whatever this machine's clock shows now. */
uint64_t exclock_told_ms(const struct region_header *header);

/* What a published word says: exchange minus wall, and its error. Return: false if never measured.
 */
bool exclock_read(const word_t *word, int64_t *ret_offset_ms, uint32_t *ret_error_ms);

#endif
