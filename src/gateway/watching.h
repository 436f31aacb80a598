/*
 * Watching
 *
 * Where the gateway and the room watch meet: what is under /weir is handed over there, and what is
 * shown and done there is read from and done to the gateway here.
 */
#ifndef GATEWAY_WATCHING_H
#define GATEWAY_WATCHING_H

#include "gateway/state.h"
#include "look/look.h"
#include "watch/watch.h"

/* Says on stderr what is wrong. Return: 0 or a negative errno. */
CHECKED int watching_open(struct gateway *g);
void watching_close(struct gateway *g);

/* The rules as @s has them, tokens read. Return: 0, or a negative errno after having said what is
 * wrong. */
CHECKED int watching_read(const struct settings *s, struct watch_config *ret_config);
/* They are those from now on, and become the watch's. */
void watching_follow(struct gateway *g, const struct watch_config *config);
/* The settings were read anew: those of @before, set by hand until then, that have ended by it,
 * each with a line in the log. */
void watching_shares_lapse(struct gateway *g, const struct settings_clients *before);
/* From housekeeping. */
void watching_keep(struct gateway *g);
/* How many costs that are other than charged somebody has seen, and said so. */
size_t watching_acknowledged(struct gateway *g);
/* The region, as it is now; until the next call. */
const struct look *watching_look(struct gateway *g);
/* The gateway ends: who looks on is let go. */
void watching_end(struct gateway *g);

/* http_server_ops of the gateway's port: to the watch, or on as a flow. @ctx: the gateway. */
void watching_request(void *ctx, struct http_exchange *exchange);
void watching_client_gone(void *ctx, struct http_exchange *exchange);
void watching_client_drained(void *ctx, struct http_exchange *exchange);

#endif
