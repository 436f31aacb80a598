/*
 * Reading YAML: what the parts share that walk a configuration file. Not for other files.
 */
#ifndef SETTINGS_YAML_H
#define SETTINGS_YAML_H

#include <string.h>
#include <yaml.h>

#include "base/base.h"
#include "base/str.h"
#include "settings/settings.h"
#include "settings/table.h"

struct reader {
        struct settings *s;
        struct settings_report *report;
        const char *name;
        struct str bytes;
        yaml_document_t *document;
        uint32_t seen[SETTINGS_COUNT]; /* line of the setting in this file, 0: not yet */
        int answer;
};

/* Positions of libyaml count from 0, those of people from 1. */
static inline uint32_t from_one(size_t n)
{
        return n < UINT32_MAX ? (uint32_t)n + 1 : UINT32_MAX;
}

/* Notes an answer of report_add() for the end; the walk stops early only for lack of memory. */
static inline void note(struct reader *r, int answer)
{
        if (r->answer >= 0 && answer != 0)
                r->answer = answer;
}

#define add_at_node(r, node, ...)                                                                  \
        note(r, report_add((r)->report, (r)->name, from_one((node)->start_mark.line),              \
                           from_one((node)->start_mark.column), __VA_ARGS__))

static inline struct str scalar(const yaml_node_t *node)
{
        return str_from((const char *)node->data.scalar.value, node->data.scalar.length);
}

/* Nothing, "~" or "null" without quotes. */
static inline bool is_empty(const yaml_node_t *node)
{
        struct str s;

        if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        s = scalar(node);
        return s.n == 0 || str_eq(s, STR_LITERAL("~")) || str_eq_nocase(s, STR_LITERAL("null"));
}

static inline bool has_tag(const yaml_node_t *node)
{
        const char *tag = (const char *)node->tag;

        return tag && strcmp(tag, YAML_DEFAULT_SCALAR_TAG) != 0 &&
               strcmp(tag, YAML_DEFAULT_SEQUENCE_TAG) != 0 &&
               strcmp(tag, YAML_DEFAULT_MAPPING_TAG) != 0;
}

/* What stands below the name of an account, in credentials.c. */
void credential_take_key_file(struct reader *r, struct settings_account *account,
                              const yaml_node_t *key, const yaml_node_t *value);
void credential_take_secret_file(struct reader *r, struct settings_account *account,
                                 const yaml_node_t *key, const yaml_node_t *value);
void credential_take_clients(struct reader *r, struct settings_account *account,
                             const yaml_node_t *key, const yaml_node_t *value);
/* The account is read: is all there that belongs together? @key: its name; @n_mistakes: how many
 * there were before it. */
void credential_end(struct reader *r, const struct settings_account *account,
                    const yaml_node_t *key, size_t n_mistakes);

/* The section "accounts", in accounts.c. */
void accounts_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value);
/* The section "clients", in clients.c. */
void clients_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value);

/* The section "weights", in weights.c. */
void weights_read(struct reader *r, const yaml_node_t *key, const yaml_node_t *value);

#endif
