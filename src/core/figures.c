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

/* The control word: cost 32 bits, samples behind a control 16, before one 16. */
#define BEHIND_SHIFT 16
#define PROOF_MASK   0xffffu

/* What shows another cost than those before it begins anew. */
static void note_control(struct evidence_figures *f, uint32_t cost, enum figures_control control)
{
        uint64_t seen = load(&f->control);
        uint64_t next = seen >> 32 == cost ? seen : (uint64_t)cost << 32;

        if (control == FIGURES_PLAIN)
                return;
        if (control == FIGURES_REFUTED)
                next = 0;
        else if (control == FIGURES_BEHIND && (next >> BEHIND_SHIFT & PROOF_MASK) < PROOF_MASK)
                next += 1u << BEHIND_SHIFT;
        else if (control == FIGURES_BEFORE && (next & PROOF_MASK) < PROOF_MASK)
                ++next;
        (void)exchange(&f->control, &seen, next);
}

static void proofs_of(const struct evidence_figures *f, uint32_t cost, uint32_t *ret_behind,
                      uint32_t *ret_before)
{
        uint64_t control = load(&f->control);

        *ret_behind = control >> 32 == cost ? control >> BEHIND_SHIFT & PROOF_MASK : 0;
        *ret_before = control >> 32 == cost ? control & PROOF_MASK : 0;
}

static bool is_proved(const struct evidence_figures *f, uint32_t cost)
{
        uint32_t behind, before;

        proofs_of(f, cost, &behind, &before);
        return behind >= EVIDENCE_CONTROLS && before >= EVIDENCE_CONTROLS;
}

enum evidence_control figures_want_control(const struct evidence_figures *f)
{
        uint32_t cost, behind, before;

        if (!judge(f, &cost) || (uint64_t)cost + 1 <= load(&f->charged) ||
            (uint64_t)cost + 1 == load(&f->learnt) || is_proved(f, cost))
                return EVIDENCE_PLAIN;
        proofs_of(f, cost, &behind, &before);
        return behind <= before ? EVIDENCE_SUSPECT : EVIDENCE_CONTROL;
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
        if (n > 0)
                proofs_of(f, v->values[0].cost, &v->n_behind, &v->n_before);
}
