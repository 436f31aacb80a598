#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static struct address of_v4(struct in_addr host, uint16_t port)
{
        struct sockaddr_in in = { .sin_family = AF_INET,
                                  .sin_addr = host,
                                  .sin_port = htons(port) };
        struct address address = { .length = sizeof(in) };

        memcpy(&address.socket, &in, sizeof(in));
        return address;
}

static struct address of_v6(const struct in6_addr *host, uint16_t port)
{
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                    .sin6_addr = *host,
                                    .sin6_port = htons(port) };
        struct address address = { .length = sizeof(in6) };

        memcpy(&address.socket, &in6, sizeof(in6));
        return address;
}

int address_from_path(struct str path, struct address *ret_address)
{
        struct sockaddr_un un = { .sun_family = AF_UNIX };

        if (path.n == 0 || memchr(path.p, '\0', path.n))
                return -EINVAL;
        if (path.n >= sizeof(un.sun_path))
                return -ENAMETOOLONG;
        memcpy(un.sun_path, path.p, path.n);
        *ret_address = (struct address){ .length = sizeof(un) };
        memcpy(&ret_address->socket, &un, sizeof(un));
        return 0;
}

int address_from_digits(struct str host, uint16_t port, struct address *ret_address)
{
        char text[INET6_ADDRSTRLEN];
        struct in6_addr v6;
        struct in_addr v4;

        if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
                host = str_from(host.p + 1, host.n - 2);
        if (!str_copy(host, text, sizeof(text)) || strlen(text) != host.n)
                return -EINVAL;
        if (inet_pton(AF_INET, text, &v4) == 1)
                *ret_address = of_v4(v4, port);
        else if (inet_pton(AF_INET6, text, &v6) == 1)
                *ret_address = of_v6(&v6, port);
        else
                return -EINVAL;
        return 0;
}

int address_parse(struct str text, struct address *ret_address)
{
        const struct str unix_prefix = STR_LITERAL("unix:");
        const char *colon;
        struct str host;
        uint64_t port;

        if (str_has_prefix(text, unix_prefix))
                return address_from_path(str_from(text.p + unix_prefix.n, text.n - unix_prefix.n),
                                         ret_address);
        colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;
        if (!colon)
                return -EINVAL;
        host = str_from(text.p, (size_t)(colon - text.p));
        if (str_to_u64(str_from(colon + 1, text.n - host.n - 1), &port) < 0 || port > UINT16_MAX)
                return -EINVAL;
        if (host.n == 0 || str_eq(host, STR_LITERAL("*")))
                host = STR_LITERAL("0.0.0.0");
        else if (str_eq_nocase(host, STR_LITERAL("localhost")))
                host = STR_LITERAL("127.0.0.1");
        else if (memchr(host.p, ':', host.n) && host.p[0] != '[')
                return -EINVAL; /* whose last group would be the port? */
        return address_from_digits(host, (uint16_t)port, ret_address);
}

const char *address_print(const struct address *address, char to[ADDRESS_TEXT_MAX])
{
        char host[INET6_ADDRSTRLEN] = "?";
        struct sockaddr_in6 in6;
        struct sockaddr_in in;
        struct sockaddr_un un;

        switch (address->socket.ss_family) {
        case AF_INET:
                memcpy(&in, &address->socket, sizeof(in));
                inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
                snprintf(to, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(in.sin_port));
                break;
        case AF_INET6:
                memcpy(&in6, &address->socket, sizeof(in6));
                inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
                snprintf(to, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(in6.sin6_port));
                break;
        case AF_UNIX:
                memcpy(&un, &address->socket, sizeof(un));
                snprintf(to, ADDRESS_TEXT_MAX, "unix:%.*s", (int)sizeof(un.sun_path), un.sun_path);
                break;
        default:
                snprintf(to, ADDRESS_TEXT_MAX, "?");
        }
        return to;
}

uint16_t address_port(const struct address *address)
{
        struct sockaddr_in6 in6;
        struct sockaddr_in in;

        if (address->socket.ss_family == AF_INET) {
                memcpy(&in, &address->socket, sizeof(in));
                return ntohs(in.sin_port);
        }
        if (address->socket.ss_family == AF_INET6) {
                memcpy(&in6, &address->socket, sizeof(in6));
                return ntohs(in6.sin6_port);
        }
        return 0;
}
