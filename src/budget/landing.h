/*
 * Landing
 *
 * The books of an answer: what of its charge the exchange counts after all, and what the usage
 * headers say. The one place for all who send: gateway, library, adapter.
 */
#ifndef BUDGET_LANDING_H
#define BUDGET_LANDING_H

#include "base/base.h"
#include "base/str.h"
#include "core/evidence.h"
#include "core/limiter.h"
#include "policy/policy.h"

struct budget_answer {
        int status;       /* 0: its head could not be read */
        int code;         /* the exchange's, of a refusal; else 0 */
        struct str body;  /* as far as it was read; outcomes are looked up in it */
        uint64_t sent_ms; /* when the request left, exchange clock */
        const struct limiter_news *news;
        size_t n_news;
        enum evidence_control control;
        /* Costs that were learnt (budget/weights.h); may be NULL. */
        struct evidence_findings *ret_findings;
        uint32_t *ret_refund; /* of the first charge, not counted after all; may be NULL */
};

/**
 * budget_land() - the answer to a request of @plan came
 * @ticket: what it holds, emptied; a place that was never sent in is given back. NULL: a request
 *          that is charged elsewhere, whose headers are news all the same
 *
 * Return: foreign use in a window, as now known, if this answer showed more of it; else 0.
 */
uint32_t budget_land(struct limiter *l, const struct policy_plan *plan,
                     struct limiter_ticket *ticket, const struct budget_answer *answer,
                     struct limiter_time time);

#endif
