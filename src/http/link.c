#include "http/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* One read: a usual answer with its head fits; larger bodies are read in larger pieces. */
#define LINK_READ      (16 << 10)
#define LINK_READ_MORE (64 << 10)
#define LINK_WHY_MAX   1024

static unsigned *counter_of(struct http_link *link)
{
        struct http_pool_counters *c = &link->pool->counters;

        switch (link->place) {
        case LINK_CONNECTING:
                return &c->connecting;
        case LINK_IDLE:
                return &c->idle;
        default:
                return &c->busy;
        }
}

void http_link_move(struct http_link *link, enum http_link_place place)
{
        must(link->place != LINK_DEAD);
        list_unlink(&link->link);
        --*counter_of(link);
        link->place = place;
        if (place == LINK_DEAD)
                return;
        list_prepend(&link->pool->places[place], &link->link);
        ++*counter_of(link);
}

static void destroy(void *dead)
{
        struct http_link *link = dead;

        buf_deinit(&link->in);
        free(link);
}

void http_link_kill(struct http_link *link)
{
        must(!link->call);
        if (link->place == LINK_DEAD)
                return;
        http_link_move(link, LINK_DEAD);
        list_unlink(&link->due);
        link->connect = connect_stop(link->connect);
        link->tunnel = tunnel_stop(link->tunnel);
        link->stream = stream_close(link->stream);
        loop_bury(link->pool->loop, link, destroy);
}

static struct http_call *detach(struct http_link *link)
{
        struct http_call *call = link->call;

        link->call = NULL;
        call->on = NULL;
        return call;
}

static bool is_written(const struct http_call *call)
{
        return call->n_written == call->head.n + call->body.n;
}

/* Writes what the socket takes. Return: 0, or a negative errno if nothing of the call has left. */
static int push(struct http_link *link)
{
        struct http_call *call = link->call;
        ssize_t n = 0;

        while (!is_written(call) && !link->send_failed) {
                size_t done = call->n_written,
                       in_body = done < call->head.n ? 0 : done - call->head.n;
                struct iovec pieces[2];
                size_t n_pieces = 0;

                if (done < call->head.n)
                        pieces[n_pieces++] =
                                (struct iovec){ (void *)(uintptr_t)(call->head.p + done),
                                                call->head.n - done };
                if (in_body < call->body.n)
                        pieces[n_pieces++] =
                                (struct iovec){ (void *)(uintptr_t)(call->body.p + in_body),
                                                call->body.n - in_body };
                n = stream_writev(link->stream, pieces, n_pieces);
                if (call->sent_us == 0 && stream_sent_mark(link->stream) != call->sent_mark)
                        call->sent_us = loop_now_us(link->pool->loop);
                if (n == -EAGAIN)
                        return 0;
                if (n < 0) {
                        if (call->sent_us == 0)
                                return (int)n;
                        /* The server may have answered before it stopped reading: see what came. */
                        link->send_failed = true;
                        http_pool_due(link);
                        return 0;
                }
                call->n_written += (size_t)n;
                link->progress_us = loop_now_us(link->pool->loop);
        }
        return 0;
}

/*
 * The server has closed it, and we have not come to the event that says so. Asked for what is
 * urgent, orders above all: sent there, their fate would be unknown; a read is just asked again.
 */
static bool is_closed(const struct http_link *link)
{
        char byte;
        ssize_t n = recv(stream_fd(link->stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int http_link_send(struct http_link *link, struct http_call *call)
{
        int r;

        must(link->place == LINK_IDLE && !link->call);
        http_link_move(link, LINK_BUSY);
        link->call = call;
        link->phase = LINK_HEAD;
        link->send_failed = link->is_paused = false;
        link->parse_from = 0;
        link->progress_us = loop_now_us(link->pool->loop);
        call->on = link;
        call->n_written = 0;
        call->has_head = false;
        call->is_reuse = link->has_served;
        call->sent_mark = stream_sent_mark(link->stream);

        r = call->is_urgent && call->is_reuse && is_closed(link) ? -EPIPE : push(link);
        if (r < 0)
                http_link_drop(link);
        return r;
}

void http_link_fail(struct http_link *link, const char *why)
{
        struct http_pool *pool = link->pool;
        struct http_call *call = detach(link);
        enum http_failure kind = call->has_head  ? HTTP_CUT
                                 : call->sent_us ? HTTP_MAYBE_SENT
                                                 : HTTP_NOT_SENT;
        char sentence[LINK_WHY_MAX];

        snprintf(sentence, sizeof(sentence), "%s: %s", pool->name, why);
        http_link_kill(link);
        http_pool_forget(call);
        if (kind == HTTP_NOT_SENT)
                ++pool->counters.not_sent;
        else if (kind == HTTP_MAYBE_SENT)
                ++pool->counters.maybe_sent;
        else
                ++pool->counters.cut;
        /* As in finish(). */
        call->ops->failed(call, kind, sentence);
        http_pool_refill(pool);
}

void http_link_drop(struct http_link *link)
{
        (void)detach(link);
        http_link_kill(link);
}

/* The connection is of no use. A call that nothing left of goes to another. */
static void lose(struct http_link *link, const char *why)
{
        struct http_pool *pool = link->pool;
        struct http_call *call;

        if (link->call->sent_us > 0 || pool->is_closing) {
                http_link_fail(link, why);
                return;
        }
        call = detach(link);
        http_link_kill(link);
        http_pool_requeue(pool, call, why);
}

/* The answer is complete and nothing follows it. */
static void finish(struct http_link *link)
{
        struct http_pool *pool = link->pool;
        struct http_call *call = detach(link);

        http_pool_forget(call);
        link->has_served = true;
        if (link->keep)
                http_pool_release(link);
        else
                http_link_kill(link);
        /* What the answer means is known before the next one leaves: it may be that none may. */
        call->ops->done(call);
        http_pool_refill(pool);
}

/* Return: true when there may be more to do with what is buffered. */
static bool take_head(struct http_link *link)
{
        struct http_call *call = link->call;
        struct http_head *head = &link->pool->head;
        struct http_error error;
        char why[256];
        size_t n;
        int r;

        r = http_parse_response(buf_str(&link->in), &link->parse_from, call->method, head, &error);
        if (r == HTTP_SHORT)
                return false;
        if (r == HTTP_BAD) {
                snprintf(why, sizeof(why), "the answer is not HTTP/1.1: %s", error.why);
                http_link_fail(link, why);
                return false;
        }
        /* An Upgrade is between two machines, so none was passed on. */
        if (head->status == 101) {
                http_link_fail(link, "the answer switches to a protocol that was not asked for");
                return false;
        }
        if (head->status < 200) {
                buf_consume(&link->in, head->head_bytes);
                return true;
        }
        /* An answer to half a request is the last one. */
        link->keep = head->keep_alive && is_written(call) && !link->send_failed;
        link->framing = head->framing;
        link->left = head->content_length;
        link->chunked = HTTP_CHUNKED_NULL;
        link->phase = LINK_BODY;
        if (head->framing == HTTP_BODY_NONE ||
            (head->framing == HTTP_BODY_LENGTH && link->left == 0))
                link->phase = LINK_ENDED;
        else if (head->framing == HTTP_BODY_UNTIL_CLOSE)
                link->keep = false;
        call->has_head = true;
        n = head->head_bytes; /* the callback may start a call, whose link parses into the same head
                               */
        call->ops->head(call, head);
        if (link->place == LINK_DEAD)
                return false;
        buf_consume(&link->in, n);
        return true;
}

/* Return: as above. */
static bool take_body(struct http_link *link)
{
        struct http_call *call = link->call;
        struct str payload = buf_str(&link->in);
        size_t used = payload.n;
        int r = HTTP_SHORT;

        switch (link->framing) {
        case HTTP_BODY_LENGTH:
                if (payload.n > link->left)
                        payload.n = used = (size_t)link->left;
                link->left -= used;
                if (link->left == 0)
                        r = HTTP_DONE;
                break;
        case HTTP_BODY_CHUNKED:
                r = http_chunked_next(&link->chunked, payload, &used, &payload);
                break;
        default:
                break;
        }
        if (r == HTTP_DONE)
                link->phase = LINK_ENDED;
        if (payload.n > 0) {
                call->ops->data(call, payload);
                if (link->place == LINK_DEAD)
                        return false;
        }
        if (r == HTTP_BAD) {
                http_link_fail(link, "the answer's chunks are malformed");
                return false;
        }
        buf_consume(&link->in, used);
        return true;
}

/* Return: false if the link is dead, paused, or has another call: nothing more to read now. */
static bool process(struct http_link *link)
{
        bool more = true;

        while (more && !link->is_paused && link->phase != LINK_ENDED && buf_length(&link->in) > 0)
                more = link->phase == LINK_HEAD ? take_head(link) : take_body(link);
        if (link->place == LINK_DEAD || link->is_paused)
                return false;
        if (link->phase != LINK_ENDED)
                return true;
        if (buf_length(&link->in) > 0) {
                ++link->pool->counters.unsolicited;
                link->keep = false;
        }
        if (link->keep)
                return true; /* reads once more: is there something that nobody asked for? */
        finish(link);
        return false;
}

/* Reading ended with 0 or an errno. */
static void on_end(struct http_link *link, ssize_t n)
{
        const char *why = stream_why(link->stream);
        char text[512];

        if (!link->call) {
                struct http_pool *pool = link->pool;

                ++pool->counters.idle_lost;
                http_link_kill(link);
                http_pool_refill(pool);
                return;
        }
        if (n == 0 && link->phase == LINK_BODY && link->framing == HTTP_BODY_UNTIL_CLOSE)
                link->phase = LINK_ENDED;
        if (link->phase == LINK_ENDED) {
                link->keep = false;
                finish(link);
                return;
        }
        snprintf(text, sizeof(text), "%s %s%s%s",
                 n == 0 ? "the server closed the connection" : "the connection broke",
                 link->phase == LINK_BODY    ? "within its answer"
                 : buf_length(&link->in) > 0 ? "within the head of its answer"
                                             : "without an answer",
                 n == 0 ? "" : ": ", n == 0 ? "" : why);
        lose(link, text);
}

static int reserve(struct http_link *link)
{
        bool is_large = link->phase == LINK_BODY && link->left > LINK_READ;

        return buf_reserve(&link->in, is_large ? LINK_READ_MORE : LINK_READ);
}

void http_link_pump(struct http_link *link)
{
        bool has_asked = false;
        ssize_t n;

        for (;;) {
                if (link->call && !process(link))
                        return;
                if (reserve(link) < 0) {
                        /* Cannot be for size: a head is refused before the buffer is full. */
                        if (link->call)
                                http_link_fail(link, "no memory for its answer");
                        return;
                }
                n = stream_read(link->stream, buf_tail(&link->in), buf_room(&link->in));
                if (n == -EAGAIN && link->call && link->phase != LINK_ENDED && !has_asked) {
                        /* Half an answer: is that all because the connection broke? */
                        has_asked = true;
                        stream_ask_again(link->stream);
                        continue;
                }
                if (n == -EAGAIN) {
                        if (link->call && link->phase == LINK_ENDED)
                                finish(link);
                        return;
                }
                if (n <= 0) {
                        on_end(link, n);
                        return;
                }
                buf_commit(&link->in, (size_t)n);
                link->progress_us = loop_now_us(link->pool->loop);
                if (!link->call) {
                        struct http_pool *pool = link->pool;

                        ++pool->counters.unsolicited;
                        http_link_kill(link);
                        http_pool_refill(pool);
                        return;
                }
        }
}

static void on_stream(void *ctx, unsigned what)
{
        struct http_link *link = ctx;
        int r;

        if ((what & LOOP_WRITE) && link->call) {
                /* The socket was full when the owner was asked. */
                if (link->call->sent_us == 0 && !http_call_may_leave(link->call)) {
                        http_link_fail(link, HTTP_CALL_LATE);
                        return;
                }
                r = push(link);
                if (r < 0) {
                        lose(link, stream_why(link->stream));
                        return;
                }
        }
        if (what & (LOOP_READ | LOOP_HANGUP))
                http_link_pump(link);
}

static void cannot_open(struct http_link *link, const char *why)
{
        struct http_pool *pool = link->pool;

        http_link_kill(link);
        http_pool_unreachable(pool, why);
}

static void on_open(struct http_link *link, struct stream *stream)
{
        struct http_pool *pool = link->pool;

        link->stream = stream;
        stream_set_owner(stream, on_stream, link);
        link->opened_us = loop_now_us(pool->loop);
        http_link_pump(link); /* tickets, and whatever came with the opening */
        if (link->place == LINK_CONNECTING)
                http_pool_opened(link);
}

static void on_tunnel(void *ctx, struct stream *stream, const char *why)
{
        struct http_link *link = ctx;

        link->tunnel = NULL;
        if (stream)
                on_open(link, stream);
        else
                cannot_open(link, why);
}

static void dig(struct http_link *link, struct stream *stream)
{
        struct http_pool *pool = link->pool;
        struct tunnel_config config = {
                .host = pool->host,
                .port = pool->config.port,
                .login = str_of(pool->login),
                .tls = pool->config.tls,
                .timeout_us = pool->config.connect_timeout_us,
        };
        int r = tunnel_start(pool->loop, stream, &config, on_tunnel, link, &link->tunnel);

        if (r < 0)
                cannot_open(link, strerror(-r));
}

static void on_connected(void *ctx, struct stream *stream, const char *why)
{
        struct http_link *link = ctx;
        struct http_pool *pool = link->pool;

        pool->address_first = connect_index(link->connect) + (stream ? 0 : 1);
        link->connect = NULL;
        if (!stream)
                cannot_open(link, why);
        else if (pool->proxy)
                dig(link, stream);
        else
                on_open(link, stream);
}

void http_link_tick(struct http_link *link)
{
        if (link->connect)
                connect_tick(link->connect);
        else
                tunnel_tick(link->tunnel);
}

int http_link_open(struct http_pool *pool, const struct address_list *addresses)
{
        struct connect_config config = {
                .addresses = addresses,
                .first = pool->address_first,
                .from = pool->from.length > 0 ? &pool->from : NULL,
                .tls = pool->proxy ? NULL : pool->config.tls,
                .name = pool->host,
                .timeout_us = pool->config.connect_timeout_us,
        };
        struct http_link *link = calloc(1, sizeof(*link));
        int r;

        if (!link)
                return -ENOMEM;
        link->pool = pool;
        list_init(&link->due);
        buf_init(&link->in, HTTP_HEAD_MAX + LINK_READ_MORE);
        r = connect_start(pool->loop, &config, on_connected, link, &link->connect);
        if (r < 0) {
                free(link);
                return r;
        }
        link->place = LINK_CONNECTING;
        list_append(&pool->places[LINK_CONNECTING], &link->link);
        ++pool->counters.connecting;
        return 0;
}

const char *http_link_late(const struct http_link *link, uint64_t now_us)
{
        const struct http_call *call = link->call;

        if (link->phase == LINK_HEAD && now_us >= call->deadline_us)
                return "no answer in time";
        if (link->is_paused || (link->phase == LINK_HEAD && is_written(call)))
                return NULL;
        if (now_us - link->progress_us < link->pool->config.progress_timeout_us)
                return NULL;
        return link->phase == LINK_HEAD ? "takes no more of the request"
                                        : "the answer stopped midway";
}
