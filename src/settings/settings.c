#include "settings/settings.h"

#include <errno.h>
#include <stdlib.h>

#include "settings/guess.h"
#include "settings/table.h"
#include "settings/value.h"

#define RELOAD  true
#define RESTART false

const struct setting settings_table[SETTINGS_COUNT] = {
#define SETTING(id, kind_, member, key_, default_, min_, max_, reload, env_, help_)                \
        [SETTING_##id] = { .key = key_,                                                            \
                           .preset = default_,                                                     \
                           .env = env_,                                                            \
                           .help = help_,                                                          \
                           .kind = KIND_##kind_,                                                   \
                           .is_reloadable = reload,                                                \
                           .min = min_,                                                            \
                           .max = max_,                                                            \
                           .offset = offsetof(struct settings, member),                            \
                           .size = sizeof(((struct settings *)NULL)->member) },
#include "settings/settings.def"
#undef SETTING
};

/* A member's type must be its kind's, because values are written through void pointers. */
#define TYPE_BOOL           bool
#define TYPE_INT            uint32_t
#define TYPE_PERCENT        uint32_t
#define TYPE_DURATION       uint64_t
#define TYPE_SIZE           uint64_t
#define TYPE_PATH           char[SETTINGS_PATH_SIZE]
#define TYPE_PATH_OR_SWITCH TYPE_PATH
#define TYPE_ADDRESSES      struct settings_address[SETTINGS_LISTEN_MAX]
#define TYPE_EGRESSES       struct settings_egress[SETTINGS_EGRESS_MAX]
#define TYPE_PLACES         struct settings_places
#define TYPE_HOSTS          struct settings_hosts
#define TYPE_URL            struct settings_address
#define TYPE_LEVEL          enum log_level
#define TYPE_FORMAT         enum log_format
#define TYPE_NAME           char[SETTINGS_NAME_SIZE]
#define TYPE_STORE          char[SETTINGS_STORE_SIZE]
#define SETTING(id, kind, member, ...)                                                             \
        _Static_assert(__builtin_types_compatible_p(__typeof__(((struct settings *)NULL)->member), \
                                                    TYPE_##kind),                                  \
                       "the member for setting " #id " is no " #kind);
#include "settings/settings.def"
#undef SETTING

/* Both lists are in step, so that an index of one is an offset in the other. */
_Static_assert((int)SETTING_upstream_eapi - (int)SETTING_upstream_api ==
                       (int)POLICY_EAPI - (int)POLICY_API,
               "groups and upstream settings differ");
_Static_assert((int)SETTING_classes_backfill - (int)SETTING_classes_cancel ==
                       (int)CLASS_BACKFILL - (int)CLASS_CANCEL,
               "classes and their settings differ");

struct str setting_section(const struct setting *t)
{
        const char *dot = strchr(t->key, '.');

        return dot ? str_from(t->key, (size_t)(dot - t->key)) : STR_NULL;
}

struct str setting_leaf(const struct setting *t)
{
        const char *dot = strchr(t->key, '.');

        return str_of(dot ? dot + 1 : t->key);
}

const struct setting *setting_find(struct str section, struct str leaf)
{
        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                if (str_eq(setting_section(t), section) && str_eq(setting_leaf(t), leaf))
                        return t;
        }
        return NULL;
}

bool setting_has_section(struct str name)
{
        for (size_t i = 0; i < SETTINGS_COUNT; ++i)
                if (name.n > 0 && str_eq(setting_section(&settings_table[i]), name))
                        return true;
        return false;
}

void setting_came_from(struct settings *s, const struct setting *t, enum settings_source source,
                       uint32_t line, uint32_t column)
{
        s->origins[t - settings_table] =
                (struct settings_origin){ .source = source, .line = line, .column = column };
}

void settings_init(struct settings *s)
{
        struct sentence why;

        memset(s, 0, sizeof(*s));
        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                must((setting_may_be_none(t) && !t->preset[0]) ||
                     value_parse(t, str_of(t->preset), s, &why) == SETTINGS_GOOD);
        }
}

/* Takes @value, which replaces what was there before. */
static int take_variable(struct settings *s, const struct setting *t, struct str value,
                         struct settings_report *report)
{
        struct settings_address listen[SETTINGS_LISTEN_MAX];
        char where[80];
        struct sentence why;
        size_t n = s->n_listen;

        memcpy(listen, s->listen, sizeof(listen));
        value_clear(t, s);
        if (value_parse(t, value, s, &why) == SETTINGS_GOOD) {
                setting_came_from(s, t, SETTINGS_ENVIRONMENT, 0, 0);
                return SETTINGS_GOOD;
        }
        memcpy(s->listen, listen, sizeof(listen));
        s->n_listen = n;
        snprintf(where, sizeof(where), "environment variable %s", t->env);
        return report_add(report, where, 0, 0, "%s: %s", t->key, why.text);
}

/* A variable whose name ends in _MS holds plain milliseconds. */
static bool has_ms_name(const char *name)
{
        size_t n = strlen(name);

        return n > 3 && strcmp(name + n - 3, "_MS") == 0;
}

int settings_load_environment(struct settings *s, struct settings_report *report)
{
        int answer = SETTINGS_GOOD;

        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];
                const char *value = t->env ? getenv(t->env) : NULL;
                char ms[40];
                uint64_t number;
                int r;

                if (!value || value[0] == '\0')
                        continue;
                if (has_ms_name(t->env) && str_to_u64(str_of(value), &number) == 0) {
                        snprintf(ms, sizeof(ms), "%llums", (unsigned long long)number);
                        value = ms;
                }
                r = take_variable(s, t, str_of(value), report);
                if (r < 0)
                        return r;
                if (r > 0)
                        answer = r;
        }
        return answer;
}

static int take_flag(struct settings *s, const char *flag, const struct setting *t,
                     struct str value, struct settings_report *report)
{
        struct settings_origin *origin = &s->origins[t - settings_table];
        struct sentence why;

        if (origin->source < SETTINGS_FLAG)
                value_clear(t, s);
        origin->source = SETTINGS_FLAG;
        origin->line = origin->column = 0;
        if (value_parse(t, value, s, &why) == SETTINGS_GOOD)
                return SETTINGS_GOOD;
        return report_add(report, flag, 0, 0, "%s: %s", t->key, why.text);
}

/* "URL" for all groups or "GROUP=URL" for one. */
static int take_upstream_flag(struct settings *s, const char *flag, struct str value,
                              struct settings_report *report)
{
        const struct setting *first = &settings_table[SETTING_upstream_api];
        const char *equals = memchr(value.p, '=', value.n);
        const char *colon = memchr(value.p, ':', value.n);
        char quoted[QUOTE_SIZE];
        struct settings_address address;
        enum policy_group group;
        struct sentence why;
        struct str name;
        int r = SETTINGS_GOOD;

        if (equals && (!colon || equals < colon)) {
                name = str_from(value.p, (size_t)(equals - value.p));
                value = str_from(equals + 1, value.n - name.n - 1);
                if (policy_group_from(name, &group))
                        return report_add(report, flag, 0, 0,
                                          "upstream: %s is no group of the exchange; there are "
                                          "api, sapi, fapi, dapi, papi and eapi",
                                          value_quote(name, quoted, sizeof(quoted)));
                return take_flag(s, flag, first + group, value, report);
        }

        /* A mistake is said once, not for each group. */
        if (address_parse_url(value, &address, &why))
                return report_add(report, flag, 0, 0, "upstream: %s", why.text);
        for (size_t i = 0; i < POLICY_GROUP_COUNT && r == SETTINGS_GOOD; ++i)
                r = take_flag(s, flag, first + i, value, report);
        return r;
}

int settings_flag(struct settings *s, const char *flag, const char *key, const char *value,
                  struct settings_report *report)
{
        const char *dot = strchr(key, '.');
        struct str section = dot ? str_from(key, (size_t)(dot - key)) : STR_NULL;
        const struct setting *t = setting_find(section, str_of(dot ? dot + 1 : key));
        char quoted[QUOTE_SIZE];
        struct guess g;

        if (strcmp(key, "upstream") == 0)
                return take_upstream_flag(s, flag, str_of(value), report);
        if (t)
                return take_flag(s, flag, t, str_of(value), report);

        guess_init(&g, str_of(key));
        for (size_t i = 0; i < SETTINGS_COUNT; ++i)
                guess_offer(&g, str_of(settings_table[i].key));
        value_quote(str_of(key), quoted, sizeof(quoted));
        if (g.best.n > 0)
                return report_add(report, flag, 0, 0,
                                  "there is no setting %s; did you mean \"%.*s\"?", quoted,
                                  STR_ARGS(g.best));
        return report_add(report, flag, 0, 0, "there is no setting %s", quoted);
}

size_t settings_reload(struct settings *s, const struct settings *next,
                       void (*ignored)(const char *key))
{
        size_t n_changed = 0;

        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                if (t->is_reloadable)
                        s->origins[i] = next->origins[i];
                if (value_is_equal(t, s, next))
                        continue;
                if (t->is_reloadable) {
                        value_copy(t, s, next);
                        ++n_changed;
                } else if (ignored) {
                        ignored(t->key);
                }
        }
        n_changed += !accounts_are_equal(&s->accounts, &next->accounts);
        s->accounts = next->accounts;
        n_changed += !clients_are_equal(&s->clients, &next->clients);
        s->clients = next->clients;
        clients_carry(s);
        n_changed += !weights_are_equal(&s->weights, &next->weights);
        s->weights = next->weights;
        return n_changed;
}
