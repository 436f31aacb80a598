/*
 * Courier
 *
 * Carries one request to the exchange and brings back what it meant. Through a gateway, which keeps
 * the limits; or straight, with the limiter of this process:
 *
 *      reserve -> wait -> sign -> last look -> send once -> land -> judge
 *         ^                                                          |
 *         +------ -1003, -1015 (429): again when the exchange says --+
 *         +------ -1021: measure its clock, once more ---------------+
 *
 * It signs after the wait, so the timestamp is fresh. Nothing is sent again whose fate is unknown.
 * Blocks; one thread at a time.
 */
#ifndef TRADE_COURIER_H
#define TRADE_COURIER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "call/call.h"
#include "classify/verdict.h"
#include "core/limiter.h"
#include "policy/policy.h"
#include "sign/signer.h"

struct courier;

/* @text: a sentence. Called from inside courier_send(). */
typedef void (*courier_log_fn)(void *ctx, bool is_error, const char *text);

struct courier_config {
        const char *url; /* of the exchange or of the gateway */
        bool is_gateway;
        struct limiter *limiter;     /* NULL with a gateway; outlives the courier */
        const struct signer *signer; /* NULL: unsigned requests only; outlives the courier */
        const char *ca_file;         /* NULL: the system's */
        enum policy_group group;
        uint32_t recv_window_ms, timeout_ms;
        struct call_config retry;
        courier_log_fn log; /* may be NULL */
        void *log_ctx;
};

#define COURIER_WHY_MAX 512
/* Largest answer: exchangeInfo of a market has 2 MB. */
#define COURIER_BODY_MAX (32u << 20)

CHECKED int courier_open(const struct courier_config *config, struct courier **ret_courier,
                         char ret_why[COURIER_WHY_MAX]);
/* Accepts NULL. Return: NULL. */
struct courier *courier_close(struct courier *courier);

struct courier_request {
        const char *method; /* "GET", "POST", "PUT", "DELETE" */
        const char *path;
        struct str params; /* as query.h makes them; without timestamp and signature */
        bool is_signed;
        const enum weir_class *class; /* NULL: as its endpoint says */
        uint64_t deadline_ms;         /* exchange clock: last moment at which it is sent */
        bool is_impatient;            /* does not wait for room */
};

enum courier_answer {
        COURIER_ANSWERED = 0, /* somebody answered: look at the verdict */
        COURIER_NEVER,        /* the four: not sent, or refused before it could be executed */
        COURIER_LATE,
        COURIER_SHUT,
        COURIER_CROWDED,
        COURIER_UNREACHED,  /* not sent: no connection */
        COURIER_UNANSWERED, /* sent, and no whole answer came; the verdict tells what is known */
};

struct courier_reply {
        struct verdict verdict;
        struct str body;     /* lives until the next request */
        uint32_t attempts;   /* how often it left us for the exchange */
        uint64_t sent_ms;    /* when it left first; 0: it did not */
        uint64_t last_ms;    /* the same of the last attempt, by the clock as it was known then */
        uint64_t expires_ms; /* after this the exchange refuses what may still be on its way; 0 for
                              * unsigned requests */
        char why[COURIER_WHY_MAX]; /* on anything but an ordinary answer; else "" */
};

/* Return: an enum courier_answer, or a negative errno: not sent, -ENOKEY among them. */
CHECKED int courier_send(struct courier *courier, const struct courier_request *request,
                         struct courier_reply *ret_reply);

/* The exchange's time, as well as it is known. */
uint64_t courier_now_ms(const struct courier *courier);
struct limiter_time courier_time(const struct courier *courier);

/*
 * By how much that was corrected since the courier was opened. A deadline is a moment, named by
 * the clock as it was known then: who keeps one adds what this has grown by since.
 */
int64_t courier_correction_ms(const struct courier *courier);

/* @deadline_ms, named when courier_correction_ms() was @then. */
uint64_t courier_deadline_ms(const struct courier *courier, uint64_t deadline_ms, int64_t then);

/* Asks for the exchange's time if it was not measured lately and there is room for it now. */
void courier_learn_time(struct courier *courier);

/* Sleeps, and lets idle connections be looked after. */
void courier_sleep(struct courier *courier, uint64_t until_ms);

#endif
