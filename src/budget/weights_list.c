#include "budget/weights_list.h"

#include <stdlib.h>
#include <string.h>

/* What the tables of this build say: what was compared last may be of another one. */
static bool table_says(const struct evidence_view *v, uint32_t *ret_said)
{
        struct variant variant;

        if (!variant_find(v->variant, &variant))
                return false;
        *ret_said = variant.weight;
        if (v->kind == EVIDENCE_SPECIAL ||
            (v->kind == EVIDENCE_OK && variant.outcome == POLICY_OUTCOME_OK))
                *ret_said = variant.outcome_weight;
        return true;
}

static void describe(const struct evidence_view *view, struct weights_row *row)
{
        struct evidence_view *v = &row->view;

        *v = *view;
        row->said = v->charged;
        row->is_known = table_says(v, &row->said);
        if (!v->has_decided) {
                v->charged = row->said;
                v->has_charged = true;
        }
        row->used = v->has_decided                           ? v->decided
                    : v->has_learnt && v->learnt > row->said ? v->learnt
                                                             : row->said;
        row->share_pct = v->samples ? v->values[0].samples * 100 / v->samples : 0;
        row->is_disagreement = evidence_disagrees(v) &&
                               weights_differ(v->variant, v->kind,
                                              v->has_decided ? v->decided : row->said, v->learnt);
        weights_name(v->variant, v->kind, v->name, row->name, sizeof(row->name));
}

static void add(void *ctx, const struct evidence_view *view)
{
        struct weights_list *list = ctx;

        if (list->n == WEIGHTS_ROWS_MAX)
                return;
        describe(view, &list->rows[list->n]);
        list->n_disagreements += list->rows[list->n++].is_disagreement;
}

static int compare(const void *a, const void *b)
{
        const struct weights_row *x = a, *y = b;

        if (x->is_disagreement != y->is_disagreement)
                return x->is_disagreement ? -1 : 1;
        return strcmp(x->name, y->name);
}

void weights_list(const struct region *region, struct weights_list *ret_list)
{
        ret_list->n = ret_list->n_disagreements = 0;
        evidence_each(region, add, ret_list);
        qsort(ret_list->rows, ret_list->n, sizeof(ret_list->rows[0]), compare);
}

static void count(void *ctx, const struct evidence_view *view)
{
        struct weights_row row;
        size_t *n = ctx;

        describe(view, &row);
        *n += row.is_disagreement;
}

size_t weights_disagreements(const struct region *region)
{
        size_t n = 0;

        evidence_each(region, count, &n);
        return n;
}

const char *weights_row_state(const struct weights_row *row)
{
        if (row->is_disagreement)
                return "disagrees";
        if (row->view.has_decided)
                return "decided";
        return row->view.has_learnt ? "agrees" : "learning";
}
