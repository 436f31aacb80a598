#include "core/strangers.h"
#include "core/word.h"

#define PHASES 16
/* Windows that tell how much others use of one. */
#define HISTORY 3
/* Of the limit: most that is left for what others did between two looks. */
#define STEP_PART 50
/* Of what others use of a window, so much at once makes it a burst: no part of it comes later. */
#define BURST_PART 4
/* A burst that did not come is waited for until the last part of the window, and less and less in
 * it. */
#define BURST_MELTS_PART 8
/* This much of the limit is ours in any case. */
#define LEAST_PART 16
/* Of the word's low field: noted, phase, over, and others' use when the phase began. */
#define NOTED       (1u << 21)
#define PHASE_SHIFT 17
#define OVER        (1u << 16)
#define BEGAN_MASK  (OVER - 1)

/* How far others have come in a window. */
struct mark {
        uint32_t used;  /* until now */
        uint32_t began; /* when the phase began; rounded down */
        unsigned phase;
        bool is_noted;
        bool is_over; /* the limit was passed: others wanted more than they got */
};

/* What does not fit its bits is kept in 1/64. */
static unsigned began_shift(const struct window *w)
{
        return w->limit > BEGAN_MASK ? 6 : 0;
}

static struct mark mark_of(const struct window *w, struct pair p)
{
        return (struct mark){
                .used = p.high,
                .began = (p.low & BEGAN_MASK) << began_shift(w),
                .phase = p.low >> PHASE_SHIFT & (PHASES - 1),
                .is_noted = (p.low & NOTED) != 0,
                .is_over = (p.low & OVER) != 0,
        };
}

static struct pair pair_of(const struct window *w, const struct mark *m)
{
        uint32_t began = m->began >> began_shift(w);

        return (struct pair){ m->used, NOTED | m->phase << PHASE_SHIFT | (m->is_over ? OVER : 0) |
                                               (began < BEGAN_MASK ? began : BEGAN_MASK) };
}

static struct mark mark_read(const struct window *w, uint64_t number)
{
        return mark_of(w, read_pair(&cell_of(w, number)->foreign, number));
}

static uint64_t into_ms(const struct window *w, uint64_t number, uint64_t at_ms)
{
        uint64_t turn_ms = number * w->span_ms, into = at_ms > turn_ms ? at_ms - turn_ms : 0;

        return into < w->span_ms ? into : w->span_ms - 1;
}

/* The byte of @phase. */

static uint32_t amount_of(const struct window *w, uint64_t byte)
{
        return (uint32_t)((byte * w->limit + 254) / 255);
}

static uint64_t byte_of(const struct window *w, uint32_t amount)
{
        uint64_t byte = w->limit ? ((uint64_t)amount * 255 + w->limit - 1) / w->limit : 0;

        return byte < 255 ? byte : 255;
}

/* So much was used in @phase, and maybe more to come (@is_over: not any more). */
static void learn(const struct window *w, unsigned phase, uint32_t used, bool is_over)
{
        word_t *word = &w->slot->strangers[phase / 8];
        unsigned shift = phase % 8 * 8;
        uint64_t seen = atomic_load_explicit(word, memory_order_relaxed), was, is, next;

        do {
                was = seen >> shift & 255;
                is = byte_of(w, used);
                if (is < was)
                        is = is_over ? was - (was - is + 3) / 4 : was;
                if (is == was)
                        return;
                next = (seen & ~(255ULL << shift)) | is << shift;
        } while (!atomic_compare_exchange_weak_explicit(word, &seen, next, memory_order_relaxed,
                                                        memory_order_relaxed));
}

/* The phases of @m from its own on, before @end, are over. */
static void learn_until(const struct window *w, const struct mark *m, uint32_t used, unsigned end)
{
        for (unsigned phase = m->phase; phase < end; ++phase)
                learn(w, phase, phase == m->phase ? minus(used, m->began) : 0, true);
}

/* When a header of this budget was last looked at, and what others used lately between two looks.
 */
static uint64_t look_ms(const struct window *w)
{
        return atomic_load_explicit(&w->slot->look, memory_order_relaxed) >> FIELD_BITS;
}

static uint32_t step_of(const struct window *w)
{
        return (uint32_t)(atomic_load_explicit(&w->slot->look, memory_order_relaxed) & FIELD_MASK);
}

static void look_note(const struct window *w, uint32_t more, uint64_t now_ms)
{
        uint32_t step = step_of(w);
        uint64_t last_ms = look_ms(w);

        if (more > 0)
                step = more >= step ? more : step - (step - more) / 16;
        if (now_ms < last_ms)
                now_ms = last_ms;
        atomic_store_explicit(&w->slot->look, now_ms << FIELD_BITS | step, memory_order_relaxed);
}

void strangers_note(const struct window *w, uint64_t number, uint32_t used, uint32_t more,
                    uint64_t now_ms)
{
        word_t *word = &cell_of(w, number)->foreign;
        uint64_t seen = first_look(word);
        unsigned phase = 0;
        struct mark was, is;

        if (LIKELY(more == 0 && !strangers_are_known(w->slot)))
                return;
        do {
                if (is_later(number, seen))
                        return;
                was = is = mark_of(w, unpack(number, seen));
                phase = (unsigned)(into_ms(w, number, now_ms) * PHASES / w->span_ms);
                is.is_over = was.is_over || used > w->limit;
                if (was.is_noted && phase <= was.phase && is.is_over == was.is_over)
                        break;
                if (!was.is_noted || phase > was.phase) {
                        is.is_noted = true;
                        is.phase = phase;
                        /* What was found just now may have happened a moment ago. */
                        is.began = minus(was.used, more);
                }
        } while (!swap(word, &seen, pack(number, pair_of(w, &is))));

        if (!was.is_noted && number > 0) {
                struct mark last = mark_read(w, number - 1);

                if (last.is_noted)
                        learn_until(w, &last, last.used, PHASES);
        }
        if (phase > was.phase)
                learn_until(w, &was, minus(was.used, more), phase);
        if (more > 0) {
                learn(w, is.phase, minus(is.used, is.began), false);
                more = more / (is.phase - was.phase + 1) + 1;
        }
        look_note(w, more, now_ms);
}

/*
 * The most that others used of one of the last windows. What they did after the last look at it was
 * not seen: as until then. Where the limit was passed they wanted more, nobody knows how much.
 */
static uint32_t history(const struct window *w, uint64_t number)
{
        uint64_t most = 0;

        for (uint64_t i = 1; i <= HISTORY && i <= number; ++i) {
                struct mark m = mark_read(w, number - i);
                uint64_t used = m.used;

                if (m.is_over)
                        used += used / 2;
                if (m.is_noted)
                        used = used * PHASES / (m.phase < PHASES / 4 ? PHASES / 4 : m.phase + 1);
                most = used > most ? used : most;
        }
        return most < w->limit ? (uint32_t)most : w->limit;
}

/* What is left of the phases from @phase on. */
static uint32_t by_phases(const struct window *w, const struct mark *m, unsigned phase)
{
        uint64_t words[2] = { atomic_load_explicit(&w->slot->strangers[0], memory_order_relaxed),
                              atomic_load_explicit(&w->slot->strangers[1], memory_order_relaxed) };
        uint32_t rest = 0;

        for (unsigned k = phase; k < PHASES; ++k) {
                uint32_t amount = amount_of(w, words[k / 8] >> (k % 8 * 8) & 255);

                if (k == phase && m->phase == k)
                        amount = minus(amount, minus(m->used, m->began));
                rest = add(rest, amount);
        }
        return rest;
}

/*
 * What is likely to come after the last look, given that others used @before of one of the last
 * windows. Not after now: what they did since is not seen yet.
 */
static uint64_t likely(const struct window *w, const struct mark *m, uint32_t before, uint64_t into)
{
        uint64_t rest = w->span_ms - into, least = w->span_ms / PHASES + 1, phases, time;

        if (before == 0) {
                /* The first time: he goes on as until now, and not for more than until now. */
                time = m->used * rest / (into > least ? into : least);
                return time < m->used ? time : m->used;
        }
        phases = by_phases(w, m, (unsigned)(into * PHASES / w->span_ms));
        if (step_of(w) < before / BURST_PART)
                /* Steadily, and a quarter more, since no two windows are alike. */
                time = before * rest / w->span_ms * 5 / 4;
        else if (m->used >= before)
                /* All at once, and that is over. */
                time = 0;
        else
                /* All at once, at any moment. */
                time = before *
                       (rest < w->span_ms / BURST_MELTS_PART ? rest * BURST_MELTS_PART
                                                             : w->span_ms) /
                       w->span_ms;
        return time > phases ? time : phases;
}

uint32_t strangers_expected(const struct window *w, uint64_t number, uint64_t at_ms)
{
        uint64_t expected, step, looked_ms = look_ms(w);
        uint32_t before;
        struct mark m;

        if (LIKELY(!strangers_are_known(w->slot)))
                return 0;
        m = mark_read(w, number);
        before = history(w, number);
        if (before == 0 && m.used == 0)
                return 0;
        /* Once as long as it takes us to know, and once until what we send then is there. */
        step = 2 * (uint64_t)step_of(w);
        if (step > w->limit / STEP_PART)
                step = w->limit / STEP_PART;
        expected = likely(w, &m, before, into_ms(w, number, looked_ms < at_ms ? looked_ms : at_ms));
        /* The last of the last window were not seen either. */
        if (before > 0 && m.used < before && expected > before + step - m.used)
                expected = before + step - m.used;
        if (expected < step)
                expected = step;
        /* Who never sends anything never sees that there is nobody. */
        before = w->limit - w->limit / LEAST_PART;
        return expected < before ? (uint32_t)expected : before;
}
