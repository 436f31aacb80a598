#include "core/window.h"
#include "core/lease.h"
#include "core/word.h"

#include <errno.h>

static struct pair sent_of(const struct window *w, uint64_t number)
{
        return read_pair(&cell_of(w, number)->sent, number);
}

static struct pair held_of(const struct window *w, uint64_t number)
{
        return read_pair(&cell_of(w, number)->held, number);
}

/* Of extra, what is proven not to be counted. To be read before extra. */
static uint32_t relief_of(const struct window *w, uint64_t number)
{
        return read_pair(&cell_of(w, number)->seen, number).low;
}

/* Of extra, what is not in the way of a ceiling: likewise. In a shared budget that is a part of our
 * cap, which what is known to be others' is no part of. */
static uint32_t discount_of(const struct window *w, uint64_t number)
{
        uint32_t relief = relief_of(w, number);

        return LIKELY(!w->shared)
                       ? relief
                       : add(relief, read_pair(&cell_of(w, number)->foreign, number).high);
}

uint32_t window_others(const struct window *w, uint64_t number)
{
        /* Flying first, extra after it: window_land() writes them in the opposite order. */
        uint32_t flying = flying_before(w, number);
        uint32_t relief = relief_of(w, number);

        return add(flying, minus(held_of(w, number).low, relief));
}

uint32_t window_used(const struct window *w, uint64_t number, bool fly)
{
        uint32_t flying = fly ? flying_before(w, number) : 0;
        uint32_t discount = discount_of(w, number);
        struct pair held = held_of(w, number);

        return add(add(flying, minus(held.low, discount)), add(held.high, sent_of(w, number).high));
}

/* Adds to the fields of a word. Return: what is in it now, nothing when the window is gone. */
static struct pair raise(word_t *word, uint64_t number, uint32_t high, uint32_t low)
{
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return (struct pair){ 0, 0 };
                p = unpack(number, seen);
                p.high = add(p.high, high);
                p.low = add(p.low, low);
        } while (!swap(word, &seen, pack(number, p)));
        return p;
}

void window_charge(const struct window *w, uint64_t number, uint32_t amount)
{
        raise(&cell_of(w, number)->sent, number, amount, amount);
}

/* Takes from the fields of a word; does nothing when the window is gone. */
static void lower(word_t *word, uint64_t number, uint32_t high, uint32_t low)
{
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                if (seen >> (2 * FIELD_BITS) != tag_of(number))
                        return;
                p = unpack(number, seen);
                p.high = minus(p.high, high);
                p.low = minus(p.low, low);
        } while (!swap(word, &seen, pack(number, p)));
}

/* Return: WINDOW_TAKEN with *ret_sent what is sent now, WINDOW_FULL, -ESTALE. */
static int take_sent(struct cell *cell, uint64_t number, uint32_t amount, uint64_t others,
                     uint32_t ceiling, struct pair *ret_sent)
{
        uint64_t seen = first_look(&cell->sent);
        struct pair sent;

        do {
                if (is_later(number, seen))
                        return -ESTALE;
                sent = unpack(number, seen);
                if (sent.high + others + amount > ceiling)
                        return WINDOW_FULL;
                sent.high += amount;
                sent.low = add(sent.low, amount);
        } while (!swap(&cell->sent, &seen, pack(number, sent)));
        *ret_sent = sent;
        return WINDOW_TAKEN;
}

static int take_held(struct cell *cell, uint64_t number, uint32_t amount, uint64_t others,
                     uint32_t discount, uint32_t ceiling, struct pair *ret_held)
{
        uint64_t seen = first_look(&cell->held);
        struct pair held;

        do {
                if (is_later(number, seen))
                        return -ESTALE;
                held = unpack(number, seen);
                if (held.high + minus(held.low, discount) + others + amount > ceiling)
                        return WINDOW_FULL;
                held.high += amount;
        } while (!swap(&cell->held, &seen, pack(number, held)));
        *ret_held = held;
        return WINDOW_TAKEN;
}

int window_take(const struct window *w, uint64_t number, uint32_t amount, uint32_t ceiling,
                bool fly, struct window_place *ret_place)
{
        struct cell *cell = cell_of(w, number);
        uint32_t before = fly ? flying_before(w, number) : 0;
        uint32_t discount = discount_of(w, number), lowered = lowered_of(w, number);
        uint64_t held_word = first_look(&cell->held), sent_word;
        struct pair held = unpack(number, held_word), sent;
        int r;

        if (fly) {
                if (is_later(number, held_word))
                        return -ESTALE;
                r = take_sent(cell, number, amount,
                              (uint64_t)held.high + minus(held.low, discount) + before, ceiling,
                              &sent);
                held = held_of(w, number);
        } else {
                sent_word = first_look(&cell->sent);
                if (is_later(number, sent_word))
                        return -ESTALE;
                sent = unpack(number, sent_word);
                r = take_held(cell, number, amount, sent.high, discount, ceiling, &held);
                sent = sent_of(w, number);
        }
        if (r != WINDOW_TAKEN)
                return r;
        /*
         * Each wrote its own word first and then read the other: of one who sends and one who
         * holds at the same time at least one sees both, and leaves.
         */
        if ((uint64_t)sent.high + held.high + minus(held.low, discount) + before > ceiling) {
                window_give_back(w, number, amount, fly);
                return WINDOW_FULL;
        }
        *ret_place = (struct window_place){
                .position = sent.high + held.high,
                .extra = held.low,
                .sent = sent.high,
                .flying = minus(sent.low, amount),
                .lowered = lowered,
                .amount = amount,
                .is_alone = fly && before == 0 && sent.low == amount,
                .is_clear = fly && before == 0,
        };
        return WINDOW_TAKEN;
}

bool window_fly(const struct window *w, uint64_t number, struct window_place *place)
{
        struct cell *cell = cell_of(w, number);
        uint32_t amount = place->amount;
        struct pair sent;

        if (first_look(&cell->held) >> (2 * FIELD_BITS) != tag_of(number) ||
            is_later(number, first_look(&cell->sent)))
                return false;
        place->lowered = lowered_of(w, number);
        /* In between it is there twice, never not at all. */
        sent = raise(&cell->sent, number, amount, amount);
        lower(&cell->held, number, amount, 0);
        place->sent = sent.high;
        place->flying = minus(sent.low, amount);
        place->extra = held_of(w, number).low;
        place->is_alone = false;
        place->is_clear = flying_before(w, number) == 0;
        return true;
}

void window_unfly(const struct window *w, uint64_t number, uint32_t amount)
{
        if (first_look(&cell_of(w, number)->sent) >> (2 * FIELD_BITS) != tag_of(number))
                return;
        (void)raise(&cell_of(w, number)->held, number, amount, 0);
        lower(&cell_of(w, number)->sent, number, amount, amount);
}

void window_give_back(const struct window *w, uint64_t number, uint32_t amount, bool flew)
{
        if (flew)
                lower(&cell_of(w, number)->sent, number, amount, amount);
        else
                lower(&cell_of(w, number)->held, number, amount, 0);
}

/* The last window that may be now by our clock, not before @number. Mostly it is @number: spares a
 * division. */
static uint64_t last_by_clock(uint32_t span_ms, uint64_t number, uint64_t now_ms, uint64_t guard_ms)
{
        uint64_t latest_ms = now_ms + guard_ms;

        return LIKELY(latest_ms < (number + 1) * span_ms) ? number : latest_ms / span_ms;
}

/* The last window that may be now: by our clock, or because somebody has already sent in it. */
static uint64_t last_now(const struct window *w, uint64_t number, uint64_t now_ms,
                         uint64_t guard_ms)
{
        uint64_t last = last_by_clock(w->span_ms, number, now_ms, guard_ms);

        while (UNLIKELY(sent_of(w, last + 1).high > 0) && last < number + window_ahead(w->span_ms))
                ++last;
        return last;
}

bool window_holds(const struct window *w, uint64_t number, uint32_t amount, uint64_t now_ms,
                  uint64_t guard_ms)
{
        uint64_t last = last_now(w, number, now_ms, guard_ms);

        for (uint64_t n = number; n <= last; ++n) {
                uint64_t others = window_others(w, n);

                if (sent_of(w, n).high + others + amount > w->limit)
                        return false;
                if (!lease_holds(w, n, amount, now_ms + guard_ms))
                        return false;
        }
        return true;
}

uint64_t window_holds_until(uint32_t span_ms, uint64_t number, uint64_t now_ms, uint64_t guard_ms)
{
        uint64_t closes_ms = window_opens_ms(span_ms, number + 1, guard_ms);
        uint64_t unseen_ms =
                (last_by_clock(span_ms, number, now_ms, guard_ms) + 1) * span_ms - guard_ms;

        return closes_ms < unseen_ms ? closes_ms : unseen_ms;
}

void window_land(const struct window *w, uint64_t number, uint32_t amount, uint32_t refund,
                 uint64_t now_ms, uint64_t guard_ms)
{
        uint64_t last = last_now(w, number, now_ms, guard_ms), n = number + 1;

        /* Into the later windows first: a death in between counts it twice, never not at all. */
        if (UNLIKELY(n <= last)) {
                uint64_t ours = window_number(w->span_ms, now_ms, guard_ms);

                n = n > ours ? n : ours;
        }
        for (; n <= last; ++n)
                (void)raise(&cell_of(w, n)->held, n, 0, minus(amount, refund));
        lower(&cell_of(w, number)->sent, number, refund, amount);
}

/* Return: what has been relieved by then. */
static uint32_t top_raise(const struct window *w, uint64_t number, uint32_t top)
{
        word_t *word = &cell_of(w, number)->seen;
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                if (is_later(number, seen))
                        return 0;
                p = unpack(number, seen);
                p.high = top > p.high ? top : p.high;
        } while (!swap(word, &seen, pack(number, p)));
        return p.low;
}

/* All that we can have had counted here: what left, and what is known from before. */
static uint32_t ours(const struct window *w, uint64_t number, uint32_t extra, uint32_t relief)
{
        return add(add(sent_of(w, number).high, minus(extra, relief)), flying_before(w, number));
}

uint32_t window_observe(const struct window *w, uint64_t number, uint32_t used,
                        uint32_t *ret_foreign)
{
        struct cell *cell = cell_of(w, number);
        uint64_t seen;
        struct pair held;
        uint32_t more, relief;

        if (used > WINDOW_AMOUNT_MAX)
                used = WINDOW_AMOUNT_MAX;
        if (is_later(number, first_look(&cell->held)) || is_later(number, first_look(&cell->sent)))
                return 0;
        relief = top_raise(w, number, used);
        seen = first_look(&cell->held);
        do {
                if (is_later(number, seen))
                        return 0;
                held = unpack(number, seen);
                more = minus(used, ours(w, number, held.low, relief));
                if (more == 0)
                        break;
                /* What is relieved is more than all of extra only where extra was lowered since. */
                held.low = add(held.low > relief ? held.low : relief, more);
        } while (!swap(&cell->held, &seen, pack(number, held)));

        if (more > 0)
                (void)raise(&cell->foreign, number, more, 0);
        *ret_foreign = read_pair(&cell->foreign, number).high;
        return more;
}

void window_relieve(const struct window *w, uint64_t number, const struct window_place *place,
                    uint32_t refund, uint32_t used)
{
        struct cell *cell = cell_of(w, number);
        uint32_t foreign = read_pair(&cell->foreign, number).high;
        uint32_t sent = minus(place->sent, refund);
        uint32_t certain = minus(sent, place->flying), counted = add(used, place->flying);
        uint32_t relief = minus(add(sent, place->extra), counted);
        uint64_t seen = first_look(&cell->seen);
        struct pair p;

        if (relief == 0 || used < certain)
                return;
        if (relief > minus(place->extra, foreign))
                relief = minus(place->extra, foreign);
        do {
                uint32_t most;

                if (seen >> (2 * FIELD_BITS) != tag_of(number))
                        return;
                p = unpack(number, seen);
                most = minus(ours(w, number, held_of(w, number).low, 0), p.high);
                if (relief > most)
                        relief = most;
                if (relief <= p.low)
                        return;
                p.low = relief;
        } while (!swap(&cell->seen, &seen, pack(number, p)));
}

/* More than this is not followed: what was sent is told from what was lowered, which must fit. */
#define LOWERED_MAX (BELIEVING - 1)

/* The most that can be used now, when the answer to @place said @used. */
static uint32_t possible(const struct window_place *place, uint32_t used, struct pair sent,
                         uint32_t lowered)
{
        /* Below zero where some that were in flight were given back: they are in @flying. */
        int64_t since = (int64_t)sent.high + lowered - place->sent - place->lowered;
        int64_t most = (int64_t)used + place->flying + since;

        return most < used ? used : most > WINDOW_AMOUNT_MAX ? WINDOW_AMOUNT_MAX : (uint32_t)most;
}

/*
 * Lowered is raised before sent is lowered, by one who has read sent before, and whoever sends
 * reads lowered before writing sent. So of two times one who sends may have seen the older of
 * lowered and the newer of sent, and thinks that more has been sent since: his header is believed
 * less. The other way round he would have changed sent in between, and it is not lowered then.
 */
static bool believe(const struct window *w, uint64_t number, const struct window_place *place,
                    uint32_t used)
{
        struct cell *cell = cell_of(w, number);
        uint64_t seen = first_look(&cell->sent), held_seen = first_look(&cell->held);
        struct pair held = unpack(number, held_seen), sent = unpack(number, seen), landed;
        uint32_t lowered = lowered_of(w, number) & ~BELIEVING,
                 others = minus(sent.low, place->amount), most;

        /* What was carried here or found foreign since may not be in @used yet. */
        if (!place->is_clear || held.low != place->extra || used > WINDOW_AMOUNT_MAX ||
            lowered > LOWERED_MAX || seen >> (2 * FIELD_BITS) != tag_of(number))
                return false;
        most = possible(place, used, sent, lowered);
        landed = (struct pair){ minus(most, held.low), sent.low };
        if (landed.high < others)
                landed.high = others;
        if (landed.high >= sent.high || sent.high - landed.high > LOWERED_MAX - lowered)
                return false;
        (void)raise(&cell->foreign, number, 0, sent.high - landed.high);
        if (!atomic_compare_exchange_strong_explicit(&cell->sent, &seen, pack(number, landed),
                                                     memory_order_seq_cst, memory_order_seq_cst))
                return false;
        /* What we took for others' use was not: one try, the next header gets another chance. */
        if (most < held.low) {
                held.low = most;
                (void)swap(&cell->held, &held_seen, pack(number, held));
        }
        (void)top_raise(w, number, used);
        return true;
}

/* One at a time, and nobody waits for it. Return: false when somebody else does it, or the window
 * is gone. */
static bool begin_believing(word_t *word, uint64_t number)
{
        uint64_t seen = first_look(word);
        struct pair p;

        do {
                p = unpack(number, seen);
                if (is_later(number, seen) || (p.low & BELIEVING))
                        return false;
                p.low |= BELIEVING;
        } while (!swap(word, &seen, pack(number, p)));
        return true;
}

/*
 * Were there two, sent could be what the first has read again when he writes it, though another has
 * left since and a second header was believed: and the other would be forgotten. Nor is one
 * believed that left meanwhile: where sent came back by what was given back, he saw the newer of
 * lowered and the older of sent. Who is killed meanwhile leaves a window of which no header is
 * believed any more.
 */
bool window_believe(const struct window *w, uint64_t number, const struct window_place *place,
                    uint32_t used)
{
        word_t *word = &cell_of(w, number)->foreign;
        bool is_lower;

        if (!place->is_clear || (place->lowered & BELIEVING) || !begin_believing(word, number))
                return false;
        is_lower = believe(w, number, place, used);
        lower(word, number, 0, BELIEVING);
        return is_lower;
}

bool window_is_alone(const struct window *w, uint64_t number, const struct window_place *place)
{
        struct pair alone = { place->sent, place->amount };

        return place->is_alone && first_look(&cell_of(w, number)->sent) == pack(number, alone);
}

void window_look(const struct window *w, uint64_t number, struct window_view *ret_view)
{
        struct pair held = held_of(w, number), sent = sent_of(w, number),
                    seen = read_pair(&cell_of(w, number)->seen, number),
                    foreign = read_pair(&cell_of(w, number)->foreign, number);

        *ret_view = (struct window_view){
                .spent = add(sent.high, held.high),
                .held = held.high,
                .flying = sent.low,
                .extra = minus(held.low, seen.low),
                .top = seen.high,
                .foreign = foreign.high,
        };
}
