/*
 * TLS sits on a BIO of our own rather than OpenSSL's socket BIO: it knows whether an edge is held,
 * so that OpenSSL's look for more records costs no system call; it sends without SIGPIPE; and it
 * counts what left, which SSL_write() does not tell when it is interrupted in the middle of a
 * record.
 */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Payload of the largest TLS record. */
#define STREAM_RECORD_MAX 16384
#define STREAM_WHY_MAX    256

enum state {
        CONNECTING,
        SHAKING, /* TLS handshake */
        OPEN,
        BROKEN, /* for reading and writing; @error says why */
};

struct stream {
        struct loop *loop;
        struct loop_watch *watch;
        stream_fn fn;
        void *ctx;
        int fd;
        enum state state;
        int error;
        SSL *ssl;
        bool is_readable, is_writable; /* an edge is held: the kernel has not said EAGAIN since */
        bool has_hangup;               /* an end follows: a short read proves nothing any more */
        bool has_eof;
        bool read_wants_write, write_wants_read; /* TLS: tell the other event, too */
        uint64_t wire_sent; /* bytes taken by the kernel, TLS framing included */
        uint64_t sent_mark;
        int io_error; /* TLS: what the socket said last, negative */
        char why[STREAM_WHY_MAX];
};

static BIO_METHOD *bio_method;

static int fail(struct stream *s, int error)
{
        must(error < 0 && error != -EAGAIN);
        if (error != -EPROTO)
                snprintf(s->why, sizeof(s->why), "%s", strerror(-error));
        return error;
}

/* Return: as recv(), but a negative errno, and -EAGAIN without asking the kernel if no edge is
 * held.
 */
static ssize_t receive(struct stream *s, void *data, size_t size)
{
        ssize_t n;

        if (s->has_eof)
                return 0;
        if (!s->is_readable)
                return -EAGAIN;
        do
                n = recv(s->fd, data, size, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
                int error = -errno;

                if (error == -EAGAIN)
                        s->is_readable = false;
                return error;
        }
        if (n == 0)
                s->has_eof = true;
        else if ((size_t)n < size && !s->has_hangup)
                s->is_readable = false; /* empty now; what comes later makes a new edge */
        return n;
}

/* Nearly everything that leaves is one piece, and that is cheaper without a list of pieces. */
static ssize_t send_pieces(int fd, const struct iovec *pieces, size_t n_pieces)
{
        struct iovec iov[STREAM_IOV_MAX];
        struct msghdr message = { .msg_iov = iov, .msg_iovlen = n_pieces };

        must(n_pieces <= STREAM_IOV_MAX);
        if (n_pieces == 1)
                return send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
        memcpy(iov, pieces, n_pieces * sizeof(*iov));
        return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static ssize_t transmit(struct stream *s, const struct iovec *pieces, size_t n_pieces)
{
        ssize_t n;

        if (!s->is_writable)
                return -EAGAIN;
        do
                n = send_pieces(s->fd, pieces, n_pieces);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
                int error = -errno;

                if (error == -EAGAIN)
                        s->is_writable = false;
                return error;
        }
        s->wire_sent += (uint64_t)n;
        return n;
}

static int bio_read(BIO *bio, char *data, int size)
{
        struct stream *s = BIO_get_data(bio);
        ssize_t n = receive(s, data, (size_t)size);

        s->io_error = n < 0 ? (int)n : 0;
        BIO_clear_retry_flags(bio);
        if (n == -EAGAIN)
                BIO_set_retry_read(bio);
        return n < 0 ? -1 : (int)n;
}

static int bio_write(BIO *bio, const char *data, int size)
{
        struct iovec piece = { .iov_base = (void *)(uintptr_t)data, .iov_len = (size_t)size };
        struct stream *s = BIO_get_data(bio);
        ssize_t n = transmit(s, &piece, 1);

        s->io_error = n < 0 ? (int)n : 0;
        BIO_clear_retry_flags(bio);
        if (n == -EAGAIN)
                BIO_set_retry_write(bio);
        return n < 0 ? -1 : (int)n;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
        const struct stream *s = BIO_get_data(bio);

        (void)number;
        (void)pointer;
        if (command == BIO_CTRL_EOF)
                return s->has_eof;
        return command == BIO_CTRL_FLUSH;
}

static int begin_tls(struct stream *s, struct tls *tls, const char *name)
{
        BIO *bio;
        int r;

        if (!bio_method) {
                BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

                if (!m)
                        return -ENOMEM;
                BIO_meth_set_read(m, bio_read);
                BIO_meth_set_write(m, bio_write);
                BIO_meth_set_ctrl(m, bio_ctrl);
                bio_method = m;
        }
        r = tls_begin(tls, name, &s->ssl);
        if (r < 0)
                return r;
        bio = BIO_new(bio_method);
        if (!bio)
                return -ENOMEM; /* the stream's end frees the SSL */
        BIO_set_data(bio, s);
        BIO_set_init(bio, 1);
        SSL_set_bio(s->ssl, bio, bio);
        return 0;
}

/* What an SSL function's result means for the owner: -EAGAIN, 0 for the orderly end, or the error,
 * which stays. */
static int tls_result(struct stream *s, int result)
{
        int error = SSL_get_error(s->ssl, result);

        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
                return -EAGAIN;
        if (error == SSL_ERROR_ZERO_RETURN)
                return 0;
        if (error == SSL_ERROR_SYSCALL && s->io_error != 0 && s->io_error != -EAGAIN) {
                s->error = fail(s, s->io_error);
        } else {
                tls_explain(s->ssl, error, s->why, sizeof(s->why));
                s->error = -EPROTO;
        }
        ERR_clear_error();
        s->state = BROKEN;
        return s->error;
}

/* Return: 0 when done, -EAGAIN, or the error, which stays. */
static int shake(struct stream *s)
{
        int r;

        ERR_clear_error();
        r = SSL_do_handshake(s->ssl);
        if (r == 1)
                return 0;
        r = tls_result(s, r);
        if (r != 0)
                return r;
        /* An orderly end in the middle of a handshake is none. */
        s->state = BROKEN;
        snprintf(s->why, sizeof(s->why), "TLS: the peer closed during the handshake");
        return s->error = -EPROTO;
}

static int finish_connect(struct stream *s)
{
        int error = 0;
        socklen_t length = sizeof(error);

        if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
                error = errno;
        if (error != 0) {
                s->state = BROKEN;
                return s->error = fail(s, -error);
        }
        s->state = s->ssl ? SHAKING : OPEN;
        return 0;
}

/* Towards OPEN. Return: what to tell the owner, 0 for nothing yet. */
static unsigned advance(struct stream *s, unsigned what)
{
        int r = 0;

        if (s->state == CONNECTING) {
                if (!(what & LOOP_WRITE)) /* edges of reading and of failure come with it */
                        return 0;
                r = finish_connect(s);
        }
        if (r == 0 && s->state == SHAKING) {
                r = shake(s);
                if (r == -EAGAIN && (what & LOOP_READ)) {
                        stream_ask_again(s);
                        r = shake(s);
                }
                if (r == 0)
                        s->state = OPEN;
        }
        if (r == -EAGAIN)
                return 0;
        if (r < 0)
                return LOOP_READ | LOOP_HANGUP;
        /* With TLS the first data may be in OpenSSL's buffer already, which has no edge. */
        return STREAM_OPEN | LOOP_WRITE | (s->ssl ? LOOP_READ : 0) | what;
}

static void on_edge(void *ctx, unsigned what)
{
        struct stream *s = ctx;

        if (what & (LOOP_READ | LOOP_HANGUP))
                s->is_readable = true;
        if (what & LOOP_WRITE)
                s->is_writable = true;
        if (what & LOOP_HANGUP)
                s->has_hangup = true;

        if (s->state == CONNECTING || s->state == SHAKING) {
                what = advance(s, what);
                if (what == 0)
                        return;
        } else {
                if (s->write_wants_read && (what & LOOP_READ))
                        what |= LOOP_WRITE;
                if (s->read_wants_write && (what & LOOP_WRITE))
                        what |= LOOP_READ;
        }
        s->fn(s->ctx, what);
}

static void destroy(void *dead)
{
        struct stream *s = dead;

        SSL_free(s->ssl);
        free(s);
}

int stream_adopt(struct loop *loop, int fd, struct tls *tls, const char *name, stream_fn fn,
                 void *ctx, struct stream **ret_stream)
{
        struct stream *s = calloc(1, sizeof(*s));
        int r = -ENOMEM, one = 1;

        if (!s)
                goto fail;
        s->loop = loop;
        s->fn = fn;
        s->ctx = ctx;
        s->fd = fd;
        /* A request is one piece, and it is urgent. Unix sockets refuse the option and need none.
         */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (tls) {
                r = begin_tls(s, tls, name);
                if (r < 0)
                        goto fail;
        }
        r = loop_watch(loop, fd, on_edge, s, &s->watch);
        if (r < 0)
                goto fail;
        *ret_stream = s;
        return 0;
fail:
        close(fd);
        if (s)
                destroy(s);
        return r;
}

int stream_secure(struct stream *s, struct tls *tls, const char *name)
{
        int r;

        must(s->state == OPEN && !s->ssl);
        r = begin_tls(s, tls, name);
        if (r < 0) {
                s->state = BROKEN;
                return s->error = fail(s, r);
        }
        s->state = SHAKING;
        /* The first words are ours, and no edge comes to tell that they may be said. */
        r = shake(s);
        return r == -EAGAIN ? 0 : r;
}

void stream_set_owner(struct stream *s, stream_fn fn, void *ctx)
{
        s->fn = fn;
        s->ctx = ctx;
}

static ssize_t read_tls(struct stream *s, void *data, size_t size)
{
        size_t n = 0;
        int r;

        ERR_clear_error();
        r = SSL_read_ex(s->ssl, data, size, &n);
        s->read_wants_write = false;
        if (r == 1)
                return (ssize_t)n;
        s->read_wants_write = SSL_want_write(s->ssl);
        return tls_result(s, r);
}

ssize_t stream_read(struct stream *s, void *data, size_t size)
{
        ssize_t n;

        must(size > 0);
        if (s->state == BROKEN)
                return s->error;
        if (s->state != OPEN)
                return -EAGAIN;
        if (s->ssl)
                return read_tls(s, data, size);
        n = receive(s, data, size);
        if (n < 0 && n != -EAGAIN) {
                s->state = BROKEN;
                s->error = fail(s, (int)n);
        }
        return n;
}

void stream_ask_again(struct stream *s)
{
        s->is_readable = true;
}

static ssize_t write_tls(struct stream *s, const void *data, size_t size)
{
        uint64_t before = s->wire_sent;
        size_t n = 0;
        int r;

        ERR_clear_error();
        r = SSL_write_ex(s->ssl, data, size, &n);
        s->write_wants_read = false;
        /* A part of a record counts: the rest of it may follow, and with it the data. */
        s->sent_mark += s->wire_sent - before;
        if (r == 1)
                return (ssize_t)n;
        s->write_wants_read = SSL_want_read(s->ssl);
        r = tls_result(s, r);
        return r == 0 ? -EPIPE : r;
}

/* One record for what fits into one, so that a head and its body leave in one packet. */
static ssize_t gather_tls(struct stream *s, const struct iovec *pieces, size_t n_pieces)
{
        char record[STREAM_RECORD_MAX];
        size_t n = 0;

        if (n_pieces == 1 || pieces[0].iov_len >= sizeof(record))
                return write_tls(s, pieces[0].iov_base, pieces[0].iov_len);
        for (size_t i = 0; i < n_pieces && n < sizeof(record); ++i) {
                size_t part = pieces[i].iov_len;

                if (part > sizeof(record) - n)
                        part = sizeof(record) - n;
                memcpy(record + n, pieces[i].iov_base, part);
                n += part;
        }
        return write_tls(s, record, n);
}

ssize_t stream_writev(struct stream *s, const struct iovec *pieces, size_t n_pieces)
{
        ssize_t n;

        must(n_pieces > 0 && n_pieces <= STREAM_IOV_MAX && pieces[0].iov_len > 0);
        if (s->state == BROKEN)
                return s->error;
        if (s->state != OPEN)
                return -EAGAIN;
        if (s->ssl)
                return gather_tls(s, pieces, n_pieces);
        n = transmit(s, pieces, n_pieces);
        if (n > 0)
                s->sent_mark += (uint64_t)n;
        else if (n != -EAGAIN)
                (void)fail(s, (int)n); /* what the peer had sent before may still be read */
        return n;
}

ssize_t stream_write(struct stream *s, const void *data, size_t n)
{
        struct iovec piece = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };

        return stream_writev(s, &piece, 1);
}

bool stream_has_sent(const struct stream *s)
{
        return s->sent_mark > 0;
}

uint64_t stream_sent_mark(const struct stream *s)
{
        return s->sent_mark;
}

const char *stream_why(const struct stream *s)
{
        return s->why;
}

bool stream_is_vouched(const struct stream *s)
{
        return s->ssl && SSL_get0_peer_certificate(s->ssl) &&
               SSL_get_verify_result(s->ssl) == X509_V_OK;
}

int stream_fd(const struct stream *s)
{
        return s->fd;
}

struct stream *stream_close(struct stream *s)
{
        if (!s)
                return NULL;
        s->watch = loop_unwatch(s->watch);
        if (s->ssl && s->state == OPEN) {
                /* Tries to say goodbye, once; an answer is not waited for. */
                ERR_clear_error();
                (void)SSL_shutdown(s->ssl);
                ERR_clear_error();
        }
        close(s->fd);
        s->fd = -1;
        s->fn = NULL;
        loop_bury(s->loop, s, destroy);
        return NULL;
}
