#include "http/connection.h"
#include "http/server.h"
#include "http/write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const struct http_head *http_exchange_head(const struct http_exchange *exchange)
{
        return &exchange->head;
}

struct str http_exchange_body(const struct http_exchange *exchange)
{
        return str_from(buf_str(&exchange->in).p + exchange->head.head_bytes, exchange->body_bytes);
}

const char *http_exchange_peer(struct http_exchange *exchange)
{
        struct sockaddr_storage address = { 0 };
        socklen_t length = sizeof(address);

        if (exchange->peer[0] != '\0' || !exchange->stream)
                return exchange->peer;
        if (getpeername(stream_fd(exchange->stream), (struct sockaddr *)&address, &length) < 0)
                return exchange->peer;
        if (address.ss_family == AF_INET)
                inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, exchange->peer,
                          sizeof(exchange->peer));
        else if (address.ss_family == AF_INET6)
                inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, exchange->peer,
                          sizeof(exchange->peer));
        else
                str_copy(STR_LITERAL("unix"), exchange->peer, sizeof(exchange->peer));
        return exchange->peer;
}

const char *http_exchange_peer_name(struct http_exchange *exchange)
{
        const char *peer = http_exchange_peer(exchange);
        uid_t user;

        if (exchange->peer_user[0] != '\0')
                return exchange->peer_user;
        if (strcmp(peer, "unix") != 0 || http_exchange_peer_user(exchange, &user) < 0)
                return peer;
        snprintf(exchange->peer_user, sizeof(exchange->peer_user), "unix:uid %u", (unsigned)user);
        return exchange->peer_user;
}

int http_exchange_local(const struct http_exchange *exchange, struct address *ret_address)
{
        struct address address = { .length = sizeof(address.socket) };

        if (!exchange->stream ||
            getsockname(stream_fd(exchange->stream), (struct sockaddr *)&address.socket,
                        &address.length) < 0)
                return -ENOTCONN;
        *ret_address = address;
        return 0;
}

int http_exchange_peer_user(const struct http_exchange *exchange, uid_t *ret_user)
{
        struct address local;
        struct ucred peer;
        socklen_t length = sizeof(peer);
        int r = http_exchange_local(exchange, &local);

        if (r < 0)
                return r;
        /* A TCP socket has no such thing, and says so by a user that nobody is. */
        if (local.socket.ss_family != AF_UNIX)
                return -ENOTSUP;
        if (getsockopt(stream_fd(exchange->stream), SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
            length != sizeof(peer) || peer.uid == (uid_t)-1)
                return -ENOTCONN;
        *ret_user = peer.uid;
        return 0;
}

bool http_exchange_is_tls(const struct http_exchange *exchange)
{
        return exchange->server->config.tls != NULL;
}

bool http_exchange_is_vouched(const struct http_exchange *exchange)
{
        return exchange->stream && stream_is_vouched(exchange->stream);
}

void http_exchange_set_user(struct http_exchange *exchange, void *user)
{
        exchange->user = user;
}

uint64_t http_exchange_connection(const struct http_exchange *exchange)
{
        return exchange->serial;
}

void http_exchange_set_label(struct http_exchange *exchange, struct str label)
{
        str_copy(label, exchange->label, sizeof(exchange->label));
}

const char *http_exchange_label(const struct http_exchange *exchange)
{
        return exchange->label;
}

int http_exchange_write_label(struct http_exchange *exchange)
{
        struct str field = exchange->server->config.label_field;

        if (field.n == 0 || exchange->label[0] == '\0')
                return 0;
        return http_write_field(&exchange->out, field, str_of(exchange->label));
}

void *http_exchange_ctx(const struct http_exchange *exchange)
{
        return exchange->server->ctx;
}

void *http_exchange_user(const struct http_exchange *exchange)
{
        return exchange->user;
}

bool http_exchange_is_gone(const struct http_exchange *exchange)
{
        return exchange->is_hung_up;
}

bool http_exchange_has_left(const struct http_exchange *exchange)
{
        struct pollfd socket = { .fd = -1, .events = POLLRDHUP };

        if (exchange->is_hung_up || !exchange->stream)
                return true;
        socket.fd = stream_fd(exchange->stream);
        return poll(&socket, 1, 0) > 0;
}

bool http_exchange_may_keep_alive(const struct http_exchange *exchange)
{
        return exchange->head.keep_alive && !exchange->is_hung_up && !exchange->server->is_retiring;
}

struct buf *http_exchange_out(struct http_exchange *exchange)
{
        return &exchange->out;
}

int http_exchange_write_connection(struct http_exchange *exchange, bool keep_alive)
{
        struct str name = STR_LITERAL("Connection");

        exchange->says_close = !keep_alive || !http_exchange_may_keep_alive(exchange);
        if (exchange->says_close)
                return http_write_field(&exchange->out, name, STR_LITERAL("close"));
        if (exchange->head.minor_version == 0)
                return http_write_field(&exchange->out, name, STR_LITERAL("keep-alive"));
        return 0;
}

int http_exchange_flush(struct http_exchange *exchange)
{
        struct http_exchange *x = exchange;

        must(x->phase == PHASE_BUSY);
        if (x->stream && connection_send(x) < 0)
                connection_lose(x);
        connection_settle(x);
        if (!x->stream) {
                buf_clear(&x->out);
                if (!x->is_told)
                        ++x->server->counters.gone;
                x->is_told = true;
                return -EPIPE;
        }
        if (buf_length(&x->out) <= x->server->config.output_high)
                return HTTP_FLUSHED;
        x->is_paused = true;
        return HTTP_FULL;
}

void http_exchange_end(struct http_exchange *exchange, bool keep_alive)
{
        struct http_exchange *x = exchange;

        must(x->phase == PHASE_BUSY);
        /* A client that was not told of the end may ask again: its next answer tells it. */
        x->keep_alive = keep_alive && x->head.keep_alive && !x->is_hung_up && !x->says_close &&
                        !x->server->is_draining;
        x->phase = PHASE_FLUSH;
        if (!x->stream || connection_send(x) < 0) {
                connection_die(x);
                return;
        }
        /* The next request may be there already: it is handed over when this call is over. */
        x->is_called = true;
        connection_run(x);
        x->is_called = false;
}

void http_exchange_close(struct http_exchange *exchange)
{
        must(exchange->phase == PHASE_BUSY);
        if (exchange->stream)
                (void)!connection_send(exchange);
        connection_die(exchange);
}

void http_exchange_abort(struct http_exchange *exchange)
{
        static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

        must(exchange->phase == PHASE_BUSY);
        /* A body that ends with the connection would look complete after an orderly close. */
        if (exchange->stream)
                (void)setsockopt(stream_fd(exchange->stream), SOL_SOCKET, SO_LINGER, &reset,
                                 sizeof(reset));
        connection_die(exchange);
}

void http_exchange_reply(struct http_exchange *exchange, unsigned status, struct str content_type,
                         const struct http_field *fields, size_t n_fields, struct str body)
{
        bool has_length = status >= 200 && status != 204 && status != 304;
        bool has_body = has_length && exchange->head.method != HTTP_HEAD;
        struct buf *out = &exchange->out;
        int r;

        r = http_write_status_line(out, status, STR_NULL);
        if (r == 0 && content_type.n > 0)
                r = http_write_field(out, STR_LITERAL("Content-Type"), content_type);
        if (r == 0 && has_length)
                r = http_write_content_length(out, body.n);
        for (size_t i = 0; r == 0 && i < n_fields; ++i)
                r = http_write_field(out, fields[i].name, fields[i].value);
        if (r == 0)
                r = http_exchange_write_label(exchange);
        if (r == 0)
                r = http_exchange_write_connection(exchange, true);
        if (r == 0)
                r = http_write_head_end(out);
        if (r == 0 && has_body)
                r = buf_append_str(out, body);
        if (r < 0)
                http_exchange_abort(exchange);
        else
                http_exchange_end(exchange, true);
}
