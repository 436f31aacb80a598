/*
 * Connecting
 *
 * Tries a list of addresses in turn until one of them is an open stream, TLS handshake included.
 * Time is the owner's: it looks in with connect_tick() now and then, which costs no timer.
 */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include "base/base.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"

struct connect;

/* Ends it: connect_stop() has been done. @stream: open and the callee's, or NULL for failure. @why:
 * the reason of a failure, lives during the callback only. */
typedef void (*connect_fn)(void *ctx, struct stream *stream, const char *why);

/* Whether connections can leave from @from. Return: 0, or a negative errno: -EADDRNOTAVAIL where
 * this machine has no such address. */
CHECKED int connect_check_from(const struct address *from);

struct connect_config {
        const struct address_list *addresses; /* copied */
        size_t first;                         /* which of them to begin with, modulo their number */
        const struct address *from;           /* leave from this address; NULL: any. Copied */
        struct tls *tls;                      /* NULL: plain; outlives the stream */
        const char *name;                     /* to verify; lives until the end */
        uint64_t timeout_us;                  /* for all of it; each address gets its share */
};

/**
 * connect_start() - begin
 * @fn: from the loop, never from inside connect_start()
 *
 * Return: 0, -EINVAL for an empty list, or a negative errno without a callback.
 */
CHECKED int connect_start(struct loop *loop, const struct connect_config *config, connect_fn fn,
                          void *ctx, struct connect **ret_connect);

/* Gives up an address that takes longer than its share. May call @fn, and so end it. */
void connect_tick(struct connect *connect);

/* The place in the list of the address tried last. */
size_t connect_index(const struct connect *connect);

/* No callback follows. Accepts NULL. Return: NULL. */
struct connect *connect_stop(struct connect *connect);

#endif
