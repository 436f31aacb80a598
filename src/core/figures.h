/*
 * Figures
 *
 * The samples of one kind of answer of one variant (core/layout.h draws the words), and what they
 * show. For evidence.c.
 */
#ifndef CORE_FIGURES_H
#define CORE_FIGURES_H

#include "core/evidence.h"

/**
 * figures_add() - one more sample
 * @number:  of the window it is from
 * @charged: what is charged now
 *
 * Return: true when they show a cost that they did not show before.
 */
CHECKED bool figures_add(struct evidence_figures *f, uint32_t cost, uint64_t number,
                         uint32_t charged, uint64_t now_ms);

/* Writes what concerns one kind of @ret_view. */
void figures_look(const struct evidence_figures *f, struct evidence_view *ret_view);

#endif
