/*
 * Tables
 *
 * The shape of what tools/gen_policy.py writes from data/ into tables.c. Everything is constant;
 * rows refer to each other by index.
 *
 *      endpoint --> prices  --> clauses of its rule, tried from left to right
 *               --> order        what it adds to ORDERS
 *               --> requests     pools that count it as one request, weight aside
 *
 * An endpoint is found by its key in table_slots: open addressing, at most half full.
 */
#ifndef POLICY_TABLES_H
#define POLICY_TABLES_H

#include "policy/names.h"
#include "policy/policy.h"

#define TABLE_NONE UINT16_MAX

enum table_test {
        CLAUSE_SENT,    /* the parameter is there */
        CLAUSE_ABSENT,  /* it is not */
        CLAUSE_WORD,    /* it is there and is @word */
        CLAUSE_LIMIT,   /* it is there and its number is at most @bound */
        CLAUSE_COUNT,   /* it is there and its list has at most @bound elements */
        CLAUSE_OUTCOME, /* known from the reply only; @subject counts enum policy_outcome's bits */
};

struct table_clause {
        uint8_t test;
        uint8_t subject; /* PARAM_* */
        uint32_t bound;
        const char *word;
        uint32_t each; /* not 0: so much per element of the list, at most @cost */
        uint32_t cost;
        const char *text; /* the test as data/ has it: "limit<=500" */
        uint64_t key;     /* of the text */
};

struct table_price {
        uint16_t pool;
        uint16_t n_clauses;
        uint16_t clause;
        uint32_t base; /* when no clause holds */
};

struct table_order {
        uint16_t pool;
        uint8_t n_specials;
        uint32_t amount;
        struct {
                uint64_t span_ms;
                uint32_t amount;
        } specials[POLICY_SPECIALS_MAX];
};

/* Main pools of a group, TABLE_NONE where it has none. */
struct table_group {
        uint16_t weight, account_weight, orders, every_request;
};

/* Paths that a request pool counts even when no table has them. */
struct table_prefix {
        uint16_t pool;
        enum policy_group group;
        const char *method, *path;
};

extern const struct policy_pool table_pools[];
extern const size_t table_n_pools;
extern const struct table_group table_groups[];
extern const struct policy_endpoint table_endpoints[];
extern const size_t table_n_endpoints;
extern const uint16_t table_slots[];
extern const size_t table_n_slots;
extern const struct table_price table_prices[];
extern const struct table_clause table_clauses[];
extern const struct table_order table_orders[];
extern const uint16_t table_requests[];
extern const struct table_prefix table_prefixes[];
extern const size_t table_n_prefixes;

extern const struct str table_params[];
extern const uint8_t table_param_slots[];
extern const uint32_t table_params_of_numbers, table_params_of_lists;

/**
 * table_hash() - the hash that the tables were built with
 *
 * Eight bytes a step, because a key is made for every request. The same on every machine and in
 * every build: it names counters in shared regions. Not meant to resist an attacker: the table is
 * fixed, and a crafted path can at best hit a slot whose key then differs.
 */
uint64_t table_hash(uint64_t seed, struct str s);

#endif
