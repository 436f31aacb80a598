/*
 * Settings from YAML
 *
 * The file is read whole, libyaml turns it into a document whose nodes know their line and column,
 * and this walk follows the document two levels deep: keys, and sections with keys. A key's name
 * chooses the setting; what a value may be is value.c's business. The sections whose names are the
 * user's own, "accounts", "clients" and "weights", are files of their own.
 *
 * A mistake of syntax ends the reading, since nothing after it can be trusted. All others are
 * collected.
 */
#include "settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "settings/guess.h"
#include "settings/table.h"
#include "settings/value.h"
#include "settings/yaml.h"

static void take_scalar(struct reader *r, const struct setting *t, const yaml_node_t *node)
{
        struct sentence why;

        if (has_tag(node)) {
                add_at_node(r, node, "%s: a \"!\" tag has no meaning here; remove it", t->key);
        } else if (node->type != YAML_SCALAR_NODE) {
                add_at_node(r, node, "%s: takes %s, not %s", t->key, value_kind_text(t),
                            node->type == YAML_SEQUENCE_NODE ? "a list" : "keys below it");
        } else if (is_empty(node)) {
                add_at_node(r, node, "%s: has no value; write %s, or remove the key", t->key,
                            value_kind_text(t));
        } else if (value_parse(t, scalar(node), r->s, &why)) {
                add_at_node(r, node, "%s: %s", t->key, why.text);
        } else {
                setting_came_from(r->s, t, SETTINGS_FILE, from_one(node->start_mark.line),
                                  from_one(node->start_mark.column));
        }
}

/* A list setting takes a sequence, or one scalar for a list of one. */
static void take_list(struct reader *r, const struct setting *t, const yaml_node_t *node)
{
        if (node->type != YAML_SEQUENCE_NODE || has_tag(node)) {
                if (node->type == YAML_SCALAR_NODE && !is_empty(node))
                        value_clear(t, r->s);
                take_scalar(r, t, node);
                return;
        }
        if (node->data.sequence.items.start == node->data.sequence.items.top &&
            !setting_may_be_none(t)) {
                add_at_node(r, node, "%s: the list is empty; write %s, or remove the key", t->key,
                            value_kind_text(t));
                return;
        }
        value_clear(t, r->s);
        for (yaml_node_item_t *item = node->data.sequence.items.start;
             item < node->data.sequence.items.top; ++item)
                take_scalar(r, t, yaml_document_get_node(r->document, *item));
        setting_came_from(r->s, t, SETTINGS_FILE, from_one(node->start_mark.line),
                          from_one(node->start_mark.column));
}

/* The user knows the name, but not that it stands in a section. */
static void add_in_section(struct reader *r, const yaml_node_t *key, const char *quoted,
                           const char *meant)
{
        const char *dot = strchr(meant, '.');

        add_at_node(r, key, "unknown key %s; write \"%.*s:\" and below it, indented, \"%s:\"",
                    quoted, (int)(dot - meant), meant, dot + 1);
}

/* Says that @key is no key of @section, and which was meant. */
static void add_unknown(struct reader *r, struct str section, const yaml_node_t *key)
{
        struct str word = scalar(key);
        char quoted[QUOTE_SIZE];
        struct guess near, far;

        guess_init(&near, word);
        guess_init(&far, word);
        if (section.n == 0)
                guess_offer(&near, STR_LITERAL("accounts"));
        if (section.n == 0)
                guess_offer(&near, STR_LITERAL("clients"));
        if (section.n == 0)
                guess_offer(&near, STR_LITERAL("weights"));
        for (size_t i = 0; i < SETTINGS_COUNT; ++i) {
                const struct setting *t = &settings_table[i];

                if (str_eq(setting_section(t), section))
                        guess_offer(&near, setting_leaf(t));
                else if (section.n == 0)
                        guess_offer(&near, setting_section(t));
                guess_offer(&far, str_of(t->key));
                if (str_eq(setting_leaf(t), word))
                        far.best = str_of(t->key);
        }

        value_quote(word, quoted, sizeof(quoted));
        if (near.best.n > 0)
                add_at_node(r, key, "unknown key %s%s%.*s; did you mean \"%.*s\"?", quoted,
                            section.n > 0 ? " in " : "", STR_ARGS(section), STR_ARGS(near.best));
        else if (far.best.n > 0 && memchr(far.best.p, '.', far.best.n))
                add_in_section(r, key, quoted, far.best.p);
        else if (far.best.n > 0)
                add_at_node(r, key, "unknown key %s in %.*s; did you mean \"%.*s\", at the top?",
                            quoted, STR_ARGS(section), STR_ARGS(far.best));
        else
                add_at_node(r, key, "unknown key %s%s%.*s; weir gateway --help lists all keys",
                            quoted, section.n > 0 ? " in " : "", STR_ARGS(section));
}

static bool is_seen(struct reader *r, const struct setting *t, const yaml_node_t *key)
{
        uint32_t *line = &r->seen[t - settings_table];

        if (*line > 0) {
                add_at_node(r, key, "%s: is here a second time, after line %u; remove one", t->key,
                            *line);
                return true;
        }
        *line = from_one(key->start_mark.line);
        return false;
}

static void take_setting(struct reader *r, const struct setting *t, const yaml_node_t *key,
                         const yaml_node_t *value)
{
        if (is_seen(r, t, key))
                return;
        if (setting_is_list(t))
                take_list(r, t, value);
        else
                take_scalar(r, t, value);
}

/* "upstream: URL" means all groups; a mistake in it is said once. */
static void take_one_upstream(struct reader *r, const yaml_node_t *key, const yaml_node_t *value)
{
        struct settings_address address;
        struct sentence why;

        if (address_parse_url(scalar(value), &address, &why)) {
                add_at_node(r, value, "upstream: %s", why.text);
                return;
        }
        for (size_t i = 0; i < POLICY_GROUP_COUNT; ++i)
                take_setting(r, &settings_table[SETTING_upstream_api + i], key, value);
}

/* The names of a section's keys, for a sentence. */
static const char *list_leaves(struct str section, char *to, size_t size)
{
        size_t n = 0;

        to[0] = '\0';
        for (size_t i = 0; i < SETTINGS_COUNT && n < size; ++i) {
                const struct setting *t = &settings_table[i];

                if (str_eq(setting_section(t), section))
                        n += (size_t)snprintf(to + n, size - n, "%s%.*s", n > 0 ? ", " : "",
                                              STR_ARGS(setting_leaf(t)));
        }
        return to;
}

static void take_mapping(struct reader *r, struct str section, const yaml_node_t *mapping);

static void take_section(struct reader *r, struct str name, const yaml_node_t *key,
                         const yaml_node_t *value)
{
        char leaves[256];

        if (has_tag(value))
                add_at_node(r, value, "%.*s: a \"!\" tag has no meaning here; remove it",
                            STR_ARGS(name));
        else if (value->type == YAML_MAPPING_NODE)
                take_mapping(r, name, value);
        else if (str_eq(name, STR_LITERAL("upstream")) && value->type == YAML_SCALAR_NODE &&
                 !is_empty(value))
                take_one_upstream(r, key, value);
        else
                add_at_node(r, value, "%.*s: is a section; write below it, indented, some of %s",
                            STR_ARGS(name), list_leaves(name, leaves, sizeof(leaves)));
}

static void take_pair(struct reader *r, struct str section, const yaml_node_t *key,
                      const yaml_node_t *value)
{
        const struct setting *t;

        if (key->type != YAML_SCALAR_NODE) {
                add_at_node(r, key, "a key must be a word; see weir gateway --help for all keys");
                return;
        }
        t = setting_find(section, scalar(key));
        if (section.n == 0 && str_eq(scalar(key), STR_LITERAL("accounts")))
                accounts_read(r, key, value);
        else if (section.n == 0 && str_eq(scalar(key), STR_LITERAL("clients")))
                clients_read(r, key, value);
        else if (section.n == 0 && str_eq(scalar(key), STR_LITERAL("weights")))
                weights_read(r, key, value);
        else if (t)
                take_setting(r, t, key, value);
        else if (section.n == 0 && setting_has_section(scalar(key)))
                take_section(r, scalar(key), key, value);
        else
                add_unknown(r, section, key);
}

static void take_mapping(struct reader *r, struct str section, const yaml_node_t *mapping)
{
        for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
             pair < mapping->data.mapping.pairs.top && r->answer >= 0; ++pair)
                take_pair(r, section, yaml_document_get_node(r->document, pair->key),
                          yaml_document_get_node(r->document, pair->value));
}

static struct str find_line(struct str bytes, size_t line)
{
        struct str part = STR_NULL;

        for (size_t i = 0; i <= line; ++i)
                if (!str_split(&bytes, '\n', &part))
                        return STR_NULL;
        return part;
}

/* Where a tab stands in the indentation of @line, from 1, or 0. */
static uint32_t find_tab(struct str line)
{
        for (size_t i = 0; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); ++i)
                if (line.p[i] == '\t')
                        return from_one(i);
        return 0;
}

/* Bytes that are no text: libyaml knows their offset only. */
static int add_unreadable(struct reader *r, const yaml_parser_t *parser)
{
        struct str before = str_from(r->bytes.p, parser->problem_offset);
        uint32_t line = 1, column = 1;

        if (before.n > r->bytes.n)
                before.n = r->bytes.n;
        for (size_t i = 0; i < before.n; ++i) {
                column = before.p[i] == '\n' ? 1 : column + 1;
                line += before.p[i] == '\n';
        }
        return report_add(r->report, r->name, line, column,
                          "the file is no text here (%s); write it as UTF-8", parser->problem);
}

/* libyaml's own words, and what people usually meant to write. */
static int add_syntax(struct reader *r, const yaml_parser_t *parser)
{
        size_t line = parser->problem_mark.line;
        struct str text = find_line(r->bytes, line);
        struct str before = line > 0 ? find_line(r->bytes, line - 1) : STR_NULL;
        const char *hint = "";
        uint32_t tab;

        if (parser->error == YAML_MEMORY_ERROR)
                return -ENOMEM;
        if (parser->error == YAML_READER_ERROR)
                return add_unreadable(r, parser);

        tab = find_tab(text);
        if (tab > 0)
                return report_add(r->report, r->name, from_one(line), tab,
                                  "a tab stands in the indentation; write spaces");
        if (str_find(text, STR_LITERAL("[::")) || str_find(before, STR_LITERAL("[::")))
                hint = "; write quotes around an IPv6 address: \"[::1]:8900\"";
        return report_add(r->report, r->name, from_one(line), from_one(parser->problem_mark.column),
                          "this is no YAML: %s%s%s%s", parser->context ? parser->context : "",
                          parser->context ? ", " : "",
                          parser->problem ? parser->problem : "it cannot be read", hint);
}

static void take_root(struct reader *r, const yaml_node_t *root)
{
        if (root->type == YAML_MAPPING_NODE)
                take_mapping(r, STR_NULL, root);
        else if (!is_empty(root))
                add_at_node(r, root,
                            "the file must hold keys and values, such as \"max_wait: 5s\"");
}

/* The first document is the configuration; there may be no other. */
static int read_documents(struct reader *r, yaml_parser_t *parser)
{
        yaml_document_t document;
        const yaml_node_t *root;

        for (unsigned n = 0;; ++n) {
                if (!yaml_parser_load(parser, &document))
                        return add_syntax(r, parser);
                r->document = &document;
                root = yaml_document_get_root_node(&document);
                if (root && n == 0)
                        take_root(r, root);
                else if (root)
                        add_at_node(r, root,
                                    "a second document begins here; remove the \"---\" above");
                yaml_document_delete(&document);
                r->document = NULL;
                if (!root || n > 0 || r->answer < 0)
                        return r->answer;
        }
}

int settings_load_bytes(struct settings *s, const char *name, struct str bytes,
                        struct settings_report *report)
{
        struct reader r = { .s = s, .report = report, .name = name, .bytes = bytes };
        yaml_parser_t parser;
        char *file = strdup(name);
        int answer;

        if (!file)
                return -ENOMEM;
        free(report->file);
        report->file = file;

        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_input_string(&parser, (const unsigned char *)(bytes.p ? bytes.p : ""),
                                     bytes.n);
        answer = read_documents(&r, &parser);
        yaml_parser_delete(&parser);
        return answer;
}

/* Return: what was read, at most @size, or a negative errno. */
static ssize_t read_file(const char *path, char *to, size_t size)
{
        size_t n = 0;
        ssize_t r = 1;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        while (n < size && r != 0) {
                r = read(fd, to + n, size - n);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0) {
                        r = -errno;
                        close(fd);
                        return r;
                }
                n += (size_t)r;
        }
        close(fd);
        return (ssize_t)n;
}

int settings_load_file(struct settings *s, const char *path, struct settings_report *report)
{
        char *bytes = malloc(SETTINGS_FILE_MAX + 1);
        ssize_t n;
        int answer;

        if (!bytes)
                return -ENOMEM;
        n = read_file(path, bytes, SETTINGS_FILE_MAX + 1);
        if (n < 0)
                answer = report_add(report, path, 0, 0, "cannot be read: %s", strerror((int)-n));
        else if ((size_t)n > SETTINGS_FILE_MAX)
                answer = report_add(report, path, 0, 0,
                                    "is larger than 1 MiB, which is no configuration");
        else
                answer = settings_load_bytes(s, path, str_from(bytes, (size_t)n), report);
        free(bytes);
        return answer;
}
