#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/parse.h"
#include "http/test_edge.h"

#include <stdio.h>
#include <stdlib.h>

/* With a length, because NUL is one of the bytes that matter. */
#define TEXT(s) (s), sizeof(s) - 1
#define HOST    "Host: x\r\n"

static struct edge edge;

struct request_row {
        const char *label, *text;
        size_t n;
        unsigned status; /* of the refusal; 0: accepted */
};

static const struct request_row requests[] = {
        /* the probes that desynchronise other servers */
        { "Content-Length and Transfer-Encoding",
          TEXT("POST / HTTP/1.1\r\n" HOST
               "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"),
          400 },
        { "Transfer-Encoding and Content-Length",
          TEXT("POST / HTTP/1.1\r\n" HOST
               "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n"),
          400 },
        { "two different Content-Length",
          TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n"), 400 },
        { "two equal Content-Length",
          TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n"), 400 },
        { "a list of Content-Length",
          TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 2, 2\r\n\r\n"), 400 },
        { "Content-Length: +2", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: +2\r\n\r\n"),
          400 },
        { "Content-Length: -2", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: -2\r\n\r\n"),
          400 },
        { "Content-Length: 0x2", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x2\r\n\r\n"),
          400 },
        { "Content-Length: 2 2", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 2 2\r\n\r\n"),
          400 },
        { "an empty Content-Length", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n"),
          400 },
        { "Content-Length of 2^64",
          TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n"), 400 },
        { "Content-Length of 2^63",
          TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n"), 400 },
        { "Transfer-Encoding: xchunked",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
        { "Transfer-Encoding: chunkedx",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunkedx\r\n\r\n"), 501 },
        { "Transfer-Encoding: gzip, chunked",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
        { "Transfer-Encoding: identity",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n"), 501 },
        { "an empty Transfer-Encoding",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n"), 501 },
        { "two Transfer-Encoding",
          TEXT("POST / HTTP/1.1\r\n" HOST
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
          400 },
        { "Transfer-Encoding : chunked",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n"), 400 },
        { "Content-Length : 2", TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length : 2\r\n\r\n"),
          400 },
        { "HTTP/1.0 with Transfer-Encoding",
          TEXT("POST / HTTP/1.0\r\n" HOST
               "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"),
          400 },
        { "a folded field", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n"), 400 },
        { "a field folded by a tab", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\r\n\tc\r\n\r\n"), 400 },
        { "a folded Transfer-Encoding",
          TEXT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400 },
        { "a fold before the first field", TEXT("GET / HTTP/1.1\r\n X-A: b\r\n" HOST "\r\n"), 400 },
        { "bare LF after the request line", TEXT("GET / HTTP/1.1\n" HOST "\r\n"), 400 },
        { "bare LF after a field", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\nX-C: d\r\n\r\n"), 400 },
        { "bare LF at the end", TEXT("GET / HTTP/1.1\r\n" HOST "\n"), 400 },
        { "LF LF", TEXT("GET / HTTP/1.1\n\n"), 400 },
        { "bare CR in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\rX-C: d\r\n\r\n"), 400 },
        { "bare CR before CR LF", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\r\r\n\r\n"), 400 },
        { "bare CR as a line", TEXT("GET / HTTP/1.1\r\n" HOST "\rX-A: b\r\n\r\n"), 400 },
        { "bare CR after the version", TEXT("GET / HTTP/1.1\rX\r\n" HOST "\r\n"), 400 },
        { "NUL in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n"), 400 },
        { "NUL in a name", TEXT("GET / HTTP/1.1\r\n" HOST "X-\0A: b\r\n\r\n"), 400 },
        { "NUL in the target", TEXT("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "DEL in a value", TEXT("GET / HTTP/1.1\r\n" HOST "X-A: b\x7f\r\n\r\n"), 400 },
        { "a space in a name", TEXT("GET / HTTP/1.1\r\n" HOST "X A: b\r\n\r\n"), 400 },
        { "an empty name", TEXT("GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n"), 400 },
        { "no colon", TEXT("GET / HTTP/1.1\r\n" HOST "X-A\r\n\r\n"), 400 },
        { "a name beyond ASCII", TEXT("GET / HTTP/1.1\r\n" HOST "X-\xc3\xa4: b\r\n\r\n"), 400 },
        { "a bracket in a name", TEXT("GET / HTTP/1.1\r\n" HOST "X(A): b\r\n\r\n"), 400 },
        { "no Host", TEXT("GET / HTTP/1.1\r\nX-A: b\r\n\r\n"), 400 },
        { "no field at all", TEXT("GET / HTTP/1.1\r\n\r\n"), 400 },
        { "two Host", TEXT("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400 },
        { "two Host in HTTP/1.0", TEXT("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400 },
        { "a path in Host", TEXT("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"), 400 },
        { "a user in Host", TEXT("GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"), 400 },
        { "a list in Host", TEXT("GET / HTTP/1.1\r\nHost: x, y\r\n\r\n"), 400 },
        { "a control byte in the target", TEXT("GET /\x01 HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a tab in the target", TEXT("GET /\t HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "DEL in the target", TEXT("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "UTF-8 in the target", TEXT("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "# in the target", TEXT("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a space in the target", TEXT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "an absolute target", TEXT("GET http://x/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "an asterisk", TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "an empty target", TEXT("GET  HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "CONNECT", TEXT("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n"), 501 },
        { "CONNECT with a path", TEXT("CONNECT / HTTP/1.1\r\n" HOST "\r\n"), 501 },
        { "a junk method", TEXT("G@T( / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a method in small letters", TEXT("get / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a method in mixed letters", TEXT("Get / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "no method", TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a method of 33 letters",
          TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST "\r\n"), 501 },
        { "an empty line first", TEXT("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a space first", TEXT(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "two spaces before the version", TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a tab before the version", TEXT("GET /\tHTTP/1.1\r\n" HOST "\r\n"), 400 },
        { "a space after the version", TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400 },
        { "HTTP/2.0", TEXT("GET / HTTP/2.0\r\n" HOST "\r\n"), 505 },
        { "HTTP/1.2", TEXT("GET / HTTP/1.2\r\n" HOST "\r\n"), 505 },
        { "HTTP/0.9", TEXT("GET /\r\n\r\n"), 400 },
        { "HTTP/1.", TEXT("GET / HTTP/1.\r\n" HOST "\r\n"), 400 },
        { "HTTP/1.10", TEXT("GET / HTTP/1.10\r\n" HOST "\r\n"), 400 },
        { "http/1.1", TEXT("GET / http/1.1\r\n" HOST "\r\n"), 400 },
        { "the preface of HTTP/2", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400 },
        { "a TLS handshake", TEXT("\x16\x03\x01\x02\x00\x01\x00"), 400 },
        { "an expectation we do not know",
          TEXT("POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n"), 417 },

        /* and what real clients send */
        { "the least", TEXT("GET / HTTP/1.1\r\n" HOST "\r\n"), 0 },
        { "HTTP/1.0 without Host", TEXT("GET / HTTP/1.0\r\n\r\n"), 0 },
        { "an empty Host", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0 },
        { "Host with a port", TEXT("GET / HTTP/1.1\r\nHost: 127.0.0.1:8900\r\n\r\n"), 0 },
        { "Host of IPv6", TEXT("GET / HTTP/1.1\r\nHost: [::1]:8900\r\n\r\n"), 0 },
        { "odd bytes in a query", TEXT("GET /?a=\"<>|{}^`\\%zz+%20&&= HTTP/1.1\r\n" HOST "\r\n"),
          0 },
        { "a tab and UTF-8 in a value",
          TEXT("GET / HTTP/1.1\r\n" HOST "X-A:\t a\tb \xc3\xa4 \t\r\n\r\n"), 0 },
        { "an empty value", TEXT("GET / HTTP/1.1\r\n" HOST "X-A:\r\nX-B: \t \r\n\r\n"), 0 },
        { "a chunked body", TEXT("POST / HTTP/1.1\r\n" HOST "TRANSFER-ENCODING: Chunked\r\n\r\n"),
          0 },
        { "an unknown method", TEXT("M-SEARCH / HTTP/1.1\r\n" HOST "\r\n"), 0 },
        { "a value of many blocks",
          TEXT("GET / HTTP/1.1\r\n" HOST "X-A: 0123456789abcdef0123456789abcdef01234567\r\n\r\n"),
          0 },
};

static int parse(struct str text, struct http_head *head, struct http_error *error)
{
        size_t from = 0;

        return http_parse_request(text, &from, head, error);
}

static void requests_are_taken_or_refused_as_a_whole(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(requests); ++i) {
                const struct request_row *row = &requests[i];
                struct http_error error = { 0 };
                struct http_head head;
                int r = parse(edge_copy(&edge, str_from(row->text, row->n)), &head, &error);

                if ((r == HTTP_BAD ? error.status : 0) != row->status)
                        fail_msg("%s: got %d, %u %s", row->label, r, error.status,
                                 error.why ? error.why : "");
                if (r == HTTP_DONE && head.head_bytes != row->n)
                        fail_msg("%s: ends at %zu", row->label, head.head_bytes);
        }
}

/* One byte more at a time, as a slow sender feeds it, each time before an unreadable page. */
static void the_answer_does_not_depend_on_how_bytes_were_cut(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(requests); ++i) {
                const struct request_row *row = &requests[i];
                struct http_error whole_error = { 0 }, error = { 0 };
                struct http_head whole, head;
                int expected = parse(str_from(row->text, row->n), &whole, &whole_error), r;
                size_t from = 0, n = 0;

                do
                        r = http_parse_request(edge_copy(&edge, str_from(row->text, ++n)), &from,
                                               &head, &error);
                while (r == HTTP_SHORT && n < row->n);
                if (r != expected || error.status != whole_error.status ||
                    error.why != whole_error.why)
                        fail_msg("%s: got %d %s after %zu bytes", row->label, r,
                                 error.why ? error.why : "", n);
                if (r != HTTP_DONE)
                        continue;
                assert_int_equal(n, row->n);
                assert_int_equal(head.n_fields, whole.n_fields);
                for (size_t f = 0; f < head.n_fields; ++f) {
                        assert_true(str_eq(head.fields[f].name, whole.fields[f].name));
                        assert_true(str_eq(head.fields[f].value, whole.fields[f].value));
                }
        }
}

static void a_head_is_read_to_its_parts(void **state)
{
        static const char text[] = "DELETE /fapi/v1/order?symbol=BTCUSDT&x=%20?y HTTP/1.1\r\n"
                                   "host:  fapi.binance.com \r\n"
                                   "X-MBX-APIKEY:k\r\n"
                                   "content-length: 007\r\n"
                                   "EXPECT: 100-Continue\r\n"
                                   "Connection: Upgrade, X-Hop ,, keep-alive\r\n"
                                   "Upgrade: websocket\r\n"
                                   "\r\n"
                                   "bodyGET /";
        struct http_head head;
        struct http_error error;

        (void)state;
        assert_int_equal(parse(str_from(TEXT(text)), &head, &error), HTTP_DONE);
        assert_int_equal(head.method, HTTP_DELETE);
        assert_true(str_eq(head.method_text, STR_LITERAL("DELETE")));
        assert_true(str_eq(head.target, STR_LITERAL("/fapi/v1/order?symbol=BTCUSDT&x=%20?y")));
        assert_true(str_eq(head.path, STR_LITERAL("/fapi/v1/order")));
        assert_true(head.has_query);
        assert_true(str_eq(head.query, STR_LITERAL("symbol=BTCUSDT&x=%20?y")));
        assert_true(str_eq(head.host, STR_LITERAL("fapi.binance.com")));
        assert_true(head.expects_continue);
        assert_true(head.keep_alive);
        assert_true(head.is_upgrade);
        assert_int_equal(head.minor_version, 1);
        assert_int_equal(head.framing, HTTP_BODY_LENGTH);
        assert_int_equal(head.content_length, 7);
        assert_int_equal(head.n_fields, 6);
        assert_int_equal(head.head_bytes, sizeof(text) - 1 - strlen("bodyGET /"));
        assert_true(str_eq(http_field_value(&head, STR_LITERAL("x-mbx-apikey")), STR_LITERAL("k")));
        assert_null(http_field_value(&head, STR_LITERAL("x-mbx")).p);

        assert_true(http_field_is_hop_by_hop(&head, STR_LITERAL("x-hop")));
        assert_true(http_field_is_hop_by_hop(&head, STR_LITERAL("Connection")));
        assert_true(http_field_is_hop_by_hop(&head, STR_LITERAL("TE")));
        assert_true(http_field_is_hop_by_hop(&head, STR_LITERAL("Proxy-Authorization")));
        assert_false(http_field_is_hop_by_hop(&head, STR_LITERAL("X-MBX-APIKEY")));
}

static void a_question_mark_alone_is_a_query(void **state)
{
        struct http_head head;
        struct http_error error;

        (void)state;
        assert_int_equal(parse(str_of("GET /x? HTTP/1.1\r\n" HOST "\r\n"), &head, &error), 0);
        assert_true(head.has_query);
        assert_int_equal(head.query.n, 0);
        assert_int_equal(parse(str_of("GET /x HTTP/1.1\r\n" HOST "\r\n"), &head, &error), 0);
        assert_false(head.has_query);
}

static void connections_are_kept_by_version_and_by_wish(void **state)
{
        static const struct {
                const char *text;
                bool keep_alive;
        } rows[] = {
                { "GET / HTTP/1.1\r\n" HOST "\r\n", true },
                { "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false },
                { "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, CLOSE\r\n\r\n", false },
                { "GET / HTTP/1.1\r\n" HOST "Connection: a\r\nConnection: close\r\n\r\n", false },
                { "GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true },
                { "GET / HTTP/1.0\r\n" HOST "\r\n", false },
                { "GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n", true },
                { "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive, close\r\n\r\n", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct http_head head;
                struct http_error error;

                assert_int_equal(parse(str_of(rows[i].text), &head, &error), HTTP_DONE);
                if (head.keep_alive != rows[i].keep_alive)
                        fail_msg("%s", rows[i].text);
        }
}

static void an_expectation_before_its_time_is_no_word(void **state)
{
        struct http_head head;
        struct http_error error;

        (void)state;
        assert_int_equal(parse(str_of("POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
                                      "Content-Length: 1\r\n\r\n"),
                               &head, &error),
                         HTTP_DONE);
        assert_false(head.expects_continue);
}

/* "GET /aaaa...": a head of @n bytes, or the start of one. */
static struct str long_target(size_t n, bool is_ended)
{
        static char text[HTTP_HEAD_MAX + 100];
        static const char end[] = " HTTP/1.1\r\n" HOST "\r\n";

        memset(text, 'a', sizeof(text));
        memcpy(text, "GET /", 5);
        if (is_ended)
                memcpy(text + n - (sizeof(end) - 1), end, sizeof(end) - 1);
        return str_from(text, n);
}

static void a_head_has_a_ceiling(void **state)
{
        struct http_head head;
        struct http_error error;

        (void)state;
        assert_int_equal(parse(long_target(HTTP_HEAD_MAX, true), &head, &error), HTTP_DONE);
        assert_int_equal(parse(long_target(HTTP_HEAD_MAX + 1, true), &head, &error), HTTP_BAD);
        assert_int_equal(error.status, 431);
        assert_int_equal(parse(long_target(HTTP_HEAD_MAX - 1, false), &head, &error), HTTP_SHORT);
        assert_int_equal(parse(long_target(HTTP_HEAD_MAX, false), &head, &error), HTTP_BAD);
        assert_int_equal(error.status, 414);
}

static void fields_have_a_ceiling(void **state)
{
        char text[4096];

        (void)state;
        for (size_t n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX; ++n) {
                struct http_error error = { 0 };
                struct http_head head;
                size_t at = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST);

                for (size_t i = 0; i < n; ++i)
                        at += (size_t)sprintf(text + at, "X-%zu: %zu\r\n", i, i);
                at += (size_t)sprintf(text + at, "\r\n");
                if (n < HTTP_FIELDS_MAX) {
                        assert_int_equal(parse(str_from(text, at), &head, &error), HTTP_DONE);
                        assert_int_equal(head.n_fields, HTTP_FIELDS_MAX);
                } else {
                        assert_int_equal(parse(str_from(text, at), &head, &error), HTTP_BAD);
                        assert_int_equal(error.status, 431);
                }
        }
}

struct response_row {
        const char *label, *text;
        size_t n;
        enum http_method method;
        int answer;
        enum http_framing framing;
        uint64_t content_length;
        bool keep_alive;
};

static const struct response_row responses[] = {
        { "a length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_DONE,
          HTTP_BODY_LENGTH, 5, true },
        { "chunks", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n"), HTTP_GET,
          HTTP_DONE, HTTP_BODY_CHUNKED, 0, true },
        { "until the end", TEXT("HTTP/1.1 200 OK\r\n\r\n"), HTTP_GET, HTTP_DONE,
          HTTP_BODY_UNTIL_CLOSE, 0, false },
        { "no body for HEAD", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP_HEAD,
          HTTP_DONE, HTTP_BODY_NONE, 5, true },
        { "no body for HEAD, no length either", TEXT("HTTP/1.1 200 OK\r\n\r\n"), HTTP_HEAD,
          HTTP_DONE, HTTP_BODY_NONE, 0, true },
        { "304 with a length", TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
          HTTP_GET, HTTP_DONE, HTTP_BODY_NONE, 5, true },
        { "204", TEXT("HTTP/1.1 204 No Content\r\n\r\n"), HTTP_GET, HTTP_DONE, HTTP_BODY_NONE, 0,
          true },
        { "204 with a body is not trusted",
          TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_DONE,
          HTTP_BODY_NONE, 5, false },
        { "100", TEXT("HTTP/1.1 100 Continue\r\n\r\n"), HTTP_POST, HTTP_DONE, HTTP_BODY_NONE, 0,
          true },
        { "HTTP/1.0", TEXT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), HTTP_GET, HTTP_DONE,
          HTTP_BODY_LENGTH, 5, false },
        { "HTTP/1.0 kept",
          TEXT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"), HTTP_GET,
          HTTP_DONE, HTTP_BODY_LENGTH, 0, true },
        { "an empty reason", TEXT("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), HTTP_GET,
          HTTP_DONE, HTTP_BODY_LENGTH, 0, true },
        { "no reason", TEXT("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), HTTP_GET, HTTP_DONE,
          HTTP_BODY_LENGTH, 0, true },
        { "a reason in UTF-8", TEXT("HTTP/1.1 999 \xc3\xa4 \t ok\r\nContent-Length: 0\r\n\r\n"),
          HTTP_GET, HTTP_DONE, HTTP_BODY_LENGTH, 0, true },
        { "418 with a body", TEXT("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 9\r\n\r\n"),
          HTTP_GET, HTTP_DONE, HTTP_BODY_LENGTH, 9, true },
        { "bytes beyond ASCII in a value",
          TEXT("HTTP/1.1 200 OK\r\nX-A: \xff\xfe\r\nContent-Length: 0\r\n\r\n"), HTTP_GET,
          HTTP_DONE, HTTP_BODY_LENGTH, 0, true },
        { "not all of it", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"), HTTP_GET, HTTP_SHORT,
          0, 0, false },
        { "both lengths",
          TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
          HTTP_GET, HTTP_BAD, 0, 0, false },
        { "both lengths for HEAD",
          TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
          HTTP_HEAD, HTTP_BAD, 0, 0, false },
        { "two lengths", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
          HTTP_GET, HTTP_BAD, 0, 0, false },
        { "a negative length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), HTTP_GET,
          HTTP_BAD, 0, 0, false },
        { "gzip, chunked", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
          HTTP_GET, HTTP_BAD, 0, 0, false },
        { "a name that begins like another",
          TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-EncodingX: y\r\n\r\n"),
          HTTP_GET, HTTP_DONE, HTTP_BODY_CHUNKED, 0, true },
        { "HTTP/1.0 chunked", TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
          HTTP_GET, HTTP_BAD, 0, 0, false },
        { "a status of two digits", TEXT("HTTP/1.1 20 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
        { "a status of four digits", TEXT("HTTP/1.1 2000 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
        { "a status of 099", TEXT("HTTP/1.1 099 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "a signed status", TEXT("HTTP/1.1 +20 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "two spaces before the status", TEXT("HTTP/1.1  200 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0,
          0, false },
        { "HTTP/2.0", TEXT("HTTP/2.0 200 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "HTTP/1.2", TEXT("HTTP/1.2 200 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "ICY", TEXT("ICY 200 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "another protocol", TEXT("SSH-2.0-x"), HTTP_GET, HTTP_BAD, 0, 0, false },
        { "an empty line first", TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
        { "a control byte in the reason", TEXT("HTTP/1.1 200 O\x01K\r\n\r\n"), HTTP_GET, HTTP_BAD,
          0, 0, false },
        { "a bare CR in the reason", TEXT("HTTP/1.1 200 O\rK\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
        { "a bare LF", TEXT("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
        { "a folded field", TEXT("HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n"), HTTP_GET, HTTP_BAD, 0,
          0, false },
        { "a space before the colon", TEXT("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n"),
          HTTP_GET, HTTP_BAD, 0, 0, false },
        { "NUL in a value", TEXT("HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n"), HTTP_GET, HTTP_BAD, 0, 0,
          false },
};

static void responses_are_taken_or_refused_as_a_whole(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(responses); ++i) {
                const struct response_row *row = &responses[i];
                struct http_error error = { 0 };
                struct http_head head;
                size_t from = 0, n = 0;
                int r;

                do
                        r = http_parse_response(edge_copy(&edge, str_from(row->text, ++n)), &from,
                                                row->method, &head, &error);
                while (r == HTTP_SHORT && n < row->n);
                if (r != row->answer || (r == HTTP_BAD && error.status != 502))
                        fail_msg("%s: got %d %s", row->label, r, error.why ? error.why : "");
                if (r != HTTP_DONE)
                        continue;
                if (n != row->n || head.framing != row->framing ||
                    head.content_length != row->content_length ||
                    head.keep_alive != row->keep_alive)
                        fail_msg("%s: framing %d, length %ju, kept %d", row->label,
                                 (int)head.framing, (uintmax_t)head.content_length,
                                 head.keep_alive);
        }
}

static void a_status_line_is_read_to_its_parts(void **state)
{
        static const char text[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n\r\n";
        struct http_head head;
        struct http_error error;
        size_t from = 0;

        (void)state;
        assert_int_equal(http_parse_response(str_from(TEXT(text)), &from, HTTP_GET, &head, &error),
                         0);
        assert_int_equal(head.status, 429);
        assert_true(str_eq(head.reason, STR_LITERAL("Too Many Requests")));
        assert_true(str_eq(http_field_value(&head, STR_LITERAL("retry-after")), STR_LITERAL("7")));
}

static int begin(void **state)
{
        (void)state;
        edge_init(&edge);
        return 0;
}

static int end(void **state)
{
        (void)state;
        edge_deinit(&edge);
        return 0;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_are_taken_or_refused_as_a_whole),
                cmocka_unit_test(the_answer_does_not_depend_on_how_bytes_were_cut),
                cmocka_unit_test(a_head_is_read_to_its_parts),
                cmocka_unit_test(a_question_mark_alone_is_a_query),
                cmocka_unit_test(connections_are_kept_by_version_and_by_wish),
                cmocka_unit_test(an_expectation_before_its_time_is_no_word),
                cmocka_unit_test(a_head_has_a_ceiling),
                cmocka_unit_test(fields_have_a_ceiling),
                cmocka_unit_test(responses_are_taken_or_refused_as_a_whole),
                cmocka_unit_test(a_status_line_is_read_to_its_parts),
        };

        return cmocka_run_group_tests_name("http/parse", tests, begin, end);
}
