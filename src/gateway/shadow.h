/*
 * Shadow mode
 *
 * Decides about every request as always, records it, and lets it pass at once and unchanged, so
 * that a desk can see what weir would do before it may do it.
 *
 *      request -> what-if books: a place now, later, never? -> recorded
 *            \-> the region's books: charged, over the limit too -> sent -> reply, untouched
 *                                                                     \-> recorded
 *
 * There are two sets of books. Those of the region are true: what was sent is charged, what headers
 * show is believed, stops and bans are written down, and other programs of the region obey them.
 * The what-if books are private: in them every request is where weir would have put it, so that a
 * delay makes the next one's longer. They hear of no header, since the exchange counts what was
 * sent and not what would have been, and only of such stops as weir could not have prevented.
 */
#ifndef GATEWAY_SHADOW_H
#define GATEWAY_SHADOW_H

#include "classify/verdict.h"
#include "gateway/flow.h"

/* X(enumerator, name): what weir would have answered instead of sending. */
#define SHADOW_REASONS(X)                                                                          \
        X(NEVER, "never")                                                                          \
        X(LATE, "late")                                                                            \
        X(CROWDED, "crowded")                                                                      \
        X(STOP, "stop")                                                                            \
        X(BAN, "ban")                                                                              \
        X(FIREWALL, "firewall")                                                                    \
        X(BREAKER, "breaker")                                                                      \
        X(FULL, "full")                                                                            \
        X(BAD_PATH, "bad_path")                                                                    \
        X(BAD_FIELD, "bad_field")

enum shadow_reason {
#define X(enumerator, name) SHADOW_##enumerator,
        SHADOW_REASONS(X)
#undef X
        SHADOW_REASON_COUNT,
};

/* What the exchange refused for a limit. */
enum shadow_refusal {
        SHADOW_OVER_WEIGHT,
        SHADOW_TOO_MANY_ORDERS,
        SHADOW_BANNED,
        SHADOW_BLOCKED,
        SHADOW_REFUSALS,
};

/* Up to 1, 10, 100 ms, 1, 10, 60 s, and longer. */
#define SHADOW_WAITS    7
#define SHADOW_EXAMPLES 5

struct shadow_example {
        uint64_t at_ms; /* exchange clock */
        char request[96], request_id[REQUEST_ID_SIZE];
        enum weir_class class;
        uint64_t wait_ms; /* until there would have been room; 0: not known */
};

struct shadow {
        struct region region; /* private: the what-if books */
        struct limiter limiter;
        char path[SETTINGS_PATH_SIZE + 16]; /* of the report */
        uint64_t since_ms, written_us;      /* wall clock; monotonic */
        bool is_changed;

        uint64_t requests, undecided, retried;
        struct {
                uint64_t requests, at_once, delayed, refused, wait_ms, longest_ms;
                uint64_t waits[SHADOW_WAITS];
        } classes[CLASS_COUNT];
        struct {
                uint64_t n;
                struct shadow_example examples[SHADOW_EXAMPLES];
        } reasons[SHADOW_REASON_COUNT];
        struct {
                uint64_t seen, prevented;
        } refusals[SHADOW_REFUSALS];
        struct {
                uint64_t asked, sent, refused, kept; /* by programs; by weir; by exchange; not
                                                      * prevented */
        } weight;
        /* Until when weir would still hold back something of this gate that was sent. */
        uint64_t excess_until_ms[REGION_GATES];
};

const char *shadow_reason_name(enum shadow_reason reason);

/* @region_path: beside it the report is kept. Return: 0 or a negative errno, having said why. */
CHECKED int shadow_open(struct gateway *g, const char *region_path);
/* Writes the report a last time. Accepts none. */
void shadow_close(struct gateway *g);
/* The settings and the exchange's limits, for the what-if books too. */
void shadow_follow(struct gateway *g);
/* Keeps the report fresh; called from housekeeping. */
void shadow_keep(struct gateway *g);

/* A request that weir would have refused for its form. Return: true: let it pass. */
CHECKED bool shadow_forgives(struct gateway *g, const struct http_exchange *exchange,
                             enum shadow_reason reason);
/* What would have been done with it, once its deadline is known. */
void shadow_decide(struct flow *f);
/* It is sent now. */
void shadow_charge(struct flow *f);
/* It was not, or nobody knows. */
void shadow_drop(struct flow *f, bool is_sent);
/* A whole answer, or the head of a plain one. */
void shadow_land(struct flow *f, int status);
/* What a refusal means; after stops_note(). */
void shadow_judge(struct flow *f, const struct verdict *verdict, bool was_shut);

/* shadow_report.c */

/* Writes it to @s->path, whole or not at all. Return: 0 or a negative errno. */
CHECKED int shadow_write(const struct shadow *s);
/* The sums, into the log. */
void shadow_tell(const struct shadow *s);

#endif
