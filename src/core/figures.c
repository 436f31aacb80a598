#include "core/figures.h"

#include "core/word.h"

/* A value's word: cost 22 bits, samples 14, windows 8, the last window's number 20. */
#define SAMPLES_SHIFT 28
#define SAMPLES_MASK  0x3fffu
#define WINDOWS_SHIFT 20
#define WINDOWS_MASK  0xffu
#define COST_SHIFT    42
#define NUMBER_MASK   0xfffffu

/* Another process is at the same word: tried again so often, then the sample is not counted. */
#define TRIES 8

struct value {
        uint32_t cost, samples, windows, number;
};

static struct value read_value(uint64_t word)
{
        return (struct value){
                .cost = (uint32_t)(word >> COST_SHIFT),
                .samples = (uint32_t)(word >> SAMPLES_SHIFT & SAMPLES_MASK),
                .windows = (uint32_t)(word >> WINDOWS_SHIFT & WINDOWS_MASK),
                .number = (uint32_t)(word & NUMBER_MASK),
        };
}

static uint64_t write_value(struct value v)
{
        return (uint64_t)v.cost << COST_SHIFT |
               (uint64_t)(v.samples < SAMPLES_MASK ? v.samples : SAMPLES_MASK) << SAMPLES_SHIFT |
               (uint64_t)(v.windows < WINDOWS_MASK ? v.windows : WINDOWS_MASK) << WINDOWS_SHIFT |
               v.number;
}

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static bool exchange(word_t *word, uint64_t *seen, uint64_t next)
{
        return atomic_compare_exchange_strong_explicit(word, seen, next, memory_order_relaxed,
                                                       memory_order_relaxed);
}

/* Where @cost is counted: its own word, a free one, or the one that was seen least. */
static word_t *place_of(struct evidence_figures *f, uint32_t cost)
{
        word_t *least = &f->values[0];

        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                struct value v = read_value(load(&f->values[i]));

                if (v.samples > 0 && v.cost == cost)
                        return &f->values[i];
                if (v.samples < read_value(load(least)).samples)
                        least = &f->values[i];
        }
        return least;
}

static void count(struct evidence_figures *f, uint32_t cost, uint64_t number)
{
        word_t *word = place_of(f, cost);
        uint64_t seen = load(word);

        for (unsigned i = 0; i < TRIES; ++i) {
                struct value v = read_value(seen);

                if (v.samples == 0 || v.cost != cost)
                        v = (struct value){ .cost = cost };
                if (v.samples == 0 || v.number != (number & NUMBER_MASK))
                        ++v.windows;
                ++v.samples;
                v.number = (uint32_t)(number & NUMBER_MASK);
                if (exchange(word, &seen, write_value(v)))
                        return;
        }
}

/* The total's word: cost of the last sample 32 bits, how many in a row show it 16, samples 16. */
#define RUN_SHIFT  16
#define RUN_MASK   0xffffULL
#define TOTAL_MASK 0xffffULL

/* What was true before a price changed is not true now. */
static void forget_others(struct evidence_figures *f, uint32_t cost)
{
        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                uint64_t seen = load(&f->values[i]);

                if (seen != 0 && read_value(seen).cost != cost)
                        (void)exchange(&f->values[i], &seen, 0);
        }
}

/* One more sample, and one more in a row or the first. Return: the word. */
static uint64_t note_total(struct evidence_figures *f, uint32_t cost)
{
        uint64_t seen = load(&f->total), total = 0, run = 0, next = 0;

        for (unsigned i = 0; i < TRIES; ++i) {
                run = seen >> 32 == cost ? (seen >> RUN_SHIFT & RUN_MASK) + 1 : 1;
                total = (seen & TOTAL_MASK) + 1;
                if (run == EVIDENCE_RUN)
                        total = run;
                else if (run > EVIDENCE_RUN)
                        run = EVIDENCE_RUN + 1;
                next = (uint64_t)cost << 32 | run << RUN_SHIFT | total;
                if (exchange(&f->total, &seen, next))
                        break;
        }
        if (run == EVIDENCE_RUN)
                forget_others(f, cost);
        return next;
}

static void halve(struct evidence_figures *f)
{
        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                uint64_t seen = load(&f->values[i]);
                struct value v = read_value(seen);

                v.samples /= 2;
                /* Gone with its last sample. */
                (void)exchange(&f->values[i], &seen, v.samples > 0 ? write_value(v) : 0);
        }
}

/* Return: true when the samples agree on one cost. */
static bool judge(const struct evidence_figures *f, uint32_t *ret_cost)
{
        uint64_t total = load(&f->total) & TOTAL_MASK;
        struct value best = { 0 };
        uint32_t below = 0;

        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                struct value v = read_value(load(&f->values[i]));

                if (v.samples > best.samples)
                        best = v;
        }
        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                struct value v = read_value(load(&f->values[i]));

                if (v.samples > 0 && v.cost < best.cost)
                        below += v.samples;
        }
        *ret_cost = best.cost;
        return best.samples >= EVIDENCE_SAMPLES && best.windows >= EVIDENCE_WINDOWS &&
               (uint64_t)best.samples * 100 >= total * EVIDENCE_SHARE_PCT &&
               below * EVIDENCE_BELOW <= best.samples;
}

static void note_times(struct evidence_figures *f, uint64_t now_ms)
{
        uint64_t never = 0;

        (void)exchange(&f->first_ms, &never, now_ms);
        atomic_store_explicit(&f->last_ms, now_ms, memory_order_relaxed);
}

/*
 * The control word: cost 32 bits, how often it was refuted 12, samples behind a control 10, before
 * one 10.
 */
#define REFUTED_SHIFT 20
#define REFUTED_MASK  0xfffu
#define BEHIND_SHIFT  10
#define PROOF_MASK    0x3ffu

struct proofs {
        uint32_t refuted, behind, before;
};

static struct proofs proofs_of(uint64_t word, uint32_t cost)
{
        if (word >> 32 != cost)
                return (struct proofs){ 0 };
        return (struct proofs){
                .refuted = (uint32_t)(word >> REFUTED_SHIFT & REFUTED_MASK),
                .behind = (uint32_t)(word >> BEHIND_SHIFT & PROOF_MASK),
                .before = (uint32_t)(word & PROOF_MASK),
        };
}

/*
 * What shows another cost than those before it begins anew. What refutes one does too, and asks for
 * more from then on: whoever is nearly in step with us is refuted most of the time, not always.
 */
static void note_control(struct evidence_figures *f, uint32_t cost, enum figures_control control)
{
        uint64_t seen = load(&f->control);
        uint32_t of = control == FIGURES_REFUTED ? (uint32_t)(seen >> 32) : cost;
        struct proofs p = proofs_of(seen, of);

        if (control == FIGURES_PLAIN)
                return;
        if (control == FIGURES_REFUTED)
                p = (struct proofs){ .refuted = p.refuted + (p.refuted < REFUTED_MASK) };
        else if (control == FIGURES_BEHIND)
                p.behind += p.behind < PROOF_MASK;
        else
                p.before += p.before < PROOF_MASK;
        (void)exchange(&f->control, &seen,
                       (uint64_t)of << 32 | (uint64_t)p.refuted << REFUTED_SHIFT |
                               (uint64_t)p.behind << BEHIND_SHIFT | p.before);
}

static bool is_proved(const struct evidence_figures *f, uint32_t cost)
{
        struct proofs p = proofs_of(load(&f->control), cost);
        uint32_t wanted = EVIDENCE_CONTROLS + p.refuted;

        return p.behind >= wanted && p.before >= wanted;
}

enum evidence_control figures_want_control(const struct evidence_figures *f)
{
        struct proofs p;
        uint32_t cost;

        if (!judge(f, &cost) || (uint64_t)cost + 1 <= load(&f->charged) ||
            (uint64_t)cost + 1 == load(&f->learnt) || is_proved(f, cost))
                return EVIDENCE_PLAIN;
        p = proofs_of(load(&f->control), cost);
        return p.behind <= p.before ? EVIDENCE_SUSPECT : EVIDENCE_CONTROL;
}

bool figures_add(struct evidence_figures *f, uint32_t cost, enum figures_control control,
                 uint64_t number, uint32_t charged, uint64_t now_ms)
{
        uint64_t total, learnt;

        total = note_total(f, cost);
        count(f, cost, number);
        note_control(f, cost, control);
        note_times(f, now_ms);
        atomic_store_explicit(&f->charged, (uint64_t)charged + 1, memory_order_relaxed);
        /* Of two who come here at once one halves. */
        if ((total & TOTAL_MASK) >= EVIDENCE_KEPT &&
            exchange(&f->total, &total, (total & ~TOTAL_MASK) | (total & TOTAL_MASK) / 2))
                halve(f);
        if (!judge(f, &cost) || (cost > charged && !is_proved(f, cost)))
                return false;
        learnt = load(&f->learnt);
        return learnt != (uint64_t)cost + 1 && exchange(&f->learnt, &learnt, (uint64_t)cost + 1);
}

bool figures_are_many(const struct evidence_figures *f)
{
        return (load(&f->total) & TOTAL_MASK) >= EVIDENCE_KEPT / 2;
}

void figures_look(const struct evidence_figures *f, struct evidence_view *v)
{
        uint64_t charged = load(&f->charged), learnt = load(&f->learnt),
                 decided = load(&f->decided);
        size_t n = 0;

        v->samples = (uint32_t)(load(&f->total) & TOTAL_MASK);
        v->has_charged = charged > 0;
        v->charged = charged > 0 ? (uint32_t)charged - 1 : 0;
        v->has_learnt = learnt > 0;
        v->learnt = learnt > 0 ? (uint32_t)learnt - 1 : 0;
        v->has_decided = (uint32_t)decided > 0;
        v->decided = v->has_decided ? (uint32_t)decided - 1 : 0;
        v->is_new = learnt != decided >> 32;
        v->first_ms = load(&f->first_ms);
        v->last_ms = load(&f->last_ms);
        for (size_t i = 0; i < EVIDENCE_VALUES; ++i) {
                struct value value = read_value(load(&f->values[i]));
                size_t at = n;

                if (value.samples == 0)
                        continue;
                for (; at > 0 && v->values[at - 1].samples < value.samples; --at)
                        v->values[at] = v->values[at - 1];
                v->values[at].cost = value.cost;
                v->values[at].samples = value.samples;
                v->values[at].windows = value.windows;
                ++n;
        }
        if (n > 0) {
                struct proofs p = proofs_of(load(&f->control), v->values[0].cost);

                v->n_behind = p.behind;
                v->n_before = p.before;
        }
}
