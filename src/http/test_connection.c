#include "http/test_stage.h"

#include <poll.h>

static void a_connection_serves_one_request_after_the_other(void **state)
{
        (void)state;
        begin_server();
        for (int i = 0; i < 3; ++i) {
                send_text("GET /a?b HTTP/1.1\r\n" HOST "\r\n");
                expect(REPLY("9", "GET /a?b "));
        }
        assert_int_equal(stage.n_requests, 3);
        assert_int_equal(http_server_counters(stage.server).open, 1);
        assert_int_equal(http_server_counters(stage.server).requests, 3);
        assert_int_equal(stage.n_gone, 0);
}

static void bodies_arrive_whole_by_length_and_by_chunks(void **state)
{
        (void)state;
        begin_server();
        send_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        expect(REPLY("12", "POST / hello"));
        send_text("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "2;x\r\nhe\r\n1\r\nl\r\n2\r\nlo\r\n0\r\nX-T: y\r\n\r\n");
        expect(REPLY("12", "POST / hello"));
}

static void a_trickle_is_read_as_one_request(void **state)
{
        static const char text[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
                                   "PUT / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi";

        (void)state;
        begin_server();
        for (size_t i = 0; i < sizeof(text) - 1; ++i) {
                send_bytes(text + i, 1);
                settle();
        }
        expect(REPLY("12", "POST / hello") REPLY("8", "PUT / hi"));
}

static void what_is_sent_ahead_is_answered_in_order(void **state)
{
        (void)state;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n"
                  "POST /2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "1\r\na\r\n0\r\n\r\n"
                  "POST /3 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nb"
                  "GET /4 HTTP/1.1\r\n" HOST "\r\n");
        expect(REPLY("7", "GET /1 ") REPLY("9", "POST /2 a") REPLY("9", "POST /3 b")
                       REPLY("7", "GET /4 "));
}

static void a_large_body_takes_its_head_along(void **state)
{
        size_t n = 300000;
        char *body = malloc(n), start[128];

        (void)state;
        memset(body, 'b', n);
        begin_server();
        sprintf(start, "POST /large HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);
        send_text(start);
        for (size_t at = 0; at < n; at += 10000) {
                send_bytes(body + at, 10000);
                settle();
        }
        receive();
        assert_non_null(strstr(stage.received, "\r\n\r\nPOST /large bbb"));
        assert_int_equal(strspn(strstr(stage.received, "/large ") + 7, "b"), n);
        free(body);
}

static void malformed_requests_are_answered_and_closed(void **state)
{
        static const struct {
                const char *text;
                unsigned status;
        } rows[] = {
                { "GET / HTTP/1.1\n\n", 400 },
                { "GET / HTTP/1.1\r\n\r\n", 400 },
                { "GET / HTTP/3.0\r\n" HOST "\r\n", 505 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501 },
                { "POST / HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x2\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400 },
                { "\x16\x03\x01", 400 },
        };

        (void)state;
        begin_server();
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                close(stage.client);
                stage.client = connect_pair();
                stage.is_closed = false;
                send_text(rows[i].text);
                expect_refusal(rows[i].status);
        }
        assert_int_equal(stage.n_requests, 0);
        assert_int_equal(http_server_counters(stage.server).malformed, ARRAY_SIZE(rows));
}

static void what_follows_a_malformed_request_is_never_read_as_one(void **state)
{
        (void)state;
        begin_server();
        send_text("POST / HTTP/1.1\r\n" HOST
                  "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "0\r\n\r\nGET /smuggled HTTP/1.1\r\n" HOST "\r\n");
        send_text("GET /later HTTP/1.1\r\n" HOST "\r\n");
        expect_refusal(400);
        assert_int_equal(stage.n_requests, 0);
}

static void bodies_have_a_ceiling(void **state)
{
        (void)state;
        stage.config.body_max = 10;
        begin_server();
        send_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
        expect(REPLY("17", "POST / 0123456789"));
        send_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n");
        expect_refusal(413);

        close(stage.client);
        stage.client = connect_pair();
        stage.is_closed = false;
        send_text("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
        expect(REPLY("17", "POST / 0123456789"));
        send_text("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "5\r\n01234\r\n6\r\n56789");
        expect("");
        send_text("a");
        expect_refusal(413);
        assert_int_equal(stage.n_requests, 2);
}

static void a_huge_length_is_refused_before_its_body(void **state)
{
        (void)state;
        begin_server();
        send_text("POST / HTTP/1.1\r\n" HOST
                  "Expect: 100-continue\r\nContent-Length: 9223372036854775807\r\n\r\n");
        expect_refusal(413);
}

static void all_bodies_together_have_a_ceiling(void **state)
{
        static char part[6000];

        (void)state;
        stage.config.buffered_max = 8192;
        begin_server();
        memset(part, 'b', sizeof(part));
        send_text("POST / HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n");
        send_bytes(part, sizeof(part));
        send_bytes(part, sizeof(part));
        expect_refusal(503);
}

static void a_client_is_told_to_continue(void **state)
{
        (void)state;
        begin_server();
        send_text("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        expect("HTTP/1.1 100 Continue\r\n\r\n");
        send_text("hi");
        expect(REPLY("9", "POST / hi"));
        /* Not when the body is there already, and not when there is none. */
        send_text("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
        expect(REPLY("9", "POST / hi"));
        send_text("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n");
        expect(REPLY("7", "POST / "));
}

static void connections_close_when_asked(void **state)
{
        (void)state;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        expect("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /1 ");
        assert_true(stage.is_closed);
}

static void late_requests_are_told_so(void **state)
{
        static const char *const rows[] = {
                "G",
                "GET / HTTP/1.1\r\nHost:",
                "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nh",
                "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1",
        };

        (void)state;
        stage.config.head_timeout_us = stage.config.body_timeout_us = 20 * US_PER_MS;
        begin_server();
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                close(stage.client);
                stage.client = connect_pair();
                stage.is_closed = false;
                send_text(rows[i]);
                wait_for_server();
                expect_refusal(408);
        }
        assert_int_equal(http_server_counters(stage.server).late, ARRAY_SIZE(rows));
        assert_int_equal(stage.n_requests, 0);
}

static void idle_connections_are_closed_in_silence(void **state)
{
        (void)state;
        stage.config.idle_timeout_us = 20 * US_PER_MS;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        expect(REPLY("7", "GET /1 "));
        wait_for_server();
        expect("");
        assert_true(stage.is_closed);
        assert_int_equal(http_server_counters(stage.server).late, 0);
        assert_int_equal(http_server_counters(stage.server).open, 0);
}

static void what_came_before_its_end_was_seen_is_served(void **state)
{
        static const char late[] = "GET /2 HTTP/1.1\r\n" HOST "\r\n";

        (void)state;
        stage.config.idle_timeout_us = 20 * US_PER_MS;
        begin_server();
        send_text("GET /1 HTTP/1.1\r\n" HOST "\r\n");
        expect(REPLY("7", "GET /1 "));
        /* The process has no turn, the deadline passes, and a request comes. */
        assert_int_equal(poll(NULL, 0, 50), 0);
        send_bytes(late, sizeof(late) - 1);
        expect(REPLY("7", "GET /2 "));
        assert_false(stage.is_closed);
        wait_for_server();
        expect("");
        assert_true(stage.is_closed);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_connection_serves_one_request_after_the_other),
                TEST(bodies_arrive_whole_by_length_and_by_chunks),
                TEST(a_trickle_is_read_as_one_request),
                TEST(what_is_sent_ahead_is_answered_in_order),
                TEST(a_large_body_takes_its_head_along),
                TEST(malformed_requests_are_answered_and_closed),
                TEST(what_follows_a_malformed_request_is_never_read_as_one),
                TEST(bodies_have_a_ceiling),
                TEST(a_huge_length_is_refused_before_its_body),
                TEST(all_bodies_together_have_a_ceiling),
                TEST(a_client_is_told_to_continue),
                TEST(connections_close_when_asked),
                TEST(late_requests_are_told_so),
                TEST(idle_connections_are_closed_in_silence),
                TEST(what_came_before_its_end_was_seen_is_served),
        };

        return cmocka_run_group_tests_name("http/connection", tests, NULL, NULL);
}
