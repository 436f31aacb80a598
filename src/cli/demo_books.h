/*
 * Books of the demo
 *
 * The simulated exchange's own account of one address, fetched from GET /sim/books: what it
 * counted, whom it refused, whom it banned. What the demo shows is the exchange's word, not ours.
 */
#ifndef CLI_DEMO_BOOKS_H
#define CLI_DEMO_BOOKS_H

#include "base/base.h"
#include "base/buf.h"
#include "http/client.h"
#include "net/loop.h"

/* Windows that are shown: this one and those before it. */
#define BOOKS_WINDOWS 10

struct books {
        struct loop *loop;
        struct http_pool *pool;
        struct http_call call;
        struct buf body;
        char head[128];
        bool is_asking;

        /* What the last answer said. All zero before. */
        uint64_t n_answers;
        uint64_t at_ms, at_us; /* the exchange's clock, and ours then (monotonic) */
        uint64_t requests, refused_429, refused_418, n_bans, banned_ms;
        uint64_t ban_until_ms; /* of the latest ban */
        uint64_t limit, span_ms;
        uint64_t used[BOOKS_WINDOWS];  /* weight, oldest first; the last is the window of now */
        uint64_t windows, used_in_all; /* complete ones since the first request */
};

CHECKED int books_init(struct books *b, struct loop *loop, uint16_t port);
/* May run twice; accepts all zero. */
void books_deinit(struct books *b);

/* Asks, unless a question is still open. */
void books_ask(struct books *b);

/* The exchange's time now, carried on from the last answer. */
uint64_t books_now_ms(const struct books *b, uint64_t now_us);

#endif
