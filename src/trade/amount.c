#include "trade/amount.h"

#include <errno.h>

/* 10^18 and 10^38: units of one, units of the largest amount. */
#define ONE   ((amount_units)1000000000000000000)
#define LIMIT (ONE * 100 * ONE)

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_within(amount_units units)
{
        return units <= LIMIT && units >= -LIMIT;
}

/* Adds a digit behind those that are there. Return: false when it would be too large. */
static bool append_digit(amount_units *units, char digit)
{
        if (*units > LIMIT / 10)
                return false;
        *units = *units * 10 + (digit - '0');
        return is_within(*units);
}

int amount_parse(struct str text, struct amount *ret)
{
        bool is_negative = text.n > 0 && text.p[0] == '-', has_point = false, is_large = false;
        amount_units units = 0;
        unsigned places = 0;
        size_t digits = 0;

        for (size_t i = is_negative; i < text.n; ++i) {
                char c = text.p[i];

                if (c == '.' && !has_point && digits > 0 && i + 1 < text.n) {
                        has_point = true;
                        continue;
                }
                if (!is_digit(c))
                        return -EINVAL;
                ++digits;
                if (has_point && places == AMOUNT_PLACES) {
                        is_large |= c != '0';
                        continue;
                }
                is_large |= !append_digit(&units, c);
                places += has_point;
        }
        if (digits == 0)
                return -EINVAL;
        for (; places < AMOUNT_PLACES && !is_large; ++places)
                is_large |= !append_digit(&units, '0');
        if (is_large)
                return -ERANGE;
        ret->units = is_negative ? -units : units;
        return 0;
}

const char *amount_print(struct amount a, char to[static AMOUNT_TEXT_MAX])
{
        amount_units left = a.units < 0 ? -a.units : a.units;
        char digits[AMOUNT_TEXT_MAX]; /* lowest first */
        size_t n = 0, from = 0, at = 0;

        do {
                digits[n++] = (char)('0' + (int)(left % 10));
                left /= 10;
        } while (left > 0 || n <= AMOUNT_PLACES);
        while (from < AMOUNT_PLACES && digits[from] == '0')
                ++from;
        if (a.units < 0)
                to[at++] = '-';
        for (size_t i = n; i > from; --i) {
                if (i == AMOUNT_PLACES)
                        to[at++] = '.';
                to[at++] = digits[i - 1];
        }
        to[at] = '\0';
        must(at < AMOUNT_TEXT_MAX);
        return to;
}

int amount_round(struct amount a, struct amount step, enum amount_direction direction,
                 struct amount *ret)
{
        amount_units above, units;

        must(step.units > 0);
        /* How far above the multiple below it is; C's % has the sign of the dividend. */
        above = a.units % step.units;
        if (above < 0)
                above += step.units;
        units = a.units - above;
        if (above > 0 && (direction == AMOUNT_UP ||
                          (direction == AMOUNT_NEAREST && above >= step.units - above)))
                units += step.units;
        if (!is_within(units))
                return -ERANGE;
        ret->units = units;
        return 0;
}

__extension__ typedef unsigned __int128 wide;

#define LIMBS 4

/* @a times @b, each below 2^127, as limbs of 64 bits, lowest first. */
static void multiply(wide a, wide b, uint64_t limbs[static LIMBS])
{
        const uint64_t as[2] = { (uint64_t)a, (uint64_t)(a >> 64) };
        const uint64_t bs[2] = { (uint64_t)b, (uint64_t)(b >> 64) };

        memset(limbs, 0, LIMBS * sizeof(limbs[0]));
        for (size_t i = 0; i < 2; ++i) {
                wide carry = 0;

                for (size_t j = 0; j < 2; ++j) {
                        carry += (wide)as[i] * bs[j] + limbs[i + j];
                        limbs[i + j] = (uint64_t)carry;
                        carry >>= 64;
                }
                limbs[i + 2] += (uint64_t)carry;
        }
}

/* Divides @limbs in place. Return: the remainder. */
static uint64_t divide(uint64_t limbs[static LIMBS], uint64_t divisor)
{
        wide rest = 0;

        for (size_t i = LIMBS; i-- > 0;) {
                rest = rest << 64 | limbs[i];
                limbs[i] = (uint64_t)(rest / divisor);
                rest %= divisor;
        }
        return (uint64_t)rest;
}

int amount_multiply(struct amount a, struct amount b, struct amount *ret)
{
        bool is_negative = (a.units < 0) != (b.units < 0);
        uint64_t limbs[LIMBS];
        amount_units units;

        /* Both are scaled, so their product is scaled twice. */
        multiply((wide)(a.units < 0 ? -a.units : a.units), (wide)(b.units < 0 ? -b.units : b.units),
                 limbs);
        if (divide(limbs, (uint64_t)ONE) != 0 || limbs[3] || limbs[2] || limbs[1] >> 63)
                return -ERANGE;
        units = (amount_units)((wide)limbs[1] << 64 | limbs[0]);
        if (!is_within(units))
                return -ERANGE;
        ret->units = is_negative ? -units : units;
        return 0;
}
