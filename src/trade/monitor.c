#include "trade/monitor.h"
#include "trade/amount.h"
#include "trade/changes.h"
#include "trade/episode.h"
#include "trade/inside.h"
#include "trade/look.h"
#include "trade/percent.h"
#include "trade/protection.h"
#include "trade/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* As many as the exchange tells at once. */
#define TRADES_MAX 1000
/* COIN-M has some twenty assets. */
#define BALANCES_MAX 256

static const enum weir_class class_account = CLASS_ACCOUNT;

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

/* Drafts. */

static struct weir_watched *position_at(const struct draft *d, size_t i)
{
        return rows_at(&d->positions, i);
}

static struct weir_watched_order *order_at(const struct draft *d, size_t i)
{
        return rows_at(&d->orders, i);
}

static struct weir_watched_balance *balance_at(const struct draft *d, size_t i)
{
        return rows_at(&d->balances, i);
}

static void draft_init(struct draft *d)
{
        *d = (struct draft){
                .positions = rows_of(sizeof(struct weir_watched), MONITOR_POSITIONS_MAX),
                .orders = rows_of(sizeof(struct weir_watched_order), MONITOR_ORDERS_MAX),
                .balances = rows_of(sizeof(struct weir_watched_balance), BALANCES_MAX),
        };
}

static void draft_deinit(struct draft *d)
{
        rows_deinit(&d->positions);
        rows_deinit(&d->orders);
        rows_deinit(&d->balances);
}

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

/* Asking. */

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

static bool is_symbol_before(const struct draft *d, size_t i)
{
        for (size_t k = 0; k < i; ++k)
                if (strcmp(position_at(d, k)->position.symbol,
                           position_at(d, i)->position.symbol) == 0)
                        return true;
        return false;
}

/* Both sides of a symbol are one call; so is what has closed since, whose orders may be left. */
static size_t find_symbols(const struct check *c, const char **symbols)
{
        const struct draft *now = &c->draft, *before = &c->m->known;
        size_t n = 0;

        for (size_t i = 0; i < now->positions.n; ++i)
                if (!is_symbol_before(now, i))
                        symbols[n++] = position_at(now, i)->position.symbol;
        for (size_t i = 0; i < before->positions.n; ++i) {
                const char *symbol = position_at(before, i)->position.symbol;
                bool is_there = is_symbol_before(before, i);

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
                const struct weir_watched_order *order = order_at(before, i);
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

static bool is_zero(const char *text)
{
        struct amount a;

        return amount_parse(str_of(text), &a) == 0 && amount_is_zero(a);
}

/* USD-M tells the sums first; COIN-M has none, and each asset is its own. */
static void keep_balance(void *ctx, const struct weir_balance *balance)
{
        struct draft *d = ctx;
        struct weir_watched_balance *row;

        if (d->balances.n > 0 && !balance_at(d, 0)->balance.asset[0])
                return;
        if (balance->asset[0] && is_zero(balance->wallet) && is_zero(balance->equity))
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

/* The newest trades of @symbol. Return: as a read. */
static int read_trades(struct check *c, const char *symbol)
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

/* Understanding. */

static const struct weir_watched *find_position(const struct draft *d,
                                                const struct weir_order_state *order)
{
        for (size_t i = 0; i < d->positions.n; ++i)
                if (protection_is_of(&position_at(d, i)->position, order))
                        return position_at(d, i);
        return NULL;
}

static void understand(struct check *c)
{
        const struct draft *before = &c->m->known;
        struct draft *d = &c->draft;
        struct amount distance;

        for (size_t i = 0; i < d->positions.n; ++i) {
                struct weir_watched *w = position_at(d, i);
                const struct weir_watched *was =
                        changes_find(rows_all(&before->positions), before->positions.n, w);

                w->since_ms = was && (was->position.quantity[0] == '-') ==
                                                      (w->position.quantity[0] == '-')
                                      ? was->since_ms
                                      : d->now_ms;
                protection_judge(w, rows_all(&d->orders), d->orders.n);
                if (percent_liquidation(&w->position, &distance) == 0)
                        amount_print(distance, w->liquidation_percent);
        }
        for (size_t i = 0; i < d->orders.n; ++i) {
                struct weir_watched_order *o = order_at(d, i);
                const struct weir_watched *w = find_position(d, &o->order);

                o->role = protection_role(w ? &w->position : NULL, &o->order);
        }
}

/* Telling. */

static void tell(struct check *c, struct weir_event *event)
{
        event->at_ms = c->draft.now_ms;
        if (!event->why)
                event->why = "";
        if (c->fn)
                c->fn(c->ctx, event);
}

/* What the trades of a position that closed or turned came to; leaves out what is not known. */
static void add_trades(struct check *c, struct weir_event *event)
{
        const struct weir_position *was = &event->before->position;
        struct amount held = AMOUNT_ZERO;
        struct episode episode;

        c->why[0] = '\0';
        event->why = c->why;
        if (event->now && amount_parse(str_of(event->now->position.quantity), &held) < 0)
                return;
        if (read_trades(c, was->symbol) != 0)
                return;
        if (episode_find(rows_all(&c->trades), c->trades.n, was->side, held, c->draft.now_ms,
                         c->episode, &episode) < 0 ||
            episode.n == 0) {
                snprintf(c->why, sizeof(c->why), "the exchange does not tell its trades yet");
                return;
        }
        event->has_trades = true;
        event->is_whole = episode.is_whole;
        event->trades = c->episode;
        event->n_trades = episode.n;
        amount_print(episode.realized, event->realized);
        if (episode.commission_asset[0] || amount_is_zero(episode.commission))
                amount_print(episode.commission, event->commission);
        str_copy(str_of(episode.commission_asset), event->commission_asset,
                 sizeof(event->commission_asset));
}

static void tell_position(void *ctx, enum weir_event_kind kind, const struct weir_watched *before,
                          const struct weir_watched *now)
{
        struct weir_event event = { .kind = kind, .before = before, .now = now };
        struct check *c = ctx;

        if (kind == WEIR_EVENT_CLOSED || kind == WEIR_EVENT_FLIPPED)
                add_trades(c, &event);
        tell(c, &event);
}

static const struct weir_watched_balance *find_balance(const struct draft *d, const char *asset)
{
        for (size_t i = 0; i < d->balances.n; ++i)
                if (strcmp(balance_at(d, i)->balance.asset, asset) == 0)
                        return balance_at(d, i);
        return NULL;
}

/* An asset that is no longer held (COIN-M) has fallen to nothing. */
static void add_vanished(struct check *c)
{
        const struct draft *before = &c->m->known;

        for (size_t i = 0; i < before->balances.n; ++i) {
                const struct weir_balance *was = &balance_at(before, i)->balance;
                struct weir_watched_balance *row;

                if (find_balance(&c->draft, was->asset) || is_zero(was->equity))
                        continue;
                row = rows_add(&c->draft.balances);
                if (!row)
                        return;
                row->balance =
                        (struct weir_balance){ .wallet = "0", .unrealized = "0", .equity = "0" };
                str_copy(str_of(was->asset), row->balance.asset, sizeof(row->balance.asset));
        }
}

static void tell_equity(struct check *c)
{
        add_vanished(c);
        for (size_t i = 0; i < c->draft.balances.n; ++i) {
                struct weir_watched_balance *now = balance_at(&c->draft, i);
                struct weir_event event = { .kind = WEIR_EVENT_EQUITY, .balance = now };

                if (changes_equity(find_balance(&c->m->known, now->balance.asset), now,
                                   c->m->fall_percent))
                        tell(c, &event);
        }
}

/* A check. */

static int ask(struct check *c)
{
        int r = read_positions(c);

        if (r == 0)
                r = read_orders(c);
        if (r == 0)
                r = read_account(c);
        return r;
}

static void note_failure(struct check *c, int r)
{
        struct monitor *m = c->m;
        const struct verdict *v = &m->futures->reply.verdict;
        struct weir_event event = { .kind = WEIR_EVENT_STALE, .why = m->state.why };
        bool was_fresh = m->state.stale_since_ms == 0;
        const char *why = futures_why(m->futures);

        if (c->draft.now_ms == 0)
                c->draft.now_ms = courier_now_ms(m->futures->courier);
        ++m->state.failures;
        m->state.retry_at_ms = v->ban_until_ms ? v->ban_until_ms : v->retry_at_ms;
        if (r == -EOVERFLOW)
                why = "there are more positions or orders than can be kept";
        snprintf(m->state.why, sizeof(m->state.why), "%s",
                 why[0] ? why : strerror(r < 0 ? -r : EAGAIN));
        if (!was_fresh)
                return;
        m->state.stale_since_ms = c->draft.now_ms;
        tell(c, &event);
}

static void tell_changes(struct check *c)
{
        const struct draft *before = &c->m->known, *now = &c->draft;

        changes_positions(rows_all(&before->positions), before->positions.n,
                          rows_all(&now->positions), now->positions.n, tell_position, c);
}

static void note_success(struct check *c)
{
        struct monitor *m = c->m;
        struct weir_event event = { .kind = WEIR_EVENT_FRESH };
        bool was_stale = m->state.stale_since_ms > 0, is_first = m->state.checked_ms == 0;

        m->state.checked_ms = c->draft.now_ms;
        m->state.stale_since_ms = m->state.retry_at_ms = 0;
        m->state.why[0] = '\0';
        if (c->draft.is_full_look)
                m->state.full_look_ms = c->draft.now_ms;
        understand(c);
        if (was_stale)
                tell(c, &event);
        if (!is_first)
                tell_changes(c);
        tell_equity(c);
        draft_deinit(&m->known);
        m->known = c->draft;
        draft_init(&c->draft);
}

int monitor_check(struct monitor *m, uint64_t deadline_ms, weir_event_fn fn, void *ctx)
{
        struct check c = {
                .m = m,
                .deadline_ms = deadline_ms,
                .fn = fn,
                .ctx = ctx,
                .trades = rows_of(sizeof(struct weir_trade), TRADES_MAX),
                .episode = calloc(TRADES_MAX, sizeof(const struct weir_trade *)),
        };
        uint64_t before = m->futures->spent;
        int r = c.episode ? 0 : -ENOMEM;

        draft_init(&c.draft);
        ++m->state.checks;
        m->futures->class = &class_account;
        futures_begin(m->futures);
        if (r == 0)
                r = ask(&c);
        if (r == 0)
                note_success(&c);
        else
                note_failure(&c, r);
        m->futures->class = NULL;
        m->state.weight = (uint32_t)(m->futures->spent - before);
        free(c.episode);
        rows_deinit(&c.trades);
        draft_deinit(&c.draft);
        return r;
}

/* What is known. */

void monitor_state(const struct monitor *m, struct weir_monitor_state *ret_state)
{
        const struct draft *d = &m->known;
        uint64_t now_ms = courier_now_ms(m->futures->courier);
        size_t n = 0;

        *ret_state = m->state;
        for (size_t i = 0; i < d->positions.n; ++i)
                n += !is_symbol_before(d, i);
        ret_state->next_weight = m->costs.positions + m->costs.account;
        if (look_is_full(&m->costs, n, m->every_ms, m->state.full_look_ms, now_ms))
                ret_state->next_weight += m->costs.orders_all;
        else
                ret_state->next_weight += (uint32_t)n * m->costs.orders_one;
}

void monitor_positions(const struct monitor *m, weir_watched_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.positions.n; ++i)
                fn(ctx, position_at(&m->known, i));
}

void monitor_orders(const struct monitor *m, weir_watched_order_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.orders.n; ++i)
                fn(ctx, order_at(&m->known, i));
}

void monitor_balances(const struct monitor *m, weir_watched_balance_fn fn, void *ctx)
{
        for (size_t i = 0; i < m->known.balances.n; ++i)
                fn(ctx, balance_at(&m->known, i));
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
