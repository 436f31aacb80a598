#include "cli/positions_json.h"
#include "cli/futures_json.h"
#include "trade/protection.h"

#define TEXT(j, name, value)   futures_json_put(j, name, futures_json_text(value))
#define NUMBER(j, name, value) futures_json_put(j, name, futures_json_number(value))

/* 0 is "not known", "none". */
static void put_time(json_t *j, const char *name, uint64_t ms)
{
        futures_json_put(j, name, ms ? futures_json_number(ms) : json_null());
}

static json_t *watched_json(const struct weir_watched *w)
{
        json_t *j;

        if (!w)
                return json_null();
        j = futures_json_position(&w->position);
        TEXT(j, "liquidationPercent", w->liquidation_percent);
        TEXT(j, "stopLoss", monitor_coverage_name(w->stop_loss));
        TEXT(j, "stopQuantity", w->stop_quantity);
        TEXT(j, "takeProfit", monitor_coverage_name(w->take_profit));
        TEXT(j, "takeQuantity", w->take_quantity);
        put_time(j, "sinceMs", w->since_ms);
        return j;
}

static json_t *order_json(const struct weir_watched_order *o)
{
        json_t *j = futures_json_order(&o->order);

        TEXT(j, "role", monitor_role_name(o->role));
        put_time(j, "seenMs", o->seen_ms);
        return j;
}

static json_t *balance_json(const struct weir_watched_balance *b)
{
        json_t *j = futures_json_balance(&b->balance);

        TEXT(j, "change", b->change);
        TEXT(j, "changePercent", b->change_percent);
        return j;
}

/* Lists. */

static void add_balance(void *ctx, const struct weir_watched_balance *b)
{
        json_array_append_new(ctx, balance_json(b));
}

/* Orders of one position, or with none those of no position. */
struct sheaf {
        const struct weir_watched *position;
        json_t *orders;
};

static void add_order(void *ctx, const struct weir_watched_order *o)
{
        struct sheaf *sheaf = ctx;

        if (sheaf->position ? o->role != WEIR_ROLE_NONE &&
                                      protection_is_of(&sheaf->position->position, &o->order)
                            : o->role == WEIR_ROLE_NONE)
                json_array_append_new(sheaf->orders, order_json(o));
}

static json_t *orders_json(const struct monitor *monitor, const struct weir_watched *position)
{
        struct sheaf sheaf = { position, json_array() };

        monitor_orders(monitor, add_order, &sheaf);
        return sheaf.orders;
}

struct positions {
        const struct monitor *monitor;
        json_t *list;
};

static void add_position(void *ctx, const struct weir_watched *w)
{
        struct positions *positions = ctx;
        json_t *j = watched_json(w);

        futures_json_put(j, "orders", orders_json(positions->monitor, w));
        json_array_append_new(positions->list, j);
}

json_t *positions_json_check(const struct monitor *monitor, uint64_t next_ms)
{
        struct positions positions = { monitor, json_array() };
        json_t *j = json_object(), *balances = json_array();
        struct weir_monitor_state state;

        monitor_state(monitor, &state);
        monitor_balances(monitor, add_balance, balances);
        monitor_positions(monitor, add_position, &positions);
        TEXT(j, "type", "check");
        futures_json_put(j, "ok", json_boolean(state.stale_since_ms == 0));
        put_time(j, "checkedMs", state.checked_ms);
        put_time(j, "staleSinceMs", state.stale_since_ms);
        put_time(j, "retryAtMs", state.retry_at_ms);
        put_time(j, "nextMs", next_ms);
        TEXT(j, "why", state.why);
        NUMBER(j, "checks", state.checks);
        NUMBER(j, "failures", state.failures);
        NUMBER(j, "weight", state.weight);
        NUMBER(j, "nextWeight", state.next_weight);
        put_time(j, "fullLookMs", state.full_look_ms);
        futures_json_put(j, "balances", balances);
        futures_json_put(j, "positions", positions.list);
        futures_json_put(j, "orders", orders_json(monitor, NULL));
        return j;
}

/* Events. */

static void put_trades(json_t *j, const struct weir_event *e)
{
        json_t *trades = json_array();

        for (size_t i = 0; i < e->n_trades; ++i)
                json_array_append_new(trades, futures_json_trade(e->trades[i]));
        TEXT(j, "realized", e->realized);
        TEXT(j, "commission", e->commission);
        TEXT(j, "commissionAsset", e->commission_asset);
        futures_json_put(j, "tradesWhole", json_boolean(e->is_whole));
        futures_json_put(j, "trades", trades);
}

json_t *positions_json_event(const struct weir_event *e)
{
        const struct weir_watched *w = e->now ? e->now : e->before;
        json_t *j = json_object();

        TEXT(j, "type", "event");
        TEXT(j, "event", monitor_event_name(e->kind));
        NUMBER(j, "atMs", e->at_ms);
        if (w) {
                TEXT(j, "symbol", w->position.symbol);
                futures_json_put(j, "before", watched_json(e->before));
                futures_json_put(j, "now", watched_json(e->now));
        }
        if (e->kind == WEIR_EVENT_CLOSED || e->kind == WEIR_EVENT_FLIPPED)
                put_trades(j, e);
        if (e->balance)
                futures_json_put(j, "balance", balance_json(e->balance));
        TEXT(j, "why", e->why);
        return j;
}
