#include "http/tunnel.h"

#include "base/buf.h"
#include "http/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name of 253 characters twice, a login in base64, and what stands around them. */
#define REQUEST_MAX 1280
#define READ_BYTES  2048
#define WHY_MAX     256

struct tunnel {
        struct loop *loop;
        struct stream *stream;
        const char *host;
        struct tls *tls;
        uint64_t since_us, timeout_us;
        tunnel_fn fn;
        void *ctx;
        char request[REQUEST_MAX];
        size_t n_request, n_written;
        struct buf in;
        size_t parse_from;
        bool is_shaking; /* the proxy has agreed; TLS with the server is under way */
        struct http_head head;
        char why[WHY_MAX];
};

static void encode_base64(struct str from, char *to)
{
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        for (size_t i = 0; i < from.n; i += 3) {
                uint32_t group = 0;

                for (size_t k = 0; k < 3; ++k)
                        group = group << 8 | (i + k < from.n ? (unsigned char)from.p[i + k] : 0);
                *to++ = digits[group >> 18 & 63];
                *to++ = digits[group >> 12 & 63];
                *to++ = i + 1 < from.n ? digits[group >> 6 & 63] : '=';
                *to++ = i + 2 < from.n ? digits[group & 63] : '=';
        }
        *to = '\0';
}

static int write_request(struct tunnel *t, const struct tunnel_config *config)
{
        char login[TUNNEL_LOGIN_MAX / 3 * 4 + 8] = "", server[320];
        bool is_v6 = strchr(config->host, ':') != NULL;
        int n;

        if (config->login.n >= TUNNEL_LOGIN_MAX)
                return -EINVAL;
        encode_base64(config->login, login);
        n = snprintf(server, sizeof(server), is_v6 ? "[%s]:%u" : "%s:%u", config->host,
                     (unsigned)config->port);
        if (n < 0 || (size_t)n >= sizeof(server))
                return -EINVAL;
        n = snprintf(t->request, sizeof(t->request),
                     "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: weir/%s\r\n%s%s%s\r\n", server,
                     server, WEIR_VERSION, login[0] ? "Proxy-Authorization: Basic " : "", login,
                     login[0] ? "\r\n" : "");
        explicit_bzero(login, sizeof(login));
        if (n < 0 || (size_t)n >= sizeof(t->request))
                return -EINVAL;
        t->n_request = (size_t)n;
        return 0;
}

static void destroy(void *dead)
{
        struct tunnel *t = dead;

        buf_deinit(&t->in);
        free(t);
}

static void end(struct tunnel *t, struct stream *stream)
{
        tunnel_fn fn = t->fn;
        void *ctx = t->ctx;

        if (stream)
                t->stream = NULL;
        /* Buried, not freed: t->why lives through the callback. */
        (void)tunnel_stop(t);
        fn(ctx, stream, t->why);
}

static void fail(struct tunnel *t, const char *why)
{
        snprintf(t->why, sizeof(t->why), "%s", why);
        end(t, NULL);
}

/* Return: false when it has ended. */
static bool push(struct tunnel *t)
{
        while (t->n_written < t->n_request) {
                ssize_t n = stream_write(t->stream, t->request + t->n_written,
                                         t->n_request - t->n_written);

                if (n == -EAGAIN)
                        return true;
                if (n < 0) {
                        snprintf(t->why, sizeof(t->why), "the proxy broke off: %s",
                                 stream_why(t->stream));
                        end(t, NULL);
                        return false;
                }
                t->n_written += (size_t)n;
        }
        /* It may have held a password. */
        explicit_bzero(t->request, sizeof(t->request));
        return true;
}

/* What a proxy's refusal means for who has to mend it. */
static void refused(struct tunnel *t)
{
        unsigned status = t->head.status;

        snprintf(t->why, sizeof(t->why), "the proxy answered %u: %s", status,
                 status == 407   ? "it wants a name and password, or others (egress_auth_file)"
                 : status == 403 ? "it does not let us through to the exchange"
                 : status >= 500 ? "it does not reach the exchange"
                                 : "it makes no tunnel");
        end(t, NULL);
}

/* The proxy has agreed. */
static void opened(struct tunnel *t)
{
        int r;

        /* Neither TLS nor HTTP has the server speak first. */
        if (buf_length(&t->in) > 0) {
                fail(t, "the proxy sent more than its answer");
                return;
        }
        if (!t->tls) {
                end(t, t->stream);
                return;
        }
        t->is_shaking = true;
        r = stream_secure(t->stream, t->tls, t->host);
        if (r < 0)
                fail(t, stream_why(t->stream));
}

static void take_answer(struct tunnel *t)
{
        struct http_error error;
        size_t n;
        int r;

        do {
                /* A GET's answer has a body where its head says so; what this one says of it is of
                 * no interest: behind 2xx comes the tunnel, behind all else the end. */
                r = http_parse_response(buf_str(&t->in), &t->parse_from, HTTP_GET, &t->head,
                                        &error);
                if (r == HTTP_SHORT)
                        return;
                if (r == HTTP_BAD) {
                        fail(t, "the proxy's answer is not HTTP/1.1");
                        return;
                }
                n = t->head.head_bytes;
                buf_consume(&t->in, n);
                t->parse_from = 0;
        } while (t->head.status < 200 && t->head.status != 101);
        if (t->head.status >= 200 && t->head.status < 300)
                opened(t);
        else
                refused(t);
}

/* Return: whether there may be more to read. */
static bool pull_once(struct tunnel *t)
{
        ssize_t n;

        if (buf_reserve(&t->in, READ_BYTES) < 0) {
                fail(t, "the proxy's answer is too long");
                return false;
        }
        n = stream_read(t->stream, buf_tail(&t->in), buf_room(&t->in));
        if (n == -EAGAIN)
                return false;
        if (n <= 0) {
                snprintf(t->why, sizeof(t->why), "the proxy closed the connection%s%s",
                         n < 0 ? ": " : "", n < 0 ? stream_why(t->stream) : "");
                end(t, NULL);
                return false;
        }
        buf_commit(&t->in, (size_t)n);
        take_answer(t);
        return t->stream != NULL && !t->is_shaking;
}

/* An edge is told once: until nothing is left. */
static void pull(struct tunnel *t)
{
        while (pull_once(t))
                ;
}

static void on_stream(void *ctx, unsigned what)
{
        struct tunnel *t = ctx;
        char byte;

        if (t->is_shaking) {
                if (what & STREAM_OPEN) {
                        end(t, t->stream);
                        return;
                }
                /* Before it is open only failures are told; reading gives the errno. */
                must(stream_read(t->stream, &byte, 1) < 0);
                fail(t, stream_why(t->stream));
                return;
        }
        if ((what & LOOP_WRITE) && !push(t))
                return;
        if (what & (LOOP_READ | LOOP_HANGUP))
                pull(t);
}

/* The first piece is written from the loop, so that a failure has a callback to be told by. */
static void on_start(void *ctx)
{
        struct tunnel *t = ctx;

        if (push(t))
                pull(t);
}

int tunnel_start(struct loop *loop, struct stream *stream, const struct tunnel_config *config,
                 tunnel_fn fn, void *ctx, struct tunnel **ret_tunnel)
{
        struct tunnel *t = calloc(1, sizeof(*t));
        int r = -ENOMEM;

        if (t) {
                t->loop = loop;
                t->stream = stream;
                t->host = config->host;
                t->tls = config->tls;
                t->since_us = loop_now_us(loop);
                t->timeout_us = config->timeout_us;
                t->fn = fn;
                t->ctx = ctx;
                buf_init(&t->in, HTTP_HEAD_MAX + READ_BYTES);
                r = write_request(t, config);
        }
        if (r == 0)
                r = loop_defer(loop, on_start, t);
        if (r < 0) {
                (void)stream_close(stream);
                free(t);
                return r;
        }
        stream_set_owner(stream, on_stream, t);
        *ret_tunnel = t;
        return 0;
}

void tunnel_tick(struct tunnel *t)
{
        if (!t || loop_now_us(t->loop) - t->since_us < t->timeout_us)
                return;
        fail(t, t->is_shaking ? "the server behind the proxy does not answer in time"
                              : "the proxy does not answer in time");
}

struct tunnel *tunnel_stop(struct tunnel *t)
{
        if (!t)
                return NULL;
        t->stream = stream_close(t->stream);
        loop_undefer(t->loop, on_start, t);
        explicit_bzero(t->request, sizeof(t->request));
        loop_bury(t->loop, t, destroy);
        return NULL;
}
