/*
 * Figures
 *
 * The samples of one kind of answer of one variant (core/layout.h draws the words), and what they
 * show. For evidence.c.
 */
#ifndef CORE_FIGURES_H
#define CORE_FIGURES_H

#include "core/evidence.h"

/* What a control says of a sample. */
enum figures_control {
        FIGURES_PLAIN,
        FIGURES_BEHIND,  /* the control before it cost what it should */
        FIGURES_BEFORE,  /* the one after it did */
        FIGURES_REFUTED, /* a control beside it did not, or it is not suspect itself */
};

/**
 * figures_add() - one more sample
 * @number:  of the window it is from
 * @charged: what is charged now
 *
 * Return: true when they show a cost that they did not show before.
 */
CHECKED bool figures_add(struct evidence_figures *f, uint32_t cost, enum figures_control control,
                         uint64_t number, uint32_t charged, uint64_t now_ms);

/* They agree on a cost above what is charged, and it may be others: which proof is lacking most. As
 * evidence_wants_control(). */
enum evidence_control figures_want_control(const struct evidence_figures *f);

/* Half of what is kept: if they do not agree by now they are not likely to. */
bool figures_are_many(const struct evidence_figures *f);

/* Writes what concerns one kind of @ret_view. */
void figures_look(const struct evidence_figures *f, struct evidence_view *ret_view);

#endif
