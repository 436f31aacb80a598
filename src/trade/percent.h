/*
 * Percent
 *
 * Shares of amounts, exact to 8 places and cut towards zero. So "at least as many percent as" some
 * number of at most 8 places is answered exactly too.
 */
#ifndef TRADE_PERCENT_H
#define TRADE_PERCENT_H

#include "trade/amount.h"

#include <weir.h>

#define PERCENT_PLACES 8

/* @part as percent of the size of @whole. Return: 0, -EDOM for a @whole of 0, -ERANGE. */
CHECKED int percent_of(struct amount part, struct amount whole, struct amount *ret);

/* From the mark price to that of liquidation, in percent of the mark price; below 0 when the mark
 * is beyond it. Return: 0, or -EDOM when there is no such price. */
CHECKED int percent_liquidation(const struct weir_position *position, struct amount *ret);

#endif
