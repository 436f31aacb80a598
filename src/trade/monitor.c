#include "trade/monitor.h"
#include "trade/monitor_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Life. */

static int read_percent(const char *text, struct amount *ret, char *why)
{
        struct amount grid, cut;
        int r = amount_parse(str_of("0.00000001"), &grid);

        if (r == 0)
                r = amount_parse(str_of(text), ret);
        if (r == 0)
                r = amount_round(*ret, grid, AMOUNT_DOWN, &cut);
        if (r == 0 && ret->units >= 0 && amount_compare(cut, *ret) == 0)
                return 0;
        snprintf(why, MONITOR_WHY_MAX,
                 "a fall of \"%.40s\" percent: write a decimal like 3 or 0.5, 0 for never",
                 text ? text : "");
        return -EINVAL;
}

int monitor_new(struct futures *futures, const char *fall_percent, uint64_t full_look_ms,
                struct monitor **ret_monitor, char ret_why[MONITOR_WHY_MAX])
{
        struct amount fall;
        struct monitor *m;
        int r = read_percent(fall_percent, &fall, ret_why);

        if (r < 0)
                return r;
        m = calloc(1, sizeof(*m));
        if (!m) {
                snprintf(ret_why, MONITOR_WHY_MAX, "out of memory");
                return -ENOMEM;
        }
        m->futures = futures;
        m->fall_percent = fall;
        m->every_ms = full_look_ms;
        m->state.size = sizeof(m->state);
        look_costs(futures->config.market, &m->costs);
        draft_init(&m->known);
        ret_why[0] = '\0';
        *ret_monitor = m;
        return 0;
}

struct monitor *monitor_free(struct monitor *m)
{
        if (!m)
                return NULL;
        draft_deinit(&m->known);
        free(m);
        return NULL;
}

/* What is known. */

void monitor_state(const struct monitor *m, struct weir_monitor_state *ret_state)
{
        const struct draft *d = &m->known;
        uint64_t now_ms = courier_now_ms(m->futures->courier);
        size_t n = 0;

        *ret_state = m->state;
        for (size_t i = 0; i < d->positions.n; ++i)
                n += !draft_has_before(d, i);
        ret_state->next_weight = m->costs.positions + m->costs.account;
        if (look_is_full(&m->costs, n, m->every_ms, m->state.full_look_ms, now_ms))
                ret_state->next_weight += m->costs.orders_all;
        else
                ret_state->next_weight += (uint32_t)n * m->costs.orders_one;
}

void monitor_positions(const struct monitor *m, weir_watched_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.positions.n; ++i)
                fn(ctx, draft_position(&m->known, i));
}

void monitor_orders(const struct monitor *m, weir_watched_order_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.orders.n; ++i)
                fn(ctx, draft_order(&m->known, i));
}

void monitor_balances(const struct monitor *m, weir_watched_balance_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.balances.n; ++i)
                fn(ctx, draft_balance(&m->known, i));
}

uint64_t monitor_now_ms(const struct monitor *m)
{
        return courier_now_ms(m->futures->courier);
}

const char *monitor_event_name(enum weir_event_kind kind)
{
        static const char *const names[] = {
                [WEIR_EVENT_OPENED] = "opened",         [WEIR_EVENT_CLOSED] = "closed",
                [WEIR_EVENT_FLIPPED] = "flipped",       [WEIR_EVENT_CHANGED] = "changed",
                [WEIR_EVENT_PROTECTION] = "protection", [WEIR_EVENT_EQUITY] = "equity",
                [WEIR_EVENT_STALE] = "stale",           [WEIR_EVENT_FRESH] = "fresh",
        };

        return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "other";
}

const char *monitor_coverage_name(enum weir_coverage coverage)
{
        static const char *const names[] = {
                [WEIR_UNCOVERED] = "none",
                [WEIR_PARTLY_COVERED] = "partly",
                [WEIR_COVERED] = "whole",
        };

        return (unsigned)coverage < ARRAY_SIZE(names) ? names[coverage] : "other";
}

const char *monitor_role_name(enum weir_order_role role)
{
        static const char *const names[] = {
                [WEIR_ROLE_NONE] = "none",
                [WEIR_ROLE_ADDS] = "adds",
                [WEIR_ROLE_REDUCES] = "reduces",
                [WEIR_ROLE_STOP_LOSS] = "stop_loss",
                [WEIR_ROLE_TAKE_PROFIT] = "take_profit",
        };

        return (unsigned)role < ARRAY_SIZE(names) ? names[role] : "other";
}
