/*
 * Tally
 *
 * Each request is told to stats once, at its end; each attempt that is made again, and each of
 * weir's own questions, likewise. So what stats has spent is what the exchange was asked for.
 *
 * Whose a request is: X-Weir-Client says so; else the address that it came from, or the user at a
 * unix socket ("unix:uid 1000"). Weir's own are "(weir)"'s.
 */
#ifndef GATEWAY_TALLY_H
#define GATEWAY_TALLY_H

#include "base/base.h"
#include "classify/verdict.h"
#include "stats/stats.h"

/* Longest name of a client, with its NUL. */
#define TALLY_CLIENT_SIZE 65

struct errand;
struct flow;
struct gateway;
struct http_exchange;
struct upstream;

/* A name that may be shown as it was said, and its length. */
struct tally_known {
        size_t n;
        uint64_t key;
        char name[TALLY_CLIENT_SIZE];
};

/* What a flow keeps for its end. */
struct tally {
        uint64_t client_key;
        char client[TALLY_CLIENT_SIZE];
        enum stats_outcome outcome;
        const char *reason; /* of a refusal; static */
        /* Of the attempt that is under way. */
        bool has_left;
        uint32_t refund;      /* of its weight, not counted after all */
        uint64_t answered_us; /* monotonic; 0: not yet */
        uint32_t verdict;
        int32_t code;
        uint32_t over_limit;
};

/* Return: 0 or -ENOMEM. */
CHECKED int tally_open(struct gateway *g);
void tally_close(struct gateway *g);
/* The exchange has named its limits. */
void tally_follow(struct gateway *g);
/* Limits may have changed, windows be over; called from housekeeping. */
void tally_keep(struct gateway *g);

/* The exchange's time as known for @u, at the beginning of this turn of the loop. */
uint64_t tally_now_ms(const struct gateway *g, const struct upstream *u);
/* For struct watch_ops; @ctx: the gateway. */
const struct stats *tally_shown(void *ctx, uint64_t *ret_now_ms);

/* @flow has its exchange and its plan. */
void tally_begin(struct flow *flow);
/* Weir refuses it; @reason: the word of X-Weir-Verdict. */
void tally_refused(struct flow *flow, const char *reason);
/* How it ends, if nothing else is said later. */
void tally_ends(struct flow *flow, enum stats_outcome outcome);
/* The first byte of an attempt leaves; it has not left after all. */
void tally_left(struct flow *flow);
void tally_not_left(struct flow *flow);
/* The head of an answer is here. @status: its; it ends so, if nothing else is said later. */
void tally_answered(struct flow *flow, unsigned status);
/* What the answer means. */
void tally_judged(struct flow *flow, const struct verdict *verdict);
/* This attempt is over, and it is tried again. */
void tally_again(struct flow *flow);
/* The end of @flow, told. */
void tally_end(struct flow *flow);

/* The weight that its last attempt is charged. */
uint32_t tally_weight(const struct flow *flow);
/* Who asks: as it says, else its address, or its user at a unix socket. */
void tally_name_client(struct http_exchange *exchange, char to[TALLY_CLIENT_SIZE]);

/* One that was refused before it was a flow; before it is answered. */
void tally_at_the_door(struct gateway *g, struct http_exchange *exchange, const char *reason);
/* Weir's own question was sent, and answered (@verdict) or not (NULL). */
void tally_errand(const struct errand *errand, const struct verdict *verdict);

#endif
