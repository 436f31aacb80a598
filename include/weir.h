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
 *     Their first member is their size, so that a newer library understands an older program; an
 *     older library refuses what it does not know only where a newer program asks for it. A size
 *     that was forgotten is -EINVAL. Members named spare are 0.
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
#define WEIR_PUBLIC  __attribute__((visibility("default")))
#else
#define WEIR_CHECKED
#define WEIR_PUBLIC
#endif

/* ---- 1. basics -------------------------------------------------------------------------- */

#define WEIR_NO_DEADLINE UINT64_MAX

/* A sentence: what is wrong, where, and what to do. Always terminated. */
#define WEIR_ERROR_SIZE 512
struct weir_error {
        char text[WEIR_ERROR_SIZE];
};

/* Of this header. Below 1.0 another middle number is another interface: a program is compiled anew,
 * and the shared library has another name, libweir.so.0.1. */
#define WEIR_VERSION "0.1.0"

/* "0.1.0": of the library that runs, whose last number may be higher than that of this header. */
WEIR_PUBLIC const char *weir_version(void);

/* Priority, highest first. A class may use a window up to its ceiling, by default 100, 95, 90, 90,
 * 80 and 60 percent; the ceilings open in the second half of a window. */
enum weir_request_class {
        WEIR_CLASS_CANCEL,    /* cancels, countdowns, orders that only close a position */
        WEIR_CLASS_ORDER,     /* new orders and amendments */
        WEIR_CLASS_RECONCILE, /* one order looked up, open orders, the exchange's time */
        WEIR_CLASS_ACCOUNT,   /* balances, positions, settings */
        WEIR_CLASS_MARKET,    /* market data of now */
        WEIR_CLASS_BACKFILL,  /* history */
        WEIR_CLASS_COUNT,
        WEIR_CLASS_BY_ENDPOINT = -1, /* as the tables say */
};

/* Product groups: each has its own host and is stopped and banned as a whole; USD-M and COIN-M
 * together. */
enum weir_group {
        WEIR_GROUP_API,  /* /api */
        WEIR_GROUP_SAPI, /* /sapi */
        WEIR_GROUP_FAPI, /* /fapi, USD-M futures */
        WEIR_GROUP_DAPI, /* /dapi, COIN-M futures */
        WEIR_GROUP_PAPI, /* /papi, portfolio margin */
        WEIR_GROUP_EAPI, /* /eapi, options */
        WEIR_GROUP_COUNT,
};

/* "cancel", "order", ...; "api", "sapi", ... */
WEIR_PUBLIC const char *weir_class_name(enum weir_request_class request_class);
WEIR_PUBLIC const char *weir_group_name(enum weir_group group);

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
        uint64_t spare[4];
        uint64_t inside[WEIR_REQUEST_WORDS];
};

/**
 * weir_request_find() - what a request costs, and how urgent it is
 * @method:  "GET", "POST", ...
 * @path:    "/fapi/v1/order", without query
 * @query:   what is behind the '?', without it; or NULL
 * @body:    form-encoded; or NULL
 * @api_key: whose order count it moves; NULL for public requests. Only a hash of it is kept.
 *
 * Return: 0; -ENOENT: the path belongs to no product; -EINVAL: the method is not of upper-case
 *         letters, the path does not begin with '/' or has a '?' in it, or the query begins with
 *         one. @ret_request is then untouched.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_request_find(const char *method, const char *path,
                                               const char *query, const char *body,
                                               const char *api_key,
                                               struct weir_request *ret_request);

/* ---- 3. limiter ------------------------------------------------------------------------- */

struct weir_limiter;

struct weir_limiter_options {
        size_t size;
        /*
         * Path of the region; "" for the place that `weir gateway` uses by default, unless a
         * service manager gave it a state folder: name that region, /var/lib/weir/region mostly.
         *
         * NULL, the default: PRIVATE. Nothing is shared: no other program, not even another
         * limiter of this one, knows what is spent here, nor is it told of a ban. Right for tests
         * and for a machine's only program. A private region knows no windows but those of
         * requests found by weir_request_find(), and dies with its limiter.
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
                sizeof(struct weir_limiter_options), NULL, 0, 0, WEIR_GROUP_FAPI,                  \
                        WEIR_CLASS_ACCOUNT                                                         \
        }

/**
 * weir_limiter_open() - open a region, making it if there is none
 * @options:   NULL for a private limiter without pacing, which shares nothing with anybody
 * @ret_error: may be NULL
 *
 * Return: 0; -ESTALE: the region was made by another version or for other tables; -EUCLEAN:
 *         damaged; -EPERM: not ours, or others may write it; -EINVAL: a burst without a rate or
 *         the reverse, or a name that is none; or another errno. @ret_error says what to do.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_limiter_open(const struct weir_limiter_options *options,
                                               struct weir_limiter **ret_limiter,
                                               struct weir_error *ret_error);
/* Whatever uses it ends first: callers, adapters, sleeping threads. Tickets may be out: they stay
 * charged as if abandoned, and must not be used any more. */
WEIR_PUBLIC struct weir_limiter *weir_limiter_close(struct weir_limiter *limiter);

/**
 * weir_limiter_default() - the limiter of this process, opened when first asked for
 *
 * Settings from the environment: BINANCE_RATE_LIMIT_RPM (1200), BINANCE_RATE_LIMIT_BURST (50), and
 * WEIR_REGION (the place that "" means for weir_limiter_open()). Never closed.
 *
 * Return: 0, or a negative errno with @ret_error written; it is tried anew at the next call.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_limiter_default(struct weir_limiter **ret_limiter,
                                                  struct weir_error *ret_error);

/* The exchange's time for @group: this machine's clock, corrected by what the gateway, the futures
 * adapter or weir_clock_sample() has measured; not corrected for a group that is none. */
WEIR_PUBLIC uint64_t weir_now_ms(const struct weir_limiter *limiter, enum weir_group group);

/* The exchange of @group said @server_ms to a request that left @sent_us and was answered
 * @received_us, both of CLOCK_MONOTONIC. Shared with all who use the region. */
WEIR_PUBLIC void weir_clock_sample(struct weir_limiter *limiter, enum weir_group group,
                                   uint64_t server_ms, uint64_t sent_us, uint64_t received_us);

enum weir_answer {
        WEIR_GO = 0,  /* send now, then settle */
        WEIR_WAIT,    /* a place is held: confirm at weir_ticket_at_ms() */
        WEIR_NEVER,   /* costs more than a whole window */
        WEIR_LATE,    /* not before the deadline; room at weir_ticket_at_ms() */
        WEIR_SHUT,    /* stopped, banned or not answered until weir_ticket_at_ms() */
        WEIR_CROWDED, /* all windows ahead are full for this class; again at weir_ticket_at_ms() */
        WEIR_LOST,    /* weir_confirm() only: the place is gone; reserve again */
};

/* "go", "wait", "never", ... */
WEIR_PUBLIC const char *weir_answer_name(int answer);

/*
 * What one request holds, from reserve to settle. On the caller's stack or in its objects; need
 * not be initialised. Everything that holds something (GO, WAIT) ends in exactly one of settle,
 * refund and abandon; a process that dies leaves its places charged, never free. Ending one that
 * holds nothing, because it was refused or has ended already, is harmless.
 *
 *      reserve -> GO -------------------------> send -> settle    (answered)
 *         |                                      |      abandon   (sent, no answer)
 *         +----> WAIT -> at_ms -> confirm -> GO -+      refund    (certainly not sent)
 *         +----> NEVER, LATE, SHUT, CROWDED: nothing is held
 */
#define WEIR_TICKET_WORDS 192
struct weir_ticket {
        uint64_t inside[WEIR_TICKET_WORDS];
};

/**
 * weir_reserve() - take a place for @request in all its budgets, or in none
 * @deadline_ms: must be sent before; the request's own expiry counts as well
 *
 * Does not block. After a ban the first request to come is answered GO alone: it is the probe, and
 * settling it opens the way for the others.
 * Where the exchange did not answer ten requests in a row (the gateway's breaker.threshold), of
 * whichever program of the region, all are answered SHUT for two seconds (breaker.pause), and then
 * the first read is such a probe; an order never is.
 *
 * Return: an enum weir_answer but WEIR_LOST; -ENOSPC: no room for another budget in the region;
 *         -ESTALE: this machine's clock is a window or more behind that of another process;
 *         -EINVAL: @request is not of weir_request_find(), or its class is none.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_reserve(struct weir_limiter *limiter,
                                          const struct weir_request *request, uint64_t deadline_ms,
                                          struct weir_ticket *ret_ticket);

/*
 * The time of a held place has come: as soon as weir_ticket_at_ms() - weir_now_ms() milliseconds
 * have passed, best by a timer. That may be before the place's own time: when the ceilings have
 * opened so far that there may be room at once; if others were quicker, the place stays and the
 * answer is WEIR_WAIT, with another time. Who comes later still finds it while its window lasts, 10
 * seconds or a minute; after that it is WEIR_LOST.
 *
 * Return: WEIR_GO; WEIR_WAIT: held still, until a new time; WEIR_SHUT: stopped, and WEIR_LOST:
 *         both have given the place back, nothing is held. A ticket that may go already is
 *         WEIR_GO again, one that holds nothing is WEIR_LOST.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_confirm(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* When to confirm or to come back, as the answers above say, by weir_now_ms(). */
WEIR_PUBLIC uint64_t weir_ticket_at_ms(const struct weir_ticket *ticket);
/* For WAIT, LATE, CROWDED, NEVER: what was in the way: a budget, "futures-weight", ...; "pacing";
 * "rate_ceiling", of requests per second, or the ramp behind a ban; "" when nothing was but the
 * request's own deadline. "" after SHUT that concerns a whole group, but "breaker" when the
 * exchange does not answer. */
WEIR_PUBLIC const char *weir_ticket_blocked_by(const struct weir_ticket *ticket);

/* Right before sending, if anything took time since GO: does it still hold? False: refund, reserve
 * again. */
WEIR_PUBLIC WEIR_CHECKED bool weir_may_leave(const struct weir_limiter *limiter,
                                             const struct weir_ticket *ticket);

/**
 * weir_reserve_wait() - reserve, and sleep until it may be sent
 *
 * Return: WEIR_GO; WEIR_NEVER, WEIR_LATE, WEIR_SHUT, WEIR_CROWDED when it cannot be before the
 *         deadline; nothing is held then; or a negative errno as above.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_reserve_wait(struct weir_limiter *limiter,
                                               const struct weir_request *request,
                                               uint64_t deadline_ms,
                                               struct weir_ticket *ret_ticket);

struct weir_header {
        const char *name, *value;
};

/* An answer of the exchange. Body and headers may be missing: then less is known. NULL, or a status
 * of 0, is no answer. */
struct weir_reply {
        int status; /* HTTP */
        const char *body;
        size_t body_bytes;
        const struct weir_header *headers;
        size_t n_headers;
        uint64_t spare[2];
};

#define WEIR_REPLY_DEFAULTS                                                                        \
        {                                                                                          \
                0, NULL, 0, NULL, 0,                                                               \
                {                                                                                  \
                        0, 0                                                                       \
                }                                                                                  \
        }

struct weir_verdict;

/**
 * weir_settle() - the answer came: its books, what it says of others' use, stops and bans
 * @request:     that of the reservation
 * @ret_verdict: what it means (section 4); may be NULL
 *
 * Empties the ticket. No answer: as weir_abandon().
 */
WEIR_PUBLIC void weir_settle(struct weir_limiter *limiter, const struct weir_request *request,
                             struct weir_ticket *ticket, const struct weir_reply *reply,
                             struct weir_verdict *ret_verdict);

/* It certainly never reached the exchange: gives the place back. Empties the ticket. */
WEIR_PUBLIC void weir_refund(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* It was sent and no answer will come: stays charged. Empties the ticket. */
WEIR_PUBLIC void weir_abandon(struct weir_limiter *limiter, struct weir_ticket *ticket);

/* An answer to a request that was not reserved here (another program's, a stream's): its usage
 * headers, stops and bans are taken note of. After a ban the first answer to what was acquired
 * opens the way for the others. @sent_ms: when it left. */
WEIR_PUBLIC void weir_observe(struct weir_limiter *limiter, const struct weir_request *request,
                              uint64_t sent_ms, const struct weir_reply *reply);

/*
 * The simple form, for programs that count in one number: the pacing bucket, and on a shared
 * region the request weight of the acquire group and its stops and bans. What is acquired is to be
 * sent within two seconds; nothing needs to be settled.
 */

/*
 * Blocks until @weight may be spent. More than max_burst is let through when the bucket is full,
 * and leaves it in debt, which those behind wait for.
 *
 * Return: 0; -ETIMEDOUT: not before the deadline, nothing spent; -EINVAL: @weight is 0, or more
 *         than max_requests_per_minute (and max_burst), or than a whole window of the acquire group
 *         holds; -ENOSPC, -ESTALE: as weir_reserve() says.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_acquire(struct weir_limiter *limiter, uint32_t weight,
                                          uint64_t deadline_ms);

/**
 * weir_acquire_begin() - the same for an event loop: does not block
 * @ret_ticket: may be NULL: then nothing is held when it is not free at once
 *
 * Return: 0: spent, go on (the ticket is empty); a positive number: microseconds until
 *         weir_acquire_poll() is to be asked (@ret_ticket holds the place, or nothing if it was
 *         NULL or the exchange has stopped us); a negative errno as above.
 */
WEIR_PUBLIC WEIR_CHECKED int64_t weir_acquire_begin(struct weir_limiter *limiter, uint32_t weight,
                                                    uint64_t deadline_ms,
                                                    struct weir_ticket *ret_ticket);
/* Return: as above. */
WEIR_PUBLIC WEIR_CHECKED int64_t weir_acquire_poll(struct weir_limiter *limiter,
                                                   struct weir_ticket *ticket);
/* Whoever waited has left: the place is given back. */
WEIR_PUBLIC void weir_acquire_cancel(struct weir_limiter *limiter, struct weir_ticket *ticket);

struct weir_limiter_stats {
        size_t size;
        double tokens; /* in the bucket; below 0 while places in the future are taken */
        double max_tokens;
        double refill_rate_per_sec;
        uint32_t max_requests_per_minute;
        double utilization_pct; /* of the bucket: 0 when it is full */
};

#define WEIR_LIMITER_STATS_DEFAULTS                                                                \
        {                                                                                          \
                sizeof(struct weir_limiter_stats), 0, 0, 0, 0, 0                                   \
        }

/* Of the pacing bucket; all 0 without one. @ret_stats begins with WEIR_LIMITER_STATS_DEFAULTS. */
WEIR_PUBLIC void weir_limiter_stats(const struct weir_limiter *limiter,
                                    struct weir_limiter_stats *ret_stats);

/* One window of one budget, now. */
struct weir_budget {
        const char *name; /* "futures-weight"; static */
        uint64_t owner;   /* hash of account or endpoint; 0: the address */
        uint64_t span_ms, turns_ms;
        uint32_t limit, used, held, foreign;
        uint64_t shut_until_ms; /* 0: open */
};

/* What it is told lives during the call only. It may not call back into the limiter. */
typedef void (*weir_budget_fn)(void *ctx, const struct weir_budget *budget);
WEIR_PUBLIC void weir_limiter_budgets(const struct weir_limiter *limiter, weir_budget_fn fn,
                                      void *ctx);

/**
 * weir_limiter_name_key() - @api_key belongs to the account @account, for all who use the region
 * @account: a name of your own: up to 63 letters, digits, "-", "_" and "."; that of a gateway's
 *           settings, where one has the account under accounts:
 * @api_key: as requests have it; kept as a hash and its first characters only
 *
 * The exchange counts orders by account: keys of one account share its budgets from now on, and
 * what they used before counts there. A key that was never named is an account of its own. Naming
 * it again does nothing; another name moves it, with what it used.
 *
 * Return: 0; -EINVAL: a name or a key that is none; -ENOSPC: no room in the region.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_limiter_name_key(struct weir_limiter *limiter,
                                                   const char *account, const char *api_key);

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
        const char
                *kind; /* "ok", "rejected", "over_weight", "banned", "unknown_fate", ...; static */
        enum weir_executed executed;
        bool is_ok;
        bool may_retry;        /* certainly not executed because of a limit: -1003, -1015 at 429 */
        bool reconcile;        /* look the order up before acting on the same intent again */
        int status;            /* HTTP; 0: no reply */
        int32_t code;          /* the exchange's own, -1003, ...; 0: none */
        uint64_t retry_at_ms;  /* 0: not stated */
        uint64_t ban_until_ms; /* 0: not banned, or not stated */
        char msg[WEIR_MSG_SIZE];
        uint64_t spare[6];
};

/* What @reply to @request means; changes nothing. @now_ms: when it came. */
WEIR_PUBLIC void weir_classify(const struct weir_request *request, const struct weir_reply *reply,
                               uint64_t now_ms, struct weir_verdict *ret_verdict);

/* How a request can end without an answer. */
enum weir_failure {
        WEIR_NOT_SENT,  /* no byte left: no connection, refused here */
        WEIR_NO_ANSWER, /* sent, then closed, reset or timed out */
};
WEIR_PUBLIC void weir_classify_failure(const struct weir_request *request,
                                       enum weir_failure failure, struct weir_verdict *ret_verdict);

/* What an error text of a client library means; @status: HTTP, or 0 if it does not say. */
WEIR_PUBLIC void weir_classify_text(const struct weir_request *request, int status,
                                    const char *text, uint64_t now_ms,
                                    struct weir_verdict *ret_verdict);

/* ---- 5. call ---------------------------------------------------------------------------- */

struct weir_caller;

enum weir_log_level {
        WEIR_LOG_ERROR,
        WEIR_LOG_WARNING,
};
/* Runs on whichever thread calls, on several at once if several do; @text lives during the call. It
 * may not use the attempt or the adapter that it speaks of. */
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

WEIR_PUBLIC WEIR_CHECKED int weir_caller_new(const struct weir_caller_options *options,
                                             struct weir_caller **ret_caller,
                                             struct weir_error *ret_error);
WEIR_PUBLIC struct weir_caller *weir_caller_free(struct weir_caller *caller);

/**
 * weir_call_fn - one attempt: send the request, take the answer
 * @ret_reply: all 0 when it is called; what came. Body and headers must stay until the next
 *             attempt or the end
 *
 * Sign in here: it is called after the wait, so the timestamp is fresh.
 *
 * Return: 0 with @ret_reply; -ENOTCONN: certainly not sent; any other negative errno: it may have
 *         been sent and no answer came. So does a positive number, or 0 without a status: -EPROTO.
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
 *         WEIR_SHUT, WEIR_CROWDED: not sent, or after refusals not sent again: no attempt has
 *         succeeded; @ret_verdict then says when to come back (retry_at_ms) and why (msg), and
 *         otherwise what the last attempt was told, or that there was none (kind "unsent"). Or
 *         the negative errno that @fn returned; then @ret_verdict tells whether it may have been
 *         executed. Or one of weir_reserve(), nothing was sent.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_call(struct weir_caller *caller,
                                       const struct weir_request *request, uint64_t deadline_ms,
                                       weir_call_fn fn, void *ctx,
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

/* Return: an enum weir_step. A request that is none, and what the limiter refuses, is
 * WEIR_STEP_DONE with that result. @ret_at_ms is written for WEIR_STEP_WAIT: a timer of
 * *ret_at_ms - weir_now_ms() milliseconds. */
WEIR_PUBLIC WEIR_CHECKED int
weir_attempt_begin(struct weir_caller *caller, const struct weir_request *request,
                   uint64_t deadline_ms, struct weir_attempt *ret_attempt, uint64_t *ret_at_ms);
/* Return: an enum weir_step; too early, it is WEIR_STEP_WAIT again; while it is being sent,
 * WEIR_STEP_SEND, which does not mean another time. -EINVAL: not begun. */
WEIR_PUBLIC WEIR_CHECKED int weir_attempt_next(struct weir_attempt *attempt, uint64_t *ret_at_ms);
/* @result, @reply: as weir_call_fn gives them; @reply may be NULL. Return: WEIR_STEP_WAIT or
 * WEIR_STEP_DONE; -EINVAL: nothing was to be sent, or it was
 * cancelled; nothing has changed then. */
WEIR_PUBLIC WEIR_CHECKED int weir_attempt_told(struct weir_attempt *attempt, int result,
                                               const struct weir_reply *reply, uint64_t *ret_at_ms);
/* After WEIR_STEP_DONE. Return: as weir_call(); -ECANCELED after weir_attempt_cancel();
 * -EINPROGRESS before it is done, @ret_verdict is then that of the last attempt so far. */
WEIR_PUBLIC WEIR_CHECKED int weir_attempt_result(const struct weir_attempt *attempt,
                                                 struct weir_verdict *ret_verdict);
/* Whoever waited has left: a place that was waited for is given back. After WEIR_STEP_SEND it may
 * have been sent, so that it stays charged, and its fate is unknown; who knows that it was not says
 * weir_attempt_told() with -ENOTCONN instead. The result is -ECANCELED. */
WEIR_PUBLIC void weir_attempt_cancel(struct weir_attempt *attempt);

struct weir_call_stats {
        size_t size; /* for weir_caller_stats() of the caller's; in callbacks, the library's */
        uint64_t total_calls;     /* attempts */
        uint64_t rate_limit_hits; /* attempts that a limit refused */
        uint64_t retries;
        uint64_t failures;   /* attempts that ended in any other error, or without an answer */
        double success_rate; /* 1 - (hits + failures) / total_calls; 1 before the first call */
};

#define WEIR_CALL_STATS_DEFAULTS                                                                   \
        {                                                                                          \
                sizeof(struct weir_call_stats), 0, 0, 0, 0, 0                                      \
        }

/* @ret_stats begins with WEIR_CALL_STATS_DEFAULTS. */
WEIR_PUBLIC void weir_caller_stats(const struct weir_caller *caller,
                                   struct weir_call_stats *ret_stats);

/* Per endpoint: "POST /fapi/v1/order". The first 512 endpoints are told apart; all others are one
 * row, "other". */
typedef void (*weir_endpoint_fn)(void *ctx, const char *endpoint,
                                 const struct weir_call_stats *stats);
WEIR_PUBLIC void weir_caller_endpoints(const struct weir_caller *caller, weir_endpoint_fn fn,
                                       void *ctx);

/* ---- 6. futures ------------------------------------------------------------------------- */

/*
 * An execution adapter for USD-M and COIN-M futures: through a gateway, or straight to the exchange
 * with the limiter. It signs after the wait, so that a timestamp is fresh.
 *
 * An order is sent once. When no clear answer comes, it is looked up by its client id until its
 * fate is known; it is never sent again. What a limit refused (-1003, -1015), or a clock (-1021),
 * was certainly not executed and is repeated, within the deadline.
 *
 * Prices and quantities are decimal strings, "0.001", and are never turned into binary floating
 * point. Calls block until their answer is here. Deadlines: last moment at which anything is sent;
 * an answer is awaited for timeout_ms beyond it at most.
 *
 * All calls that send return
 *      0                a report or a list was written; for what changes something, look at
 *                       report->executed before anything else: it may be unknown
 *      WEIR_NEVER, WEIR_LATE, WEIR_SHUT, WEIR_CROWDED
 *                       not sent: no room, or stopped, until the deadline
 *      -EINVAL          not sent: what is asked makes no sense, or breaks the exchange's filters
 *      -EBADMSG         a read was answered by an error, or by what is not an answer
 *      -EHOSTUNREACH    not sent: no connection
 *      -EIO             a read got no answer
 *      another errno    not sent: our own trouble
 * and weir_futures_why() is a sentence on anything but 0.
 */
struct weir_futures;

enum weir_market {
        WEIR_USDM,
        WEIR_COINM,
};

struct weir_futures_options {
        size_t size;
        enum weir_market market;
        bool is_testnet;
        /* The exchange's base URL; NULL: the one of market and is_testnet. */
        const char *url;
        /* Base URL of a weir gateway, "http://127.0.0.1:8900" or "unix:PATH": all requests go to
         * it, and it keeps the limits. NULL: straight to the exchange, with the limiter. */
        const char *gateway;
        /* NULL: weir_limiter_default(); for a testnet, or a URL that is not Binance's, which count
         * for themselves, a private one. Outlives the adapter. */
        struct weir_limiter *limiter;
        const char *ca_file; /* certificates to trust instead of the system's; or NULL */
        /*
         * Keys. Each is taken from its member, else from the file, else from the environment:
         * BINANCE_API_KEY, BINANCE_API_SECRET, or these names with _FILE behind them, and
         * BINANCE_PRIVATE_KEY_FILE (PEM, RSA or Ed25519, used in place of a secret). Files that
         * others may read are refused. Copies are kept in locked memory and wiped.
         * Without any key only public calls work.
         */
        const char *api_key, *api_key_file;
        const char *api_secret, *api_secret_file;
        const char *private_key_file;
        const char *client_id_prefix; /* 1 to 12 of A-Z a-z 0-9 _ -; NULL: "weir" */
        uint32_t recv_window_ms;      /* 1 to 60000 */
        uint32_t timeout_ms;          /* for one answer */
        /*
         * How long an order that cannot be found may still turn up: only after so long, and after
         * the request itself has expired at the exchange, is "does not exist" believed. Below
         * 10000 only against a simulated exchange.
         */
        uint32_t lookup_ms;
        int max_retries;     /* of what a limit refused; -1: 5 */
        int base_backoff_ms; /* when the exchange does not say when; -1: 1000 */
        weir_log_fn log;     /* a warning per retry and look-up, an error when given up; or NULL */
        void *log_ctx;
};

#define WEIR_FUTURES_DEFAULTS                                                                      \
        {                                                                                          \
                sizeof(struct weir_futures_options), WEIR_USDM, false, NULL, NULL, NULL, NULL,     \
                        NULL, NULL, NULL, NULL, NULL, NULL, 5000, 10000, 10000, 5, 1000, NULL,     \
                        NULL                                                                       \
        }

/* Nothing is sent yet. Return: 0; -EINVAL, -EACCES (a key file that others may read), or another
 * errno, with @ret_error written. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_open(const struct weir_futures_options *options,
                                               struct weir_futures **ret_futures,
                                               struct weir_error *ret_error);
WEIR_PUBLIC struct weir_futures *weir_futures_close(struct weir_futures *futures);

/* Why the last call did not return 0; "" if it did. */
WEIR_PUBLIC const char *weir_futures_why(const struct weir_futures *futures);
/* The body of the last answer, as it came; "" if there was none. Lives until the next call. */
WEIR_PUBLIC const char *weir_futures_raw(const struct weir_futures *futures, size_t *ret_bytes);
/* The last request that was made, or would be by weir_futures_check(): method, path and
 * parameters, without timestamp and signature. Lives until the next call. */
WEIR_PUBLIC const char *weir_futures_request(const struct weir_futures *futures);

/* The exchange's time, for deadlines; asks for it if it is not known yet. */
WEIR_PUBLIC uint64_t weir_futures_now_ms(struct weir_futures *futures);

enum weir_side {
        WEIR_BUY,
        WEIR_SELL,
};

enum weir_position_side {
        WEIR_POSITION_BOTH, /* one-way mode */
        WEIR_POSITION_LONG, /* hedge mode */
        WEIR_POSITION_SHORT,
};

enum weir_order_type {
        WEIR_TYPE_LIMIT,
        WEIR_TYPE_MARKET,
        WEIR_TYPE_STOP,
        WEIR_TYPE_STOP_MARKET,
        WEIR_TYPE_TAKE_PROFIT,
        WEIR_TYPE_TAKE_PROFIT_MARKET,
        WEIR_TYPE_TRAILING_STOP_MARKET,
        WEIR_TYPE_OTHER, /* reported by the exchange; cannot be placed */
};

enum weir_time_in_force {
        WEIR_GTC,
        WEIR_IOC,
        WEIR_FOK,
        WEIR_GTX, /* post only */
        WEIR_GTD, /* until good_till_ms */
};

enum weir_trigger_price {
        WEIR_TRIGGER_LAST, /* CONTRACT_PRICE */
        WEIR_TRIGGER_MARK, /* MARK_PRICE */
};

enum weir_rounding {
        /*
         * Quantities down to the step; limit prices to the tick in the order's favour (a purchase
         * down, a sale up); trigger and activation prices to the nearest tick, halves up.
         */
        WEIR_ROUND,
        WEIR_ROUND_NEVER, /* what does not fit is refused, -EINVAL */
};

#define WEIR_CLIENT_ID_SIZE 37
#define WEIR_SYMBOL_SIZE    40
#define WEIR_DECIMAL_SIZE   48

struct weir_order {
        size_t size;
        const char *symbol;
        enum weir_side side;
        enum weir_order_type type;
        enum weir_time_in_force time_in_force; /* of limit orders; market orders have none */
        enum weir_position_side position_side;
        const char *quantity;         /* NULL with close_position */
        const char *price;            /* LIMIT, STOP, TAKE_PROFIT */
        const char *trigger_price;    /* STOP..TAKE_PROFIT_MARKET; TRAILING: activation, or NULL */
        const char *callback_percent; /* TRAILING */
        enum weir_trigger_price trigger_by;
        bool reduce_only;
        bool close_position; /* STOP_MARKET, TAKE_PROFIT_MARKET: all there is then */
        uint64_t good_till_ms;
        enum weir_rounding rounding;
        /*
         * 1 to 36 of A-Z a-z 0-9 . : / _ -, or NULL for a new one. The exchange refuses a second
         * order of this id while the first is open, and only then.
         */
        const char *client_id;
};

#define WEIR_ORDER_DEFAULTS                                                                        \
        {                                                                                          \
                sizeof(struct weir_order), NULL, WEIR_BUY, WEIR_TYPE_LIMIT, WEIR_GTC,              \
                        WEIR_POSITION_BOTH, NULL, NULL, NULL, NULL, WEIR_TRIGGER_LAST, false,      \
                        false, 0, WEIR_ROUND, NULL                                                 \
        }

enum weir_order_status {
        WEIR_STATUS_NONE, /* not known, or there is no such order */
        WEIR_STATUS_NEW,
        WEIR_STATUS_PARTIALLY_FILLED,
        WEIR_STATUS_FILLED,
        WEIR_STATUS_CANCELED,
        WEIR_STATUS_EXPIRED,
        WEIR_STATUS_REJECTED,
        WEIR_STATUS_TRIGGERED, /* conditional: its order is placed, see actual_order_id */
        WEIR_STATUS_FINISHED,  /* conditional: and that one is done with */
        WEIR_STATUS_OTHER,
};

/* "new", "partially_filled", ... */
WEIR_PUBLIC const char *weir_order_status_name(enum weir_order_status status);

/* An order as the exchange last told it. Decimals are as it writes them; "" where it says none. */
struct weir_order_state {
        enum weir_order_status status;
        enum weir_side side;
        enum weir_order_type type;
        enum weir_time_in_force time_in_force;
        enum weir_position_side position_side;
        bool is_conditional; /* lives at the algo endpoints, with ids of its own */
        bool reduce_only, close_position;
        uint64_t order_id; /* 0: not told */
        uint64_t actual_order_id;
        uint64_t created_ms, updated_ms;
        char symbol[WEIR_SYMBOL_SIZE];
        char client_id[WEIR_CLIENT_ID_SIZE];
        char quantity[WEIR_DECIMAL_SIZE], filled[WEIR_DECIMAL_SIZE];
        char price[WEIR_DECIMAL_SIZE], average_price[WEIR_DECIMAL_SIZE];
        char trigger_price[WEIR_DECIMAL_SIZE];
        char filled_value[WEIR_DECIMAL_SIZE]; /* quote asset (USD-M), base asset (COIN-M) */
        uint64_t spare[8];                    /* for what newer libraries tell */
};

/* What became of a request that changes something. @size is set by the caller. */
struct weir_order_report {
        size_t size;
        /*
         * Whether it took effect: the order was accepted, the cancel cancelled, the setting set.
         * It says nothing of fills, see order.status and order.filled. WEIR_EXECUTED_UNKNOWN: it
         * may be either; look before acting on the same intent again.
         */
        enum weir_executed executed;
        bool was_looked_up; /* the answer itself did not say */
        uint32_t attempts;  /* how often it was sent: more than 1 only after certain refusals */
        uint32_t lookups;
        uint64_t sent_ms;            /* first attempt; 0: not sent */
        struct weir_verdict verdict; /* of the last attempt's answer, before any look-up */
        struct weir_order_state order;
};

/**
 * weir_futures_place() - place an order and report what became of it
 *
 * Stop, take-profit and trailing orders go where the market wants them: to the algo endpoint of
 * USD-M, to that of orders on COIN-M unless it says -4120. An order whose client id exists already
 * (-4116) is not executed; the report has a verdict "duplicate" and the earlier order's state.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_place(struct weir_futures *futures,
                                                const struct weir_order *order,
                                                uint64_t deadline_ms,
                                                struct weir_order_report *ret_report);

/**
 * weir_futures_check() - all of weir_futures_place() but the sending
 * @at_exchange: also let the exchange look at it, by its test endpoint, which places nothing
 * @ret_state:   the order as it would be sent, rounded
 *
 * weir_futures_request() then shows the request.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_check(struct weir_futures *futures,
                                                const struct weir_order *order, bool at_exchange,
                                                uint64_t deadline_ms,
                                                struct weir_order_state *ret_state);

/* Names an order: by the exchange's id, or if that is 0 by its client id. */
struct weir_order_name {
        size_t size;
        const char *symbol;
        uint64_t order_id;
        const char *client_id;
        bool is_conditional;
};

#define WEIR_ORDER_NAME_DEFAULTS                                                                   \
        {                                                                                          \
                sizeof(struct weir_order_name), NULL, 0, NULL, false                               \
        }

/* What is gone already is reported as not executed, with the order's state. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_cancel(struct weir_futures *futures,
                                                 const struct weir_order_name *name,
                                                 uint64_t deadline_ms,
                                                 struct weir_order_report *ret_report);

/* All open orders of @symbol, conditional ones included. Executed: none is left. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_cancel_all(struct weir_futures *futures,
                                                     const char *symbol, uint64_t deadline_ms,
                                                     struct weir_order_report *ret_report);

/* Return: as above; -ENOENT: the exchange knows no such order (right after placing it, not yet). */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_query(struct weir_futures *futures,
                                                const struct weir_order_name *name,
                                                uint64_t deadline_ms,
                                                struct weir_order_state *ret_state);

/* Each element of a list; what it points to lives during the call only. */
typedef void (*weir_order_fn)(void *ctx, const struct weir_order_state *order);

/* @symbol: NULL for all, at 40 times the weight. Conditional orders included. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_open_orders(struct weir_futures *futures,
                                                      const char *symbol, uint64_t deadline_ms,
                                                      weir_order_fn fn, void *ctx);

/* Settings. What is so already counts as done. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_set_leverage(struct weir_futures *futures,
                                                       const char *symbol, uint32_t leverage,
                                                       uint64_t deadline_ms,
                                                       struct weir_order_report *ret_report);
WEIR_PUBLIC WEIR_CHECKED int weir_futures_set_isolated(struct weir_futures *futures,
                                                       const char *symbol, bool is_isolated,
                                                       uint64_t deadline_ms,
                                                       struct weir_order_report *ret_report);
WEIR_PUBLIC WEIR_CHECKED int weir_futures_set_hedge(struct weir_futures *futures, bool is_hedge,
                                                    uint64_t deadline_ms,
                                                    struct weir_order_report *ret_report);

struct weir_position {
        char symbol[WEIR_SYMBOL_SIZE];
        enum weir_position_side side;
        bool is_isolated;
        uint32_t leverage;                /* 0: not told */
        char quantity[WEIR_DECIMAL_SIZE]; /* below 0: short */
        char entry_price[WEIR_DECIMAL_SIZE], mark_price[WEIR_DECIMAL_SIZE];
        char liquidation_price[WEIR_DECIMAL_SIZE]; /* "0": none */
        char unrealized[WEIR_DECIMAL_SIZE];
        char notional[WEIR_DECIMAL_SIZE];
        char margin[WEIR_DECIMAL_SIZE];
        char margin_asset[WEIR_SYMBOL_SIZE];
        uint64_t updated_ms;
};
typedef void (*weir_position_fn)(void *ctx, const struct weir_position *position);

/* Those that are not empty. @symbol: NULL for all, at the same weight. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_positions(struct weir_futures *futures,
                                                    const char *symbol, uint64_t deadline_ms,
                                                    weir_position_fn fn, void *ctx);

/* One asset of the account; first, with an asset of "", the sums over all of them (USD-M). */
struct weir_balance {
        char asset[WEIR_SYMBOL_SIZE];
        char wallet[WEIR_DECIMAL_SIZE];
        char unrealized[WEIR_DECIMAL_SIZE];
        char equity[WEIR_DECIMAL_SIZE]; /* wallet + unrealized */
        char available[WEIR_DECIMAL_SIZE];
        char initial_margin[WEIR_DECIMAL_SIZE], maintenance_margin[WEIR_DECIMAL_SIZE];
};
typedef void (*weir_balance_fn)(void *ctx, const struct weir_balance *balance);

WEIR_PUBLIC WEIR_CHECKED int weir_futures_account(struct weir_futures *futures,
                                                  uint64_t deadline_ms, weir_balance_fn fn,
                                                  void *ctx);

struct weir_trade {
        char symbol[WEIR_SYMBOL_SIZE];
        uint64_t trade_id, order_id, time_ms;
        enum weir_side side;
        enum weir_position_side position_side;
        bool is_maker;
        char price[WEIR_DECIMAL_SIZE], quantity[WEIR_DECIMAL_SIZE], value[WEIR_DECIMAL_SIZE];
        char realized[WEIR_DECIMAL_SIZE];
        char commission[WEIR_DECIMAL_SIZE], commission_asset[WEIR_SYMBOL_SIZE];
};
typedef void (*weir_trade_fn)(void *ctx, const struct weir_trade *trade);

/* Which part of a list; 0 leaves a bound to the exchange: the newest. */
struct weir_range {
        size_t size;
        uint64_t from_id; /* trades */
        uint64_t start_ms, end_ms;
        uint32_t limit;
};

#define WEIR_RANGE_DEFAULTS                                                                        \
        {                                                                                          \
                sizeof(struct weir_range), 0, 0, 0, 0                                              \
        }

/* The account's own, oldest first. @order_id: 0 for all orders. @range: may be NULL. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_trades(struct weir_futures *futures, const char *symbol,
                                                 uint64_t order_id, const struct weir_range *range,
                                                 uint64_t deadline_ms, weir_trade_fn fn, void *ctx);

struct weir_kline {
        uint64_t open_ms, close_ms;
        char open[WEIR_DECIMAL_SIZE], high[WEIR_DECIMAL_SIZE], low[WEIR_DECIMAL_SIZE];
        char close[WEIR_DECIMAL_SIZE];
        char volume[WEIR_DECIMAL_SIZE], value[WEIR_DECIMAL_SIZE];
        uint64_t n_trades;
};
typedef void (*weir_kline_fn)(void *ctx, const struct weir_kline *kline);

/* @interval: "1m", "1h", "1d", ... @range: may be NULL; without a limit, 100. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_klines(struct weir_futures *futures, const char *symbol,
                                                 const char *interval,
                                                 const struct weir_range *range,
                                                 uint64_t deadline_ms, weir_kline_fn fn, void *ctx);

struct weir_ticker {
        size_t size; /* set by the caller */
        char symbol[WEIR_SYMBOL_SIZE];
        char last[WEIR_DECIMAL_SIZE], change_percent[WEIR_DECIMAL_SIZE];
        char high[WEIR_DECIMAL_SIZE], low[WEIR_DECIMAL_SIZE], volume[WEIR_DECIMAL_SIZE];
        char bid[WEIR_DECIMAL_SIZE], bid_quantity[WEIR_DECIMAL_SIZE];
        char ask[WEIR_DECIMAL_SIZE], ask_quantity[WEIR_DECIMAL_SIZE];
        uint64_t time_ms;
};

/* Of the last 24 hours, and the best prices now: two requests. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_ticker(struct weir_futures *futures, const char *symbol,
                                                 uint64_t deadline_ms,
                                                 struct weir_ticker *ret_ticker);

/* What the exchange lets an order of this symbol be; "" for a bound that there is not. */
struct weir_filters {
        size_t size; /* set by the caller */
        char symbol[WEIR_SYMBOL_SIZE];
        char tick[WEIR_DECIMAL_SIZE], min_price[WEIR_DECIMAL_SIZE], max_price[WEIR_DECIMAL_SIZE];
        char step[WEIR_DECIMAL_SIZE];
        char min_quantity[WEIR_DECIMAL_SIZE], max_quantity[WEIR_DECIMAL_SIZE];
        char market_step[WEIR_DECIMAL_SIZE]; /* of market orders */
        char market_min_quantity[WEIR_DECIMAL_SIZE], market_max_quantity[WEIR_DECIMAL_SIZE];
        char min_notional[WEIR_DECIMAL_SIZE];
        char contract_size[WEIR_DECIMAL_SIZE]; /* COIN-M */
        bool is_trading;
};

/* Kept for an hour. Return: as above; -ENOENT: no such symbol. */
WEIR_PUBLIC WEIR_CHECKED int weir_futures_filters(struct weir_futures *futures, const char *symbol,
                                                  uint64_t deadline_ms,
                                                  struct weir_filters *ret_filters);

enum weir_round_to {
        WEIR_DOWN,    /* towards minus infinity */
        WEIR_UP,      /* towards plus infinity */
        WEIR_NEAREST, /* halves up */
};

/**
 * weir_decimal_round() - @value to a multiple of @step, exactly
 * @to: written without an exponent and without zeros at its end
 *
 * Return: 0; -EINVAL: one of them is not a decimal, or @step is not above 0; -ERANGE: more than 18
 *         places, or too large.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_decimal_round(const char *value, const char *step,
                                                enum weir_round_to direction,
                                                char to[WEIR_DECIMAL_SIZE]);

/* Return: 0 with *ret_order below, equal to or above 0 as @a is to @b; or as above. */
WEIR_PUBLIC WEIR_CHECKED int weir_decimal_compare(const char *a, const char *b, int *ret_order);

/* ---- 7. monitor ------------------------------------------------------------------------- */

/*
 * A position monitor: what is open, what protects it, what has changed since the check before.
 *
 * One check is one call for all positions, one for the account, and the open orders of those
 * symbols that have a position: weight 10 on USD-M, 6 on COIN-M, and 2 for each such symbol. The
 * orders of all symbols cost 80, so they are looked at only every full_look_ms, or when that is no
 * dearer. An order without a position protects nothing and loses nothing; when it fills, its symbol
 * has a position and is looked at from the next check on. The trades of a position that closed cost
 * 5, once. All of it is in the account class.
 *
 * A check that fails leaves what was known and says since when that is old; the next one may
 * succeed. Nothing is compared with a check that failed.
 */
struct weir_monitor;

struct weir_monitor_options {
        size_t size;
        /* How far equity may fall from one check to the next before it is told, in percent: a
         * decimal of at most 8 places above 0, or "0" for never. */
        const char *fall_percent;
        uint32_t full_look_ms; /* 0: only when it is no dearer */
};

#define WEIR_MONITOR_DEFAULTS                                                                      \
        {                                                                                          \
                sizeof(struct weir_monitor_options), "3", 600000                                   \
        }

/* Sends nothing yet. @futures: outlives the monitor; its calls are not used during a check.
 * Return: 0; -EINVAL or another errno with @ret_error written. */
WEIR_PUBLIC WEIR_CHECKED int weir_monitor_new(const struct weir_monitor_options *options,
                                              struct weir_futures *futures,
                                              struct weir_monitor **ret_monitor,
                                              struct weir_error *ret_error);
WEIR_PUBLIC struct weir_monitor *weir_monitor_free(struct weir_monitor *monitor);

enum weir_coverage {
        WEIR_UNCOVERED,
        WEIR_PARTLY_COVERED,
        WEIR_COVERED,
};

/* "none", "partly", "whole" */
WEIR_PUBLIC const char *weir_coverage_name(enum weir_coverage coverage);

/*
 * A position, and what would close it. What counts is open, opposes the position, and can only make
 * it smaller (reduce-only, close-position; in hedge mode by its position side):
 *
 *      stop-loss       stop and trailing orders, conditional ones too; but none whose trigger lies
 *                      beyond the price of liquidation
 *      take-profit     take-profit orders, conditional ones too, and limit orders
 */
struct weir_watched {
        struct weir_position position;
        enum weir_coverage stop_loss, take_profit;
        char stop_quantity[WEIR_DECIMAL_SIZE]; /* how much of it is covered */
        char take_quantity[WEIR_DECIMAL_SIZE];
        /* From the mark price to that of liquidation, in percent of the mark price; "": none. */
        char liquidation_percent[WEIR_DECIMAL_SIZE];
        uint32_t n_orders; /* open orders of its symbol and side */
        uint64_t since_ms; /* the check that saw it first */
};
typedef void (*weir_watched_fn)(void *ctx, const struct weir_watched *watched);

enum weir_order_role {
        WEIR_ROLE_NONE, /* there is no position that it belongs to */
        WEIR_ROLE_ADDS,
        WEIR_ROLE_REDUCES, /* but protects nothing */
        WEIR_ROLE_STOP_LOSS,
        WEIR_ROLE_TAKE_PROFIT,
};

/* "none", "adds", "reduces", "stop_loss", "take_profit" */
WEIR_PUBLIC const char *weir_order_role_name(enum weir_order_role role);

struct weir_watched_order {
        struct weir_order_state order;
        enum weir_order_role role;
        uint64_t seen_ms; /* the last check that looked at its symbol */
};
typedef void (*weir_watched_order_fn)(void *ctx, const struct weir_watched_order *watched);

/* USD-M: the sums over all assets. COIN-M: each asset that is held, by itself. */
struct weir_watched_balance {
        struct weir_balance balance;
        char change[WEIR_DECIMAL_SIZE];         /* of equity, since the check before; "" at first */
        char change_percent[WEIR_DECIMAL_SIZE]; /* towards 0, to 8 places; "": nothing before */
};
typedef void (*weir_watched_balance_fn)(void *ctx, const struct weir_watched_balance *watched);

enum weir_event_kind {
        WEIR_EVENT_OPENED,
        WEIR_EVENT_CLOSED,
        WEIR_EVENT_FLIPPED,    /* from long to short, or back: one closed, one opened */
        WEIR_EVENT_CHANGED,    /* quantity or entry price */
        WEIR_EVENT_PROTECTION, /* how much of it stop-loss or take-profit cover, as a whole */
        WEIR_EVENT_EQUITY,     /* fell by fall_percent or more */
        WEIR_EVENT_STALE,      /* a check failed, the one before had not */
        WEIR_EVENT_FRESH,      /* and one succeeded again */
};

/* "opened", "closed", ... */
WEIR_PUBLIC const char *weir_event_name(enum weir_event_kind kind);

/* All that it points to lives during the call only. */
struct weir_event {
        enum weir_event_kind kind;
        uint64_t at_ms;
        const struct weir_watched *before, *now;    /* of positions; NULL: there was or is none */
        const struct weir_watched_balance *balance; /* WEIR_EVENT_EQUITY */
        /*
         * CLOSED and FLIPPED: the trades of the position that is no more, oldest first, and what
         * they came to. Not whole: it was opened before the oldest trade that the exchange told.
         */
        bool has_trades, is_whole;
        const struct weir_trade *const *trades;
        size_t n_trades;
        char realized[WEIR_DECIMAL_SIZE];
        char commission[WEIR_DECIMAL_SIZE]; /* "": in several assets */
        char commission_asset[WEIR_SYMBOL_SIZE];
        const char *why; /* STALE; CLOSED and FLIPPED without trades; else "" */
};
typedef void (*weir_event_fn)(void *ctx, const struct weir_event *event);

/**
 * weir_monitor_check() - look once
 * @deadline_ms: as in section 6
 * @fn:          told each event, in no call but this; may be NULL. The first check has none.
 *
 * Return: as the calls of section 6; on anything but 0 what was known stays; -EOVERFLOW: more
 *         positions or orders than the monitor keeps.
 */
WEIR_PUBLIC WEIR_CHECKED int weir_monitor_check(struct weir_monitor *monitor, uint64_t deadline_ms,
                                                weir_event_fn fn, void *ctx);

struct weir_monitor_state {
        size_t size; /* set by the caller */
        uint64_t checks, failures;
        uint64_t checked_ms;       /* the last check that succeeded; 0: none did */
        uint64_t stale_since_ms;   /* the first of those that failed since; 0: the last succeeded */
        uint64_t retry_at_ms;      /* stopped or banned until then; 0: not stated */
        uint64_t full_look_ms;     /* the last look at the orders of all symbols; 0: none yet */
        uint32_t weight;           /* what the last check spent; asking the time is not in it */
        uint32_t next_weight;      /* what one would now, if no position has opened or closed */
        char why[WEIR_ERROR_SIZE]; /* the last check failed: a sentence; else "" */
};

WEIR_PUBLIC void weir_monitor_state(const struct weir_monitor *monitor,
                                    struct weir_monitor_state *ret_state);

/* What the last check that succeeded saw. */
WEIR_PUBLIC void weir_monitor_positions(const struct weir_monitor *monitor, weir_watched_fn fn,
                                        void *ctx);
WEIR_PUBLIC void weir_monitor_orders(const struct weir_monitor *monitor, weir_watched_order_fn fn,
                                     void *ctx);
WEIR_PUBLIC void weir_monitor_balances(const struct weir_monitor *monitor,
                                       weir_watched_balance_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
