/*
 * Monitor
 *
 * The position monitor, in the structures of weir.h, whose section 7 says what each function
 * promises. One check collects a draft; only a whole one takes the place of what was known.
 *
 *      look.c         what it costs, whose orders are looked at
 *      protection.c   which orders protect a position
 *      changes.c      two checks compared
 *      episode.c      the trades of a position that closed
 *
 * These four are pure; draft.c asks, check.c compares and tells, monitor.c keeps what was answered.
 */
#ifndef TRADE_MONITOR_H
#define TRADE_MONITOR_H

#include "base/base.h"

#include <weir.h>

struct futures;
struct monitor;

#define MONITOR_FALL_DEFAULT      "3"
#define MONITOR_FULL_LOOK_DEFAULT 600000

/* Most that is kept of one account: five times what Binance has symbols for, and its most orders
 * of one account. Beyond it a check fails rather than shows a part as the whole. */
#define MONITOR_POSITIONS_MAX 4096
#define MONITOR_ORDERS_MAX    16384

#define MONITOR_WHY_MAX 512

/* @fall_percent: as weir.h says. Return: 0; -EINVAL with @ret_why, -ENOMEM. */
CHECKED int monitor_new(struct futures *futures, const char *fall_percent, uint64_t full_look_ms,
                        struct monitor **ret_monitor, char ret_why[MONITOR_WHY_MAX]);
/* Accepts NULL. Return: NULL. */
struct monitor *monitor_free(struct monitor *monitor);

CHECKED int monitor_check(struct monitor *m, uint64_t deadline_ms, weir_event_fn fn, void *ctx);

void monitor_state(const struct monitor *m, struct weir_monitor_state *ret_state);
void monitor_positions(const struct monitor *m, weir_watched_fn fn, void *ctx);
void monitor_orders(const struct monitor *m, weir_watched_order_fn fn, void *ctx);
void monitor_balances(const struct monitor *m, weir_watched_balance_fn fn, void *ctx);

/* The exchange's time, as well as it is known; asks nobody. */
uint64_t monitor_now_ms(const struct monitor *m);

/* As in JSON and on the command line: "opened", ... */
const char *monitor_event_name(enum weir_event_kind kind);
const char *monitor_coverage_name(enum weir_coverage coverage);
const char *monitor_role_name(enum weir_order_role role);

#endif
