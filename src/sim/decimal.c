#include "sim/decimal.h"

#include <errno.h>
#include <math.h>

__extension__ typedef __int128 wide;

static decimal narrow(wide value)
{
        if (value > INT64_MAX)
                return INT64_MAX;
        if (value < -INT64_MAX)
                return -INT64_MAX;
        return (decimal)value;
}

/* Digits of @s times 10^@places, into *ret; true when all are digits and they fit. */
static int digits(struct str s, unsigned max_places, bool is_fraction, wide *value)
{
        unsigned places = 0;

        for (size_t i = 0; i < s.n; ++i) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return -EINVAL;
                if (is_fraction && ++places > max_places) {
                        if (s.p[i] != '0')
                                return -ERANGE;
                        continue;
                }
                *value = *value * 10 + (s.p[i] - '0');
                if (*value > INT64_MAX)
                        return -ERANGE;
        }
        for (; is_fraction && places < max_places; ++places)
                *value *= 10;
        return *value > INT64_MAX ? -ERANGE : 0;
}

int decimal_from(struct str s, decimal *ret)
{
        struct str whole, fraction = STR_NULL;
        bool negative = s.n > 0 && s.p[0] == '-';
        const char *point;
        wide value = 0;
        int r;

        if (negative)
                s = str_from(s.p + 1, s.n - 1);
        point = s.n ? memchr(s.p, '.', s.n) : NULL;
        whole = point ? str_from(s.p, (size_t)(point - s.p)) : s;
        if (point)
                fraction = str_from(point + 1, s.n - whole.n - 1);
        if (whole.n + fraction.n == 0)
                return -EINVAL;

        r = digits(whole, 0, false, &value);
        if (r == 0)
                r = digits(fraction, DECIMAL_PLACES, true, &value);
        if (r < 0)
                return r;
        *ret = (decimal)(negative ? -value : value);
        return 0;
}

char *decimal_text(decimal value, unsigned places, char to[static DECIMAL_TEXT])
{
        uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        uint64_t whole = size / (uint64_t)DECIMAL_ONE, fraction = size % (uint64_t)DECIMAL_ONE;
        char digits_back[DECIMAL_TEXT];
        size_t n = 0, at = 0;

        must(places <= DECIMAL_PLACES);
        for (unsigned i = DECIMAL_PLACES; i > places; --i)
                fraction /= 10;
        for (unsigned i = 0; i < places; ++i, fraction /= 10)
                digits_back[n++] = (char)('0' + fraction % 10);
        if (places)
                digits_back[n++] = '.';
        do {
                digits_back[n++] = (char)('0' + whole % 10);
                whole /= 10;
        } while (whole);
        if (value < 0)
                to[at++] = '-';
        while (n > 0)
                to[at++] = digits_back[--n];
        to[at] = 0;
        return to;
}

unsigned decimal_places(decimal value)
{
        unsigned places = DECIMAL_PLACES;
        decimal fraction = value % DECIMAL_ONE;

        for (; places > 0 && fraction % 10 == 0; --places)
                fraction /= 10;
        return places;
}

decimal decimal_mul(decimal a, decimal b)
{
        return narrow((wide)a * b / DECIMAL_ONE);
}

decimal decimal_div(decimal a, decimal b)
{
        return b == 0 ? 0 : narrow((wide)a * DECIMAL_ONE / b);
}

decimal decimal_from_double(double value)
{
        return (decimal)llround(value * (double)DECIMAL_ONE);
}

double decimal_to_double(decimal value)
{
        return (double)value / (double)DECIMAL_ONE;
}
