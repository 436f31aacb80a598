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
#define SPIKE_MS    3000
#define CLIENTS_MAX 8
#define START_MS    1800000000000ULL
#define SAMPLES     4 /* of the clock, before a client begins */

#define WORLD_WAIT_MS 10000 /* waits of orders are told apart up to it */

/* How the clients' clocks are measured; without one their error is drawn. */
struct clock {
        void (*start)(unsigned client, uint64_t local_us);
        struct limiter_time (*now)(unsigned client, uint64_t local_us);
        void (*sample)(unsigned client, uint64_t server_ms, uint64_t sent_us, uint64_t received_us);
        uint64_t every_ms;
};

/* Somebody else on the same address; asks the exchange without asking us. */
struct stranger {
        uint32_t cost;     /* of one request; 0: nobody */
        uint32_t burst;    /* requests at once */
        uint32_t every_ms; /* on average; 0: once, in the middle of the run */
        uint32_t at_ms;    /* after the multiple of every_ms; jitter_ms around it */
        uint32_t jitter_ms;
        uint32_t from_window; /* so many windows after the start */
        uint32_t spacing_ms;  /* between the requests of a burst; 0: all at once */
        bool goes_on;         /* when it is refused */
};

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

        /* What follows is zero where a scenario does not speak of it. */
        unsigned clients;          /* 0: CLIENTS */
        uint32_t heavy_in_16;      /* so many of 16 cost a tenth of pool 0's first window */
        unsigned class_plus_1;     /* all are of this class */
        uint32_t spike_one_in;     /* so seldom a message takes SPIKE_MS more */
        bool is_exact;             /* who waits tries as often as in the gateway */
        bool refuses;              /* the exchange refuses what is above its limit */
        const struct clock *clock; /* NULL: wrong by at most guard_ms, at once and without notice */
        uint32_t drift_ppm;        /* of the clients' clocks, either way; for @clock */
        struct stranger strangers[2];
        bool changes_limits;  /* lowered and raised at any moment */
        bool refunds;         /* some are not counted after all, and weir is told so */
        uint64_t steps;       /* end after so many events; 0: by n_full */
        uint32_t judged_from; /* refusals and yields count after so many windows */
        bool from_start;      /* yields count from the first full window on */
        /* So many flows of each client send orders of weight 1, each so often on average. */
        unsigned orders;
        uint32_t order_every_ms;
        bool are_free; /* orders are not counted after all */
};

enum kind {
        EV_WAKE,   /* a flow has something to do: reserve, or confirm */
        EV_LEAVE,  /* GO was some moments ago: send */
        EV_ARRIVE, /* counted by the exchange */
        EV_ANSWER,
        EV_TRY, /* of a client: who waits looks for an earlier place */
        EV_KILL,
        EV_CLOCK,
        EV_FOREIGN, /* flow: which stranger */
        EV_LIMIT,   /* the exchange's limits change, and weir is told */
        EV_TURN,    /* of the exchange's window */
};

struct event {
        struct heap_link link;
        uint64_t at_ms, order;
        enum kind kind;
        unsigned client, flow, life; /* of the flow: a dead one's events mean nothing */
        uint32_t cost[POOLS];
        uint32_t used[POOLS][REGION_POOL_WINDOWS];
        uint32_t limits[POOLS][REGION_POOL_WINDOWS];
        bool is_answered, is_refused;
        uint64_t server_ms; /* of an answer: when it was counted */
};

struct flow {
        unsigned life;
        uint64_t since; /* order of arrival */
        uint64_t since_ms;
        struct limiter_request request;
        struct limiter_ticket ticket;
        uint32_t limits[POOLS][REGION_POOL_WINDOWS]; /* when it was released */
        bool is_free;                                /* not counted after all */
        uint64_t left_us;                            /* by the client's own clock */
};

struct client {
        int64_t error_ms;  /* without a clock that is measured */
        int64_t offset_us; /* of its own clock against the exchange's, at the start */
        int32_t drift_ppm;
        struct flow flows[FLOWS + 1]; /* the last one asks for the time */
};

struct counted {
        uint64_t number;
        uint32_t ours, foreign;
        uint32_t allowed; /* the highest limit that one of ours was released under */
        uint64_t total, n_windows;
        uint64_t n_full;        /* windows at whose end somebody waited */
        double worst, sum;      /* their yields of what strangers left and anybody could use */
        double raw_worst, raw;  /* and of all that strangers left */
        uint32_t highest, over; /* with foreign use; ours alone fails the test */
};

/* A kind of request whose budgets are known. */
struct learnt {
        struct limiter_request request;
        struct route route;
};

struct world {
        const struct scenario *s;
        uint64_t seed, rng, now_ms, end_ms, order, n_steps;
        uint64_t windows[POOLS][REGION_POOL_WINDOWS]; /* now */
        struct region region;
        struct limiter limiter;
        struct client clients[CLIENTS_MAX];
        struct counted counted[POOLS][REGION_POOL_WINDOWS];
        struct heap heap;
        uint64_t n_sent, n_lost, n_waits, n_carried, n_short, n_refused, n_refused_others,
                judged_ms;
        uint64_t spike_ms;      /* in the latency drawn last */
        uint32_t burst_left[2]; /* of each stranger's burst, still to come */
        uint32_t strayed;       /* left in the window of now, and certainly not counted in it */
        struct learnt learnt[ROUTES];
        unsigned n_learnt;
        uint32_t order_waits[WORLD_WAIT_MS + 1]; /* how many orders waited so many ms, or more */
};

uint64_t world_below(struct world *w, uint64_t n);
bool world_one_in(struct world *w, uint64_t n);

/* Return: the event, for the caller to fill in; it is the world's. */
struct event *world_schedule(struct world *w, enum kind kind, uint64_t at_ms, unsigned client,
                             unsigned flow);

/* One way, to the exchange or back. */
uint64_t world_latency(struct world *w);

struct world_result {
        /* Of pool 0's first window, while somebody waited: of all that strangers left, and of what
         * anybody could use: not what is too little for all who wait, nor what left in time and was
         * seconds on its way. */
        double limit, limit_worst, mean, worst;
        uint64_t refused, refused_others, n_windows, n_sent, n_steps;
        uint64_t n_orders, n_late; /* orders, and those that waited a millisecond or more */
        uint32_t order_p99_ms, order_most_ms; /* from the wish until it leaves */
};

/* Runs @s from its beginning to its end. Fails the test when more of ours is counted than the
 * limit, or the yield is below the scenario's. */
struct world_result world_run(const struct scenario *s, uint64_t seed);

static inline unsigned world_clients(const struct world *w)
{
        return w->s->clients ? w->s->clients : CLIENTS;
}

/* What the programs do (test_world_client.c). */

/* Whether @flow sends orders, and nothing else. */
static inline bool client_is_order(const struct world *w, unsigned flow)
{
        return flow < w->s->orders;
}

/* The client's clock is wrong by something else from now on. */
void client_set_clock(struct world *w, unsigned client);
/* A flow has something to do: reserve, or confirm. */
void client_wake(struct world *w, unsigned client, unsigned flow);
/* GO was some moments ago: send. */
void client_leave(struct world *w, unsigned client, unsigned flow);
/* The answer to a flow's request. */
void client_land(struct world *w, const struct event *e);
/* Those who wait look for an earlier place, as in the gateway. */
void client_try(struct world *w, unsigned client);
/* A process dies, with all it holds; another takes its place at once. */
void client_die(struct world *w, unsigned client);

#endif
