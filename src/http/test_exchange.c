#include "http/test_stage.h"

static void delayed_answers_keep_the_order(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
        /* One at a time: the second is not even shown before the first is answered. */
        assert_int_equal(stage.n_held, 1);
        send_text("GET /3 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(stage.n_held, 1);
        expect("");
        for (unsigned i = 0; i < 3; ++i) {
                assert_int_equal(stage.n_held, i + 1);
                echo(stage.held[i]);
                assert_int_equal(stage.n_held, i + 1); /* never from inside the owner's call */
                settle();
        }
        expect(REPLY("7", "GET /1 ") REPLY("7", "GET /2 ") REPLY("7", "GET /3 "));
}

static void views_stay_while_a_client_sends_ahead(void **state)
{
        char ahead[2000];

        (void)state;
        stage.holds = true;
        begin_server();
        send_text("POST /keep HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        memset(ahead, 'x', sizeof(ahead));
        for (int i = 0; i < 20; ++i)
                send_bytes(ahead, sizeof(ahead));
        settle();
        assert_int_equal(stage.n_held, 1);
        assert_true(str_eq(http_exchange_head(stage.held[0])->path, STR_LITERAL("/keep")));
        assert_true(str_eq(http_exchange_body(stage.held[0]), STR_LITERAL("hello")));
        echo(stage.held[0]);
        receive();
        assert_non_null(strstr(stage.received, "POST /keep hello"));
        /* The junk is a request line too long, and no second request. */
        assert_non_null(strstr(stage.received, "HTTP/1.1 400 "));
        assert_int_equal(stage.n_held, 1);
}

static void a_client_that_hangs_up_while_waiting_is_noticed(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /unread");
        assert_int_equal(stage.n_gone, 0);
        close(stage.client);
        stage.client = -1;
        settle();
        assert_int_equal(stage.n_gone, 1);
        assert_false(http_exchange_may_keep_alive(stage.held[0]));
        /* The exchange is still the owner's. */
        assert_true(str_eq(http_exchange_head(stage.held[0])->path, STR_LITERAL("/1")));
        echo(stage.held[0]);
        settle();
        assert_int_equal(stage.n_gone, 1);
        assert_int_equal(http_server_counters(stage.server).open, 0);
        assert_int_equal(http_server_counters(stage.server).gone, 1);
}

static void a_client_that_has_left_is_known_before_it_is_told(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\nGET /unread");
        assert_false(http_exchange_has_left(stage.held[0]));
        close(stage.client);
        stage.client = -1;
        assert_true(http_exchange_has_left(stage.held[0]));
        assert_int_equal(stage.n_gone, 0);
        settle();
        assert_int_equal(stage.n_gone, 1);
        assert_true(http_exchange_has_left(stage.held[0]));
        echo(stage.held[0]);
}

static void a_client_that_closed_its_side_may_still_be_answered(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        shutdown(stage.client, SHUT_WR);
        settle();
        assert_int_equal(stage.n_gone, 1);
        echo(stage.held[0]);
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /1 ");
        assert_true(stage.is_closed);
}

static void an_answer_at_once_reaches_a_client_that_closed_its_side(void **state)
{
        (void)state;
        begin_server();
        send_bytes("GET /1 HTTP/1.1\r\n" HOST "\r\n", 28);
        shutdown(stage.client, SHUT_WR);
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /1 ");
        assert_int_equal(stage.n_gone, 0);
        assert_true(stage.is_closed);
}

static void one_that_is_closed_waits_for_nobody(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), "HTTP/1.1 200 OK\r\n\r\nx",
                                    20),
                         0);
        http_exchange_close(stage.held[0]);
        /* Gone although the client has neither read nor closed, and what was written comes. */
        assert_int_equal(http_server_counters(stage.server).open, 0);
        expect("HTTP/1.1 200 OK\r\n\r\nx");
        assert_true(stage.is_closed && !stage.is_reset);
        assert_int_equal(stage.n_gone, 0);
}

static void writing_to_a_vanished_client_says_so(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        close(stage.client);
        stage.client = -1;
        /* Before the loop had a chance to tell. */
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), "x", 1), 0);
        assert_int_equal(http_exchange_flush(stage.held[0]), -EPIPE);
        assert_int_equal(buf_append(http_exchange_out(stage.held[0]), "x", 1), 0);
        assert_int_equal(http_exchange_flush(stage.held[0]), -EPIPE);
        settle();
        assert_int_equal(stage.n_gone, 0);
        assert_int_equal(http_server_counters(stage.server).gone, 1);
        http_exchange_abort(stage.held[0]);
        assert_int_equal(http_server_counters(stage.server).open, 0);
}

static void a_slow_reader_holds_the_owner_back(void **state)
{
        static char piece[16 << 10];
        struct http_exchange *x;
        size_t sent = 0, n;

        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        x = stage.held[0];
        memset(piece, 'p', sizeof(piece));
        do {
                assert_int_equal(buf_append(http_exchange_out(x), piece, sizeof(piece)), 0);
                sent += sizeof(piece);
        } while (http_exchange_flush(x) == HTTP_FLUSHED);
        assert_true(buf_length(http_exchange_out(x)) > stage.config.output_high);
        assert_true(buf_length(http_exchange_out(x)) <= stage.config.output_high + sizeof(piece));
        settle();
        assert_int_equal(stage.n_drained, 0);

        receive();
        assert_int_equal(stage.n_drained, 1);
        assert_int_equal(stage.n_received, sent);
        http_exchange_end(x, true);
        n = stage.n_received;
        receive();
        assert_int_equal(stage.n_received, n);
        assert_false(stage.is_closed);
}

static void stop_when_gone(void *ctx, struct http_exchange *x)
{
        on_gone(ctx, x);
        loop_stop(stage.loop);
}

static void a_client_that_never_reads_is_given_up(void **state)
{
        static const struct http_server_ops stopping = { .request = on_request,
                                                         .gone = stop_when_gone,
                                                         .drained = on_drained,
                                                         .empty = on_empty };
        static char piece[512 << 10];

        (void)state;
        stage.holds = true;
        stage.config.write_timeout_us = 20 * US_PER_MS;
        assert_int_equal(http_server_new(stage.loop, &stage.config, &stopping, &stage,
                                         &stage.server),
                         0);
        stage.client = connect_pair();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        for (int i = 0; i < 2; ++i) {
                assert_int_equal(buf_append(http_exchange_out(stage.held[0]), piece, sizeof(piece)),
                                 0);
        }
        assert_int_equal(http_exchange_flush(stage.held[0]), HTTP_FULL);
        assert_int_equal(loop_run(stage.loop), 0); /* until gone() */
        assert_int_equal(stage.n_gone, 1);
        assert_int_equal(http_exchange_flush(stage.held[0]), -EPIPE);
        http_exchange_end(stage.held[0], true);
        assert_int_equal(http_server_counters(stage.server).open, 0);
        assert_int_equal(http_server_counters(stage.server).late, 1);
}

static void http_1_0_is_kept_only_when_asked(void **state)
{
        (void)state;
        begin_server();
        send_text("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\nGET /1 ");
        assert_false(stage.is_closed);
        send_text("GET /2 HTTP/1.0\r\n\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /2 ");
        assert_true(stage.is_closed);
}

static void answers_to_head_have_a_length_and_no_body(void **state)
{
        (void)state;
        begin_server();
        send_text("HEAD /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" REPLY("7", "GET /2 "));
}

static void replies_carry_fields_or_nothing(void **state)
{
        static const struct http_field good = { { "Retry-After", 11 }, { "7", 1 } };
        static const struct http_field bad = { { "X", 1 }, { "a\r\nY: b", 7 } };

        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        http_exchange_reply(stage.held[0], 429, STR_LITERAL("application/json"), &good, 1,
                            STR_LITERAL("{}"));
        expect("HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
               "Content-Length: 2\r\nRetry-After: 7\r\n\r\n{}");
        send_text("GET /2 HTTP/1.1\r\n" HOST "\r\n");
        http_exchange_reply(stage.held[1], 200, STR_NULL, &bad, 1, STR_NULL);
        expect("");
        assert_true(stage.is_closed);
}

static void peers_on_unix_sockets_have_a_name(void **state)
{
        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_string_equal(http_exchange_peer(stage.held[0]), "unix");
        echo(stage.held[0]);
}

static void the_kernel_says_who_is_at_a_unix_socket(void **state)
{
        struct address local;
        uid_t user = (uid_t)-1;

        (void)state;
        stage.holds = true;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(http_exchange_peer_user(stage.held[0], &user), 0);
        assert_int_equal(user, geteuid());
        assert_int_equal(http_exchange_local(stage.held[0], &local), 0);
        assert_int_equal(local.socket.ss_family, AF_UNIX);
        echo(stage.held[0]);
}

static void each_connection_has_a_number_of_its_own(void **state)
{
        uint64_t number;
        int other;

        (void)state;
        begin_server();
        stage.holds = true;
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        settle();
        number = http_exchange_connection(stage.held[0]);
        assert_int_not_equal(number, 0);
        echo(stage.held[0]);
        send_text("GET /2 HTTP/1.1\r\n" HOST "\r\n");
        settle();
        assert_int_equal(http_exchange_connection(stage.held[1]), number);
        other = stage.client;
        stage.client = connect_pair();
        send_text("GET /3 HTTP/1.1\r\n" HOST "\r\n");
        settle();
        assert_int_not_equal(http_exchange_connection(stage.held[2]), number);
        echo(stage.held[1]);
        echo(stage.held[2]);
        close(other);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(each_connection_has_a_number_of_its_own),
                TEST(delayed_answers_keep_the_order),
                TEST(views_stay_while_a_client_sends_ahead),
                TEST(a_client_that_hangs_up_while_waiting_is_noticed),
                TEST(a_client_that_has_left_is_known_before_it_is_told),
                TEST(a_client_that_closed_its_side_may_still_be_answered),
                TEST(an_answer_at_once_reaches_a_client_that_closed_its_side),
                TEST(one_that_is_closed_waits_for_nobody),
                TEST(writing_to_a_vanished_client_says_so),
                TEST(a_slow_reader_holds_the_owner_back),
                TEST(a_client_that_never_reads_is_given_up),
                TEST(http_1_0_is_kept_only_when_asked),
                TEST(answers_to_head_have_a_length_and_no_body),
                TEST(replies_carry_fields_or_nothing),
                TEST(peers_on_unix_sockets_have_a_name),
                TEST(the_kernel_says_who_is_at_a_unix_socket),
        };

        return cmocka_run_group_tests_name("http/exchange", tests, NULL, NULL);
}
