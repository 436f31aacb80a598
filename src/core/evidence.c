#include "core/evidence.h"
#include "core/figures.h"
#include "core/pool.h"
#include "core/slot.h"
#include "core/word.h"

#include <string.h>

/* What the low bits of anchor.variant hold. */
#define WHOSE_KIND       3u
#define WHOSE_CONTROLLED 4u
#define WHOSE_BITS       7u

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(word_t *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

/* What is charged of something has changed. */
static void turn(const struct region *region)
{
        atomic_fetch_add_explicit(&region->header->weights[WEIGHTS_TURN], 1, memory_order_relaxed);
}

/* Slots. */

static struct evidence *evidence_of(struct slot *slot)
{
        return (struct evidence *)(void *)slot->cells;
}

static struct slot *claim_slot(const struct region *region, uint64_t owner, uint32_t span_ms)
{
        struct slot *slot = slot_find(region, REGION_POOL_EVIDENCE, owner, span_ms, false);
        word_t *slots = &region->header->weights[WEIGHTS_SLOTS];

        if (slot || load(slots) >= EVIDENCE_SLOTS_MAX)
                return slot;
        slot = slot_find(region, REGION_POOL_EVIDENCE, owner, span_ms, true);
        if (slot)
                atomic_fetch_add_explicit(slots, 1, memory_order_relaxed);
        return slot;
}

struct evidence *evidence_find(const struct region *region, uint64_t variant)
{
        struct slot *slot = slot_find(region, REGION_POOL_EVIDENCE, variant, 0, false);

        return slot ? evidence_of(slot) : NULL;
}

/* The first word last: it is what says that there is a name. */
static void write_name(struct evidence *e, const char *name)
{
        char text[EVIDENCE_NAME] = { 0 };
        uint64_t words[EVIDENCE_NAME / 8];

        memcpy(text, name, strnlen(name, sizeof(text) - 1));
        memcpy(words, text, sizeof(words));
        for (size_t i = ARRAY_SIZE(words); i-- > 0;)
                store(&e->name[i], words[i]);
}

struct evidence *evidence_claim(const struct region *region, uint64_t variant, const char *name)
{
        struct evidence *e = evidence_find(region, variant);
        word_t *named = &region->header->weights[WEIGHTS_NAMED];
        struct slot *slot;

        if (!e) {
                if (name && load(named) >= EVIDENCE_NAMED_MAX)
                        return NULL;
                slot = claim_slot(region, variant, 0);
                if (!slot)
                        return NULL;
                if (name)
                        atomic_fetch_add_explicit(named, 1, memory_order_relaxed);
                e = evidence_of(slot);
        }
        if (name && load(&e->name[0]) == 0)
                write_name(e, name);
        return e;
}

/* Samples. */

/* The anchors of the budget @slot, of which the one of window @number is returned. */
static struct anchor *anchor_of(const struct region *region, const struct slot *budget,
                                uint32_t span_ms, uint64_t number, bool claim)
{
        uint64_t key = atomic_load_explicit(&budget->key, memory_order_acquire);
        struct slot *slot = claim ? claim_slot(region, key, span_ms)
                                  : slot_find(region, REGION_POOL_EVIDENCE, key, span_ms, false);

        return slot ? (struct anchor *)(void *)&slot->cells[number % RING_CELLS] : NULL;
}

/* The next one alone starts anew; a step that waits to be counted is not. */
static void forget(struct anchor *a, uint64_t number)
{
        uint64_t seen = a ? load(&a->shown) : 0;

        if (seen != 0 && !is_later(number, seen))
                store(&a->shown, 0);
}

/* Of one who has no place in the budget, since we take it for free: it may have cost something. */
static void forget_now(const struct limiter *l, const struct evidence_answer *answer,
                       struct limiter_time time)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = region_window_span(pool_window(l->region, answer->pool, i));
                uint64_t number;
                struct slot *budget;

                if (span_ms == 0)
                        continue;
                budget = slot_find(l->region, answer->pool, answer->owner, span_ms, false);
                number = window_number(span_ms, time.now_ms, time.guard_ms);
                if (budget)
                        forget(anchor_of(l->region, budget, span_ms, number, false), number);
        }
}

/* A request, its answer, and the place that both speak of. */
struct sight {
        const struct limiter *l;
        const struct limiter_take *take;
        const struct evidence_answer *answer;
        uint64_t now_ms;
        uint32_t used; /* that its header shows */
        uint32_t cost; /* that it seems to have */
        uint32_t believed;
        struct evidence_findings *findings;
};

static struct evidence *evidence_for(const struct sight *s)
{
        return s->answer->is_named ? evidence_find(s->l->region, s->answer->variant)
                                   : evidence_claim(s->l->region, s->answer->variant, NULL);
}

static void count(const struct sight *s, uint64_t whose, uint32_t cost,
                  enum figures_control control, uint32_t charged)
{
        const struct region *region = s->l->region;
        uint64_t variant = whose & ~(uint64_t)WHOSE_BITS;
        enum evidence_kind kind = (enum evidence_kind)(whose & WHOSE_KIND);
        struct evidence *e = evidence_find(region, variant);
        struct evidence_findings *findings = s->findings;
        uint32_t before = 0;

        if (!e || kind >= EVIDENCE_KINDS)
                return;
        (void)!evidence_learnt(e, kind, &before);
        if (!figures_add(&e->of[kind], cost, control, s->take->number, charged, s->now_ms))
                return;
        (void)evidence_learnt(e, kind, &cost);
        /* Nobody need look again when what is charged is the same. */
        if (cost > charged || before > charged)
                turn(region);
        must(findings->n < ARRAY_SIZE(findings->all));
        findings->all[findings->n++] = (struct evidence_finding){ variant, kind, charged, cost };
}

/*
 * The step that the last one alone took, now that the next is known. One that went astray is
 * counted only now: had its header been wrong, this one would have made up for it.
 */
static bool settle_step(const struct anchor *a, const struct sight *s, struct pair last)
{
        int64_t astray = (int64_t)last.high - last.low, now = (int64_t)s->cost - s->believed;
        uint64_t whose = load(&a->variant);
        enum figures_control control = whose & WHOSE_CONTROLLED ? FIGURES_BEHIND : FIGURES_PLAIN;
        const struct evidence *e;
        uint32_t charged;

        if (astray != 0 && astray + now == 0)
                return false;
        if (astray == 0 || whose == 0)
                return true;
        e = evidence_find(s->l->region, whose & ~(uint64_t)WHOSE_BITS);
        if (!e || (whose & WHOSE_KIND) >= EVIDENCE_KINDS)
                return true;
        if (s->answer->control == EVIDENCE_CONTROL)
                control = now == 0 ? FIGURES_BEFORE : FIGURES_REFUTED;
        charged = (uint32_t)load(&e->of[whose & WHOSE_KIND].charged);
        count(s, whose, last.high, control, charged > 0 ? charged - 1 : last.low);
        return true;
}

/* A sample. Writes the step that it is for the next one. */
static void take_step(struct anchor *a, const struct sight *s, struct pair *ret_step,
                      uint64_t *ret_whose)
{
        struct pair last = unpack(s->take->number, load(&a->step));
        bool is_suspect = s->answer->control == EVIDENCE_SUSPECT;
        /* Its control was alone too, and cost what it should. */
        bool is_controlled = is_suspect && last.high == last.low && last.high != 0;
        uint64_t whose = s->answer->variant | s->answer->kind;
        struct evidence *e = evidence_for(s);

        *ret_step = (struct pair){ 1, 1 };
        *ret_whose = 0;
        if (!settle_step(a, s, last) || !e)
                return;
        if (s->cost == s->believed) {
                count(s, whose, s->cost, is_suspect ? FIGURES_REFUTED : FIGURES_PLAIN,
                      s->answer->charged);
                return;
        }
        *ret_step = (struct pair){ s->cost, s->believed };
        *ret_whose = whose | (is_controlled ? WHOSE_CONTROLLED : 0);
        store(&e->of[s->answer->kind].charged, (uint64_t)s->answer->charged + 1);
}

static uint32_t believed_of(const struct sight *s)
{
        struct evidence *e = evidence_find(s->l->region, s->answer->variant);
        uint32_t cost = s->answer->charged;

        if (e)
                (void)!evidence_learnt(e, s->answer->kind, &cost);
        return cost;
}

static void see(struct anchor *a, struct sight *s)
{
        const struct limiter_take *take = s->take;
        struct pair before = unpack(take->number, load(&a->shown)), step = { 0, 0 };
        uint64_t whose = 0;

        if ((before.high > 0 || before.low > 0) && s->used >= before.high &&
            before.low + take->amount == take->place.sent) {
                s->cost = s->used - before.high;
                s->believed = believed_of(s);
                /* More than half of a window is no price. */
                if (s->cost <= take->window.limit / 2)
                        take_step(a, s, &step, &whose);
        }
        store(&a->step, pack(take->number, step));
        store(&a->variant, whose);
        store(&a->shown, pack(take->number, (struct pair){ s->used, minus(take->place.sent,
                                                                          s->answer->refund) }));
}

/* The one take of @pool that a header of the answer speaks of; else any of it. */
static const struct limiter_take *find_take(const struct limiter_ticket *ticket, uint16_t pool,
                                            const struct limiter_news *news, size_t n,
                                            const struct limiter_news **ret_news)
{
        const struct limiter_take *any = NULL;

        *ret_news = NULL;
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];

                if (take->pool != pool)
                        continue;
                any = take;
                for (size_t k = 0; k < n; ++k) {
                        if (news[k].pool == pool && news[k].owner == take->owner &&
                            news[k].span_ms == take->window.span_ms) {
                                *ret_news = &news[k];
                                return take;
                        }
                }
        }
        return any;
}

void evidence_land(const struct limiter *l, const struct limiter_ticket *ticket,
                   const struct evidence_answer *answer, struct limiter_time time,
                   const struct limiter_news *news, size_t n,
                   struct evidence_findings *ret_findings)
{
        const struct limiter_news *about;
        const struct limiter_take *take = find_take(ticket, answer->pool, news, n, &about);
        struct sight s = { .l = l,
                           .take = take,
                           .answer = answer,
                           .now_ms = time.now_ms,
                           .findings = ret_findings };
        struct anchor *a;
        bool is_fit;

        ret_findings->n = 0;
        if (!take) {
                forget_now(l, answer, time);
                return;
        }
        /* As observe.c has it: a header speaks of this window only if the window is not over. */
        is_fit = answer->variant && about && about->used <= WINDOW_AMOUNT_MAX &&
                 (time.now_ms + time.guard_ms) / take->window.span_ms == take->number &&
                 window_is_alone(&take->window, take->number, &take->place);
        a = anchor_of(l->region, take->window.slot, take->window.span_ms, take->number, is_fit);
        if (!a)
                return;
        if (!is_fit) {
                forget(a, take->number);
                return;
        }
        s.used = about->used;
        see(a, &s);
}

enum evidence_control evidence_wants_control(const struct region *region, uint64_t variant)
{
        const struct evidence *e = evidence_find(region, variant);
        enum evidence_control control = EVIDENCE_PLAIN;

        for (unsigned kind = 0; e && control == EVIDENCE_PLAIN && kind < EVIDENCE_KINDS; ++kind)
                control = figures_want_control(&e->of[kind]);
        return control;
}

bool evidence_is_measured(const struct region *region, uint64_t variant)
{
        const struct evidence *e = evidence_find(region, variant);

        return e &&
               (load(&e->of[EVIDENCE_OK].learnt) != 0 || figures_are_many(&e->of[EVIDENCE_OK]));
}

/* For people. */

bool evidence_disagrees(const struct evidence_view *v)
{
        if (!v->has_learnt)
                return false;
        if (v->has_decided)
                return v->is_new && v->learnt != v->decided;
        return v->has_charged && v->learnt != v->charged;
}

void evidence_look(const struct evidence *e, uint64_t variant, enum evidence_kind kind,
                   struct evidence_view *ret_view)
{
        uint64_t words[EVIDENCE_NAME / 8];

        *ret_view = (struct evidence_view){ .variant = variant, .kind = kind };
        figures_look(&e->of[kind], ret_view);
        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                words[i] = load(&e->name[i]);
        memcpy(ret_view->name, words, sizeof(words));
        ret_view->name[sizeof(ret_view->name) - 1] = '\0';
}

/* Calls @fn for each variant. Return: how many. */
static void each_slot(const struct region *region,
                      void (*fn)(void *ctx, struct evidence *e, uint64_t variant), void *ctx)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];

                if (atomic_load_explicit(&slot->key, memory_order_acquire) != 0 &&
                    load(&slot->pool_span) == slot_name(REGION_POOL_EVIDENCE, 0))
                        fn(ctx, evidence_of(slot), load(&slot->owner));
        }
}

struct tour {
        evidence_fn fn;
        void *ctx;
};

static void show(void *ctx, struct evidence *e, uint64_t variant)
{
        const struct tour *tour = ctx;

        for (unsigned kind = 0; kind < EVIDENCE_KINDS; ++kind) {
                struct evidence_view v;

                evidence_look(e, variant, (enum evidence_kind)kind, &v);
                if (v.samples > 0 || v.has_decided)
                        tour->fn(tour->ctx, &v);
        }
}

void evidence_each(const struct region *region, evidence_fn fn, void *ctx)
{
        struct tour tour = { fn, ctx };

        each_slot(region, show, &tour);
}

/* Decisions. */

void evidence_decide(const struct region *region, struct evidence *e, enum evidence_kind kind,
                     uint32_t cost)
{
        uint64_t learnt = load(&e->of[kind].learnt);
        uint32_t now;

        /* Decided again after a restart: what was learnt in between stays new. */
        if (evidence_decided(e, kind, &now) && now == cost)
                return;
        store(&e->of[kind].decided, learnt << 32 | ((uint64_t)cost + 1));
        turn(region);
}

struct undecide {
        const struct region *region;
        bool (*keep)(void *ctx, uint64_t variant, enum evidence_kind kind);
        void *ctx;
};

static void undecide(void *ctx, struct evidence *e, uint64_t variant)
{
        const struct undecide *u = ctx;

        for (unsigned kind = 0; kind < EVIDENCE_KINDS; ++kind) {
                if (load(&e->of[kind].decided) == 0 ||
                    u->keep(u->ctx, variant, (enum evidence_kind)kind))
                        continue;
                store(&e->of[kind].decided, 0);
                turn(u->region);
        }
}

void evidence_undecide(const struct region *region,
                       bool (*keep)(void *ctx, uint64_t variant, enum evidence_kind kind),
                       void *ctx)
{
        struct undecide u = { region, keep, ctx };

        each_slot(region, undecide, &u);
}
