/*
 * Streams
 *
 * One connected socket, plain or TLS (OpenSSL), TCP or unix, seen as functions that never block.
 * The owner keeps the buffers.
 *
 * Sockets are watched by edges. The stream remembers which edge it still holds, so that reading
 * until -EAGAIN costs no system call once a short read has shown the socket empty, plain or TLS.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/base.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/tls.h"

#include <sys/uio.h>

struct stream;

enum stream_event {
        STREAM_OPEN = 8, /* connect and TLS handshake are done: may read and write; told once */
};
/*
 * @what: LOOP_READ | LOOP_WRITE | LOOP_HANGUP | STREAM_OPEN. On each LOOP_READ read until -EAGAIN,
 *        now or later: the stream keeps what is not read, but tells it only once.
 *
 * Never called from inside a function of this file. A failure before STREAM_OPEN (connect,
 * handshake, verification) comes as LOOP_READ | LOOP_HANGUP; stream_read() then returns which.
 */
typedef void (*stream_fn)(void *ctx, unsigned what);

/**
 * stream_adopt() - take over a descriptor that is connected or connecting
 * @fd:   non-blocking; becomes the stream's, also on failure (then it is closed)
 * @tls:  NULL for plain; borrowed, must outlive the stream
 * @name: TLS client: the name to send (SNI) and to verify; ignored otherwise
 *
 * Return: 0 or a negative errno.
 */
CHECKED int stream_adopt(struct loop *loop, int fd, struct tls *tls, const char *name, stream_fn fn,
                         void *ctx, struct stream **ret_stream);

/**
 * stream_secure() - from now on an open plain stream is TLS
 * @tls, @name: as for stream_adopt()
 *
 * Nothing may be read that was not asked for. STREAM_OPEN is told again, or a failure as before it.
 *
 * Return: 0 or a negative errno, with stream_why(); then it is of no use any more.
 */
CHECKED int stream_secure(struct stream *stream, struct tls *tls, const char *name);

/* Hands events to another owner from now on. An open stream's new owner reads once on its own
 * account: the edge may have been told to the old one. */
void stream_set_owner(struct stream *stream, stream_fn fn, void *ctx);

/*
 * Before STREAM_OPEN: -EAGAIN, or why it failed.
 *
 * Return: bytes read (> 0); 0: the peer closed in order; -EAGAIN: nothing now, a LOOP_READ comes;
 * -EPROTO: TLS failed, see stream_why(); another negative errno: the connection is broken.
 */
CHECKED ssize_t stream_read(struct stream *stream, void *data, size_t size);
/*
 * Makes the next stream_read() ask the kernel. For who waits for the rest of a message: a reset
 * that came together with its last bytes is not told by an edge of its own, since libevent reports
 * errors as readiness to read and write, and a short read has used that up.
 */
void stream_ask_again(struct stream *stream);
/*
 * After -EAGAIN offer the same bytes again, or more of them behind: TLS may have sealed them
 * already.
 *
 * Return: bytes taken by the kernel or by TLS (> 0), -EAGAIN (a LOOP_WRITE comes), else as above.
 */
CHECKED ssize_t stream_write(struct stream *stream, const void *data, size_t n);
/* The same for up to STREAM_IOV_MAX pieces in one system call, with TLS in one record while they
 * fit. */
CHECKED ssize_t stream_writev(struct stream *stream, const struct iovec *pieces, size_t n_pieces);

#define STREAM_IOV_MAX 8

/* True once one byte of application data may have left: from then on a request's fate may be
 * unknown. */
bool stream_has_sent(const struct stream *stream);
/* Grows whenever application data may have left: equal before and after means that none did. */
uint64_t stream_sent_mark(const struct stream *stream);
/* A sentence on the last failure (verification, handshake, errno), never NULL. */
const char *stream_why(const struct stream *stream);
/* TLS: the peer showed a certificate, and it was verified. */
bool stream_is_vouched(const struct stream *stream);
int stream_fd(const struct stream *stream);

/* Closes; frees at the end of the turn; no callback follows. Accepts NULL. Return: NULL. */
struct stream *stream_close(struct stream *stream);

#endif
