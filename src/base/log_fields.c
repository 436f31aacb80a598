#include "base/log_fields.h"

#include <math.h>
#include <stdio.h>

/* The longest conversion, such as %-08.3llu, with its NUL. */
#define SPEC_SIZE 16

/* So that a function can take arguments from its caller's list. */
struct arguments {
        va_list list;
};

enum length {
        LENGTH_INT,
        LENGTH_LONG,
        LENGTH_LONG_LONG,
        LENGTH_SIZE
};

static void put(struct log_fields *f, struct str text)
{
        size_t room = f->room - f->used;

        if (text.n > room) {
                text.n = room;
                f->is_cut = true;
        }
        if (text.n > 0)
                memcpy(f->values + f->used, text.p, text.n);
        f->used += text.n;
}

static enum length take_length(const char **at)
{
        enum length length = LENGTH_INT;

        for (; **at == 'h' || **at == 'l' || **at == 'z'; ++*at) {
                if (**at == 'z')
                        length = LENGTH_SIZE;
                else if (**at == 'l')
                        length = length == LENGTH_LONG ? LENGTH_LONG_LONG : LENGTH_LONG;
        }
        return length;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* Signed and unsigned of one length are taken alike; @spec tells which is meant. */
static void put_integer(struct log_fields *f, const char *spec, enum length length,
                        struct arguments *args)
{
        char text[32];
        int n = 0;

        switch (length) {
        case LENGTH_INT:
                n = snprintf(text, sizeof(text), spec, va_arg(args->list, int));
                break;
        case LENGTH_LONG:
                n = snprintf(text, sizeof(text), spec, va_arg(args->list, long));
                break;
        case LENGTH_LONG_LONG:
                n = snprintf(text, sizeof(text), spec, va_arg(args->list, long long));
                break;
        case LENGTH_SIZE:
                n = snprintf(text, sizeof(text), spec, va_arg(args->list, size_t));
                break;
        }
        must(n > 0 && (size_t)n < sizeof(text));
        put(f, str_from(text, (size_t)n));
}

/* Return: false when it is none: infinite, or not a number. */
static bool put_real(struct log_fields *f, const char *spec, struct arguments *args)
{
        double value = va_arg(args->list, double);
        char text[64];
        int n = snprintf(text, sizeof(text), spec, value);

        must(n > 0);
        put(f, str_from(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
        return isfinite(value);
}

#pragma GCC diagnostic pop

static void put_string(struct log_fields *f, int precision, struct arguments *args)
{
        const char *p = va_arg(args->list, const char *);

        if (!p)
                return;
        put(f, str_from(p, precision < 0 ? strlen(p) : strnlen(p, (size_t)precision)));
}

/* One conversion; @at: behind its '%'. Return: true when a number came out. */
static bool put_conversion(struct log_fields *f, const char **at, struct arguments *args)
{
        const char *from = *at - 1;
        bool is_padded = **at >= '0' && **at <= '9';
        char spec[SPEC_SIZE];
        enum length length;
        int precision = -1;
        char c;

        *at += strspn(*at, "0123456789");
        if (**at == '.') {
                ++*at;
                if (**at == '*') {
                        precision = va_arg(args->list, int);
                        ++*at;
                }
                *at += strspn(*at, "0123456789");
        }
        length = take_length(at);
        c = *(*at)++;
        must((size_t)(*at - from) < sizeof(spec));
        str_copy(str_from(from, (size_t)(*at - from)), spec, sizeof(spec));
        switch (c) {
        case 'd':
        case 'i':
        case 'u':
                put_integer(f, spec, length, args);
                return !is_padded;
        case 'x':
                put_integer(f, spec, length, args);
                return false;
        case 'f':
                return put_real(f, spec, args) && !is_padded;
        case 's':
                put_string(f, precision, args);
                return false;
        case 'c': {
                char letter = (char)va_arg(args->list, int);

                put(f, str_from(&letter, 1));
                return false;
        }
        case '%':
                put(f, STR_LITERAL("%"));
                return false;
        default:
                must(false); /* a conversion that no log line may have */
                return false;
        }
}

/* From behind '=' to behind the value. Return: its kind. */
static enum log_kind put_value(struct log_fields *f, const char **at, struct arguments *args)
{
        bool is_quoted = **at == '"', is_number = false;
        unsigned n_pieces = 0;

        *at += is_quoted;
        for (; **at && **at != (is_quoted ? '"' : ' '); ++n_pieces) {
                const char *piece = (*at)++;

                if (*piece == '%')
                        is_number = put_conversion(f, at, args);
                else
                        put(f, str_from(piece, 1));
        }
        if (is_quoted) {
                must(**at == '"');
                ++*at;
                return LOG_QUOTED;
        }
        return is_number && n_pieces == 1 ? LOG_NUMBER : LOG_TEXT;
}

static struct str take_key(const char **at)
{
        struct str key = { *at, strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789_") };

        must(key.n > 0 && key.n < LOG_KEY_SIZE && (*at)[key.n] == '=');
        *at += key.n + 1;
        return key;
}

void log_fields_init(struct log_fields *fields)
{
        fields->n = fields->used = 0;
        fields->room = sizeof(fields->values) - LOG_VALUES_KEPT;
        fields->is_cut = false;
}

void log_fields_close(struct log_fields *fields)
{
        bool is_cut = fields->is_cut;

        fields->room = sizeof(fields->values);
        fields->is_cut = false;
        if (is_cut)
                log_fields_add(fields, "cut=yes");
}

void log_fields_read(struct log_fields *f, const char *format, va_list args)
{
        struct arguments arguments;
        const char *at = format;

        va_copy(arguments.list, args);
        while (*at) {
                struct log_pair pair = { .key = take_key(&at) };
                size_t from = f->used;

                pair.kind = put_value(f, &at, &arguments);
                pair.value = str_from(f->values + from, f->used - from);
                must(*at == '\0' || (*at == ' ' && at[1]));
                at += *at == ' ';
                if (pair.value.n == 0 && pair.kind != LOG_QUOTED)
                        continue;
                /* Half a number is another number. */
                if (pair.kind == LOG_NUMBER && f->is_cut)
                        continue;
                must(f->n < ARRAY_SIZE(f->pairs));
                f->pairs[f->n++] = pair;
        }
        va_end(arguments.list);
}

void log_fields_add(struct log_fields *fields, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        log_fields_read(fields, format, args);
        va_end(args);
}

struct str log_fields_find(const struct log_fields *fields, struct str key)
{
        for (size_t i = 0; i < fields->n; ++i)
                if (str_eq(fields->pairs[i].key, key))
                        return fields->pairs[i].value;
        return STR_NULL;
}
