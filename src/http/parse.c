/*
 * HTTP/1.1 parser
 *
 * A head is parsed once, when its last byte is there: the end is looked for first, line by line,
 * and only then are the lines read. Behind that search every loop over bytes may run unbounded,
 * because the CR LF CR LF at the end stops each of them: no class of bytes below contains CR.
 */
#include "http/parse.h"

#include "http/bytes.h"

#include <endian.h>
#include <string.h>

/* The first byte that a client of TLS sends. */
#define TLS_HANDSHAKE 0x16

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define IS_LOWER(c) ((c) >= 'a' && (c) <= 'z')
#define IS_ALNUM(c) (IS_DIGIT(c) || IS_UPPER(c) || IS_LOWER(c))
#define IS_TOKEN(c)                                                                                \
        (IS_ALNUM(c) || (c) == '!' || ((c) >= '#' && (c) <= '\'') || (c) == '*' || (c) == '+' ||   \
         (c) == '-' || (c) == '.' || ((c) >= '^' && (c) <= '`') || (c) == '|' || (c) == '~')
#define IS_HOST(c)                                                                                 \
        (IS_ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_' || (c) == '~' || (c) == ':' ||      \
         (c) == '[' || (c) == ']' || (c) == '%')

#define KINDS(c)                                                                                   \
        ((IS_TOKEN(c) ? TOKEN : 0) | (IS_TOKEN(c) && !IS_LOWER(c) ? METHOD : 0) |                  \
         ((c) > ' ' && (c) < 0x7f && (c) != '#' ? TARGET : 0) | (IS_HOST(c) ? HOST : 0) |          \
         ((c) == '\t' || ((c) >= ' ' && (c) != 0x7f) ? VALUE : 0) | (IS_DIGIT(c) ? DIGIT : 0))
#define KINDS_4(c)  KINDS(c), KINDS((c) + 1), KINDS((c) + 2), KINDS((c) + 3)
#define KINDS_16(c) KINDS_4(c), KINDS_4((c) + 4), KINDS_4((c) + 8), KINDS_4((c) + 12)
#define KINDS_64(c) KINDS_16(c), KINDS_16((c) + 16), KINDS_16((c) + 32), KINDS_16((c) + 48)

const uint8_t http_bytes[256] = { KINDS_64(0), KINDS_64(64), KINDS_64(128), KINDS_64(192) };

static const char *skip(const char *p, unsigned kind)
{
        while (is(*p, kind))
                ++p;
        return p;
}

/*
 * The first byte from @p on that no value may hold, or @end. Eight bytes at a time: the lowest bit
 * that is set in @found belongs to the first byte below ' ' or equal to DEL, exactly, because only
 * such a byte borrows from the next.
 */
static const char *skip_value(const char *p, const char *end)
{
        static const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;

        while (end - p >= 8) {
                uint64_t word, del, found;

                memcpy(&word, p, 8);
                word = le64toh(word);
                del = word ^ ones * 0x7f;
                found = (((word - ones * ' ') & ~word) | ((del - ones) & ~del)) & tops;
                if (!found) {
                        p += 8;
                        continue;
                }
                p += __builtin_ctzll(found) / 8;
                if (*p != '\t')
                        return p;
                ++p;
        }
        while (p < end && is(*p, VALUE))
                ++p;
        return p;
}

static bool is_all(struct str s, unsigned kind)
{
        for (size_t i = 0; i < s.n; ++i)
                if (!is(s.p[i], kind))
                        return false;
        return true;
}

bool http_is_token(struct str s)
{
        return s.n > 0 && is_all(s, TOKEN);
}

bool http_is_target(struct str s)
{
        return s.n > 0 && s.p[0] == '/' && is_all(s, TARGET);
}

bool http_is_value(struct str s)
{
        return s.n == 0 || skip_value(s.p, s.p + s.n) == s.p + s.n;
}

static int bad(struct http_error *error, unsigned status, const char *why)
{
        *error = (struct http_error){ .status = status, .why = why };
        return HTTP_BAD;
}

/* Only looks at line ends, so that its answer does not depend on how the bytes were cut. */
static int find_end(struct str data, size_t *from, size_t *ret_bytes, struct http_error *ret_error)
{
        size_t n = data.n < HTTP_HEAD_MAX ? data.n : HTTP_HEAD_MAX, at = *from;
        const char *lf;

        while (at < n && (lf = memchr(data.p + at, '\n', n - at))) {
                at = (size_t)(lf - data.p);
                if (at == 0 || lf[-1] != '\r')
                        return bad(ret_error, 400, "a line ends without CR LF");
                if (at == 1)
                        return bad(ret_error, 400, "an empty line precedes the message");
                if (lf[-2] == '\n') {
                        *ret_bytes = at + 1;
                        *from = 0;
                        return HTTP_DONE;
                }
                ++at;
        }
        *from = n;
        if (n < HTTP_HEAD_MAX)
                return HTTP_SHORT;
        if (!memchr(data.p, '\n', n))
                return bad(ret_error, 414, "the first line is too long");
        return bad(ret_error, 431, "the head is too long");
}

/* What the fields say about the message itself; refused or settled once all are read. */
struct notes {
        struct str encoding, length;
        unsigned n_encodings, n_lengths, n_hosts;
        bool has_upgrade, wants_upgrade, wants_close, wants_keep_alive;
        bool expects_other;
};

static void note_connection(struct http_head *head, struct notes *notes, struct str list)
{
        struct str name;

        while (str_split(&list, ',', &name)) {
                name = str_trim(name);
                if (str_eq_nocase(name, STR_LITERAL("close")))
                        notes->wants_close = true;
                else if (str_eq_nocase(name, STR_LITERAL("keep-alive")))
                        notes->wants_keep_alive = true;
                else if (str_eq_nocase(name, STR_LITERAL("upgrade")))
                        notes->wants_upgrade = true;
                else if (name.n > 0)
                        head->names_hop_by_hop = true;
        }
}

static void note_field(struct http_head *head, struct notes *notes, const struct http_field *field)
{
        struct str name = field->name, value = field->value;

        switch (name.n) {
        case 4:
                if (str_eq_nocase(name, STR_LITERAL("host"))) {
                        ++notes->n_hosts;
                        head->host = value;
                }
                break;
        case 6:
                if (str_eq_nocase(name, STR_LITERAL("expect"))) {
                        if (str_eq_nocase(value, STR_LITERAL("100-continue")))
                                head->expects_continue = true;
                        else
                                notes->expects_other = true;
                }
                break;
        case 7:
                if (str_eq_nocase(name, STR_LITERAL("upgrade")))
                        notes->has_upgrade = true;
                break;
        case 10:
                if (str_eq_nocase(name, STR_LITERAL("connection")))
                        note_connection(head, notes, value);
                break;
        case 14:
                if (str_eq_nocase(name, STR_LITERAL("content-length"))) {
                        ++notes->n_lengths;
                        notes->length = value;
                }
                break;
        case 17:
                if (str_eq_nocase(name, STR_LITERAL("transfer-encoding"))) {
                        ++notes->n_encodings;
                        notes->encoding = value;
                }
                break;
        default:
                break;
        }
}

static int parse_fields(const char *p, const char *end, struct http_head *head, struct notes *notes,
                        struct http_error *ret_error)
{
        while (*p != '\r') {
                struct http_field *field = &head->fields[head->n_fields];
                const char *name = p, *value, *last;

                if (head->n_fields == HTTP_FIELDS_MAX)
                        return bad(ret_error, 431, "too many header fields");

                p = skip(p, TOKEN);
                if (p == name)
                        return bad(ret_error, 400,
                                   *p == ' ' || *p == '\t' ? "a header field is folded"
                                                           : "a header field has no valid name");
                if (*p != ':')
                        return bad(ret_error, 400, "a header field's name is not followed by ':'");
                field->name = str_from(name, (size_t)(p - name));

                do
                        ++p;
                while (*p == ' ' || *p == '\t');
                value = p;
                p = last = skip_value(p, end);
                if (p[0] != '\r' || p[1] != '\n')
                        return bad(ret_error, 400, "a control byte in a header field");
                while (last > value && (last[-1] == ' ' || last[-1] == '\t'))
                        --last;
                field->value = str_from(value, (size_t)(last - value));

                ++head->n_fields;
                note_field(head, notes, field);
                p += 2;
        }
        /* The search for the end saw no empty line before the last: this CR is followed by LF, or
         * it is a bare one. */
        if (p + 2 != end)
                return bad(ret_error, 400, "a bare CR");
        return HTTP_DONE;
}

static int settle_framing(struct http_head *head, const struct notes *notes,
                          struct http_error *ret_error)
{
        if (notes->n_encodings > 0) {
                if (notes->n_lengths > 0)
                        return bad(ret_error, 400,
                                   "both Content-Length and Transfer-Encoding are given");
                if (notes->n_encodings > 1)
                        return bad(ret_error, 400, "more than one Transfer-Encoding");
                if (head->minor_version == 0)
                        return bad(ret_error, 400, "Transfer-Encoding in HTTP/1.0");
                if (!str_eq_nocase(notes->encoding, STR_LITERAL("chunked")))
                        return bad(ret_error, 501, "a Transfer-Encoding other than chunked");
                head->framing = HTTP_BODY_CHUNKED;
        }
        if (notes->n_lengths > 0) {
                if (notes->n_lengths > 1)
                        return bad(ret_error, 400, "more than one Content-Length");
                if (str_to_u64(notes->length, &head->content_length) < 0 ||
                    head->content_length > INT64_MAX)
                        return bad(ret_error, 400, "Content-Length is not a number");
                head->framing = HTTP_BODY_LENGTH;
        }
        return HTTP_DONE;
}

/* All but the array of fields, of which only n_fields are ever looked at. */
static void clear(struct http_head *head, size_t bytes)
{
        memset(head, 0, offsetof(struct http_head, fields));
        head->head_bytes = bytes;
}

static void settle_connection(struct http_head *head, const struct notes *notes)
{
        head->keep_alive =
                !notes->wants_close && (head->minor_version >= 1 || notes->wants_keep_alive);
        head->is_upgrade = notes->has_upgrade && notes->wants_upgrade && head->minor_version >= 1;
}

static enum http_method method_from(struct str text)
{
        static const struct {
                const char *name;
                size_t n;
                enum http_method method;
        } methods[] = {
                { "GET", 3, HTTP_GET },         { "POST", 4, HTTP_POST },
                { "DELETE", 6, HTTP_DELETE },   { "PUT", 3, HTTP_PUT },
                { "HEAD", 4, HTTP_HEAD },       { "PATCH", 5, HTTP_PATCH },
                { "OPTIONS", 7, HTTP_OPTIONS },
        };

        for (size_t i = 0; i < ARRAY_SIZE(methods); ++i)
                if (str_eq(text, str_from(methods[i].name, methods[i].n)))
                        return methods[i].method;
        return HTTP_METHODS;
}

/* "HTTP/1.1": eight bytes, the last of them the minor version. */
static bool version_from(const char *p, const char *end, unsigned *ret_minor)
{
        if (end - p < 10 || memcmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1'))
                return false;
        *ret_minor = p[7] == '1';
        return true;
}

/* Whoever names a proxy where a base URL belongs. */
#define NO_PROXY "this is no proxy: use it as the base URL instead, http://HOST:PORT"

static int parse_request_line(const char **at, const char *end, struct http_head *head,
                              struct http_error *ret_error)
{
        const char *p = *at, *start, *cut;

        start = p;
        p = skip(p, METHOD);
        if (p == start || *p != ' ')
                return bad(ret_error, 400, "the method is not a token in capitals");
        head->method_text = str_from(start, (size_t)(p - start));
        head->method = method_from(head->method_text);
        if (str_eq(head->method_text, STR_LITERAL("CONNECT")))
                return bad(ret_error, 501, "CONNECT is for proxies, and " NO_PROXY);
        if (head->method_text.n > 32)
                return bad(ret_error, 501, "this method is not implemented");

        start = ++p;
        p = skip(p, TARGET);
        if (*p != ' ')
                return bad(ret_error, 400, "a byte in the target that has no place there");
        if (*start != '/')
                return bad(ret_error, 400, "the target does not begin with '/'; " NO_PROXY);
        head->target = str_from(start, (size_t)(p - start));
        head->path = head->target;
        cut = memchr(start, '?', head->target.n);
        if (cut) {
                head->has_query = true;
                head->path.n = (size_t)(cut - start);
                head->query = str_from(cut + 1, (size_t)(p - cut - 1));
        }

        ++p;
        if (!version_from(p, end, &head->minor_version)) {
                bool is_http = end - p >= 10 && memcmp(p, "HTTP/", 5) == 0 && is(p[5], DIGIT) &&
                               p[6] == '.' && is(p[7], DIGIT) && p[8] == '\r';

                return bad(ret_error, is_http ? 505 : 400, "the version is not HTTP/1.1 or 1.0");
        }
        p += 8;
        if (p[0] != '\r' || p[1] != '\n')
                return bad(ret_error, 400, "the first line does not end after the version");
        *at = p + 2;
        return HTTP_DONE;
}

static int check_host(const struct http_head *head, const struct notes *notes,
                      struct http_error *ret_error)
{
        if (notes->n_hosts > 1)
                return bad(ret_error, 400, "more than one Host");
        if (notes->n_hosts == 0 && head->minor_version >= 1)
                return bad(ret_error, 400, "no Host");
        if (!is_all(head->host, HOST))
                return bad(ret_error, 400, "a byte in Host that has no place there");
        return HTTP_DONE;
}

int http_parse_request(struct str data, size_t *from, struct http_head *ret_head,
                       struct http_error *ret_error)
{
        struct notes notes = { 0 };
        const char *p = data.p, *end;
        size_t bytes;
        int r;

        /* Another protocol on our port is told so at once, not when its patience ends. */
        if (data.n > 0 && *p == TLS_HANDSHAKE)
                return bad(ret_error, 400, "this is TLS; speak http:// here, not https://");
        if (data.n > 0 && !is(*p, METHOD))
                return bad(ret_error, 400, "this is not HTTP/1.1");
        r = find_end(data, from, &bytes, ret_error);
        if (r != HTTP_DONE)
                return r;

        end = p + bytes;
        clear(ret_head, bytes);
        r = parse_request_line(&p, end, ret_head, ret_error);
        if (r == HTTP_DONE)
                r = parse_fields(p, end, ret_head, &notes, ret_error);
        if (r == HTTP_DONE)
                r = check_host(ret_head, &notes, ret_error);
        if (r == HTTP_DONE)
                r = settle_framing(ret_head, &notes, ret_error);
        if (r != HTTP_DONE)
                return r;

        settle_connection(ret_head, &notes);
        /* Before HTTP/1.1 there was no such word: it is to be ignored (RFC 9110, 10.1.1). */
        if (ret_head->minor_version == 0)
                ret_head->expects_continue = false;
        else if (notes.expects_other)
                return bad(ret_error, 417, "an expectation other than 100-continue");
        return HTTP_DONE;
}

static int parse_status_line(const char **at, const char *end, struct http_head *head,
                             struct http_error *ret_error)
{
        const char *p = *at, *start;

        if (!version_from(p, end, &head->minor_version))
                return bad(ret_error, 502, "the version is not HTTP/1.1 or 1.0");
        p += 8;
        if (p[0] != ' ' || p[1] < '1' || p[1] > '9' || !is(p[2], DIGIT) || !is(p[3], DIGIT))
                return bad(ret_error, 502, "the status is not a number of three digits");
        head->status =
                (unsigned)(p[1] - '0') * 100 + (unsigned)(p[2] - '0') * 10 + (unsigned)(p[3] - '0');
        p += 4;

        /* The space before an empty reason is often left out; that can be read in one way only. */
        if (*p == ' ')
                ++p;
        else if (*p != '\r')
                return bad(ret_error, 502, "the status is not a number of three digits");
        start = p;
        p = skip(p, VALUE);
        if (p[0] != '\r' || p[1] != '\n')
                return bad(ret_error, 502, "a control byte in the reason");
        head->reason = str_from(start, (size_t)(p - start));
        *at = p + 2;
        return HTTP_DONE;
}

static void settle_response(struct http_head *head, enum http_method method)
{
        bool is_bare = head->status < 200 || head->status == 204;

        /*
         * Whoever announces a body where none can be may send it, too: the answer stands, but the
         * connection is not used again.
         */
        if (is_bare && (head->framing == HTTP_BODY_CHUNKED || head->content_length > 0))
                head->keep_alive = false;
        if (is_bare || head->status == 304 || method == HTTP_HEAD) {
                head->framing = HTTP_BODY_NONE;
        } else if (head->framing == HTTP_BODY_NONE) {
                head->framing = HTTP_BODY_UNTIL_CLOSE;
                head->keep_alive = false;
        }
}

int http_parse_response(struct str data, size_t *from, enum http_method method,
                        struct http_head *ret_head, struct http_error *ret_error)
{
        struct notes notes = { 0 };
        const char *p = data.p, *end;
        size_t bytes;
        int r;

        if (data.n > 0 && *p != 'H')
                return bad(ret_error, 502, "this is not HTTP/1.1");
        r = find_end(data, from, &bytes, ret_error);
        if (r == HTTP_SHORT)
                return r;
        if (r == HTTP_DONE) {
                end = p + bytes;
                clear(ret_head, bytes);
                r = parse_status_line(&p, end, ret_head, ret_error);
                if (r == HTTP_DONE)
                        r = parse_fields(p, end, ret_head, &notes, ret_error);
                if (r == HTTP_DONE)
                        r = settle_framing(ret_head, &notes, ret_error);
        }
        if (r != HTTP_DONE) {
                /* Whatever is wrong with an answer, whoever asked us can only be told this. */
                ret_error->status = 502;
                return r;
        }

        settle_connection(ret_head, &notes);
        settle_response(ret_head, method);
        return HTTP_DONE;
}

struct str http_field_value(const struct http_head *head, struct str name)
{
        for (size_t i = 0; i < head->n_fields; ++i)
                if (str_eq_nocase(head->fields[i].name, name))
                        return head->fields[i].value;
        return STR_NULL;
}

static bool is_named_by_connection(const struct http_head *head, struct str name)
{
        for (size_t i = 0; i < head->n_fields; ++i) {
                struct str list = head->fields[i].value, part;

                if (!str_eq_nocase(head->fields[i].name, STR_LITERAL("connection")))
                        continue;
                while (str_split(&list, ',', &part))
                        if (str_eq_nocase(str_trim(part), name))
                                return true;
        }
        return false;
}

bool http_field_is_hop_by_hop(const struct http_head *head, struct str name)
{
        /* With their lengths: asked of every field, and most differ in it from all of these. */
        static const struct str names[] = {
                { "connection", 10 },
                { "keep-alive", 10 },
                { "transfer-encoding", 17 },
                { "te", 2 },
                { "trailer", 7 },
                { "upgrade", 7 },
                { "proxy-connection", 16 },
                { "proxy-authenticate", 18 },
                { "proxy-authorization", 19 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (str_eq_nocase(name, names[i]))
                        return true;
        return head->names_hop_by_hop && is_named_by_connection(head, name);
}
