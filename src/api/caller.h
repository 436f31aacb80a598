/*
 * Caller
 *
 * What a program's calls have in common: the limiter, how often and how late to repeat, whom to
 * tell, and what happened so far, in all and by endpoint.
 */
#ifndef API_CALLER_H
#define API_CALLER_H

#include "api/limiter.h"
#include "call/call.h"

/* Rows of the statistics by endpoint; a program uses a few dozen of the exchange's thousand. */
#define CALLER_ENDPOINTS 512

/* Counted by many threads at once; relaxed, for nobody concludes from one about another. */
struct tally {
        _Atomic(uint64_t) calls, hits, retries, failures;
};

struct caller_row {
        _Atomic(const struct policy_endpoint *) endpoint; /* NULL: free */
        struct tally tally;
};

struct weir_caller {
        struct weir_limiter *limiter;
        struct call_config config;
        weir_log_fn log;
        void *log_ctx;
        _Atomic(uint64_t) random;
        struct tally total, other;
        struct caller_row rows[CALLER_ENDPOINTS];
};

/* The row of @endpoint, the common one if it is NULL or there is no room for another. */
struct tally *caller_tally(struct weir_caller *caller, const struct policy_endpoint *endpoint);

/* "POST /fapi/v1/order", or "other"; in @to. */
const char *caller_endpoint_name(const struct policy_endpoint *endpoint, char *to, size_t size);

/* Another number each time. */
uint64_t caller_random(struct weir_caller *caller);

void caller_log(const struct weir_caller *caller, enum weir_log_level level, const char *format,
                ...) PRINTF(3, 4);

#endif
