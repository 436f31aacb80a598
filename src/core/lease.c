#include "core/lease.h"

#include "core/word.h"

#define SHARE_MASK UINT32_MAX

static word_t *cap_word(const struct window *w, uint64_t number)
{
        return &lease_of(w)->caps[number % RING_CELLS];
}

uint32_t lease_share(const struct window *w, uint64_t at_ms)
{
        uint64_t share = first_look(&lease_of(w)->share) & SHARE_MASK;

        if (at_ms >= first_look(&w->shared->lease->share_until_ms))
                return 0;
        return share < w->limit ? (uint32_t)share : w->limit;
}

/* Whether @word is of @number; then *ret is its cap. */
static bool is_spoken(uint64_t word, uint64_t number, uint32_t *ret)
{
        if (word >> (2 * FIELD_BITS) != tag_of(number))
                return false;
        *ret = unpack(number, word).high;
        return true;
}

uint32_t lease_cap(const struct window *w, uint64_t number, uint64_t at_ms)
{
        uint64_t word, again;
        uint32_t cap;

        if (LIKELY(!w->shared))
                return w->limit;
        word = first_look(cap_word(w, number));
        for (;;) {
                if (is_spoken(word, number, &cap))
                        break;
                if (is_later(number, word))
                        return 0;
                cap = lease_share(w, at_ms);
                /* The share may be that of other windows, since this one was spoken about. */
                again = first_look(cap_word(w, number));
                if (again == word)
                        break;
                word = again;
        }
        return cap < w->limit ? cap : w->limit;
}

/* What is foreign or relieved only grows, so what is read before extra is not more than what extra
 * has of it. */
static uint32_t carried(const struct window *w, uint64_t number)
{
        const struct cell *cell = cell_of(w, number);
        uint32_t not_ours =
                add(read_pair(&cell->seen, number).low, read_pair(&cell->foreign, number).high);

        return minus(read_pair(&cell->held, number).low, not_ours);
}

uint32_t lease_used(const struct window *w, uint64_t number)
{
        /* Flying first, extra after it, as window_others(). */
        uint32_t used = flying_before(w, number);

        used = add(used, carried(w, number));
        return add(used, read_pair(&cell_of(w, number)->sent, number).high);
}

struct lease_residue lease_residue(const struct window *w, uint64_t number)
{
        struct lease_residue r;
        uint32_t cap = lease_cap(w, number, 0), flying;
        /* What is sent after this is in the cap's rest, what lands after it is in no later window
         * or carried there. */
        struct pair sent = read_pair(&cell_of(w, number)->sent, number);

        flying = flying_before(w, number);
        r.before = add(flying, carried(w, number));
        r.after = add(add(minus(cap, sent.high), sent.low), add(flying, carried(w, number + 1)));
        return r;
}

bool lease_holds(const struct window *w, uint64_t number, uint32_t amount, uint64_t at_ms)
{
        if (LIKELY(!w->shared))
                return true;
        /* The cap last: it is looked at by who is written down. */
        return (uint64_t)lease_used(w, number) + amount <= lease_cap(w, number, at_ms);
}

uint64_t lease_until_ms(const struct window *w, uint64_t number)
{
        uint32_t cap;

        if (LIKELY(!w->shared) || is_spoken(first_look(cap_word(w, number)), number, &cap))
                return UINT64_MAX;
        return first_look(&w->shared->lease->share_until_ms);
}

/* Cut as a cell's word, but one word serves all windows: its tag is of the number itself. */
static uint64_t pack_hunger(uint64_t number, struct pair p)
{
        return pack(0, p) | (number & TAG_MASK) << (2 * FIELD_BITS);
}

static struct pair unpack_hunger(uint64_t number, uint64_t word)
{
        bool is_of_it = word >> (2 * FIELD_BITS) == (number & TAG_MASK);

        return is_of_it ? unpack(0, word & ~(TAG_MASK << (2 * FIELD_BITS))) : (struct pair){ 0, 0 };
}

static void add_hunger(word_t *word, uint64_t number, uint32_t amount)
{
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
        struct pair p;

        do {
                p = unpack_hunger(number, seen);
                p.high = amount > p.high ? amount : p.high;
                p.low = add(p.low, amount);
        } while (!atomic_compare_exchange_weak_explicit(word, &seen, pack_hunger(number, p),
                                                        memory_order_relaxed,
                                                        memory_order_relaxed));
}

void lease_hunger(const struct window *w, uint64_t number, uint32_t amount, bool is_urgent)
{
        if (is_urgent)
                add_hunger(&lease_of(w)->urgent, number, amount);
        add_hunger(&lease_of(w)->hunger, number, amount);
}

static struct pair read_hunger(const word_t *word, uint64_t number)
{
        return unpack_hunger(number, atomic_load_explicit(word, memory_order_relaxed));
}

struct lease_wish lease_wish(const struct window *w, uint64_t number)
{
        struct pair all = read_hunger(&lease_of(w)->hunger, number);
        struct pair urgent = read_hunger(&lease_of(w)->urgent, number);

        return (struct lease_wish){ all.high, all.low, urgent.low };
}

static void write_cap(const struct window *w, uint64_t number, uint32_t cap, uint32_t was)
{
        atomic_store_explicit(cap_word(w, number), pack(number, (struct pair){ cap, was }),
                              memory_order_seq_cst);
}

/*
 * What a cap that was @was becomes, when what is used is looked at now. Of one that ends, since a
 * share is over, nothing is used in a window in which nothing was sent: what flies from before is
 * not held by it, and would become a cap that the store may have given to others.
 */
static uint32_t covered(const struct window *w, uint64_t number, uint32_t cap, uint32_t was)
{
        uint32_t used = lease_used(w, number);

        if (cap == 0 && read_pair(&cell_of(w, number)->sent, number).high == 0)
                return 0;
        if (used > was)
                used = was;
        return used > cap ? used : cap;
}

uint32_t lease_speak(const struct window *w, uint64_t number, uint64_t at_ms)
{
        uint64_t word = first_look(cap_word(w, number));
        uint32_t cap, was;

        if (is_spoken(word, number, &cap))
                return cap;
        if (is_later(number, word))
                return 0;
        cap = lease_share(w, at_ms);
        was = (uint32_t)(first_look(&lease_of(w)->share) >> 32);
        /* Of a share that is over some may have been used while it held. */
        if (was > cap) {
                write_cap(w, number, cap, was);
                cap = covered(w, number, cap, was);
        }
        write_cap(w, number, cap, cap);
        return cap;
}

uint32_t lease_lower(const struct window *w, uint64_t number, uint32_t cap)
{
        uint64_t word = first_look(cap_word(w, number));
        uint32_t was, now;

        if (!is_spoken(word, number, &now))
                return 0;
        was = unpack(number, word).low;
        if (cap >= was)
                return now;
        write_cap(w, number, cap, was);
        now = covered(w, number, cap, was);
        write_cap(w, number, now, now);
        return now;
}

void lease_raise(const struct window *w, uint64_t number, uint32_t cap)
{
        uint32_t now;

        if (is_spoken(first_look(cap_word(w, number)), number, &now) && cap > now)
                write_cap(w, number, cap, cap);
}

/* Ends what writing @share with @was beside it began. */
static void end_share(const struct window *w, uint64_t share, uint64_t was, uint64_t first,
                      uint64_t last)
{
        for (uint64_t n = first; was > share && n <= last; ++n) {
                uint64_t word = first_look(cap_word(w, n));
                uint32_t cap;

                if (is_spoken(word, n, &cap) || is_later(n, word))
                        continue;
                cap = covered(w, n, (uint32_t)share, (uint32_t)was);
                if (cap > share)
                        write_cap(w, n, cap, cap);
        }
        atomic_store_explicit(&lease_of(w)->share, share << 32 | share, memory_order_seq_cst);
}

void lease_set_share(const struct window *w, uint32_t share, uint64_t first, uint64_t last)
{
        uint64_t was = first_look(&lease_of(w)->share) >> 32;

        if (share < was)
                atomic_store_explicit(&lease_of(w)->share, was << 32 | share, memory_order_seq_cst);
        end_share(w, share, was, first, last);
}

void lease_settle(const struct window *w, uint64_t first, uint64_t last)
{
        uint64_t share = first_look(&lease_of(w)->share);

        for (uint64_t n = first; n <= last; ++n) {
                uint64_t word = first_look(cap_word(w, n));
                struct pair p = unpack(n, word);

                if (p.low > p.high) {
                        uint32_t cap = covered(w, n, p.high, p.low);

                        write_cap(w, n, cap, cap);
                }
        }
        if (share >> 32 > (share & SHARE_MASK))
                end_share(w, share & SHARE_MASK, share >> 32, first, last);
}

void lease_give_up(const struct window *w, uint64_t first, uint64_t last, uint64_t at_ms)
{
        for (uint64_t number = first; number <= last; ++number) {
                (void)lease_speak(w, number, at_ms);
                (void)lease_lower(w, number, 0);
        }
        lease_set_share(w, 0, first, last);
}
