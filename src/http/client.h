/*
 * HTTP/1.1 client: a pool of kept connections to one server
 *
 * The rule of money: a request is never sent twice from here. As soon as one of its bytes may have
 * left this machine, the only answers are the server's own or a failure that says so. A request is
 * moved to another connection only while it is certain that not one byte of it left.
 *
 *      http_pool_call()                                   head()  data()*  done()
 *      -> idle connection, newest first  -> written at once ---->|
 *      -> else a new one, below the ceiling                      +--> failed()
 *      -> else waits, by rank, then first come first served
 *
 * Exactly one of done() and failed() ends a call, unless http_call_cancel() did. No callback comes
 * from inside a function of this file but leave(), and failed() in http_pool_free(). A
 * callback may start, cancel, pause and resume any call, and free the pool.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/base.h"
#include "base/list.h"
#include "base/str.h"
#include "http/parse.h"
#include "http/url.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

struct http_pool;
struct http_call;
struct http_link;

struct http_pool_config {
        struct str host; /* name, digits, or the path of a unix socket; copied */
        uint16_t port;
        bool is_unix;
        /* By which way, but for a unix socket. Copied. */
        const struct address *from; /* leave from this address of ours; NULL: any */
        struct {
                struct str host; /* of an HTTP proxy, name or digits; empty: none */
                uint16_t port;
                struct str login; /* USER:PASSWORD; empty: none */
        } proxy;
        struct str way;  /* what that way is called, for people; empty: nothing */
        struct tls *tls; /* NULL: plain. Borrowed from whoever made the pool, outlives it */

        unsigned max_connections; /* 0: 64 */
        unsigned kept_for_urgent; /* of those, when the ceiling is reached; fewer than half */
        unsigned min_warm;        /* idle connections kept open in advance, handshake done */
        bool is_resting;          /* start as after http_pool_rest(): open nothing in advance */

        /* Zero takes the default. */
        uint64_t max_idle_us;        /* 15 s: shorter than servers keep them, so they do not race */
        uint64_t max_age_us;         /* 10 min: follows the server's name to new machines */
        uint64_t connect_timeout_us; /* 5 s: TCP and TLS together, all addresses */
        uint64_t answer_timeout_us;  /* 10 s: from http_pool_call() to the whole head */
        uint64_t progress_timeout_us; /* 10 s: longest pause inside a message */
        uint64_t resolve_us;          /* 60 s between lookups of the name */
};

struct http_pool_counters {
        /* now */
        unsigned connecting, idle, busy, waiting; /* connections; waiting: calls */
        /* since the start */
        uint64_t calls, reuses; /* reuses: calls on a connection that had served before */
        uint64_t connects, connect_failures;
        uint64_t idle_lost;   /* idle connections that the server closed */
        uint64_t unsolicited; /* connections dropped for bytes that nobody had asked for */
        uint64_t not_sent, maybe_sent, cut; /* failures by kind */
};

CHECKED int http_pool_new(struct loop *loop, const struct http_pool_config *config,
                          struct http_pool **ret_pool);
/* Ends the calls that are left with failed(), closes everything. Accepts NULL. Return: NULL. */
struct http_pool *http_pool_free(struct http_pool *pool);

const struct http_pool_counters *http_pool_counters(const struct http_pool *pool);
/* "api.binance.com:443" or "unix:/run/x", for people. */
const char *http_pool_name(const struct http_pool *pool);
/* While resting nothing is opened in advance, so that a banned address sends nothing unasked. */
void http_pool_rest(struct http_pool *pool, bool is_resting);

enum http_failure {
        HTTP_NOT_SENT,   /* nothing of the request left this machine */
        HTTP_MAYBE_SENT, /* its fate is unknown */
        HTTP_CUT,        /* head() was called, but the answer does not end */
};

struct http_call_ops {
        /*
         * Asked right before the request's first byte would be written, however long the call
         * waited for a connection: may it still leave? False: the call ends at once with failed(),
         * HTTP_NOT_SENT, and the connection stays idle. Must not touch the pool. May set head and
         * body anew unless http_call_is_bound(). NULL: always.
         */
        bool (*leave)(struct http_call *call);
        /* The final head; 1xx are swallowed, but 101 is a failure. Lives during the callback only.
         */
        void (*head)(struct http_call *call, const struct http_head *head);
        /* A piece of the body without its framing, never empty; lives during the callback only. */
        void (*data)(struct http_call *call, struct str payload);
        /* The answer is complete; the call is the caller's again. */
        void (*done)(struct http_call *call);
        /* @why: a sentence that names the server; lives during the callback only. */
        void (*failed)(struct http_call *call, enum http_failure failure, const char *why);
};

/*
 * One request, embedded by its owner (container_of() leads back). May be used again after its end.
 */
struct http_call {
        /* Set by the owner. The bytes stay valid and unchanged until the call has ended. */
        const struct http_call_ops *ops;
        enum http_method method; /* decides whether the answer has a body */
        struct str head,
                body;   /* the request as it goes out: head with its empty line, framed body */
        unsigned rank;  /* of those who wait for a connection the lowest go first */
        bool is_urgent; /* may use the connections that are kept for such when all are in use */
        uint64_t answer_by_us; /* loop_now_us() by which the answer's head must be here; 0: default
                                */

        /* To read, from http_pool_call() on. */
        uint64_t sent_us; /* loop_now_us() at which its first byte may have left; 0: not yet */
        bool is_reuse;    /* went out on a connection that had served before */

        /* The pool's own. */
        struct http_pool *pool; /* NULL: not under way */
        struct http_link *on;   /* NULL: waiting or failing */
        struct list link;       /* the waiting or the failing ones */
        uint64_t deadline_us;   /* answer_by_us, or the default */
        uint64_t sent_mark;
        size_t n_written;
        unsigned n_moves;
        bool has_head;
        const char *failing; /* why it will be told to have failed; NULL: it will not */
};

/* A connection has it: its bytes stay as they are, TLS may hold them already. */
static inline bool http_call_is_bound(const struct http_call *call)
{
        return call->on != NULL;
}

/* Before the first use. */
void http_call_init(struct http_call *call, const struct http_call_ops *ops);

/**
 * http_pool_call() - send a request as soon as a connection is free
 *
 * Written at once when one is idle: call->sent_us tells.
 *
 * Return: 0 when exactly one of done() and failed() will follow, -ESHUTDOWN in http_pool_free().
 */
CHECKED int http_pool_call(struct http_pool *pool, struct http_call *call);

/* The asker is gone: takes the call back; drops its connection if it had one. No callback follows.
 * Harmless for a call that is not under way. */
void http_call_cancel(struct http_call *call);

/* Stops and resumes data(), so that a slow receiver slows the server down. At most what one read
 * brought is kept. */
void http_call_pause(struct http_call *call);
void http_call_resume(struct http_call *call);

#endif
