/*
 * Policy
 *
 * What a request costs, before it is sent: which budgets of the exchange it touches, how much of
 * each, whose they are, and how urgent it is. The answer depends on method, path and parameters
 * only; it reads no clock, opens nothing and allocates nothing.
 *
 *      method, path, query, body  ->  endpoint  ->  charges, class, flags
 *                                     (a row of data/, compiled in)
 *
 * A *pool* is a counter that the exchange keeps, with one to four windows: spot-weight per source
 * address, futures-orders per account, sapi-ip per address and endpoint, and so on. A *charge* is
 * an amount for one pool. A pool that is kept per account or per endpoint is many counters: the
 * caller tells them apart by the keys in the charge.
 *
 * Where a request can be read in two ways (a name repeated, an empty value, a number that is
 * none), the heavier reading is charged: too much costs a little throughput and is corrected by
 * the reply's header, too little costs the address a ban.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/base.h"
#include "base/class.h"
#include "base/str.h"

/* Products by path prefix: each has its own host. */
enum policy_group {
        POLICY_API,
        POLICY_SAPI,
        POLICY_FAPI, /* also /futures/data, unless only the COIN-M host has the endpoint */
        POLICY_DAPI,
        POLICY_PAPI,
        POLICY_EAPI,
        POLICY_GROUP_COUNT,
};

enum policy_scope {
        POLICY_PER_IP,
        POLICY_PER_ACCOUNT,
};

enum policy_unit {
        POLICY_WEIGHT,
        POLICY_ORDERS,
        POLICY_REQUESTS,
        POLICY_UNIT_COUNT,
};

/* Which header of a reply says how much of a pool is used. */
enum policy_header {
        POLICY_HEADER_NONE,
        POLICY_HEADER_USED_WEIGHT,   /* X-MBX-USED-WEIGHT-1M */
        POLICY_HEADER_ORDER_COUNT,   /* X-MBX-ORDER-COUNT-10S, -1M, -1D */
        POLICY_HEADER_SAPI_USED_IP,  /* X-SAPI-USED-IP-WEIGHT-1M */
        POLICY_HEADER_SAPI_USED_UID, /* X-SAPI-USED-UID-WEIGHT-1M */
};

#define POLICY_WINDOWS_MAX 4

struct policy_window {
        uint64_t span_ms;
        uint32_t limit;
};

struct policy_pool {
        const char *name; /* "spot-weight"; stable, fit for configuration and metrics */
        uint32_t groups;  /* bit 1 << group for each group that draws on it */
        enum policy_scope scope;
        enum policy_unit unit;
        enum policy_header header;
        bool is_per_endpoint;
        /*
         * The exchange counts it over the last span, not from its turn. We keep windows cut from
         * the clock for it too: across a turn this can let through up to twice the limit, so
         * treat the windows of such a pool as advice and the exchange's refusal as the law.
         */
        bool is_rolling;
        uint8_t n_windows;
        struct policy_window windows[POLICY_WINDOWS_MAX]; /* shortest span first */
};

/* Outcomes that change the weight after the fact; a set of bits for policy_settle(). */
enum policy_outcome {
        POLICY_OUTCOME_OK = 1 << 0,         /* HTTP 200 */
        POLICY_OUTCOME_EXPIRED = 1 << 1,    /* the amended order expired because of it */
        POLICY_OUTCOME_BAD_SYMBOL = 1 << 2, /* the symbol was not valid, -1121 */
};

/* What a request must carry for the exchange to take it. */
enum policy_security {
        POLICY_OPEN,   /* nothing */
        POLICY_KEYED,  /* X-MBX-APIKEY */
        POLICY_SIGNED, /* X-MBX-APIKEY, timestamp and signature */
};

/* A row of data/. */
struct policy_endpoint {
        const char *method;
        const char *path;
        uint64_t key; /* same in every build of the same method and path; never 0 or UNKNOWN */
        enum policy_group group;
        enum weir_class class;
        enum policy_security security;
        bool is_test;   /* validates an order and places none */
        bool may_close; /* of class CANCEL when its parameters say that it only closes */
        bool is_weight_header_wrong; /* the reply reports usage that is not true: do not adopt */
        bool is_weight_header_missing;
        /* Indices into the generated tables; for match.c. */
        uint16_t price, n_prices;
        uint16_t order;
        uint16_t request, n_requests;
};

/* Charges of one request: weight by address and by account, orders, raw and special requests. */
#define POLICY_CHARGES_MAX  6
#define POLICY_SPECIALS_MAX 2

struct policy_charge {
        uint16_t pool;       /* for policy_pool() */
        bool is_per_account; /* counter is that of @plan.account */
        uint8_t n_specials;
        /*
         * May be 0: a futures order weighs nothing and is still refused while the weight pool is
         * stopped, so it names the pool it must find open.
         */
        uint32_t amount;
        /* Windows of these spans take another amount: batch orders count 5 in 10 s, 1 in 1 min. */
        struct {
                uint64_t span_ms;
                uint32_t amount;
        } specials[POLICY_SPECIALS_MAX];
        uint64_t endpoint; /* which counter of a per-endpoint pool; 0 for all other pools */
};

/* Every endpoint of sapi that no table knows shares this one counter, so that odd paths cannot
 * breed counters without end. It over-counts. */
#define POLICY_ENDPOINT_UNKNOWN UINT64_MAX

struct policy_input {
        struct str method, path, query; /* without '?' */
        struct str body;                /* form-encoded, or empty; not read for GET and HEAD */
        struct str api_key;             /* the X-MBX-APIKEY header, or empty */
        bool is_unsealed;               /* timestamp and signature will be added when it leaves */
};

struct policy_options {
        /*
         * Weight of an endpoint that no table knows. 50 is at or above what nine in ten known
         * endpoints of the weight-limited products cost without discount, and 1 % to 2 % of a
         * futures window: a wrong guess neither starves nor floods. Replies correct it.
         */
        uint32_t unknown_weight;
};

#define POLICY_OPTIONS_DEFAULT ((struct policy_options){ .unknown_weight = 50 })

/* Held by value; borrows nothing from the request. */
struct policy_plan {
        const struct policy_endpoint *endpoint; /* NULL: no table knows it */
        enum policy_group group;
        enum weir_class class;
        bool is_known;
        bool is_signed; /* carries signature or timestamp, or will */
        bool has_signature, has_timestamp, has_recv_window; /* as it came */
        bool is_mutating;  /* any method that is not GET, HEAD or OPTIONS: never sent twice */
        bool places_order; /* may create, change or replace an order */
        bool is_closing;   /* order that can only make a position smaller */
        bool is_weight_header_trusted;

        uint64_t timestamp_ms;   /* of the client's signature; 0: none that can be read */
        uint64_t recv_window_us; /* 5000000 unless the request says otherwise, at most 60000000 */
        uint64_t account;        /* policy_account() of the key; 0 without one */
        uint64_t variant;        /* what charges[0] is the price of, see policy/variant.h */

        uint8_t n_charges;
        struct policy_charge charges[POLICY_CHARGES_MAX];

        /* For policy_settle(). */
        uint8_t outcome;
        uint32_t outcome_weight;
};

enum {
        POLICY_NO_GROUP = 1,
};

/**
 * policy_match() - what a request costs
 * @options:  NULL for POLICY_OPTIONS_DEFAULT
 * @input:    read during the call only; nothing is decoded in place
 * @ret_plan: written for 0 only
 *
 * HEAD is charged as GET. A path that is not byte for byte that of an endpoint (a slash more, an
 * escaped letter) is unknown: it keeps the group of its prefix, weighs @options->unknown_weight,
 * and counts as one order when the method is POST or PUT, except in sapi.
 *
 * Return: 0, or POLICY_NO_GROUP when the path belongs to no product.
 */
CHECKED int policy_match(const struct policy_options *options, const struct policy_input *input,
                         struct policy_plan *ret_plan);

/**
 * policy_settle() - the weight after the reply
 * @outcomes: bits of enum policy_outcome; 0 for anything that did not go well
 *
 * The plan's weight charge was the one for the case that costs most. Give back the difference
 * between charges[0].amount and this; charges[0] is always the one that outcomes change.
 *
 * Return: the final amount of charges[0].
 */
uint32_t policy_settle(const struct policy_plan *plan, unsigned outcomes);

/* What @charge takes from a window of @span_ms. */
uint32_t policy_charge_amount(const struct policy_charge *charge, uint64_t span_ms);

/* When the exchange stops accepting the request, ms by its clock; 0: it never does. */
uint64_t policy_expires_ms(const struct policy_plan *plan);

/* Group by path prefix. Return: 0, or POLICY_NO_GROUP with @ret_group untouched. */
CHECKED int policy_group_of(struct str path, enum policy_group *ret_group);
/* "api", "sapi", ... */
const char *policy_group_name(enum policy_group group);
/* Return: 0 or -EINVAL for a name that is none. */
CHECKED int policy_group_from(struct str name, enum policy_group *ret_group);

size_t policy_pool_count(void);
const struct policy_pool *policy_pool(size_t index);
/* Return: index, or -ENOENT. */
CHECKED int policy_pool_find(struct str name);

/**
 * policy_group_pool() - the main pool of a group, the one that its exchangeInfo and headers mean
 *
 * REQUEST_WEIGHT is POLICY_WEIGHT, ORDERS is POLICY_ORDERS, RAW_REQUESTS is POLICY_REQUESTS.
 * Groups may share one: fapi and dapi do.
 *
 * Return: index, or -ENOENT when the group has no such limit or keeps it per endpoint.
 */
CHECKED int policy_group_pool(enum policy_group group, enum policy_unit unit);

size_t policy_endpoint_count(void);
const struct policy_endpoint *policy_endpoint(size_t index);

/* Room for what policy_key_text() writes. */
#define POLICY_KEY_TEXT_SIZE 12

/**
 * policy_key_text() - an API key for people: its first characters, never all of it
 * @to: of POLICY_KEY_TEXT_SIZE bytes
 *
 * A quarter of it, at most eight characters, and "...".
 *
 * Return: @to.
 */
const char *policy_key_text(struct str api_key, char *to);

/* A number for an API key, never 0, the same in every process. Not a secret, not reversible. */
uint64_t policy_account(struct str api_key);

#endif
