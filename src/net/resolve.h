/*
 * Name resolution
 *
 * One name, looked up in the background by getaddrinfo() in a thread of its own, so that
 * /etc/hosts, nsswitch and the system's resolver are honoured and nothing on a request's way waits.
 * The answer is refreshed now and then; when a refresh fails, the last good addresses stay.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/base.h"
#include "net/address.h"
#include "net/loop.h"

struct resolver;

/* A lookup ended, well or not: resolve_addresses() and resolve_why() tell. */
typedef void (*resolve_fn)(void *ctx);

/**
 * resolve_start() - look up @host now and then every @refresh_us
 * @host:       a name, or digits (IPv6 with or without brackets)
 * @refresh_us: 0: only when resolve_again() asks
 * @fn:         after each lookup, from the loop, never from inside a function of this file
 *
 * For digits and "localhost" the addresses are there on return and @fn is never called.
 *
 * Return: 0, -EINVAL for a host too long to be one, or a negative errno.
 */
CHECKED int resolve_start(struct loop *loop, const char *host, uint16_t port, uint64_t refresh_us,
                          resolve_fn fn, void *ctx, struct resolver **ret_resolver);

/* The last good set, possibly empty (n == 0: never found yet). Never NULL; changes only before a
 * call of @fn. */
const struct address_list *resolve_addresses(const struct resolver *resolver);

/* A sentence on why the last lookup failed; "" if it did not. */
const char *resolve_why(const struct resolver *resolver);

/**
 * resolve_again() - look up soon, because the addresses are missing or do not answer
 *
 * At most once a second.
 *
 * Return: true if a lookup is running now, so that @fn will be called; false if the last one ended
 *         less than a second ago (its result is still what we know), or for digits.
 */
bool resolve_again(struct resolver *resolver);

/* No callback follows. Accepts NULL. Return: NULL. */
struct resolver *resolve_stop(struct resolver *resolver);

#endif
