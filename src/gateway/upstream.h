/*
 * Upstream
 *
 * The way to one product of the exchange: its pool of connections, and the head of a request as
 * it leaves: target and body byte for byte (they are signed), Host of the exchange, without
 * hop-by-hop fields and without our own X-Weir-*.
 */
#ifndef GATEWAY_UPSTREAM_H
#define GATEWAY_UPSTREAM_H

#include "base/buf.h"
#include "budget/budget.h"
#include "classify/classify.h"
#include "gateway/state.h"

/* Makes the pool, starts measuring the clock. Harmless when it is in use already. */
CHECKED int upstream_use(struct gateway *g, struct upstream *u);
void upstream_close(struct upstream *u);

/* During a ban, and while it does not answer, not even a connection is opened in advance; after it
 * they are again. */
void upstream_rest(struct gateway *g, struct upstream *u);

/* A request's head as it leaves. */
struct upstream_head {
        const struct http_head *head; /* as it came */
        struct str target;            /* the same, or sealed */
        struct str api_key;           /* put in the place of the client's; empty: as it came */
        bool hides_proof;             /* what clients prove themselves with stays here */
        size_t body_bytes;
};

/* Return: as in http/write.h. */
CHECKED int upstream_write_head(const struct upstream *u, struct buf *to,
                                const struct upstream_head *leaving);

/*
 * Whether the exchange's time is known for this product, measured by us or by another process of
 * the region. Before, only the errand that asks for it is sent (flow_await_clock()).
 */
bool upstream_knows_time(struct gateway *g, struct upstream *u);

/* It does not come: from now on requests go by this machine's clock until it does. Says so once. */
void upstream_give_up_time(struct gateway *g, struct upstream *u);

/* The exchange's time as known for this product. */
struct limiter_time upstream_now(struct gateway *g, const struct upstream *u);

/**
 * upstream_news() - what the head of a reply says about usage
 * @ret_news: BUDGET_NEWS_MAX places
 *
 * Return: how many were written.
 */
size_t upstream_news(const struct limiter *l, const struct policy_plan *plan,
                     const struct http_head *head, struct limiter_news *ret_news);

#endif
