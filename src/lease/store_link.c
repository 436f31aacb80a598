#include "lease/store_link.h"

#include "base/buf.h"
#include "net/connect.h"
#include "net/resolve.h"
#include "net/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two ops with the function's text. */
#define LINK_OUT_MAX (4 * OP_TEXT_MAX)
/* The largest reply; what goes on beyond is none of ours. */
#define LINK_REPLY_MAX (4 * OP_TEXT_MAX)
#define LINK_READ      (16 << 10)
/* What a server that wants TLS answers to what is none: an alert. */
#define TLS_ALERT 0x15

struct store_link {
        struct loop *loop;
        struct store_link_callbacks on;
        void *ctx;
        struct store_host host;
        struct tls *tls;
        struct resolver *resolver;
        struct connect *connect;
        struct stream *stream;
        redisReader *reader;
        size_t n_unfinished; /* bytes since the last whole reply */
        struct buf out;
        int first; /* the first byte that it said; -1: it has said nothing */
        uint64_t started_us;
        bool is_broken; /* told, or stopped */
        char why[STORE_LINK_WHY];
};

static void destroy(void *dead)
{
        struct store_link *link = dead;

        if (link->out.data)
                explicit_bzero(link->out.data, link->out.size);
        buf_deinit(&link->out);
        redisReaderFree(link->reader);
        free(link);
}

static void let_go(struct store_link *link)
{
        link->is_broken = true;
        link->connect = connect_stop(link->connect);
        link->resolver = resolve_stop(link->resolver);
        link->stream = stream_close(link->stream);
}

static void tell_broken(void *ctx)
{
        struct store_link *link = ctx;

        link->on.on_broken(link->ctx, link, link->why);
}

/* @why may die with what let_go() closes. */
static void fail(struct store_link *link, const char *why)
{
        if (link->is_broken)
                return;
        snprintf(link->why, sizeof(link->why), "%s", why);
        let_go(link);
        tell_broken(link);
}

/* The same from inside a function that the owner has called. */
static void fail_later(struct store_link *link, const char *why)
{
        snprintf(link->why, sizeof(link->why), "%s", why);
        let_go(link);
        if (loop_defer(link->loop, tell_broken, link) < 0)
                tell_broken(link); /* without memory for a word: now or never */
}

/* @why the connection broke, to @to: what ends it at once may want TLS. Return: @to. */
static const char *broken_why(const struct store_link *link, const char *why,
                              char to[STORE_LINK_WHY])
{
        bool is_hint = !link->tls && link->host.name[0] && link->first < 0;

        snprintf(to, STORE_LINK_WHY, "%s%s", why,
                 is_hint ? " before it had said anything: does it want TLS (rediss://)?" : "");
        return to;
}

/* Return: 0, also when the rest waits for the socket; or a negative errno. */
static int push(struct store_link *link)
{
        while (buf_length(&link->out) > 0) {
                ssize_t n =
                        stream_write(link->stream, buf_str(&link->out).p, buf_length(&link->out));

                if (n == -EAGAIN)
                        return 0;
                if (n < 0)
                        return (int)n;
                /* A password may have been in it. */
                explicit_bzero(link->out.data + link->out.start, (size_t)n);
                buf_consume(&link->out, (size_t)n);
        }
        return 0;
}

/* Hands over the replies that are whole. */
static void take_replies(struct store_link *link)
{
        while (!link->is_broken) {
                void *reply = NULL;

                if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
                        fail(link, link->first == TLS_ALERT
                                           ? "it answers in TLS: say rediss:// instead of redis://"
                                           : "it does not answer as a Redis does");
                        return;
                }
                if (!reply)
                        return;
                link->n_unfinished = 0;
                link->on.on_reply(link->ctx, link, reply);
                freeReplyObject(reply);
        }
}

static void pull(struct store_link *link)
{
        char bytes[LINK_READ], why[STORE_LINK_WHY];

        while (!link->is_broken) {
                ssize_t n = stream_read(link->stream, bytes, sizeof(bytes));

                if (n == -EAGAIN)
                        return;
                if (n <= 0) {
                        fail(link, broken_why(link,
                                              n == 0 ? "it closed the connection"
                                                     : stream_why(link->stream),
                                              why));
                        return;
                }
                if (link->first < 0)
                        link->first = (unsigned char)bytes[0];
                link->n_unfinished += (size_t)n;
                if (link->n_unfinished > LINK_REPLY_MAX ||
                    redisReaderFeed(link->reader, bytes, (size_t)n) != REDIS_OK) {
                        fail(link, "it answers more than a store has to say");
                        return;
                }
                take_replies(link);
        }
}

static void on_stream(void *ctx, unsigned what)
{
        struct store_link *link = ctx;
        char why[STORE_LINK_WHY];

        if ((what & LOOP_WRITE) && push(link) < 0) {
                fail(link, broken_why(link, stream_why(link->stream), why));
                return;
        }
        if (what & (LOOP_READ | LOOP_HANGUP))
                pull(link);
}

static void on_connected(void *ctx, struct stream *stream, const char *why)
{
        struct store_link *link = ctx;

        link->connect = NULL;
        if (!stream) {
                fail(link, why);
                return;
        }
        link->stream = stream;
        stream_set_owner(stream, on_stream, link);
        link->on.on_open(link->ctx, link);
        if (!link->is_broken)
                pull(link);
}

static int begin(struct store_link *link, const struct address_list *addresses)
{
        struct connect_config config = {
                .addresses = addresses,
                .tls = link->tls,
                .name = link->host.name,
                .timeout_us = STORE_CONNECT_US,
        };

        return connect_start(link->loop, &config, on_connected, link, &link->connect);
}

static void on_resolved(void *ctx)
{
        struct store_link *link = ctx;
        const struct address_list *found = resolve_addresses(link->resolver);
        int r;

        if (link->is_broken || link->connect || link->stream)
                return;
        if (found->n == 0) {
                fail(link, resolve_why(link->resolver));
                return;
        }
        r = begin(link, found);
        if (r < 0)
                fail(link, strerror(-r));
}

/* By name: at once when the name is an address, else when it has been looked up. */
static int look_up(struct store_link *link)
{
        int r = resolve_start(link->loop, link->host.name, link->host.port, 0, on_resolved, link,
                              &link->resolver);

        if (r == 0 && resolve_addresses(link->resolver)->n > 0)
                r = begin(link, resolve_addresses(link->resolver));
        return r;
}

int store_link_start(struct loop *loop, const struct store_host *host, const char *path,
                     struct tls *tls, const struct store_link_callbacks *callbacks, void *ctx,
                     struct store_link **ret_link)
{
        struct store_link *link = calloc(1, sizeof(*link));
        struct address_list one = { .n = 1 };
        int r = -ENOMEM;

        if (!link)
                return r;
        *link = (struct store_link){
                .loop = loop, .on = *callbacks, .ctx = ctx, .tls = tls, .first = -1
        };
        buf_init(&link->out, LINK_OUT_MAX);
        link->started_us = loop_now_us(loop);
        link->reader = redisReaderCreate();
        if (link->reader && host) {
                link->host = *host;
                r = look_up(link);
        } else if (link->reader) {
                r = address_from_path(str_of(path), &one.addresses[0]);
                if (r == 0)
                        r = begin(link, &one);
        }
        if (r < 0) {
                (void)resolve_stop(link->resolver);
                destroy(link);
                return r;
        }
        *ret_link = link;
        return 0;
}

void store_link_tick(struct store_link *link)
{
        if (link->is_broken || link->stream)
                return;
        if (link->connect)
                connect_tick(link->connect);
        if (!link->is_broken && !link->stream &&
            loop_now_us(link->loop) - link->started_us > STORE_CONNECT_US)
                fail(link,
                     link->connect ? "no connection in time" : "its name was not found in time");
}

int store_link_send(struct store_link *link, int n, const char **words, const size_t *lengths)
{
        char *command = NULL, why[STORE_LINK_WHY];
        int length, r;

        if (link->is_broken || !link->stream)
                return -ENOTCONN;
        length = (int)redisFormatCommandArgv(&command, n, words, lengths);
        if (length < 0)
                return -ENOMEM;
        r = buf_append(&link->out, command, (size_t)length);
        explicit_bzero(command, (size_t)length);
        redisFreeCommand(command);
        if (r == 0 && push(link) < 0)
                fail_later(link, broken_why(link, stream_why(link->stream), why));
        return r;
}

struct store_link *store_link_stop(struct store_link *link)
{
        if (!link)
                return NULL;
        let_go(link);
        loop_undefer(link->loop, tell_broken, link);
        loop_bury(link->loop, link, destroy);
        return NULL;
}
