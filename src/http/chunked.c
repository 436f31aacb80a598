/*
 * Chunked bodies
 *
 * A machine that takes framing byte by byte and payload in runs, so that it may stop and go on
 * anywhere. Strict like the head's parser: a size is hex digits and nothing else, lines end in
 * CR LF, and what nobody needs (extensions, trailers) is bounded, checked and dropped.
 */
#include "http/bytes.h"
#include "http/parse.h"

enum {
        CHUNK_SIZE_FIRST, /* 0: the state of HTTP_CHUNKED_NULL */
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_SIZE_LF,
        CHUNK_DATA,
        CHUNK_DATA_CR,
        CHUNK_DATA_LF,
        CHUNK_TRAILER,
        CHUNK_TRAILER_NAME,
        CHUNK_TRAILER_VALUE,
        CHUNK_TRAILER_LF,
        CHUNK_LAST_LF,
        CHUNK_END,
        CHUNK_BROKEN,
};

static int hex_from(char c)
{
        if (is(c, DIGIT))
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The state that @c leads to inside the line with a chunk's size, LF excluded. */
static unsigned after_size_byte(struct http_chunked *chunked, char c)
{
        int digit = hex_from(c);

        if (chunked->state == CHUNK_EXTENSION) {
                if (c == '\r')
                        return CHUNK_SIZE_LF;
                return is(c, VALUE) && ++chunked->extension_bytes <= HTTP_EXTENSION_MAX
                               ? CHUNK_EXTENSION
                               : CHUNK_BROKEN;
        }
        if (digit >= 0) {
                /* The top bit stays free, so that a sum of few sizes cannot overflow unseen. */
                if (++chunked->digits > 16 || chunked->left > INT64_MAX >> 4)
                        return CHUNK_BROKEN;
                chunked->left = chunked->left << 4 | (unsigned)digit;
                return CHUNK_SIZE;
        }
        if (chunked->state == CHUNK_SIZE_FIRST)
                return CHUNK_BROKEN;
        if (c == '\r')
                return CHUNK_SIZE_LF;
        return c == ';' ? CHUNK_EXTENSION : CHUNK_BROKEN;
}

static unsigned after_trailer_byte(struct http_chunked *chunked, char c)
{
        if (chunked->state == CHUNK_TRAILER && c == '\r')
                return CHUNK_LAST_LF;
        if (++chunked->trailer_bytes > HTTP_TRAILER_MAX)
                return CHUNK_BROKEN;

        switch (chunked->state) {
        case CHUNK_TRAILER:
                return is(c, TOKEN) ? CHUNK_TRAILER_NAME : CHUNK_BROKEN;
        case CHUNK_TRAILER_NAME:
                if (c == ':')
                        return CHUNK_TRAILER_VALUE;
                return is(c, TOKEN) ? CHUNK_TRAILER_NAME : CHUNK_BROKEN;
        case CHUNK_TRAILER_VALUE:
                if (c == '\r')
                        return CHUNK_TRAILER_LF;
                return is(c, VALUE) ? CHUNK_TRAILER_VALUE : CHUNK_BROKEN;
        default:
                return c == '\n' ? CHUNK_TRAILER : CHUNK_BROKEN;
        }
}

static unsigned after_byte(struct http_chunked *chunked, char c)
{
        switch (chunked->state) {
        case CHUNK_SIZE_FIRST:
        case CHUNK_SIZE:
        case CHUNK_EXTENSION:
                return after_size_byte(chunked, c);
        case CHUNK_SIZE_LF:
                chunked->digits = 0;
                if (c != '\n')
                        return CHUNK_BROKEN;
                return chunked->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
        case CHUNK_DATA_CR:
                return c == '\r' ? CHUNK_DATA_LF : CHUNK_BROKEN;
        case CHUNK_DATA_LF:
                return c == '\n' ? CHUNK_SIZE_FIRST : CHUNK_BROKEN;
        case CHUNK_LAST_LF:
                return c == '\n' ? CHUNK_END : CHUNK_BROKEN;
        default:
                return after_trailer_byte(chunked, c);
        }
}

int http_chunked_next(struct http_chunked *chunked, struct str data, size_t *ret_used,
                      struct str *ret_payload)
{
        size_t at = 0, n;

        *ret_payload = STR_NULL;
        while (at < data.n && chunked->state < CHUNK_END) {
                if (chunked->state != CHUNK_DATA) {
                        chunked->state = after_byte(chunked, data.p[at++]);
                        continue;
                }
                if (ret_payload->n > 0)
                        break;
                n = data.n - at < chunked->left ? data.n - at : (size_t)chunked->left;
                *ret_payload = str_from(data.p + at, n);
                at += n;
                chunked->left -= n;
                if (chunked->left == 0)
                        chunked->state = CHUNK_DATA_CR;
        }
        *ret_used = at;
        if (chunked->state == CHUNK_BROKEN)
                return HTTP_BAD;
        return chunked->state == CHUNK_END ? HTTP_DONE : HTTP_SHORT;
}
