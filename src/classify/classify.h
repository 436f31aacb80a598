/*
 * Classify
 *
 * What an answer of the exchange means. Told the status, three headers and the beginning of the
 * body, or the way in which no answer came, it returns a verdict. Pure: no clock, no I/O, no
 * state. A 200 of an ordinary endpoint is answered without looking at the body, without
 * allocating; every other reply may allocate for zlib and jansson, within the ceilings below.
 *
 * Where the sources leave a doubt, the verdict errs to "unknown" and to "do not retry".
 */
#ifndef CLASSIFY_CLASSIFY_H
#define CLASSIFY_CLASSIFY_H

#include "base/base.h"
#include "base/str.h"
#include "classify/verdict.h"

/* Most bytes of a body that are looked at, before and after unpacking: error bodies are tiny. */
#define CLASSIFY_BODY_CEILING 65536
/* Deepest nesting; the exchange's own error bodies need four. */
#define CLASSIFY_DEPTH_CEILING 16

/* The same code means different things on different products. */
enum classify_product {
        CLASSIFY_SPOT,    /* /api */
        CLASSIFY_SAPI,    /* /sapi */
        CLASSIFY_UM,      /* /fapi */
        CLASSIFY_CM,      /* /dapi */
        CLASSIFY_PAPI,    /* /papi */
        CLASSIFY_OPTIONS, /* /eapi */
        CLASSIFY_PRODUCT_COUNT,
};

struct classify_in {
        enum classify_product product;
        bool is_mutating; /* would change something if executed: not a read, not a test */
        bool is_order;    /* places, changes or cancels orders; implies @is_mutating */
        bool is_batch;    /* a 200 holds an array whose elements may be errors: look inside */
        bool is_cut;      /* @body is only the beginning of what was or would have been sent */
        int status;       /* HTTP; 0: take it from the body (WebSocket envelope) */
        struct str content_encoding, content_type, retry_after; /* STR_NULL when absent */
        struct str body;                                        /* as received, still encoded */
        uint64_t now_ms; /* the exchange's clock when the reply came */
};

/* How a request can end without a reply. */
enum classify_transport {
        TRANSPORT_RESOLVE, /* the host's name was not found */
        TRANSPORT_CONNECT,
        TRANSPORT_TLS,
        TRANSPORT_RESET, /* closed or reset by the other side before a complete head */
        TRANSPORT_TIMEOUT,
        TRANSPORT_CUT,     /* the reply began, and ended before its end */
        TRANSPORT_GARBLED, /* what came is not HTTP */
        TRANSPORT_COUNT,
};

/* "resolve", "connect", ... */
const char *classify_transport_name(enum classify_transport failure);

/* Writes all of @ret_verdict; of @msg only what is needed to end it. */
void classify(const struct classify_in *in, struct verdict *ret_verdict);

/**
 * classify_transport() - the verdict when no complete reply came
 * @in:          product, is_mutating and is_order are read, the rest is not
 * @failure:     for the verdict's text
 * @is_any_sent: at least one byte of the request was handed to the kernel. This alone decides:
 *               a connection can be reset by a server that has already executed.
 */
void classify_transport(const struct classify_in *in, enum classify_transport failure,
                        bool is_any_sent, struct verdict *ret_verdict);

/**
 * classify_text() - the verdict on an error text of a client library
 * @in: @body is the text, such as "APIError(code=-1003): Too many requests ..."; @status is the
 *      HTTP status when the library tells it, else 0: then the code or the phrase implies it
 */
void classify_text(const struct classify_in *in, struct verdict *ret_verdict);

#endif
