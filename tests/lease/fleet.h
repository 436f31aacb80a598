/*
 * Hosts that share one budget, in a world whose time is a number: regions of their own, the keeper
 * and core's limiter as they are, and the real function in a real store. What is invented is the
 * demand, how long things take, and the exchange's count.
 */
#ifndef TEST_LEASE_FLEET_H
#define TEST_LEASE_FLEET_H

#include "base/base.h"

struct books;

enum fleet_pattern {
        FLEET_EVEN,     /* all ask without a pause */
        FLEET_SKEWED,   /* one does, for nine tenths of all; the others in their own time */
        FLEET_CHANGING, /* likewise, another one in each window */
        FLEET_COLD,     /* all ask, and know the tables' windows only before they are answered */
        FLEET_TRADERS,  /* one asks for all that there is; the others only trade, in bursts */
};

struct fleet_scenario {
        const char *label;
        unsigned n_hosts;
        enum fleet_pattern pattern;
        uint32_t span_ms, limit;
        uint32_t store_ms;      /* to the store and back */
        unsigned warm, windows; /* windows before it counts, and that do */
        double asks_most;       /* ops for 1,000 requests */
        bool has_light_orders;  /* which use nothing of the limit, as those of futures */
        uint32_t raw_limit;     /* requests in five minutes, beside it; 0: none */
};

struct fleet_figures {
        double yield, worst; /* parts of the limit, mean and least of full windows */
        double asks;         /* ops for 1,000 requests */
        uint64_t over;       /* counted above the limit, all windows */
        uint64_t requests, ops;
        uint64_t why[16]; /* ops by enum keeper_reason */
        double left_held; /* of the limit: caps that nobody used, mean of windows at their end */
        double left_free; /* ... and what nobody was granted */
        uint32_t order_p99_ms, early_p99_ms; /* what orders waited; of those in the first half */
};

/* `seed`: of the hosts' numbers, their clocks' errors and the demand; a seed is a run. */
void fleet_run(struct books *books, const struct fleet_scenario *s, uint64_t seed,
               struct fleet_figures *ret);

#endif
