#include "watch/door.h"

#include "http/host.h"

#include <stdio.h>

static bool is_our_name(const struct door_request *request, const struct door_rules *rules)
{
        struct str host = request->head->host;

        /* No page gets at a unix socket. */
        if (request->is_unix || http_host_is_usual(host, request->local))
                return true;
        for (size_t i = 0; i < rules->n_hosts; ++i)
                if (str_eq_nocase(http_host_name(host), str_of(rules->hosts[i])))
                        return true;
        return false;
}

/* "http://" or "https://" and the very Host that it asks: behind a proxy that ends TLS the page is
 * of the one, and we see the other. */
static bool is_own_origin(struct str origin, struct str host)
{
        static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

        for (size_t i = 0; i < ARRAY_SIZE(schemes); ++i)
                if (str_has_prefix_nocase(origin, schemes[i]) &&
                    str_eq_nocase(str_from(origin.p + schemes[i].n, origin.n - schemes[i].n), host))
                        return true;
        return false;
}

static bool is_of_other_site(const struct door_request *request)
{
        const struct http_head *head = request->head;

        for (size_t i = 0; i < head->n_fields; ++i) {
                struct str name = head->fields[i].name, value = head->fields[i].value;

                if (str_eq_nocase(name, STR_LITERAL("origin")) && !is_own_origin(value, head->host))
                        return true;
                if (str_eq_nocase(name, STR_LITERAL("sec-fetch-site")) && !request->is_static &&
                    !str_eq_nocase(value, STR_LITERAL("same-origin")) &&
                    !str_eq_nocase(value, STR_LITERAL("none")))
                        return true;
        }
        return false;
}

/* What a proxy adds: then who asks is not who is connected. */
static bool is_passed_on(const struct http_head *head)
{
        static const struct str said[] = {
                { "forwarded", 9 }, { "via", 3 }, { "x-real-ip", 9 }, { "x-client-ip", 11 }
        };

        for (size_t i = 0; i < head->n_fields; ++i) {
                struct str name = head->fields[i].name;

                if (str_has_prefix_nocase(name, STR_LITERAL("x-forwarded-")))
                        return true;
                for (size_t k = 0; k < ARRAY_SIZE(said); ++k)
                        if (str_eq_nocase(name, said[k]))
                                return true;
        }
        return false;
}

static bool is_at_home(const struct door_request *request)
{
        return !is_passed_on(request->head) &&
               (request->is_unix || (http_is_loopback(str_of(request->local)) &&
                                     http_is_loopback(str_of(request->peer))));
}

static void lift(struct door_pass *pass, struct door_pass to)
{
        if (to.may <= pass->may)
                return;
        to.session = pass->session;
        *pass = to;
}

bool door_has_tokens(const struct door_rules *rules)
{
        return rules->look || rules->act;
}

struct door_pass door_token(const struct door_rules *rules, struct str token)
{
        /* Both, so that the time tells nothing of which. */
        size_t looks = tokens_find(rules->look, token), acts = tokens_find(rules->act, token);

        return (struct door_pass){
                .may = acts    ? DOOR_ACT
                       : looks ? DOOR_LOOK
                               : DOOR_NOTHING,
                .by = "token",
                .token = acts ? acts : looks,
        };
}

const char *door_cookie_name(const struct http_head *head, char to[DOOR_COOKIE_SIZE])
{
        struct str host = head->host, name = http_host_name(host);
        const char *colon = name.n > 0 ? memchr(name.p + name.n, ':',
                                                (size_t)(host.p + host.n - name.p) - name.n)
                                       : NULL;
        struct str port = STR_NULL;
        uint64_t number;

        if (colon)
                port = str_from(colon + 1, (size_t)(host.p + host.n - colon) - 1);
        if (str_to_u64(port, &number) == 0 && number <= UINT16_MAX)
                snprintf(to, DOOR_COOKIE_SIZE, "weir-%u", (unsigned)number);
        else
                str_copy(STR_LITERAL("weir"), to, DOOR_COOKIE_SIZE);
        return to;
}

/* The one that @cookies hold, whoever put the others there; the first that is good. */
static struct session *find_session(struct str cookies, struct str name, struct sessions *sessions,
                                    uint64_t now_us)
{
        struct session *found = NULL;
        struct str part, key;

        while (!found && str_split(&cookies, ';', &part)) {
                part = str_trim(part);
                if (str_split(&part, '=', &key) && str_eq(key, name))
                        found = sessions_find(sessions, part, now_us);
        }
        return found;
}

static void check_session(const struct door_request *request, struct sessions *sessions,
                          struct door_pass *pass)
{
        char name[DOOR_COOKIE_SIZE];

        door_cookie_name(request->head, name);
        for (size_t i = 0; i < request->head->n_fields && !pass->session; ++i)
                if (str_eq_nocase(request->head->fields[i].name, STR_LITERAL("cookie")))
                        pass->session = find_session(request->head->fields[i].value, str_of(name),
                                                     sessions, request->now_us);
        if (pass->session)
                lift(pass, (struct door_pass){
                                   .may = pass->session->may_act ? DOOR_ACT : DOOR_LOOK,
                                   .by = "session",
                                   .token = pass->session->token,
                           });
}

/* Of another scheme than Bearer: somebody else's business. Return: an enum door. */
static int check_bearer(const struct door_request *request, const struct door_rules *rules,
                        struct door_pass *pass)
{
        const struct str bearer = STR_LITERAL("bearer ");
        struct str token = STR_NULL;
        struct door_pass by_token;

        for (size_t i = 0; i < request->head->n_fields; ++i) {
                const struct http_field *field = &request->head->fields[i];

                if (!str_eq_nocase(field->name, STR_LITERAL("authorization")) ||
                    !str_has_prefix_nocase(field->value, bearer))
                        continue;
                if (token.p)
                        return DOOR_TWICE;
                token = str_trim(str_from(field->value.p + bearer.n, field->value.n - bearer.n));
        }
        if (!token.p)
                return DOOR_OPEN;
        by_token = door_token(rules, token);
        lift(pass, by_token);
        return by_token.may == DOOR_NOTHING ? DOOR_WRONG : DOOR_OPEN;
}

int door_check(const struct door_request *request, const struct door_rules *rules,
               struct sessions *sessions, struct door_pass *ret_pass)
{
        *ret_pass = (struct door_pass){ .may = DOOR_NOTHING, .by = "nothing" };
        if (!is_our_name(request, rules))
                return DOOR_HOST;
        if (is_of_other_site(request))
                return DOOR_SITE;
        if (!rules->look && is_at_home(request))
                lift(ret_pass, (struct door_pass){ .may = DOOR_LOOK, .by = "place" });
        if (request->is_vouched)
                lift(ret_pass, (struct door_pass){ .may = DOOR_LOOK, .by = "certificate" });
        check_session(request, sessions, ret_pass);
        return check_bearer(request, rules, ret_pass);
}
