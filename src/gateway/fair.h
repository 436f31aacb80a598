/*
 * Fair
 *
 * Where several clients of one class want more of a budget than it has, who is next, and who has
 * had enough for now. Knows nothing of sockets, requests or the region; time is an argument.
 *
 * A *lane* is one class in one budget that has made somebody wait. In it every client is known by
 * a number and has a share. A *wish* is one request of a client; it may have a place in one of the
 * budget's windows (now or ahead) or none yet. Two rules:
 *
 *  1. Order. A wish is tagged when it comes: with what its client had been promised by then,
 *     divided by its share (start-time fair queueing; the unit is weight, not requests). The lowest
 *     tag has the first right to the earliest window: who has a place before a lower tag can be
 *     asked for it (fair_overtaken()). So a thousand requests of one client make another wait
 *     behind one of them, not behind all.
 *
 *  2. Reserve. A client that waits for each answer before it asks again is seldom in the queue:
 *     order alone would give it next to nothing. So in a window after one that was used up, each
 *     client that was made to wait then has its share of what the lane used then reserved (one that
 *     was not, what it used and a quarter), and who has had its share may take only what is not
 *     reserved (fair_hold_ms()), and comes after those that have not. What is reserved opens to all
 *     in the second half of the window, so nothing is left over by it.
 *
 *      reserved |------------.
 *               |             '.
 *               |               '.
 *               +------------+----'-+
 *              turn         1/2  90 %  turn
 *
 * While nobody has to wait there is no lane, and nothing of this costs anything. A lane that nobody
 * has waited in for two windows is forgotten (fair_sweep()).
 *
 * Every step is O(log n) in the wishes of a lane, but for one look at its clients per window.
 */
#ifndef GATEWAY_FAIR_H
#define GATEWAY_FAIR_H

#include "base/base.h"
#include "base/class.h"
#include "base/heap.h"
#include "base/list.h"

/* Windows of one budget in which places are at the same time: those of the region's ring. */
#define FAIR_WINDOWS 16
/* Clients that one lane tells apart; those beyond count as one. */
#define FAIR_CLIENTS_MAX 8192
/* Lanes at the same time; those beyond go by arrival only. */
#define FAIR_LANES_MAX 4096
/* A wish without a place. */
#define FAIR_NOWHERE UINT64_MAX

/* What tells a lane from another. */
struct fair_budget {
        enum weir_class class;
        uint16_t pool;
        uint64_t owner;
        uint32_t span_ms; /* of its shortest window; the first to name it decides */
        uint32_t limit;
};

/* What a class was granted in one window beyond what the shares of classes let it have. */
struct fair_grant {
        uint64_t number;
        uint32_t amount;
};

struct fair_lane {
        struct list link, class_link;
        struct fair_budget budget;
        struct list clients;
        size_t n_clients, n_wishes;
        uint64_t now_tag;    /* of the wish that was served last */
        struct heap held;    /* those that hold back: by tag */
        struct heap hopeful; /* those that may find room before their place's time: by tag */
        struct heap places[FAIR_WINDOWS]; /* by window's number modulo: the highest tag first */

        struct fair_grant grants[FAIR_WINDOWS];

        /* The window of now. */
        uint64_t number;
        uint64_t used, used_before, reserved, held_back;
        uint64_t level; /* what there is for one unit of share; 0: nobody is asked to hold back */
        uint64_t room;  /* at least so much may be used of it, whatever the last one was; 0: not
                           known */
        bool is_whole, was_whole;     /* it saw the window from its beginning */
        bool is_wanted;               /* somebody waited since the last sweep */
        uint64_t wanted_ms;           /* when the sweep saw that */
        bool is_blocked, was_blocked; /* somebody was made to wait, now and in the last one */
};

struct fair_client {
        struct list link, lane_link;
        struct fair_lane *lane;
        uint64_t id;
        uint32_t share;
        uint64_t finish_tag; /* of all that it was promised */
        size_t n_wishes;

        /* In the window of now, in units of the budget. */
        uint64_t used, used_before;
        uint64_t reserved; /* not used yet */
        uint64_t debt;     /* used beyond its share before, one request's worth at most */
        uint32_t largest;
        bool waited, waited_before;
};

struct fair_wish {
        struct fair_client *client; /* NULL: in no lane */
        uint64_t tag;
        uint32_t amount;
        bool is_held_back;
        bool is_full;      /* its client had had its share when it became hopeful */
        uint64_t sequence; /* of arrival; where tags are equal */
        uint64_t window;   /* FAIR_NOWHERE or the number of its place's window */
        struct heap_link hopeful_link, place_link, held_link;
};

#define FAIR_LANE_LISTS   64
#define FAIR_CLIENT_LISTS 1024

struct fair {
        struct list lanes[FAIR_LANE_LISTS];     /* by budget */
        struct list clients[FAIR_CLIENT_LISTS]; /* by lane and id */
        struct list by_class[CLASS_COUNT];      /* lanes */
        size_t n_lanes;
};

void fair_init(struct fair *f);
/* All wishes have left. */
void fair_deinit(struct fair *f);

/* Nobody has had to wait of late: then there is nothing to ask here. */
static inline bool fair_is_idle(const struct fair *f)
{
        return f->n_lanes == 0;
}

/* The lane of @class in that budget, or NULL. */
struct fair_lane *fair_lane_find(struct fair *f, enum weir_class class, uint16_t pool,
                                 uint64_t owner);
/* The same, opened when there is none. Return: NULL without memory, or when there are too many. */
struct fair_lane *fair_lane_open(struct fair *f, const struct fair_budget *budget, uint64_t now_ms);

/* The client @id of @lane, made when it is new; @share counts then. Return: NULL without memory. */
struct fair_client *fair_client(struct fair *f, struct fair_lane *lane, uint64_t id,
                                uint32_t share);

/* It was refused, or has to wait, for want of room. */
void fair_block(struct fair_client *client, uint64_t now_ms);

/* Lines up with @amount (at least 1 counts). It has no place yet. @sequence: grows with arrivals.
 */
void fair_enter(struct fair_client *client, struct fair_wish *wish, uint32_t amount,
                uint64_t sequence, uint64_t now_ms);
/* Its place is in window @number of the budget, or FAIR_NOWHERE. Return: 0 or -ENOMEM. */
CHECKED int fair_place(struct fair_wish *wish, uint64_t number);
/* It may find room before, or not. Return: 0 or -ENOMEM. */
CHECKED int fair_hope(struct fair_wish *wish, bool is_hopeful);
/* Out of the lane. @is_served: it leaves for the exchange; else it takes nothing. Harmless for one
 * that is in none. */
void fair_leave(struct fair_wish *wish, bool is_served);

/* What @client sends now. */
void fair_use(struct fair_client *client, uint32_t amount, uint64_t now_ms);

/* It never lined up: it is promised and served at once. */
void fair_pass(struct fair_client *client, uint32_t amount);

/**
 * fair_hold_ms() - until when @client leaves @amount more to the others of its lane
 *
 * Return: exchange ms, or 0: it may go on.
 */
uint64_t fair_hold_ms(struct fair_client *client, uint32_t amount, uint64_t now_ms);
/* The one whose turn it is at what comes free in @client's lane, if @client has had its share and
 * that one has not; or NULL. */
struct fair_wish *fair_first_before(const struct fair_client *client);
/* @wish, which is at no place just now, holds back as told by fair_hold_ms(): those that come after
 * it are told a later time, and anybody else has more right to its place. */
void fair_hold_back(struct fair_wish *wish, bool is_held_back);

/* The wish in window @number that has the least right to it, if that is less than @wish has, whose
 * client has had enough (@is_full) or not; or NULL. */
struct fair_wish *fair_overtaken(const struct fair_wish *wish, bool is_full, uint64_t number);
/* The first of those that hold back in window @number, or NULL. */
struct fair_wish *fair_held(const struct fair_lane *lane, uint64_t number);

/* The wish in window @number of @lane that has the least right to it; NULL: none is there. */
struct fair_wish *fair_last(const struct fair_lane *lane, uint64_t number);

/*
 * No class starves: one that waits may have a fiftieth of each window, and one request in any case,
 * at the cost of the classes of data above it. Return: whether @amount more is within that; if so,
 * fair_grant() notes it.
 */
bool fair_may_grant(const struct fair_lane *lane, uint32_t amount, uint64_t number);
void fair_grant(struct fair_lane *lane, uint32_t amount, uint64_t number);

/* The first that may find room before its time, or NULL. */
struct fair_wish *fair_hopeful(const struct fair_lane *lane);

/* The lower tag, or the earlier one. */
bool fair_is_before(const struct fair_wish *a, const struct fair_wish *b);

/* Forgets the lanes that nobody has waited in for two windows. @mono_ms: of any steady clock. */
void fair_sweep(struct fair *f, uint64_t mono_ms);

#endif
