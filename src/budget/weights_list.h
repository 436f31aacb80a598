/*
 * List of weights
 *
 * All evidence of a region, for people: what is charged, what headers show, and whether somebody
 * should look.
 */
#ifndef BUDGET_WEIGHTS_LIST_H
#define BUDGET_WEIGHTS_LIST_H

#include "budget/weights.h"

struct weights_row {
        char name[WEIGHTS_NAME_SIZE];
        bool is_known;        /* in a table */
        uint32_t said;        /* by the table; of others: by the setting */
        uint32_t used;        /* charged now */
        unsigned share_pct;   /* of all samples, those that show the most frequent cost */
        bool is_disagreement; /* what is learnt is not what is said or decided */
        struct evidence_view view;
};

#define WEIGHTS_ROWS_MAX (EVIDENCE_SLOTS_MAX * EVIDENCE_KINDS)

struct weights_list {
        size_t n, n_disagreements;
        struct weights_row rows[WEIGHTS_ROWS_MAX];
};

/* Disagreements first, then by name. */
void weights_list(const struct region *region, struct weights_list *ret_list);

/* Only how many disagreements there are. */
size_t weights_disagreements(const struct region *region);

/* "agrees", "disagrees", "decided", "learning". Static. */
const char *weights_row_state(const struct weights_row *row);

#endif
