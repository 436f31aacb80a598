/*
 * URLs of servers
 *
 * `http://HOST[:PORT][/BASE]`, `https://HOST[:PORT][/BASE]` and `unix:PATH`, as settings name an
 * upstream. Not for request targets, which are never taken apart.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/base.h"
#include "base/str.h"

struct http_url {
        struct str host; /* views into the text; IPv6 without brackets; the path for unix */
        uint16_t port;   /* 80 and 443 when not said, 0 for unix */
        bool is_tls, is_unix;
        struct str base; /* "" or a path to put before every target, without '/' at its end */
};

/* Return: 0, or -EINVAL for anything else (user names, queries and fragments included). */
CHECKED int http_url_parse(struct str text, struct http_url *ret_url);

#endif
