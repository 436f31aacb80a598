/*
 * Errands
 *
 * The requests of our own to a product: the exchange's time, its limits (exchangeInfo), and the
 * one probe after a ban. They go through the limiter like everybody's and give way when there is
 * no room; the probe alone passes the gate that it tests.
 *
 * The first request for the time cannot be charged: in which window it counts is what it asks. It
 * is charged when the answer says so, before anything else of its product is sent. Until then the
 * region has a note of it (core/unclocked.h), and if its process is killed in between, whoever
 * measures the clock next charges it.
 */
#ifndef GATEWAY_ERRAND_H
#define GATEWAY_ERRAND_H

#include "base/base.h"
#include "budget/budget.h"
#include "core/limiter.h"
#include "gateway/ratelimits.h"
#include "http/client.h"
#include "policy/policy.h"

struct gateway;
struct upstream;

enum errand_kind {
        ERRAND_TIME,
        ERRAND_INFO,
        ERRAND_PROBE,
        ERRAND_KINDS,
};

struct errand {
        struct gateway *gateway;
        struct upstream *upstream;
        enum errand_kind kind;
        bool is_running;
        uint64_t due_us;      /* monotonic; UINT64_MAX: never */
        unsigned n_done;      /* time: samples of the first burst */
        bool is_uncharged;    /* time: sent before the windows could be told */
        bool is_noted;        /* time: it is in the region as such (core/unclocked.h) */
        unsigned n_uncharged; /* time: such requests that the books still lack */
        bool is_unreached;    /* the last try found no connection */
        bool is_capped;       /* the last try found no room under what this host was granted */
        unsigned gate;        /* probe: which one is tested */
        bool is_wait_told;    /* probe: that there is no room for it */
        bool is_failing;      /* time: it got no answer, and that was told */
        bool is_knocking;     /* time: it is the probe of a breaker */
        bool is_control;      /* time: it follows a request whose weight is suspect */
        bool is_held_back;    /* its place or its way was gone when it could have left */
        struct http_call call;
        struct limiter_ticket ticket;
        struct policy_plan plan;
        uint64_t sent_ms;
        struct str path;
        char head[512];
        size_t n_head;
        unsigned status;
        bool is_cut;
        size_t n_body;
        char body[4096]; /* its beginning */
        struct limiter_news news[BUDGET_NEWS_MAX];
        size_t n_news;
        char retry_after[32];
};

struct errands {
        struct errand all[ERRAND_KINDS];
        struct ratelimits limits;
        uint64_t limits_shown; /* hash of what was last logged */
};

void errands_init(struct gateway *g, struct upstream *u);
/* Starts what is due. Called from housekeeping and when a product comes into use. */
void errands_run(struct gateway *g, struct upstream *u);
/* This host was granted more: those that waited for it go first, for they tell the limits. */
void errands_hurry(struct gateway *g, struct upstream *u);
/* Asks for the time at once where the last try found no connection, as any request would. */
void errand_ask_time(struct gateway *g, struct upstream *u);
/* Asks for the time soon, whenever it would have been due: the clock was found to be wrong. */
void errand_measure(struct gateway *g, struct upstream *u);
/* Asks for the time now, as the control of a weight. @is_behind: it follows the suspect. */
void errand_control(struct gateway *g, struct upstream *u, bool is_behind);
/* Asks for the time as the probe of a breaker, which the caller has just been given. */
void errand_knock(struct gateway *g, struct upstream *u);
/* Nothing is in the way of that. */
bool errand_can_knock(struct gateway *g, struct upstream *u);
/* Sends the probe for @gate if there is room for it and nobody else does; to be called until then.
 */
void errand_probe(struct gateway *g, struct upstream *u, unsigned gate);
void errands_stop(struct upstream *u);

#endif
