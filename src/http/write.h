/*
 * HTTP/1.1 writer
 *
 * Appends heads and chunk framing to a buffer. What could end a line early, or be read as another
 * field, is refused: a value never starts a field of its own.
 *
 * Every function returns 0; -EINVAL for a byte that has no place there; -ENOBUFS beyond the
 * buffer's ceiling; -ENOMEM. On failure nothing was appended by that call.
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/parse.h"

/* "GET /x HTTP/1.1". @method: a token; @target: visible ASCII without '#', begins with '/'. */
CHECKED int http_write_request_line(struct buf *to, struct str method, struct str target);

/* "HTTP/1.1 200 OK". @status: 100 to 999; @reason: empty for the usual one. */
CHECKED int http_write_status_line(struct buf *to, unsigned status, struct str reason);

/* "name: value". @name: a token; @value: no control bytes but tab. */
CHECKED int http_write_field(struct buf *to, struct str name, struct str value);
/*
 * The same for a field of a head that the parser accepted: it took name and value byte for byte by
 * the same rules, so they are not looked at again.
 */
CHECKED int http_write_parsed_field(struct buf *to, const struct http_field *field);
CHECKED int http_write_field_u64(struct buf *to, struct str name, uint64_t value);

/* "Content-Length: n" */
CHECKED int http_write_content_length(struct buf *to, uint64_t n);

/* The empty line after the fields. */
CHECKED int http_write_head_end(struct buf *to);

/* One chunk. An empty @payload appends nothing: an empty chunk would end the body. */
CHECKED int http_write_chunk(struct buf *to, struct str payload);
CHECKED int http_write_last_chunk(struct buf *to);

/* "Not Found" for 404; "" for a status without a usual reason. */
struct str http_reason(unsigned status);

#endif
