/*
 * Verdicts
 *
 * The short list of meanings that a reply of the exchange, or its absence, can have. Three
 * questions are answered apart, because no one of them follows from another:
 *
 *      kind       what the exchange said
 *      executed   whether the request took effect there
 *      may_retry  whether a second copy of it may be sent without anybody's leave
 *
 * An overloaded spot server, for instance, is VERDICT_OVERLOADED and EXECUTED_UNKNOWN: whoever
 * wants to know the fate of an order looks at @executed and never at @kind.
 */
#ifndef CLASSIFY_VERDICT_H
#define CLASSIFY_VERDICT_H

#include "base/base.h"
#include "base/str.h"

/* X(enumerator, name, sentence): names are stable, they stand in logs, metrics and test tables. */
#define VERDICT_KINDS(X)                                                                           \
        X(OK, "ok", "done as asked")                                                               \
        X(REJECTED, "rejected", "refused for what the request says")                               \
        X(AUTH, "auth", "key, signature, permission or IP whitelist")                              \
        X(NOT_FOUND, "not_found", "no such path, or no such order yet")                            \
        X(CLOCK, "clock", "timestamp outside of recvWindow")                                       \
        X(OVER_WEIGHT, "over_weight", "request weight spent: stop until the window turns")         \
        X(TOO_MANY_ORDERS, "too_many_orders", "order count spent: no new orders of the account")   \
        X(BANNED, "banned", "the IP is banned: send nothing at all")                               \
        X(FIREWALL, "firewall", "the web firewall blocks the IP: send nothing at all")             \
        X(RESTRICTED, "restricted", "the location is not served")                                  \
        X(PARTLY, "partly", "some parts succeeded, others failed")                                 \
        X(OVERLOADED, "overloaded", "shed by the exchange's overload protection")                  \
        X(UNAVAILABLE, "unavailable", "the exchange says it failed on its side")                   \
        X(UNKNOWN_FATE, "unknown_fate", "may or may not have been executed")                       \
        X(FAILED, "failed", "a read that got no proper answer; nothing is at stake")               \
        X(UNSENT, "unsent", "no byte of the request left us")                                      \
        X(DUPLICATE, "duplicate", "an order with this client id exists already")                   \
        X(GONE, "gone", "the order is no longer there to be acted upon")                           \
        X(UNCHANGED, "unchanged", "what was asked for is already so")                              \
        X(MAINTENANCE, "maintenance", "the service is closed")

enum verdict_kind {
#define X(enumerator, name, sentence) VERDICT_##enumerator,
        VERDICT_KINDS(X)
#undef X
        VERDICT_KIND_COUNT,
};

enum verdict_executed {
        EXECUTED_NA, /* a read: nothing could take effect */
        EXECUTED_NO,
        EXECUTED_YES,
        EXECUTED_PARTLY,
        EXECUTED_UNKNOWN,
        EXECUTED_COUNT,
};

/* Longest text that a verdict keeps, its NUL included; the exchange's own stay below 200. */
#define VERDICT_MSG_SIZE 256

/* How long to send nothing when the exchange did not say: its shortest ban, its usual block. */
#define VERDICT_BAN_DEFAULT_MS      120000ULL
#define VERDICT_FIREWALL_DEFAULT_MS 300000ULL

/*
 * Furthest moment that a reply may push us to, from now. Documented bans end within 3 days, so
 * a number beyond this is damage, and must not silence a desk for a century.
 */
#define VERDICT_HORIZON_MS (7 * 24 * 3600 * 1000ULL)

struct verdict {
        enum verdict_kind kind;
        enum verdict_executed executed;
        bool may_retry;        /* certainly not executed because of a limit: -1003, -1015 at 429 */
        bool reconcile;        /* look the order up before acting on the same intent again */
        bool is_unreadable;    /* there was a body and it could not be read: by status alone */
        int status;            /* HTTP, or that of a WebSocket envelope; 0: no reply */
        int32_t code;          /* the exchange's own, e.g. -1003; 0: none */
        int32_t part_code;     /* of the first part that failed (batch, cancelReplace); 0: none */
        uint32_t parts;        /* elements of a batch reply; 0: not a batch */
        uint32_t parts_failed; /* how many of them are errors */
        uint64_t retry_at_ms;  /* exchange clock; 0: not stated, or over already */
        uint64_t window_ms; /* length of the one that is full, as a limit's text names it; 0: not */
        uint64_t ban_until_ms;      /* only when banned, else 0; 0 then too: not stated */
        char msg[VERDICT_MSG_SIZE]; /* the exchange's text, cut and without control characters */
};

/* "over_weight", ...: one lower-case word. */
const char *verdict_kind_name(enum verdict_kind kind);
/* One clause for people. */
const char *verdict_kind_sentence(enum verdict_kind kind);
/* "na", "no", "yes", "partly", "unknown". */
const char *verdict_executed_name(enum verdict_executed executed);

/* Return: 0 or -EINVAL for a name that is none. */
CHECKED int verdict_kind_from(struct str name, enum verdict_kind *ret_kind);
CHECKED int verdict_executed_from(struct str name, enum verdict_executed *ret_executed);

#endif
