/*
 * HTTP server
 *
 * Takes connections, reads requests from them, and hands them over one at a time per connection,
 * each as an exchange: the whole request is there, the answer is the owner's to give, now or any
 * time later. What a client sends ahead waits, and is answered in order.
 *
 *      request() -> http_exchange_out(), append, http_exchange_flush(), ... -> http_exchange_end()
 *                   or http_exchange_reply(), which is all of these at once
 *                   or http_exchange_abort()
 *
 * The one rule of lifetime: each exchange that request() was called for is given back by its owner
 * exactly once, with http_exchange_end(), _close(), _reply() or _abort(), whether
 * the client is still there or not. Until then it and all views into it stay valid; afterwards it
 * must not be touched. gone() does not give it back, it only tells.
 *
 * What is malformed, too large or too late never reaches the owner: it is answered here, as
 * {"code":-1000,"msg":"weir: ..."}, and the connection is closed.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/parse.h"
#include "net/address.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls.h"

#include <sys/types.h>

#define HTTP_LISTENERS_MAX 16
/* The longest label of an exchange. */
#define HTTP_LABEL_MAX 64

struct http_server;
struct http_exchange;

struct http_server_config {
        unsigned connections_max;   /* one more is answered 503 and closed */
        uint64_t idle_timeout_us;   /* between requests, then silently closed */
        uint64_t head_timeout_us;   /* from a head's first byte to its last; also TLS handshakes */
        uint64_t body_timeout_us;   /* from the head's end to the body's */
        uint64_t write_timeout_us;  /* for a client to take 64 KiB, or all there is */
        uint64_t linger_timeout_us; /* for a client to close after we did */
        size_t body_max;            /* bytes of one request's body, without chunk framing */
        size_t buffered_max;        /* bytes that all unfinished requests may take together */
        size_t output_high;         /* http_exchange_flush() asks for a pause above this ... */
        size_t output_low;          /* ... and drained() ends it below this */
        size_t output_max;          /* ceiling of http_exchange_out() */
        struct tls *tls;            /* NULL: plain; borrowed, must outlive the server */
        struct str label_field; /* in which answers of one piece, and those of the server itself,
                                 * name the exchange's label; STR_NULL: in none */
};

/* Reasons: 75 s and 10 s are what nginx and haproxy users are used to; a megabyte holds the largest
 * batch of orders fifty times over. */
#define HTTP_SERVER_CONFIG_DEFAULT                                                                 \
        ((struct http_server_config){ .connections_max = 4096,                                     \
                                      .idle_timeout_us = 75 * US_PER_SECOND,                       \
                                      .head_timeout_us = 10 * US_PER_SECOND,                       \
                                      .body_timeout_us = 30 * US_PER_SECOND,                       \
                                      .write_timeout_us = 30 * US_PER_SECOND,                      \
                                      .linger_timeout_us = 2 * US_PER_SECOND,                      \
                                      .body_max = 1 << 20,                                         \
                                      .buffered_max = 256 << 20,                                   \
                                      .output_high = 256 << 10,                                    \
                                      .output_low = 64 << 10,                                      \
                                      .output_max = 16 << 20,                                      \
                                      .tls = NULL,                                                 \
                                      .label_field = STR_NULL })

struct http_server_ops {
        /* A request is complete. The owner may answer before it returns. */
        void (*request)(void *ctx, struct http_exchange *exchange);
        /*
         * The client closed its side or broke off before the answer was complete: it most likely
         * waits no more. Told once per exchange at most, never from inside a call of the owner's
         * except request()'s return. The owner still gives the exchange back; if it answers all
         * the same, that is tried (a client may have closed only its sending side). May be NULL.
         */
        void (*gone)(void *ctx, struct http_exchange *exchange);
        /* After http_exchange_flush() asked for a pause: go on. May be NULL. */
        void (*drained)(void *ctx, struct http_exchange *exchange);
        /*
         * Told before the server itself refuses what came, and closes: what is malformed, too large
         * or too late. There is no request: of @exchange only the peer, and the label that this
         * may set, are of use. May be NULL.
         */
        void (*malformed)(void *ctx, struct http_exchange *exchange, unsigned status,
                          const char *why);
        /* After http_server_drain(): the last connection is closed. Told once, in a later turn of
         * the loop or at the end of this one. May be NULL. */
        void (*empty)(void *ctx);
};

struct http_server_counters {
        uint64_t open;      /* connections now */
        uint64_t accepted;  /* connections ever */
        uint64_t refused;   /* connections above the limit */
        uint64_t requests;  /* handed to the owner */
        uint64_t malformed; /* requests refused here: bad, too large, unknown expectation */
        uint64_t late;      /* connections closed by a deadline, idle ones apart */
        uint64_t gone;      /* clients that left before their answer was complete */
};

/**
 * http_server_new() - a server without listeners
 * @ops: must outlive the server, as must @ctx
 *
 * Return: 0 or a negative errno.
 */
CHECKED int http_server_new(struct loop *loop, const struct http_server_config *config,
                            const struct http_server_ops *ops, void *ctx,
                            struct http_server **ret_server);

/*
 * Closes everything at once, without gone(): exchanges that were not given back must not be touched
 * any more. For an orderly end drain first. Not from inside an op. Accepts NULL. Return: NULL.
 */
struct http_server *http_server_free(struct http_server *server);

/**
 * http_server_listen() - accept connections at @where, as listen_open() reads it
 *
 * May be called again for more places, HTTP_LISTENERS_MAX in all.
 *
 * Return: as listen_open(), or -ENOSPC.
 */
CHECKED int http_server_listen(struct http_server *server, struct str where, unsigned unix_mode);

/* The same at a socket that is open already and becomes the server's, also on failure. Return: as
 * listen_adopt(), or -ENOSPC. */
CHECKED int http_server_listen_at(struct http_server *server, int fd);

/* Where listener @i, in order of the calls, really listens; NULL when there are not so many. */
const struct address *http_server_address(const struct http_server *server, size_t i);

/* Serves a connected descriptor, which becomes the server's, also on failure. */
CHECKED int http_server_adopt(struct http_server *server, int fd);

/*
 * No new connections; who is connected may still ask, and each answer from now on ends its
 * connection. So nobody who is about to ask finds it closed. Ends with empty(), when all have gone.
 */
void http_server_retire(struct http_server *server);

/*
 * No new connections; idle ones are closed now, others after the exchange they are in, which
 * http_exchange_may_keep_alive() then denies to be kept. Ends with empty().
 */
void http_server_drain(struct http_server *server);

struct http_server_counters http_server_counters(const struct http_server *server);

/* The request. Its views stay valid until the exchange is given back. */
const struct http_head *http_exchange_head(const struct http_exchange *exchange);
/* The whole body, chunk framing removed; empty when there is none. */
struct str http_exchange_body(const struct http_exchange *exchange);
/* The client's address without port, "unix" for unix sockets; never NULL. */
const char *http_exchange_peer(struct http_exchange *exchange);
/* The same to tell clients apart by: at a unix socket "unix:uid 1000", the user's. */
const char *http_exchange_peer_name(struct http_exchange *exchange);
/* The user whose process connected to a unix socket, as the kernel knows it. Return: 0, -ENOTSUP
 * for a client that came over the network, -ENOTCONN for one that is gone. */
CHECKED int http_exchange_peer_user(const struct http_exchange *exchange, uid_t *ret_user);
/* The address of ours that the client connected to. Return: 0, -ENOTCONN for one that is gone. */
CHECKED int http_exchange_local(const struct http_exchange *exchange, struct address *ret_address);

/* Whether it came over TLS; and with a certificate of its client's that was vouched for. */
bool http_exchange_is_tls(const struct http_exchange *exchange);
bool http_exchange_is_vouched(const struct http_exchange *exchange);

/* Which connection it is: a number from 1 on that no other of this server ever has. */
uint64_t http_exchange_connection(const struct http_exchange *exchange);

/* What http_server_new() was given for the ops. */
void *http_exchange_ctx(const struct http_exchange *exchange);
/* One pointer for the owner; NULL at first. */
void http_exchange_set_user(struct http_exchange *exchange, void *user);
void *http_exchange_user(const struct http_exchange *exchange);

/* How it is called, for whoever was there: kept until it is given back. @label: cut to
 * HTTP_LABEL_MAX. */
void http_exchange_set_label(struct http_exchange *exchange, struct str label);
/* "" when it has none. */
const char *http_exchange_label(const struct http_exchange *exchange);
/* Appends the field that names it, if both are there; for answers that are not of one piece.
 * Return: as in write.h. */
CHECKED int http_exchange_write_label(struct http_exchange *exchange);

/* True if gone() was or is about to be told. */
bool http_exchange_is_gone(const struct http_exchange *exchange);

/*
 * Asks the kernel whether the client closed its side, also when the loop has not come to tell
 * gone() yet: after a pause of the whole process much may have happened.
 */
bool http_exchange_has_left(const struct http_exchange *exchange);

/* False: the answer must say "Connection: close" (see http_exchange_write_connection()). */
bool http_exchange_may_keep_alive(const struct http_exchange *exchange);

/* Where the owner appends its answer: status line, fields, body. Once the client cannot be reached
 * any more, what is appended is thrown away by the next flush. */
struct buf *http_exchange_out(struct http_exchange *exchange);

/**
 * http_exchange_write_connection() - append the Connection field this answer needs, if any
 * @keep_alive: false to close in any case
 *
 * "close" when the connection will be closed; "keep-alive" for HTTP/1.0 when it will not.
 *
 * Return: as in write.h.
 */
CHECKED int http_exchange_write_connection(struct http_exchange *exchange, bool keep_alive);

enum http_flush {
        HTTP_FLUSHED = 0, /* on its way, or little left */
        HTTP_FULL,        /* above output_high: append no more until drained() */
};

/**
 * http_exchange_flush() - send what was appended, as far as the client takes it
 *
 * Not needed before http_exchange_end(), which sends as well: a head and a body that are appended
 * together leave in one piece.
 *
 * Return: an enum http_flush, or -EPIPE when the client cannot be reached any more; gone() is then
 *         not called for this exchange.
 */
CHECKED int http_exchange_flush(struct http_exchange *exchange);

/* The answer is complete. @keep_alive: false to close in any case, as after a body that ends with
 * the connection. */
void http_exchange_end(struct http_exchange *exchange, bool keep_alive);

/*
 * The answer is complete, it ends with the connection, and nobody waits for its client: closed at
 * once. What the kernel has taken is delivered by it; what it has not is lost.
 */
void http_exchange_close(struct http_exchange *exchange);

/* Gives up: closes the connection without completing the answer, so that the client can tell. */
void http_exchange_abort(struct http_exchange *exchange);

/**
 * http_exchange_reply() - answer with one piece, and end
 * @content_type: empty for none
 * @fields:       more fields, not Content-Length, not Connection; NULL if @n_fields is 0
 *
 * Leaves the body out for HEAD, 204 and 304. What cannot be written (a control byte in a field, a
 * body beyond output_max) aborts.
 */
void http_exchange_reply(struct http_exchange *exchange, unsigned status, struct str content_type,
                         const struct http_field *fields, size_t n_fields, struct str body);

#endif
