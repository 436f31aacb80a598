/*
 * Tunnels
 *
 * Through an HTTP proxy to a server: CONNECT, and TLS with the server inside of it where that is
 * wanted. The proxy sees the server's name and how much is sent; what is said to it is ours alone.
 *
 *      stream to the proxy -> CONNECT -> 2xx -> (TLS) -> the stream is one to the server
 *                                     \-> anything else: why
 *
 * Until the tunnel is open not one byte of a request has left, so every failure here is "not sent".
 */
#ifndef HTTP_TUNNEL_H
#define HTTP_TUNNEL_H

#include "base/base.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/stream.h"

struct tunnel;

/* Ends it: tunnel_stop() has been done. @stream: open to the server and the callee's, or NULL for
 * failure. @why: the reason of a failure, lives during the callback only. */
typedef void (*tunnel_fn)(void *ctx, struct stream *stream, const char *why);

struct tunnel_config {
        const char *host; /* the server's name or digits; lives until the end */
        uint16_t port;
        struct str login; /* USER:PASSWORD for the proxy; empty: none */
        struct tls *tls;  /* NULL: plain; outlives the stream */
        uint64_t timeout_us;
};

/* Room for USER:PASSWORD, with what a NUL would take. */
#define TUNNEL_LOGIN_MAX 256

/**
 * tunnel_start() - begin
 * @stream: open to the proxy; becomes the tunnel's, also on failure (then it is closed)
 * @fn:     from the loop, never from inside tunnel_start()
 *
 * Return: 0, -EINVAL for a login or a host that is too long, -ENOMEM.
 */
CHECKED int tunnel_start(struct loop *loop, struct stream *stream,
                         const struct tunnel_config *config, tunnel_fn fn, void *ctx,
                         struct tunnel **ret_tunnel);

/* Gives up one that takes too long. May call @fn, and so end it. Accepts NULL. */
void tunnel_tick(struct tunnel *tunnel);

/* No callback follows. Accepts NULL. Return: NULL. */
struct tunnel *tunnel_stop(struct tunnel *tunnel);

#endif
