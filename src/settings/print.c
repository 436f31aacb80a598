#include "settings/settings.h"

#include <jansson.h>
#include <string.h>

#include "settings/table.h"
#include "settings/value.h"

static const char *const sources[] = {
        [SETTINGS_DEFAULT] = "default",
        [SETTINGS_FILE] = "file",
        [SETTINGS_ENVIRONMENT] = "environment",
        [SETTINGS_FLAG] = "flag",
};

static size_t n_members(const struct setting *t, const struct settings *s)
{
        switch (t->kind) {
        case KIND_EGRESSES:
                return s->n_egress;
        case KIND_PLACES:
                return ((const struct settings_places *)setting_at_const(t, s))->n;
        case KIND_HOSTS:
                return ((const struct settings_hosts *)setting_at_const(t, s))->n;
        default:
                return s->n_listen;
        }
}

static const char *member_text(const struct setting *t, const struct settings *s, size_t i,
                               char *to, size_t size)
{
        const struct settings_places *places = setting_at_const(t, s);
        const struct settings_hosts *hosts = setting_at_const(t, s);

        switch (t->kind) {
        case KIND_EGRESSES:
                return settings_egress_text(&s->egress[i], to, size);
        case KIND_PLACES:
                return settings_address_text(&places->all[i], false, to, size);
        case KIND_HOSTS:
                return hosts->all[i];
        default:
                return settings_address_text(&s->listen[i], false, to, size);
        }
}

/* Whether YAML would take @text, without quotes, for something else. */
static bool needs_quotes(const char *text)
{
        size_t n = strlen(text);

        return n == 0 || strpbrk(text, " \"'\\") || strchr("-?:,[]{}#&*!|>%@`", text[0]) ||
               text[n - 1] == ':' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

static void print_scalar(const char *text, FILE *to)
{
        if (!needs_quotes(text)) {
                fputs(text, to);
                return;
        }
        fputc('"', to);
        for (; *text; ++text) {
                if (*text == '"' || *text == '\\')
                        fputc('\\', to);
                fputc(*text, to);
        }
        fputc('"', to);
}

static void print_origin(const struct settings *s, size_t id, FILE *to)
{
        const struct settings_origin *origin = &s->origins[id];

        switch (origin->source) {
        case SETTINGS_DEFAULT:
                break;
        case SETTINGS_FILE:
                fprintf(to, "  # file, line %u", origin->line);
                break;
        case SETTINGS_ENVIRONMENT:
                fprintf(to, "  # environment, %s", settings_table[id].env);
                break;
        case SETTINGS_FLAG:
                fputs("  # flag", to);
                break;
        }
        fputc('\n', to);
}

static void print_list(const struct settings *s, size_t id, FILE *to)
{
        char text[2 * SETTINGS_HOST_SIZE];

        if (n_members(&settings_table[id], s) == 0)
                fputs(" []", to);
        print_origin(s, id, to);
        for (size_t i = 0; i < n_members(&settings_table[id], s); ++i) {
                fputs("  - ", to);
                print_scalar(member_text(&settings_table[id], s, i, text, sizeof(text)), to);
                fputc('\n', to);
        }
}

/* Without dots at the end it would be taken for a key when the print is loaded again. */
static void print_words(const char *key, const char *words, size_t size, size_t n, FILE *to)
{
        if (n == 0)
                return;
        fprintf(to, "      %s: [", key);
        for (size_t i = 0; i < n; ++i) {
                fputs(i > 0 ? ", " : "", to);
                print_scalar(words + i * size, to);
        }
        fputs("]\n", to);
}

static void print_file(const char *indent, const char *key, const char *path, FILE *to)
{
        if (!path[0])
                return;
        fprintf(to, "%s%s: ", indent, key);
        print_scalar(path, to);
        fputc('\n', to);
}

/* Where the keys are, and nothing that is in them. */
static void print_credential(const struct settings_credential *c, FILE *to)
{
        print_file("    ", "key_file", c->key_file, to);
        print_file("    ", "secret_file", c->secret_file, to);
        fputs("    clients:\n", to);
        print_file("      ", "token_file", c->token_file, to);
        print_words("users", c->users[0], sizeof(c->users[0]), c->n_users, to);
        print_words("hosts", c->hosts[0], sizeof(c->hosts[0]), c->n_hosts, to);
}

static void print_accounts(const struct settings_accounts *accounts, FILE *to)
{
        char text[POLICY_KEY_TEXT_SIZE];

        fputs(accounts->n > 0 ? "accounts:" : "accounts: {}", to);
        if (accounts->line > 0)
                fprintf(to, "  # file, line %u", accounts->line);
        fputc('\n', to);
        for (size_t i = 0; i < accounts->n; ++i) {
                const struct settings_credential *c = credential_find(accounts, i);
                const char *before = "    keys: [";

                fprintf(to, "  %s:  # line %u\n", accounts->all[i].name, accounts->all[i].line);
                for (size_t k = 0; k < accounts->n_keys; ++k) {
                        if (accounts->keys[k].account != i)
                                continue;
                        fputs(before, to);
                        print_scalar(policy_key_text(str_of(accounts->keys[k].text), text), to);
                        before = ", ";
                }
                if (before[0] == ',')
                        fputs("]  # the first characters of each\n", to);
                if (c)
                        print_credential(c, to);
        }
}

static void print_clients(const struct settings_clients *clients, FILE *to)
{
        fputs("clients:", to);
        if (clients->line > 0)
                fprintf(to, "  # file, line %u", clients->line);
        fprintf(to, "\n  default: {share: %u}\n",
                clients->default_share > 0 ? clients->default_share : 1);
        for (size_t i = 0; i < clients->n; ++i) {
                fputs("  ", to);
                print_scalar(clients->all[i].name, to);
                fprintf(to, ": {share: %u}  # line %u\n", clients->all[i].share,
                        clients->all[i].line);
        }
}

static void print_weights(const struct settings_weights *weights, FILE *to)
{
        fputs(weights->n > 0 ? "weights:" : "weights: {}", to);
        if (weights->line > 0)
                fprintf(to, "  # file, line %u", weights->line);
        fputc('\n', to);
        for (size_t i = 0; i < weights->n; ++i) {
                fputs("  ", to);
                print_scalar(weights->all[i].name, to);
                fprintf(to, ": %u  # line %u\n", weights->all[i].weight, weights->all[i].line);
        }
}

void settings_print(const struct settings *s, FILE *to)
{
        struct str section = STR_NULL;

        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];
                struct str in = setting_section(t);
                char text[SETTINGS_PATH_SIZE];

                if (in.n > 0 && !str_eq(in, section))
                        fprintf(to, "%.*s:\n", STR_ARGS(in));
                section = in;
                fprintf(to, "%s%.*s:", in.n > 0 ? "  " : "", STR_ARGS(setting_leaf(t)));
                if (setting_is_list(t)) {
                        print_list(s, i, to);
                        continue;
                }
                fputc(' ', to);
                print_scalar(value_text(t, s, text, sizeof(text)), to);
                print_origin(s, i, to);
        }
        print_accounts(&s->accounts, to);
        print_clients(&s->clients, to);
        print_weights(&s->weights, to);
}

/* A path need not be UTF-8, but JSON must be. */
static json_t *json_text(const char *text)
{
        json_t *json = json_string(text);

        return json ? json : json_string("(not UTF-8)");
}

static json_t *json_value(const struct setting *t, const struct settings *s)
{
        const void *value = setting_at_const(t, s);
        char text[SETTINGS_PATH_SIZE];
        json_t *list;

        switch (t->kind) {
        case KIND_BOOL:
                return json_boolean(*(const bool *)value);
        case KIND_INT:
        case KIND_PERCENT:
                return json_integer(*(const uint32_t *)value);
        case KIND_ADDRESSES:
        case KIND_EGRESSES:
        case KIND_PLACES:
        case KIND_HOSTS:
                list = json_array();
                for (size_t i = 0; list && i < n_members(t, s); ++i)
                        json_array_append_new(list,
                                              json_text(member_text(t, s, i, text, sizeof(text))));
                return list;
        default:
                return json_text(value_text(t, s, text, sizeof(text)));
        }
}

static json_t *json_words(const char *words, size_t size, size_t n)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < n; ++i)
                json_array_append_new(list, json_text(words + i * size));
        return list;
}

static void json_add_credential(json_t *account, const struct settings_credential *c)
{
        json_object_set_new(account, "key_file", json_text(c->key_file));
        json_object_set_new(account, "secret_file", json_text(c->secret_file));
        json_object_set_new(account, "clients",
                            json_pack("{s:o, s:o, s:o}", "token_file",
                                      c->token_file[0] ? json_text(c->token_file) : json_null(),
                                      "users",
                                      json_words(c->users[0], sizeof(c->users[0]), c->n_users),
                                      "hosts",
                                      json_words(c->hosts[0], sizeof(c->hosts[0]), c->n_hosts)));
}

/* { "desk-a": { "keys": [ "AbCdEf..." ] } } */
static json_t *json_accounts(const struct settings_accounts *accounts)
{
        json_t *all = json_object();
        char text[POLICY_KEY_TEXT_SIZE];

        for (size_t i = 0; i < accounts->n; ++i) {
                json_t *keys = json_array(), *account;
                const struct settings_credential *c;

                for (size_t k = 0; k < accounts->n_keys; ++k)
                        if (accounts->keys[k].account == i)
                                json_array_append_new(keys, json_text(policy_key_text(
                                                                    str_of(accounts->keys[k].text),
                                                                    text)));
                account = json_pack("{s:o}", "keys", keys);
                c = credential_find(accounts, i);
                if (c)
                        json_add_credential(account, c);
                json_object_set_new(all, accounts->all[i].name, account);
        }
        return all;
}

/* { "default": { "share": 1 }, "maker": { "share": 3 } } */
static json_t *json_clients(const struct settings_clients *clients)
{
        json_t *all = json_object();

        json_object_set_new(all, "default",
                            json_pack("{s:i}", "share",
                                      clients->default_share > 0 ? (int)clients->default_share
                                                                 : 1));
        for (size_t i = 0; i < clients->n; ++i)
                json_object_set_new(all, clients->all[i].name,
                                    json_pack("{s:i}", "share", (int)clients->all[i].share));
        return all;
}

static json_t *json_weights(const struct settings_weights *weights)
{
        json_t *all = json_object();

        for (size_t i = 0; i < weights->n; ++i)
                json_object_set_new(all, weights->all[i].name,
                                    json_integer((json_int_t)weights->all[i].weight));
        return all;
}

void settings_print_json(const struct settings *s, FILE *to)
{
        json_t *all = json_object();

        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                json_object_set_new(all, t->key,
                                    json_pack("{s:o, s:s, s:b}", "value", json_value(t, s),
                                              "source", sources[s->origins[i].source], "reload",
                                              t->is_reloadable));
        }
        json_object_set_new(
                all, "accounts",
                json_pack("{s:o, s:s, s:b}", "value", json_accounts(&s->accounts), "source",
                          sources[s->accounts.line > 0 ? SETTINGS_FILE : SETTINGS_DEFAULT],
                          "reload", true));
        json_object_set_new(
                all, "clients",
                json_pack("{s:o, s:s, s:b}", "value", json_clients(&s->clients), "source",
                          sources[s->clients.line > 0 ? SETTINGS_FILE : SETTINGS_DEFAULT], "reload",
                          true));
        json_object_set_new(
                all, "weights",
                json_pack("{s:o, s:s, s:b}", "value", json_weights(&s->weights), "source",
                          sources[s->weights.line > 0 ? SETTINGS_FILE : SETTINGS_DEFAULT], "reload",
                          true));
        json_dumpf(all, to, JSON_INDENT(2));
        fputc('\n', to);
        json_decref(all);
}

void settings_report_print_json(const struct settings_report *report, FILE *to)
{
        json_t *list = json_array(), *all = json_pack("{s:o}", "mistakes", list);

        for (size_t i = 0; i < report->n_mistakes; ++i) {
                const struct settings_mistake *m = &report->mistakes[i];

                json_array_append_new(list,
                                      json_pack("{s:o, s:i, s:i, s:o}", "where",
                                                json_text(m->where), "line", (int)m->line, "column",
                                                (int)m->column, "what", json_text(m->what)));
        }
        json_dumpf(all, to, JSON_INDENT(2));
        fputc('\n', to);
        json_decref(all);
}

void settings_print_help(FILE *to)
{
        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];
                char range[80];

                fprintf(to, "  %-28s %s\n", t->key, t->help);
                fprintf(to, "  %-28s %s", "", value_kind_text(t));
                if (t->max > 0)
                        fprintf(to, ", %s", value_range_text(t, range, sizeof(range)));
                fprintf(to, "; default %s", t->preset[0] ? t->preset : "empty");
                if (t->env)
                        fprintf(to, "; environment %s", t->env);
                fprintf(to, "%s\n", t->is_reloadable ? "" : "; needs a restart");
        }
        fprintf(to, "  %-28s %s\n  %-28s %s\n", "accounts",
                "API keys that are one account's; keys that weir holds and signs with.", "",
                "names of your own, below each \"keys: [KEY1, KEY2]\"; default {}");
        fprintf(to, "  %-28s %s\n  %-28s %s\n", "clients",
                "How clients of one class share a budget that has too little for all.", "",
                "their names in X-Weir-Client, below each \"share: 3\"; default {default: {share: "
                "1}}");
        fprintf(to, "  %-28s %s\n  %-28s %s\n", "weights",
                "What requests cost, whatever tables and headers say.", "",
                "lines that weir check --weights prints, \"METHOD /path clause\": 2; default {}");
}
