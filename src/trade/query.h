/*
 * Queries
 *
 * Parameters as they go out, "symbol=BTCUSDT&side=BUY", escaped before they are signed, as the
 * exchange wants it: the bytes that are signed are the bytes that are sent.
 */
#ifndef TRADE_QUERY_H
#define TRADE_QUERY_H

#include "base/base.h"
#include "base/buf.h"

/* Longest query; an order has some 300 bytes, an RSA signature 2000. */
#define QUERY_MAX 8192

/* Appends "&name=value", without the '&' to an empty buffer. A @value of NULL or "" appends
 * nothing. Return: 0, -ENOBUFS, -ENOMEM. */
CHECKED int query_add(struct buf *to, const char *name, const char *value);
/* The same for a number; 0 is appended too. */
CHECKED int query_add_u64(struct buf *to, const char *name, uint64_t value);

#endif
