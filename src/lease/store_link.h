/*
 * Links to a server of the store
 *
 * One connection that speaks Redis's protocol (RESP2): commands leave in order, replies come in
 * order. Our streams carry it; hiredis formats commands and reads replies.
 */
#ifndef LEASE_STORE_LINK_H
#define LEASE_STORE_LINK_H

#include "base/base.h"
#include "lease/store_url.h"
#include "net/loop.h"
#include "net/tls.h"

#include <hiredis/hiredis.h>

/* Looking the name up, connecting and TLS must be done in this time. */
#define STORE_CONNECT_US (1500 * US_PER_MS)
/* Room for a sentence on why a link failed. */
#define STORE_LINK_WHY 320

struct store_link;

/* From the loop, never from inside a function of this file. In each the link may be stopped. */
struct store_link_callbacks {
        void (*on_open)(void *ctx, struct store_link *link);
        void (*on_reply)(void *ctx, struct store_link *link, const redisReply *reply);
        /* Ends it: store_link_stop() is still the owner's. */
        void (*on_broken)(void *ctx, struct store_link *link, const char *why);
};

/**
 * store_link_start() - connect to @host, or to the unix socket @path
 * @host: NULL with a @path; copied
 * @tls:  NULL for plain; must outlive the link
 *
 * Return: 0, -EINVAL for a host or path that cannot be one, or a negative errno.
 */
CHECKED int store_link_start(struct loop *loop, const struct store_host *host, const char *path,
                             struct tls *tls, const struct store_link_callbacks *callbacks,
                             void *ctx, struct store_link **ret_link);

/* To be called every now and then while it is not open: gives up what takes too long. */
void store_link_tick(struct store_link *link);

/**
 * store_link_send() - send a command
 * @lengths: of each of @n words, NULL: they are C strings
 *
 * Return: 0; -ENOTCONN before it is open or after it broke; -ENOMEM; -ENOBUFS: more than a store
 *         is ever sent waits already. A failure of the socket is told by on_broken().
 */
CHECKED int store_link_send(struct store_link *link, int n, const char **words,
                            const size_t *lengths);

/* No callback follows. Accepts NULL. Return: NULL. */
struct store_link *store_link_stop(struct store_link *link);

#endif
