#include "core/strangers.h"
#include "core/alone.h"
#include "core/trip.h"
#include "core/word.h"

#define PHASES 16
/* What is reckoned with that may have come after the last look: that of so many phases. */
#define UNSEEN_PHASES 2
/* Windows that tell how much others use of one. */
#define HISTORY 3
/* Of the limit: most that is left for what others did between two looks. */
#define STEP_PART 50
/* Of what others use of a window, so much at once makes it a burst: no part of it comes later. */
#define BURST_PART 4
/* A burst that did not come is waited for until the last part of the window, and less and less in
 * it; longer before the end, half of the window at most, where what it leaves is used one by one
 * (core/alone.h). */
#define BURST_MELTS_PART 8
#define BURST_MELTS_MOST 2
/* Of the limit: most that is left when others have come to a window's brim, and the rest is left
 * alone; and most of what others may do before we know that is reckoned with. */
#define BRIM_PART     16
#define SURPRISE_PART 3
/* A burst that was cut off at the limit is expected to be so many times as large. */
#define CUT_TIMES 2
/* This much of the limit is ours in any case. */
#define LEAST_PART 16
/* Of the word's low field: noted, phase, over, theirs, and others' use when the phase began. */
#define NOTED       (1u << 21)
#define PHASE_SHIFT 17
#define OVER        (1u << 16)
#define THEIRS      (1u << 15)
#define BEGAN_MASK  (THEIRS - 1)

/* How far others have come in a window. */
struct mark {
        uint32_t used;  /* until now */
        uint32_t began; /* when the phase began; rounded down */
        unsigned phase;
        bool is_noted;
        bool is_over;   /* the limit was passed: others wanted more than they got */
        bool is_theirs; /* or may be: what is left is not worth a refusal */
};

/* What does not fit its bits is kept in 1/128. */
static unsigned began_shift(const struct window *w)
{
        return w->limit > BEGAN_MASK ? 7 : 0;
}

static struct mark mark_of(const struct window *w, struct pair p)
{
        return (struct mark){
                .used = p.high,
                .began = (p.low & BEGAN_MASK) << began_shift(w),
                .phase = p.low >> PHASE_SHIFT & (PHASES - 1),
                .is_noted = (p.low & NOTED) != 0,
                .is_over = (p.low & OVER) != 0,
                .is_theirs = (p.low & THEIRS) != 0,
        };
}

static struct pair pair_of(const struct window *w, const struct mark *m)
{
        uint32_t began = m->began >> began_shift(w);

        return (struct pair){ m->used, NOTED | m->phase << PHASE_SHIFT | (m->is_over ? OVER : 0) |
                                               (m->is_theirs ? THEIRS : 0) |
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

static uint32_t history(const struct window *w, uint64_t number);

/* Others used @before of one of the last windows at most: nothing to speak of. */
static bool is_stranger_new(const struct window *w, uint32_t before)
{
        return before < w->limit / BRIM_PART;
}

/* They used so much of one sixteenth of a window that nobody would do so steadily. */
static bool is_large(const struct window *w, const struct mark *m)
{
        return minus(m->used, m->began) >= w->limit / BRIM_PART;
}

/* Whether @used is more than ever, when others used @before of one of the last windows at most. */
static bool is_more(uint32_t used, uint32_t before)
{
        return used > before + before / BURST_PART;
}

/* Others are using more of this sixteenth of the window than a part of what they use of a whole
 * one.
 */
static bool is_bursting(const struct window *w, const struct mark *m, uint64_t number)
{
        return minus(m->used, m->began) >= history(w, number) / BURST_PART;
}

/*
 * Others are using more of this sixteenth of the window than is left of it at the last look, in a
 * burst, and more of the window than of any of the last. It goes on or does not: nobody knows, as
 * what is refused them counts too, and is in no header of ours.
 */
static bool is_at_brim(const struct window *w, const struct mark *m, uint64_t number)
{
        uint32_t top = read_pair(&cell_of(w, number)->seen, number).high;
        uint32_t left = minus(w->limit, top), before = history(w, number);

        return left <= w->limit / BRIM_PART && left < minus(m->used, m->began) &&
               is_more(m->used, before) && is_bursting(w, m, number);
}

/* A window begins. What was not seen in the last one is half as likely, and forgotten after some.
 */
static void forget(const struct window *w, uint64_t number)
{
        uint64_t seen = atomic_load_explicit(&w->slot->look, memory_order_relaxed);
        unsigned n = 0;

        while (n < HISTORY && n + 1 <= number) {
                struct mark m = mark_read(w, number - 1 - n);

                if (!m.is_noted || m.used > 0)
                        break;
                ++n;
        }
        if (n == 0)
                return;
        for (unsigned i = 0; n == HISTORY && i < ARRAY_SIZE(w->slot->strangers); ++i)
                atomic_store_explicit(&w->slot->strangers[i], 0, memory_order_relaxed);
        atomic_store_explicit(&w->slot->look,
                              (seen & ~FIELD_MASK) | (n == HISTORY ? 0 : (seen & FIELD_MASK) / 2),
                              memory_order_relaxed);
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
                if (!was.is_noted || phase > was.phase) {
                        is.is_noted = true;
                        is.phase = phase;
                        /* What was found just now may have happened a moment ago. */
                        is.began = minus(was.used, more);
                }
                is.is_over = was.is_over || used > w->limit;
                is.is_theirs =
                        was.is_theirs || is.is_over || (more > 0 && is_at_brim(w, &is, number));
                if (was.is_noted && phase <= was.phase && is.is_over == was.is_over &&
                    is.is_theirs == was.is_theirs)
                        break;
        } while (!swap(word, &seen, pack(number, pair_of(w, &is))));

        if (!was.is_noted && number > 0) {
                struct mark last = mark_read(w, number - 1);

                if (last.is_noted)
                        learn_until(w, &last, last.used, PHASES);
                forget(w, number);
        }
        if (phase > was.phase)
                learn_until(w, &was, minus(was.used, more), phase);
        if (more > 0) {
                /* Who was cut off wanted more. */
                bool is_cut = is.is_over && is_bursting(w, &is, number);

                learn(w, is.phase, minus(is.used, is.began) * (is_cut ? CUT_TIMES : 1), false);
                more = more / (is.phase - was.phase + 1) + 1;
        }
        look_note(w, more, now_ms);
}

/*
 * The most that others used of one of the last windows. What they did after the last look at it was
 * not seen: as until then, unless it was a burst. Where the limit was passed they wanted more,
 * nobody knows how much.
 */
static uint32_t history(const struct window *w, uint64_t number)
{
        uint64_t most = 0;

        for (uint64_t i = 1; i <= HISTORY && i <= number; ++i) {
                struct mark m = mark_read(w, number - i);
                uint64_t used = m.used;

                if (m.is_over)
                        used += used / 2;
                if (m.is_noted && (m.used - m.began < m.used / 2 || !is_large(w, &m)))
                        used = used * PHASES / (m.phase < PHASES / 4 ? PHASES / 4 : m.phase + 1);
                most = used > most ? used : most;
        }
        return most < w->limit ? (uint32_t)most : w->limit;
}

/* The most of all phases, of late. */
static uint32_t largest_phase(const struct window *w)
{
        uint64_t most = 0;

        for (unsigned k = 0; k < PHASES; ++k) {
                uint64_t byte =
                        atomic_load_explicit(&w->slot->strangers[k / 8], memory_order_relaxed) >>
                                (k % 8 * 8) &
                        255;

                most = byte > most ? byte : most;
        }
        return amount_of(w, most);
}

/* All at once, or one by one? */
static bool is_burst(const struct window *w, uint32_t before)
{
        return step_of(w) >= before / BURST_PART;
}

/* Whether others did at least half of @step in two of the last windows, or in this one and one; or
 * twice as much in this one. */
static bool is_likely(const struct window *w, uint64_t number, uint32_t step)
{
        unsigned n = 0;

        for (uint64_t i = 0; i <= HISTORY && i <= number; ++i) {
                uint32_t used = mark_read(w, number - i).used;

                n += used > 0 && used >= step / 2;
        }
        return n >= 2 || mark_read(w, number).used >= 2 * (uint64_t)step;
}

bool strangers_are_unseen(const struct window *w, uint64_t number, uint64_t at_ms)
{
        struct mark m = mark_read(w, number);
        uint64_t phase = into_ms(w, number, at_ms) * PHASES / w->span_ms;

        return phase >= m.phase + UNSEEN_PHASES && is_large(w, &m) &&
               is_stranger_new(w, history(w, number));
}

bool strangers_may_use(const struct window *w, uint64_t number, uint32_t amount,
                       bool *ret_is_likely)
{
        uint32_t step = step_of(w), more = w->limit / STEP_PART, most = w->limit / SURPRISE_PART;
        uint32_t before = history(w, number), phase = largest_phase(w);
        struct mark m = mark_read(w, number);
        /* It comes once in each window, and it is no other. */
        bool is_over = m.used >= before - before / BURST_PART && !is_more(m.used, before);

        /* Once as long as it takes us to know, and once until what we send then is there. */
        more = step < more ? step : more;
        *ret_is_likely = is_likely(w, number, step) && !(is_burst(w, before) && is_over);
        if (amount >= most)
                return false;
        if (amount < add(step, more))
                return true;
        /* While a burst goes on, what it did in this sixteenth of the window it may do again. */
        if (amount < minus(m.used, m.began) && is_bursting(w, &m, number)) {
                *ret_is_likely = true;
                return true;
        }
        /* Who found a burst was not always the first to look, and it comes at another moment of
         * each window. */
        if (phase == 0 || phase < before / 3)
                return false;
        *ret_is_likely = is_likely(w, number, phase) && !is_over;
        before = before < add(phase, phase) ? before : add(phase, phase);
        return amount < add(before, more);
}

/* So long before the turn a burst that did not come is waited for less and less. */
static uint64_t melts_ms(const struct window *w, uint64_t number, uint32_t before)
{
        uint64_t least = w->span_ms / BURST_MELTS_PART, most = w->span_ms / BURST_MELTS_MOST, ms;

        if (!is_likely(w, number, step_of(w)))
                return least;
        ms = (uint64_t)(before / (w->limit / ALONE_TYPICAL_PART + 1)) * trip_most_ms(w->slot);
        return ms < least ? least : ms < most ? ms : most;
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
 * windows. Not after now: what they did since is not seen yet. But where nobody has looked for
 * long, because all is kept for them, one has to go and see.
 */
static uint64_t likely(const struct window *w, uint64_t number, const struct mark *m,
                       uint32_t before, uint64_t at_ms)
{
        uint64_t looked_ms = look_ms(w), now = into_ms(w, number, at_ms),
                 into = into_ms(w, number, looked_ms < at_ms ? looked_ms : at_ms);
        uint64_t ongoing = 0, phases, time;
        uint64_t rest = w->span_ms - into, least = w->span_ms / PHASES + 1, melts;

        if (is_more(m->used, before)) {
                /* More than ever: he goes on as until now, and not for more than until now. */
                time = m->used * rest / (into > least ? into : least);
                time = time < m->used ? time : m->used;
                /* So much at once, and nobody has looked since: it may have gone on all the time.
                 */
                if (is_stranger_new(w, before) && is_large(w, m) && now / least > m->phase)
                        ongoing = (uint64_t)minus(m->used, m->began) * (now / least - m->phase);
                return time > ongoing ? time : ongoing;
        }
        if (into + UNSEEN_PHASES * least < now)
                into = now - UNSEEN_PHASES * least;
        rest = w->span_ms - into;
        phases = by_phases(w, m, (unsigned)(into * PHASES / w->span_ms));
        if (!is_burst(w, before))
                /* Steadily, and a quarter more, since no two windows are alike. */
                time = before * rest / w->span_ms * 5 / 4;
        else if (m->used >= before)
                /* All at once, and that is over. */
                time = 0;
        else {
                /* All at once, at any moment. */
                melts = melts_ms(w, number, before);
                time = rest < melts ? before * rest / melts : before;
        }
        return time > phases ? time : phases;
}

uint32_t strangers_expected(const struct window *w, uint64_t number, uint64_t at_ms)
{
        uint64_t expected, step;
        uint32_t before, most;
        struct mark m;
        bool is_quiet;

        if (LIKELY(!strangers_are_known(w->slot)))
                return 0;
        m = mark_read(w, number);
        before = history(w, number);
        if (before == 0 && m.used == 0)
                return 0;
        /* Nobody knows what they did while the last looks were on their way, and it is theirs. */
        if (m.is_theirs)
                return w->limit;
        /*
         * One at a time leaves here, so that what comes between a look and its arrival is all that
         * nobody sees: one of theirs, and what they use in so long. A burst that did not come until
         * the end is not waited for, nor is who was not there for half of the window.
         */
        step = step_of(w) + 2 * (uint64_t)before * trip_most_ms(w->slot) / w->span_ms + 1;
        if (step > w->limit / STEP_PART)
                step = w->limit / STEP_PART;
        is_quiet = m.used == 0 && look_ms(w) >= number * w->span_ms + w->span_ms / 2;
        if (is_quiet || (is_burst(w, before) && !is_more(m.used, before)))
                step = 0;
        expected = likely(w, number, &m, before, at_ms);
        /* The last of the last window were not seen either. */
        if (before > 0 && m.used < before && expected > before + step - m.used)
                expected = before + step - m.used;
        if (expected < step)
                expected = step;
        /* Who never sends anything never sees that there is nobody. */
        most = w->limit - w->limit / LEAST_PART;
        return expected < most ? (uint32_t)expected : most;
}
