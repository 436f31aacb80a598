/*
 * Host
 *
 * Whether a request was meant for us. A page may have had its name turned to our address (DNS
 * rebinding): to the browser it is then of one origin with us, and only the Host field tells.
 */
#ifndef HTTP_HOST_H
#define HTTP_HOST_H

#include "base/base.h"
#include "base/str.h"
#include "http/server.h"

/* Digits of any address, and a NUL. */
#define HTTP_LOCAL_SIZE 46

/* The name in a Host field: without the port, and an IPv6 address without its brackets. */
struct str http_host_name(struct str field);

/* Whether that is a name that every machine calls itself by, or @local: the digits of the address
 * that the request came to, "" where it is not known. */
bool http_host_is_usual(struct str field, const char *local);

/* The digits of the address of ours that @exchange came to; "" for a unix socket, and for one that
 * is gone. Return: @to. */
const char *http_exchange_local_host(const struct http_exchange *exchange,
                                     char to[HTTP_LOCAL_SIZE]);

/* Whether @digits are an address of this machine's that no other reaches. */
bool http_is_loopback(struct str digits);

#endif
