/*
 * Refusals
 *
 * Every sentence with which weir itself answers a client. Each says what was sent (nothing, or
 * perhaps), why, and what to do. All end the exchange; the flow is the caller's to free.
 */
#ifndef GATEWAY_REFUSE_H
#define GATEWAY_REFUSE_H

#include "gateway/flow.h"

/* Before there is a flow. Return: true when refused. */
CHECKED bool refuse_at_the_door(struct gateway *g, struct http_exchange *exchange);
void refuse_path(struct gateway *g, struct http_exchange *exchange);
void refuse_busy(struct gateway *g, struct http_exchange *exchange);
/* An account was named, and nothing of it is put to this request. @what: the browser's field. */
void refuse_browser(struct gateway *g, struct http_exchange *exchange, struct str what);
void refuse_account(struct gateway *g, struct http_exchange *exchange, struct str name);
/* @proof: an enum proof */
void refuse_proof(struct gateway *g, struct http_exchange *exchange, const char *account,
                  int proof);
void refuse_unsealable(struct gateway *g, struct http_exchange *exchange, const char *account,
                       const char *why);

/* @answer: LIMITER_NEVER, _LATE, _SHUT, _CROWDED or -ENOSPC; @at_ms: when it would be possible. */
void refuse_limiter(struct flow *f, int answer, uint64_t at_ms);
void refuse_queue(struct flow *f);
/* Its upstream does not answer, and is asked again in @wait_ms. */
void refuse_breaker(struct flow *f, uint64_t wait_ms);
/* An operator holds it, and its time is over. */
void refuse_paused(struct flow *f);
/* An operator has dropped it. */
void refuse_dropped(struct flow *f);
void refuse_memory(struct flow *f);
void refuse_wish(struct flow *f, const char *field, struct str value, const char *wanted);
/* No byte left. */
void refuse_unsent(struct flow *f, const char *why);
/* It left, and no whole reply came: the fate of what changes something is unknown. */
void refuse_unanswered(struct flow *f, const char *why);
/* A reply came that cannot be passed on. */
void refuse_unreadable(struct flow *f);

#endif
