/*
 * Weights
 *
 * What a request costs: what the tables say, what headers have taught (core/evidence.h), and what
 * somebody has decided, who had seen both. Until somebody has, the higher of the two is charged.
 */
#ifndef BUDGET_WEIGHTS_H
#define BUDGET_WEIGHTS_H

#include "base/base.h"
#include "core/evidence.h"
#include "policy/policy.h"
#include "policy/variant.h"

struct weights_cost {
        uint32_t reserved;             /* by the answer that costs most */
        uint32_t of[EVIDENCE_KINDS];   /* by each */
        uint32_t said[EVIDENCE_KINDS]; /* by the tables, or decided */
};

/* For charges[0] of @plan, which has a variant. */
void weights_cost(const struct region *region, const struct policy_plan *plan,
                  struct weights_cost *ret_cost);

/* An answer, as far as costs go. */
struct weights_answer {
        unsigned status;   /* 0: none that was whole */
        unsigned outcomes; /* of enum policy_outcome */
        const struct limiter_news *news;
        size_t n_news;
        enum evidence_control control;
};

/**
 * weights_land() - an answer came: learn from it, and say what it costs
 * @ticket:       not landed yet
 * @ret_findings: costs that were learnt, of this request or another; counted
 *
 * Return: what of the ticket's charge in charges[0].pool is not counted after all, for
 * limiter_land().
 */
uint32_t weights_land(struct limiter *l, const struct policy_plan *plan,
                      const struct limiter_ticket *ticket, struct limiter_time time,
                      const struct weights_answer *answer, struct evidence_findings *ret_findings);

/* A place for what is learnt of an endpoint that no table knows; there is room for some. */
void weights_note_unknown(struct limiter *l, const struct policy_plan *plan, struct str method,
                          struct str path);

#define WEIGHTS_NAME_SIZE (VARIANT_NAME_SIZE + 16)

/**
 * weights_name() - what people call an answer of a variant: "POST /api/v3/order @failed"
 * @named: as evidence has it, for endpoints that no table knows; may be NULL
 *
 * The plain name is of success, but for a variant whose price depends on the outcome.
 */
void weights_name(uint64_t variant, enum evidence_kind kind, const char *named, char *to,
                  size_t size);

/**
 * weights_named() - what a name as weights_name() writes it stands for
 *
 * Return: 0; -EINVAL: no method and path; -ENOENT: no such clause or outcome; -EDOM: each outcome
 * has its price, and the name has none.
 */
CHECKED int weights_named(struct str name, uint64_t *ret_variant, unsigned *ret_kind,
                          bool *ret_is_known);

/* Whether people should hear that a cost was @learnt where @said is charged: what is refused may
 * cost less than what succeeds, unless its price is told apart. */
bool weights_differ(uint64_t variant, enum evidence_kind kind, uint32_t said, uint32_t learnt);

#endif
