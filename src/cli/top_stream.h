/*
 * Stream
 *
 * Server-sent events, as text/event-stream has them: bytes come in pieces of any size, events go
 * out whole. Fields besides event, data and id are passed over.
 */
#ifndef CLI_TOP_STREAM_H
#define CLI_TOP_STREAM_H

#include "base/buf.h"

/* Beyond a snapshot of all budgets that a region holds. */
#define TOP_STREAM_MAX ((size_t)8 << 20)

/* @event: "message" if it was not named. Both live during the call only. */
typedef void (*top_stream_fn)(void *ctx, struct str event, struct str data);

struct top_stream {
        struct buf line, data;
        char event[32];
        char id[32]; /* of the last event that had one; empty: none yet */
        bool has_data, is_too_long;
};

void top_stream_init(struct top_stream *stream);
void top_stream_deinit(struct top_stream *stream);
/* A new answer: what was begun is dropped, the id stays. */
void top_stream_restart(struct top_stream *stream);

/* Calls @fn for each event that ends in @piece. An event that is too long is dropped. */
void top_stream_feed(struct top_stream *stream, struct str piece, top_stream_fn fn, void *ctx);

#endif
