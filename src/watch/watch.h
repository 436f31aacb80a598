/*
 * Watch
 *
 * Everything under /weir/: the page, what it shows, as events and as metrics, and the actions. Sits
 * on the gateway's own port beside the exchange's paths, and at places of its own (watch.listen).
 * What it shows and does is the gateway's, through struct watch_ops; it decides who may.
 *
 *      watch_is_ours(path) -> watch_begin(), then watch_gone() and watch_drained() of that exchange
 *
 * One thread, the gateway's. docs/watch.md has the protocol.
 */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "base/base.h"
#include "base/str.h"
#include "http/server.h"
#include "watch/door.h"

#include <jansson.h>

struct history;
struct watch;
struct metrics_input;
struct stats;

enum watch_verb {
        WATCH_PAUSE,
        WATCH_RESUME,
        WATCH_SHARE,
        WATCH_DROP,
        WATCH_ACKNOWLEDGE,
};

/* What somebody wants done who may. What is not named is NULL; a class or client need not exist. */
struct watch_action {
        enum watch_verb verb;
        const char *class, *client, *request, *variant;
        bool with_cancels;  /* of a paused client: these too */
        bool is_taken_back; /* an acknowledgement */
        int64_t share;
        const char *peer, *by; /* who does it, and how he proved himself: a door_pass's */
        size_t token;
};

struct watch_result {
        unsigned status; /* 200: done; else it was not, and @text says why and what to do */
        char text[512];
        json_t *undo; /* what takes it back: { "path", "body" }; NULL: nothing does */
};

#define WATCH_QUEUE_MAX 1000

/* Of those who wait. */
struct watch_filter {
        char class[16], client[80]; /* empty: all */
        size_t max;
};

/* What the gateway shows. JSON is handed over; NULL: out of memory. */
struct watch_ops {
        /* The snapshot of docs/watch.md. */
        json_t *(*now)(void *ctx);
        /* { "requests": [...], "more": N } */
        json_t *(*queue)(void *ctx, const struct watch_filter *filter);
        void (*act)(void *ctx, const struct watch_action *action, struct watch_result *ret_result);
        /* Why it takes no requests: [ words ], empty when it does. */
        json_t *(*unready)(void *ctx);
        /* What happened, and the exchange's time now. */
        const struct stats *(*stats)(void *ctx, uint64_t *ret_now_ms);
        /* What is kept of it in a file; NULL: nothing is. */
        struct history *(*history)(void *ctx);
        /* What /weir/metrics says; good until the next call, or until something happens. */
        void (*metrics)(void *ctx, struct metrics_input *ret_input);
};

struct watch_config {
        bool has_page;           /* else only what programs ask for */
        struct door_rules rules; /* the tokens become the watch's */
};

/**
 * watch_new() - nobody looks yet
 * @ops, @ctx: must outlive it
 * @config:    copied; its tokens are the watch's, also on failure
 *
 * Return: 0 or a negative errno.
 */
CHECKED int watch_new(struct loop *loop, const struct watch_config *config,
                      const struct watch_ops *ops, void *ctx, struct watch **ret_watch);
/* Before the servers whose exchanges it has are freed. Accepts NULL. Return: NULL. */
struct watch *watch_free(struct watch *watch);

/* Other rules from now on; sessions of tokens that are still there go on. @config: as above. */
void watch_configure(struct watch *watch, const struct watch_config *config);

/* Something happened: for the list of events. @at_ms: wall clock; @level: static; @text: valid
 * UTF-8, without anything secret; @request: whose, or empty. */
void watch_happened(struct watch *watch, uint64_t at_ms, const char *level, struct str event,
                    struct str text, struct str request);

/* The gateway ends: who looks on is told, and let go. */
void watch_end(struct watch *watch);

/* Whether @path is /weir or below it: never the exchange's. */
bool watch_is_ours(struct str path);

/* http_server_ops, for exchanges whose path is ours. @watch may be NULL: told that there is none.
 */
void watch_begin(struct watch *watch, struct http_exchange *exchange);
void watch_gone(struct watch *watch, struct http_exchange *exchange);
void watch_drained(struct watch *watch, struct http_exchange *exchange);

#endif
