/*
 * The monitor's own: one monitor in three files, for these only.
 *
 *      monitor.c   its life, and what is known
 *      draft.c     what one check reads from the exchange
 *      check.c     one check: a draft is read, understood, compared with what was known, and told;
 *                  only a whole one takes the place of what was known
 */
#ifndef TRADE_MONITOR_INSIDE_H
#define TRADE_MONITOR_INSIDE_H

#include "trade/amount.h"
#include "trade/inside.h"
#include "trade/look.h"
#include "trade/monitor.h"
#include "trade/rows.h"

/* As many as the exchange tells at once. */
#define TRADES_MAX 1000

struct draft {
        struct rows positions; /* struct weir_watched */
        struct rows orders;    /* struct weir_watched_order */
        struct rows balances;  /* struct weir_watched_balance */
        bool is_full_look;
        uint64_t now_ms; /* when the positions were so */
};

struct monitor {
        struct futures *futures;
        struct amount fall_percent;
        uint64_t every_ms;
        struct look_costs costs;
        struct draft known;
        struct weir_monitor_state state;
};

/* The check that is under way. */
struct check {
        struct monitor *m;
        struct draft draft;
        uint64_t deadline_ms;
        weir_event_fn fn;
        void *ctx;
        /* Trades of one symbol, asked for once. */
        char trades_symbol[WEIR_SYMBOL_SIZE];
        struct rows trades; /* struct weir_trade */
        const struct weir_trade **episode;
        char why[FUTURES_WHY_MAX];
};

/* draft.c */

static inline struct weir_watched *draft_position(const struct draft *d, size_t i)
{
        return rows_at(&d->positions, i);
}

static inline struct weir_watched_order *draft_order(const struct draft *d, size_t i)
{
        return rows_at(&d->orders, i);
}

static inline struct weir_watched_balance *draft_balance(const struct draft *d, size_t i)
{
        return rows_at(&d->balances, i);
}

void draft_init(struct draft *d);
void draft_deinit(struct draft *d);

/* Whether the position at @i has a symbol that one before it has too. */
bool draft_has_before(const struct draft *d, size_t i);

/* Positions, orders and balances into c->draft. Return: as a read, or -EOVERFLOW, -ENOMEM. */
CHECKED int draft_read(struct check *c);
/* The newest trades of @symbol, into c->trades. Return: as a read. */
CHECKED int draft_read_trades(struct check *c, const char *symbol);

static inline bool text_is_zero(const char *text)
{
        struct amount a;

        return amount_parse(str_of(text), &a) == 0 && amount_is_zero(a);
}

#endif
