/*
 * Ledger
 *
 * How the simulated exchange counts: weight and raw requests per client address and pool, orders
 * per account and pool, in fixed windows t / span of its own clock. It is written apart from the
 * limiter of weir and shares nothing with it, so that one mistake cannot hide in both.
 *
 * An owner is an address ("127.0.0.1") or an account ("alice"). It has a book per pool, and one
 * per endpoint where endpoints are counted on their own (sapi).
 *
 * Pure: the time is an argument, milliseconds of the exchange's clock.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "base/base.h"
#include "base/list.h"
#include "base/str.h"

enum pool {
#define POOL(id, name, shut_by) POOL_##id,
#include "sim/limits.def"
        POOL_COUNT,
        POOL_NONE = POOL_COUNT,
};

enum limit_type {
        LIMIT_WEIGHT,
        LIMIT_RAW,
        LIMIT_ORDERS,
        LIMIT_ORDERS_LONG,
        LIMIT_TYPES,
};

/* A limit of 0 means that there is none of this type. */
struct limit {
        uint64_t limit;
        uint32_t span_s;
};

#define LADDER_MAX 16

struct ledger_rules {
        struct limit limits[POOL_COUNT][LIMIT_TYPES];
        uint64_t ban_s[LADDER_MAX]; /* lengths of the first, second, ... ban; the last repeats */
        size_t n_bans;
        uint64_t ban_after;       /* requests in a window after its first 429; 0: never */
        uint64_t ban_factor;      /* used weight beyond so many limits; 0: never */
        uint64_t strike_memory_s; /* bans older than this are forgotten */
        bool ban_extends;         /* a request during a ban starts it anew */
        bool ban_all;             /* a ban shuts all pools of the address */
        bool free_refusals;       /* refused requests add no weight */
        uint64_t firewall_rate;   /* requests in one second that bring the 403 page; 0: off */
        uint64_t firewall_s;      /* for how long */
        uint64_t maker_decrement; /* spot: what the first fill of a resting order gives back */
};

void ledger_rules_init(struct ledger_rules *rules);
/* "spot-weight=6000/60s"; also "m", "h", "d". Return: 0, -EINVAL, with *ret_why a sentence. */
CHECKED int ledger_rules_set(struct ledger_rules *rules, struct str text, const char **ret_why);
/* The same, and "ban=...", "ban-after=N". */
CHECKED int ledger_rules_set_any(struct ledger_rules *rules, struct str text, const char **ret_why);
/* "120,300,900" seconds; 0: no bans. */
CHECKED int ledger_rules_set_bans(struct ledger_rules *rules, struct str text);

const char *pool_name(enum pool pool);
const char *limit_name(enum pool pool, enum limit_type type);

/* One counted window. @id: time / span. */
struct window {
        uint64_t id;
        uint64_t used, requests, refused;
        bool fresh; /* something was counted in it */
};

/* Enough to see an hour and a half of minutes. */
#define HISTORY_MAX 100
/* Most that is kept of the bans of one book. */
#define BANS_MAX 64

struct ban {
        uint64_t from_ms, until_ms;
};

struct book {
        struct list link; /* of the owner's books */
        enum pool pool;
        const char *endpoint; /* static; NULL where the pool is one */
        struct window now[LIMIT_TYPES];
        struct window history[HISTORY_MAX]; /* of the weight window; oldest overwritten */
        size_t n_history;
        uint64_t after_429; /* requests in this window since its first refusal, plus one */
        uint64_t requests;
        uint64_t refused_429, banned, blocked; /* how many were answered 429, 418, 403 */
        uint64_t in_ban;                       /* arrived while banned */
        struct ban bans[BANS_MAX];
        size_t n_bans;
        uint64_t ban_until_ms;
        uint64_t strikes, last_strike_ms;
};

#define OWNER_NAME 64

struct owner {
        struct list link;
        char name[OWNER_NAME];
        struct list books;
        struct book *quick[POOL_COUNT]; /* those without an endpoint */
        uint64_t second, in_second;     /* for the firewall */
        uint64_t firewall_until_ms, blocked;
};

#define OWNER_BUCKETS 256
/* More addresses than a test uses; beyond it all newcomers share one owner. */
#define OWNERS_MAX 4096

struct ledger {
        struct ledger_rules rules;
        struct list owners[OWNER_BUCKETS];
        size_t n_owners;
        uint64_t foreign[POOL_COUNT]; /* weight per second of others behind every address */
        uint64_t foreign_from_ms[POOL_COUNT];
};

void ledger_init(struct ledger *ledger, const struct ledger_rules *rules);
/* Forgets all books. May run twice. */
void ledger_deinit(struct ledger *ledger);

/* Made when it is new. Never NULL. */
struct owner *ledger_owner(struct ledger *ledger, struct str name);
/* Made when it is new. @endpoint: NULL or static. */
struct book *ledger_book(struct owner *owner, enum pool pool, const char *endpoint);

/* From @now_ms on somebody else spends @weight_per_second behind every address. */
void ledger_foreign(struct ledger *ledger, enum pool pool, uint64_t weight_per_second,
                    uint64_t now_ms);

enum ledger_answer {
        LEDGER_OK = 0,
        LEDGER_FIREWALL, /* 403 */
        LEDGER_BANNED,   /* 418; until_ms is the end of the ban */
        LEDGER_REFUSED,  /* 429; until_ms is the end of the window */
};

struct ledger_entry {
        struct book *book;
        enum limit_type type; /* what refused */
        struct limit limit;   /* of that type */
        uint64_t until_ms;
        uint64_t retry_after_s; /* at least 1 */
        uint64_t weight;        /* charged */
        uint64_t window;        /* that it was charged to */
};

/**
 * ledger_arrive() - one request of @weight arrives
 * @address: whose firewall and ban count
 * @book:    what it is charged to; NULL for a pool without a counter
 *
 * Firewall, ban, raw requests, weight, in this order. *ret_entry is written for every answer.
 */
enum ledger_answer ledger_arrive(struct ledger *ledger, struct owner *address, struct book *book,
                                 uint64_t weight, uint64_t now_ms, struct ledger_entry *ret_entry);

/* Spot takes no weight for an order that succeeds: gives @entry's back in its window. */
void ledger_refund(struct ledger *ledger, struct ledger_entry *entry, uint64_t now_ms);

/* The weight (or orders) used in the window of now, others' included. */
uint64_t ledger_used(const struct ledger *ledger, const struct book *book, enum limit_type type,
                     uint64_t now_ms);

/**
 * ledger_orders() - the account places orders
 * @n, @n_long: what it adds to the two windows
 *
 * A refused order adds nothing. Return: LEDGER_OK or LEDGER_REFUSED with *ret_entry written.
 */
enum ledger_answer ledger_orders(struct ledger *ledger, struct book *book, uint64_t n,
                                 uint64_t n_long, uint64_t now_ms, struct ledger_entry *ret_entry);

/* A first fill gives @n back, to windows of now, never below zero. */
void ledger_orders_give_back(struct ledger *ledger, struct book *book, uint64_t n, uint64_t now_ms);

/* "6000 request weight per 1 MINUTE": the unit and how many of them a span is. */
const char *limit_unit(uint32_t span_s, uint32_t *ret_n);

#endif
