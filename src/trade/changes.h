/*
 * Changes
 *
 * What became of positions and equity from one check to the next. Pure: two lists in, differences
 * out. A position is told from others by symbol and position side.
 */
#ifndef TRADE_CHANGES_H
#define TRADE_CHANGES_H

#include "trade/amount.h"

#include <weir.h>

const struct weir_watched *changes_find(const struct weir_watched *list, size_t n,
                                        const struct weir_watched *like);

/* @before, @now: NULL: there was or is none. */
typedef void (*changes_fn)(void *ctx, enum weir_event_kind kind, const struct weir_watched *before,
                           const struct weir_watched *now);

/* All that differs: first what closed, in the order of @before, then the rest in that of @now. */
void changes_positions(const struct weir_watched *before, size_t n_before,
                       const struct weir_watched *now, size_t n_now, changes_fn fn, void *ctx);

/**
 * changes_equity() - writes change and change_percent of @now
 * @before:       of the same asset; NULL: it was not held
 * @fall_percent: 0: never
 *
 * Return: whether it fell by as much as that.
 */
bool changes_equity(const struct weir_watched_balance *before, struct weir_watched_balance *now,
                    struct amount fall_percent);

#endif
