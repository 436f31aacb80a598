#include "http/server.h"

#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t patience(const struct http_server *server, enum deadline deadline)
{
        const struct http_server_config *config = &server->config;

        switch (deadline) {
        case DEADLINE_IDLE:
                return config->idle_timeout_us;
        case DEADLINE_HEAD:
                return config->head_timeout_us;
        case DEADLINE_BODY:
                return config->body_timeout_us;
        case DEADLINE_WRITE:
                return config->write_timeout_us;
        case DEADLINE_LINGER:
                return config->linger_timeout_us;
        default:
                return UINT64_MAX;
        }
}

/*
 * A request may have come while this process had no turn, and not have been looked at yet: to close
 * on it would reset the connection, and its client could not know whether it was taken.
 */
static bool is_idle_still(struct http_exchange *x)
{
        uint64_t since_us = x->since_us;

        stream_ask_again(x->stream);
        x->may_read = true;
        connection_run(x);
        return x->phase == PHASE_IDLE && x->since_us == since_us;
}

/* Leaves the list, or begins anew in it. */
static void expire(struct http_exchange *x)
{
        enum deadline deadline = x->deadline;

        if (deadline == DEADLINE_IDLE && !is_idle_still(x))
                return;
        x->is_new_turn = true;
        if (deadline != DEADLINE_IDLE && deadline != DEADLINE_LINGER)
                ++x->server->counters.late;
        if (deadline == DEADLINE_WRITE)
                connection_lose(x);
        else if (x->phase == PHASE_HEAD || x->phase == PHASE_BODY)
                connection_refuse(x, 408, "the request did not arrive in time");
        else
                connection_die(x);
        connection_run(x);
}

static void sweep(void *ctx)
{
        struct http_server *server = ctx;
        uint64_t now = loop_now_us(server->loop);

        for (enum deadline d = 0; d < DEADLINE_NONE; ++d) {
                struct list *first;

                while ((first = list_first(&server->exchanges[d]))) {
                        struct http_exchange *x = container_of(first, struct http_exchange, link);

                        if (now < x->since_us + patience(server, d))
                                break;
                        expire(x);
                }
        }
        if (server->is_retiring && server->counters.open == 0 && !server->is_empty_told) {
                server->is_empty_told = true;
                if (server->ops->empty)
                        server->ops->empty(server->ctx);
        }
}

/* A quarter of the shortest patience, between ten milliseconds and a second. */
static uint64_t sweep_period(const struct http_server *server)
{
        uint64_t period = MS_PER_SECOND * US_PER_MS;

        for (enum deadline d = 0; d < DEADLINE_NONE; ++d)
                if (patience(server, d) / 4 < period)
                        period = patience(server, d) / 4;
        return period < 10 * US_PER_MS ? 10 * US_PER_MS : period;
}

int http_server_new(struct loop *loop, const struct http_server_config *config,
                    const struct http_server_ops *ops, void *ctx, struct http_server **ret_server)
{
        struct http_server *server;
        int r;

        must(config->output_low <= config->output_high &&
             config->output_high <= config->output_max);
        server = calloc(1, sizeof(*server));
        if (!server)
                return -ENOMEM;
        server->loop = loop;
        server->config = *config;
        server->ops = ops;
        server->ctx = ctx;
        for (enum deadline d = 0; d < DEADLINES; ++d)
                list_init(&server->exchanges[d]);
        r = loop_timer_new(loop, sweep, server, &server->timer);
        if (r < 0) {
                free(server);
                return r;
        }
        *ret_server = server;
        return 0;
}

static void close_listeners(struct http_server *server)
{
        while (server->n_listeners > 0)
                listen_close(server->listeners[--server->n_listeners]);
}

struct http_server *http_server_free(struct http_server *server)
{
        struct list *first;

        if (!server)
                return NULL;
        close_listeners(server);
        for (enum deadline d = 0; d < DEADLINES; ++d)
                while ((first = list_first(&server->exchanges[d])))
                        connection_die(container_of(first, struct http_exchange, link));
        loop_timer_free(server->timer);
        free(server);
        return NULL;
}

/* Says so if that is possible without waiting; TLS would need a handshake first. */
static void turn_away(struct http_server *server, int fd)
{
        static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                     "Content-Type: application/json\r\n"
                                     "Content-Length: 51\r\n"
                                     "Connection: close\r\n"
                                     "\r\n"
                                     "{\"code\":-1000,\"msg\":\"weir: too many connections\"}\r\n";

        ++server->counters.refused;
        if (!server->config.tls)
                send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
}

int http_server_adopt(struct http_server *server, int fd)
{
        struct http_exchange *x;
        int r;

        if (server->counters.open >= server->config.connections_max || server->is_retiring) {
                turn_away(server, fd);
                return -EMFILE;
        }
        x = calloc(1, sizeof(*x));
        if (!x) {
                close(fd);
                return -ENOMEM;
        }
        x->server = server;
        x->loop = server->loop;
        x->phase = PHASE_OPENING;
        x->deadline = DEADLINE_NONE;
        list_init(&x->link);
        buf_init(&x->in, HTTP_HEAD_MAX + server->config.body_max + 2 * READ_MIN);
        buf_init(&x->out, server->config.output_max);
        r = stream_adopt(server->loop, fd, server->config.tls, NULL, connection_on_stream, x,
                         &x->stream);
        if (r < 0) {
                free(x);
                return r;
        }
        if (server->counters.open++ == 0)
                loop_timer_every(server->timer, sweep_period(server));
        x->serial = ++server->counters.accepted;
        connection_settle(x);
        return 0;
}

static void on_accept(void *ctx, int fd)
{
        /* Whatever failed, the descriptor is closed and counted; the next may fare better. */
        if (http_server_adopt(ctx, fd) < 0)
                return;
}

int http_server_listen(struct http_server *server, struct str where, unsigned unix_mode)
{
        int r;

        if (server->n_listeners == HTTP_LISTENERS_MAX)
                return -ENOSPC;
        r = listen_open(server->loop, where, unix_mode, on_accept, server,
                        &server->listeners[server->n_listeners]);
        if (r == 0)
                ++server->n_listeners;
        return r;
}

int http_server_listen_at(struct http_server *server, int fd)
{
        int r;

        if (server->n_listeners == HTTP_LISTENERS_MAX) {
                close(fd);
                return -ENOSPC;
        }
        r = listen_adopt(server->loop, fd, on_accept, server,
                         &server->listeners[server->n_listeners]);
        if (r == 0)
                ++server->n_listeners;
        return r;
}

const struct address *http_server_address(const struct http_server *server, size_t i)
{
        return i < server->n_listeners ? listen_address(server->listeners[i]) : NULL;
}

void http_server_retire(struct http_server *server)
{
        if (server->is_retiring)
                return;
        server->is_retiring = true;
        close_listeners(server);
        if (server->counters.open == 0)
                loop_timer_set(server->timer, 0);
}

void http_server_drain(struct http_server *server)
{
        struct list *it, *after, *idle = &server->exchanges[DEADLINE_IDLE];

        if (server->is_draining)
                return;
        http_server_retire(server);
        server->is_draining = true;
        /* No op is called from here: idle connections die without one. */
        list_for_each_safe(it, after, idle)
        {
                struct http_exchange *x = container_of(it, struct http_exchange, link);

                if (x->phase == PHASE_IDLE && !x->is_running && !x->may_read)
                        connection_die(x);
        }
        if (server->counters.open == 0)
                loop_timer_set(server->timer, 0);
}

struct http_server_counters http_server_counters(const struct http_server *server)
{
        return server->counters;
}
