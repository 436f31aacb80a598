/*
 * Demo
 *
 * Two simulated exchanges, the same greedy bots at each, and weir in front of the second:
 *
 *      poller, poller, poller, trader -----------------> sim
 *      poller, poller, poller, trader ----> gateway ---> sim
 *
 * Every box is a process of its own. cmd_demo.c starts, stops and keeps the time, demo_view.c draws
 * what goes on, demo_summary.c says what it was.
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "base/base.h"
#include "cli/demo_books.h"
#include "cli/demo_child.h"
#include "cli/demo_screen.h"
#include "cli/demo_tally.h"

#include <stdio.h>

/* Short, so that a minute shows several windows and bans. */
#define DEMO_WEIGHT   "1200"
#define DEMO_WINDOW_S "10"
#define DEMO_BANS     "8,12,16,20"

#define DEMO_POLLERS_MAX 32
#define DEMO_SECONDS_MAX 600
#define DEMO_TICKS_PER_S 4

/* Ticks over which requests per second are averaged. */
#define DEMO_RECENT (2 * DEMO_TICKS_PER_S)

enum {
        DIRECT,
        WEIR,
        SIDES,
};

struct demo_side {
        bool has_gateway;
        uint16_t exchange_port, port; /* port: where the bots go */
        struct child sim, gateway;
        struct child bots[DEMO_POLLERS_MAX + 1];
        struct tally *tallies; /* a slot per bot */
        struct books books;
        uint64_t recent[DEMO_RECENT]; /* answered by then, one per tick */
};

struct demo {
        unsigned seconds, n_bots; /* n_bots: of a side, the trader included */
        bool is_json;
        uint64_t start_us, end_us; /* monotonic; end_us 0: it is still running */
        uint64_t n_ticks;
        struct demo_side sides[SIDES];
        struct screen screen;
};

/* What a side comes to by now. */
struct demo_result {
        uint64_t answered, seen_429, seen_418, errors; /* by the bots */
        uint64_t orders_wanted, orders_placed, orders_refused, waiting, waiting_since_us;
        uint64_t cancelled, cancels_refused;
        uint64_t wait_p50_us, wait_p99_us, wait_max_us, in_weir_p50_us, in_weir_p99_us;
        uint64_t refused_429, refused_418, n_bans, banned_ms; /* by the exchange */
        uint64_t window_mean; /* weight used per complete window; 0: there was none */
};

void demo_result(const struct demo *d, const struct demo_side *side, struct demo_result *ret);
uint64_t demo_elapsed_ms(const struct demo *d);

/* "1,234", "950 us", "4.1 s". @to: DEMO_TEXT bytes. Return: @to. */
#define DEMO_TEXT 32
const char *demo_count(uint64_t n, char *to);
const char *demo_duration(uint64_t us, char *to);

/* demo_view.c: one picture, or one line per side. */
void demo_draw(struct demo *d);
void demo_print_lines(const struct demo *d);

/* demo_summary.c: for people, for programs. Return: true when weir kept its promise. */
bool demo_is_clean(const struct demo *d);
void demo_print_summary(const struct demo *d);
void demo_print_json(const struct demo *d);

#endif
