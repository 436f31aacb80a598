/*
 * Doors
 *
 * A server that keeps to a script, connection by connection, and callers that note what a pool
 * tells them. Time passes only where a test waits for a deadline.
 */
#ifndef HTTP_TEST_DOOR_H
#define HTTP_TEST_DOOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/client.h"
#include "http/link.h"
#include "net/listen.h"
#include "net/stream.h"
#include "net/test_certs.h"

#define CALLS_MAX 40
#define DOORS_MAX 80
#define OK_2      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define CHUNKED   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GET       "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/*
 * The server: answers the n-th request that it reads with the n-th step. A request is a head; its
 * body is read by the length that the step says.
 */
enum then {
        KEEP,
        CLOSE,
        RESET,
        CUT_TLS, /* closes without close_notify */
        SECURE,  /* as a proxy whose other end speaks TLS: from here on it is TLS */
};

struct step {
        const char *answer; /* "" : none */
        enum then then;
        bool is_bytewise; /* a byte per turn of the loop */
        bool is_early;    /* answers as soon as a byte of the request is there, and reads no more */
        size_t body;      /* bytes of the request after its head */
};

struct door {
        struct stream *stream;
        struct buf in, out;
        bool is_slow, is_deaf;
        enum then then;
};

static struct certs certs;
static struct loop *loop;
static struct http_pool *pool;
static struct tls *client_tls, *server_tls;
static struct listener *listener;
static struct loop_timer *guard;
static struct door doors[DOORS_MAX];
static unsigned n_doors, n_requests, n_steps;
static const struct step *steps;
static bool starts_plain; /* TLS, if any, from a step that says SECURE */
static char seen[4096];   /* what the server got, all of it that fits */

static inline void on_door(void *ctx, unsigned what);

static inline void leave(struct door *door)
{
        struct linger now = { .l_onoff = 1, .l_linger = 0 };

        if (door->then == SECURE) {
                door->then = KEEP;
                assert_int_equal(stream_secure(door->stream, server_tls, NULL), 0);
                return;
        }
        if (door->then == RESET)
                setsockopt(stream_fd(door->stream), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        if (door->then == CUT_TLS)
                shutdown(stream_fd(door->stream), SHUT_RDWR);
        door->stream = stream_close(door->stream);
}

static inline void say_slowly(void *ctx);

static inline void say(struct door *door)
{
        while (door->stream && buf_length(&door->out) > 0) {
                struct str out = buf_str(&door->out);
                ssize_t n = stream_write(door->stream, out.p, door->is_slow ? 1 : out.n);

                if (n == -EAGAIN)
                        return;
                if (n < 0) {
                        door->stream = stream_close(door->stream);
                        return;
                }
                buf_consume(&door->out, (size_t)n);
                if (door->is_slow && buf_length(&door->out) > 0) {
                        assert_int_equal(loop_defer(loop, say_slowly, door), 0);
                        return;
                }
        }
        if (door->stream && door->then != KEEP)
                leave(door);
}

static inline void say_slowly(void *ctx)
{
        say(ctx);
}

static inline bool obey(struct door *door)
{
        const struct step *step = &steps[n_requests];
        struct str in = buf_str(&door->in);
        const char *end = str_find(in, STR_LITERAL("\r\n\r\n"));
        size_t n;

        if (n_requests == n_steps || in.n == 0 || buf_length(&door->out) > 0)
                return false;
        n = end ? (size_t)(end - in.p) + 4 + step->body : 0;
        if (!step->is_early && (!end || in.n < n))
                return false;
        buf_consume(&door->in, step->is_early ? in.n : n);
        ++n_requests;
        assert_int_equal(buf_append_str(&door->out, str_of(step->answer)), 0);
        door->is_slow = step->is_bytewise;
        door->is_deaf = step->is_early;
        door->then = step->then;
        say(door);
        return true;
}

static inline void on_door(void *ctx, unsigned what)
{
        struct door *door = ctx;

        if ((what & LOOP_WRITE) && !door->is_slow)
                say(door);
        while (door->stream && !door->is_deaf) {
                size_t n_seen = strlen(seen);
                ssize_t n;

                assert_int_equal(buf_reserve(&door->in, 16384), 0);
                n = stream_read(door->stream, buf_tail(&door->in), buf_room(&door->in));
                if (n == -EAGAIN)
                        break;
                if (n <= 0) {
                        door->stream = stream_close(door->stream);
                        return;
                }
                if (n_seen + (size_t)n < sizeof(seen))
                        memcpy(seen + n_seen, buf_tail(&door->in), (size_t)n);
                buf_commit(&door->in, (size_t)n);
                while (door->stream && obey(door))
                        ;
        }
}

static inline void on_accept(void *ctx, int fd)
{
        struct door *door = &doors[n_doors++];

        (void)ctx;
        assert_true(n_doors <= DOORS_MAX);
        buf_init(&door->in, 4 << 20);
        buf_init(&door->out, 4 << 20);
        assert_int_equal(stream_adopt(loop, fd, starts_plain ? NULL : server_tls, NULL, on_door,
                                      door, &door->stream),
                         0);
}

/*
 * The callers
 */

struct caller {
        struct http_call call;
        unsigned status, n_heads, n_ends, n_data;
        bool is_done;
        enum http_failure failure;
        char why[256];
        char body[256];
        size_t n_body;
        bool must_stay;
        unsigned n_asked; /* whether it may leave */
        void (*on_data)(struct caller *caller);
        void (*at_end)(struct caller *caller);
};

static struct caller callers[CALLS_MAX];
static unsigned n_under_way;

static inline struct caller *caller_of(struct http_call *call)
{
        return container_of(call, struct caller, call);
}

static inline bool on_leave(struct http_call *call)
{
        ++caller_of(call)->n_asked;
        return !caller_of(call)->must_stay;
}

static inline void on_head(struct http_call *call, const struct http_head *head)
{
        struct caller *c = caller_of(call);

        ++c->n_heads;
        c->status = head->status;
}

static inline void on_data(struct http_call *call, struct str payload)
{
        struct caller *c = caller_of(call);

        assert_true(c->n_heads == 1 && c->n_ends == 0 && payload.n > 0);
        ++c->n_data;
        if (c->n_body + payload.n < sizeof(c->body))
                memcpy(c->body + c->n_body, payload.p, payload.n);
        c->n_body += payload.n;
        if (c->on_data)
                c->on_data(c);
}

static inline void at_end(struct caller *c)
{
        ++c->n_ends;
        assert_int_equal(c->n_ends, 1);
        if (c->at_end)
                c->at_end(c);
        if (--n_under_way == 0)
                loop_stop(loop);
}

static inline void on_done(struct http_call *call)
{
        caller_of(call)->is_done = true;
        at_end(caller_of(call));
}

static inline void on_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct caller *c = caller_of(call);

        c->failure = failure;
        snprintf(c->why, sizeof(c->why), "%s", why);
        at_end(c);
}

static const struct http_call_ops ops = {
        .leave = on_leave, .head = on_head, .data = on_data, .done = on_done, .failed = on_failed
};

static inline void ask_with(unsigned i, const char *head, struct str body)
{
        struct caller *c = &callers[i];

        http_call_init(&c->call, &ops);
        c->call.head = str_of(head);
        c->call.body = body;
        c->call.method = head[0] == 'H' ? HTTP_HEAD : HTTP_GET;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &c->call), 0);
}

static inline void ask(unsigned i)
{
        ask_with(i, GET, STR_LITERAL(""));
}

static inline void run(void)
{
        assert_int_equal(loop_run(loop), 0);
}

static inline void stop(void *ctx)
{
        (void)ctx;
        loop_stop(loop);
}

/* Lets the loop turn for some milliseconds. */
static inline void run_a_little(void)
{
        struct loop_timer *timer;

        assert_int_equal(loop_timer_new(loop, stop, NULL, &timer), 0);
        loop_timer_set(timer, loop_now_us(loop) + 2000);
        run();
        loop_timer_free(timer);
}

static inline void on_guard(void *ctx)
{
        (void)ctx;
        fail_msg("%s", "nothing more happens");
}

static inline int set_up(void **state)
{
        (void)state;
        memset(callers, 0, sizeof(callers));
        memset(doors, 0, sizeof(doors));
        memset(seen, 0, sizeof(seen));
        n_doors = n_requests = n_steps = n_under_way = 0;
        starts_plain = false;
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(loop_timer_new(loop, on_guard, NULL, &guard), 0);
        loop_timer_set(guard, loop_now_us(loop) + 20 * US_PER_SECOND);
        assert_int_equal(listen_open(loop, STR_LITERAL("127.0.0.1:0"), 0, on_accept, NULL,
                                     &listener),
                         0);
        return 0;
}

static inline int tear_down(void **state)
{
        (void)state;
        pool = http_pool_free(pool);
        for (unsigned i = 0; i < n_doors; ++i) {
                stream_close(doors[i].stream);
                loop_undefer(loop, say_slowly, &doors[i]);
                buf_deinit(&doors[i].in);
                buf_deinit(&doors[i].out);
        }
        listener = listen_close(listener);
        guard = loop_timer_free(guard);
        loop = loop_free(loop);
        client_tls = tls_free(client_tls);
        server_tls = tls_free(server_tls);
        return 0;
}

static inline void open_pool(struct http_pool_config config, const struct step *script, unsigned n)
{
        steps = script;
        n_steps = n;
        if (config.host.n == 0)
                config.host = STR_LITERAL("127.0.0.1");
        config.port = listener ? address_port(listen_address(listener)) : config.port;
        if (config.tls == NULL)
                config.tls = client_tls;
        assert_int_equal(http_pool_new(loop, &config, &pool), 0);
}

static inline void use_tls(void)
{
        assert_int_equal(tls_client_new(certs.ca, &client_tls), 0);
        assert_int_equal(tls_server_new(certs.cert, certs.key, &server_tls), 0);
}

#define PLAY(config, ...)                                                                          \
        static const struct step script[] = { __VA_ARGS__ };                                       \
        open_pool((struct http_pool_config)config, script, ARRAY_SIZE(script))
#define USUAL                                                                                      \
        {                                                                                          \
                .max_connections = 4                                                               \
        }

static inline const struct http_pool_counters *counted(void)
{
        return http_pool_counters(pool);
}

static inline void expect_answer(unsigned i, unsigned status, const char *body)
{
        struct caller *c = &callers[i];

        if (!c->is_done)
                fail_msg("call %u failed: %s", i, c->why);
        assert_int_equal(c->status, status);
        assert_int_equal(c->n_heads, 1);
        assert_string_equal(c->body, body);
}

static inline void expect_failure(unsigned i, enum http_failure failure, const char *words)
{
        struct caller *c = &callers[i];

        assert_int_equal(c->n_ends, 1);
        assert_false(c->is_done);
        if (c->failure != failure || !strstr(c->why, words) ||
            !strstr(c->why, http_pool_name(pool)))
                fail_msg("failure %d: %s", (int)c->failure, c->why);
        assert_int_equal(c->call.sent_us == 0, failure == HTTP_NOT_SENT);
}

static inline int set_up_group(void **state)
{
        (void)state;
        certs_init(&certs);
        return 0;
}

static inline int tear_down_group(void **state)
{
        (void)state;
        certs_deinit(&certs);
        return 0;
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
