/*
 * Windows
 *
 * The exchange counts in fixed windows of its own clock: window N of a span S covers
 * [N * S, (N + 1) * S). We cut the same way, with one difference: our clock may be wrong by the
 * guard, so our window N opens a guard later and closes a guard later; what we send in that last
 * guard may already be counted in N + 1, and so may every request that left before the turn and
 * was answered after it. Those are charged to both: while unanswered they are flying and count in
 * every later window of the ring; when the answer comes after the turn they are carried into it.
 * So the guard is the clock's error only; a latency spike of any length is covered by flying.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "core/layout.h"

/* Most that one field of a word holds; limits beyond it are cut to it. */
#define WINDOW_AMOUNT_MAX ((1u << 22) - 1)

/* Unanswered longer than this, a request no longer counts in later windows (the gateway gives up
 * before). */
#define WINDOW_CARRY_MS 30000u

struct window {
        struct slot *slot;
        uint32_t span_ms;
        uint32_t limit;
};

enum window_answer {
        WINDOW_TAKEN = 0,
        WINDOW_FULL,
};

/* Number of our window at @now_ms of the exchange's clock, known to +- @guard_ms. */
static inline uint64_t window_number(uint32_t span_ms, uint64_t now_ms, uint64_t guard_ms)
{
        return now_ms < guard_ms ? 0 : (now_ms - guard_ms) / span_ms;
}

static inline uint64_t window_opens_ms(uint32_t span_ms, uint64_t number, uint64_t guard_ms)
{
        return number * span_ms + guard_ms;
}

/*
 * What others may have used of window @number: extra, and what flies from the windows before it.
 * Not ours to give back.
 */
uint32_t window_others(const struct window *w, uint64_t number);

/*
 * What is used in window @number as far as it concerns a new request: what is spent, and if the
 * request is to be sent at once (@fly) the others as above. A place that is held for later is
 * measured against extra only: what flies now will mostly have landed; confirming looks again.
 */
uint32_t window_used(const struct window *w, uint64_t number, bool fly);

/**
 * window_take() - reserve @amount in window @number
 * @ceiling: most that may be used with it
 * @fly:     true to send at once; false to hold the place for later
 * @ret_position: spent up to and including this reservation: its place in the queue of the window
 * @ret_alone: nothing else was flying: the next header may be believed as it is
 *
 * Return: WINDOW_TAKEN, WINDOW_FULL, or -ESTALE when the window's cell already serves a later
 *         window: our clock is far behind that of another process.
 */
CHECKED int window_take(const struct window *w, uint64_t number, uint32_t amount, uint32_t ceiling,
                        bool fly, uint32_t *ret_position, bool *ret_alone);

/* The held @amount is about to be sent. Return: false when the window is gone: then nothing
 * changed. */
CHECKED bool window_fly(const struct window *w, uint64_t number, uint32_t amount);

/* Takes back window_take(), sent or not; for what certainly never reached the exchange. */
void window_give_back(const struct window *w, uint64_t number, uint32_t amount, bool flew);

/**
 * window_land() - the answer to what was taken in window @number came at @now_ms
 * @refund: part of @amount that the exchange does not count after all
 *
 * Carries the rest into the windows that the exchange may have counted it in.
 */
void window_land(const struct window *w, uint64_t number, uint32_t amount, uint32_t refund,
                 uint64_t now_ms, uint64_t guard_ms);

/**
 * window_observe() - the exchange says that @used was used in window @number
 * @ret_foreign: what of it was not ours, as now known
 *
 * Raises what we believe; never lowers it. Return: true when foreign use grew.
 */
bool window_observe(const struct window *w, uint64_t number, uint32_t used, uint32_t *ret_foreign);

/**
 * window_believe() - lower our books to @used, if this request was alone from take to answer
 * @position: of the one reservation, as window_take() gave it; @amount: likewise
 *
 * Must be called instead of window_land(), for a window that has not turned.
 * Return: true when it was alone and the books are now @used; false: nothing changed.
 */
CHECKED bool window_believe(const struct window *w, uint64_t number, uint32_t position,
                            uint32_t amount, uint32_t used);

/* A look at one window, for people. */
struct window_view {
        uint32_t spent, flying, held, extra, foreign, top;
};

void window_look(const struct window *w, uint64_t number, struct window_view *ret_view);

#endif
