#include "trade/monitor.h"
#include "api/futures.h"
#include "api/limiter.h"
#include "api/sized.h"

#include <errno.h>
#include <string.h>

/* The monitor as weir.h hands it out is the one inside. */

static struct monitor *inside(struct weir_monitor *monitor)
{
        return (struct monitor *)(void *)monitor;
}

static const struct monitor *inside_const(const struct weir_monitor *monitor)
{
        return (const struct monitor *)(const void *)monitor;
}

int weir_monitor_new(const struct weir_monitor_options *options, struct weir_futures *futures,
                     struct weir_monitor **ret_monitor, struct weir_error *ret_error)
{
        struct weir_monitor_options o = WEIR_MONITOR_DEFAULTS;
        char why[MONITOR_WHY_MAX];
        struct monitor *monitor;
        int r;

        r = api_take(&o, sizeof(o), SIZED_MONITOR_OPTIONS, options, "weir_monitor_options",
                     "WEIR_MONITOR_DEFAULTS", ret_error);
        if (r < 0)
                return r;
        r = monitor_new(futures->inside, o.fall_percent, o.full_look_ms, &monitor, why);
        if (r < 0) {
                api_write_error(ret_error, "%s", why);
                return r;
        }
        *ret_monitor = (struct weir_monitor *)(void *)monitor;
        return 0;
}

struct weir_monitor *weir_monitor_free(struct weir_monitor *monitor)
{
        monitor_free(inside(monitor));
        return NULL;
}

const char *weir_coverage_name(enum weir_coverage coverage)
{
        return monitor_coverage_name(coverage);
}

const char *weir_order_role_name(enum weir_order_role role)
{
        return monitor_role_name(role);
}

const char *weir_event_name(enum weir_event_kind kind)
{
        return monitor_event_name(kind);
}

int weir_monitor_check(struct weir_monitor *monitor, uint64_t deadline_ms, weir_event_fn fn,
                       void *ctx)
{
        return monitor_check(inside(monitor), deadline_ms, fn, ctx);
}

void weir_monitor_state(const struct weir_monitor *monitor, struct weir_monitor_state *ret_state)
{
        struct weir_monitor_state state;

        monitor_state(inside_const(monitor), &state);
        sized_give(ret_state, &state, sizeof(state));
}

void weir_monitor_positions(const struct weir_monitor *monitor, weir_watched_fn fn, void *ctx)
{
        monitor_positions(inside_const(monitor), fn, ctx);
}

void weir_monitor_orders(const struct weir_monitor *monitor, weir_watched_order_fn fn, void *ctx)
{
        monitor_orders(inside_const(monitor), fn, ctx);
}

void weir_monitor_balances(const struct weir_monitor *monitor, weir_watched_balance_fn fn,
                           void *ctx)
{
        monitor_balances(inside_const(monitor), fn, ctx);
}
