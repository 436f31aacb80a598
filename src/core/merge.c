/*
 * Two budgets become one
 *
 * Two owners were counted apart, and the exchange counts them together. Each knows its own use and,
 * by headers, some of the other's, so the sum of both would count much of it twice: a day's budget
 * could be closed until midnight for it. A header shows all use up to itself; what is not in the
 * highest of them can only be what either used beyond its own last header, or has in flight.
 */
#include "core/lease.h"
#include "core/limiter.h"
#include "core/pool.h"
#include "core/slot.h"
#include "core/word.h"

#include <errno.h>

/* What one of the two knows of a window. */
struct share {
        uint32_t used;
        uint32_t shown;  /* by a header, as far as the books still say so */
        uint32_t flying; /* may or may not be in it */
};

static struct share share_of(const struct window *w, uint64_t number)
{
        struct window_view v;
        struct share s = { .used = window_used(w, number, true) };

        window_look(w, number, &v);
        s.shown = v.top < s.used ? v.top : s.used;
        s.flying = v.flying;
        return s;
}

/* The most that both together can have used. */
static uint32_t both(struct share a, struct share b)
{
        uint32_t sum = add(a.used, b.used);
        uint32_t shown = a.shown > b.shown ? a.shown : b.shown;
        uint32_t beyond = add(add(a.used - a.shown, b.used - b.shown), add(a.flying, b.flying));

        return add(shown, beyond) < sum ? add(shown, beyond) : sum;
}

/* Raises the word's fields: the higher of @high, and @low more. Does nothing when the window is
 * gone. */
static void raise(word_t *word, uint64_t number, uint32_t high, uint32_t low)
{
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return;
                p = unpack(number, seen);
                p.high = high > p.high ? high : p.high;
                p.low = add(p.low, low);
        } while (!swap(word, &seen, pack(number, p)));
}

/* Counted among what is foreign first, so that no header of ours takes it for a late answer. */
static void raise_foreign(const struct window *w, uint64_t number, uint32_t more)
{
        word_t *word = &cell_of(w, number)->foreign;
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return;
                p = unpack(number, seen);
                p.high = add(p.high, more);
        } while (!swap(word, &seen, pack(number, p)));
        raise(&cell_of(w, number)->held, number, 0, more);
}

static void merge_window(const struct window *from, const struct window *to, uint64_t number)
{
        struct share theirs = share_of(from, number), ours = share_of(to, number);
        uint32_t need = both(theirs, ours);

        if (need > ours.used)
                raise_foreign(to, number, need - ours.used);
        if (theirs.shown > 0)
                raise(&cell_of(to, number)->seen, number, theirs.shown, 0);
}

static void merge_stop(struct slot *from, struct slot *to)
{
        uint64_t until_ms = atomic_load_explicit(&from->shut_until_ms, memory_order_relaxed);
        uint64_t seen = atomic_load_explicit(&to->shut_until_ms, memory_order_relaxed);

        while (seen < until_ms &&
               !atomic_compare_exchange_weak_explicit(&to->shut_until_ms, &seen, until_ms,
                                                      memory_order_relaxed, memory_order_relaxed))
                ;
}

int limiter_merge(struct limiter *l, uint16_t pool, uint64_t from, uint64_t to,
                  struct limiter_time time)
{
        if (from == to)
                return 0;
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = pool_window(l->region, pool, i);
                uint32_t span_ms = region_window_span(window);
                struct window theirs = { NULL, span_ms, region_window_limit(window), NULL },
                              ours = theirs;
                uint64_t last;

                if (span_ms == 0)
                        continue;
                theirs.slot = slot_find(l->region, pool, from, span_ms, false);
                if (!theirs.slot)
                        continue;
                ours.slot = slot_find(l->region, pool, to, span_ms, true);
                if (!ours.slot)
                        return -ENOSPC;
                merge_stop(theirs.slot, ours.slot);
                last = (time.now_ms + time.guard_ms) / span_ms + window_ahead(span_ms);
                for (uint64_t n = window_number(span_ms, time.now_ms, time.guard_ms); n <= last;
                     ++n)
                        merge_window(&theirs, &ours, n);
        }
        return 0;
}

/* The last window that may be now. */
static uint64_t last_of(uint32_t span_ms, struct limiter_time time)
{
        return (time.now_ms + time.guard_ms) / span_ms;
}

/* The first window of @short_ms that lies in window @number of @long_ms, as far as a ring reaches.
 */
static uint64_t first_inside(uint32_t short_ms, uint32_t long_ms, uint64_t number, uint64_t last)
{
        uint64_t first = (number * long_ms + short_ms - 1) / short_ms;
        uint64_t reach = last > RING_CELLS - 1 ? last - (RING_CELLS - 1) : 0;

        return first > reach ? first : reach;
}

/* The first window of @w that counts in the window of @span_ms that @time is in. */
static uint64_t first_of(const struct window *w, uint32_t span_ms, struct limiter_time time)
{
        uint64_t now_ms = time.now_ms > time.guard_ms ? time.now_ms - time.guard_ms : 0;

        return first_inside(w->span_ms, span_ms, now_ms / span_ms, last_of(w->span_ms, time));
}

/* What is used of the window of @time, of one span, in terms of another: of a longer one all that
 * is known of it, of a shorter one as if all had been used just now. */
static uint32_t used_of(const struct window *w, uint32_t span_ms, struct limiter_time time)
{
        uint64_t last = last_of(w->span_ms, time);
        uint32_t used = window_used(w, last, true);

        for (uint64_t n = first_of(w, span_ms, time); n < last; ++n)
                used = add(used, window_used(w, n, false));
        return used;
}

/* Of used_of(), what is known to be others'. */
static uint32_t foreign_of(const struct window *w, uint32_t span_ms, struct limiter_time time)
{
        uint64_t last = last_of(w->span_ms, time), n = first_of(w, span_ms, time);
        uint32_t foreign = 0;

        for (n = n < last ? n : last; n <= last; ++n)
                foreign = add(foreign, read_pair(&cell_of(w, n)->foreign, n).high);
        return foreign;
}

/* What has no answer yet, of all windows that still count. */
static uint32_t flying_of(const struct window *w, struct limiter_time time)
{
        uint64_t last = last_of(w->span_ms, time);

        return add(read_pair(&cell_of(w, last)->sent, last).low, flying_before(w, last));
}

/*
 * What is in flight will land in the books of the old span only. So it is in flight here as well,
 * until it is adopted and lands, or the windows in which it can be counted are over. @is_again: it
 * was carried a moment ago, and only what more there is counts.
 */
static void charge_flying(const struct window *w, uint64_t number, uint32_t flying, bool is_again)
{
        uint32_t known = is_again ? read_pair(&cell_of(w, number)->sent, number).low : 0;

        window_charge(w, number, minus(flying, known));
}

static void carry_slot(const struct window *from, const struct window *to, bool is_again,
                       struct limiter_time time)
{
        uint64_t number = window_number(to->span_ms, time.now_ms, time.guard_ms);
        uint64_t last = last_of(to->span_ms, time);
        uint32_t need = used_of(from, to->span_ms, time);
        uint32_t foreign = foreign_of(from, to->span_ms, time);

        charge_flying(to, last, flying_of(from, time), is_again);
        /* Near the turn it may have been counted before it, or behind it. */
        for (; number <= last; ++number) {
                uint32_t more = minus(need, window_used(to, number, true));
                uint32_t others =
                        minus(foreign, read_pair(&cell_of(to, number)->foreign, number).high);

                /* What is ours is a part of what this host may use of a shared budget. */
                others = others < more ? others : more;
                raise_foreign(to, number, others);
                raise(&cell_of(to, number)->held, number, 0, more - others);
        }
}

void limiter_carry_span(struct limiter *l, uint16_t pool, uint32_t from_ms, uint64_t to_window,
                        struct limiter_time time)
{
        struct window to = { NULL, region_window_span(to_window), region_window_limit(to_window),
                             NULL };
        uint64_t pool_span = slot_name(pool, from_ms);
        bool is_again = pool_limit(l->region, pool, to.span_ms) > 0;

        /* No window has no length; a word that says so is damaged, and holds nothing to carry. */
        if (from_ms == 0 || to.span_ms == 0)
                return;
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct window from = { &l->region->slots[i], from_ms, WINDOW_AMOUNT_MAX, NULL };

                if (atomic_load_explicit(&from.slot->key, memory_order_acquire) == 0 ||
                    atomic_load_explicit(&from.slot->pool_span, memory_order_relaxed) != pool_span)
                        continue;
                if (used_of(&from, to.span_ms, time) == 0)
                        continue;
                to.slot = slot_find(l->region, pool,
                                    atomic_load_explicit(&from.slot->owner, memory_order_relaxed),
                                    to.span_ms, true);
                /* No room: then who wants to use it finds none either. */
                if (to.slot)
                        carry_slot(&from, &to, is_again, time);
        }
}

void limiter_adopt_span(struct limiter *l, struct limiter_ticket *ticket, uint16_t pool,
                        uint32_t from_ms, uint64_t to_window, struct limiter_time time)
{
        uint32_t span_ms = region_window_span(to_window), limit = region_window_limit(to_window);
        unsigned n = ticket->n_takes;

        if (ticket->state != TICKET_FLYING)
                return;
        for (unsigned i = 0; i < n && ticket->n_takes < LIMITER_TAKES; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                struct slot *slot;

                if (take->pool != pool || take->window.span_ms != from_ms)
                        continue;
                slot = slot_find(l->region, pool, take->owner, span_ms, false);
                if (!slot)
                        continue;
                ticket->takes[ticket->n_takes++] = (struct limiter_take){
                        .window = { slot, span_ms, limit, lease_region(l->region) },
                        .number = last_of(span_ms, time),
                        .owner = take->owner,
                        /* Nobody measures by it. */
                        .place = { .amount = take->amount },
                        .amount = take->amount,
                        .pool = pool,
                        .has_ceilings = take->has_ceilings,
                };
        }
}
