/*
 * What weir order prints: for people, or with --json one JSON document.
 */
#ifndef CLI_ORDER_SHOW_H
#define CLI_ORDER_SHOW_H

#include "base/base.h"

#include <jansson.h>
#include <weir.h>

/* A list or a report on its way out. */
struct show {
        bool is_json;
        json_t *list; /* of a list, with --json */
        size_t n;     /* rows so far */
};

void show_begin_list(struct show *show);
/* @nothing: what is said when there was no row. */
void show_end_list(struct show *show, const char *nothing);

/* Rows: weir_order_fn and the like, with a struct show as @ctx. */
void show_order(void *ctx, const struct weir_order_state *order);
void show_position(void *ctx, const struct weir_position *position);
void show_balance(void *ctx, const struct weir_balance *balance);
void show_trade(void *ctx, const struct weir_trade *trade);
void show_kline(void *ctx, const struct weir_kline *kline);

void show_one_order(struct show *show, const struct weir_order_state *order);
void show_ticker(struct show *show, const struct weir_ticker *ticker);
void show_filters(struct show *show, const struct weir_filters *filters);

/**
 * show_report() - what became of a request that changes something
 * @what: "BTCUSDT: leverage 20", for what has no order; NULL: the report's order
 * @why:  the exchange's or our complaint; ""
 *
 * Return: the exit code: done, not executed, or unknown.
 */
int show_report(struct show *show, const struct weir_order_report *report, const char *what,
                const char *why);

#endif
