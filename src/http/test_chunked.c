#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "http/parse.h"
#include "http/test_edge.h"

#define TEXT(s) (s), sizeof(s) - 1

static struct edge edge;

struct row {
        const char *label, *text;
        size_t n;
        int answer;
        const char *payload;
        size_t left; /* bytes after the end */
};

static const struct row rows[] = {
        { "one chunk", TEXT("5\r\nhello\r\n0\r\n\r\n"), HTTP_DONE, "hello", 0 },
        { "an empty body", TEXT("0\r\n\r\n"), HTTP_DONE, "", 0 },
        { "three chunks", TEXT("2\r\nhe\r\n1\r\nl\r\n2\r\nlo\r\n0\r\n\r\n"), HTTP_DONE, "hello",
          0 },
        { "hex in both cases", TEXT("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), HTTP_DONE,
          "01234567890123456789a", 0 },
        { "leading zeros", TEXT("0000000000000002\r\nhe\r\n000\r\n\r\n"), HTTP_DONE, "he", 0 },
        { "what follows stays", TEXT("2\r\nhe\r\n0\r\n\r\nGET /"), HTTP_DONE, "he", 5 },
        { "extensions", TEXT("2;a=b;c=\"d e\"\r\nhe\r\n0;x\r\n\r\n"), HTTP_DONE, "he", 0 },
        { "trailers", TEXT("2\r\nhe\r\n0\r\nX-A: b\r\nX-C:\r\n\r\n"), HTTP_DONE, "he", 0 },
        { "payload that looks like framing", TEXT("7\r\n0\r\n\r\n0\r\r\n0\r\n\r\n"), HTTP_DONE,
          "0\r\n\r\n0\r", 0 },
        { "not all of a size", TEXT("5"), HTTP_SHORT, "", 0 },
        { "not all of a chunk", TEXT("5\r\nhel"), HTTP_SHORT, "hel", 0 },
        { "not all of the end", TEXT("0\r\n"), HTTP_SHORT, "", 0 },
        { "no end", TEXT("2\r\nhe\r\n"), HTTP_SHORT, "he", 0 },

        { "0x2", TEXT("0x2\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "+2", TEXT("+2\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "-2", TEXT("-2\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a leading space", TEXT(" 2\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a trailing space", TEXT("2 \r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a tab before an extension", TEXT("2\t;a\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "an empty size", TEXT("\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "an extension without a size", TEXT(";a\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a size that is no hex", TEXT("2g\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "17 digits", TEXT("00000000000000002\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a size of 2^63", TEXT("8000000000000000\r\nhe"), HTTP_BAD, "", 0 },
        { "a size of 2^64 - 1", TEXT("ffffffffffffffff\r\nhe"), HTTP_BAD, "", 0 },
        { "a size of 2^64 + 2", TEXT("10000000000000002\r\nhe"), HTTP_BAD, "", 0 },
        { "the largest size", TEXT("7fffffffffffffff\r\nhe"), HTTP_SHORT, "he", 0 },
        { "no CR LF after the payload", TEXT("2\r\nhe0\r\n\r\n"), HTTP_BAD, "he", 0 },
        { "payload longer than its size", TEXT("2\r\nhel\r\n0\r\n\r\n"), HTTP_BAD, "he", 0 },
        { "LF after the payload", TEXT("2\r\nhe\n0\r\n\r\n"), HTTP_BAD, "he", 0 },
        { "LF after a size", TEXT("2\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "LF in an extension", TEXT("2;a\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "CR and no LF after a size", TEXT("2\rXhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "CR and no LF in an extension", TEXT("2;a\rb\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "NUL in an extension", TEXT("2;\0\r\nhe\r\n0\r\n\r\n"), HTTP_BAD, "", 0 },
        { "LF at the end", TEXT("0\r\n\n"), HTTP_BAD, "", 0 },
        { "CR and no LF at the end", TEXT("0\r\n\rX"), HTTP_BAD, "", 0 },
        { "a trailer without a name", TEXT("0\r\n: b\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a trailer without a colon", TEXT("0\r\nX-A\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a space in a trailer's name", TEXT("0\r\nX A: b\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a folded trailer", TEXT("0\r\nX-A: b\r\n c\r\n\r\n"), HTTP_BAD, "", 0 },
        { "a control byte in a trailer", TEXT("0\r\nX-A: \x01\r\n\r\n"), HTTP_BAD, "", 0 },
        { "LF in a trailer", TEXT("0\r\nX-A: b\nX-B: c\r\n\r\n"), HTTP_BAD, "", 0 },
};

/* Feeds @text in pieces of @piece bytes. Return: the answer. */
static int decode(struct str text, size_t piece, struct buf *payload, size_t *ret_left)
{
        struct http_chunked chunked = HTTP_CHUNKED_NULL;
        int r = HTTP_SHORT;

        buf_clear(payload);
        while (r == HTTP_SHORT && text.n > 0) {
                struct str part = str_from(text.p, text.n < piece ? text.n : piece), run;
                size_t used;

                r = http_chunked_next(&chunked, edge_copy(&edge, part), &used, &run);
                assert_true(used <= part.n);
                assert_true(used > 0);
                assert_int_equal(buf_append_str(payload, run), 0);
                text = str_from(text.p + used, text.n - used);
        }
        *ret_left = text.n;
        return r;
}

static void bodies_are_decoded_or_refused_however_they_are_cut(void **state)
{
        struct buf payload;

        (void)state;
        buf_init(&payload, 4096);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                const struct row *row = &rows[i];

                for (size_t piece = 1; piece <= row->n; ++piece) {
                        size_t left;
                        int r = decode(str_from(row->text, row->n), piece, &payload, &left);

                        if (r != row->answer || !str_eq(buf_str(&payload), str_of(row->payload)) ||
                            (r == HTTP_DONE && left != row->left))
                                fail_msg("%s in pieces of %zu: got %d, %zu bytes, %zu left",
                                         row->label, piece, r, buf_length(&payload), left);
                }
        }
        buf_deinit(&payload);
}

static void a_refused_body_stays_refused(void **state)
{
        struct http_chunked chunked = HTTP_CHUNKED_NULL;
        struct str payload;
        size_t used;

        (void)state;
        assert_int_equal(http_chunked_next(&chunked, STR_LITERAL("x"), &used, &payload), HTTP_BAD);
        assert_int_equal(http_chunked_next(&chunked, STR_LITERAL("0\r\n\r\n"), &used, &payload),
                         HTTP_BAD);
        assert_int_equal(used, 0);
}

static void an_ended_body_takes_no_more(void **state)
{
        struct http_chunked chunked = HTTP_CHUNKED_NULL;
        struct str payload;
        size_t used;

        (void)state;
        assert_int_equal(http_chunked_next(&chunked, STR_LITERAL("0\r\n\r\n"), &used, &payload), 0);
        assert_int_equal(http_chunked_next(&chunked, STR_LITERAL("0\r\n\r\n"), &used, &payload), 0);
        assert_int_equal(used, 0);
}

/* @first, then @n times @again. */
static int feed(const char *first, const char *again, size_t n)
{
        struct http_chunked chunked = HTTP_CHUNKED_NULL;
        struct str payload;
        size_t used;
        int r = http_chunked_next(&chunked, str_of(first), &used, &payload);

        for (size_t i = 0; i < n && r == HTTP_SHORT; ++i)
                r = http_chunked_next(&chunked, str_of(again), &used, &payload);
        return r;
}

static void what_is_dropped_is_bounded(void **state)
{
        (void)state;
        assert_int_equal(feed("1;", "a", HTTP_EXTENSION_MAX), HTTP_SHORT);
        assert_int_equal(feed("1;", "a", HTTP_EXTENSION_MAX + 1), HTTP_BAD);
        assert_int_equal(feed("0\r\nX:", "a", HTTP_TRAILER_MAX - 2), HTTP_SHORT);
        assert_int_equal(feed("0\r\nX:", "a", HTTP_TRAILER_MAX - 1), HTTP_BAD);
        /* over all chunks together, not for each */
        assert_int_equal(feed("1;", "a\r\nx\r\n1;", HTTP_EXTENSION_MAX), HTTP_SHORT);
        assert_int_equal(feed("1;", "a\r\nx\r\n1;", HTTP_EXTENSION_MAX + 1), HTTP_BAD);
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
                cmocka_unit_test(bodies_are_decoded_or_refused_however_they_are_cut),
                cmocka_unit_test(a_refused_body_stays_refused),
                cmocka_unit_test(an_ended_body_takes_no_more),
                cmocka_unit_test(what_is_dropped_is_bounded),
        };

        return cmocka_run_group_tests_name("http/chunked", tests, begin, end);
}
