/*
 * Leases
 *
 * What this host may use of budgets that it shares with other hosts (docs/hosts.md): a cap for each
 * window, which the keeper writes, one process of the host, as a store has granted it. A window
 * without a cap of its own has the share. A region whose header says that nothing is shared has
 * none of this, and its limits are the only caps.
 *
 * Why a host never has more counted in a window W than a cap allowed that the store knows. Whoever
 * sends has written the request down as sent and flying first (core/window.h), and leaves only if
 * after that all that may be counted in W of this host (sent there, flying from before, carried
 * there) is within the cap: lease_holds(). Of all requests that are counted in W take the one that
 * looked last: the others were written down before it looked, so all of them together were within
 * the cap that it read. What is known to be others' is not in this sum; it is held against the
 * whole limit, with ours, as ever.
 *
 * A cap that rises needs no care: the store has it before. A cap that is lowered, from c to d, is
 * written first, c beside it, and the books are looked at after it. All of this is sequentially
 * consistent, so of one who takes and one who lowers at once at least one sees the other: who read
 * c had written himself down before the keeper looks, and is in what it finds, u; all who read c
 * are within c together. Who reads later reads d. So all together are within max(d, min(c, u)),
 * and that is what the cap becomes; nothing less is told to the store. What u has of those who
 * were too many and are about to take theirs back makes it larger, never smaller. The keeper may
 * be killed anywhere: c is still beside d, and the next one looks and goes on.
 *
 * A share is lowered in the same way: written first; then every window near now that has no cap of
 * its own, and in which more is used, gets one, of what is used, within the old share. A window
 * that is spoken about gets its cap while the share stands, and who found no cap and read the share
 * looks at the cap again: so nobody takes a share that was raised for other windows.
 */
#ifndef CORE_LEASE_H
#define CORE_LEASE_H

#include "core/region.h"
#include "core/window.h"

/* For region_header.sharing. */
#define LEASE_SHARING 1u

/* The region's leases if it shares its budgets, for struct window; else NULL. */
static inline const struct region *lease_region(const struct region *of)
{
        return UNLIKELY(atomic_load_explicit(&of->header->sharing, memory_order_relaxed) != 0)
                       ? of
                       : NULL;
}

/* The lease of @w, which is shared. */
static inline struct lease *lease_of(const struct window *w)
{
        return &w->shared->leases[w->slot - w->shared->slots];
}

/* The cap of windows without one of their own, as of @at_ms. */
uint32_t lease_share(const struct window *w, uint64_t at_ms);

/**
 * lease_cap() - the most that this host may use of window @number
 * @at_ms: the latest time that may be now: a learnt share may be over
 *
 * The limit where nothing is shared. 0 for a window that is gone.
 */
uint32_t lease_cap(const struct window *w, uint64_t number, uint64_t at_ms);

/* All of ours that may be counted in window @number as far as it was released: sent there, carried
 * there and flying from before. */
uint32_t lease_used(const struct window *w, uint64_t number);

/* What of ours may be counted later than in the window that it was released in, of window @number:
 * for the store. */
struct lease_residue {
        uint32_t before; /* flying from windows before it, and carried into it */
        uint32_t after;  /* all that may be counted in the next: flying, carried there already, and
                          * what of the cap was not sent yet */
};

struct lease_residue lease_residue(const struct window *w, uint64_t number);

/* Whether that and @amount more is within the cap. True where nothing is shared. */
CHECKED bool lease_holds(const struct window *w, uint64_t number, uint32_t amount, uint64_t at_ms);

/* Until when lease_cap() of @number stays what it is, if nobody changes it; exchange ms. */
uint64_t lease_until_ms(const struct window *w, uint64_t number);

/* @amount found no room under the cap of @number; urgent: of an order, a cancel, what closes. */
void lease_hunger(const struct window *w, uint64_t number, uint32_t amount, bool is_urgent);

/* What is written by lease_hunger(). */
struct lease_wish {
        uint32_t largest, total;
        uint32_t urgent; /* of the total */
};

struct lease_wish lease_wish(const struct window *w, uint64_t number);

/* For the keeper, of which there is one. */

/* Window @number gets a cap of its own, the share of @at_ms, unless it has one. Return: its cap. */
uint32_t lease_speak(const struct window *w, uint64_t number, uint64_t at_ms);

/* Lowers the cap of @number, which was spoken about, to @cap, or to what is used there if that is
 * more. A larger @cap changes nothing. Return: what it is now. */
uint32_t lease_lower(const struct window *w, uint64_t number, uint32_t cap);

/* The store has granted it: the cap of @number, which was spoken about, is at least @cap now. */
void lease_raise(const struct window *w, uint64_t number, uint32_t cap);

/**
 * lease_set_share() - the share of windows that are not spoken about
 * @first, @last: windows that may have been used: those that may be now, and the next
 *
 * Of a share that is raised the store must know before.
 */
void lease_set_share(const struct window *w, uint32_t share, uint64_t first, uint64_t last);

/* Of windows @first to @last what was used of them, else nothing: nothing leaves any more but what
 * did before. @at_ms: as of lease_cap(). */
void lease_give_up(const struct window *w, uint64_t first, uint64_t last, uint64_t at_ms);

/* A keeper was killed in the middle: ends what it began. Windows @first to @last as above. */
void lease_settle(const struct window *w, uint64_t first, uint64_t last);

#endif
