/*
 * Metrics
 *
 * What /weir/metrics says: the region as weir status shows it, what this gateway did, and how it
 * is. Pure: what is true now is an argument. Series are bounded: METRICS_BUDGETS_MAX budgets, and
 * of the names that clients choose those that struct top keeps.
 */
#ifndef WATCH_METRICS_H
#define WATCH_METRICS_H

#include "base/class.h"
#include "http/server.h"
#include "look/look.h"
#include "stats/stats.h"
#include "watch/exposition.h"
#include "watch/top.h"

/* Budgets with series of their own: a desk has some ten; only those that sapi counts by endpoint
 * are many. */
#define METRICS_BUDGETS_MAX 128
/* All series that there can be, with long names, take half of it. */
#define METRICS_BYTES_MAX (4u << 20)
/* Products by address whose clock a gateway goes by. */
#define METRICS_CLOCKS_MAX (POLICY_GROUP_COUNT * REGION_EGRESSES)

enum metrics_state {
        METRICS_STARTING,
        METRICS_READY,
        METRICS_DRAINING,
};

/* "starting", ... */
const char *metrics_state_name(enum metrics_state state);

/* The exchange's clock of one product by one address, in use. */
struct metrics_clock {
        const char *product, *egress;
        bool is_known;
        double offset_s, error_s;
};

struct metrics_queue {
        size_t waiting;
        double oldest_s;
        bool is_paused;
};

/* The gateway itself. */
struct metrics_gateway {
        enum metrics_state state;
        const char *history; /* "on", "off", "failed" */
        bool is_shadow, is_region_deleted;
        double started_s; /* since 1970 */
        double cpu_s, resident_bytes, loop_lag_s;
        struct http_server_counters server;
        struct metrics_queue queue[CLASS_COUNT];
        size_t paused_clients;
        struct metrics_clock clocks[METRICS_CLOCKS_MAX];
        size_t n_clocks;
        size_t weights_acknowledged;
};

/* Each may be NULL: left out. */
struct metrics_input {
        const struct look *look;
        const struct stats *stats;
        const struct metrics_gateway *gateway;
        const struct top *clients, *endpoints;
        /* What verdict @i of the stats is called; NULL when there are not so many. May be NULL. */
        const char *(*verdict_name)(unsigned i);
};

/**
 * metrics_write() - all families, in the form that is wanted
 *
 * Return: 0, -ENOBUFS or -ENOMEM when @to did not take all of it.
 */
CHECKED int metrics_write(struct buf *to, enum exposition_form form,
                          const struct metrics_input *input);

/* The parts, each of one subject. */
void metrics_gateway(struct exposition *e, const struct metrics_gateway *gateway);
void metrics_budgets(struct exposition *e, const struct look *look);
void metrics_counters(struct exposition *e, const struct look *look);
void metrics_ways(struct exposition *e, const struct look *look);
void metrics_hosts(struct exposition *e, const struct look_hosts *hosts);
void metrics_requests(struct exposition *e, const struct metrics_input *input);

/* A family of one number. */
void metrics_one(struct exposition *e, enum metric metric, double value);
void metrics_begin(struct exposition *e, enum metric metric);

#endif
