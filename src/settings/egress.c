/*
 * The addresses that requests leave from: text to value and back. A password in a proxy's URL is in
 * no sentence and in no print.
 */
#include "settings/value.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* Compared as bytes, so there must be no padding. */
_Static_assert(sizeof(struct settings_egress) ==
                       4 + SETTINGS_EGRESS_SIZE + SETTINGS_HOST_SIZE + SETTINGS_LOGIN_SIZE,
               "struct settings_egress has holes");

/* For a sentence. Where there is an "@" there may be a password. */
static const char *quote(struct str part, struct str whole, char to[QUOTE_SIZE])
{
        if (memchr(whole.p, '@', whole.n))
                return "what stands here";
        return value_quote(part, to, QUOTE_SIZE);
}

bool egress_is_name(struct str name)
{
        for (size_t i = 0; i < name.n; ++i) {
                char c = name.p[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      strchr("-_.", c)) ||
                    c == '\0')
                        return false;
        }
        return name.n > 0 && name.n < SETTINGS_EGRESS_SIZE;
}

/* Takes USER:PASSWORD@ from the front of @rest. */
static int parse_login(struct str *rest, struct settings_egress *ret, struct sentence *why)
{
        const char *at = memrchr(rest->p, '@', rest->n);
        struct str login;

        if (!at)
                return SETTINGS_GOOD;
        login = str_from(rest->p, (size_t)(at - rest->p));
        if (!egress_is_login(login) || !str_copy(login, ret->login, sizeof(ret->login)))
                return sentence_say(
                        why,
                        "what stands before the \"@\" of the proxy is no USER:PASSWORD of "
                        "printable characters, %d at most; rather name a file with "
                        "egress_auth_file",
                        SETTINGS_LOGIN_SIZE - 1);
        *rest = str_from(at + 1, rest->n - login.n - 1);
        return SETTINGS_GOOD;
}

bool egress_is_login(struct str login)
{
        const char *colon = memchr(login.p, ':', login.n);

        for (size_t i = 0; i < login.n; ++i)
                if (login.p[i] <= ' ' || login.p[i] > '~')
                        return false;
        return colon && colon > login.p;
}

static int parse_proxy(struct str rest, struct settings_egress *ret, struct sentence *why)
{
        struct settings_address address;
        int r;

        if (rest.n > 0 && rest.p[rest.n - 1] == '/')
                --rest.n;
        r = parse_login(&rest, ret, why);
        if (r)
                return r;
        r = address_parse_listen(rest, &address, why);
        if (r)
                return r;
        if (address.is_unix || address.port == 0)
                return sentence_say(why, "a proxy is reached at HOST:PORT; write "
                                         "http://proxy.internal:3128");
        ret->is_proxy = true;
        ret->port = address.port;
        memcpy(ret->host, address.host, sizeof(ret->host));
        return SETTINGS_GOOD;
}

static int parse_source(struct str text, struct settings_egress *ret, struct sentence *why)
{
        char place[QUOTE_SIZE];
        const char *quoted;
        struct in6_addr v6;
        struct in_addr v4;

        if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
                text = str_from(text.p + 1, text.n - 2);
        if (str_eq(text, STR_LITERAL("default")))
                return SETTINGS_GOOD;
        quoted = quote(text, text, place);
        if (!str_copy(text, ret->host, sizeof(ret->host)) || memchr(text.p, '\0', text.n) ||
            (inet_pton(AF_INET, ret->host, &v4) != 1 && inet_pton(AF_INET6, ret->host, &v6) != 1))
                return sentence_say(why,
                                    "%s is no address to leave from; write one of this machine in "
                                    "digits (203.0.113.7), a proxy (http://HOST:PORT), or default",
                                    quoted);
        if (strcmp(ret->host, "0.0.0.0") == 0 || strcmp(ret->host, "::") == 0)
                return sentence_say(why,
                                    "%s stands for any address; write default where the system "
                                    "shall choose",
                                    quoted);
        return SETTINGS_GOOD;
}

static int parse_form(struct str text, struct settings_egress *ret, struct sentence *why)
{
        if (str_has_prefix_nocase(text, STR_LITERAL("http://")))
                return parse_proxy(str_from(text.p + 7, text.n - 7), ret, why);
        if (str_find(text, STR_LITERAL("://")))
                return sentence_say(
                        why, "only proxies of HTTP are spoken to, in the clear; what goes to "
                             "https upstreams is encrypted through them all the same; write "
                             "http://HOST:PORT");
        return parse_source(text, ret, why);
}

/* What it is called when nobody says. */
static int name_it(struct settings_egress *ret, struct sentence *why)
{
        bool is_v6 = strchr(ret->host, ':') != NULL;
        int n;

        if (ret->host[0] == '\0')
                n = snprintf(ret->name, sizeof(ret->name), "default");
        else if (!ret->is_proxy)
                n = snprintf(ret->name, sizeof(ret->name), "%s", ret->host);
        else
                n = snprintf(ret->name, sizeof(ret->name), is_v6 ? "[%s]:%u" : "%s:%u", ret->host,
                             (unsigned)ret->port);
        if ((size_t)n < sizeof(ret->name))
                return SETTINGS_GOOD;
        return sentence_say(why, "this is too long to be a name; give it a shorter one: NAME=%s",
                            ret->is_proxy ? "http://HOST:PORT" : "ADDRESS");
}

/* Of another address: whoever reads it in a log or bans by it would take one for the other. */
static bool is_misleading(struct str name, const struct settings_egress *egress)
{
        char text[SETTINGS_EGRESS_SIZE];
        struct in_addr v4;

        return str_copy(name, text, sizeof(text)) && inet_pton(AF_INET, text, &v4) == 1 &&
               (egress->is_proxy || strcmp(text, egress->host) != 0);
}

int egress_parse(struct str text, struct settings_egress *ret, struct sentence *why)
{
        const char *equals = memchr(text.p, '=', text.n);
        const char *slash = memchr(text.p, '/', text.n);
        char quoted[QUOTE_SIZE];
        struct str name = STR_NULL, whole = text;
        int r;

        memset(ret, 0, sizeof(*ret));
        if (equals && (!slash || equals < slash)) {
                name = str_from(text.p, (size_t)(equals - text.p));
                text = str_from(equals + 1, text.n - name.n - 1);
                if (!egress_is_name(name))
                        return sentence_say(why,
                                            "%s is no name; write 1 to %d letters, digits, \"-\", "
                                            "\"_\" and \".\" before the \"=\"",
                                            quote(name, whole, quoted), SETTINGS_EGRESS_SIZE - 1);
        }
        r = parse_form(text, ret, why);
        if (r)
                return r;
        if (name.n == 0)
                return name_it(ret, why);
        if (ret->host[0] == '\0')
                return sentence_say(why,
                                    "default keeps its name, by which programs without an egress "
                                    "know it; leave out \"%.*s=\"",
                                    STR_ARGS(name));
        if (str_eq(name, STR_LITERAL("default")))
                return sentence_say(
                        why, "default is the address that the system chooses; choose another "
                             "name");
        if (is_misleading(name, ret))
                return sentence_say(why,
                                    "the name %.*s is an address, and not the one that this leaves "
                                    "by; choose another name, or leave out \"%.*s=\"",
                                    STR_ARGS(name), STR_ARGS(name));
        str_copy(name, ret->name, sizeof(ret->name));
        return SETTINGS_GOOD;
}

int egress_add(struct settings *s, struct str text, struct sentence *why)
{
        struct settings_egress egress;
        char shown[2 * SETTINGS_HOST_SIZE];
        int r = egress_parse(text, &egress, why);

        if (r)
                return r;
        for (size_t i = 0; i < s->n_egress; ++i) {
                const struct settings_egress *other = &s->egress[i];

                if (strcmp(other->name, egress.name) == 0)
                        return sentence_say(why,
                                            "the name %s stands here twice; remove one, or give "
                                            "them names of their own: NAME=ADDRESS",
                                            egress.name);
                if (other->is_proxy == egress.is_proxy && other->port == egress.port &&
                    strcasecmp(other->host, egress.host) == 0)
                        return sentence_say(why,
                                            "%s is the same address as %s, and would be counted "
                                            "twice; remove one",
                                            settings_egress_text(&egress, shown, sizeof(shown)),
                                            other->name);
        }
        if (s->n_egress == SETTINGS_EGRESS_MAX)
                return sentence_say(why, "there are more than %d addresses to leave from",
                                    SETTINGS_EGRESS_MAX);
        s->egress[s->n_egress++] = egress;
        return SETTINGS_GOOD;
}

const char *settings_egress_text(const struct settings_egress *egress, char *to, size_t size)
{
        struct settings_egress unnamed = *egress;
        bool is_v6 = strchr(egress->host, ':') != NULL;
        struct sentence why;
        const char *name = "", *equals = "";

        if (name_it(&unnamed, &why) != SETTINGS_GOOD || strcmp(unnamed.name, egress->name) != 0) {
                name = egress->name;
                equals = "=";
        }
        if (egress->host[0] == '\0')
                snprintf(to, size, "default");
        else if (!egress->is_proxy)
                snprintf(to, size, "%s%s%s", name, equals, egress->host);
        else
                snprintf(to, size, is_v6 ? "%s%shttp://%s[%s]:%u" : "%s%shttp://%s%s:%u", name,
                         equals, egress->login[0] ? "(login)@" : "", egress->host,
                         (unsigned)egress->port);
        return to;
}
