/*
 * Reply
 *
 * The exchange's reply on its way to the client: status, fields and body as they came, without
 * hop-by-hop fields, with X-Weir-Wait-Us, X-Weir-Retries and X-Weir-Class added. Only the framing
 * may change (chunks are cut anew), never a byte of the payload.
 */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "classify/verdict.h"
#include "gateway/flow.h"

/* Keeps the head of the reply. Return: 0, or as in http/write.h when it cannot be passed on. */
CHECKED int reply_take_head(struct flow *f, const struct http_head *head);

/* True when a 200 may hold an array of successes and errors. */
bool reply_is_batch(const struct flow *f);

/* Starts answering while the body still comes: head, and what of the body was collected. */
void reply_start(struct flow *f);
/* Starts answering with a body that was collected whole. */
void reply_start_whole(struct flow *f);
void reply_add(struct flow *f, struct str payload);
/* Ends the exchange. */
void reply_finish(struct flow *f);

/* What the collected reply means. */
void reply_classify(const struct flow *f, uint64_t now_ms, struct verdict *ret_verdict);

#endif
