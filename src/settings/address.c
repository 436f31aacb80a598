#include "settings/value.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define PORT_MAX  65535
#define LABEL_MAX 63

/* Compared as bytes, so there must be no padding. */
_Static_assert(sizeof(struct settings_address) == 4 + SETTINGS_HOST_SIZE + SETTINGS_UNIX_SIZE,
               "struct settings_address has holes");

bool address_is_equal(const struct settings_address *a, const struct settings_address *b)
{
        return memcmp(a, b, sizeof(*a)) == 0;
}

static bool is_letter_or_digit(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A DNS name or an IPv4 address; underscores occur in the names of containers. */
bool address_is_name(struct str host)
{
        struct str label;
        bool is_numeric = true;
        char text[SETTINGS_HOST_SIZE];
        struct in_addr ignored;

        if (host.n == 0 || host.p[host.n - 1] == '.' || !str_copy(host, text, sizeof(text)))
                return false;
        while (str_split(&host, '.', &label)) {
                if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' ||
                    label.p[label.n - 1] == '-')
                        return false;
                for (size_t i = 0; i < label.n; ++i) {
                        if (!is_letter_or_digit(label.p[i]) && label.p[i] != '-' &&
                            label.p[i] != '_')
                                return false;
                        if (label.p[i] < '0' || label.p[i] > '9')
                                is_numeric = false;
                }
        }
        return !is_numeric || inet_pton(AF_INET, text, &ignored) == 1;
}

static int parse_unix(struct str path, struct settings_address *ret, struct sentence *why)
{
        if (path.n == 0)
                return sentence_say(why, "\"unix:\" names no socket; write unix:/run/weir.sock");
        if (path.n >= SETTINGS_UNIX_SIZE)
                return sentence_say(why,
                                    "the path of the socket has %zu bytes; the system takes %d",
                                    path.n, SETTINGS_UNIX_SIZE - 1);
        if (value_has_control(path))
                return sentence_say(why, "the path of the socket holds a control character");
        ret->is_unix = true;
        str_copy(path, ret->path, sizeof(ret->path));
        return SETTINGS_GOOD;
}

static int parse_port(struct str text, uint64_t least, uint16_t *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        uint64_t port;

        if (str_to_u64(text, &port) || port < least || port > PORT_MAX)
                return sentence_say(why, "%s is no port; write a number from %llu to %d",
                                    value_quote(text, quoted, sizeof(quoted)),
                                    (unsigned long long)least, PORT_MAX);
        *ret = (uint16_t)port;
        return SETTINGS_GOOD;
}

/* Takes "[IPv6]" from the front of @rest. */
static int parse_brackets(struct str *rest, struct settings_address *ret, struct sentence *why)
{
        const char *end = memchr(rest->p, ']', rest->n);
        char quoted[QUOTE_SIZE];
        struct in6_addr ignored;
        struct str inside;

        if (!end)
                return sentence_say(why, "%s lacks the \"]\" that ends an IPv6 address",
                                    value_quote(*rest, quoted, sizeof(quoted)));
        inside = str_from(rest->p + 1, (size_t)(end - rest->p) - 1);
        if (memchr(inside.p, '\0', inside.n) || !str_copy(inside, ret->host, sizeof(ret->host)) ||
            inet_pton(AF_INET6, ret->host, &ignored) != 1)
                return sentence_say(why,
                                    "%s is no IPv6 address; between brackets write one such as ::1",
                                    value_quote(inside, quoted, sizeof(quoted)));
        *rest = str_from(end + 1, rest->n - inside.n - 2);
        return SETTINGS_GOOD;
}

/* Takes a host from the front of @rest, which then begins at the colon of the port, or is empty. */
static int parse_host(struct str *rest, struct settings_address *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        const char *colon;
        struct str host;

        if (rest->n > 0 && rest->p[0] == '[')
                return parse_brackets(rest, ret, why);

        colon = memchr(rest->p, ':', rest->n);
        host = str_from(rest->p, colon ? (size_t)(colon - rest->p) : rest->n);
        if (colon && memchr(colon + 1, ':', rest->n - host.n - 1))
                return sentence_say(why,
                                    "%s has more than one colon; write an IPv6 address between "
                                    "brackets, such as [::1]:8900",
                                    value_quote(*rest, quoted, sizeof(quoted)));
        if (!address_is_name(host))
                return sentence_say(why, "%s is no host name and no IP address",
                                    value_quote(host, quoted, sizeof(quoted)));
        str_copy(host, ret->host, sizeof(ret->host));
        *rest = str_from(rest->p + host.n, rest->n - host.n);
        return SETTINGS_GOOD;
}

int address_parse_listen(struct str text, struct settings_address *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        struct str rest = text;
        uint64_t port;
        int r;

        value_quote(text, quoted, sizeof(quoted));
        memset(ret, 0, sizeof(*ret));
        if (str_has_prefix(text, STR_LITERAL("unix:")))
                return parse_unix(str_from(text.p + 5, text.n - 5), ret, why);
        if (str_find(text, STR_LITERAL("://")))
                return sentence_say(why, "%s is a URL; write HOST:PORT or unix:PATH", quoted);
        if (text.n > 0 && text.p[0] == ':' &&
            str_to_u64(str_from(text.p + 1, text.n - 1), &port) == 0)
                return sentence_say(why,
                                    "%s names no host; write 127.0.0.1%.*s for this machine only, "
                                    "0.0.0.0%.*s for all the network",
                                    quoted, STR_ARGS(text), STR_ARGS(text));
        if (str_to_u64(text, &port) == 0)
                return sentence_say(why, "%s names no host; write 127.0.0.1:%.*s", quoted,
                                    STR_ARGS(text));

        r = parse_host(&rest, ret, why);
        if (r)
                return r;
        if (rest.n == 0 || rest.p[0] != ':')
                return sentence_say(why,
                                    "%s names no port; write HOST:PORT, such as 127.0.0.1:8900",
                                    quoted);
        return parse_port(str_from(rest.p + 1, rest.n - 1), 0, &ret->port, why);
}

/* What follows the scheme must be HOST or HOST:PORT. */
static int check_authority(struct str authority, const char *quoted, struct sentence *why)
{
        if (memchr(authority.p, '@', authority.n))
                return sentence_say(why,
                                    "the URL holds a user name; write scheme and host only (API "
                                    "keys stay with the clients)");
        for (size_t i = 0; i < authority.n; ++i) {
                char c = authority.p[i];

                if (c == '/' || c == '?' || c == '#')
                        return sentence_say(
                                why,
                                "%s goes on after the host; requests keep their own path, so end "
                                "it before the \"%c\"",
                                quoted, c);
        }
        if (authority.n == 0)
                return sentence_say(why, "%s names no host", quoted);
        return SETTINGS_GOOD;
}

int address_parse_url(struct str text, struct settings_address *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        struct str rest;
        int r;

        value_quote(text, quoted, sizeof(quoted));
        memset(ret, 0, sizeof(*ret));
        if (str_has_prefix(text, STR_LITERAL("unix:")))
                return parse_unix(str_from(text.p + 5, text.n - 5), ret, why);

        if (str_has_prefix_nocase(text, STR_LITERAL("https://"))) {
                ret->is_tls = true;
                rest = str_from(text.p + 8, text.n - 8);
        } else if (str_has_prefix_nocase(text, STR_LITERAL("http://"))) {
                rest = str_from(text.p + 7, text.n - 7);
        } else {
                return sentence_say(why,
                                    "%s is no URL; write http://HOST[:PORT], https://HOST[:PORT] "
                                    "or unix:PATH",
                                    quoted);
        }

        r = check_authority(rest, quoted, why);
        if (r)
                return r;
        r = parse_host(&rest, ret, why);
        if (r)
                return r;
        if (rest.n == 0) {
                ret->port = ret->is_tls ? 443 : 80;
                return SETTINGS_GOOD;
        }
        if (rest.p[0] != ':')
                return sentence_say(why, "%s goes on after the host", quoted);
        return parse_port(str_from(rest.p + 1, rest.n - 1), 1, &ret->port, why);
}

const char *settings_address_text(const struct settings_address *address, bool is_upstream,
                                  char *to, size_t size)
{
        bool is_ipv6 = strchr(address->host, ':') != NULL;
        unsigned usual = address->is_tls ? 443 : 80;
        char port[8] = "";

        if (address->is_unix) {
                snprintf(to, size, "unix:%s", address->path);
                return to;
        }
        if (!is_upstream || address->port != usual)
                snprintf(port, sizeof(port), ":%u", (unsigned)address->port);
        snprintf(to, size, "%s%s%s%s%s",
                 !is_upstream      ? ""
                 : address->is_tls ? "https://"
                                   : "http://",
                 is_ipv6 ? "[" : "", address->host, is_ipv6 ? "]" : "", port);
        return to;
}
