/*
 * Answers
 *
 * The exchange's JSON about orders, positions and the like as the structures of weir.h. Decimals
 * are copied as text. What is missing stays empty; what cannot be an answer is refused.
 */
#ifndef TRADE_ANSWERS_H
#define TRADE_ANSWERS_H

#include "base/base.h"
#include "base/str.h"

#include <jansson.h>
#include <weir.h>

/* An order of the order endpoints, or of the algo endpoints. Return: false if it is none. */
bool answers_order(const json_t *j, bool is_conditional, struct weir_order_state *ret);
/* Return: false for an empty one too. */
bool answers_position(const json_t *j, struct weir_position *ret);
bool answers_balance(const json_t *j, struct weir_balance *ret);
/* The sums of an account of USD-M. Return: false if it has none. */
bool answers_totals(const json_t *j, struct weir_balance *ret);
bool answers_trade(const json_t *j, struct weir_trade *ret);
bool answers_kline(const json_t *j, struct weir_kline *ret);
/* @day: of ticker/24hr; @book: of ticker/bookTicker; fills what they tell. */
bool answers_ticker(const json_t *day, const json_t *book, struct weir_ticker *ret);

#endif
