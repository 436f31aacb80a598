#include "trade/protection.h"
#include "trade/amount.h"

#include <string.h>

static bool read(const char *text, struct amount *ret)
{
        return amount_parse(str_of(text), ret) == 0;
}

static struct amount size_of(struct amount a)
{
        if (a.units < 0)
                a.units = -a.units;
        return a;
}

bool protection_is_of(const struct weir_position *position, const struct weir_order_state *order)
{
        return position->side == order->position_side &&
               strcmp(position->symbol, order->symbol) == 0;
}

static bool is_open(const struct weir_order_state *order)
{
        return order->status == WEIR_STATUS_NEW || order->status == WEIR_STATUS_PARTIALLY_FILLED;
}

static bool opposes(const struct weir_position *position, const struct weir_order_state *order)
{
        return order->side == (position->quantity[0] == '-' ? WEIR_BUY : WEIR_SELL);
}

/* In hedge mode what opposes can only close; in one-way mode it may go beyond zero. */
static bool only_closes(const struct weir_position *position, const struct weir_order_state *order)
{
        return position->side != WEIR_POSITION_BOTH || order->reduce_only || order->close_position;
}

/* A stop that would be met only after liquidation. A trailing one has no price of its own. */
static bool is_too_late(const struct weir_position *position, const struct weir_order_state *order)
{
        struct amount trigger, liquidation;

        if (order->type == WEIR_TYPE_TRAILING_STOP_MARKET ||
            !read(position->liquidation_price, &liquidation) || liquidation.units <= 0)
                return false;
        if (!read(order->trigger_price, &trigger))
                return true;
        return position->quantity[0] == '-' ? amount_compare(trigger, liquidation) >= 0
                                            : amount_compare(trigger, liquidation) <= 0;
}

enum weir_order_role protection_role(const struct weir_position *position,
                                     const struct weir_order_state *order)
{
        if (!position || !is_open(order))
                return WEIR_ROLE_NONE;
        if (!opposes(position, order))
                return WEIR_ROLE_ADDS;
        if (!only_closes(position, order))
                return WEIR_ROLE_REDUCES;
        switch (order->type) {
        case WEIR_TYPE_STOP:
        case WEIR_TYPE_STOP_MARKET:
        case WEIR_TYPE_TRAILING_STOP_MARKET:
                return is_too_late(position, order) ? WEIR_ROLE_REDUCES : WEIR_ROLE_STOP_LOSS;
        case WEIR_TYPE_TAKE_PROFIT:
        case WEIR_TYPE_TAKE_PROFIT_MARKET:
        case WEIR_TYPE_LIMIT:
                return WEIR_ROLE_TAKE_PROFIT;
        default:
                return WEIR_ROLE_REDUCES;
        }
}

/* How much of @all it would close; 0 for what cannot be read. */
static struct amount covers(const struct weir_order_state *order, struct amount all)
{
        struct amount quantity, filled = AMOUNT_ZERO;

        if (order->close_position)
                return all;
        if (!read(order->quantity, &quantity) ||
            (order->filled[0] && !read(order->filled, &filled)))
                return AMOUNT_ZERO;
        quantity.units -= filled.units;
        if (quantity.units < 0)
                return AMOUNT_ZERO;
        return amount_compare(quantity, all) > 0 ? all : quantity;
}

/* Both are at most @all, an amount: their sum fits. */
static void add(struct amount *sum, struct amount more, struct amount all)
{
        sum->units += more.units;
        if (amount_compare(*sum, all) > 0)
                *sum = all;
}

static enum weir_coverage coverage(struct amount covered, struct amount all)
{
        if (covered.units == 0)
                return WEIR_UNCOVERED;
        return amount_compare(covered, all) < 0 ? WEIR_PARTLY_COVERED : WEIR_COVERED;
}

void protection_judge(struct weir_watched *watched, const struct weir_watched_order *orders,
                      size_t n_orders)
{
        const struct weir_position *position = &watched->position;
        struct amount all, stop = AMOUNT_ZERO, take = AMOUNT_ZERO;

        watched->n_orders = 0;
        if (!read(position->quantity, &all))
                all = AMOUNT_ZERO;
        all = size_of(all);
        for (size_t i = 0; i < n_orders; ++i) {
                const struct weir_order_state *order = &orders[i].order;
                enum weir_order_role role;

                if (!protection_is_of(position, order))
                        continue;
                ++watched->n_orders;
                role = protection_role(position, order);
                if (role == WEIR_ROLE_STOP_LOSS)
                        add(&stop, covers(order, all), all);
                else if (role == WEIR_ROLE_TAKE_PROFIT)
                        add(&take, covers(order, all), all);
        }
        watched->stop_loss = coverage(stop, all);
        watched->take_profit = coverage(take, all);
        amount_print(stop, watched->stop_quantity);
        amount_print(take, watched->take_quantity);
}
