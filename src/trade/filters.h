/*
 * Filters
 *
 * What the exchange lets an order of a symbol be, as its exchangeInfo says, and orders made to fit:
 * quantities rounded down to the step, limit prices in the order's favour, trigger prices to the
 * nearest tick; then held against minima, maxima and the smallest value.
 */
#ifndef TRADE_FILTERS_H
#define TRADE_FILTERS_H

#include "base/base.h"
#include "base/str.h"
#include "trade/amount.h"

#include <jansson.h>
#include <weir.h>

/* A zero is a bound that there is not. */
struct filters_lot {
        struct amount step, min, max;
};

struct filters {
        char symbol[WEIR_SYMBOL_SIZE];
        bool is_trading;
        struct amount tick, min_price, max_price;
        struct filters_lot lot, market_lot;
        struct amount min_notional, contract_size;
};

/* Those of one market. */
struct filters_table {
        struct filters *list;
        size_t n;
};

#define FILTERS_TABLE_NULL ((struct filters_table){ NULL, 0 })

/* @info: exchangeInfo; may be NULL. Return: 0, -EBADMSG if it is none, -ENOMEM. */
CHECKED int filters_read(const json_t *info, struct filters_table *ret_table);
void filters_deinit(struct filters_table *table);
/* NULL: no such symbol. */
const struct filters *filters_find(const struct filters_table *table, const char *symbol);

/* An order's numbers as they are sent; "" for those that it has not. */
struct filters_fit {
        char quantity[AMOUNT_TEXT_MAX], price[AMOUNT_TEXT_MAX], trigger_price[AMOUNT_TEXT_MAX];
        char callback_percent[AMOUNT_TEXT_MAX];
};

#define FILTERS_WHY_MAX 512

/* Return: 0, or -EINVAL with a sentence in @ret_why: which number, and what it must be. */
CHECKED int filters_fit(const struct filters *f, const struct weir_order *order,
                        struct filters_fit *ret_fit, char ret_why[FILTERS_WHY_MAX]);

#endif
