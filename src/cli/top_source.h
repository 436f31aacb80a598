/*
 * Source
 *
 * Where weir top has from what it shows: a region that it looks at itself, or a gateway that tells
 * it, by its live stream and who spends. A gateway that goes away is asked again every second, and
 * what it said last stays.
 */
#ifndef CLI_TOP_SOURCE_H
#define CLI_TOP_SOURCE_H

#include "cli/top_stream.h"
#include "cli/top_view.h"
#include "core/region.h"
#include "http/client.h"
#include "http/url.h"
#include "look/look.h"

#define TOP_SOURCE_WHY 512

/* What the gateway is asked for: its live stream, or, where that is off, these in turn. */
enum top_step {
        TOP_STEP_LIVE,
        TOP_STEP_NOW,
        TOP_STEP_EVENTS,
};

struct top_source_config {
        const char *region;               /* a path; NULL: a gateway is meant */
        const char *gateway;              /* "http://...", "https://...", "unix:PATH" */
        const char *token_file, *ca_file; /* NULL: none, the system's */
        const char *cert_file, *key_file; /* what is shown of us; NULL: none, in @cert_file too */
};

struct top_source {
        struct loop *loop;
        void (*changed)(void *ctx); /* something new is known */
        void *ctx;

        /* What is known. */
        json_t *now, *spenders;   /* NULL: nothing yet */
        uint64_t now_us;          /* loop_now_us() when it came */
        bool is_live;             /* what comes, comes */
        bool is_mute;             /* the stream is open, but a question is not answered */
        bool is_doubted;          /* a region that no program would work with, as @why says */
        char why[TOP_SOURCE_WHY]; /* why not; empty: it was not tried yet */
        struct top_events events;
        char name[256]; /* for people */

        /* A region. */
        const char *path;
        struct region region;
        struct look *look;

        /* A gateway. */
        struct http_url at;
        struct http_pool *pool;
        struct tls *tls;
        char *token; /* in a vault; NULL: none */
        char host[300];
        struct top_stream stream;
        struct http_call live, ask;
        char live_head[1024], ask_head[1024];
        struct buf body, answer; /* of live, but for the stream's; of ask */
        enum top_step step;
        unsigned long long last_event; /* its id, where there is no stream */
        unsigned live_status, ask_status;
        bool is_asking, is_looking;
        bool has_asked; /* who spends was answered, or refused, once */
        enum top_by by;
        struct loop_timer *again, *spenders_timer;
};

/**
 * top_source_open() - begin to look
 * @config: its texts must outlive the source
 *
 * Return: 0; -EINVAL for a config that is wrong, or another errno, with a complaint on stderr.
 */
CHECKED int top_source_open(struct top_source *source, struct loop *loop,
                            const struct top_source_config *config, void (*changed)(void *ctx),
                            void *ctx);
void top_source_close(struct top_source *source);

/* Looks anew, if it is a region; a gateway tells by itself. @wall_ms: now. */
void top_source_look(struct top_source *source, uint64_t wall_ms);

/* Who spends, by that from now on. */
void top_source_by(struct top_source *source, enum top_by by);

static inline bool top_source_is_gateway(const struct top_source *source)
{
        return source->path == NULL;
}

#endif
