#include "http/test_stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>

/* Another client, by TCP, in place of the first. */
static void connect_tcp(void)
{
        struct sockaddr_in where = { .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd;

        assert_int_equal(http_server_listen(stage.server, STR_LITERAL("127.0.0.1:0"), 0), 0);
        where.sin_port = htons(address_port(http_server_address(stage.server, 0)));
        assert_null(http_server_address(stage.server, 1));
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        close(stage.client);
        stage.client = fd;
}

static void an_aborted_answer_does_not_look_complete(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        connect_tcp();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(stage.n_held, 1);
        assert_string_equal(http_exchange_peer(stage.held[0]), "127.0.0.1");
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), "half", 4), 0);
        assert_int_equal(http_exchange_flush(stage.held[0]), HTTP_FLUSHED);
        http_exchange_abort(stage.held[0]);
        receive();
        assert_false(stage.is_closed);
        assert_true(stage.is_reset);
}

static void a_reset_while_waiting_is_noticed(void **state)
{
        static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

        (void)state;
        stage.holds = true;
        begin_server();
        connect_tcp();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(setsockopt(stage.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        close(stage.client);
        stage.client = -1;
        settle();
        assert_int_equal(stage.n_gone, 1);
        http_exchange_abort(stage.held[0]);
        assert_int_equal(http_server_counters(stage.server).open, 0);
}

static void draining_finishes_what_is_begun(void **state)
{
        int idle;

        (void)state;
        stage.holds = true;
        begin_server();
        idle = connect_pair();
        settle();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        http_server_drain(stage.server);
        settle();
        assert_int_equal(http_server_counters(stage.server).open, 1);
        assert_int_equal(recv(idle, stage.received, 1, 0), 0);
        close(idle);
        assert_false(http_exchange_may_keep_alive(stage.held[0]));
        assert_int_equal(stage.n_empty, 0);

        echo(stage.held[0]);
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /1 ");
        assert_true(stage.is_closed);
        close(stage.client);
        stage.client = -1;
        assert_int_equal(loop_run(stage.loop), 0); /* until on_empty() */
        assert_int_equal(stage.n_empty, 1);
        settle();
        assert_int_equal(stage.n_empty, 1);
}

static void a_retiring_server_answers_who_is_connected_and_then_closes(void **state)
{
        (void)state;
        begin_server();
        settle();
        http_server_retire(stage.server);
        settle();
        assert_int_equal(http_server_counters(stage.server).open, 1);
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /1 ");
        assert_true(stage.is_closed);
        close(stage.client);
        stage.client = -1;
        assert_int_equal(loop_run(stage.loop), 0); /* until on_empty() */
        assert_int_equal(stage.n_empty, 1);
        http_server_drain(stage.server);
        settle();
        assert_int_equal(stage.n_empty, 1);
}

static void who_was_not_told_of_the_end_may_ask_once_more(void **state)
{
        static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n";

        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), head, sizeof(head) - 1), 0);
        assert_int_equal(http_exchange_write_connection(stage.held[0], true), 0);
        http_server_retire(stage.server);
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), "\r\n1", 3), 0);
        http_exchange_end(stage.held[0], true);
        expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        assert_false(stage.is_closed);
        stage.holds = false;
        send_text("GET /2 HTTP/1.1\r\n" HOST "\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /2 ");
        assert_true(stage.is_closed);
}

static void an_empty_server_drains_at_once(void **state)
{
        (void)state;
        assert_int_equal(http_server_new(stage.loop, &stage.config, &ops, &stage, &stage.server),
                         0);
        http_server_drain(stage.server);
        assert_int_equal(stage.n_empty, 0);
        assert_int_equal(loop_run(stage.loop), 0);
        assert_int_equal(stage.n_empty, 1);
}

static void connections_have_a_ceiling(void **state)
{
        int fds[2];

        (void)state;
        stage.config.connections_max = 1;
        begin_server();
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(http_server_adopt(stage.server, fds[0]), -EMFILE);
        close(stage.client);
        stage.client = fds[1];
        expect_refusal(503);
        assert_int_equal(http_server_counters(stage.server).refused, 1);
}

static void a_server_may_go_while_exchanges_are_held(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(stage.n_held, 1);
        http_exchange_end(stage.held[0], true); /* leaves work for the end of the turn */
        stage.server = http_server_free(stage.server);
        settle();
        assert_int_equal(stage.n_held, 1);
        assert_int_equal(stage.n_gone, 0);
}

static void label_it(void *ctx, struct http_exchange *x)
{
        assert_string_equal(http_exchange_label(x), "");
        if (stage.n_requests == 0)
                http_exchange_set_label(x, STR_LITERAL("one"));
        on_request(ctx, x);
}

static void label_malformed(void *ctx, struct http_exchange *x, unsigned status, const char *why)
{
        must(ctx == &stage && http_exchange_ctx(x) == ctx);
        assert_int_equal(status, 505);
        assert_true(why[0] != '\0');
        /* What the last request was called is forgotten. */
        assert_string_equal(http_exchange_label(x), "");
        http_exchange_set_label(x, STR_LITERAL("three"));
}

static void a_label_is_named_in_the_answer_of_its_own_exchange(void **state)
{
        static const struct http_server_ops labelling = { .request = label_it,
                                                          .gone = on_gone,
                                                          .drained = on_drained,
                                                          .malformed = label_malformed,
                                                          .empty = on_empty };

        (void)state;
        stage.config.label_field = STR_LITERAL("X-Label");
        assert_int_equal(http_server_new(stage.loop, &stage.config, &labelling, &stage,
                                         &stage.server),
                         0);
        stage.client = connect_pair();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Label: one\r\n\r\nGET /1 ");
        /* Without a label there is no field. */
        send_text("GET /2 HTTP/1.1\r\n" HOST "\r\n");
        expect(REPLY("7", "GET /2 "));
        send_text("GET /3 HTTP/3.0\r\n" HOST "\r\n");
        receive();
        assert_non_null(strstr(stage.received, "\r\nX-Label: three\r\n"));
        expect_refusal(505);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(an_aborted_answer_does_not_look_complete),
                TEST(a_reset_while_waiting_is_noticed),
                TEST(draining_finishes_what_is_begun),
                TEST(a_retiring_server_answers_who_is_connected_and_then_closes),
                TEST(who_was_not_told_of_the_end_may_ask_once_more),
                TEST(an_empty_server_drains_at_once),
                TEST(connections_have_a_ceiling),
                TEST(a_label_is_named_in_the_answer_of_its_own_exchange),
                TEST(a_server_may_go_while_exchanges_are_held),
        };

        return cmocka_run_group_tests_name("http/server", tests, NULL, NULL);
}
