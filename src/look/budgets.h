/*
 * Budgets
 *
 * The part of a look that is about the windows of now. For this room only.
 */
#ifndef LOOK_BUDGETS_H
#define LOOK_BUDGETS_H

#include "look/look.h"

/* Fills budgets and n_budgets; wall_ms, accounts and owners are there already. */
void budgets_take(struct look *look);

#endif
