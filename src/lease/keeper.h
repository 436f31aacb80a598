/*
 * Keeper
 *
 * Speaks for a host (docs/hosts.md): looks at the region's books, decides when the store is to hear
 * of them and what, and writes what it grants into the region. One process of a host is its keeper.
 *
 * A machine: time is an argument, nothing here knows sockets. Who drives it asks keeper_look()
 * every few milliseconds, and at once where a request found no room; sends keeper_op() when that is
 * wanted and the store can take it; and hands in what comes of it: an answer, a refusal, nothing at
 * all.
 *
 *      keeper_look() -> true -> keeper_op() -> keeper_answer() | keeper_refused() |
 *                                              keeper_renumber() | keeper_away()
 *      keeper_news() whenever some come
 */
#ifndef LEASE_KEEPER_H
#define LEASE_KEEPER_H

#include "base/base.h"
#include "core/lease.h"
#include "core/limiter.h"
#include "lease/op.h"

/* Budgets that one host shares; more have no share, and what needs them is refused. */
#define KEEPER_WARDS_MAX 1024
/* A host that has nothing to say speaks so often; who shares windows of a minute mostly has. */
#define KEEPER_ROUTINE_MS 60000u
/* Gates and limits in one op. */
#define KEEPER_GATES_MAX  (REGION_EGRESSES * REGION_GATES)
#define KEEPER_LIMITS_MAX (REGION_POOLS * REGION_POOL_WINDOWS)

struct keeper_config {
        const char *name;    /* of the host, for people */
        const char *address; /* of the egress without a name */
        uint64_t grace_ms;
        uint32_t share_pct; /* of each limit, as configured; 0: as the store divides */
};

/* What the exchange's clocks show, as of one moment. */
struct keeper_time {
        uint64_t mono_us;
        struct limiter_time best; /* of the product whose clock is known best */
        bool is_known;            /* measured, by whomever; else @best is this machine's clock */
        struct limiter_time of_pool[REGION_POOLS];
};

/* A budget that is shared. */
struct ward {
        struct window window;
        uint16_t pool;
        char id[OP_ID_SIZE];
        bool is_member; /* the store has told its share */

        /* What is needed of it: units, all of the window @number unless said. */
        uint64_t number;
        uint32_t demand, demand_before; /* used, held and wished for; that of the one before */
        uint32_t unmet;                 /* found no room under the cap and waits */
        uint32_t wishes_told;           /* what of the window's hunger an op has told */
        uint32_t urgent, urgent_told;   /* likewise, of orders, cancels and what closes */
        uint32_t largest;               /* the largest request seen that found none */
        double rate;                    /* of demand, a millisecond, lately */
        uint64_t looked_us;

        /* What was said of it. */
        uint64_t turn_number; /* the window before whose beginning it was spoken of last */
        uint64_t post_number; /* likewise, behind its beginning */
        uint64_t asked_us, ask_again_us, pause_us;
        uint64_t urgent_again_us, urgent_pause_us; /* for what is urgent */
        uint64_t returned_us;
        uint64_t asked_share_us; /* when it was asked for some of its share last; 0: never */
        uint64_t end_number;     /* the window at whose end it was spoken of last */
        bool is_contended;       /* others are hungry too, as was answered last */
        bool is_urgent;          /* the op on its way asks for what is urgent */
        uint32_t asking;         /* the op on its way asks for so much in all; 0: for no more */
        uint32_t capped_limit;   /* the limit that its caps and share are parts of */
        bool is_lowered;    /* a share that the store does not know to be lower yet, or wants so */
        uint32_t others;    /* what the store had others down for when it answered, in the window */
        uint32_t unclaimed; /* ... and what nobody had: others may have been granted it since */
        uint64_t others_number; /* of this number */
        uint32_t top_told;      /* the highest header that anybody has told of @number */
        uint64_t hungry[4]; /* windows that others are known to want more of, by their number's end
                             */
};

/* Why an op is due, for people and tests. */
enum keeper_reason {
        KEEPER_NOTHING,
        KEEPER_FIRST,   /* of this connection, or told to come again */
        KEEPER_BUDGET,  /* one that the store has not heard of */
        KEEPER_LOWERED, /* a share was lowered as told */
        KEEPER_TURN,    /* a window is about to begin */
        KEEPER_BEHIND,  /* one has begun */
        KEEPER_HUNGRY,  /* more is wanted */
        KEEPER_RETURN,  /* others want what is not needed here */
        KEEPER_KNOWS,   /* a gate, limits, foreign use */
        KEEPER_PROBE,   /* a ban is over */
        KEEPER_POOR,    /* nothing was granted yet, or a share is less than its part */
        KEEPER_ROUTINE,
        KEEPER_REASONS,
};

/* What came of an answer or news. */
struct keeper_change {
        bool has_room;    /* a cap has risen: who waits may look again */
        bool has_stop;    /* a gate is shut for longer */
        bool is_sooner;   /* speak again at once */
        uint64_t granted; /* units beyond what was held */
        uint64_t n_hosts; /* now; others than before if @is_crowd */
        bool is_crowd;
        bool is_twice; /* another host speaks under our number: keeper_renumber() */
};

struct keeper {
        struct region *region;
        struct limiter *limiter;
        struct keeper_config config;
        char table[OP_HEX_SIZE];
        char run[OP_HEX_SIZE]; /* of this keeper: random */

        bool is_up, is_greeted; /* connected; and answered since */
        bool is_waiting;        /* the store grants nothing for now */
        uint64_t poor_pause_us; /* until it is asked again whether it does, or for a larger share */
        uint64_t quiet_until_us; /* the store has said no: not again before */
        enum keeper_reason reason;
        uint64_t spoke_us, round_trip_us;
        uint64_t sent_ms; /* the exchange's clock when the op on its way was written */

        size_t n_wards;
        struct ward wards[KEEPER_WARDS_MAX];
        uint16_t ward_of[REGION_SLOTS]; /* 1 + its place; 0: none */
        uint64_t scanned_us;

        uint64_t told_gates[REGION_EGRESSES][REGION_GATES]; /* words, as the store knows them */
        uint64_t saying_gates[REGION_EGRESSES][REGION_GATES];
        uint64_t told_pools[REGION_POOLS][REGION_POOL_WINDOWS];
        uint64_t saying_pools[REGION_POOLS][REGION_POOL_WINDOWS];
        uint64_t limits_ms; /* when they were learnt; 0: as the tables say */

        char probe[OP_ID_SIZE]; /* asked for; "": none */
        uint64_t may_probe_until_ms;

        uint64_t roster[OP_ROSTER_MAX];
        size_t n_roster;

        struct op op;
        struct op_budget budgets[KEEPER_WARDS_MAX];
        struct op_gate gates[KEEPER_GATES_MAX];
        struct op_limit limits[KEEPER_LIMITS_MAX];
};

/* @k is large: allocated. Ends what a keeper before it had begun. */
void keeper_init(struct keeper *k, struct limiter *l, const struct keeper_config *config,
                 const struct keeper_time *time);

/* A connection was made. */
void keeper_up(struct keeper *k);
/* It was lost, or there was no answer: what was on its way is unknown. Return: whether it was there
 * before. */
bool keeper_away(struct keeper *k, const struct keeper_time *time);

/* Whether the store is to hear something now. */
CHECKED bool keeper_look(struct keeper *k, const struct keeper_time *time);

/* All that is to be said, as of now. Lives in @k until the next. */
const struct op *keeper_op(struct keeper *k, const struct keeper_time *time);

/**
 * keeper_bye() - the last that is said: this host is a member no more
 *
 * All shares and caps in the region are what was used of them by then, before it is sent: whoever
 * else is on the region gets nothing until a keeper is back. Its answer is of no use, but for one
 * that is_again: then once more, after keeper_answer().
 *
 * Return: NULL where the store is away or the time is not known: nothing has changed.
 */
CHECKED const struct op *keeper_bye(struct keeper *k, const struct keeper_time *time);

void keeper_answer(struct keeper *k, const struct op_answer *answer, const struct keeper_time *time,
                   struct keeper_change *ret);
/* The store has said no: everything is as it was. */
void keeper_refused(struct keeper *k, const struct keeper_time *time);
/**
 * keeper_renumber() - the store has heard another host of this one's number: this one takes another
 *
 * A region was copied, or an old one put back. Both would use one share, so this host has nothing
 * from now on but what it has used, and joins as a new one. The other keeps the old number.
 */
void keeper_renumber(struct keeper *k, const struct keeper_time *time);
void keeper_news(struct keeper *k, const struct op_news *news, const struct keeper_time *time,
                 struct keeper_change *ret);

/* Whether this host may probe gate @gate of egress @egress, whose ban is over: asks the store where
 * it is there. */
CHECKED bool keeper_may_probe(struct keeper *k, unsigned egress, unsigned gate,
                              const struct keeper_time *time);

#endif
