/*
 * A pool's connection
 *
 * Carries one call at a time: writes its request, reads and frames its answer. The pool (client.c)
 * decides which call, and what becomes of the connection afterwards; for these two files only.
 */
#ifndef HTTP_LINK_H
#define HTTP_LINK_H

#include "base/base.h"
#include "base/buf.h"
#include "base/list.h"
#include "http/client.h"
#include "http/tunnel.h"
#include "net/connect.h"
#include "net/resolve.h"
#include "net/stream.h"

/* A link's state is the list it is in; http_link_move() moves it. */
enum http_link_place {
        LINK_CONNECTING,
        LINK_IDLE, /* newest first */
        LINK_BUSY,
        LINK_PLACES,
        LINK_DEAD = LINK_PLACES, /* in no list, buried */
};

enum http_link_phase {
        LINK_HEAD, /* the answer's head is to come */
        LINK_BODY,
        LINK_ENDED, /* the answer is complete; what else is there is to be seen */
};

struct http_link {
        struct http_pool *pool;
        struct list link; /* of its place */
        struct list due;  /* to be pumped at the end of the turn */
        enum http_link_place place;
        struct connect *connect;
        struct tunnel *tunnel; /* behind connect, where there is a proxy */
        struct stream *stream;
        uint64_t opened_us, idle_us, progress_us;
        bool has_served;

        struct http_call *call; /* busy: whose request or answer is under way */
        enum http_link_phase phase;
        bool keep;        /* may serve again after this answer */
        bool send_failed; /* no more writing; what came before is still read */
        bool is_paused;
        struct buf in;
        size_t parse_from;
        enum http_framing framing;
        uint64_t left;
        struct http_chunked chunked;
};

struct http_pool {
        struct loop *loop;
        struct http_pool_config config; /* its host is @host */
        char *host;
        char *name;
        char *proxy, *login;              /* NULL: none */
        struct address from;              /* of length 0: any */
        struct resolver *resolver;        /* NULL for unix */
        struct address_list unix_address; /* without one */
        size_t address_first;
        struct list places[LINK_PLACES];
        struct list due;     /* links */
        struct list waiting; /* calls, first come first */
        struct list failing; /* calls, to be told at the end of the turn */
        bool is_deferred, is_closing, is_resting;
        struct loop_timer *sweep;
        uint64_t sweep_at_us; /* 0: not set */
        uint64_t last_call_us;
        uint64_t warm_from_us;  /* after failures: not before */
        uint64_t warm_pause_us; /* the last pause, doubled with each failure */
        struct http_pool_counters counters;
        struct http_head head; /* scratch of whichever link parses */
        char why[768];         /* the last failure to connect or resolve */
};

/* Why a call failed whose owner said that it may leave no more. */
#define HTTP_CALL_LATE "its time to leave was over"

/*
 * link.c for client.c
 */

/* Starts connecting; ends in http_pool_opened() or http_pool_unreachable(). */
CHECKED int http_link_open(struct http_pool *pool, const struct address_list *addresses);
void http_link_move(struct http_link *link, enum http_link_place place);
/* Gives up a connection that takes too long to be made. */
void http_link_tick(struct http_link *link);
/* Closes a link that has no call. Harmless when dead. */
void http_link_kill(struct http_link *link);

/**
 * http_link_send() - put @call on an idle link
 *
 * Return: 0, or a negative errno if the link is broken and nothing of the call has left: the call
 *         is not on it any more, the link is dead.
 */
CHECKED int http_link_send(struct http_link *link, struct http_call *call);

/* Takes the call off and closes. */
void http_link_drop(struct http_link *link);
/* Reads what there is, calls back. From the loop only. */
void http_link_pump(struct http_link *link);
/* Ends its call with the failure that its state implies, from the loop only. @why: what happened.
 */
void http_link_fail(struct http_link *link, const char *why);
/* A sentence if the link's time is up, else NULL. */
const char *http_link_late(const struct http_link *link, uint64_t now_us);

/*
 * client.c for link.c
 */

void http_pool_opened(struct http_link *link);
void http_pool_unreachable(struct http_pool *pool, const char *why);
/* The link is idle, or dead of age; http_pool_refill() gives it another call. */
void http_pool_release(struct http_link *link);
/* A link died: opens others if somebody waits. */
void http_pool_refill(struct http_pool *pool);
/* @call back to the front, for not one byte of it left. @why: what happened to its connection. */
void http_pool_requeue(struct http_pool *pool, struct http_call *call, const char *why);
/* Pump @link at the end of the turn. */
void http_pool_due(struct http_link *link);
/* What the owner says, or true. */
bool http_call_may_leave(struct http_call *call);
/* @call is its owner's again. */
void http_pool_forget(struct http_call *call);

#endif
