/*
 * Streams
 *
 * One connected socket, plain or TLS (OpenSSL), TCP or unix, seen as two
 * functions that never block. The owner keeps the buffers.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/base.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/tls.h"

struct stream;

enum stream_event {
        STREAM_OPEN = 8, /* connect and TLS handshake are done: may read and write; told once */
};
/* @what: LOOP_READ | LOOP_WRITE | LOOP_HANGUP | STREAM_OPEN; read until -EAGAIN on each LOOP_READ
 */
typedef void (*stream_fn)(void *ctx, unsigned what);

/**
 * stream_adopt() - take over a descriptor that is connected or connecting
 * @fd:   becomes the stream's, also on failure (then it is closed)
 * @tls:  NULL for plain; borrowed, must outlive the stream
 * @name: TLS client: the name to send (SNI) and to verify; ignored otherwise
 *
 * Return: 0 or a negative errno.
 */
CHECKED int stream_adopt(struct loop *loop, int fd, struct tls *tls, const char *name, stream_fn fn,
                         void *ctx, struct stream **ret_stream);

/*
 * Return: bytes read (> 0); 0: the peer closed in order; -EAGAIN: nothing now, a LOOP_READ comes;
 * -EPROTO: TLS failed, see stream_why(); another negative errno: the connection is broken.
 */
CHECKED ssize_t stream_read(struct stream *stream, void *data, size_t size);
/* Return: bytes taken by the kernel or by TLS (> 0), -EAGAIN (a LOOP_WRITE comes), else as above.
 */
CHECKED ssize_t stream_write(struct stream *stream, const void *data, size_t n);

/* True once one byte of application data may have left: from then on a request's fate may be
 * unknown. */
bool stream_has_sent(const struct stream *stream);
/* A sentence on the last failure (verification, handshake, errno), never NULL. */
const char *stream_why(const struct stream *stream);
int stream_fd(const struct stream *stream);

/* Closes; frees at the end of the turn; no callback follows. Accepts NULL. Return: NULL. */
struct stream *stream_close(struct stream *stream);

#endif
