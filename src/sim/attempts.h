/*
 * Attempts
 *
 * How often an order arrived, and how often it was executed, by client order id: what a gateway
 * must answer for is that no id is ever executed twice on its account.
 */
#ifndef SIM_ATTEMPTS_H
#define SIM_ATTEMPTS_H

#include "base/base.h"
#include "base/str.h"

#include <jansson.h>

/* Ids beyond this are counted in sum only. */
#define ATTEMPTS_MAX     500000
#define ATTEMPTS_BUCKETS 65536
#define ATTEMPTS_ID      48

struct attempt {
        struct attempt *next;
        char id[ATTEMPTS_ID];
        uint32_t attempts, executions;
};

struct attempts {
        struct attempt *buckets[ATTEMPTS_BUCKETS];
        size_t n;
        uint64_t attempts, executions, anonymous;
};

void attempts_init(struct attempts *attempts);
/* May run twice. */
void attempts_deinit(struct attempts *attempts);

/* An order arrived; @client_id may be empty. */
void attempts_arrived(struct attempts *attempts, struct str client_id);
void attempts_executed(struct attempts *attempts, struct str client_id);

/* {"clientOrderId":..,"attempts":N,"executions":N}; zeros for an id that never came. */
json_t *attempts_json(const struct attempts *attempts, struct str client_id);
/* The sums, and up to @max of the ids that arrived or were executed more than once. */
json_t *attempts_summary(const struct attempts *attempts, size_t max);

#endif
