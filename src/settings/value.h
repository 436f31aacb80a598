/*
 * Values: text to a setting's value and back, with a sentence for every way to get it wrong.
 */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include "base/base.h"
#include "base/str.h"
#include "settings/settings.h"
#include "settings/table.h"

/* Room for what is wrong and the remedy; longer input is quoted in part. */
struct sentence {
        char text[640];
};

/* Room for a quoted word of the user's in a sentence. */
#define QUOTE_SIZE 160

/**
 * value_parse() - take @text as the value of setting @t
 * @s:   written on success only; of a list, one member is appended
 * @why: written for SETTINGS_MISTAKEN
 *
 * Return: SETTINGS_GOOD or SETTINGS_MISTAKEN.
 */
CHECKED int value_parse(const struct setting *t, struct str text, struct settings *s,
                        struct sentence *why);

/* Forgets the members of a list; nothing else changes. */
void value_clear(const struct setting *t, struct settings *s);

/* As it would stand in a file, without quotes. Not for lists. */
const char *value_text(const struct setting *t, const struct settings *s, char *to, size_t size);
bool value_is_equal(const struct setting *t, const struct settings *a, const struct settings *b);
void value_copy(const struct setting *t, struct settings *to, const struct settings *from);

/* "a duration such as 250ms, 5s or 10m" */
const char *value_kind_text(const struct setting *t);
/* "from 1 to 20", or "" for kinds without a range. */
const char *value_range_text(const struct setting *t, char *to, size_t size);

/* @text as a path, into @to. Return: SETTINGS_GOOD or SETTINGS_MISTAKEN. */
CHECKED int path_parse(struct str text, char *to, size_t size, struct sentence *why);

/* Puts @text between quotes for a sentence: harmless on a terminal, shortened when long. */
const char *value_quote(struct str text, char *to, size_t size);

/* Whether @text holds what moves a cursor, breaks a line or is no character at all. */
bool value_has_control(struct str text);

/* Writes the sentence. Return: SETTINGS_MISTAKEN. */
int sentence_say(struct sentence *why, const char *format, ...) PRINTF(2, 3);

/* One of a few words, in word.c. Return: SETTINGS_GOOD or SETTINGS_MISTAKEN. */
#define WORD_LEVELS  "error, warn, info or debug"
#define WORD_FORMATS "logfmt or json"
CHECKED int word_parse_level(struct str text, enum log_level *ret, struct sentence *why);
CHECKED int word_parse_format(struct str text, enum log_format *ret, struct sentence *why);

/* Addresses, in address.c. Return: SETTINGS_GOOD or SETTINGS_MISTAKEN. */
CHECKED int address_parse_listen(struct str text, struct settings_address *ret,
                                 struct sentence *why);
/* A DNS name or an IPv4 address. */
bool address_is_name(struct str host);
CHECKED int address_parse_url(struct str text, struct settings_address *ret, struct sentence *why);

/* Of what is under /weir, in watch.c. */
CHECKED int places_add(struct settings_places *to, struct str text, struct sentence *why);
CHECKED int hosts_add(struct settings_hosts *to, struct str text, struct sentence *why);
CHECKED int watch_check(const struct settings *s, struct settings_report *report);

/* Of what requests leave by, in egress.c. egress_add() takes one more. */
CHECKED int egress_parse(struct str text, struct settings_egress *ret, struct sentence *why);
CHECKED int egress_add(struct settings *s, struct str text, struct sentence *why);
bool egress_is_name(struct str name);
/* USER:PASSWORD, printable. */
bool egress_is_login(struct str login);
bool address_is_equal(const struct settings_address *a, const struct settings_address *b);

/* The section "store", in store.c; as above. */
CHECKED int store_parse_name(struct str text, char to[SETTINGS_NAME_SIZE], struct sentence *why);
CHECKED int store_parse_url(struct str text, char to[SETTINGS_STORE_SIZE], struct sentence *why);
/* Without user and password. */
const char *store_text(const char *url, char *to, size_t size);

#endif
