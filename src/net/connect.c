#include "net/connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_WHY_MAX 512

struct connect {
        struct loop *loop;
        struct address_list addresses;
        struct address from;   /* of length 0: any */
        size_t first, n_tried; /* the one being tried counts */
        struct tls *tls;
        const char *name;
        uint64_t share_us, since_us;
        struct stream *stream;
        connect_fn fn;
        void *ctx;
        char why[CONNECT_WHY_MAX];
};

static void on_stream(void *ctx, unsigned what);

/* Adds to what is known: the last address may have failed for a duller reason than the first. */
static void note_failure(struct connect *c, const char *reason)
{
        char text[ADDRESS_TEXT_MAX];
        size_t n = strlen(c->why);

        snprintf(c->why + n, sizeof(c->why) - n, "%s%s: %s", n > 0 ? "; " : "",
                 address_print(&c->addresses.addresses[connect_index(c)], text), reason);
}

/* A socket of @a's kind that leaves from @from. Return: it, or a negative errno. */
static int open_from(const struct address *a, const struct address *from)
{
        int fd, r = 0, one = 1;

        if (from->length > 0 && from->socket.ss_family != a->socket.ss_family)
                return -EAFNOSUPPORT;
        fd = socket(a->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (from->length > 0) {
                /* The port is chosen when it is known where to: else each could be used only once,
                 * wherever it goes. */
                (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
                if (bind(fd, (const struct sockaddr *)&from->socket, from->length) < 0)
                        r = -errno;
        }
        if (r < 0)
                close(fd);
        return r < 0 ? r : fd;
}

int connect_check_from(const struct address *from)
{
        int fd = open_from(from, from);

        if (fd < 0)
                return fd;
        close(fd);
        return 0;
}

static const char *reason_of(int error)
{
        return error == -EAFNOSUPPORT ? "not of the kind of address (IPv4, IPv6) that we leave from"
               : error == -EADDRNOTAVAIL
                       ? "the address that we leave from is not there, or all its "
                         "ports are in use"
                       : strerror(-error);
}

/* Return: 0 when an address is being tried, else the last one's error: none is left. */
static int try_next(struct connect *c)
{
        int r = -EHOSTUNREACH;

        while (c->n_tried < c->addresses.n) {
                const struct address *a;
                int fd;

                ++c->n_tried;
                a = &c->addresses.addresses[connect_index(c)];
                fd = open_from(a, &c->from);
                r = fd < 0 ? fd : 0;
                if (r == 0 && connect(fd, (const struct sockaddr *)&a->socket, a->length) < 0 &&
                    errno != EINPROGRESS) {
                        r = -errno;
                        close(fd);
                }
                if (r == 0)
                        r = stream_adopt(c->loop, fd, c->tls, c->name, on_stream, c, &c->stream);
                if (r == 0) {
                        c->since_us = loop_now_us(c->loop);
                        return 0;
                }
                note_failure(c, reason_of(r));
        }
        return r;
}

static void end(struct connect *c, struct stream *stream)
{
        connect_fn fn = c->fn;
        void *ctx = c->ctx;

        /* Buried, not freed: c->why lives through the callback. */
        (void)connect_stop(c);
        fn(ctx, stream, c->why);
}

static void on_stream(void *ctx, unsigned what)
{
        struct connect *c = ctx;
        struct stream *stream = c->stream;
        char byte;

        if (what & STREAM_OPEN) {
                c->stream = NULL;
                end(c, stream);
                return;
        }
        /* Before it is open only failures are told; reading gives the errno. */
        must(stream_read(stream, &byte, 1) < 0);
        note_failure(c, stream_why(stream));
        c->stream = stream_close(stream);
        if (try_next(c) < 0)
                end(c, NULL);
}

static void on_nothing_to_try(void *ctx)
{
        end(ctx, NULL);
}

int connect_start(struct loop *loop, const struct connect_config *config, connect_fn fn, void *ctx,
                  struct connect **ret_connect)
{
        struct connect *c;
        int r;

        if (config->addresses->n == 0)
                return -EINVAL;
        c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct connect){
                .loop = loop,
                .addresses = *config->addresses,
                .first = config->first,
                .tls = config->tls,
                .name = config->name,
                .share_us = config->timeout_us / config->addresses->n,
                .fn = fn,
                .ctx = ctx,
        };
        if (config->from)
                c->from = *config->from;
        if (try_next(c) < 0) {
                r = loop_defer(loop, on_nothing_to_try, c);
                if (r < 0) {
                        free(c);
                        return r;
                }
        }
        *ret_connect = c;
        return 0;
}

/* Whether it is TLS only that is missing. */
static bool is_shaking(const struct connect *c)
{
        struct sockaddr_storage peer;
        socklen_t length = sizeof(peer);

        return c->tls && getpeername(stream_fd(c->stream), (struct sockaddr *)&peer, &length) == 0;
}

void connect_tick(struct connect *c)
{
        char reason[96];

        if (!c->stream || loop_now_us(c->loop) - c->since_us < c->share_us)
                return;
        snprintf(reason, sizeof(reason),
                 is_shaking(c) ? "no answer within %llu ms to the TLS handshake: does it speak TLS?"
                               : "no answer within %llu ms",
                 (unsigned long long)(c->share_us / US_PER_MS));
        note_failure(c, reason);
        c->stream = stream_close(c->stream);
        if (try_next(c) < 0)
                end(c, NULL);
}

size_t connect_index(const struct connect *c)
{
        return (c->first + c->n_tried - 1) % c->addresses.n;
}

struct connect *connect_stop(struct connect *c)
{
        if (!c)
                return NULL;
        c->stream = stream_close(c->stream);
        loop_undefer(c->loop, on_nothing_to_try, c);
        loop_bury(c->loop, c, free);
        return NULL;
}
