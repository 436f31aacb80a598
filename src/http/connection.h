/*
 * Connections of a server
 *
 * What server.c, connection.c and exchange.c share; for nobody else.
 *
 * A connection and the one exchange that may be in it are the same object. It goes through phases,
 * step by step in connection_run(), which alone leads from one to the next unless the connection
 * breaks or a deadline ends:
 *
 *      OPENING -> IDLE -> HEAD -> BODY -> BUSY -> FLUSH -> IDLE ...
 *                                                       -> LINGER -> DEAD
 *
 * Bytes are read only while a request is being collected, into one buffer that then holds it in
 * one piece until the exchange is given back:
 *
 *      | head | body, chunk framing squeezed out | what the client sent ahead |
 *
 * While the owner works on a request (BUSY) nothing is read: the buffer must not move under its
 * views, and a client that sends ahead is held back by its own socket.
 *
 * Each connection is in the list of the deadline it runs against. All members of a list have the
 * same patience, so the first is the next to expire and a sweep looks at no other.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "base/list.h"
#include "http/server.h"
#include "net/stream.h"

#include <netinet/in.h>

/* Room that a read is given: most requests fit, and one read then gets all there is. */
#define READ_MIN 4096

enum phase {
        PHASE_OPENING, /* TLS handshake */
        PHASE_IDLE,    /* not one byte of a request */
        PHASE_HEAD,
        PHASE_BODY,
        PHASE_BUSY,   /* the owner has the exchange */
        PHASE_FLUSH,  /* the answer is complete, but not all sent */
        PHASE_LINGER, /* we closed our side and wait for the client's */
        PHASE_DEAD,   /* closed, and freed soon */
};

enum deadline {
        DEADLINE_IDLE,
        DEADLINE_HEAD,
        DEADLINE_BODY,
        DEADLINE_WRITE,
        DEADLINE_LINGER,
        DEADLINE_NONE,
        DEADLINES,
};

struct http_exchange {
        struct http_server *server;
        struct loop *loop;
        struct stream *stream; /* NULL once the client cannot be reached */
        struct list link;
        enum phase phase;
        enum deadline deadline;
        uint64_t since_us; /* when the deadline's time began */
        size_t taken;      /* bytes the client took since then */

        struct buf in, out;
        size_t from;       /* for the parser */
        size_t used;       /* bytes of @in that this request takes, framing included */
        size_t body_bytes; /* collected, behind the head */
        struct http_chunked chunked;
        const char *head_at; /* where @in began when @head was parsed */

        bool may_read;    /* the stream has not said -EAGAIN since it told of bytes */
        bool is_hung_up;  /* the client closed its sending side */
        bool is_blocked;  /* the socket takes no more: a LOOP_WRITE comes */
        bool is_paused;   /* the owner waits for drained() */
        bool is_told;     /* gone() was called */
        bool says_close;  /* the head of the answer does */
        bool keep_alive;  /* decided with the end of the answer */
        bool is_running;  /* run() is on the stack */
        bool is_deferred; /* run() is due at the end of the turn */
        bool is_called;   /* the owner is calling: no op may be called from inside */
        bool is_new_turn; /* the deadline begins anew though it is the same */

        void *user;
        uint64_t serial; /* from 1, never again in this server */
        char peer[INET6_ADDRSTRLEN];
        char peer_user[24]; /* "unix:uid 1000"; empty: not asked yet, or none */
        char label[HTTP_LABEL_MAX + 1];
        struct http_head head;
};

struct http_server {
        struct loop *loop;
        struct http_server_config config;
        const struct http_server_ops *ops; /* the owner's, outlives us */
        void *ctx;
        struct loop_timer *timer; /* runs while there are connections */
        struct listener *listeners[HTTP_LISTENERS_MAX];
        size_t n_listeners;
        struct list exchanges[DEADLINES];
        size_t buffered; /* bytes of all input buffers */
        struct http_server_counters counters;
        bool is_retiring; /* listens no more; an answer ends its connection */
        bool is_draining; /* and who has not asked is closed */
        bool is_empty_told;
};

/* Goes on as far as it gets. Inside an op it is on the stack already: then the outer one sees what
 * changed. */
void connection_run(struct http_exchange *x);
/* The same, at the end of this turn. */
void connection_defer(struct http_exchange *x);
/* Return: 0, also when the socket took only a part; -EPIPE when it never will. */
CHECKED int connection_send(struct http_exchange *x);
/* Into the list of the deadline that now counts. */
void connection_settle(struct http_exchange *x);
/* The client cannot be reached. An exchange that the owner has stays until it is given back. */
void connection_lose(struct http_exchange *x);
/* Closes, and frees at the end of the turn. */
void connection_die(struct http_exchange *x);
/* Answers instead of the owner, and closes. */
void connection_refuse(struct http_exchange *x, unsigned status, const char *why);
/* For the stream; @ctx: the connection. */
void connection_on_stream(void *ctx, unsigned what);

#endif
