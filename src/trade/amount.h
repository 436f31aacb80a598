/*
 * Amounts
 *
 * Prices and quantities as the exchange means them: exact decimals, scaled by 10^18 in 128 bits,
 * never binary floating point. What has more places, or is too large, is refused and not rounded.
 */
#ifndef TRADE_AMOUNT_H
#define TRADE_AMOUNT_H

#include "base/base.h"
#include "base/str.h"

/* ISO C has no integer of this size; gcc and clang do. */
__extension__ typedef __int128 amount_units;

struct amount {
        amount_units units; /* 10^-18 */
};

#define AMOUNT_PLACES   18
#define AMOUNT_TEXT_MAX 48 /* sign, 21 digits, point, 18 digits, NUL */

#define AMOUNT_ZERO ((struct amount){ 0 })

/**
 * amount_parse() - [-]DIGITS[.DIGITS] as a number
 *
 * Return: 0; -EINVAL for another form (signs alone, exponents, blanks); -ERANGE for more than 18
 *         places that are not zeros, or a value beyond 10^20.
 */
CHECKED int amount_parse(struct str text, struct amount *ret);

/* Without an exponent, zeros at the end, or a point that nothing follows. Return: @to. */
const char *amount_print(struct amount a, char to[static AMOUNT_TEXT_MAX]);

enum amount_direction {
        AMOUNT_DOWN,    /* towards minus infinity */
        AMOUNT_UP,      /* towards plus infinity */
        AMOUNT_NEAREST, /* halves up */
};

/* To a multiple of @step, which is above 0. Return: 0, or -ERANGE beyond 10^20. */
CHECKED int amount_round(struct amount a, struct amount step, enum amount_direction direction,
                         struct amount *ret);

/* Return: 0, or -ERANGE when the exact product is none of ours. */
CHECKED int amount_multiply(struct amount a, struct amount b, struct amount *ret);

static inline int amount_compare(struct amount a, struct amount b)
{
        return a.units < b.units ? -1 : a.units > b.units;
}

static inline bool amount_is_zero(struct amount a)
{
        return a.units == 0;
}

#endif
