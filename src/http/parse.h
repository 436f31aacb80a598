/*
 * HTTP/1.1 parser
 *
 * Pure functions over bytes in memory, strict: what two parsers could read in two ways is refused,
 * never repaired, because behind us stands a server whose reading we cannot see (RFC 9112, 11.2).
 * Views point into the caller's bytes.
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "base/base.h"
#include "base/str.h"

/* Most header fields of one message; real clients send 5 to 20, Binance answers with about 20. */
#define HTTP_FIELDS_MAX 96
/* Most bytes of one head, request line included. */
#define HTTP_HEAD_MAX 32768
/* Most bytes of chunk extensions and of trailer fields in one body; both are read and dropped. */
#define HTTP_EXTENSION_MAX 4096
#define HTTP_TRAILER_MAX   8192

enum http_answer {
        HTTP_DONE = 0,
        HTTP_SHORT, /* valid so far: feed more */
        HTTP_BAD,   /* refuse and close */
};

enum http_method {
        HTTP_GET,
        HTTP_HEAD,
        HTTP_POST,
        HTTP_PUT,
        HTTP_DELETE,
        HTTP_PATCH,
        HTTP_OPTIONS,
        HTTP_METHODS, /* how many there are; also: another, valid token */
};

enum http_framing {
        HTTP_BODY_NONE,
        HTTP_BODY_LENGTH,
        HTTP_BODY_CHUNKED,
        HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

struct http_field {
        struct str name, value; /* value without blanks around it */
};

struct http_head {
        /* requests */
        enum http_method method;
        struct str method_text;
        struct str target;      /* as sent: origin-form only, begins with '/' */
        struct str path, query; /* the target cut at the first '?'; query without it */
        bool has_query;         /* "/x?" has one, of length 0 */
        struct str host;
        bool expects_continue; /* Expect: 100-continue */
        /* responses */
        unsigned status;
        struct str reason;
        /* both */
        unsigned minor_version; /* 0 or 1 */
        bool keep_alive;        /* by version and Connection */
        bool is_upgrade;        /* Upgrade, and Connection says so */
        bool names_hop_by_hop;  /* Connection names other fields */
        enum http_framing framing;
        uint64_t content_length; /* for HTTP_BODY_LENGTH; also what an answer to HEAD, a 304 said */
        size_t n_fields;
        size_t head_bytes;                         /* including the empty line */
        struct http_field fields[HTTP_FIELDS_MAX]; /* in the order and with the names as sent */
};

struct http_error {
        unsigned status; /* what a server should answer: 400, 414, 417, 431, 501, 505; 502 for a
                          * response */
        const char *why; /* what was wrong, in a few words without quotes or backslashes; static */
};

/**
 * http_parse_request() - read one request head from the start of @data
 * @data: may go on after the head; what follows is not looked at
 * @from: where to go on looking for the end of the head; keeps a slow sender cheap. Start with 0;
 *        it is 0 again after HTTP_DONE.
 * @ret_head: scratch unless the answer is HTTP_DONE; large, so of its fields only the first
 *        n_fields are written
 *
 * The answer depends on the bytes alone, not on how they were cut.
 *
 * Return: HTTP_DONE with *ret_head written, HTTP_SHORT, or HTTP_BAD with *ret_error written.
 */
CHECKED int http_parse_request(struct str data, size_t *from, struct http_head *ret_head,
                               struct http_error *ret_error);

/* @method: of the request this answers (HEAD has no body; 1xx, 204, 304 neither). */
CHECKED int http_parse_response(struct str data, size_t *from, enum http_method method,
                                struct http_head *ret_head, struct http_error *ret_error);

/* What the parser takes as a method or a field's name, as a target, as a field's value. */
bool http_is_token(struct str s);
bool http_is_target(struct str s);
bool http_is_value(struct str s);

/* The value of the first field called @name (case folded); NULL view (p == NULL) when there is
 * none. */
struct str http_field_value(const struct http_head *head, struct str name);

/* True if @name is hop-by-hop: the standard ones, and those that this head's Connection names. */
bool http_field_is_hop_by_hop(const struct http_head *head, struct str name);

/* A chunked body, resumable at any byte. */
struct http_chunked {
        unsigned state;
        unsigned digits;                         /* of the size being read */
        uint64_t left;                           /* of the current chunk */
        unsigned extension_bytes, trailer_bytes; /* so far; bounded */
};

#define HTTP_CHUNKED_NULL ((struct http_chunked){ 0 })

/**
 * http_chunked_next() - advance over framing or payload at the start of @data
 * @ret_used:    bytes of @data that were read, framing included
 * @ret_payload: payload among them (possibly empty), a view into @data
 *
 * One call gives at most one run of payload: call again with the rest while the answer is
 * HTTP_SHORT and bytes are left. Chunk extensions and trailer fields are read and dropped.
 *
 * Return: HTTP_DONE at the end of the body (bytes after it are not used), HTTP_SHORT when more is
 *         to come, HTTP_BAD for good; then payload that came before the fault is still given.
 */
CHECKED int http_chunked_next(struct http_chunked *chunked, struct str data, size_t *ret_used,
                              struct str *ret_payload);

#endif
