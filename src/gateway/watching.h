/*
 * Watching
 *
 * Where the gateway and the room watch meet: what is under /weir is handed over there, and what is
 * shown and done there is read from and done to the gateway here.
 */
#ifndef GATEWAY_WATCHING_H
#define GATEWAY_WATCHING_H

#include "gateway/state.h"

/* Says on stderr what is wrong. Return: 0 or a negative errno. */
CHECKED int watching_open(struct gateway *g);
void watching_close(struct gateway *g);

/* The gateway ends: who looks on is let go. */
void watching_end(struct gateway *g);

/* http_server_ops of the gateway's port: to the watch, or on as a flow. @ctx: the gateway. */
void watching_request(void *ctx, struct http_exchange *exchange);
void watching_client_gone(void *ctx, struct http_exchange *exchange);
void watching_client_drained(void *ctx, struct http_exchange *exchange);

#endif
