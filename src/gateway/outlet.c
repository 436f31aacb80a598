#include "gateway/outlet.h"
#include "base/log.h"
#include "budget/budget.h"
#include "core/egress.h"
#include "gateway/breakers.h"
#include "settings/value.h"
#include "gateway/upstream.h"
#include "net/connect.h"
#include "sign/vault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_default(const struct settings_egress *e)
{
        return e->host[0] == '\0';
}

/* For as long as the region is: only what is sound in every other way gets one of its places. */
static int name_in_region(struct gateway *g, struct outlet *o)
{
        const struct settings_egress *e = &g->settings.egress[o - g->outlets];
        int r;

        o->limiter.region = &g->region;
        r = limiter_set_egress(&o->limiter, is_default(e) ? STR_NULL : str_of(e->name));
        if (r < 0)
                log_say(LOG_ERROR,
                        "egress %s: the region has known %d other addresses and has no place "
                        "for "
                        "it; use names that it knows (weir status), or stop the programs that use "
                        "the region and delete it",
                        e->name, REGION_EGRESSES - 1);
        return r;
}

static int find_source(struct outlet *o, const struct settings_egress *e)
{
        int r = address_from_digits(str_of(e->host), 0, &o->from);

        if (r == 0)
                r = connect_check_from(&o->from);
        if (r == -EADDRNOTAVAIL)
                log_say(LOG_ERROR,
                        "egress %s: this machine has no address %s (ip address lists those "
                        "that "
                        "it has); add it to an interface, or leave it out",
                        e->name, e->host);
        else if (r < 0)
                log_say(LOG_ERROR, "egress %s: cannot leave from %s: %s", e->name, e->host,
                        strerror(-r));
        return r;
}

static int open_one(struct gateway *g, size_t i)
{
        const struct settings_egress *e = &g->settings.egress[i];
        struct outlet *o = &g->outlets[i];
        int r = 0;

        o->name = e->name;
        o->is_named = g->settings.n_egress > 1 || !is_default(e);
        o->shown = o->is_named ? e->name : "";
        for (unsigned group = 0; group < POLICY_GROUP_COUNT; ++group) {
                o->upstreams[group].group = (enum policy_group)group;
                o->upstreams[group].outlet = o;
        }
        if (!is_default(e) && !e->is_proxy)
                r = find_source(o, e);
        str_copy(str_of(e->login), o->login, sizeof(o->login));
        return r;
}

/* Passwords of proxies. */

static int refuse_line(const char *path, unsigned line, const char *what)
{
        log_say(LOG_ERROR,
                "egress_auth_file: line %u of %s %s; write NAME USER:PASSWORD, NAME being "
                "that of "
                "an egress",
                line, path, what);
        return -EINVAL;
}

static struct outlet *proxy_named(struct gateway *g, struct str name)
{
        for (size_t i = 0; i < g->n_outlets; ++i)
                if (g->settings.egress[i].is_proxy &&
                    str_eq(str_of(g->settings.egress[i].name), name))
                        return &g->outlets[i];
        return NULL;
}

static int take_login(struct gateway *g, struct str text, const char *path, unsigned line)
{
        struct str rest = text, name;
        struct outlet *o;

        if (!str_split(&rest, ' ', &name))
                return refuse_line(path, line, "has no password");
        rest = str_trim(rest);
        o = proxy_named(g, name);
        if (!o)
                return refuse_line(path, line, "names no proxy of this gateway");
        if (o->login[0] != '\0')
                return refuse_line(path, line, "gives a proxy its password a second time");
        if (!egress_is_login(rest) || !str_copy(rest, o->login, sizeof(o->login)))
                return refuse_line(
                        path, line,
                        "has no USER:PASSWORD of printable characters, or a very long one");
        return 0;
}

static int read_logins(struct gateway *g, const char *path, struct str text)
{
        unsigned line = 0;
        struct str part;
        int r = 0;

        while (r == 0 && str_split(&text, '\n', &part)) {
                ++line;
                part = str_trim(part);
                if (part.n > 0 && part.p[part.n - 1] == '\r')
                        part = str_trim(str_from(part.p, part.n - 1));
                if (part.n > 0 && part.p[0] != '#')
                        r = take_login(g, part, path, line);
        }
        return r;
}

static int open_logins(struct gateway *g)
{
        const char *path = g->settings.egress_auth_file;
        char why[VAULT_WHY_MAX], *file;
        struct str text;
        int r;

        if (path[0] == '\0')
                return 0;
        file = vault_new(VAULT_FILE_MAX);
        if (!file)
                return -ENOMEM;
        r = vault_read("login", path, VAULT_OWN, file, &text, why);
        if (r < 0)
                log_say(LOG_ERROR, "egress_auth_file: %s", why);
        else
                r = read_logins(g, path, text);
        vault_free(file, VAULT_FILE_MAX);
        return r;
}

int outlets_open(struct gateway *g)
{
        int r = 0;

        g->n_outlets = g->settings.n_egress;
        must(g->n_outlets > 0 && g->n_outlets <= SETTINGS_EGRESS_MAX);
        for (size_t i = 0; r == 0 && i < g->n_outlets; ++i)
                r = open_one(g, i);
        if (r == 0)
                r = open_logins(g);
        for (size_t i = 0; r == 0 && i < g->n_outlets; ++i)
                r = name_in_region(g, &g->outlets[i]);
        for (size_t i = 0; r == 0 && i < g->n_outlets; ++i)
                if (g->outlets[i].is_named)
                        log_event(LOG_INFO, "egress", "name=%s region_place=%u", g->outlets[i].name,
                                  g->outlets[i].limiter.egress);
        return r;
}

void outlets_close(struct gateway *g)
{
        for (size_t i = 0; i < g->n_outlets; ++i)
                explicit_bzero(g->outlets[i].login, sizeof(g->outlets[i].login));
}

int outlets_use(struct gateway *g, enum policy_group group)
{
        for (size_t i = 0; i < g->n_outlets; ++i) {
                int r = upstream_use(g, &g->outlets[i].upstreams[group]);

                if (r < 0)
                        return r;
        }
        return 0;
}

struct outlet *outlets_at(struct gateway *g, unsigned egress)
{
        for (size_t i = 0; i < g->n_outlets; ++i)
                if (g->outlets[i].limiter.egress == egress)
                        return &g->outlets[i];
        return NULL;
}

bool outlet_is_open(struct gateway *g, const struct upstream *u)
{
        uint64_t now_ms = upstream_now(g, u).now_ms, until_ms;
        const struct limiter *l = &u->outlet->limiter;
        enum gate_kind kind;

        return gate_check(limiter_gate(l, BUDGET_GATE_ALL), now_ms, &until_ms, &kind) ==
                       GATE_OPEN &&
               gate_check(limiter_gate(l, budget_gate(u->group)), now_ms, &until_ms, &kind) ==
                       GATE_OPEN;
}

struct upstream *outlets_first_open(struct gateway *g, enum policy_group group)
{
        for (size_t i = 0; i < g->n_outlets; ++i) {
                struct upstream *u = &g->outlets[i].upstreams[group];

                if (outlet_is_open(g, u) && !breakers_are_shut(g, u, NULL) &&
                    !u->errands.all[ERRAND_TIME].is_unreached)
                        return u;
        }
        return &g->outlets[0].upstreams[group];
}

struct upstream *outlets_instead(struct gateway *g, const struct upstream *u)
{
        for (size_t i = 0; i < g->n_outlets; ++i) {
                struct upstream *other = &g->outlets[i].upstreams[u->group];

                if (other != u && other->is_in_use && outlet_is_open(g, other) &&
                    !other->errands.all[ERRAND_TIME].is_unreached)
                        return other;
        }
        return NULL;
}
