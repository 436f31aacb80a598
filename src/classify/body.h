/*
 * Body
 *
 * What stands in the body of a reply, found in three ways:
 *
 *      {"code":-1003,"msg":"..."}                      the REST form
 *      {"status":418,"error":{"code":..,"data":..}}    the WebSocket API's
 *      ... -1003 ..., "too many requests"              any text that holds a code or a phrase
 *
 * HTML is known by its first byte and never looked into: a firewall's page must not be taken for
 * the exchange's word, whatever it says. A JSON text that is damaged, nested too deep or names a
 * member twice is read as plain text, and said to be broken.
 */
#ifndef CLASSIFY_BODY_H
#define CLASSIFY_BODY_H

#include "base/base.h"
#include "base/str.h"
#include "classify/classify.h"
#include "classify/verdict.h"

enum body_form {
        BODY_NONE = 0, /* empty or blank */
        BODY_JSON,
        BODY_TEXT,
        BODY_HTML,
        BODY_UNREADABLE,
};

struct body {
        enum body_form form;
        bool is_broken;    /* the end is missing, or JSON that is none */
        bool is_half_done; /* cancelReplace: one of its halves succeeded */
        int status;        /* of a WebSocket envelope, else 0 */
        int32_t code;      /* 0: none */
        int32_t part_code; /* cancelReplace: of the new order, else of the cancel; batch: first */
        uint32_t parts, parts_failed, parts_unknown; /* elements of a batch */
        uint64_t retry_at_ms; /* exchange clock, as stated in the body; 0: not */
        uint64_t ban_until_ms;
        uint64_t window_ms; /* of the limit that the text names; 0: none */
};

/**
 * body_read() - find what @in->body says
 * @to_msg: VERDICT_MSG_SIZE bytes for the exchange's text
 */
void body_read(const struct classify_in *in, struct body *ret_body, char *to_msg);

/* As body_read(), of a text that is not the exchange's own body: neither packed nor HTML. */
void body_read_text(const struct classify_in *in, struct body *ret_body, char *to_msg);

#endif
