#include "trade/percent.h"

#include <errno.h>

__extension__ typedef unsigned __int128 magnitude;

/* Beyond 10^19 the remainder times ten would not fit. */
#define WHOLE_MAX ((magnitude)10000000000000000000u * 1000000000000000000u)

static magnitude size_of(amount_units units)
{
        return units < 0 ? -(magnitude)units : (magnitude)units;
}

int percent_of(struct amount part, struct amount whole, struct amount *ret)
{
        magnitude divisor = size_of(whole.units), rest = size_of(part.units), quotient;
        struct amount result;
        int r;

        if (divisor == 0)
                return -EDOM;
        if (divisor > WHOLE_MAX)
                return -ERANGE;
        quotient = rest / divisor;
        rest %= divisor;
        /* Two digits more make percent of it. */
        for (unsigned i = 0; i < PERCENT_PLACES + 2; ++i) {
                rest *= 10;
                if (__builtin_mul_overflow(quotient, 10, &quotient))
                        return -ERANGE;
                quotient += rest / divisor;
                rest %= divisor;
        }
        for (unsigned i = PERCENT_PLACES; i < AMOUNT_PLACES; ++i)
                if (__builtin_mul_overflow(quotient, 10, &quotient))
                        return -ERANGE;
        if (quotient > ~(magnitude)0 >> 1)
                return -ERANGE;
        result.units = part.units < 0 ? -(amount_units)quotient : (amount_units)quotient;
        /* What is no amount of ours would not print. */
        r = amount_round(result, (struct amount){ 1 }, AMOUNT_DOWN, &result);
        if (r == 0)
                *ret = result;
        return r;
}

int percent_liquidation(const struct weir_position *position, struct amount *ret)
{
        struct amount mark, liquidation, distance;

        if (amount_parse(str_of(position->mark_price), &mark) < 0 ||
            amount_parse(str_of(position->liquidation_price), &liquidation) < 0 ||
            liquidation.units <= 0 || mark.units <= 0)
                return -EDOM;
        distance.units = mark.units - liquidation.units;
        /* A short position is liquidated above. */
        if (position->quantity[0] == '-')
                distance.units = -distance.units;
        return percent_of(distance, mark, ret);
}
