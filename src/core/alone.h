/*
 * Alone
 *
 * What is on its way when somebody else takes the rest of a window is refused, all of it: nobody
 * can call it back. So where that may happen one request at a time is on its way, and a burst that
 * nobody could foresee is refused to one of ours at most:
 *
 *  - where strangers are known, in what is left of a window and less than they were seen to use
 *    between two looks, once more as it may have happened twice;
 *  - where they have just begun, with a burst, and nobody has looked for long: one goes and sees;
 *  - where nobody was seen, in the last fifth, for data above its own share, as long as the rest of
 *    the window is time enough to use it up one by one: that costs nothing.
 *
 * A round trip must be short for that, against the window and what is left of it; where it is not,
 * only what was seen in two of the last windows is reason enough to leave some unused.
 *
 * Who leaves alone writes the time into the budget's word of looks (core/strangers.h): one that is
 * on its way for much longer than others holds nobody up. It is courtesy, as ceilings are: the law
 * is in the books. A cancel waits for nobody.
 */
#ifndef CORE_ALONE_H
#define CORE_ALONE_H

#include "core/ceiling.h"
#include "core/limiter.h"

/* Of a limit, about what one request costs. Where they cost less, or the way is slower, more is
 * left than can be used one by one, and several leave at once until it is not. */
#define ALONE_TYPICAL_PART 512

/* Whether @take, with which @used would be used in window @number, may be the only one on its way.
 */
CHECKED bool alone_must(const struct limiter_take *take, const struct ceilings *c,
                        enum weir_class class, uint64_t number, uint64_t used,
                        struct limiter_time time);

/* Whether something is on its way, so that one that must be alone has to wait. */
CHECKED bool alone_waits(const struct limiter_take *take, uint64_t number,
                         struct limiter_time time);

/**
 * alone_claim() - one that must be alone is about to leave
 * @ret_is_over: it leaves although something is on its way, which has been so for too long
 *
 * Return: false: something is on its way, or somebody was quicker.
 */
CHECKED bool alone_claim(const struct limiter_take *take, uint64_t number, struct limiter_time time,
                         bool *ret_is_over);

/* When to ask again, for one that waits. */
uint64_t alone_again_ms(const struct limiter_take *take, struct limiter_time time);

#endif
