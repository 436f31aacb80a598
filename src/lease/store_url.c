#include "lease/store_url.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define REDIS_PORT    6379
#define SENTINEL_PORT 26379

/* Return: -EINVAL. */
static int PRINTF(2, 3) say(char why[OP_WHY_SIZE], const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why, OP_WHY_SIZE, format, args);
        va_end(args);
        return -EINVAL;
}

static struct str from(struct str s, size_t n)
{
        return str_from(s.p + n, s.n - n);
}

/* Cuts what stands before the first @c off @rest, which then begins with @c or is empty. */
static struct str before(struct str *rest, char c)
{
        const char *at = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
        struct str part = str_from(rest->p, at ? (size_t)(at - rest->p) : rest->n);

        *rest = from(*rest, part.n);
        return part;
}

bool store_is_name(struct str text)
{
        for (size_t i = 0; i < text.n; ++i)
                if (!text.p[i] ||
                    !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
                            text.p[i]))
                        return false;
        return text.n > 0 && text.n < STORE_WORD_SIZE;
}

static int digit(char c)
{
        const char *digits = "0123456789abcdefABCDEF", *at = c ? strchr(digits, c) : NULL;

        return !at ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* Percent-encoding undone. Return: false when it does not fit, or is malformed. */
static bool decode(struct str text, char *to, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < text.n; ++i) {
                char c = text.p[i];

                if (c == '%') {
                        int high = i + 2 < text.n ? digit(text.p[i + 1]) : -1;
                        int low = i + 2 < text.n ? digit(text.p[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return false;
                        c = (char)(high << 4 | low);
                        i += 2;
                }
                if (!c || n + 1 >= size)
                        return false;
                to[n++] = c;
        }
        to[n] = '\0';
        return true;
}

static int take_credentials(struct str text, struct store_url *url, char why[OP_WHY_SIZE])
{
        struct str user = before(&text, ':');

        if (text.n == 0)
                return say(why, "there is a user without a password before the @; write "
                                "USER:PASSWORD@, or :PASSWORD@");
        if (!decode(user, url->user, sizeof(url->user)))
                return say(why,
                           "the user before the @ is longer than %d characters, or not "
                           "percent-encoded as it should be",
                           STORE_WORD_SIZE - 1);
        if (!decode(from(text, 1), url->password, sizeof(url->password)))
                return say(why,
                           "the password before the @ is longer than %d characters, or not "
                           "percent-encoded as it should be",
                           STORE_SECRET_SIZE - 1);
        return 0;
}

static int take_host(struct str text, uint16_t port, struct store_url *url, char why[OP_WHY_SIZE])
{
        struct store_host *host = &url->hosts[url->n_hosts];
        struct str rest = text, name;
        uint64_t number = port;

        if (url->n_hosts == STORE_HOSTS_MAX)
                return say(why, "there are more than %d hosts", STORE_HOSTS_MAX);
        if (rest.n > 0 && rest.p[0] == '[') {
                rest = from(rest, 1);
                name = before(&rest, ']');
                if (rest.n == 0)
                        return say(why, "an IPv6 address lacks its closing bracket");
                rest = from(rest, 1);
        } else {
                name = before(&rest, ':');
        }
        for (size_t i = 0; i < name.n; ++i)
                if ((unsigned char)name.p[i] <= ' ' || (unsigned char)name.p[i] >= 127 ||
                    strchr("@?#\\\"<>%/", name.p[i]))
                        return say(why,
                                   "the name of the host holds a character that no host's has");
        if (!str_copy(name, host->name, sizeof(host->name)) || name.n == 0)
                return say(why, "the name of the host is missing or too long; write HOST:PORT");
        if (rest.n > 0 && (rest.p[0] != ':' || str_to_u64(from(rest, 1), &number) < 0 ||
                           number == 0 || number > UINT16_MAX))
                return say(why, "the port of %s is no number from 1 to 65535", host->name);
        host->port = (uint16_t)number;
        url->n_hosts++;
        return 0;
}

static int take_number(struct str name, struct str value, uint32_t max, uint32_t *ret,
                       char why[OP_WHY_SIZE])
{
        uint64_t number;

        if (str_to_u64(value, &number) < 0 || number > max)
                return say(why, "%.*s= takes a whole number from 0 to %u", STR_ARGS(name), max);
        *ret = (uint32_t)number;
        return 0;
}

static int take_parameter(struct str name, struct str value, struct store_url *url,
                          char why[OP_WHY_SIZE])
{
        if (str_eq(name, STR_LITERAL("db")))
                return take_number(name, value, STORE_DB_MAX, &url->db, why);
        if (str_eq(name, STR_LITERAL("replicas")))
                return take_number(name, value, STORE_REPLICAS_MAX, &url->replicas, why);
        if (!str_eq(name, STR_LITERAL("name")))
                return say(why,
                           "the parameter \"%.*s\" is unknown; there are name, replicas and db",
                           (int)(name.n < 20 ? name.n : 20), name.p);
        if (!store_is_name(value) || !str_copy(value, url->name, sizeof(url->name)))
                return say(why, "name= takes letters, digits and \". _ -\", %d at most",
                           STORE_WORD_SIZE - 1);
        return 0;
}

static int take_parameters(struct str text, struct store_url *url, char why[OP_WHY_SIZE])
{
        struct str part;
        int r = 0;

        while (r == 0 && str_split(&text, '&', &part)) {
                struct str name = before(&part, '=');

                if (part.n == 0)
                        return say(why,
                                   "a parameter behind the ? lacks its value; write NAME=VALUE");
                r = take_parameter(name, from(part, 1), url, why);
        }
        return r;
}

/* What stands behind the first slash: a database's number, or the master's name. */
static int take_path(struct str path, struct store_url *url, char why[OP_WHY_SIZE])
{
        if (url->is_sentinel) {
                if (!store_is_name(path) || !str_copy(path, url->master, sizeof(url->master)))
                        return say(why, "the name of the master is missing, or none; write "
                                        "redis+sentinel://HOST:PORT,HOST:PORT/MASTER");
                return 0;
        }
        return path.n > 0
                       ? take_number(STR_LITERAL("/DB, as db"), path, STORE_DB_MAX, &url->db, why)
                       : 0;
}

static int take_network(struct str text, struct store_url *url, char why[OP_WHY_SIZE])
{
        struct str authority = before(&text, '/'), host;
        const char *at = authority.n > 0 ? memrchr(authority.p, '@', authority.n) : NULL;
        int r = 0;

        if (at) {
                size_t n = (size_t)(at - authority.p);

                r = take_credentials(str_from(authority.p, n), url, why);
                authority = from(authority, n + 1);
        }
        if (r == 0 && authority.n == 0)
                return say(why, "the name of the host is missing or too long; write HOST:PORT");
        if (r == 0 && !url->is_sentinel)
                r = take_host(authority, REDIS_PORT, url, why);
        while (r == 0 && url->is_sentinel && str_split(&authority, ',', &host))
                r = take_host(host, SENTINEL_PORT, url, why);
        return r == 0 ? take_path(text.n > 0 ? from(text, 1) : text, url, why) : r;
}

static int take_unix(struct str path, struct store_url *url, char why[OP_WHY_SIZE])
{
        url->is_unix = true;
        if (path.n < 2 || path.p[0] != '/' || !str_copy(path, url->path, sizeof(url->path)))
                return say(why,
                           "the path of the socket must begin with / and have %d bytes at most; "
                           "write unix:///run/redis/redis.sock",
                           STORE_PATH_SIZE - 1);
        return 0;
}

int store_url_parse(struct str text, struct store_url *ret, char why[OP_WHY_SIZE])
{
        static const struct {
                const char *scheme;
                bool is_tls, is_sentinel;
        } schemes[] = {
                { "redis://", false, false },         { "rediss://", true, false },
                { "redis+sentinel://", false, true }, { "rediss+sentinel://", true, true },
                { "valkey://", false, false },        { "valkeys://", true, false },
        };
        const struct str path = STR_LITERAL("unix://");
        struct str rest = text.p ? text : STR_LITERAL(""), url;
        int r = 1;

        *ret = (struct store_url){ 0 };
        if (rest.n >= STORE_URL_MAX || memchr(rest.p, '\0', rest.n))
                return say(why, "a URL of a store has %d characters at most", STORE_URL_MAX - 1);
        url = before(&rest, '?');
        if (str_has_prefix(url, path))
                r = take_unix(from(url, path.n), ret, why);
        for (size_t i = 0; r > 0 && i < ARRAY_SIZE(schemes); ++i) {
                struct str scheme = str_of(schemes[i].scheme);

                if (!str_has_prefix_nocase(url, scheme))
                        continue;
                ret->is_tls = schemes[i].is_tls;
                ret->is_sentinel = schemes[i].is_sentinel;
                ret->replicas = schemes[i].is_sentinel;
                r = take_network(from(url, scheme.n), ret, why);
        }
        if (r > 0)
                return say(why, "a store is named as redis://HOST:PORT, rediss://HOST:PORT (TLS), "
                                "unix:///PATH or redis+sentinel://HOST:PORT,HOST:PORT/MASTER");
        return r == 0 && rest.n > 0 ? take_parameters(from(rest, 1), ret, why) : r;
}

const char *store_url_text(const struct store_url *url, char to[STORE_TEXT_SIZE])
{
        bool has_replicas;
        size_t n = 0;

        if (url->is_unix) {
                n = (size_t)snprintf(to, STORE_TEXT_SIZE, "unix://%s", url->path);
        } else {
                n = (size_t)snprintf(to, STORE_TEXT_SIZE, "redis%s%s://", url->is_tls ? "s" : "",
                                     url->is_sentinel ? "+sentinel" : "");
                for (size_t i = 0; i < url->n_hosts && n < STORE_TEXT_SIZE; ++i) {
                        bool is_v6 = strchr(url->hosts[i].name, ':') != NULL;

                        n += (size_t)snprintf(to + n, STORE_TEXT_SIZE - n, "%s%s%s%s:%u",
                                              i > 0 ? "," : "", is_v6 ? "[" : "",
                                              url->hosts[i].name, is_v6 ? "]" : "",
                                              url->hosts[i].port);
                }
                if (url->is_sentinel && n < STORE_TEXT_SIZE)
                        n += (size_t)snprintf(to + n, STORE_TEXT_SIZE - n, "/%s", url->master);
        }
        has_replicas = url->replicas > 0 || url->is_sentinel;
        if (url->db > 0 && n < STORE_TEXT_SIZE)
                n += (size_t)snprintf(to + n, STORE_TEXT_SIZE - n, "?db=%u", url->db);
        if (has_replicas && n < STORE_TEXT_SIZE)
                n += (size_t)snprintf(to + n, STORE_TEXT_SIZE - n, "%creplicas=%u",
                                      url->db > 0 ? '&' : '?', url->replicas);
        if (url->name[0] && n < STORE_TEXT_SIZE)
                snprintf(to + n, STORE_TEXT_SIZE - n, "%cname=%s",
                         url->db > 0 || has_replicas ? '&' : '?', url->name);
        return to;
}
