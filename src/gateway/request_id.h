/*
 * Request ids
 *
 * Each request has one, which stands in everything that is said of it: the answer's field
 * X-Weir-Request-Id, the log, the access log, the queue. A client may bring its own; else, or when
 * that is no id, it gets one of ours: ten characters that are this run's alone, and eight that
 * count. It never goes to the exchange.
 */
#ifndef GATEWAY_REQUEST_ID_H
#define GATEWAY_REQUEST_ID_H

#include "base/base.h"
#include "http/server.h"

#define REQUEST_ID_FIELD "X-Weir-Request-Id"
#define REQUEST_ID_SIZE  (HTTP_LABEL_MAX + 1)

struct request_ids {
        uint64_t run; /* 50 bits of chance: no other run has them, of this gateway or another */
        uint64_t n;
};

void request_ids_init(struct request_ids *ids);
/* The next one, with a NUL. */
void request_id_make(struct request_ids *ids, char to[REQUEST_ID_SIZE]);
/* 1 to 64 of A-Z a-z 0-9 . _ ~ -, and no key or signature: 40 letters and digits in a row. */
bool request_id_is_good(struct str id);
/* Labels @exchange by what its client says, or by one of ours. */
void request_id_give(struct request_ids *ids, struct http_exchange *exchange);

#endif
