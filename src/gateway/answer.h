/*
 * Answers of our own
 *
 * What a client is told when weir, not the exchange, has the last word: in Binance's own shape,
 * {"code":...,"msg":"weir: ..."}, so that every client library understands it, with X-Weir-Verdict
 * for those that know us. An answer says whether the request reached the exchange.
 */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "base/base.h"
#include "http/server.h"

struct answer {
        unsigned status;
        int code;               /* as Binance would number it */
        const char *verdict;    /* one word for X-Weir-Verdict */
        uint64_t retry_after_s; /* 0: not said */
};

/* Answers and ends @exchange. @format: the message after "weir: ". */
void answer_send(struct http_exchange *exchange, const struct answer *answer, const char *format,
                 ...) PRINTF(3, 4);

/* The same of one that came at a bad time. @wait_ms: how long it would have had to wait; 0: not
 * known. */
void answer_send_late(struct http_exchange *exchange, const struct answer *answer, uint64_t wait_ms,
                      const char *format, ...) PRINTF(4, 5);

#endif
