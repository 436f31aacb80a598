#include "http/host.h"

struct str http_host_name(struct str field)
{
        const char *end;

        if (field.n > 0 && field.p[0] == '[') {
                end = memchr(field.p, ']', field.n);
                return end ? str_from(field.p + 1, (size_t)(end - field.p) - 1) : field;
        }
        end = field.n > 0 ? memchr(field.p, ':', field.n) : NULL;
        return end ? str_from(field.p, (size_t)(end - field.p)) : field;
}

bool http_host_is_usual(struct str field, const char *local)
{
        static const char *const usual[] = { "localhost", "127.0.0.1", "::1" };
        struct str host = http_host_name(field);

        for (size_t i = 0; i < ARRAY_SIZE(usual); ++i)
                if (str_eq_nocase(host, str_of(usual[i])))
                        return true;
        return local[0] && str_eq_nocase(host, str_of(local));
}

const char *http_exchange_local_host(const struct http_exchange *exchange, char to[HTTP_LOCAL_SIZE])
{
        char text[ADDRESS_TEXT_MAX];
        struct address local;
        struct str host;

        to[0] = '\0';
        if (http_exchange_local(exchange, &local) < 0 || local.socket.ss_family == AF_UNIX)
                return to;
        host = http_host_name(str_of(address_print(&local, text)));
        /* What came over IPv4 to a socket of both. */
        if (str_has_prefix_nocase(host, STR_LITERAL("::ffff:")) && memchr(host.p, '.', host.n))
                host = str_from(host.p + 7, host.n - 7);
        str_copy(host, to, HTTP_LOCAL_SIZE);
        return to;
}

bool http_is_loopback(struct str digits)
{
        struct str mapped = STR_LITERAL("::ffff:");

        if (str_has_prefix_nocase(digits, mapped))
                digits = str_from(digits.p + mapped.n, digits.n - mapped.n);
        return str_has_prefix(digits, STR_LITERAL("127.")) || str_eq(digits, STR_LITERAL("::1"));
}
