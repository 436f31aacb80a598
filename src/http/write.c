#include "http/write.h"

#include <errno.h>
#include <string.h>

/* Most digits of a 64-bit number in decimal. */
#define U64_DIGITS 20

/* The reasons of RFC 9110, and of what exchanges use besides (418 is a ban there). */
static const struct {
        unsigned status;
        const char *reason;
} reasons[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 411, "Length Required" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 418, "I'm a teapot" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 451, "Unavailable For Legal Reasons" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
};

struct str http_reason(unsigned status)
{
        for (size_t i = 0; i < ARRAY_SIZE(reasons); ++i)
                if (reasons[i].status == status)
                        return str_of(reasons[i].reason);
        return STR_LITERAL("");
}

/* Room for all of a piece is made first: then nothing can fail half-way. */
static char *put(char *to, struct str s)
{
        if (s.n > 0)
                memcpy(to, s.p, s.n);
        return to + s.n;
}

static char *put_u64(char *to, uint64_t value)
{
        char digits[U64_DIGITS], *p = digits + sizeof(digits);

        do
                *--p = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        return put(to, str_from(p, (size_t)(digits + sizeof(digits) - p)));
}

static char *put_hex(char *to, uint64_t value)
{
        char digits[16], *p = digits + sizeof(digits);

        do
                *--p = "0123456789abcdef"[value & 15];
        while ((value >>= 4) > 0);
        return put(to, str_from(p, (size_t)(digits + sizeof(digits) - p)));
}

static void commit_to(struct buf *to, const char *end)
{
        buf_commit(to, (size_t)(end - buf_tail(to)));
}

int http_write_request_line(struct buf *to, struct str method, struct str target)
{
        static const struct str version = { " HTTP/1.1\r\n", 11 };
        char *p;
        int r;

        if (!http_is_token(method) || !http_is_target(target))
                return -EINVAL;
        r = buf_reserve(to, method.n + 1 + target.n + version.n);
        if (r < 0)
                return r;
        p = put(buf_tail(to), method);
        *p++ = ' ';
        commit_to(to, put(put(p, target), version));
        return 0;
}

int http_write_status_line(struct buf *to, unsigned status, struct str reason)
{
        static const struct str version = { "HTTP/1.1 ", 9 };
        char *p;
        int r;

        if (status < 100 || status > 999 || !http_is_value(reason))
                return -EINVAL;
        if (reason.n == 0)
                reason = http_reason(status);
        r = buf_reserve(to, version.n + 4 + reason.n + 2);
        if (r < 0)
                return r;
        p = put_u64(put(buf_tail(to), version), status);
        *p++ = ' ';
        commit_to(to, put(put(p, reason), STR_LITERAL("\r\n")));
        return 0;
}

int http_write_field(struct buf *to, struct str name, struct str value)
{
        if (!http_is_token(name) || !http_is_value(value))
                return -EINVAL;
        return http_write_parsed_field(to, &(struct http_field){ name, value });
}

int http_write_parsed_field(struct buf *to, const struct http_field *field)
{
        struct str name = field->name, value = field->value;
        char *p;
        int r;

        r = buf_reserve(to, name.n + 2 + value.n + 2);
        if (r < 0)
                return r;
        p = put(put(buf_tail(to), name), STR_LITERAL(": "));
        commit_to(to, put(put(p, value), STR_LITERAL("\r\n")));
        return 0;
}

int http_write_field_u64(struct buf *to, struct str name, uint64_t value)
{
        char digits[U64_DIGITS];
        const char *end = put_u64(digits, value);

        return http_write_field(to, name, str_from(digits, (size_t)(end - digits)));
}

int http_write_content_length(struct buf *to, uint64_t n)
{
        return http_write_field_u64(to, STR_LITERAL("Content-Length"), n);
}

int http_write_head_end(struct buf *to)
{
        return buf_append(to, "\r\n", 2);
}

int http_write_chunk(struct buf *to, struct str payload)
{
        char *p;
        int r;

        if (payload.n == 0)
                return 0;
        /* The sum cannot overflow in a process's address space. */
        r = buf_reserve(to, 16 + 2 + payload.n + 2);
        if (r < 0)
                return r;
        p = put(put_hex(buf_tail(to), payload.n), STR_LITERAL("\r\n"));
        commit_to(to, put(put(p, payload), STR_LITERAL("\r\n")));
        return 0;
}

int http_write_last_chunk(struct buf *to)
{
        return buf_append(to, "0\r\n\r\n", 5);
}
