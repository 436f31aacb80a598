/*
 * What weir positions shows to people: a state line, equity, a table of positions with their
 * orders, and events as lines. As wide as the terminal: where it is narrow, columns that can be
 * spared are.
 */
#ifndef CLI_POSITIONS_VIEW_H
#define CLI_POSITIONS_VIEW_H

#include "trade/monitor.h"

#include <stdio.h>

#define VIEW_EVENT_MAX 256

struct view {
        const struct monitor *monitor;
        enum weir_market market;
        bool is_coloured;
        unsigned width; /* 0: as wide as it comes */
};

/* @next_ms: when the next check begins; 0: there is none. */
void view_page(FILE *to, const struct view *v, uint64_t next_ms);

/* One line without newline: "11:40:02 closed BTCUSDT long 0.01: realised 3.2 USDT, 2 trades" */
void view_event(const struct weir_event *event, char to[VIEW_EVENT_MAX]);

#endif
