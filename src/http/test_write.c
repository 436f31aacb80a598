#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "http/write.h"

#define TEXT(s) ((struct str){ (s), sizeof(s) - 1 })

static void heads_are_written_as_they_are_read(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 4096);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/a?b=%20")), 0);
        assert_int_equal(http_write_field(&b, TEXT("Host"), TEXT("x")), 0);
        assert_int_equal(http_write_field(&b, TEXT("X-Empty"), STR_NULL), 0);
        assert_int_equal(http_write_field(&b, TEXT("X-Tab"), TEXT("a\tb \xc3\xa4")), 0);
        assert_int_equal(http_write_field_u64(&b, TEXT("X-Max"), UINT64_MAX), 0);
        assert_int_equal(http_write_content_length(&b, 0), 0);
        assert_int_equal(http_write_head_end(&b), 0);
        assert_true(str_eq(buf_str(&b), TEXT("GET /a?b=%20 HTTP/1.1\r\n"
                                             "Host: x\r\n"
                                             "X-Empty: \r\n"
                                             "X-Tab: a\tb \xc3\xa4\r\n"
                                             "X-Max: 18446744073709551615\r\n"
                                             "Content-Length: 0\r\n"
                                             "\r\n")));
        buf_deinit(&b);
}

static void fields_that_were_parsed_are_written_as_they_came(void **state)
{
        static struct http_head head;
        struct http_error error;
        size_t from = 0;
        struct buf parsed, checked;

        (void)state;
        buf_init(&parsed, 4096);
        buf_init(&checked, 4096);
        assert_int_equal(http_parse_request(TEXT("GET / HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n"
                                                 "x!#$%: \t a\tb \xc3\xa4 \r\n\r\n"),
                                            &from, &head, &error),
                         HTTP_DONE);
        assert_int_equal(head.n_fields, 3);
        for (size_t i = 0; i < head.n_fields; ++i) {
                const struct http_field *f = &head.fields[i];

                assert_int_equal(http_write_parsed_field(&parsed, f), 0);
                assert_int_equal(http_write_field(&checked, f->name, f->value), 0);
        }
        assert_true(str_eq(buf_str(&parsed), TEXT("Host: x\r\n"
                                                  "X-Empty: \r\n"
                                                  "x!#$%: a\tb \xc3\xa4\r\n")));
        assert_true(str_eq(buf_str(&parsed), buf_str(&checked)));
        buf_deinit(&parsed);
        buf_deinit(&checked);
}

static void status_lines_have_a_reason_where_there_is_one(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 4096);
        assert_int_equal(http_write_status_line(&b, 200, STR_NULL), 0);
        assert_int_equal(http_write_status_line(&b, 418, STR_NULL), 0);
        assert_int_equal(http_write_status_line(&b, 299, STR_NULL), 0);
        assert_int_equal(http_write_status_line(&b, 999, TEXT("As Told")), 0);
        assert_true(str_eq(buf_str(&b), TEXT("HTTP/1.1 200 OK\r\n"
                                             "HTTP/1.1 418 I'm a teapot\r\n"
                                             "HTTP/1.1 299 \r\n"
                                             "HTTP/1.1 999 As Told\r\n")));
        buf_deinit(&b);
}

static void nothing_can_be_smuggled_into_a_head(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 4096);
        assert_int_equal(http_write_request_line(&b, TEXT("GE T"), TEXT("/")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT(""), TEXT("/")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET\r\n"), TEXT("/")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("x")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/ ")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/\r\nX: y")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/\0")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/a#b")), -EINVAL);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/\xff")), -EINVAL);
        assert_int_equal(http_write_status_line(&b, 99, STR_NULL), -EINVAL);
        assert_int_equal(http_write_status_line(&b, 1000, STR_NULL), -EINVAL);
        assert_int_equal(http_write_status_line(&b, 200, TEXT("OK\r\nX: y")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("a\r\nY: b")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("a\nY: b")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("a\rY: b")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("a\0")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("01234567\n")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X"), TEXT("0123456789abc\x7f_")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT(""), TEXT("a")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X:"), TEXT("a")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X Y"), TEXT("a")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("X\r\n"), TEXT("a")), -EINVAL);
        assert_int_equal(http_write_field(&b, TEXT("\xc3\xa4"), TEXT("a")), -EINVAL);
        assert_int_equal(buf_length(&b), 0);
        buf_deinit(&b);
}

static void chunks_end_only_when_told(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 4096);
        assert_int_equal(http_write_chunk(&b, TEXT("")), 0);
        assert_int_equal(buf_length(&b), 0);
        assert_int_equal(http_write_chunk(&b, TEXT("0123456789abcdef0")), 0);
        assert_int_equal(http_write_chunk(&b, TEXT("x")), 0);
        assert_int_equal(http_write_last_chunk(&b), 0);
        assert_true(str_eq(buf_str(&b), TEXT("11\r\n0123456789abcdef0\r\n1\r\nx\r\n0\r\n\r\n")));
        buf_deinit(&b);
}

static void beyond_the_ceiling_nothing_is_written_by_halves(void **state)
{
        struct buf b;

        (void)state;
        buf_init(&b, 30);
        assert_int_equal(http_write_status_line(&b, 200, STR_NULL), 0);
        assert_int_equal(http_write_field(&b, TEXT("Name"), TEXT("a value")), -ENOBUFS);
        assert_int_equal(http_write_request_line(&b, TEXT("GET"), TEXT("/")), -ENOBUFS);
        assert_int_equal(http_write_chunk(&b, TEXT("0123456789")), -ENOBUFS);
        assert_true(str_eq(buf_str(&b), TEXT("HTTP/1.1 200 OK\r\n")));
        assert_int_equal(http_write_field(&b, TEXT("Name"), TEXT("value")), 0);
        assert_int_equal(buf_length(&b), 30);
        assert_int_equal(http_write_head_end(&b), -ENOBUFS);
        buf_deinit(&b);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(heads_are_written_as_they_are_read),
                cmocka_unit_test(fields_that_were_parsed_are_written_as_they_came),
                cmocka_unit_test(status_lines_have_a_reason_where_there_is_one),
                cmocka_unit_test(nothing_can_be_smuggled_into_a_head),
                cmocka_unit_test(chunks_end_only_when_told),
                cmocka_unit_test(beyond_the_ceiling_nothing_is_written_by_halves),
        };

        return cmocka_run_group_tests_name("http/write", tests, NULL, NULL);
}
