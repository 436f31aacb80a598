/*
 * Flow
 *
 * One client request on its way to the exchange and back. Its state says where it is; every way
 * out of a state is a function of flow.c or of the files beside it, see flow_inside.h.
 *
 *      request -> STARTING, until the exchange's time is known for its product
 *         |
 *         +------> reserve -> GO ------------------------------> SENT -> reply -> client
 *                   |                                            ^  \-> 429: PARKED until then
 *                   +-> WAIT:  HELD, until its place's time -----+
 *                   +-> SHUT, CROWDED: PARKED, then reserve again
 *                   +-> NEVER, LATE: refused, nothing was sent
 *
 * A request leaves only while its place is good (flow_leave), is never sent again once a byte of
 * it may have left unless the exchange itself refused it for a limit, and its reply goes to the
 * client as it came.
 */
#ifndef GATEWAY_FLOW_H
#define GATEWAY_FLOW_H

#include "gateway/state.h"
#include "gateway/tally.h"

enum flow_state {
        FLOW_NEW,
        FLOW_STARTING,  /* in the queue until the exchange's time is known */
        FLOW_HELD,      /* in the queue with a place in a window, now or to come */
        FLOW_PARKED,    /* in the queue without one */
        FLOW_SENT,      /* with the pool; maybe still waiting for a connection */
        FLOW_ANSWERING, /* its reply streams to the client */
};

/* How the reply's body is framed towards the client. */
enum flow_framing {
        FRAMING_NONE,
        FRAMING_LENGTH,
        FRAMING_CHUNKED,
        FRAMING_CLOSE,
};

/* What is put to a request before it leaves. */
enum flow_seal {
        FLOW_AS_IT_IS,
        FLOW_PUT_KEY, /* the account's API key */
        FLOW_SIGN,    /* that, time and signature */
};

/* Most of a reply that is collected to find out what it means; error bodies have 100 bytes. */
#define FLOW_COLLECT_MAX 65536

struct flow {
        struct gateway *gateway;
        struct upstream *upstream; /* by the address that it takes, or will be asked about */
        bool has_way;  /* it was given that address, and keeps it while one is stopped */
        bool is_bound; /* one was stopped meanwhile: it keeps it in any case */
        struct http_exchange *exchange; /* the client's; always given back by us */
        enum flow_state state;
        struct list link, unflushed_link;
        struct list class_link; /* while STARTING, or displaced */
        struct heap_link time_link;
        uint64_t due_us; /* monotonic, while in the queue */
        uint64_t sequence;

        char request_id[REQUEST_ID_SIZE];
        struct policy_plan plan;
        struct limiter_request request;
        struct fair_wish wish;
        uint64_t client_id;    /* whose; 0: not asked yet */
        uint32_t client_share; /* of that client */
        struct call call;
        struct http_call http;

        enum flow_seal seal;
        uint64_t key;             /* policy_account() of the API key that is put to it */
        const char *seal_failure; /* why it could not be sealed at the last moment, or NULL */

        struct twins_order order; /* while it is one and on its way */
        char key_text[POLICY_KEY_TEXT_SIZE];

        struct tally tally;
        uint64_t arrived_us, left_us; /* monotonic */
        uint64_t max_wait_ms;         /* from arrival on */
        uint64_t sent_ms;             /* exchange clock */
        uint64_t expires_ms; /* exchange clock: its signature is too old then; UINT64_MAX: never */
        enum flow_control {
                CONTROL_NONE,
                CONTROL_AWAITED, /* waits until the control is answered */
                CONTROL_BEHIND,  /* its place was had right behind it */
                CONTROL_OVER,    /* has waited, for whatever control it was */
        } control;
        unsigned n_stale;   /* times a kept connection died under a read */
        bool may_not_leave; /* the pool asked, and its time was over */
        bool was_held_back; /* by the front, when it had its connection */
        uint64_t front_ms; /* ... or the front does not let it through before; 0: that was it not */
        bool is_on_hold;   /* parked, since an operator paused it */
        uint64_t
                shut_due_us; /* parked until then, since a gate is shut; another due_us: not that */
        bool is_gone;        /* nobody waits for the answer */

        /* The reply. */
        unsigned status;
        uint64_t out_bytes; /* of its body, passed on */
        enum flow_framing framing;
        uint64_t content_length;
        bool is_collecting, is_discarding, is_cut, has_landed, keep_alive;
        char content_encoding[32], content_type[64], retry_after[32];
        size_t n_news;

        /* All above is 0 in one that begins. What is below is kept from one request to the next:
         * it is large, or memory that was had once. */
        struct limiter_ticket ticket;
        struct limiter_ticket what_if; /* shadow mode: where weir would have put it */
        struct limiter_news news[BUDGET_NEWS_MAX];
        struct buf head;                       /* the request's, as it leaves */
        struct buf sealed_target, sealed_body; /* what was put to it */
        struct buf reply;                      /* its head, but for framing and Connection */
        struct buf body;                       /* while collecting */
};

/* In the queue, for whatever: nothing of it has been sent. */
static inline bool flow_is_queued(const struct flow *f)
{
        return f->state == FLOW_STARTING || f->state == FLOW_HELD || f->state == FLOW_PARKED;
}

/* http_server_ops: a request came; @ctx is the gateway. */
void flow_begin(void *ctx, struct http_exchange *exchange);
void flow_client_gone(void *ctx, struct http_exchange *exchange);
void flow_client_drained(void *ctx, struct http_exchange *exchange);

/* Its time in the queue has come, or a moment when it may find an earlier place than its own; it is
 * in the queue no more. May end it. */
void flow_due(struct flow *flow);
/* The exchange's time has become known: those of @u who waited for it go on, the urgent ones first.
 */
void flow_start_waiting(struct gateway *g, struct upstream *u);
/* It cannot be asked for, since there is no connection. */
void flow_refuse_waiting(struct gateway *g, struct upstream *u, const char *why);
/* Called regularly: has anybody, here or elsewhere, learned of a stop or of other limits? */
void flow_review(struct gateway *g);
/* exchangeInfo named @limits: they are those of @u's product now, also for what is under way. */
void flow_follow(struct gateway *g, struct upstream *u, const struct budget_limit *limits,
                 size_t n);
/* This host was granted more of what it shares: who waits for that looks again. */
void flow_review_caps(struct gateway *g);
/* What is paused has changed: who waits is held, or let go. Return: how many. */
size_t flow_review_pauses(struct gateway *g);
/* The one of that number that is under way; NULL: there is none. */
struct flow *flow_find(struct gateway *g, uint64_t sequence);
/* Refuses it for good, if it waits. Return: false when it does not, and goes on. */
CHECKED bool flow_drop_queued(struct flow *flow);
/* A stop is new: who waits and cannot be sent in time is refused. Ends flows that wait. */
void flow_review_stops(struct gateway *g);
/* Refuses what has not been sent; for the end of the gateway. */
void flow_turn_away(struct flow *flow);
/* Drops it wherever it is; for the end of the gateway's patience. */
void flow_drop(struct flow *flow);
/* Frees the kept ones. */
void flow_pool_free(struct gateway *g);

#endif
