/*
 * Evidence
 *
 * What requests really cost, learnt from the use that headers show. A request that was alone, from
 * its reservation to its answer, moved the count by its cost and by what others used meanwhile: the
 * anchor of a window is the use that the last one alone was shown, and our own sent then; if the
 * next one alone finds our sent moved by nothing but itself, the difference of both shown uses is a
 * sample.
 *
 *      shown 40 ------ GET x, alone ------> shown 45: a sample of x, 5
 *         sent 38                              sent 43
 *
 * Samples that agree (so many, of so many windows, and nearly none below them) are a cost that is
 * learnt, if it is not above what is charged. If it is, it may be others: they only ever add to a
 * sample, and may do so again and again, when they work by the same clock or the same events as we
 * do. So that is suspicion, and wants controls: requests whose cost is known, alone, and as near as
 * can be.
 *
 *      control, suspect     the suspect waits until the control is answered: what others spend
 * before it is now spent with the control suspect, control     the control leaves when the suspect
 * is answered: what others spend after it, and would have spent with it in the first case, is now
 * spent with the control
 *
 * Whoever keeps step with the suspect is seen in one of the two. Only when the controls of both
 * cost what they should, several times in a row, and the suspect does not, it is proved.
 *
 * A sample that is off counts only when the next one alone does not show just as much too little or
 * too much: then a header was wrong.
 *
 * Everything is in the region: all processes teach each other, and a restart forgets nothing.
 */
#ifndef CORE_EVIDENCE_H
#define CORE_EVIDENCE_H

#include "core/limiter.h"

/* Samples of one cost, windows that they are from, and their share of all, before it is said to be
 * learnt; at most one in so many of them may be below it. */
#define EVIDENCE_SAMPLES   8
#define EVIDENCE_WINDOWS   3
#define EVIDENCE_SHARE_PCT 75
#define EVIDENCE_BELOW     16
/* Samples in a row behind a control, and as many before one, that prove a cost; one more of each
 * for every time that controls have refuted it. */
#define EVIDENCE_CONTROLS 4
/* So many in a row that show the same: what was seen before is of an earlier price. */
#define EVIDENCE_RUN 16
/* So many samples are kept, then all are halved: what is true now outweighs what was. */
#define EVIDENCE_KEPT 64

/* Slots of the region that evidence may take, and those of them that endpoints which no table knows
 * may: budgets need room too. */
#define EVIDENCE_SLOTS_MAX 640
#define EVIDENCE_NAMED_MAX 64

enum evidence_control {
        EVIDENCE_PLAIN,
        EVIDENCE_SUSPECT, /* it left when a control was answered */
        EVIDENCE_CONTROL, /* a control, that left when a suspect was answered */
};

/* What an answer is evidence of. */
struct evidence_answer {
        uint16_t pool; /* whose header is looked at */
        uint64_t owner;
        uint64_t variant; /* 0: it says nothing of costs: refused for a limit, no whole answer. The
                             two lowest bits are 0 */
        enum evidence_kind kind;
        enum evidence_control control;
        uint32_t charged; /* what is charged for an answer of this kind */
        uint32_t refund;  /* of the ticket's charge, as limiter_land() will be told */
        bool is_named;    /* only what has a slot already: evidence_name() gave it one */
};

/* A cost that was not known before. */
struct evidence_finding {
        uint64_t variant;
        enum evidence_kind kind;
        uint32_t charged, learnt;
};

/* Of one answer: about its own request, and about the one alone before it. */
struct evidence_findings {
        unsigned n;
        struct evidence_finding all[2];
};

/**
 * evidence_land() - an answer came; to be told before limiter_land(), with the same arguments
 * @ret_findings: what has been learnt by it
 */
void evidence_land(const struct limiter *l, const struct limiter_ticket *ticket,
                   const struct evidence_answer *answer, struct limiter_time time,
                   const struct limiter_news *news, size_t n,
                   struct evidence_findings *ret_findings);

/*
 * How a request of @variant should be controlled when it leaves next. EVIDENCE_PLAIN: not at all;
 * EVIDENCE_SUSPECT: it should follow a control; EVIDENCE_CONTROL: a control should follow it.
 */
enum evidence_control evidence_wants_control(const struct region *region, uint64_t variant);

/* Enough is known of what succeeds, or there is nothing to be known: more samples do not help. */
bool evidence_is_measured(const struct region *region, uint64_t variant);

/* The evidence of @variant, NULL when there is none; it stays where it is. */
struct evidence *evidence_find(const struct region *region, uint64_t variant);

/* As evidence_find(), with a place for it if there is room. @name: NULL for what the tables know.
 */
struct evidence *evidence_claim(const struct region *region, uint64_t variant, const char *name);

/* What is known of one kind of answer, at this moment. */
struct evidence_view {
        uint64_t variant;
        enum evidence_kind kind;
        struct {
                uint32_t cost, samples, windows;
        } values[EVIDENCE_VALUES]; /* the most frequent first */
        uint32_t samples;
        bool has_charged, has_learnt, has_decided;
        uint32_t charged, learnt, decided;
        bool is_new; /* learnt since it was decided on */
        /* In a row that show the most frequent cost: behind a control, and before one. */
        uint32_t n_behind, n_before;
        uint64_t first_ms, last_ms;
        char name[EVIDENCE_NAME]; /* empty for what the tables know */
};

/* What the samples show is not what is charged, and nobody has decided that it be so. */
bool evidence_disagrees(const struct evidence_view *v);

void evidence_look(const struct evidence *evidence, uint64_t variant, enum evidence_kind kind,
                   struct evidence_view *ret_view);

/* All that was ever seen, for people. */
typedef void (*evidence_fn)(void *ctx, const struct evidence_view *view);
void evidence_each(const struct region *region, evidence_fn fn, void *ctx);

/* From now on @cost is charged for answers of this kind, whatever is learnt. */
void evidence_decide(const struct region *region, struct evidence *evidence,
                     enum evidence_kind kind, uint32_t cost);
/* Nothing is decided any more of variants for which @keep is false. */
void evidence_undecide(const struct region *region,
                       bool (*keep)(void *ctx, uint64_t variant, enum evidence_kind kind),
                       void *ctx);

static inline bool evidence_decided(const struct evidence *e, enum evidence_kind kind,
                                    uint32_t *ret_cost)
{
        uint32_t word = (uint32_t)atomic_load_explicit(&e->of[kind].decided, memory_order_relaxed);

        if (word > 0)
                *ret_cost = word - 1;
        return word > 0;
}

static inline bool evidence_learnt(const struct evidence *e, enum evidence_kind kind,
                                   uint32_t *ret_cost)
{
        uint32_t word = (uint32_t)atomic_load_explicit(&e->of[kind].learnt, memory_order_relaxed);

        if (word > 0)
                *ret_cost = word - 1;
        return word > 0;
}

/* Moves with every cost that is learnt or decided. */
static inline uint64_t evidence_turn(const struct region *region)
{
        return atomic_load_explicit(&region->header->weights[WEIGHTS_TURN], memory_order_relaxed);
}

#endif
