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
static char seen[4096]; /* what the server got, all of it that fits */

static void on_door(void *ctx, unsigned what);

static void leave(struct door *door)
{
        struct linger now = { .l_onoff = 1, .l_linger = 0 };

        if (door->then == RESET)
                setsockopt(stream_fd(door->stream), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        if (door->then == CUT_TLS)
                shutdown(stream_fd(door->stream), SHUT_RDWR);
        door->stream = stream_close(door->stream);
}

static void say_slowly(void *ctx);

static void say(struct door *door)
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

static void say_slowly(void *ctx)
{
        say(ctx);
}

static bool obey(struct door *door)
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

static void on_door(void *ctx, unsigned what)
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

static void on_accept(void *ctx, int fd)
{
        struct door *door = &doors[n_doors++];

        (void)ctx;
        assert_true(n_doors <= DOORS_MAX);
        buf_init(&door->in, 4 << 20);
        buf_init(&door->out, 4 << 20);
        assert_int_equal(stream_adopt(loop, fd, server_tls, NULL, on_door, door, &door->stream), 0);
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

static struct caller *caller_of(struct http_call *call)
{
        return container_of(call, struct caller, call);
}

static bool on_leave(struct http_call *call)
{
        ++caller_of(call)->n_asked;
        return !caller_of(call)->must_stay;
}

static void on_head(struct http_call *call, const struct http_head *head)
{
        struct caller *c = caller_of(call);

        ++c->n_heads;
        c->status = head->status;
}

static void on_data(struct http_call *call, struct str payload)
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

static void at_end(struct caller *c)
{
        ++c->n_ends;
        assert_int_equal(c->n_ends, 1);
        if (c->at_end)
                c->at_end(c);
        if (--n_under_way == 0)
                loop_stop(loop);
}

static void on_done(struct http_call *call)
{
        caller_of(call)->is_done = true;
        at_end(caller_of(call));
}

static void on_failed(struct http_call *call, enum http_failure failure, const char *why)
{
        struct caller *c = caller_of(call);

        c->failure = failure;
        snprintf(c->why, sizeof(c->why), "%s", why);
        at_end(c);
}

static const struct http_call_ops ops = {
        .leave = on_leave, .head = on_head, .data = on_data, .done = on_done, .failed = on_failed
};

static void ask_with(unsigned i, const char *head, struct str body)
{
        struct caller *c = &callers[i];

        http_call_init(&c->call, &ops);
        c->call.head = str_of(head);
        c->call.body = body;
        c->call.method = head[0] == 'H' ? HTTP_HEAD : HTTP_GET;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &c->call), 0);
}

static void ask(unsigned i)
{
        ask_with(i, GET, STR_LITERAL(""));
}

static void run(void)
{
        assert_int_equal(loop_run(loop), 0);
}

static void stop(void *ctx)
{
        (void)ctx;
        loop_stop(loop);
}

/* Lets the loop turn for some milliseconds. */
static void run_a_little(void)
{
        struct loop_timer *timer;

        assert_int_equal(loop_timer_new(loop, stop, NULL, &timer), 0);
        loop_timer_set(timer, loop_now_us(loop) + 2000);
        run();
        loop_timer_free(timer);
}

static void on_guard(void *ctx)
{
        (void)ctx;
        fail_msg("%s", "nothing more happens");
}

static int set_up(void **state)
{
        (void)state;
        memset(callers, 0, sizeof(callers));
        memset(doors, 0, sizeof(doors));
        memset(seen, 0, sizeof(seen));
        n_doors = n_requests = n_steps = n_under_way = 0;
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(loop_timer_new(loop, on_guard, NULL, &guard), 0);
        loop_timer_set(guard, loop_now_us(loop) + 20 * US_PER_SECOND);
        assert_int_equal(listen_open(loop, STR_LITERAL("127.0.0.1:0"), 0, on_accept, NULL,
                                     &listener),
                         0);
        return 0;
}

static int tear_down(void **state)
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

static void open_pool(struct http_pool_config config, const struct step *script, unsigned n)
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

static void use_tls(void)
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

static const struct http_pool_counters *counted(void)
{
        return http_pool_counters(pool);
}

static void expect_answer(unsigned i, unsigned status, const char *body)
{
        struct caller *c = &callers[i];

        if (!c->is_done)
                fail_msg("call %u failed: %s", i, c->why);
        assert_int_equal(c->status, status);
        assert_int_equal(c->n_heads, 1);
        assert_string_equal(c->body, body);
}

static void expect_failure(unsigned i, enum http_failure failure, const char *words)
{
        struct caller *c = &callers[i];

        assert_int_equal(c->n_ends, 1);
        assert_false(c->is_done);
        if (c->failure != failure || !strstr(c->why, words) ||
            !strstr(c->why, http_pool_name(pool)))
                fail_msg("failure %d: %s", (int)c->failure, c->why);
        assert_int_equal(c->call.sent_us == 0, failure == HTTP_NOT_SENT);
}

/*
 * Reuse
 */

static void one_connection_serves_one_after_the_other(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 3; ++i) {
                ask(i);
                run();
                expect_answer(i, 200, "ok");
                assert_int_equal(callers[i].call.is_reuse, i > 0);
        }
        assert_int_equal(n_doors, 1);
        assert_int_equal(counted()->connects, 1);
        assert_int_equal(counted()->reuses, 2);
        assert_int_equal(counted()->idle, 1);
        assert_string_equal(seen, GET GET GET);
}

static void head_and_body_leave_as_they_are(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2, .body = 7 });
        ask_with(0, "POST /x?a=%20+b HTTP/1.1\r\nContent-Length: 7\r\n\r\n",
                 STR_LITERAL("a=1&b=2"));
        run();
        expect_answer(0, 200, "ok");
        assert_string_equal(seen, "POST /x?a=%20+b HTTP/1.1\r\nContent-Length: 7\r\n\r\na=1&b=2");
}

static void tls_is_warm_before_the_first_call(void **state)
{
        struct http_pool_config config = { .host = STR_LITERAL("localhost"), .min_warm = 3 };
        static const struct step script[] = { { .answer = OK_2 }, { .answer = OK_2 } };

        (void)state;
        use_tls();
        open_pool(config, script, 2);
        assert_int_equal(counted()->connecting, 3);
        while (counted()->idle < 3)
                run_a_little();
        ask(0);
        assert_true(callers[0].call.sent_us > 0); /* at once */
        run();
        expect_answer(0, 200, "ok");
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        /* The one in use does not count as warm. */
        assert_true(counted()->connects + counted()->connecting >= 4);
        assert_int_equal(counted()->connect_failures, 0);
}

static void a_resting_pool_opens_nothing_unasked(void **state)
{
        struct http_pool_config config = { .min_warm = 1 };
        static const struct step script[] = { { .answer = OK_2, .then = CLOSE },
                                              { .answer = OK_2 } };

        (void)state;
        open_pool(config, script, 2);
        http_pool_rest(pool, true);
        ask(0);
        run();
        assert_int_equal(counted()->connecting + counted()->idle, 0);
        http_pool_rest(pool, false);
        assert_int_equal(counted()->connecting, 1);
}

static void the_most_calls_at_once_are_as_configured(void **state)
{
        (void)state;
        PLAY({ .max_connections = 2 }, { .answer = OK_2 }, { .answer = OK_2 }, { .answer = OK_2 },
             { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 5; ++i)
                ask(i);
        assert_int_equal(counted()->waiting, 5);
        run();
        for (unsigned i = 0; i < 5; ++i)
                expect_answer(i, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(counted()->connects, 2);
        assert_int_equal(counted()->waiting, 0);
}

/*
 * Framing
 */

static void answers_are_framed_as_their_heads_say(void **state)
{
        static const struct {
                const char *label, *method, *answer, *body;
                unsigned status;
                bool closes; /* the server, afterwards */
                bool kept;
        } rows[] = {
                { "length", "GET", OK_2, "ok", 200, false, true },
                { "no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true },
                { "304 with a length", "GET", "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", "",
                  304, false, true },
                { "length 0", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, false,
                  true },
                { "HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", 200, false,
                  true },
                { "chunks", "GET", CHUNKED "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n", "abcde",
                  200, false, true },
                { "until close", "GET", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end",
                  200, true, false },
                { "HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200,
                  false, false },
                { "close", "GET",
                  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", 200,
                  false, false },
                { "interim", "GET",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" OK_2, "ok", 200,
                  false, true },
                { "garbage behind", "GET", OK_2 "x", "ok", 200, false, false },
                { "a second answer", "GET", OK_2 OK_2, "ok", 200, false, false },
                { "garbage behind chunks", "GET", CHUNKED "0\r\n\r\nHTTP", "", 200, false, false },
        };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); ++i) {
                size_t row = i / 2;
                struct step step = { .answer = rows[row].answer,
                                     .then = rows[row].closes ? CLOSE : KEEP,
                                     .is_bytewise = i % 2 };
                char head[64];

                /* Byte by byte the last answer is done before what is behind it comes. */
                (void)set_up(state);
                open_pool((struct http_pool_config){ .max_connections = 1 }, &step, 1);
                snprintf(head, sizeof(head), "%s / HTTP/1.1\r\n\r\n", rows[row].method);
                ask_with(0, head, STR_LITERAL(""));
                run();
                if (!callers[0].is_done || callers[0].status != rows[row].status ||
                    strcmp(callers[0].body, rows[row].body) != 0 ||
                    (!step.is_bytewise && counted()->idle != rows[row].kept))
                        fail_msg("%s, %s: status %u, body \"%s\", kept %u: %s", rows[row].label,
                                 step.is_bytewise ? "bytewise" : "whole", callers[0].status,
                                 callers[0].body, counted()->idle, callers[0].why);
                (void)tear_down(state);
        }
}

static void broken_answers_are_failures(void **state)
{
        static const struct {
                const char *label, *answer, *words;
                enum http_failure failure;
                enum then then;
        } rows[] = {
                { "closed", "", "closed the connection without an answer", HTTP_MAYBE_SENT, CLOSE },
                { "reset", "", "broke without an answer: Connection reset", HTTP_MAYBE_SENT,
                  RESET },
                { "cut head", "HTTP/1.1 200 OK\r\nCont", "within the head", HTTP_MAYBE_SENT,
                  CLOSE },
                { "no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "is not HTTP/1.1", HTTP_MAYBE_SENT, KEEP },
                { "two lengths",
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                  "is not HTTP/1.1", HTTP_MAYBE_SENT, KEEP },
                { "cut length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345",
                  "within its answer", HTTP_CUT, CLOSE },
                { "cut chunks", CHUNKED "5\r\nab", "within its answer", HTTP_CUT, CLOSE },
                { "cut before the last chunk", CHUNKED "2\r\nab\r\n", "within its answer", HTTP_CUT,
                  CLOSE },
                { "bad chunks", CHUNKED "2\r\nabc\r\n", "chunks are malformed", HTTP_CUT, KEEP },
                { "upgrade",
                  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                  "switches to a protocol", HTTP_MAYBE_SENT, KEEP },
                { "interim only", "HTTP/1.1 100 Continue\r\n\r\n", "without an answer",
                  HTTP_MAYBE_SENT, CLOSE },
        };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); ++i) {
                size_t row = i / 2;
                struct step step = { .answer = rows[row].answer,
                                     .then = rows[row].then,
                                     .is_bytewise = i % 2 };

                (void)set_up(state);
                open_pool((struct http_pool_config)USUAL, &step, 1);
                ask(0);
                run();
                if (callers[0].is_done || callers[0].failure != rows[row].failure ||
                    !strstr(callers[0].why, rows[row].words))
                        fail_msg("%s: done %d, failure %d: %s", rows[row].label, callers[0].is_done,
                                 (int)callers[0].failure, callers[0].why);
                expect_failure(0, rows[row].failure, rows[row].words);
                assert_int_equal(n_requests, 1); /* never twice */
                assert_int_equal(counted()->busy + counted()->idle, 0);
                (void)tear_down(state);
        }
}

static void an_answer_cut_anywhere_is_never_taken_for_complete(void **state)
{
        static const char *const answers[] = { OK_2, CHUNKED "2\r\nab\r\n0\r\n\r\n" };

        (void)state;
        for (size_t i = 0; i < 2 * ARRAY_SIZE(answers); ++i) {
                const char *whole = answers[i / 2];
                size_t n = strlen(whole), n_head = (size_t)(strstr(whole, "\r\n\r\n") + 4 - whole);

                for (size_t cut = 0; cut <= n; ++cut) {
                        struct step step = { .then = i % 2 ? RESET : CLOSE };
                        char answer[128] = "";

                        memcpy(answer, whole, cut);
                        step.answer = answer;
                        (void)set_up(state);
                        open_pool((struct http_pool_config)USUAL, &step, 1);
                        ask(0);
                        run();
                        /* A reset may overtake what was sent before it. */
                        if (callers[0].is_done != (cut == n) && step.then == CLOSE)
                                fail_msg("\"%s\": %s", answer, callers[0].why);
                        if (!callers[0].is_done)
                                expect_failure(0, callers[0].n_heads ? HTTP_CUT : HTTP_MAYBE_SENT,
                                               "");
                        assert_true(!callers[0].is_done || cut == n);
                        assert_true(callers[0].n_heads == 0 || cut >= n_head);
                        assert_int_equal(n_requests, 1);
                        (void)tear_down(state);
                }
        }
}

static void until_close_over_tls_needs_a_goodbye(void **state)
{
        static const struct step script[] = {
                { .answer = "HTTP/1.1 200 OK\r\n\r\nall of it", .then = CLOSE },
                { .answer = "HTTP/1.1 200 OK\r\n\r\nall of", .then = CUT_TLS },
                { .answer = OK_2, .then = CUT_TLS },
        };

        (void)state;
        use_tls();
        open_pool((struct http_pool_config){ .host = STR_LITERAL("localhost") }, script, 3);
        ask(0);
        run();
        expect_answer(0, 200, "all of it");
        ask(1);
        run();
        expect_failure(1, HTTP_CUT, "cut off");
        ask(2); /* complete by its length: the missing goodbye does not matter */
        run();
        expect_answer(2, 200, "ok");
}

static void a_large_body_passes(const char *host)
{
        static char answer[600 * 1024 + 100];
        size_t n = (size_t)snprintf(answer, sizeof(answer),
                                    "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", 600U * 1024);
        struct step step = { .answer = answer };

        memset(answer + n, 'x', 600 * 1024);
        answer[n + 600 * 1024] = '\0';
        open_pool((struct http_pool_config){ .host = str_of(host) }, &step, 1);
        ask(0);
        run();
        assert_true(callers[0].is_done);
        assert_int_equal(callers[0].n_body, 600 * 1024);
        assert_int_equal(counted()->idle, 1);
}

static void a_large_body_passes_plain(void **state)
{
        (void)state;
        a_large_body_passes("127.0.0.1");
}

static void a_large_body_passes_tls(void **state)
{
        (void)state;
        use_tls();
        a_large_body_passes("localhost");
}

static void an_early_answer_is_delivered_and_ends_the_connection(void **state)
{
        static char body[16 << 20];
        static const struct step script[] = {
                { .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
                  .is_early = true }
        };

        (void)state;
        open_pool((struct http_pool_config)USUAL, script, 1);
        ask_with(0, "POST / HTTP/1.1\r\n\r\n", str_from(body, sizeof(body)));
        run();
        expect_answer(0, 413, "no");
        assert_int_equal(counted()->idle, 0);
}

/*
 * The rule of money
 */

static void drop_all_doors(void)
{
        for (unsigned i = 0; i < n_doors; ++i)
                doors[i].stream = stream_close(doors[i].stream);
}

static void a_connection_that_died_idle_is_not_used(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        /* Nobody has told the pool yet: the write fails, nothing left, another connection takes it.
         */
        drop_all_doors();
        ask(1);
        run();
        if (callers[1].is_done)
                expect_answer(1, 200, "ok");
        else
                expect_failure(1, HTTP_MAYBE_SENT, "without an answer");
        assert_true(n_requests <= 2);
}

static void a_close_while_idle_is_noticed(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2, .then = CLOSE }, { .answer = OK_2 });
        ask(0);
        run();
        while (counted()->idle > 0)
                run_a_little();
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(counted()->maybe_sent, 0);
}

static void bytes_nobody_asked_for_end_an_idle_connection(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        assert_int_equal(counted()->idle, 1);
        assert_int_equal(stream_write(doors[0].stream, OK_2, strlen(OK_2)), (ssize_t)strlen(OK_2));
        while (counted()->idle > 0)
                run_a_little();
        assert_int_equal(counted()->unsolicited, 1);
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
}

static void a_dead_one_that_took_nothing_is_replaced(void **state)
{
        struct http_link *link;

        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        /* As if the peer's reset had been seen: from now on writing fails, before a byte is taken.
         */
        link = container_of(list_first(&pool->places[LINK_IDLE]), struct http_link, link);
        assert_int_equal(shutdown(stream_fd(link->stream), SHUT_WR), 0);
        ask(1);
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
        assert_int_equal(n_requests, 2);
        assert_int_equal(counted()->idle_lost, 1);
        assert_int_equal(counted()->maybe_sent, 0);
}

static void whether_it_may_still_leave_is_asked_when_a_connection_is_free(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        for (unsigned i = 0; i < 3; ++i)
                ask(i);
        assert_int_equal(callers[0].n_asked, 0);
        callers[1].must_stay = true;
        run();
        expect_answer(0, 200, "ok");
        expect_failure(1, HTTP_NOT_SENT, "its time to leave was over");
        expect_answer(2, 200, "ok");
        for (unsigned i = 0; i < 3; ++i)
                assert_int_equal(callers[i].n_asked, 1);
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
        assert_int_equal(counted()->not_sent, 1);
}

static void an_unreachable_server_is_named_at_once(void **state)
{
        uint16_t port = address_port(listen_address(listener));

        (void)state;
        listener = listen_close(listener);
        open_pool((struct http_pool_config){ .host = STR_LITERAL("localhost"), .port = port }, NULL,
                  0);
        for (unsigned i = 0; i < 3; ++i)
                ask(i);
        run();
        for (unsigned i = 0; i < 3; ++i)
                expect_failure(i, HTTP_NOT_SENT, "Connection refused");
        assert_int_equal(counted()->not_sent, 3);
}

static void an_unknown_name_is_said(void **state)
{
        (void)state;
        open_pool((struct http_pool_config){ .host = STR_LITERAL(
                                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") },
                  NULL, 0);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "cannot find its address");
        ask(1); /* what is known for less than a second needs no lookup */
        run();
        expect_failure(1, HTTP_NOT_SENT, "cannot find its address");
}

static void a_refused_certificate_is_said(void **state)
{
        (void)state;
        assert_int_equal(tls_client_new(certs.other_ca, &client_tls), 0);
        assert_int_equal(tls_server_new(certs.cert, certs.key, &server_tls), 0);
        open_pool((struct http_pool_config){ .host = STR_LITERAL("127.0.0.1") }, NULL, 0);
        ask(0);
        run();
        expect_failure(0, HTTP_NOT_SENT, "the certificate of 127.0.0.1 is refused");
        assert_string_equal(seen, "");
}

/*
 * Time
 */

static void silence_ends_with_the_answers_deadline(void **state)
{
        (void)state;
        PLAY({ .answer_timeout_us = 1000 }, { .answer = "" });
        ask(0);
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "no answer in time");
}

static void a_call_may_have_its_own_deadline(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = "" }, { .answer = OK_2 });
        http_call_init(&callers[0].call, &ops);
        callers[0].call.head = STR_LITERAL(GET);
        callers[0].call.answer_by_us = loop_now_us(loop) + 1000;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &callers[0].call), 0);
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "no answer in time");
        ask(1); /* on another connection: the late answer must not be taken for this one's */
        run();
        expect_answer(1, 200, "ok");
        assert_int_equal(n_doors, 2);
}

static void who_waits_too_long_was_not_sent(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = "" });
        ask(0);
        http_call_init(&callers[1].call, &ops);
        callers[1].call.head = STR_LITERAL(GET);
        callers[1].call.answer_by_us = loop_now_us(loop) + 1000;
        ++n_under_way;
        assert_int_equal(http_pool_call(pool, &callers[1].call), 0);
        while (callers[1].n_ends == 0)
                run_a_little();
        expect_failure(1, HTTP_NOT_SENT, "no connection was free in time");
        http_call_cancel(&callers[0].call);
}

static void an_answer_that_stops_midway_is_cut(void **state)
{
        (void)state;
        PLAY({ .progress_timeout_us = 1000 },
             { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123" });
        ask(0);
        run();
        expect_failure(0, HTTP_CUT, "stopped midway");
        assert_string_equal(callers[0].body, "123");
}

static void a_server_that_takes_no_more_is_given_up(void **state)
{
        static char body[16 << 20];

        (void)state;
        PLAY({ .progress_timeout_us = 50000 }, { .answer = "", .is_early = true });
        ask_with(0, "POST / HTTP/1.1\r\n\r\n", str_from(body, sizeof(body)));
        run();
        expect_failure(0, HTTP_MAYBE_SENT, "takes no more of the request");
}

static void idle_connections_are_given_up_before_the_server_does(void **state)
{
        (void)state;
        PLAY({ .max_idle_us = 1000 }, { .answer = OK_2 });
        ask(0);
        run();
        assert_int_equal(counted()->idle, 1);
        while (counted()->idle > 0)
                run_a_little();
        assert_int_equal(counted()->idle_lost, 0);
}

static void an_old_connection_does_not_serve_again(void **state)
{
        (void)state;
        PLAY({ .max_age_us = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        assert_int_equal(counted()->idle, 0);
}

/*
 * Callers that come, go and pause
 */

static void a_waiting_call_is_taken_back(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = OK_2 });
        ask(0);
        ask(1);
        ask(2);
        http_call_cancel(&callers[1].call);
        http_call_cancel(&callers[1].call);
        --n_under_way;
        run();
        expect_answer(0, 200, "ok");
        expect_answer(2, 200, "ok");
        assert_int_equal(callers[1].n_ends, 0);
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
}

static void a_sent_call_takes_its_connection_along(void **state)
{
        (void)state;
        PLAY({ .max_connections = 1 }, { .answer = OK_2 }, { .answer = "" }, { .answer = OK_2 });
        ask(0);
        run();
        ask(1);
        assert_true(callers[1].call.sent_us > 0);
        ask(2);
        http_call_cancel(&callers[1].call);
        --n_under_way;
        run();
        expect_answer(2, 200, "ok");
        assert_int_equal(callers[1].n_ends, 0);
        assert_int_equal(n_doors, 2);
}

static void cancel_itself(struct caller *c)
{
        http_call_cancel(&c->call);
        --n_under_way;
        loop_stop(loop);
}

static void a_call_may_be_cancelled_by_its_own_data(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" });
        callers[0].on_data = cancel_itself;
        ask(0);
        run();
        assert_int_equal(callers[0].n_data, 1);
        assert_int_equal(callers[0].n_ends, 0);
        assert_int_equal(counted()->busy + counted()->idle, 0);
}

static void ask_again(struct caller *c)
{
        c->at_end = NULL;
        c->n_ends = c->n_heads = 0;
        c->n_body = 0;
        ask((unsigned)(c - callers));
}

static void a_call_may_be_used_again_at_its_end(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = OK_2 });
        callers[0].at_end = ask_again;
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        assert_int_equal(n_requests, 2);
        assert_int_equal(n_doors, 1);
}

static void free_pool(struct caller *c)
{
        (void)c;
        pool = http_pool_free(pool);
}

static void the_pool_may_be_freed_by_a_callback(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = OK_2 }, { .answer = "" }, { .answer = "" });
        callers[0].at_end = free_pool;
        for (unsigned i = 0; i < 6; ++i)
                ask(i);
        run();
        expect_answer(0, 200, "ok");
        for (unsigned i = 1; i < 6; ++i) {
                assert_int_equal(callers[i].n_ends, 1);
                assert_non_null(strstr(callers[i].why, "closing"));
        }
}

static void pause_it(struct caller *c)
{
        http_call_pause(&c->call);
        loop_stop(loop);
}

static void a_paused_call_gets_nothing_until_resumed(void **state)
{
        (void)state;
        PLAY(USUAL, { .answer = CHUNKED "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" });
        callers[0].on_data = pause_it;
        ask(0);
        run();
        assert_string_equal(callers[0].body, "a");
        http_call_resume(&callers[0].call);
        assert_string_equal(callers[0].body, "a"); /* not from inside resume */
        run();
        assert_string_equal(callers[0].body, "ab");
        assert_int_equal(callers[0].n_ends, 0);
        callers[0].on_data = NULL;
        http_call_resume(&callers[0].call);
        run();
        expect_answer(0, 200, "ab");
        assert_int_equal(counted()->idle, 1);
}

static void a_unix_socket_serves_as_well(void **state)
{
        char dir[] = "/tmp/weir-client-XXXXXX", path[64], where[80];
        static const struct step script[] = { { .answer = OK_2 } };

        (void)state;
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/s", dir);
        snprintf(where, sizeof(where), "unix:%s", path);
        listen_close(listener);
        assert_int_equal(listen_open(loop, str_of(where), LISTEN_UNIX_MODE, on_accept, NULL,
                                     &listener),
                         0);
        open_pool((struct http_pool_config){ .host = str_of(path), .is_unix = true }, script, 1);
        assert_string_equal(http_pool_name(pool), where);
        ask(0);
        run();
        expect_answer(0, 200, "ok");
        listener = listen_close(listener);
        rmdir(dir);
}

static int set_up_group(void **state)
{
        (void)state;
        certs_init(&certs);
        return 0;
}

static int tear_down_group(void **state)
{
        (void)state;
        certs_deinit(&certs);
        return 0;
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                ROW(one_connection_serves_one_after_the_other),
                ROW(head_and_body_leave_as_they_are),
                ROW(tls_is_warm_before_the_first_call),
                ROW(a_resting_pool_opens_nothing_unasked),
                ROW(the_most_calls_at_once_are_as_configured),
                cmocka_unit_test(answers_are_framed_as_their_heads_say),
                cmocka_unit_test(broken_answers_are_failures),
                cmocka_unit_test(an_answer_cut_anywhere_is_never_taken_for_complete),
                ROW(until_close_over_tls_needs_a_goodbye),
                ROW(a_large_body_passes_plain),
                ROW(a_large_body_passes_tls),
                ROW(an_early_answer_is_delivered_and_ends_the_connection),
                ROW(a_connection_that_died_idle_is_not_used),
                ROW(a_close_while_idle_is_noticed),
                ROW(bytes_nobody_asked_for_end_an_idle_connection),
                ROW(a_dead_one_that_took_nothing_is_replaced),
                ROW(whether_it_may_still_leave_is_asked_when_a_connection_is_free),
                ROW(an_unreachable_server_is_named_at_once),
                ROW(an_unknown_name_is_said),
                ROW(a_refused_certificate_is_said),
                ROW(silence_ends_with_the_answers_deadline),
                ROW(a_call_may_have_its_own_deadline),
                ROW(who_waits_too_long_was_not_sent),
                ROW(an_answer_that_stops_midway_is_cut),
                ROW(a_server_that_takes_no_more_is_given_up),
                ROW(idle_connections_are_given_up_before_the_server_does),
                ROW(an_old_connection_does_not_serve_again),
                ROW(a_waiting_call_is_taken_back),
                ROW(a_sent_call_takes_its_connection_along),
                ROW(a_call_may_be_cancelled_by_its_own_data),
                ROW(a_call_may_be_used_again_at_its_end),
                ROW(the_pool_may_be_freed_by_a_callback),
                ROW(a_paused_call_gets_nothing_until_resumed),
                ROW(a_unix_socket_serves_as_well),
        };

        return cmocka_run_group_tests_name("http/client", tests, set_up_group, tear_down_group);
}
