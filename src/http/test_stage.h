/*
 * Stage
 *
 * A server on a loop of its own, an owner that echoes requests or holds them, and one client's end.
 * Time passes only where a test waits for a deadline.
 */
#ifndef HTTP_TEST_STAGE_H
#define HTTP_TEST_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/server.h"
#include "http/write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELD_MAX 8
#define HOST     "Host: x\r\n"

/* One server, the owner of its exchanges, and the clients' ends of what it serves. */
struct stage {
        struct loop *loop;
        struct http_server *server;
        struct http_server_config config;
        bool holds; /* keeps exchanges instead of echoing them */
        struct http_exchange *held[HELD_MAX];
        unsigned n_held, n_requests, n_gone, n_drained, n_empty;
        int client;
        char received[4 << 20];
        size_t n_received;
        bool is_closed, is_reset; /* by the server */
};

static struct stage stage;

/* "<method> <target> <body>" */
static inline void echo(struct http_exchange *x)
{
        const struct http_head *head = http_exchange_head(x);
        struct str body = http_exchange_body(x);
        char *text = malloc(head->head_bytes + body.n);
        int n = sprintf(text, "%.*s %.*s ", STR_ARGS(head->method_text), STR_ARGS(head->target));

        memcpy(text + n, body.p, body.n);
        http_exchange_reply(x, 200, STR_NULL, NULL, 0, str_from(text, (size_t)n + body.n));
        free(text);
}

static inline void on_request(void *ctx, struct http_exchange *x)
{
        must(ctx == &stage);
        ++stage.n_requests;
        assert_null(http_exchange_user(x));
        http_exchange_set_user(x, &stage);
        if (stage.holds)
                stage.held[stage.n_held++] = x;
        else
                echo(x);
}

static inline void on_gone(void *ctx, struct http_exchange *x)
{
        must(ctx == &stage && http_exchange_user(x) == &stage);
        assert_true(http_exchange_is_gone(x));
        ++stage.n_gone;
}

static inline void on_drained(void *ctx, struct http_exchange *x)
{
        must(ctx == &stage && http_exchange_user(x) == &stage);
        ++stage.n_drained;
}

static inline void on_empty(void *ctx)
{
        must(ctx == &stage);
        ++stage.n_empty;
        loop_stop(stage.loop);
}

static const struct http_server_ops ops = {
        .request = on_request, .gone = on_gone, .drained = on_drained, .empty = on_empty
};

static inline void stop(void *ctx)
{
        (void)ctx;
        loop_stop(stage.loop);
}

/* All that can happen without time passing: local sockets carry bytes at once. */
static inline void settle(void)
{
        for (int i = 0; i < 6; ++i) {
                assert_int_equal(loop_defer(stage.loop, stop, NULL), 0);
                assert_int_equal(loop_run(stage.loop), 0);
        }
}

static inline int connect_pair(void)
{
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(http_server_adopt(stage.server, fds[0]), 0);
        return fds[1];
}

static inline void begin_server(void)
{
        assert_int_equal(http_server_new(stage.loop, &stage.config, &ops, &stage, &stage.server),
                         0);
        stage.client = connect_pair();
}

static inline int setup(void **state)
{
        (void)state;
        memset(&stage, 0, sizeof(stage));
        stage.client = -1;
        stage.config = HTTP_SERVER_CONFIG_DEFAULT;
        return loop_new(&stage.loop);
}

static inline int teardown(void **state)
{
        (void)state;
        stage.server = http_server_free(stage.server);
        if (stage.client >= 0)
                close(stage.client);
        stage.loop = loop_free(stage.loop);
        return 0;
}

static inline void send_bytes(const char *bytes, size_t n)
{
        assert_int_equal(send(stage.client, bytes, n, MSG_NOSIGNAL), n);
}

static inline void send_text(const char *text)
{
        send_bytes(text, strlen(text));
        settle();
}

/* Adds what came to what was received. */
static inline void receive(void)
{
        ssize_t n;

        settle();
        while ((n = recv(stage.client, stage.received + stage.n_received,
                         sizeof(stage.received) - 1 - stage.n_received, 0)) > 0) {
                stage.n_received += (size_t)n;
                settle();
        }
        if (n == 0)
                stage.is_closed = true;
        else if (errno == ECONNRESET)
                stage.is_reset = true;
        stage.received[stage.n_received] = '\0';
}

static inline void expect(const char *text)
{
        receive();
        if (strcmp(stage.received, text) != 0)
                fail_msg("got:\n%s\nexpected:\n%s", stage.received, text);
        stage.n_received = 0;
}

static inline void expect_refusal(unsigned status)
{
        char start[64];

        receive();
        sprintf(start, "HTTP/1.1 %u ", status);
        if (strncmp(stage.received, start, strlen(start)) != 0)
                fail_msg("got:\n%s\nexpected: %s", stage.received, start);
        assert_non_null(strstr(stage.received, "\r\nConnection: close\r\n"));
        assert_non_null(strstr(stage.received, "\r\n\r\n{\"code\":-1000,\"msg\":\"weir: "));
        assert_true(stage.is_closed);
        stage.n_received = 0;
}

/* What echo() answers on a connection that is kept. */
#define REPLY(length, body) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

static inline void on_client(void *ctx, unsigned what)
{
        (void)ctx;
        if (what & (LOOP_READ | LOOP_HANGUP))
                loop_stop(stage.loop);
}

/* Runs until the server says something or closes; its deadlines are short in these tests. */
static inline void wait_for_server(void)
{
        struct loop_watch *watch;

        assert_int_equal(loop_watch(stage.loop, stage.client, on_client, NULL, &watch), 0);
        assert_int_equal(loop_run(stage.loop), 0);
        loop_unwatch(watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
