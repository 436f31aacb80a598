/*
 * Words
 *
 * The exchange's words for what weir.h has enumerators for, both ways.
 */
#ifndef TRADE_WORDS_H
#define TRADE_WORDS_H

#include "base/base.h"

#include <weir.h>

/* "BUY", "LONG", "STOP_MARKET", "GTC", "MARK_PRICE"; NULL for a value that is none, or that
 * cannot be asked for. */
const char *words_side(enum weir_side side);
const char *words_position_side(enum weir_position_side side);
const char *words_type(enum weir_order_type type);
const char *words_time_in_force(enum weir_time_in_force tif);
const char *words_trigger_by(enum weir_trigger_price by);
/* "new", "partially_filled", ...: ours */
const char *words_status(enum weir_order_status status);

/* Case folded. Return: 0, or -EINVAL for another word, NULL included; then *ret is untouched. */
CHECKED int words_side_from(const char *word, enum weir_side *ret);
CHECKED int words_position_side_from(const char *word, enum weir_position_side *ret);
CHECKED int words_type_from(const char *word, enum weir_order_type *ret);
CHECKED int words_time_in_force_from(const char *word, enum weir_time_in_force *ret);
/* The exchange's words. Return: WEIR_STATUS_OTHER for one that we do not know. */
enum weir_order_status words_status_from(const char *word);

#endif
