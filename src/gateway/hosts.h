/*
 * Hosts
 *
 * Where budgets are shared with other hosts (docs/hosts.md): the region is told so, and one gateway
 * of those on it is its keeper (lease/keeper.h), over a connection to the store. What the keeper is
 * granted wakes those who wait; what others have learned of stops is obeyed at once. A gateway that
 * is not the keeper obeys the region, and takes over when the keeper is gone.
 */
#ifndef GATEWAY_HOSTS_H
#define GATEWAY_HOSTS_H

#include "base/base.h"

struct gateway;
struct upstream;
struct keeper;
struct store;
struct loop_timer;
struct keeper_time;
struct sharing;
struct op_answer;
struct op_news;

/* A reason that stands in the log. */
struct hosts_said {
        char why[512];
        uint64_t at_us;
};

struct hosts {
        bool is_sharing;
        struct keeper *keeper; /* NULL: another process's */
        struct store *store;
        struct loop_timer *timer;
        uint64_t looked_us,
                locked_us;       /* monotonic: when it looked last, and tried to be the keeper */
        bool is_away, was_there; /* as was said in the log */
        bool is_opening;         /* until the store has spoken, or its time is over */
        bool is_leaving;         /* nothing is said but the goodbye */
        bool has_said_bye;       /* and that is on its way */
        char why[512];   /* the last reason why nothing comes of the store; "": it answers */
        char waits[256]; /* why nothing is granted; "": it is */
        uint64_t waits_since_us; /* by the loop's clock */
        struct hosts_said away_said, refused_said, waits_said;
        uint64_t namesake; /* another host of our name that was told of; 0: none */
        bool is_unspoken;  /* without a store, where nobody speaks: as was said in the log */
        char name[64];
};

/* Before anything is sent or listened for: what is shut elsewhere is known then, if the store
 * answers within a second. Return: 0, or a negative errno after a complaint on stderr. */
CHECKED int hosts_open(struct gateway *g);
void hosts_close(struct gateway *g);

/*
 * At an orderly end, after the last request: says goodbye to the store, unless another gateway of
 * this region goes on, or the next is about to take over. Within 300 ms, whatever the store does.
 */
void hosts_leave(struct gateway *g);

/* Somebody found no room: the keeper looks at once. */
void hosts_hungry(struct gateway *g);
/* From housekeeping: who is no keeper may have to become it, or to say that there is none. */
void hosts_keep(struct gateway *g);
/* Whether a ban of @u that is over may be probed from here. */
CHECKED bool hosts_may_probe(struct gateway *g, const struct upstream *u);

/* Between hosts.c and hosts_leave.c. */

/* Makes this process the keeper, if no other is. False: another is. */
CHECKED bool hosts_lock(struct gateway *g);

/* How it stands with what is shared, now. */
void hosts_look(struct gateway *g, struct sharing *ret);

/* Of a gateway without a store: says so when the region shares and nobody speaks for it. */
void hosts_watch(struct gateway *g);

/* The exchange's clocks as this gateway has measured them, else as the region has them. */
void hosts_time(struct gateway *g, struct keeper_time *ret);
/* Nothing more is to be heard for the goodbye. */
void hosts_left(struct gateway *g);
/* Says it now, if nothing is on its way. */
void hosts_say_bye(struct gateway *g);

/* Between hosts.c and hosts_words.c. */

/* A try to reach the store failed: said once, and when there is another reason. */
void hosts_say_away(struct gateway *g, const char *why);
/* It refused an op: said once until it answers one, and when there is another reason. */
void hosts_say_refused(struct gateway *g, const char *why);
/* It answered: that it is there again, what it waits for, and who has this host's name. */
void hosts_say_there(struct gateway *g, const struct op_answer *answer);
void hosts_say_guests(const struct op_news *news);

#endif
