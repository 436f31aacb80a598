/*
 * Words of a cell
 *
 * How the words of core/layout.h are read and written: for this room only.
 */
#ifndef CORE_WORD_H
#define CORE_WORD_H

#include "core/window.h"

#define FIELD_BITS 22
#define FIELD_MASK ((uint64_t)WINDOW_AMOUNT_MAX)
#define TAG_BITS   20
#define TAG_MASK   ((1ULL << TAG_BITS) - 1)

/*
 * A tag up to this far ahead of ours is a later window: another process has a faster clock, or we
 * were stopped in the middle of a change and go on with a number of long ago. That may be days (36
 * hours of windows of a second); writing would wipe out what is spent now. Further away it is an
 * old window whose tag came round again, in a region that nobody used for months.
 */
#define TAG_AHEAD_MAX (1u << 13)

struct pair {
        uint32_t high, low;
};

static inline uint64_t tag_of(uint64_t number)
{
        return number / RING_CELLS & TAG_MASK;
}

static inline struct cell *cell_of(const struct window *w, uint64_t number)
{
        return &w->slot->cells[number % RING_CELLS];
}

static inline uint64_t pack(uint64_t number, struct pair p)
{
        uint64_t high = p.high > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : p.high;
        uint64_t low = p.low > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : p.low;

        return tag_of(number) << (2 * FIELD_BITS) | high << FIELD_BITS | low;
}

/* The pair of window @number, zero if @word speaks of another. */
static inline struct pair unpack(uint64_t number, uint64_t word)
{
        if (word >> (2 * FIELD_BITS) != tag_of(number))
                return (struct pair){ 0, 0 };
        return (struct pair){ (uint32_t)(word >> FIELD_BITS & FIELD_MASK),
                              (uint32_t)(word & FIELD_MASK) };
}

/*
 * Sequentially consistent, here and in swap(): who writes itself down and then looks at others
 * must not miss those who do the same at the same time.
 */
static inline struct pair read_pair(const word_t *word, uint64_t number)
{
        return unpack(number, atomic_load_explicit(word, memory_order_seq_cst));
}

/* True when @word belongs to a later window than @number: we are late and must not write. */
static inline bool is_later(uint64_t number, uint64_t word)
{
        uint64_t ahead = ((word >> (2 * FIELD_BITS)) - tag_of(number)) & TAG_MASK;

        return ahead >= 1 && ahead <= TAG_AHEAD_MAX;
}

static inline uint32_t add(uint32_t a, uint32_t b)
{
        return a + b > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : a + b;
}

static inline uint32_t minus(uint32_t a, uint32_t b)
{
        return a > b ? a - b : 0;
}

/* What windows before @number still have in flight: it may be counted in @number. */
static inline uint32_t flying_before(const struct window *w, uint64_t number)
{
        uint64_t past = window_past(w->span_ms);
        uint32_t flying = 0;

        for (uint64_t i = 1; i <= past && i <= number; ++i)
                flying = add(flying, read_pair(&cell_of(w, number - i)->sent, number - i).low);
        return flying;
}

/* Beside lowered: somebody is lowering sent right now. Who leaves then is not believed later. */
#define BELIEVING (1u << 21)

/* To be read before the word of sent is written: see window_believe(). */
static inline uint32_t lowered_of(const struct window *w, uint64_t number)
{
        return read_pair(&cell_of(w, number)->foreign, number).low;
}

static inline bool swap(word_t *word, uint64_t *seen, uint64_t next)
{
        return atomic_compare_exchange_weak_explicit(word, seen, next, memory_order_seq_cst,
                                                     memory_order_seq_cst);
}

static inline uint64_t first_look(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_seq_cst);
}

#endif
