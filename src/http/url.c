#include "http/url.h"

#include <errno.h>

static struct str from(struct str s, size_t n)
{
        return str_from(s.p + n, s.n - n);
}

/* What a host, a port and a base path consist of: no user name, query, fragment, blank. */
static bool is_plain(struct str s)
{
        for (size_t i = 0; i < s.n; ++i)
                if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 127 ||
                    strchr("@?#\\\"<>%", s.p[i]))
                        return false;
        return true;
}

static int parse_port(struct str text, uint16_t *ret_port)
{
        uint64_t port;

        if (str_to_u64(text, &port) < 0 || port == 0 || port > UINT16_MAX)
                return -EINVAL;
        *ret_port = (uint16_t)port;
        return 0;
}

/* @text: HOST, HOST:PORT, [V6] or [V6]:PORT. */
static int parse_authority(struct str text, struct http_url *url)
{
        const char *end;

        if (text.n > 0 && text.p[0] == '[') {
                end = memchr(text.p, ']', text.n);
                if (!end)
                        return -EINVAL;
                url->host = str_from(text.p + 1, (size_t)(end - text.p) - 1);
                text = from(text, (size_t)(end - text.p) + 1);
        } else {
                end = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
                url->host = str_from(text.p, end ? (size_t)(end - text.p) : text.n);
                text = from(text, url->host.n);
        }
        if (url->host.n == 0)
                return -EINVAL;
        if (text.n == 0)
                return 0;
        return text.p[0] == ':' ? parse_port(from(text, 1), &url->port) : -EINVAL;
}

int http_url_parse(struct str text, struct http_url *ret_url)
{
        const struct str http = STR_LITERAL("http://"), https = STR_LITERAL("https://");
        const struct str path = STR_LITERAL("unix:");
        struct http_url url = { .port = 80, .base = STR_LITERAL("") };
        const char *slash;
        int r;

        if (str_has_prefix(text, path)) {
                url = (struct http_url){ .host = from(text, path.n), .is_unix = true };
                url.base = STR_LITERAL("");
                if (url.host.n == 0)
                        return -EINVAL;
                *ret_url = url;
                return 0;
        }
        url.is_tls = str_has_prefix_nocase(text, https);
        if (!url.is_tls && !str_has_prefix_nocase(text, http))
                return -EINVAL;
        if (url.is_tls)
                url.port = 443;
        text = from(text, url.is_tls ? https.n : http.n);
        if (!is_plain(text))
                return -EINVAL;
        slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
        if (slash) {
                url.base = from(text, (size_t)(slash - text.p));
                text.n -= url.base.n;
                while (url.base.n > 0 && url.base.p[url.base.n - 1] == '/')
                        --url.base.n;
        }
        r = parse_authority(text, &url);
        if (r == 0)
                *ret_url = url;
        return r;
}
