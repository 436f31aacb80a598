/*
 * weir - one Binance rate-limit budget for every program of a desk
 *
 * The whole public interface of libweir, in sections:
 *
 *      1  basics       results, errors, versions
 *      2  policy       what a request costs
 *      3  limiter      reserve a place, send, settle
 *      4  classify     what an answer means
 *      5  call         a function of yours, wrapped: wait, call, judge, retry
 *      6  futures      an execution adapter for USD-M and COIN-M
 *      7  monitor      a position monitor
 *
 * All programs that open the same region share one budget per source address and per account;
 * `weir gateway` is one of them. No daemon is needed: the region is a mapped file.
 *
 * Conventions
 *   - A result of 0 is done. A negative one is an errno: nothing happened. A positive one is an
 *     answer of that function, listed with it.
 *   - Times ending in _ms are milliseconds since 1970 UTC by the exchange's clock, as far as it is
 *     known (weir_now_ms()); a deadline of WEIR_NO_DEADLINE is none.
 *   - Strings passed in are read during the call only. Strings inside results belong to the result.
 *   - What x_open() or x_new() gave is given back with x_close() or x_free(), which accept NULL and
 *     return NULL: `x = x_free(x);`.
 *   - Structures that the caller fills begin with a macro of defaults: `= WEIR_CALLER_DEFAULTS`.
 *     Their first member is their size, so that a newer library understands an older program.
 *   - Nothing is printed. No key, secret or signature is ever stored, logged or returned.
 *
 * Threads: all of sections 2 to 5 may be used by any thread at once; one ticket, one attempt, one
 * struct weir_futures and one struct weir_monitor by one thread at a time. After fork() a limiter
 * goes on in both processes: a shared region stays shared, a private one becomes two.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_CHECKED __attribute__((warn_unused_result))
#define WEIR_API     __attribute__((visibility("default")))
#else
#define WEIR_CHECKED
#define WEIR_API
#endif

/* ---- 1. basics -------------------------------------------------------------------------- */

#define WEIR_NO_DEADLINE UINT64_MAX

/* A sentence: what is wrong, where, and what to do. Always terminated. */
#define WEIR_ERROR_SIZE 512
struct weir_error {
        char text[WEIR_ERROR_SIZE];
};

/* "0.1.0": of the library that runs, which may be newer than this header. */
WEIR_API const char *weir_version(void);

/* Priority, highest first. A class may use a window up to its ceiling, by default 100, 95, 90, 90,
 * 80 and 60 percent; the ceilings open in the second half of a window. */
enum weir_request_class {
        WEIR_CANCEL,    /* cancels, countdowns, orders that only close a position */
        WEIR_ORDER,     /* new orders and amendments */
        WEIR_RECONCILE, /* one order looked up, open orders, the exchange's time */
        WEIR_ACCOUNT,   /* balances, positions, settings */
        WEIR_MARKET,    /* market data of now */
        WEIR_BACKFILL,  /* history */
        WEIR_CLASS_COUNT,
        WEIR_CLASS_BY_ENDPOINT = -1, /* as the tables say */
};

/* Product groups: each has its own host and is stopped and banned as a whole; USD-M and COIN-M
 * together. */
enum weir_group {
        WEIR_API_SPOT, /* /api */
        WEIR_SAPI,     /* /sapi */
        WEIR_FAPI,     /* /fapi, USD-M futures */
        WEIR_DAPI,     /* /dapi, COIN-M futures */
        WEIR_PAPI,     /* /papi, portfolio margin */
        WEIR_EAPI,     /* /eapi, options */
        WEIR_GROUP_COUNT,
};

/* "cancel", "order", ...; "api", "sapi", ... */
WEIR_API const char *weir_class_name(enum weir_request_class request_class);
WEIR_API const char *weir_group_name(enum weir_group group);

/* ---- 2. policy -------------------------------------------------------------------------- */

/*
 * A request, as far as its cost is concerned. Found once by weir_request_find(), it may be copied
 * and used for any number of reservations; it borrows nothing.
 */
#define WEIR_REQUEST_WORDS 64
struct weir_request {
        enum weir_group group;
        enum weir_request_class request_class; /* may be changed by the caller */
        bool is_known;                         /* false: no table knows it; a stated default */
        bool is_mutating;                      /* any method but GET, HEAD, OPTIONS */
        bool places_order;
        uint32_t weight;     /* request weight, the dearest outcome; 0 if it has none */
        uint32_t orders;     /* order count in the shortest window */
        uint64_t expires_ms; /* timestamp + recvWindow of a signed request; 0: it does not */
        uint64_t inside[WEIR_REQUEST_WORDS];
};

/**
 * weir_request_find() - what a request costs, and how urgent it is
 * @method:  "GET", "POST", ...
 * @path:    "/fapi/v1/order", without query
 * @query:   without '?'; or NULL
 * @body:    form-encoded; or NULL
 * @api_key: whose order count it moves; NULL for public requests. Only a hash of it is kept.
 *
 * Return: 0, or -ENOENT when the path belongs to no product; @ret_request is then untouched.
 */
WEIR_API WEIR_CHECKED int weir_request_find(const char *method, const char *path, const char *query,
                                            const char *body, const char *api_key,
                                            struct weir_request *ret_request);

/* ---- 3. limiter ------------------------------------------------------------------------- */

struct weir_limiter;

struct weir_limiter_options {
        size_t size;
        /*
         * Path of the region; "" for the place that `weir gateway` uses by default; NULL for a
         * region of this limiter alone, which knows no windows but those of requests found by
         * weir_request_find(), and dies with it.
         */
        const char *region;
        /* Pacing bucket, smoothing in front of the windows; 0: none. All who name the same two
         * numbers on one region share one bucket. */
        uint32_t max_requests_per_minute;
        uint32_t max_burst;
        /* Whose request weight weir_acquire() spends besides the bucket. On a private region it
         * spends the bucket only. Classes of cancels and orders pay into the bucket and do not wait
         * for it, all others do. */
        enum weir_group acquire_group;
        enum weir_request_class acquire_class;
};

#define WEIR_LIMITER_DEFAULTS                                                                      \
        {                                                                                          \
                sizeof(struct weir_limiter_options), NULL, 0, 0, WEIR_FAPI, WEIR_ACCOUNT           \
        }

/**
 * weir_limiter_open() - open a region, making it if there is none
 * @options:   NULL for a private limiter without pacing
 * @ret_error: may be NULL
 *
 * Return: 0; -ESTALE: the region was made by another version or for other tables; -EUCLEAN:
 *         damaged; -EPERM: not ours, or others may write it; -EINVAL: a burst without a rate or
 *         the reverse, or a name that is none; or another errno. @ret_error says what to do.
 */
WEIR_API WEIR_CHECKED int weir_limiter_open(const struct weir_limiter_options *options,
                                            struct weir_limiter **ret_limiter,
                                            struct weir_error *ret_error);
WEIR_API struct weir_limiter *weir_limiter_close(struct weir_limiter *limiter);

/**
 * weir_limiter_default() - the limiter of this process, opened when first asked for
 *
 * Settings from the environment: BINANCE_RATE_LIMIT_RPM (1200), BINANCE_RATE_LIMIT_BURST (50), and
 * WEIR_REGION (the place that `weir gateway` uses). Never closed.
 *
 * Return: 0, or a negative errno with @ret_error written; it is tried anew at the next call.
 */
WEIR_API WEIR_CHECKED int weir_limiter_default(struct weir_limiter **ret_limiter,
                                               struct weir_error *ret_error);

/* The exchange's time for @group: this machine's clock, corrected by what the gateway, the futures
 * adapter or weir_clock_sample() has measured. */
WEIR_API uint64_t weir_now_ms(const struct weir_limiter *limiter, enum weir_group group);

/* The exchange of @group said @server_ms to a request that left @sent_us and was answered
 * @received_us, both of CLOCK_MONOTONIC. Shared with all who use the region. */
WEIR_API void weir_clock_sample(struct weir_limiter *limiter, enum weir_group group,
                                uint64_t server_ms, uint64_t sent_us, uint64_t received_us);

enum weir_answer {
        WEIR_GO = 0,  /* send now, then settle */
        WEIR_WAIT,    /* a place is held: confirm at weir_ticket_at_ms() */
        WEIR_NEVER,   /* costs more than a whole window */
        WEIR_LATE,    /* not before the deadline; room at weir_ticket_at_ms() */
        WEIR_SHUT,    /* stopped or banned by the exchange until weir_ticket_at_ms() */
        WEIR_CROWDED, /* all windows ahead are full for this class; again at weir_ticket_at_ms() */
        WEIR_LOST,    /* weir_confirm() only: the place is gone; reserve again */
};

/* "go", "wait", "never", ... */
WEIR_API const char *weir_answer_name(int answer);

/*
 * What one request holds, from reserve to settle. On the caller's stack or in its objects; need
 * not be initialised. Everything that holds something (GO, WAIT) ends in exactly one of settle,
 * refund and abandon; a process that dies leaves its places charged, never free.
 *
 *      reserve -> GO -------------------------> send -> settle    (answered)
 *         |                                      |      abandon   (sent, no answer)
 *         +----> WAIT -> at_ms -> confirm -> GO -+      refund    (certainly not sent)
 *         +----> NEVER, LATE, SHUT, CROWDED: nothing is held
 */
#define WEIR_TICKET_WORDS 160
struct weir_ticket {
        uint64_t inside[WEIR_TICKET_WORDS];
};

/**
 * weir_reserve() - take a place for @request in all its budgets, or in none
 * @deadline_ms: must be sent before; the request's own expiry counts as well
 *
 * Does not block. After a ban the first request to come is answered GO alone: it is the probe, and
 * settling it opens the way for the others.
 *
 * Return: an enum weir_answer but WEIR_LOST; -ENOSPC: no room for another budget in the region;
 *         -ESTALE: this machine's clock is a window or more behind that of another process.
 */
WEIR_API WEIR_CHECKED int weir_reserve(struct weir_limiter *limiter,
                                       const struct weir_request *request, uint64_t deadline_ms,
                                       struct weir_ticket *ret_ticket);

/* The time of a held place has come. Return: WEIR_GO, WEIR_WAIT (held still, later), WEIR_SHUT or
 * WEIR_LOST (given back). */
WEIR_API WEIR_CHECKED int weir_confirm(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* When to confirm or to come back, as the answers above say. */
WEIR_API uint64_t weir_ticket_at_ms(const struct weir_ticket *ticket);
/* For WAIT, LATE, CROWDED, NEVER: the budget that was in the way: "futures-weight", ... */
WEIR_API const char *weir_ticket_blocked_by(const struct weir_ticket *ticket);

/* Right before sending, if anything took time since GO: does it still hold? False: refund, reserve
 * again. */
WEIR_API WEIR_CHECKED bool weir_may_leave(const struct weir_limiter *limiter,
                                          const struct weir_ticket *ticket);

/**
 * weir_reserve_wait() - reserve, and sleep until it may be sent
 *
 * Return: WEIR_GO; WEIR_NEVER, WEIR_LATE, WEIR_SHUT, WEIR_CROWDED when it cannot be before the
 *         deadline; nothing is held then; or a negative errno as above.
 */
WEIR_API WEIR_CHECKED int weir_reserve_wait(struct weir_limiter *limiter,
                                            const struct weir_request *request,
                                            uint64_t deadline_ms, struct weir_ticket *ret_ticket);

struct weir_header {
        const char *name, *value;
};

/* An answer of the exchange. Body and headers may be missing: then less is known. */
struct weir_reply {
        int status; /* HTTP */
        const char *body;
        size_t body_bytes;
        const struct weir_header *headers;
        size_t n_headers;
};

struct weir_verdict;

/**
 * weir_settle() - the answer came: its books, what it says of others' use, stops and bans
 * @request:     that of the reservation
 * @ret_verdict: what it means (section 4); may be NULL
 *
 * Empties the ticket.
 */
WEIR_API void weir_settle(struct weir_limiter *limiter, const struct weir_request *request,
                          struct weir_ticket *ticket, const struct weir_reply *reply,
                          struct weir_verdict *ret_verdict);

/* It certainly never reached the exchange: gives the place back. Empties the ticket. */
WEIR_API void weir_refund(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* It was sent and no answer will come: stays charged. Empties the ticket. */
WEIR_API void weir_abandon(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* An answer to a request that was not reserved here (another program's, a stream's): its usage
 * headers, stops and bans are taken note of. After a ban the first answer to what was acquired
 * opens the way for the others. @sent_ms: when it left. */
WEIR_API void weir_observe(struct weir_limiter *limiter, const struct weir_request *request,
                           uint64_t sent_ms, const struct weir_reply *reply);

/*
 * The simple form, for programs that count in one number: the pacing bucket, and on a shared
 * region the request weight of the acquire group and its stops and bans. What is acquired is to be
 * sent within two seconds; nothing needs to be settled.
 */

/* Blocks until @weight may be spent. Return: 0; -ETIMEDOUT: not before the deadline, nothing
 * spent; -EINVAL: @weight is 0 or costs more than a whole window; -ENOSPC, -ESTALE: as
 * weir_reserve() says. */
WEIR_API WEIR_CHECKED int weir_acquire(struct weir_limiter *limiter, uint32_t weight,
                                       uint64_t deadline_ms);

/**
 * weir_acquire_begin() - the same for an event loop: does not block
 * @ret_ticket: may be NULL: then nothing is held when it is not free at once
 *
 * Return: 0: spent, go on (the ticket is empty); a positive number: microseconds until
 *         weir_acquire_poll() is to be asked (@ret_ticket holds the place, or nothing if it was
 *         NULL or the exchange has stopped us); a negative errno as above.
 */
WEIR_API WEIR_CHECKED int64_t weir_acquire_begin(struct weir_limiter *limiter, uint32_t weight,
                                                 uint64_t deadline_ms,
                                                 struct weir_ticket *ret_ticket);
/* Return: as above. */
WEIR_API WEIR_CHECKED int64_t weir_acquire_poll(struct weir_limiter *limiter,
                                                struct weir_ticket *ticket);
/* Whoever waited has left: the place is given back. */
WEIR_API void weir_acquire_cancel(struct weir_limiter *limiter, struct weir_ticket *ticket);

struct weir_limiter_stats {
        size_t size;
        double tokens; /* in the bucket; below 0 while places in the future are taken */
        double max_tokens;
        double refill_rate_per_sec;
        uint32_t max_requests_per_minute;
        double utilization_pct; /* of the bucket: 0 when it is full */
};

/* Of the pacing bucket; all 0 without one. @ret_stats->size is set by the caller. */
WEIR_API void weir_limiter_stats(const struct weir_limiter *limiter,
                                 struct weir_limiter_stats *ret_stats);

/* One window of one budget, now. */
struct weir_budget {
        const char *name; /* "futures-weight"; static */
        uint64_t owner;   /* hash of account or endpoint; 0: the address */
        uint64_t span_ms, turns_ms;
        uint32_t limit, used, held, foreign;
        uint64_t shut_until_ms; /* 0: open */
};

typedef void (*weir_budget_fn)(void *ctx, const struct weir_budget *budget);
WEIR_API void weir_limiter_budgets(const struct weir_limiter *limiter, weir_budget_fn fn,
                                   void *ctx);

/* ---- 4. classify ------------------------------------------------------------------------ */

enum weir_executed {
        WEIR_EXECUTED_NA, /* a read: nothing could take effect */
        WEIR_EXECUTED_NO,
        WEIR_EXECUTED_YES,
        WEIR_EXECUTED_PARTLY,  /* look into the reply */
        WEIR_EXECUTED_UNKNOWN, /* look the order up; never send it again */
};

#define WEIR_MSG_SIZE 256
struct weir_verdict {
        const char *kind; /* "ok", "rejected", "over_weight", "banned", "unknown_fate", ...; static */
        enum weir_executed executed;
        bool is_ok;
        bool may_retry; /* certainly not executed because of a limit: -1003, -1015 at 429 */
        bool reconcile; /* look the order up before acting on the same intent again */
        int status;     /* HTTP; 0: no reply */
        int32_t code;   /* the exchange's own, -1003, ...; 0: none */
        uint64_t retry_at_ms;  /* 0: not stated */
        uint64_t ban_until_ms; /* 0: not banned, or not stated */
        char msg[WEIR_MSG_SIZE];
};

/* What @reply to @request means; changes nothing. @now_ms: when it came. */
WEIR_API void weir_classify(const struct weir_request *request, const struct weir_reply *reply,
                            uint64_t now_ms, struct weir_verdict *ret_verdict);

/* How a request can end without an answer. */
enum weir_failure {
        WEIR_NOT_SENT,   /* no byte left: no connection, refused here */
        WEIR_NO_ANSWER,  /* sent, then closed, reset or timed out */
};
WEIR_API void weir_classify_failure(const struct weir_request *request, enum weir_failure failure,
                                    struct weir_verdict *ret_verdict);

/* What an error text of a client library means; @status: HTTP, or 0 if it does not say. */
WEIR_API void weir_classify_text(const struct weir_request *request, int status, const char *text,
                                 uint64_t now_ms, struct weir_verdict *ret_verdict);

/* ---- 5. call ---------------------------------------------------------------------------- */

struct weir_caller;

enum weir_log_level {
        WEIR_LOG_ERROR,
        WEIR_LOG_WARNING,
};
typedef void (*weir_log_fn)(void *ctx, enum weir_log_level level, const char *text);

struct weir_caller_options {
        size_t size;
        struct weir_limiter *limiter; /* NULL: weir_limiter_default(). Outlives the caller */
        int max_retries;              /* -1: WEIR_MAX_RETRIES of the environment, else 5 */
        int base_backoff_ms;          /* -1: WEIR_BASE_BACKOFF_MS of the environment, else 1000 */
        int jitter_pct;               /* -1: 25; a delay d becomes one of [d, d + d * jitter) */
        weir_log_fn log;              /* a warning per retry, an error when given up; may be NULL */
        void *log_ctx;
};

#define WEIR_CALLER_DEFAULTS                                                                       \
        {                                                                                          \
                sizeof(struct weir_caller_options), NULL, -1, -1, -1, NULL, NULL                   \
        }

WEIR_API WEIR_CHECKED int weir_caller_new(const struct weir_caller_options *options,
                                          struct weir_caller **ret_caller,
                                          struct weir_error *ret_error);
WEIR_API struct weir_caller *weir_caller_free(struct weir_caller *caller);

/**
 * weir_call_fn - one attempt: send the request, take the answer
 * @ret_reply: what came; body and headers must stay until the next attempt or the end
 *
 * Sign in here: it is called after the wait, so the timestamp is fresh.
 *
 * Return: 0 with @ret_reply; -ENOTCONN: certainly not sent; any other negative errno: it may have
 *         been sent and no answer came.
 */
typedef int (*weir_call_fn)(void *ctx, struct weir_reply *ret_reply);

/**
 * weir_call() - wait for room, call @fn, judge, and repeat what a limit refused
 *
 * Only -1003 and -1015 (429) are repeated: at the moment that the exchange stated, else after 1,
 * 2, 4, 8, 16 s with jitter, at most max_retries times, never past the deadline, each time through
 * the limiter. Everything else comes back at once. Blocks the thread while it waits. As @fn signs
 * anew each time, @request's own expiry does not count.
 *
 * Return: 0: the exchange answered, whatever it said: look at @ret_verdict; WEIR_NEVER, WEIR_LATE,
 *         WEIR_SHUT, WEIR_CROWDED: not sent, nor anything before it that succeeded; or the
 *         negative errno that @fn returned, then @ret_verdict tells whether it may have been
 *         executed.
 */
WEIR_API WEIR_CHECKED int weir_call(struct weir_caller *caller, const struct weir_request *request,
                                    uint64_t deadline_ms, weir_call_fn fn, void *ctx,
                                    struct weir_verdict *ret_verdict);

/*
 * The same as a machine for event loops:
 *
 *      weir_attempt_begin() -> SEND -> (send) -> weir_attempt_told() -> DONE
 *             |                 ^                       |
 *             +-----> WAIT -----+<------ WAIT ----------+
 *                     (at *ret_at_ms: weir_attempt_next())
 */
enum weir_step {
        WEIR_STEP_SEND = 0,
        WEIR_STEP_WAIT, /* until *ret_at_ms, then weir_attempt_next() */
        WEIR_STEP_DONE, /* weir_attempt_result() */
};

#define WEIR_ATTEMPT_WORDS 320
struct weir_attempt {
        uint64_t inside[WEIR_ATTEMPT_WORDS];
};

WEIR_API WEIR_CHECKED int weir_attempt_begin(struct weir_caller *caller,
                                             const struct weir_request *request,
                                             uint64_t deadline_ms, struct weir_attempt *ret_attempt,
                                             uint64_t *ret_at_ms);
WEIR_API WEIR_CHECKED int weir_attempt_next(struct weir_attempt *attempt, uint64_t *ret_at_ms);
/* @result, @reply: as weir_call_fn gives them. */
WEIR_API WEIR_CHECKED int weir_attempt_told(struct weir_attempt *attempt, int result,
                                            const struct weir_reply *reply, uint64_t *ret_at_ms);
/* After WEIR_STEP_DONE. Return: as weir_call(). */
WEIR_API WEIR_CHECKED int weir_attempt_result(const struct weir_attempt *attempt,
                                              struct weir_verdict *ret_verdict);
/* Whoever waited has left; before WEIR_STEP_SEND is carried out or after it was told. */
WEIR_API void weir_attempt_cancel(struct weir_attempt *attempt);

struct weir_call_stats {
        size_t size;
        uint64_t total_calls;     /* attempts */
        uint64_t rate_limit_hits; /* attempts that a limit refused */
        uint64_t retries;
        uint64_t failures;   /* attempts that ended in any other error, or without an answer */
        double success_rate; /* 1 - (hits + failures) / total_calls; 1 before the first call */
};

/* @ret_stats->size is set by the caller. */
WEIR_API void weir_caller_stats(const struct weir_caller *caller,
                                struct weir_call_stats *ret_stats);

/* Per endpoint: "POST /fapi/v1/order". The first 512 endpoints are told apart; all others are one
 * row, "other". */
typedef void (*weir_endpoint_fn)(void *ctx, const char *endpoint,
                                 const struct weir_call_stats *stats);
WEIR_API void weir_caller_endpoints(const struct weir_caller *caller, weir_endpoint_fn fn,
                                    void *ctx);

/* @@FUTURES@@ sections 6 and 7 */

#ifdef __cplusplus
}
#endif

#endif
