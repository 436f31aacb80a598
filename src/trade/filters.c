#include "trade/filters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Reading. */

/* A number of a filter; zero if it is missing or not one of ours. */
static struct amount number(const json_t *object, const char *name)
{
        const json_t *value = json_object_get(object, name);
        struct amount a = AMOUNT_ZERO;
        char text[AMOUNT_TEXT_MAX];

        if (json_is_string(value)) {
                (void)!amount_parse(str_of(json_string_value(value)), &a);
        } else if (json_is_integer(value)) {
                snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
                (void)!amount_parse(str_of(text), &a);
        }
        return a;
}

static struct filters_lot lot_of(const json_t *filter)
{
        return (struct filters_lot){ .step = number(filter, "stepSize"),
                                     .min = number(filter, "minQty"),
                                     .max = number(filter, "maxQty") };
}

static void read_filter(const json_t *filter, struct filters *f)
{
        const char *type = json_string_value(json_object_get(filter, "filterType"));

        if (!type)
                return;
        if (strcmp(type, "PRICE_FILTER") == 0) {
                f->tick = number(filter, "tickSize");
                f->min_price = number(filter, "minPrice");
                f->max_price = number(filter, "maxPrice");
        } else if (strcmp(type, "LOT_SIZE") == 0) {
                f->lot = lot_of(filter);
        } else if (strcmp(type, "MARKET_LOT_SIZE") == 0) {
                f->market_lot = lot_of(filter);
        } else if (strcmp(type, "MIN_NOTIONAL") == 0) {
                f->min_notional = number(filter, "notional");
        }
}

static bool read_symbol(const json_t *symbol, struct filters *f)
{
        const char *name = json_string_value(json_object_get(symbol, "symbol"));
        const char *status = json_string_value(json_object_get(symbol, "status"));
        const json_t *filter;
        size_t i;

        if (!name || strlen(name) >= sizeof(f->symbol))
                return false;
        if (!status)
                status = json_string_value(json_object_get(symbol, "contractStatus"));
        *f = (struct filters){ .is_trading = status && strcmp(status, "TRADING") == 0 };
        str_copy(str_of(name), f->symbol, sizeof(f->symbol));
        f->contract_size = number(symbol, "contractSize");
        json_array_foreach(json_object_get(symbol, "filters"), i, filter) read_filter(filter, f);
        /* Some symbols leave the step of market orders to that of the others. */
        if (amount_is_zero(f->market_lot.step))
                f->market_lot.step = f->lot.step;
        return true;
}

int filters_read(const json_t *info, struct filters_table *ret_table)
{
        const json_t *symbols = json_object_get(info, "symbols"), *symbol;
        struct filters_table table = FILTERS_TABLE_NULL;
        size_t i;

        if (!json_is_array(symbols))
                return -EBADMSG;
        table.list = calloc(json_array_size(symbols) + 1, sizeof(*table.list));
        if (!table.list)
                return -ENOMEM;
        json_array_foreach(symbols, i, symbol) table.n += read_symbol(symbol, &table.list[table.n]);
        *ret_table = table;
        return 0;
}

void filters_deinit(struct filters_table *table)
{
        free(table->list);
        *table = FILTERS_TABLE_NULL;
}

const struct filters *filters_find(const struct filters_table *table, const char *symbol)
{
        for (size_t i = 0; i < table->n; ++i)
                if (strcmp(table->list[i].symbol, symbol) == 0)
                        return &table->list[i];
        return NULL;
}

/* Fitting. */

struct fitting {
        const struct filters *filters;
        const struct weir_order *order;
        char *why;
};

PRINTF(2, 3)
static int refuse(const struct fitting *f, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(f->why, FILTERS_WHY_MAX, format, args);
        va_end(args);
        return -EINVAL;
}

/* A number above 0. */
static int read_number(const struct fitting *f, const char *name, const char *text,
                       struct amount *ret)
{
        int r = amount_parse(str_of(text), ret);

        if (r == -ERANGE)
                return refuse(f, "the %s %.40s has more than 18 places or is too large", name,
                              text);
        if (r < 0 || ret->units <= 0)
                return refuse(f, "the %s \"%.40s\" is not a decimal number above 0", name, text);
        return 0;
}

static int round_number(const struct fitting *f, const char *name, struct amount *a,
                        struct amount step, enum amount_direction direction)
{
        struct amount rounded;
        char was[AMOUNT_TEXT_MAX], grid[AMOUNT_TEXT_MAX];

        if (amount_is_zero(step))
                return 0;
        amount_print(*a, was);
        amount_print(step, grid);
        if (amount_round(*a, step, direction, &rounded) < 0)
                return refuse(f, "the %s %s is too large", name, was);
        if (f->order->rounding == WEIR_ROUND_NEVER && amount_compare(rounded, *a) != 0)
                return refuse(f, "the %s %s is no multiple of %s, and is not to be rounded", name,
                              was, grid);
        if (rounded.units <= 0)
                return refuse(f, "the %s %s rounds to nothing: its step is %s", name, was, grid);
        *a = rounded;
        return 0;
}

static int hold_against(const struct fitting *f, const char *name, struct amount a,
                        struct amount min, struct amount max)
{
        char is[AMOUNT_TEXT_MAX], bound[AMOUNT_TEXT_MAX];

        amount_print(a, is);
        if (!amount_is_zero(min) && amount_compare(a, min) < 0)
                return refuse(f, "the %s %s is below the smallest of %s, %s", name, is,
                              f->filters->symbol, amount_print(min, bound));
        if (!amount_is_zero(max) && amount_compare(a, max) > 0)
                return refuse(f, "the %s %s is above the largest of %s, %s", name, is,
                              f->filters->symbol, amount_print(max, bound));
        return 0;
}

static int fit_price(const struct fitting *f, const char *name, const char *text,
                     enum amount_direction direction, struct amount *ret, char *to)
{
        int r = read_number(f, name, text, ret);

        if (r == 0)
                r = round_number(f, name, ret, f->filters->tick, direction);
        if (r == 0)
                r = hold_against(f, name, *ret, f->filters->min_price, f->filters->max_price);
        if (r == 0)
                amount_print(*ret, to);
        return r;
}

static bool is_market(enum weir_order_type type)
{
        return type == WEIR_TYPE_MARKET || type == WEIR_TYPE_STOP_MARKET ||
               type == WEIR_TYPE_TAKE_PROFIT_MARKET || type == WEIR_TYPE_TRAILING_STOP_MARKET;
}

static int fit_quantity(const struct fitting *f, struct amount *ret, char *to)
{
        const struct filters_lot *lot =
                is_market(f->order->type) ? &f->filters->market_lot : &f->filters->lot;
        int r = read_number(f, "quantity", f->order->quantity, ret);

        if (r == 0)
                r = round_number(f, "quantity", ret, lot->step, AMOUNT_DOWN);
        if (r == 0)
                r = hold_against(f, "quantity", *ret, lot->min, lot->max);
        if (r == 0)
                amount_print(*ret, to);
        return r;
}

static bool only_reduces(const struct weir_order *order)
{
        return order->reduce_only || order->close_position ||
               (order->position_side == WEIR_POSITION_LONG && order->side == WEIR_SELL) ||
               (order->position_side == WEIR_POSITION_SHORT && order->side == WEIR_BUY);
}

/* The smallest value holds for what opens a position at a price that is known here. */
static int check_notional(const struct fitting *f, struct amount quantity, struct amount price)
{
        char is[AMOUNT_TEXT_MAX], least[AMOUNT_TEXT_MAX];
        struct amount value;

        if (amount_is_zero(f->filters->min_notional) || only_reduces(f->order))
                return 0;
        if (amount_multiply(quantity, price, &value) < 0)
                return refuse(f, "quantity times price is too large");
        if (amount_compare(value, f->filters->min_notional) >= 0)
                return 0;
        return refuse(f, "the order is worth %s, and must be worth %s unless it only reduces",
                      amount_print(value, is), amount_print(f->filters->min_notional, least));
}

int filters_fit(const struct filters *filters, const struct weir_order *order,
                struct filters_fit *ret_fit, char ret_why[FILTERS_WHY_MAX])
{
        struct fitting f = { filters, order, ret_why };
        struct amount quantity = AMOUNT_ZERO, price = AMOUNT_ZERO, other;
        int r = 0;

        *ret_fit = (struct filters_fit){ .quantity = "" };
        if (order->quantity)
                r = fit_quantity(&f, &quantity, ret_fit->quantity);
        if (r == 0 && order->price)
                r = fit_price(&f, "price", order->price,
                              order->side == WEIR_BUY ? AMOUNT_DOWN : AMOUNT_UP, &price,
                              ret_fit->price);
        if (r == 0 && order->trigger_price)
                r = fit_price(&f, "trigger price", order->trigger_price, AMOUNT_NEAREST, &other,
                              ret_fit->trigger_price);
        if (r == 0 && order->callback_percent) {
                r = read_number(&f, "callback", order->callback_percent, &other);
                if (r == 0)
                        amount_print(other, ret_fit->callback_percent);
        }
        if (r == 0 && order->quantity && order->price)
                r = check_notional(&f, quantity, price);
        return r;
}
