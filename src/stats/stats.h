/*
 * Stats
 *
 * What happened: each request of the gateway, noted once when it has ended, by class, account,
 * endpoint and client. Everything that is shown later (page, metrics, history) is read from here.
 *
 *      stats_note() --+--> sums since the start, of all and of each name      stats_sums(), ...
 *                     +--> the window of its pool that it left in
 *                            open, until a little after its end
 *                              \-- stats_turn() --> closed: the greatest rows and "(others)"
 *                                                    |--> the last 60 of each pool, in memory
 *                                                    \--> whoever asked to be told (history)
 *
 * All is bounded: what has no row of its own is in the one "(others)", so sums are always whole.
 * Memory is taken by pieces as names come, and never while a window closes fails what was counted.
 *
 * Time is an argument, in milliseconds by the exchange's clock. One thread.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include "base/base.h"
#include "base/class.h"
#include "base/str.h"
#include "stats/waits.h"

#include <string.h>

#define STATS_CLIENTS_MAX   10000
#define STATS_ACCOUNTS_MAX  64
#define STATS_ENDPOINTS_MAX 512
#define STATS_POOLS_MAX     16
#define STATS_REASONS_MAX   40
#define STATS_VERDICTS_MAX  32
#define STATS_CODES_MAX     48
/* Closed windows of each pool that are kept in memory, and of one those rows of each dimension. */
#define STATS_WINDOWS_KEPT 60
#define STATS_ROWS_KEPT    48
/* What all of it takes at most. */
#define STATS_BYTES_MAX (24u << 20)

/* A name with its NUL; longer ones are cut. */
#define STATS_NAME_SIZE 96

/* Who has no row of his own; what has no such name (a request without a key, or without a class,
 * since it was refused before that was known). */
#define STATS_OTHERS "(others)"
#define STATS_NONE   "(none)"

enum stats_by {
        STATS_BY_CLASS,
        STATS_BY_ACCOUNT,
        STATS_BY_ENDPOINT,
        STATS_BY_CLIENT,
        STATS_BY_COUNT,
};

/* "class", "account", "endpoint", "client". */
const char *stats_by_name(enum stats_by by);
/* Return: 0 or -EINVAL for a name that is none. */
CHECKED int stats_by_from(struct str name, enum stats_by *ret_by);

/* X(enumerator, name): how a request ended, each in one way. */
#define STATS_OUTCOMES(X)                                                                          \
        X(OK, "ok")                 /* answered, done as asked */                                  \
        X(ERROR, "error")           /* answered by the exchange with an error */                   \
        X(OVER_LIMIT, "over_limit") /* refused by the exchange for a limit (429) */                \
        X(BANNED, "banned")     /* refused by the exchange, which bans or blocks us (418, 403) */  \
        X(REFUSED, "refused")   /* refused by weir; nothing was sent */                            \
        X(NOT_SENT, "not_sent") /* could not be sent: no way to the exchange, or weir ended */     \
        X(GONE, "gone")         /* its client left before it was sent, or before its answer */     \
        X(UNKNOWN, "unknown")   /* sent, and no whole answer came */

enum stats_outcome {
#define X(enumerator, name) STATS_##enumerator,
        STATS_OUTCOMES(X)
#undef X
        STATS_OUTCOME_COUNT,
};

/* "ok", "error", ... */
const char *stats_outcome_name(enum stats_outcome outcome);

#define STATS_NO_POOL    UINT32_MAX
#define STATS_NO_VERDICT UINT32_MAX
#define STATS_NO_WAIT    UINT64_MAX

/* Whose; by @key, of which one has the same always. Key 0: none. */
struct stats_name {
        uint64_t key;
        struct str text; /* looked at when the key is new; without one @spell is asked */
};

struct stats_request;

/* Writes the name of @by, when it is new. @to: of STATS_NAME_SIZE bytes. */
typedef void (*stats_spell_fn)(const struct stats_request *request, enum stats_by by, char *to);

/* The key of a name that has no number of its own; never 0. */
uint64_t stats_key(struct str text);

/* One request at its end, or one of its attempts that is made again. */
struct stats_request {
        enum weir_class class; /* CLASS_COUNT: not known */
        uint32_t pool;         /* as stats_set_pool() numbers them, or STATS_NO_POOL */
        /* 1 + the pool that counts its orders, in the windows of which it is too; 0: it has none.
         */
        uint32_t orders_book;
        struct stats_name account, endpoint, client;
        stats_spell_fn spell; /* NULL where all have texts */
        const void *ctx;      /* for that */
        /*
         * It is not at its end yet: an attempt that the exchange refused, or that died, and that is
         * made again. Only weight, orders, over_limit, verdict and code count, in the window that
         * it left in.
         */
        bool is_attempt;
        enum stats_outcome outcome;
        uint64_t sent_ms;     /* when it left last, exchange clock; 0: it never did */
        uint32_t weight;      /* charged for this attempt, what was given back taken off */
        uint32_t orders;      /* likewise */
        uint32_t over_limit;  /* 1: this attempt was refused by the exchange for a limit */
        uint32_t retries;     /* attempts before this one, whatever was noted of them */
        uint64_t wait_us;     /* from its arrival until it left last; or STATS_NO_WAIT */
        uint64_t exchange_us; /* from then until its answer was here */
        uint32_t verdict;     /* what the answer, or that none came, meant, as classify counts; or
                               * STATS_NO_VERDICT */
        int32_t code;         /* the exchange's own, as -1003; 0: none */
        const char *reason;   /* of a refusal, in one word; static */
};

/* Sums of a row, or of all. */
struct stats_figures {
        uint64_t requests; /* ended */
        uint64_t weight, orders;
        uint64_t errors;     /* of those: with an error of the exchange, unknown, or not sent */
        uint64_t over_limit; /* attempts that the exchange refused for a limit */
        uint64_t retries;
        uint64_t refused; /* of those: by weir */
};

void stats_figures_add(struct stats_figures *to, const struct stats_figures *more);

struct stats;

/* @seed: of the keys' table; any. Return: 0 or -ENOMEM. */
CHECKED int stats_open(uint64_t seed, struct stats **ret_stats);
/* Accepts NULL. Return: NULL. Windows that are open are not handed on: stats_turn() does that. */
struct stats *stats_close(struct stats *stats);

/* What it takes of the heap now, its own bookkeeping. */
size_t stats_bytes(const struct stats *stats);

/* A counter of the exchange whose windows are kept. */
struct stats_pool {
        const char *name; /* policy's: "spot-weight"; static */
        uint64_t span_ms;
        uint64_t limit; /* 0: none for all of it together */
};

/* Of such a pool the windows are a second time, with orders in place of weight: what is summed over
 * pools leaves them out. */
static inline bool stats_is_of_orders(const char *pool)
{
        size_t n = strlen(pool), end = strlen("-orders");

        return n > end && strcmp(pool + n - end, "-orders") == 0;
}

/*
 * Pool number @pool is this one from now on; as often as one likes. Another span closes the windows
 * of the old one.
 */
void stats_set_pool(struct stats *stats, uint32_t pool, const struct stats_pool *as);

/* Once for each request, when it has ended; and for an attempt, see there. */
void stats_note(struct stats *stats, const struct stats_request *request, uint64_t now_ms);

/* What others than us use of the window of @pool that @at_ms is in, as far as known now. */
void stats_note_foreign(struct stats *stats, uint32_t pool, uint64_t at_ms, uint64_t foreign);

/*
 * When a window of @pool is over for long enough that no more is expected to come into it: its
 * start. Between this and stats_turn() is the time for a last stats_note_foreign().
 *
 * Return: false when there is none.
 */
CHECKED bool stats_is_due(const struct stats *stats, uint32_t pool, uint64_t now_ms,
                          uint64_t *ret_start_ms);
/* Closes those. To be called a few times a second. @is_end: all that are open. */
void stats_turn(struct stats *stats, uint32_t pool, uint64_t now_ms, bool is_end);

/* Reading: sums since the start. */

struct stats_sums {
        struct stats_figures all;
        uint64_t outcomes[STATS_OUTCOME_COUNT]; /* sum: all.requests */
        uint64_t refused[STATS_REASONS_MAX];    /* by stats_reason(); sum: outcomes REFUSED and
                                                 * NOT_SENT */
        uint64_t verdicts[STATS_VERDICTS_MAX];  /* of what was sent, attempts too */
        struct {
                int32_t code;
                uint64_t n;
        } codes[STATS_CODES_MAX]; /* of the exchange's errors, as they came first */
        size_t n_codes;
        uint64_t other_codes;
        struct waits waits[CLASS_COUNT];    /* in weir, of what left */
        struct waits exchange[CLASS_COUNT]; /* at the exchange, of what was answered */
};

const struct stats_sums *stats_sums(const struct stats *stats);
/* The word of refusals @i; NULL when there are not so many. The last one may be "(others)". */
const char *stats_reason(const struct stats *stats, size_t i);

/* A name's sums since the start. Calls @fn for each, in order of arrival, and for "(others)" last,
 * if there are any. */
typedef void (*stats_name_fn)(void *ctx, const char *name, const struct stats_figures *figures);
void stats_each(const struct stats *stats, enum stats_by by, stats_name_fn fn, void *ctx);

/* Reading: windows. */

struct stats_row {
        enum stats_by by;
        const char *name; /* lives as long as the stats */
        struct stats_figures figures;
        struct waits_packed waits; /* in weir, of what left */
};

/* A window that is over, or as it is now. */
struct stats_window {
        const char *pool;
        uint64_t start_ms, span_ms;
        uint64_t limit; /* 0: none */
        struct stats_figures all;
        struct waits_packed waits;
        uint64_t foreign; /* weight that others used */
        uint32_t refused[STATS_REASONS_MAX];
        /*
         * By dimension, the heaviest first, up to STATS_ROWS_KEPT of each; where there were more,
         * the last one of a dimension is "(others)". Each dimension's sum is @all.
         */
        const struct stats_row *rows;
        size_t n_rows;
};

/* Told of each window that was just closed; it is the callee's until it returns. */
typedef void (*stats_window_fn)(void *ctx, const struct stats_window *window);
void stats_on_window(struct stats *stats, stats_window_fn fn, void *ctx);

/* How many pools are numbered; their names. */
uint32_t stats_pools(const struct stats *stats);
const struct stats_pool *stats_pool(const struct stats *stats, uint32_t pool);

/* Closed ones, @back from the last one on. Return: NULL when there are not so many. */
const struct stats_window *stats_closed(const struct stats *stats, uint32_t pool, size_t back);

/* Those that are open, the newest first (@back 0, 1), as they are now. Return: NULL when there is
 * none; else the caller's, for stats_window_free(). */
struct stats_window *stats_look(const struct stats *stats, uint32_t pool, size_t back);
void stats_window_free(struct stats_window *window);

#endif
