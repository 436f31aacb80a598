/*
 * Look
 *
 * The region as a picture: what weir status prints, what the page, weir top and the metrics show,
 * is one snapshot of it, taken at one moment. It only looks; nothing is written.
 *
 *      look_new()  ->  look_take() -> read the members, or look_json()  ->  look_free()
 *                          ^                    |
 *                          +--------------------+   several times a second
 *
 * What is dear to find out (whose a budget is, what disagrees in the evidence) is kept from one
 * take to the next and looked up anew only when the region says that it has changed.
 */
#ifndef LOOK_LOOK_H
#define LOOK_LOOK_H

#include "budget/counters.h"
#include "budget/holder.h"
#include "core/egress.h"
#include "core/gate.h"
#include "core/limiter.h"
#include "core/region.h"
#include "core/sharing.h"
#include "policy/policy.h"

#include <jansson.h>

/* What the address without a name is called. */
#define LOOK_EGRESS_DEFAULT "default"
/* Of a budget that is no address's, or no named account's; and of an account in every case. */
#define LOOK_NONE (-1)
/* An owner as text: a number of 64 bits is none in JavaScript and jq. */
#define LOOK_OWNER_SIZE 17

/* One window of one budget: the one that is now. Amounts are units of its pool. */
struct look_budget {
        const struct policy_pool *pool;
        uint16_t pool_index; /* for policy_pool() */
        bool has_ceilings;   /* several classes share it */
        uint64_t owner;
        int egress;  /* place in look.egresses; LOOK_NONE: an account's */
        int account; /* place in look.accounts; LOOK_NONE */
        const char *endpoint_method, *endpoint_path; /* of a budget by endpoint, if it is known */
        uint32_t span_ms, limit;
        uint64_t number;    /* of the window: it began at number * span_ms, exchange clock */
        uint32_t used;      /* sent, and what may count here besides: ours and foreign */
        uint32_t ours;      /* of it; what was carried here included */
        uint32_t in_flight; /* of ours, not answered yet */
        uint32_t foreign;   /* used - ours */
        uint32_t held;      /* places in this window that wait for their time; beyond used */
        uint32_t expected;  /* what strangers are likely still to use */
        int64_t cap;        /* of this host; -1: shared with no other */
        uint64_t turns_in_ms;
        uint64_t shut_for_ms; /* 0: not stopped */
        /* What each class may use of it at this moment, all that is used included. */
        uint32_t ceilings[CLASS_COUNT];
};

/* A pacing bucket. */
struct look_bucket {
        uint32_t rate_per_min, burst;
        int64_t milli; /* tokens in it, in thousandths */
};

struct look_egress {
        bool is_there;
        char name[EGRESS_TEXT]; /* "default" for the first */
};

/* Something of one product at one address that is not as usual. */
struct look_gate {
        unsigned egress;
        const char *product; /* "futures", "all", ...; static */
        enum gate_kind kind;
        uint64_t for_ms; /* 0: its time is over, a probe is to be answered */
        bool is_probing;
};

struct look_ramp {
        unsigned egress;
        const char *product;
        uint64_t for_ms;
};

struct look_breaker {
        unsigned egress;
        const char *product;
        bool is_probing;
        uint32_t failures;
        uint64_t for_ms;
};

struct look_account {
        uint64_t number, owner;
        char name[HOLDER_NAME_SIZE]; /* printable ASCII */
};

struct look_key {
        unsigned account;
        char text[POLICY_KEY_TEXT_SIZE]; /* its first characters */
};

/* With whom budgets are shared (docs/hosts.md). */
struct look_hosts {
        bool are_sharing; /* false: the rest is nothing */
        struct sharing sharing;
        uint64_t host, n_seen;
        bool was_answered;
        bool is_away;    /* the store serves this host not, and has not refused it */
        bool is_waiting; /* it answers and grants nothing, until other hosts have spoken */
        bool is_refused; /* it refuses this host */
        uint64_t away_s, waits_s, refused_s;
        uint64_t share_s; /* for how long something may be sent whatever the store does */
};

#define LOOK_GATES_MAX    (REGION_EGRESSES * REGION_GATES)
#define LOOK_RAMPS_MAX    (REGION_EGRESSES * REGION_FRONTS)
#define LOOK_BREAKERS_MAX (REGION_EGRESSES * POLICY_GROUP_COUNT)

struct look_owners;

/* Room for the most that a region holds; what is not used takes no memory. */
struct look {
        /* Of the last take. */
        uint64_t wall_ms;
        uint64_t exchange_ms; /* the clock of the first product whose clock is known, else wall */
        size_t n_budgets, n_buckets, n_accounts, n_keys, n_suspects;
        size_t n_gates, n_ramps, n_breakers;
        size_t slots_taken, weight_disagreements;
        uint32_t front_per_s; /* the ceiling of requests a second; 0: none */
        uint64_t counters[COUNTERS];
        struct look_hosts hosts;
        struct look_egress egresses[REGION_EGRESSES];
        struct look_gate gates[LOOK_GATES_MAX];
        struct look_ramp ramps[LOOK_RAMPS_MAX];
        struct look_breaker breakers[LOOK_BREAKERS_MAX];
        struct look_budget budgets[REGION_SLOTS]; /* in the order of the region's slots */
        struct look_bucket buckets[REGION_SLOTS];
        struct look_account accounts[REGION_SLOTS];
        struct look_key keys[REGION_SLOTS];
        struct holder_twins suspects[REGION_SLOTS]; /* keys that seem to be one account's */

        /* Its own. */
        const struct region *region;
        struct look_owners *owners;
        uint64_t holders_turn, weights_turn, weights_ms;
        bool has_looked;
};

/* @region: mapped for as long as the look is used. Return: 0 or -ENOMEM. */
CHECKED int look_new(const struct region *region, struct look **ret_look);
/* Accepts NULL. Return: NULL. */
struct look *look_free(struct look *look);

/* @wall_ms: this machine's clock. */
void look_take(struct look *look, uint64_t wall_ms);

/**
 * look_json() - the last take as weir status --json prints it
 * @path: the region's, for people
 *
 * Return: an object, the caller's; NULL when there is no memory.
 */
json_t *look_json(const struct look *look, const char *path);

/* The name of the address that a budget is counted by; NULL for an account's. */
static inline const char *look_egress_of(const struct look *look, const struct look_budget *b)
{
        return b->egress == LOOK_NONE ? NULL : look->egresses[b->egress].name;
}

/* The name of the account whose a budget is; NULL for one without a name, and for an address's. */
static inline const char *look_account_of(const struct look *look, const struct look_budget *b)
{
        return b->account == LOOK_NONE ? NULL : look->accounts[b->account].name;
}

/* So much of it tells accounts without a name apart, for people. */
#define LOOK_OWNER_SHOWN 6
/* Return: @to. */
const char *look_owner_text(uint64_t owner, char to[LOOK_OWNER_SIZE]);

/* The exchange's time for a product, as the last one who measured it left it; else @wall_ms. */
struct limiter_time look_group_time(const struct region *region, unsigned group, uint64_t wall_ms);
/* The same for a pool: of the first of its products whose time is known. */
struct limiter_time look_pool_time(const struct region *region, const struct policy_pool *pool,
                                   uint64_t wall_ms);

#endif
