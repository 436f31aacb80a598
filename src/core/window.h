/*
 * Windows
 *
 * The exchange counts in fixed windows of its own clock: window N of a span S covers
 * [N * S, (N + 1) * S). We cut the same way, with one difference: our clock may be wrong by the
 * guard, so our window N opens a guard later and closes a guard later. What we send near the turn
 * may be counted in N + 1, and so may every request that left before the turn and arrives after
 * it. Those are charged to both: while unanswered they are flying and count in the later windows
 * of the ring; when the answer comes after the turn they are carried into it.
 *
 * Why the exchange never counts more than the limit in one window W, whatever happens in between:
 * each request is first written down (sent in its window, flying), and leaves only if after that
 * every window that may be now by its clock, guard included, still holds (window_holds()). Take
 * all requests that are counted in W, and of those the one that looked last. All the others were
 * written down before it looked. They are sent in W, or flying from before, or were carried into W
 * when they landed, so it counted all of them. If it looked before W had begun, it counted them as
 * sent or flying in the window that was now. So the guard covers the clock's error only, and a
 * latency spike of any length is covered by flying.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include "core/layout.h"

/* Most that one field of a word holds; limits beyond it are cut to it. */
#define WINDOW_AMOUNT_MAX ((1u << 22) - 1)

/*
 * Unanswered longer than this after its window, a request no longer counts in later ones (the
 * gateway gives up before); in windows shorter than 3 s, after RING_PAST of them.
 */
#define WINDOW_CARRY_MS 30000u
/* A guard that all windows but the shortest can live with: what is unanswered for WINDOW_CARRY_MS,
 * less twice this, is followed in any case. */
#define WINDOW_GUARD_MS 2500u
/* Places are held this far ahead, so that short windows reach the turn of the minute. */
#define WINDOW_AHEAD_MS 120000u

struct region;

struct window {
        struct slot *slot;
        uint32_t span_ms;
        uint32_t limit;
        const struct region *shared; /* its leases bind us (core/lease.h); NULL: the limit alone */
};

enum window_answer {
        WINDOW_TAKEN = 0,
        WINDOW_FULL,
};

/* What one reservation found and got. */
struct window_place {
        uint32_t position; /* spent up to and including it: its place in the queue of the window */
        uint32_t extra;    /* of the window, when it was taken: all that was ever carried into it */
        uint32_t sent;     /* of the window, with it */
        uint32_t flying;   /* others of this window that were unanswered when it was released */
        uint32_t lowered;  /* of the window, before it was released */
        uint32_t amount;
        bool is_alone; /* nothing else was flying: the next header may be believed as it is */
        bool is_clear; /* released, and nothing of earlier windows was flying */
};

/* Windows before one whose unanswered requests count in it. */
static inline uint64_t window_past(uint32_t span_ms)
{
        /* The usual minute needs no division. */
        uint32_t past = span_ms >= WINDOW_CARRY_MS ? 1 : (WINDOW_CARRY_MS + span_ms - 1) / span_ms;

        return past < RING_PAST ? past : RING_PAST;
}

/* Windows after the one of now in which places can be held; one cell of the ring stays spare. */
static inline uint64_t window_ahead(uint32_t span_ms)
{
        uint64_t ahead = span_ms >= WINDOW_AHEAD_MS ? 1 : (WINDOW_AHEAD_MS + span_ms - 1) / span_ms;
        uint64_t most = RING_CELLS - 2 - window_past(span_ms);

        ahead = ahead > RING_AHEAD ? ahead : RING_AHEAD;
        return ahead < most ? ahead : most;
}

/*
 * The most that our clock may be off by, for books of windows of @span_ms. A request of window N
 * may leave two guards behind the exchange's end of N: what is followed for WINDOW_CARRY_MS is
 * unanswered for so much less then. And the windows that may be now, for anybody, together with
 * those before them that still count, must have cells of their own.
 */
static inline uint64_t window_guard_most(uint32_t span_ms)
{
        uint64_t past = window_past(span_ms), followed_ms = past * span_ms;
        uint64_t spare = followed_ms > WINDOW_CARRY_MS ? (followed_ms - WINDOW_CARRY_MS) / 2 : 0;
        uint64_t most = spare > WINDOW_GUARD_MS ? spare : WINDOW_GUARD_MS;
        uint64_t ring = (RING_CELLS - 2 - past) * span_ms / 2;

        return most < ring ? most : ring;
}

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
 * request is to be sent at once (@fly) the others as above. Of a shared budget what is known to be
 * others' is left out: it is no part of our cap. A place that is held for later is
 * measured against extra only: what flies now will mostly have landed; confirming looks again.
 */
uint32_t window_used(const struct window *w, uint64_t number, bool fly);

/**
 * window_take() - reserve @amount in window @number
 * @ceiling: most that may be used with it
 * @fly:     true to send it, if window_holds() after; false to hold the place for later
 *
 * Return: WINDOW_TAKEN, WINDOW_FULL, or -ESTALE when the window's cell already serves a later
 *         window: our clock is far behind that of another process.
 */
CHECKED int window_take(const struct window *w, uint64_t number, uint32_t amount, uint32_t ceiling,
                        bool fly, struct window_place *ret_place);

/*
 * Charges what is sent at once whatever the limit is: @amount is added to sent and flying. A sum
 * that no word can hold stays at the most of it; a window that is gone is left as it is.
 */
void window_charge(const struct window *w, uint64_t number, uint32_t amount);

/* The held @place is to be sent, if window_holds() after. Return: false when the window is gone:
 * then nothing changed. */
CHECKED bool window_fly(const struct window *w, uint64_t number, struct window_place *place);

/* Takes back window_fly(), or the sending part of window_take(): the place is held again. */
void window_unfly(const struct window *w, uint64_t number, uint32_t amount);

/**
 * window_holds() - may one more @amount be counted now, in whatever window it is for the exchange?
 * @number:  window it is charged to
 * @amount:  0 when it is already written down there as sent
 * @now_ms:  read before it was written down
 *
 * Looks at what was released for sending only, not at held places: this is the law, the ceilings
 * are courtesy. Of a shared budget the cap is asked as well (lease_holds()). A window that others
 * have already sent in may be now as well, whatever our clock says: then the clock was stepped
 * back.
 */
CHECKED bool window_holds(const struct window *w, uint64_t number, uint32_t amount, uint64_t now_ms,
                          uint64_t guard_ms);

/* Until when window_holds() at @now_ms speaks for window @number: to be sent before. */
uint64_t window_holds_until(uint32_t span_ms, uint64_t number, uint64_t now_ms, uint64_t guard_ms);

/* Takes back window_take(), sent or not; for what certainly never reached the exchange. */
void window_give_back(const struct window *w, uint64_t number, uint32_t amount, bool flew);

/**
 * window_land() - the answer to what was taken in window @number came
 * @refund: part of @amount that the exchange does not count after all
 * @now_ms: read after the answer came
 *
 * Carries the rest into the windows that the exchange may have counted it in.
 */
void window_land(const struct window *w, uint64_t number, uint32_t amount, uint32_t refund,
                 uint64_t now_ms, uint64_t guard_ms);

/**
 * window_observe() - the exchange says that @used was used in window @number
 * @ret_foreign: what of it was not ours, as now known
 *
 * Raises what we believe; never lowers it. Return: by how much foreign use grew.
 */
uint32_t window_observe(const struct window *w, uint64_t number, uint32_t used,
                        uint32_t *ret_foreign);

/**
 * window_believe() - lower our books to what a header of a count that falls by itself leaves
 * possible
 * @place: of the reservation whose answer said @used, as window_take() or window_fly() gave it
 *
 * What was answered before it left is in @used. What was in flight when it left, and what has left
 * since, may have been counted after it: so much more may be used now. Nothing is lowered when
 * anything of earlier windows was in flight, or something was carried here or found foreign since.
 *
 * Must be called before window_land(), for a window that has not turned.
 * Return: true when the books were lowered; false: nothing changed.
 */
CHECKED bool window_believe(const struct window *w, uint64_t number,
                            const struct window_place *place, uint32_t used);

/*
 * Whether the request of @place was alone from take to answer, and is to be landed yet: nobody else
 * of ours was flying when it took or was released for sending since.
 */
bool window_is_alone(const struct window *w, uint64_t number, const struct window_place *place);

/**
 * window_relieve() - a header may prove that what was carried into window @number is not counted
 *                    there
 * @place: of the request whose answer it came with, as it was when that was released
 * @refund: part of its amount that is not counted after all, and will be taken off sent
 * @used:  what the exchange had counted in this window, that request included
 *
 * All that was carried before it left was answered before it left: so it was counted before it, and
 * is in @used, if in this window at all. Beyond @used, only what flew beside it can have been
 * counted since, and what was released or carried after it, which the books have besides. What they
 * have more is relieved. Only what was carried, never what was found foreign; and nothing when the
 * header shows less than what of ours was certainly counted.
 */
void window_relieve(const struct window *w, uint64_t number, const struct window_place *place,
                    uint32_t refund, uint32_t used);

/* A look at one window, for people. */
struct window_view {
        uint32_t spent, flying, held, extra, foreign, top;
};

void window_look(const struct window *w, uint64_t number, struct window_view *ret_view);

#endif
