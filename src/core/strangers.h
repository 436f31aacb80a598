/*
 * Strangers
 *
 * Somebody else spends on the same address, and headers show it. What others are likely still to
 * use of a window is kept free for them, and what is kept melts away towards the window's end, so
 * that nothing is wasted by it. This is courtesy, as ceilings are: the law is what is in the books.
 *
 *      limit  |-------------------------------------
 *             |        expected     ____----/
 *             |                ____/       /
 *             |      ours ____/  free     / used by others
 *             |      ____/ ______________/
 *             +-------------------------------------
 *            turn                               turn
 *
 * Kept is, for each budget, how much others use in each sixteenth of its window: a byte each, in
 * 1/255 of the limit. More than that is believed at once, less of it little by little. What others
 * used of one of the last three windows, less what was seen of this one, is expected: of that, for
 * a steady use, the part of the window that is still to come and a quarter more; or, if it is more,
 * for bursts that come at the same moment of each window, what is kept of the sixteenths to come.
 * Who was never seen before, or uses more than ever, is expected to go on as until now.
 *
 * Beyond that, while others are there, as much is left as they used lately between two of our looks
 * and use on average in two trips, a fiftieth of the limit at most: they have done it again by the
 * time that we know. That is for who uses it steadily; a burst that did not come until the window's
 * end is not waited for: one request at a time leaves then (core/alone.h).
 *
 * A window that a burst took to its brim, larger than any of late, is theirs until the turn. What
 * was not seen in a window is half as likely in the next, and after three of them forgotten.
 *
 * All of it is in words that change by one swap or store each; what a killed writer leaves out is a
 * forecast that is a little off.
 */
#ifndef CORE_STRANGERS_H
#define CORE_STRANGERS_H

#include "core/window.h"

/* Whether others were seen in this budget of late. Else there is nothing to ask here. */
static inline bool strangers_are_known(const struct slot *slot)
{
        return (atomic_load_explicit(&slot->strangers[0], memory_order_relaxed) |
                atomic_load_explicit(&slot->strangers[1], memory_order_relaxed)) != 0;
}

/* What others are expected to use of window @number from @at_ms on; all of it: it is theirs, and
 * for none of ours any more. */
uint32_t strangers_expected(const struct window *w, uint64_t number, uint64_t at_ms);

/*
 * Whether others may use @amount or more of window @number before we know that they began, by what
 * they were seen to do lately. *ret_is_likely: they did so in two windows of late, and it may come
 * again.
 */
bool strangers_may_use(const struct window *w, uint64_t number, uint32_t amount,
                       bool *ret_is_likely);

/* Whether others who were not there before have begun with a burst in window @number, and nobody
 * has looked at it for an eighth of it. */
bool strangers_are_unseen(const struct window *w, uint64_t number, uint64_t at_ms);

/**
 * strangers_note() - a header was compared with the books of window @number
 * @used: what it showed
 * @more: use that was not ours and found by it, in the window's foreign already; mostly 0
 */
void strangers_note(const struct window *w, uint64_t number, uint32_t used, uint32_t more,
                    uint64_t now_ms);

#endif
