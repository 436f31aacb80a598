/*
 * Faults
 *
 * What goes wrong, by a script of one rule per line:
 *
 *      METHOD PATH WHEN ACTION [ARGUMENT...]
 *      POST /fapi/v1/order 5% unknown execute 50%
 *      GET /api/v3/ticker* every 10 delay 200..900
 *      DELETE * next 3 reset executed
 *
 * and directives: "seed N", "skew MS", "foreign POOL WEIGHT". docs/sim.md has the whole language.
 * All rules that match a request apply; where two want to answer it, the first does.
 *
 * Pure: chance comes from a seed, so that a run can be repeated.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "base/base.h"
#include "base/str.h"
#include "sim/ledger.h"

#define FAULT_RULES_MAX 256
#define FAULT_PATH_MAX  160
#define FAULT_TEXT_MAX  512

enum fault_when {
        WHEN_ALWAYS,
        WHEN_CHANCE, /* parts per million */
        WHEN_NEXT,   /* the next N matches */
        WHEN_EVERY,  /* each Nth match */
        WHEN_AFTER,  /* all but the first N */
};

enum fault_action {
        FAULT_DELAY,   /* on the way to the exchange */
        FAULT_SLOW,    /* on the way back */
        FAULT_ENGINE,  /* between the first check and the engine */
        FAULT_RESET,   /* the connection breaks */
        FAULT_CLOSE,   /* the connection is closed as if it had been idle */
        FAULT_HALF,    /* the reply breaks off */
        FAULT_UNKNOWN, /* 503, state unknown */
        FAULT_UNAVAILABLE,
        FAULT_INTERNAL,
        FAULT_OVERLOAD, /* -1008 */
        FAULT_TIMEOUT,  /* -1007 */
        FAULT_BUS,      /* -1006 */
        FAULT_WAF,      /* 403 page */
        FAULT_EMPTY,    /* a status without a body */
        FAULT_ERROR,    /* any status, code and text */
        FAULT_BODY,     /* any status and body */
        FAULT_GZIP,
        FAULT_CHUNKED,
        FAULT_TRICKLE,
        FAULT_MIXED,   /* every second element of a batch fails */
        FAULT_HEADERS, /* usage headers missing or stale */
        FAULT_LATE,    /* the order cannot be looked up at first */
        FAULT_PARTIAL, /* the order fills in two parts */
        FAULT_ACTIONS,
};

/* Where in its way a request is lost. */
enum fault_stage {
        STAGE_NONE,
        STAGE_UNREAD,     /* before it is counted */
        STAGE_UNEXECUTED, /* after it is counted */
        STAGE_EXECUTED,
};

enum fault_usage {
        USAGE_TRUE,
        USAGE_MISSING,
        USAGE_STALE,
};

struct fault_rule {
        char method[12]; /* "*": any */
        char path[FAULT_PATH_MAX];
        bool is_prefix;
        enum fault_when when;
        uint64_t when_n;
        uint64_t seen;
        enum fault_action action;
        uint64_t from, to; /* milliseconds, bytes, percent */
        uint64_t spike_ppm, spike;
        uint64_t execute_ppm;
        enum fault_stage stage;
        enum fault_usage usage;
        unsigned status;
        int code;
        char text[FAULT_TEXT_MAX];
};

struct faults {
        struct fault_rule rules[FAULT_RULES_MAX];
        size_t n;
        uint64_t seed, draws;
        bool has_skew;
        int64_t skew_ms;
        bool has_foreign[POOL_COUNT];
        uint64_t foreign[POOL_COUNT];
};

void faults_init(struct faults *faults, uint64_t seed);

struct faults_error {
        unsigned line, column; /* from 1 */
        char why[96];
};

/* Replaces all rules, or nothing on failure. Return: 0, or -EINVAL with *ret_error written. */
CHECKED int faults_parse(struct faults *faults, struct str script, struct faults_error *ret_error);

/* What happens to one request. */
struct fault_plan {
        uint64_t delay_us, slow_us, engine_us, late_ms;
        uint64_t first_ppm, rest_after_ms; /* orders fill in two parts */
        enum fault_stage lost;             /* the connection is dropped at this stage ... */
        bool is_orderly;                   /* ... by closing it in order */
        unsigned half_percent; /* of the body that leaves before it breaks off; 0: all of it */
        const struct fault_rule *answer; /* NULL, or answers in the exchange's place ... */
        bool answer_executes;            /* ... after the request was executed all the same */
        enum fault_usage usage;
        bool gzip, chunked, mixed;
        uint64_t trickle_bytes, trickle_us;
};

void faults_plan(struct faults *faults, struct str method, struct str path,
                 struct fault_plan *ret_plan);

/* Of one million; the same sequence for the same seed. */
bool faults_chance(struct faults *faults, uint64_t ppm);
/* In [from, to]. */
uint64_t faults_between(struct faults *faults, uint64_t from, uint64_t to);

#endif
