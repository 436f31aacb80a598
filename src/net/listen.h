/*
 * Listening sockets
 *
 * One per `--listen`, or handed over by a service manager: TCP or unix. Accepted sockets are
 * non-blocking, close-on-exec and handed over one by one; how many a server keeps is the server's
 * business.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/base.h"
#include "net/address.h"
#include "net/loop.h"

/* Owner and group may connect: the mode of a unix socket when none is asked for. */
#define LISTEN_UNIX_MODE 0660

struct listener;

/* @fd is the callee's to close. listen_close() may be called inside. */
typedef void (*listen_fn)(void *ctx, int fd);

/**
 * listen_open() - accept connections at @where
 * @where:     as address_parse() reads it; port 0: any free one, see listen_address()
 * @unix_mode: permissions of a unix socket, LISTEN_UNIX_MODE for the usual; ignored for TCP
 *
 * A unix socket left behind by a dead process is replaced; one that somebody listens at is not.
 *
 * Return: 0, -EINVAL for a place that is none, -EADDRINUSE, -ENOTSOCK when the path is another
 *         kind of file, or the errno of the system call that failed.
 */
CHECKED int listen_open(struct loop *loop, struct str where, unsigned unix_mode, listen_fn fn,
                        void *ctx, struct listener **ret_listener);

/**
 * listen_adopt() - accept connections at a socket that somebody else has opened and keeps
 * @fd: becomes the listener's, also on failure
 *
 * A unix socket's path stays when the listener closes: its owner waits there for the next of us.
 *
 * Return: 0, -ENOTSOCK for no socket, -EINVAL for one that does not listen or carries no streams
 *         over TCP or unix sockets, or the errno of the system call that failed.
 */
CHECKED int listen_adopt(struct loop *loop, int fd, listen_fn fn, void *ctx,
                         struct listener **ret_listener);

/* Where it really listens: with the port that the kernel chose. Lives as long as @listener. */
const struct address *listen_address(const struct listener *listener);

/* Stops accepting and removes the unix socket if it still is ours. What was accepted stays open.
 * Accepts NULL. Return: NULL. */
struct listener *listen_close(struct listener *listener);

#endif
