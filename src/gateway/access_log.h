/*
 * Access log
 *
 * A line for each request that is over, where the setting log.access asks for it: into the log, or
 * into a file of its own. Told right before the exchange is given back, while request and flow are
 * all there. Never in it: the value of a parameter, a key, a signature, a token (gateway/shown.h).
 *
 *      access_log_answered(), access_log_refused(), ... -> a line -> the buffer, written every 100
 * ms
 *
 * A request never waits for it. What cannot be written stays in the buffer; when that is full,
 * lines are lost and counted, and it is said when that begins and when it is over.
 */
#ifndef GATEWAY_ACCESS_LOG_H
#define GATEWAY_ACCESS_LOG_H

#include "base/base.h"
#include "base/buf.h"
#include "settings/settings.h"
#include "net/loop.h"

struct answer;
struct flow;
struct gateway;
struct http_exchange;

struct access_log {
        struct loop_timer *timer; /* set while something is buffered */
        struct buf lines;
        int fd;                        /* of the file; -1: none */
        char path[SETTINGS_PATH_SIZE]; /* "off", "on", or that file's */
        bool is_armed, is_failing;
        uint64_t lost; /* since it fails */
};

/* Return: 0, or a negative errno after having said what is wrong. */
CHECKED int access_log_open(struct gateway *g);
/* The settings as they are now; a file is opened anew. What cannot be is said, and the old one
 * kept. */
void access_log_follow(struct gateway *g);
/* Writes what is buffered, if that can be. */
void access_log_close(struct gateway *g);

/* The exchange's answer is complete. */
void access_log_answered(struct flow *f);
/* @answer of weir's own follows, to @exchange with or without a flow. */
void access_log_refused(struct http_exchange *exchange, const struct answer *answer,
                        size_t out_bytes);
/* Nothing follows: its client is gone, or its reply broke off. */
void access_log_aborted(struct flow *f);
/* http_server_ops: what came is no request, or none that is taken; @ctx is the gateway. */
void access_log_malformed(void *ctx, struct http_exchange *exchange, unsigned status,
                          const char *why);

/* access_log_file.c: a line that is complete, with its end. */
void access_log_put(struct gateway *g, const char *line, size_t n);

#endif
