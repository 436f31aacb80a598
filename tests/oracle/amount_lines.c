/*
 * Computes with trade/amount.h: each line of the input is "OPERATION A B", each line of the output
 * the result, "invalid" or "range".
 */
#include "trade/amount.h"

#include <errno.h>
#include <stdio.h>

static int compute(struct str operation, struct amount a, struct amount b, struct amount *ret)
{
        static const struct {
                const char *name;
                enum amount_direction direction;
        } roundings[] = {
                { "down", AMOUNT_DOWN },
                { "up", AMOUNT_UP },
                { "nearest", AMOUNT_NEAREST },
        };

        if (str_eq(operation, STR_LITERAL("times")))
                return amount_multiply(a, b, ret);
        for (size_t i = 0; i < ARRAY_SIZE(roundings); ++i)
                if (str_eq(operation, str_of(roundings[i].name)))
                        return b.units > 0 ? amount_round(a, b, roundings[i].direction, ret)
                                           : -EINVAL;
        ret->units = amount_compare(a, b) * (amount_units)1000000000000000000;
        return 0;
}

static int answer(struct str line, struct amount *ret)
{
        struct str operation = STR_NULL, first = STR_NULL;
        struct amount a, b;
        int r;

        if (!str_split(&line, ' ', &operation) || !str_split(&line, ' ', &first))
                return -EINVAL;
        r = amount_parse(first, &a);
        if (r == 0)
                r = amount_parse(line, &b);
        return r == 0 ? compute(operation, a, b, ret) : r;
}

int main(void)
{
        char line[512], text[AMOUNT_TEXT_MAX];

        while (fgets(line, sizeof(line), stdin)) {
                struct amount result;
                int r = answer(str_from(line, strcspn(line, "\n")), &result);

                puts(r == 0 ? amount_print(result, text) : r == -ERANGE ? "range" : "invalid");
        }
        return 0;
}
