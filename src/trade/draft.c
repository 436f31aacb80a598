#include "trade/monitor_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* COIN-M has some twenty assets. */
#define BALANCES_MAX 256

void draft_init(struct draft *d)
{
        *d = (struct draft){
                .positions = rows_of(sizeof(struct weir_watched), MONITOR_POSITIONS_MAX),
                .orders = rows_of(sizeof(struct weir_watched_order), MONITOR_ORDERS_MAX),
                .balances = rows_of(sizeof(struct weir_watched_balance), BALANCES_MAX),
        };
}

void draft_deinit(struct draft *d)
{
        rows_deinit(&d->positions);
        rows_deinit(&d->orders);
        rows_deinit(&d->balances);
}

static void keep_position(void *ctx, const struct weir_position *position)
{
        struct draft *d = ctx;
        struct weir_watched *row = rows_add(&d->positions);

        if (row)
                row->position = *position;
}

static int read_positions(struct check *c)
{
        struct monitor *m = c->m;
        int r;

        r = futures_positions(m->futures, NULL, c->deadline_ms, keep_position, &c->draft);
        c->draft.now_ms = courier_now_ms(m->futures->courier);
        return r == 0 ? c->draft.positions.error : r;
}

static void keep_order(void *ctx, const struct weir_order_state *order)
{
        struct draft *d = ctx;
        struct weir_watched_order *row = rows_add(&d->orders);

        if (!row)
                return;
        row->order = *order;
        row->seen_ms = d->now_ms;
}

bool draft_has_before(const struct draft *d, size_t i)
{
        for (size_t k = 0; k < i; ++k)
                if (strcmp(draft_position(d, k)->position.symbol,
                           draft_position(d, i)->position.symbol) == 0)
                        return true;
        return false;
}

/* Both sides of a symbol are one call; so is what has closed since, whose orders may be left. */
static size_t find_symbols(const struct check *c, const char **symbols)
{
        const struct draft *now = &c->draft, *before = &c->m->known;
        size_t n = 0;

        for (size_t i = 0; i < now->positions.n; ++i)
                if (!draft_has_before(now, i))
                        symbols[n++] = draft_position(now, i)->position.symbol;
        for (size_t i = 0; i < before->positions.n; ++i) {
                const char *symbol = draft_position(before, i)->position.symbol;
                bool is_there = draft_has_before(before, i);

                for (size_t k = 0; k < n && !is_there; ++k)
                        is_there = strcmp(symbols[k], symbol) == 0;
                if (!is_there)
                        symbols[n++] = symbol;
        }
        return n;
}

/* Orders of symbols that were not asked for now are as they were seen last. */
static void keep_unasked(struct check *c, const char *const *symbols, size_t n)
{
        const struct draft *before = &c->m->known;

        for (size_t i = 0; i < before->orders.n; ++i) {
                const struct weir_watched_order *order = draft_order(before, i);
                struct weir_watched_order *row;
                bool is_asked = false;

                for (size_t k = 0; k < n && !is_asked; ++k)
                        is_asked = strcmp(symbols[k], order->order.symbol) == 0;
                row = is_asked ? NULL : rows_add(&c->draft.orders);
                if (row)
                        *row = *order;
        }
}

static int read_orders_of(struct check *c, const char *const *symbols, size_t n)
{
        struct monitor *m = c->m;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; ++i) {
                r = futures_open_orders(m->futures, symbols[i], c->deadline_ms, keep_order,
                                        &c->draft);
        }
        if (r == 0)
                keep_unasked(c, symbols, n);
        return r;
}

static int read_orders(struct check *c)
{
        struct monitor *m = c->m;
        const char **symbols = calloc(2 * MONITOR_POSITIONS_MAX, sizeof(*symbols));
        size_t n;
        int r;

        if (!symbols)
                return -ENOMEM;
        n = find_symbols(c, symbols);
        c->draft.is_full_look =
                look_is_full(&m->costs, n, m->every_ms, m->state.full_look_ms, c->draft.now_ms);
        if (c->draft.is_full_look) {
                r = futures_open_orders(m->futures, NULL, c->deadline_ms, keep_order, &c->draft);
        } else {
                r = read_orders_of(c, symbols, n);
        }
        free(symbols);
        return r == 0 ? c->draft.orders.error : r;
}

/* USD-M tells the sums first; COIN-M has none, and each asset is its own. */
static void keep_balance(void *ctx, const struct weir_balance *balance)
{
        struct draft *d = ctx;
        struct weir_watched_balance *row;

        if (d->balances.n > 0 && !draft_balance(d, 0)->balance.asset[0])
                return;
        if (balance->asset[0] && text_is_zero(balance->wallet) && text_is_zero(balance->equity))
                return;
        row = rows_add(&d->balances);
        if (row)
                row->balance = *balance;
}

static int read_account(struct check *c)
{
        struct monitor *m = c->m;
        int r;

        r = futures_account(m->futures, c->deadline_ms, keep_balance, &c->draft);
        return r == 0 ? c->draft.balances.error : r;
}

static void keep_trade(void *ctx, const struct weir_trade *trade)
{
        struct weir_trade *row = rows_add(ctx);

        if (row)
                *row = *trade;
}

int draft_read_trades(struct check *c, const char *symbol)
{
        static const struct weir_range range = { .limit = TRADES_MAX };
        struct monitor *m = c->m;
        int r;

        if (strcmp(c->trades_symbol, symbol) == 0)
                return 0;
        c->trades.n = 0;
        c->trades_symbol[0] = '\0';
        r = futures_trades(m->futures, symbol, 0, &range, c->deadline_ms, keep_trade, &c->trades);
        if (r == 0)
                r = c->trades.error;
        if (r == 0)
                str_copy(str_of(symbol), c->trades_symbol, sizeof(c->trades_symbol));
        else
                snprintf(c->why, sizeof(c->why), "%s", futures_why(m->futures));
        return r;
}

int draft_read(struct check *c)
{
        int r = read_positions(c);

        if (r == 0)
                r = read_orders(c);
        if (r == 0)
                r = read_account(c);
        return r;
}
