/*
 * Decimals
 *
 * Prices, quantities and balances: whole numbers of 1e-8, because binary fractions cannot hold
 * 0.1 and the exchange's answers must be what a client can compute.
 */
#ifndef SIM_DECIMAL_H
#define SIM_DECIMAL_H

#include "base/base.h"
#include "base/str.h"

typedef int64_t decimal;

#define DECIMAL_ONE    100000000LL
#define DECIMAL_PLACES 8
/* Sign, 19 digits, point, NUL, and room for zeros in front. */
#define DECIMAL_TEXT 32

/* "12", "0.001", "-3.50". Return: 0, -EINVAL, or -ERANGE for what 1e-8 or 63 bits cannot hold. */
CHECKED int decimal_from(struct str s, decimal *ret);

/* With @places digits behind the point (cut, not rounded). Return: @to. */
char *decimal_text(decimal value, unsigned places, char to[static DECIMAL_TEXT]);

/* Digits behind the point that @value needs: 0 for 5, 3 for 0.001. */
unsigned decimal_places(decimal value);

/* Saturating: a simulator must not trap on a silly order. */
decimal decimal_mul(decimal a, decimal b);
/* 0 for a zero divisor. */
decimal decimal_div(decimal a, decimal b);

decimal decimal_from_double(double value);
double decimal_to_double(decimal value);

#endif
