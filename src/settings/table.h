/*
 * The table of settings, and what the parts of settings share. Not for other files.
 */
#ifndef SETTINGS_TABLE_H
#define SETTINGS_TABLE_H

#include "base/base.h"
#include "base/str.h"
#include "settings/settings.h"

enum setting_kind {
        KIND_BOOL,
        KIND_INT,
        KIND_PERCENT,
        KIND_DURATION,
        KIND_SIZE,
        KIND_PATH,
        KIND_PATH_OR_SWITCH, /* on, off or a path */
        KIND_ADDRESSES,
        KIND_PLACES,
        KIND_HOSTS,
        KIND_EGRESSES,
        KIND_URL,
        KIND_LEVEL,
        KIND_FORMAT,
        KIND_NAME,
        KIND_STORE,
};

struct setting {
        const char *key;
        const char *preset; /* the default, as it would stand in a file */
        const char *env;    /* or NULL */
        const char *help;
        enum setting_kind kind;
        bool is_reloadable;
        uint64_t min, max;
        size_t offset, size; /* of the value in struct settings */
};

/* Its value is several, one a line in a file. */
static inline bool setting_is_list(const struct setting *t)
{
        return t->kind == KIND_ADDRESSES || t->kind == KIND_EGRESSES || t->kind == KIND_PLACES ||
               t->kind == KIND_HOSTS;
}

/* A list that may have no member. */
static inline bool setting_may_be_none(const struct setting *t)
{
        return t->kind == KIND_PLACES || t->kind == KIND_HOSTS;
}

extern const struct setting settings_table[SETTINGS_COUNT];

/* The value of setting @t inside @s. */
static inline void *setting_at(const struct setting *t, struct settings *s)
{
        return (char *)s + t->offset;
}

static inline const void *setting_at_const(const struct setting *t, const struct settings *s)
{
        return (const char *)s + t->offset;
}

/* The part of a key before its dot, empty for keys in no section; and the part after it. */
struct str setting_section(const struct setting *t);
struct str setting_leaf(const struct setting *t);

/* Return: the setting, or NULL. An empty @section stands for the top of the file. */
const struct setting *setting_find(struct str section, struct str leaf);
bool setting_has_section(struct str name);

/* Remembers where the value of @t is from. */
void setting_came_from(struct settings *s, const struct setting *t, enum settings_source source,
                       uint32_t line, uint32_t column);

/* The same accounts with the same keys, in the same order. */
bool accounts_are_equal(const struct settings_accounts *a, const struct settings_accounts *b);
bool credentials_are_equal(const struct settings_accounts *a, const struct settings_accounts *b);
/* That of account @i, NULL when its keys are not held here. */
const struct settings_credential *credential_find(const struct settings_accounts *all, size_t i);

/* The same names with the same shares, in the same order. */
bool clients_are_equal(const struct settings_clients *a, const struct settings_clients *b);

/* After their shares were read anew: what was set by hand and goes on. */
void clients_carry(struct settings *s);

/* The same names with the same weights, in the same order. */
bool weights_are_equal(const struct settings_weights *a, const struct settings_weights *b);

/* Adds a mistake. Return: SETTINGS_MISTAKEN or -ENOMEM. */
CHECKED int report_add(struct settings_report *report, const char *where, uint32_t line,
                       uint32_t column, const char *format, ...) PRINTF(5, 6);
/* Keeps the worst of two answers: an error, a mistake, nothing. */
int report_worse(int a, int b);
/* Adds a mistake where the value of setting @id was given; as report_add(). */
struct sentence;
CHECKED int report_add_at(const struct settings *s, enum settings_id id,
                          struct settings_report *report, const struct sentence *what);

#endif
