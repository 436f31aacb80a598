/*
 * World
 *
 * A model exchange that counts in its own true time, and programs whose clocks are wrong by up to
 * the guard, whose requests take random ways, come back late or never, and who die. In virtual
 * time, thousands of windows a second. Everything random comes from the seed.
 */
#ifndef CORE_TEST_WORLD_H
#define CORE_TEST_WORLD_H

#include "base/heap.h"
#include "core/limiter.h"
#include "core/route.h"

#define CLIENTS     4
#define ROUTES      128
#define FLOWS       192 /* of one client */
#define POOLS       2
#define TRY_FAILURE 4 /* as the gateway: so many try in vain, then the rest is left in peace */
#define START_MS    1800000000000ULL

struct scenario {
        const char *label;
        uint64_t windows[POOLS][REGION_POOL_WINDOWS];
        uint32_t guard_ms;
        uint32_t cost_max[POOLS]; /* 0: this pool is not charged */
        uint32_t light_in_16;     /* so many of 16 cost 1 in pool 0 */
        bool has_ceilings;        /* pool 0 is shared by classes, all but the first */
        uint32_t latency_ms;      /* one way, on average */
        bool chaos;               /* spikes, deaths, cancellations, no answers */
        bool foreign;
        unsigned flows;  /* of each client */
        uint32_t n_full; /* windows of pool 0's longest span to simulate */
        double min_yield;
};

enum kind {
        EV_WAKE,   /* a flow has something to do: reserve, or confirm */
        EV_LEAVE,  /* GO was some moments ago: send */
        EV_ARRIVE, /* counted by the exchange */
        EV_ANSWER,
        EV_TRY, /* of a client: who waits looks for an earlier place */
        EV_KILL,
        EV_CLOCK,
        EV_FOREIGN,
};

struct event {
        struct heap_link link;
        uint64_t at_ms, order;
        enum kind kind;
        unsigned client, flow, life; /* of the flow: a dead one's events mean nothing */
        uint32_t cost[POOLS];
        uint32_t used[POOLS][REGION_POOL_WINDOWS];
        bool is_answered;
};

struct flow {
        unsigned life;
        uint64_t since; /* order of arrival */
        struct limiter_request request;
        struct limiter_ticket ticket;
};

struct client {
        int64_t error_ms;
        struct flow flows[FLOWS];
};

struct counted {
        uint64_t number;
        uint32_t ours, foreign;
        uint64_t total, n_windows;
        uint32_t highest, over; /* with foreign use; ours alone fails the test */
};

/* A kind of request whose budgets are known. */
struct learnt {
        struct limiter_request request;
        struct route route;
};

struct world {
        const struct scenario *s;
        uint64_t seed, rng, now_ms, end_ms, order;
        struct region region;
        struct limiter limiter;
        struct client clients[CLIENTS];
        struct counted counted[POOLS][REGION_POOL_WINDOWS];
        struct heap heap;
        uint64_t n_sent, n_lost, n_waits, n_carried, n_short;
        struct learnt learnt[ROUTES];
        unsigned n_learnt;
};

uint64_t world_below(struct world *w, uint64_t n);
bool world_one_in(struct world *w, uint64_t n);

/* Return: the event, for the caller to fill in; it is the world's. */
struct event *world_schedule(struct world *w, enum kind kind, uint64_t at_ms, unsigned client,
                             unsigned flow);

/* One way, to the exchange or back. */
uint64_t world_latency(struct world *w);

/* Runs @s from its beginning to its end. Fails the test when more of ours is counted than the
 * limit, or the yield is below the scenario's. */
void world_run(const struct scenario *s, uint64_t seed);

/* What the programs do (test_world_client.c). */

/* The client's clock is wrong by something else from now on. */
void client_set_clock(struct world *w, unsigned client);
/* A flow has something to do: reserve, or confirm. */
void client_wake(struct world *w, unsigned client, unsigned flow);
/* GO was some moments ago: send. */
void client_leave(struct world *w, unsigned client, unsigned flow);
/* The answer to a flow's request. */
void client_land(struct world *w, const struct event *e);
/* Those who wait look for an earlier place, in the order in which they came, as in the gateway. */
void client_try(struct world *w, unsigned client);
/* A process dies, with all it holds; another takes its place at once. */
void client_die(struct world *w, unsigned client);

#endif
