/*
 * Exchange
 *
 * The way of one request through the simulated exchange, without sockets: firewall, ban, raw
 * requests, weight, key and signature, age, parameters, orders, age again, engine. Time is an
 * argument: microseconds of this machine's clock, to which the configured skew is added.
 */
#ifndef SIM_EXCHANGE_H
#define SIM_EXCHANGE_H

#include "base/base.h"
#include "base/str.h"
#include "sim/attempts.h"
#include "sim/engine.h"
#include "sim/faults.h"
#include "sim/ledger.h"
#include "sim/reply.h"
#include "sim/sign.h"
#include "sim/weight.h"

struct exchange_config {
        struct ledger_rules rules;
        struct accounts accounts;
        uint64_t seed;
        int64_t skew_ms;
        bool futures_retry_after; /* spot always has it */
        struct weight_rules weights;
};

void exchange_config_init(struct exchange_config *config);

struct exchange {
        struct exchange_config *config; /* borrowed */
        struct ledger ledger;
        struct engine engine;
        struct attempts attempts;
        struct faults faults;
        int64_t skew_ms;
        uint64_t requests;
        uint64_t stale_used;         /* what "headers stale" repeats */
        uint64_t owed[ACCOUNTS_MAX]; /* order counts that fills give back, at the next request */
};

/* Large: on the heap. @config is borrowed and must outlive it. */
struct exchange *exchange_new(struct exchange_config *config);
/* Accepts NULL. Return: NULL. */
struct exchange *exchange_free(struct exchange *x);
/* Forgets everything that happened, keeps rules and faults. */
void exchange_reset(struct exchange *x);

/* One request as it was received; views. */
struct request {
        struct str method, path, query, body;
        struct str api_key;
        const char *ip;
};

uint64_t exchange_now_us(const struct exchange *x, uint64_t wall_us);

/**
 * exchange_serve() - count, check and execute @request
 * @plan: what goes wrong with it
 *
 * @reply is written in every case; the caller sends it unless the plan loses it.
 */
void exchange_serve(struct exchange *x, const struct request *request,
                    const struct fault_plan *plan, uint64_t wall_us, struct reply *reply);

/* What faults_parse() set aside for the whole exchange: clock and foreign load. */
void exchange_apply_faults(struct exchange *x, uint64_t wall_us);

#endif
