/*
 * State
 *
 * What the parts of one gateway share. Opened and closed by gateway.c; each part has its own
 * struct in here and touches the others through their functions.
 */
#ifndef GATEWAY_STATE_H
#define GATEWAY_STATE_H

#include "base/base.h"
#include "base/heap.h"
#include "base/list.h"
#include "call/call.h"
#include "core/limiter.h"
#include "budget/counters.h"
#include "budget/twins.h"
#include "gateway/chronicle.h"
#include "gateway/access_log.h"
#include "gateway/ending.h"
#include "gateway/errand.h"
#include "gateway/hosts.h"
#include "gateway/keys.h"
#include "gateway/fair.h"
#include "gateway/pauses.h"
#include "budget/exclock.h"
#include "gateway/service.h"
#include "gateway/request_id.h"
#include "settings/settings.h"
#include "gateway/tally.h"
#include "http/client.h"
#include "http/server.h"
#include "policy/policy.h"
#include "stats/stats.h"

struct outlet;
struct measures;
struct watching;

/* One product's host, by one address. */
struct upstream {
        enum policy_group group;
        struct outlet *outlet;
        struct http_pool *pool; /* NULL until the first request of the group */
        char host_field[272];   /* the Host header: name, and port unless it is the usual one */
        struct exclock clock;
        bool is_in_use;
        bool has_started;         /* those who waited for the exchange's time were let go */
        bool has_given_up;        /* goes by the wall clock: the exchange's time does not come */
        bool is_ban_untold;       /* its head has shut the gate, the log waits for its text */
        uint32_t told_foreign;    /* what others used of a window, as the log was told last */
        uint64_t told_foreign_us; /* monotonic */
        struct errands errands;
};

/* One of the addresses that this gateway leaves from; gateway/outlet.h. */
struct outlet {
        const char *name;                /* as set; "default" */
        bool is_named;                   /* there are others, or it has a name */
        const char *shown;               /* as @name, for the log; empty unless named */
        struct address from;             /* of length 0: any */
        char login[SETTINGS_LOGIN_SIZE]; /* for its proxy */
        struct limiter limiter;
        struct upstream upstreams[POLICY_GROUP_COUNT];
        uint64_t used;                     /* when last, of gateway.n_ways */
        uint64_t seen_gates[REGION_GATES]; /* as those who wait know them */
};

/* The books of the address that @u is by. */
static inline struct limiter *upstream_limiter(const struct upstream *u)
{
        return &u->outlet->limiter;
}

/* Clients without name and key that are told apart by their connections, of those that were here
 * last: 32 KiB. */
#define CONNECTION_HOMES 4096

/* Those who wait. */
struct queue {
        struct heap by_time;
        struct list starting[CLASS_COUNT]; /* for the exchange's time, by arrival */
        size_t n;
        struct loop_timer *timer;
        uint64_t armed_us; /* when the timer is due; UINT64_MAX: not set */
};

struct gateway {
        struct settings settings;
        const struct gateway_options *options;
        struct loop *loop;
        struct region region;
        struct limiter limiter; /* of no address: for what is of accounts, and of all */
        struct policy_options policy;
        struct call_config call;
        struct tls *tls;
        struct http_server *server;
        struct watching *watching; /* what is under /weir */
        struct measures *measures;
        struct outlet outlets[SETTINGS_EGRESS_MAX];
        size_t n_outlets;
        uint64_t n_ways, n_newcomers; /* so often one was chosen; a client was new during a stop */
        word_t connection_homes[CONNECTION_HOMES]; /* core/home.h */
        struct queue queue;
        struct shadow *shadow; /* NULL: what it decides is done */
        struct keys *keys;     /* NULL: no account's are held here */
        struct fair fair;      /* clients of one class among themselves */
        struct pauses pauses;  /* what an operator holds */
        size_t n_on_hold;      /* flows that wait for that; at most half of those that may wait */
        struct list displaced; /* flows that gave up their places, until they have others */
        size_t n_displaced;
        bool is_settling;
        uint64_t seen_limits; /* as those who wait know them */
        struct hosts hosts;
        struct twins twins; /* keys that may be one account's */

        struct stats *stats; /* what happened; told by gateway/tally.h */
        struct {
                uint32_t books[REGION_POOLS]; /* of each pool, as stats numbers them */
                struct tally_known known[64]; /* clients, by connection */
                uint64_t others_us;           /* when others' use was looked at last; monotonic */
        } tally;
        struct chronicle chronicle;

        struct list flows;      /* all that are under way */
        struct list free_flows; /* kept with their buffers */
        struct list unflushed;  /* answers that got a piece in this turn of the loop */
        bool is_flush_due;
        size_t n_flows;
        uint64_t sequence; /* arrival order */
        struct request_ids request_ids;
        struct access_log access;

        /* The last control of a weight, and the quiet that it needs; gateway/weights.c. */
        struct {
                struct loop_timer *timer;
                struct upstream *upstream;
                uint64_t began_us, ends_us; /* monotonic */
                uint64_t step_us;
                unsigned controls; /* bits of the steps at which one leaves; those to come */
                unsigned behind;   /* of the one that follows its suspect */
                unsigned next_step, last_step; /* free for others to be measured at, if any */
                unsigned n;                    /* since something was learnt */
                unsigned n_busy;               /* times that room was made to measure */
        } control;
        uint64_t random;

        struct loop_timer *housekeeping;
        uint64_t region_seen_us; /* when it was looked whether its file is still there */
        bool is_region_gone;     /* it was not */
        struct service service;
        struct ending ending;
        bool is_draining; /* what has not been sent is refused */
};

static inline uint64_t gateway_random(struct gateway *g)
{
        /* xorshift64: spreads retries; nothing secret depends on it. */
        g->random ^= g->random << 13;
        g->random ^= g->random >> 7;
        g->random ^= g->random << 17;
        return g->random;
}

#endif
