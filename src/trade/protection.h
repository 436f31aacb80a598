/*
 * Protection
 *
 * Which open orders would close a position, and how much of it they cover. When in doubt an order
 * covers nothing: a position that is called unprotected is looked at, one that is called protected
 * is not.
 */
#ifndef TRADE_PROTECTION_H
#define TRADE_PROTECTION_H

#include "base/base.h"

#include <weir.h>

/* Whether @order and @position are of one symbol and position side. */
bool protection_is_of(const struct weir_position *position, const struct weir_order_state *order);

/* What @order is to @position; NULL: there is none. */
enum weir_order_role protection_role(const struct weir_position *position,
                                     const struct weir_order_state *order);

/* Fills in what @orders are to watched->position. */
void protection_judge(struct weir_watched *watched, const struct weir_watched_order *orders,
                      size_t n_orders);

#endif
