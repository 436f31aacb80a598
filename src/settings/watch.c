/*
 * The section "watch": what is under /weir, for whom, and where besides the gateway's own port.
 */
#include "settings/value.h"

#include "http/host.h"

#include <errno.h>
#include <unistd.h>

int places_add(struct settings_places *to, struct str text, struct sentence *why)
{
        struct settings_address address;
        char quoted[QUOTE_SIZE];
        int r = address_parse_listen(text, &address, why);

        if (r)
                return r;
        for (size_t i = 0; i < to->n; ++i)
                if (address.port != 0 && address_is_equal(&to->all[i], &address))
                        return sentence_say(why, "%s stands here twice; remove one",
                                            value_quote(text, quoted, sizeof(quoted)));
        if (to->n == SETTINGS_PLACES_MAX)
                return sentence_say(why, "there are more than %d places to listen on",
                                    SETTINGS_PLACES_MAX);
        to->all[to->n++] = address;
        return SETTINGS_GOOD;
}

int hosts_add(struct settings_hosts *to, struct str text, struct sentence *why)
{
        char quoted[QUOTE_SIZE];

        value_quote(text, quoted, sizeof(quoted));
        if (!address_is_name(text) && !memchr(text.p, ':', text.n))
                return sentence_say(why, "%s is no host name and no IP address", quoted);
        if (!address_is_name(text))
                return sentence_say(
                        why, "%s holds a colon; write the name alone, without scheme and port",
                        quoted);
        if (to->n == SETTINGS_HOSTS_MAX)
                return sentence_say(why, "there are more than %d names", SETTINGS_HOSTS_MAX);
        str_copy(text, to->all[to->n++], SETTINGS_HOST_SIZE);
        return SETTINGS_GOOD;
}

static int check_file(const struct settings *s, enum settings_id id, const char *path,
                      struct settings_report *report)
{
        char quoted[QUOTE_SIZE];
        struct sentence why;

        if (path[0] == '\0' || access(path, R_OK) == 0)
                return SETTINGS_GOOD;
        sentence_say(&why, "%s cannot be read: %s",
                     value_quote(str_of(path), quoted, sizeof(quoted)), strerror(errno));
        return report_add_at(s, id, report, &why);
}

/* Cert, key and what vouches for clients belong together, and to a place. */
static int check_tls(const struct settings *s, struct settings_report *report)
{
        bool has_cert = s->watch.tls_cert[0], has_key = s->watch.tls_key[0];
        bool has_ca = s->watch.client_ca[0];
        enum settings_id id = has_cert  ? SETTING_watch_tls_cert
                              : has_key ? SETTING_watch_tls_key
                                        : SETTING_watch_client_ca;
        struct sentence why;

        if (has_cert != has_key)
                sentence_say(&why, "a certificate and its key go together; set %s too",
                             has_cert ? "watch.tls_key" : "watch.tls_cert");
        else if (has_ca && !has_cert)
                sentence_say(&why, "clients show certificates within TLS only; set watch.tls_cert "
                                   "and watch.tls_key too");
        else if (has_cert && s->watch.listen.n == 0)
                sentence_say(&why, "TLS is spoken at watch.listen only, and there is no place in "
                                   "it; name one, or leave this out");
        else
                return SETTINGS_GOOD;
        return report_add_at(s, id, report, &why);
}

/* A place that only others reach, where nobody could prove himself. */
static int check_places(const struct settings *s, struct settings_report *report)
{
        char text[2 * SETTINGS_HOST_SIZE];
        struct sentence why;

        if (s->watch.token_file[0] || s->watch.action_token_file[0] || s->watch.client_ca[0])
                return SETTINGS_GOOD;
        for (size_t i = 0; i < s->watch.listen.n; ++i) {
                const struct settings_address *a = &s->watch.listen.all[i];

                if (a->is_unix || strcmp(a->host, "localhost") == 0 ||
                    http_is_loopback(str_of(a->host)))
                        continue;
                sentence_say(&why,
                             "at %s nobody could look, for only this machine may without a token; "
                             "set watch.token_file (make a token with: openssl rand -hex 32), or "
                             "watch.client_ca",
                             settings_address_text(a, false, text, sizeof(text)));
                return report_add_at(s, SETTING_watch_listen, report, &why);
        }
        return SETTINGS_GOOD;
}

int watch_check(const struct settings *s, struct settings_report *report)
{
        const struct {
                enum settings_id id;
                const char *path;
        } files[] = {
                { SETTING_watch_token_file, s->watch.token_file },
                { SETTING_watch_action_token_file, s->watch.action_token_file },
                { SETTING_watch_tls_cert, s->watch.tls_cert },
                { SETTING_watch_tls_key, s->watch.tls_key },
                { SETTING_watch_client_ca, s->watch.client_ca },
        };
        int answer = check_places(s, report), r = check_tls(s, report);

        answer = report_worse(answer, r);
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i)
                answer = report_worse(answer, check_file(s, files[i].id, files[i].path, report));
        return answer;
}
