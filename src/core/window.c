#include "core/window.h"

#include <errno.h>

#define FIELD_BITS 22
#define FIELD_MASK ((uint64_t)WINDOW_AMOUNT_MAX)
#define TAG_BITS   20
#define TAG_MASK   ((1ULL << TAG_BITS) - 1)

/*
 * A tag this far ahead of ours is another process with a faster clock; further away it is an old
 * window whose tag came round again.
 */
#define TAG_AHEAD_MAX 4

struct pair {
        uint32_t high, low;
};

static uint64_t tag_of(uint64_t number)
{
        return number / RING_CELLS & TAG_MASK;
}

static struct cell *cell_of(const struct window *w, uint64_t number)
{
        return &w->slot->cells[number % RING_CELLS];
}

static uint64_t pack(uint64_t number, struct pair p)
{
        uint64_t high = p.high > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : p.high;
        uint64_t low = p.low > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : p.low;

        return tag_of(number) << (2 * FIELD_BITS) | high << FIELD_BITS | low;
}

/* The pair of window @number, zero if @word speaks of another. */
static struct pair unpack(uint64_t number, uint64_t word)
{
        if (word >> (2 * FIELD_BITS) != tag_of(number))
                return (struct pair){ 0, 0 };
        return (struct pair){ (uint32_t)(word >> FIELD_BITS & FIELD_MASK),
                              (uint32_t)(word & FIELD_MASK) };
}

static struct pair read_pair(const word_t *word, uint64_t number)
{
        return unpack(number, atomic_load_explicit(word, memory_order_acquire));
}

/* True when @word belongs to a later window than @number: we are late and must not write. */
static bool is_later(uint64_t number, uint64_t word)
{
        uint64_t ahead = ((word >> (2 * FIELD_BITS)) - tag_of(number)) & TAG_MASK;

        return ahead >= 1 && ahead <= TAG_AHEAD_MAX;
}

static uint32_t add(uint32_t a, uint32_t b)
{
        return a + b > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : a + b;
}

static uint32_t minus(uint32_t a, uint32_t b)
{
        return a > b ? a - b : 0;
}

/* Release: what was written before, in other words, is seen by who acquires this one. */
static bool swap(word_t *word, uint64_t *seen, uint64_t next)
{
        return atomic_compare_exchange_weak_explicit(word, seen, next, memory_order_acq_rel,
                                                     memory_order_acquire);
}

/* What earlier windows still have in flight: it may be counted now. */
static uint32_t flying_before(const struct window *w, uint64_t number)
{
        uint64_t past = (WINDOW_CARRY_MS + w->span_ms - 1) / w->span_ms;
        uint32_t flying = 0;

        if (past > RING_PAST)
                past = RING_PAST;
        for (uint64_t i = 1; i <= past && i <= number; ++i)
                flying = add(flying, read_pair(&cell_of(w, number - i)->use, number - i).low);
        return flying;
}

uint32_t window_others(const struct window *w, uint64_t number)
{
        /* Flying first, extra after it: window_land() writes them in the opposite order. */
        uint32_t flying = flying_before(w, number);

        return add(flying, read_pair(&cell_of(w, number)->edge, number).low);
}

static uint32_t others_for(const struct window *w, uint64_t number, bool fly)
{
        return fly ? window_others(w, number) : read_pair(&cell_of(w, number)->edge, number).low;
}

uint32_t window_used(const struct window *w, uint64_t number, bool fly)
{
        uint32_t others = others_for(w, number, fly);

        return add(others, read_pair(&cell_of(w, number)->use, number).high);
}

/* Adds to a field of the edge word; does nothing when the window is gone. */
static void edge_change(const struct window *w, uint64_t number, int64_t held, uint32_t extra)
{
        word_t *word = &cell_of(w, number)->edge;
        uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return;
                p = unpack(number, seen);
                p.high = held >= 0 ? add(p.high, (uint32_t)held) : minus(p.high, (uint32_t)-held);
                p.low = add(p.low, extra);
        } while (!swap(word, &seen, pack(number, p)));
}

int window_take(const struct window *w, uint64_t number, uint32_t amount, uint32_t ceiling,
                bool fly, uint32_t *ret_position, bool *ret_alone)
{
        word_t *word = &cell_of(w, number)->use;
        uint32_t others = others_for(w, number, fly);
        uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
        struct pair p;
        bool alone;

        do {
                if (is_later(number, seen))
                        return -ESTALE;
                p = unpack(number, seen);
                if ((uint64_t)p.high + others + amount > ceiling)
                        return WINDOW_FULL;
                alone = p.low == 0 && others == 0;
                p.high += amount;
                p.low += fly ? amount : 0;
        } while (!swap(word, &seen, pack(number, p)));

        if (!fly)
                edge_change(w, number, (int64_t)amount, 0);
        *ret_position = p.high;
        *ret_alone = alone;
        return WINDOW_TAKEN;
}

bool window_fly(const struct window *w, uint64_t number, uint32_t amount)
{
        word_t *word = &cell_of(w, number)->use;
        uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
        struct pair p;

        do {
                if (seen >> (2 * FIELD_BITS) != tag_of(number))
                        return false;
                p = unpack(number, seen);
                p.low = add(p.low, amount);
        } while (!swap(word, &seen, pack(number, p)));
        edge_change(w, number, -(int64_t)amount, 0);
        return true;
}

/* Lowers spent and flying of window @number; nothing when it is gone. */
static void use_lower(const struct window *w, uint64_t number, uint32_t spent, uint32_t flying)
{
        word_t *word = &cell_of(w, number)->use;
        uint64_t seen = atomic_load_explicit(word, memory_order_acquire);
        struct pair p;

        do {
                if (seen >> (2 * FIELD_BITS) != tag_of(number))
                        return;
                p = unpack(number, seen);
                p.high = minus(p.high, spent);
                p.low = minus(p.low, flying);
        } while (!swap(word, &seen, pack(number, p)));
}

void window_give_back(const struct window *w, uint64_t number, uint32_t amount, bool flew)
{
        use_lower(w, number, amount, flew ? amount : 0);
        if (!flew)
                edge_change(w, number, -(int64_t)amount, 0);
}

void window_land(const struct window *w, uint64_t number, uint32_t amount, uint32_t refund,
                 uint64_t now_ms, uint64_t guard_ms)
{
        uint64_t ours = window_number(w->span_ms, now_ms, guard_ms);
        uint64_t last = (now_ms + guard_ms) / w->span_ms;

        /* Into the later windows first: a death in between counts it twice, never not at all. */
        for (uint64_t n = number + 1 > ours ? number + 1 : ours; n <= last; ++n)
                edge_change(w, n, 0, minus(amount, refund));
        use_lower(w, number, refund, amount);
}

static void seen_raise(const struct window *w, uint64_t number, uint32_t top, uint32_t foreign)
{
        word_t *word = &cell_of(w, number)->seen;
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return;
                p = unpack(number, seen);
                p.high = top > p.high ? top : p.high;
                p.low = add(p.low, foreign);
        } while (!swap(word, &seen, pack(number, p)));
}

bool window_observe(const struct window *w, uint64_t number, uint32_t used, uint32_t *ret_foreign)
{
        struct cell *cell = cell_of(w, number);
        /* Read before use: a reservation made since then only makes us believe less foreign use. */
        uint64_t seen = atomic_load_explicit(&cell->edge, memory_order_acquire);
        struct pair edge, use;
        uint32_t ours, more;

        if (used > WINDOW_AMOUNT_MAX)
                used = WINDOW_AMOUNT_MAX;
        do {
                if (is_later(number, seen))
                        return false;
                edge = unpack(number, seen);
                use = read_pair(&cell->use, number);
                /* All that we can have had counted here: what left, and what is known from before.
                 */
                ours = add(add(minus(use.high, edge.high), edge.low), flying_before(w, number));
                more = minus(used, ours);
                if (more == 0)
                        break;
                edge.low = add(edge.low, more);
        } while (!swap(&cell->edge, &seen, pack(number, edge)));

        seen_raise(w, number, used, more);
        *ret_foreign = read_pair(&cell->seen, number).low;
        return more > 0;
}

bool window_believe(const struct window *w, uint64_t number, uint32_t position, uint32_t amount,
                    uint32_t used)
{
        struct cell *cell = cell_of(w, number);
        uint64_t edge_seen = atomic_load_explicit(&cell->edge, memory_order_acquire);
        struct pair edge = unpack(number, edge_seen), alone = { position, amount }, landed;
        uint64_t seen = pack(number, alone);

        if (edge.high != 0 || used > WINDOW_AMOUNT_MAX)
                return false;
        if (used >= add(position, edge.low))
                return false;
        landed.high = used > edge.low ? used - edge.low : 0;
        landed.low = 0;
        if (!atomic_compare_exchange_strong_explicit(&cell->use, &seen, pack(number, landed),
                                                     memory_order_acq_rel, memory_order_acquire))
                return false;
        /* What we took for others' use was not: one try, the next header gets another chance. */
        if (used < edge.low) {
                edge.low = used;
                (void)swap(&cell->edge, &edge_seen, pack(number, edge));
        }
        seen_raise(w, number, used, 0);
        return true;
}

void window_look(const struct window *w, uint64_t number, struct window_view *ret_view)
{
        const struct cell *cell = cell_of(w, number);
        struct pair use = read_pair(&cell->use, number), edge = read_pair(&cell->edge, number),
                    seen = read_pair(&cell->seen, number);

        *ret_view = (struct window_view){
                .spent = use.high,
                .flying = use.low,
                .held = edge.high,
                .extra = edge.low,
                .top = seen.high,
                .foreign = seen.low,
        };
}
