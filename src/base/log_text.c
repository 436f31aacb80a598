#include "base/log_text.h"
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };

const char *log_level_name(enum log_level level)
{
        must((size_t)level < ARRAY_SIZE(level_names));
        return level_names[level];
}

const char *log_format_name(enum log_format format)
{
        return format == LOG_JSON ? "json" : "logfmt";
}

const char *log_time(uint64_t at_us, char to[LOG_TIME_SIZE])
{
        time_t second = (time_t)(at_us / US_PER_SECOND);
        struct tm tm;
        size_t n;

        gmtime_r(&second, &tm);
        n = strftime(to, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(to + n, LOG_TIME_SIZE - n, ".%03uZ",
                 (unsigned)(at_us % US_PER_SECOND / US_PER_MS));
        return to;
}

/* Characters. */

#define BROKEN 0xfffdu

/* The character at the beginning of @text; BROKEN, of one byte, where that is no UTF-8. */
static uint32_t take_character(struct str text, size_t *ret_bytes)
{
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *p = (const unsigned char *)text.p;
        size_t n = p[0] < 0x80       ? 1
                   : p[0] >> 5 == 6  ? 2
                   : p[0] >> 4 == 14 ? 3
                   : p[0] >> 3 == 30 ? 4
                                     : 0;
        uint32_t c;

        *ret_bytes = 1;
        if (n == 1)
                return p[0];
        if (n == 0 || n > text.n)
                return BROKEN;
        c = p[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; ++i) {
                if (p[i] >> 6 != 2)
                        return BROKEN;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return BROKEN;
        *ret_bytes = n;
        return c;
}

/* Controls, and what turns the direction of a line or ends it, on a screen. */
static bool is_unseen(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
               (c >= 0xfff9 && c <= BROKEN);
}

static char *put(char *to, const char *text, size_t n)
{
        memcpy(to, text, n);
        return to + n;
}

static char *put_escape(char *to, uint32_t c)
{
        static const char hex[] = "0123456789abcdef";

        to = put(to, "\\u", 2);
        for (int shift = 12; shift >= 0; shift -= 4)
                *to++ = hex[c >> shift & 15];
        return to;
}

/* No character takes more than six times its bytes. */
size_t log_quote_json(struct str text, char *to)
{
        char *const start = to;
        size_t n;

        *to++ = '"';
        for (; text.n > 0; text = str_from(text.p + n, text.n - n)) {
                uint32_t c = take_character(text, &n);

                if (c == '"' || c == '\\') {
                        *to++ = '\\';
                        *to++ = (char)c;
                } else if (c == '\n') {
                        to = put(to, "\\n", 2);
                } else if (c == '\t') {
                        to = put(to, "\\t", 2);
                } else if (is_unseen(c)) {
                        to = put_escape(to, c);
                } else {
                        to = put(to, text.p, n);
                }
        }
        *to++ = '"';
        return (size_t)(to - start);
}

/* Lines. */

/* Nothing in it that ends a value, and nothing that is a quote. */
static bool is_bare(struct str value)
{
        for (size_t i = 0; i < value.n; ++i) {
                unsigned char c = (unsigned char)value.p[i];

                if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '=')
                        return false;
        }
        return value.n > 0;
}

static char *put_value(char *to, const struct log_pair *pair, enum log_format format)
{
        bool is_plain = pair->kind == LOG_NUMBER ||
                        (format == LOG_LOGFMT && pair->kind == LOG_TEXT && is_bare(pair->value));

        if (is_plain)
                return put(to, pair->value.p, pair->value.n);
        return to + log_quote_json(pair->value, to);
}

static char *put_pairs(char *to, const struct log_fields *fields, enum log_format format,
                       const char *before_first)
{
        const char *before = before_first;

        for (size_t i = 0; i < fields->n; ++i) {
                const struct log_pair *pair = &fields->pairs[i];

                to = put(to, before, strlen(before));
                if (format == LOG_JSON)
                        *to++ = '"';
                to = put(to, pair->key.p, pair->key.n);
                if (format == LOG_JSON)
                        *to++ = '"';
                *to++ = format == LOG_JSON ? ':' : '=';
                to = put_value(to, pair, format);
                before = format == LOG_JSON ? "," : " ";
        }
        return to;
}

size_t log_fields_text(const struct log_fields *fields, char to[LOG_LINE_MAX])
{
        return (size_t)(put_pairs(to, fields, LOG_LOGFMT, "") - to);
}

size_t log_record_line(const struct log_record *record, enum log_format format,
                       char to[LOG_LINE_MAX])
{
        bool is_json = format == LOG_JSON;
        char time[LOG_TIME_SIZE], *end;
        int n;

        n = snprintf(
                to, 256,
                is_json ? "{\"logger\":\"weir\",\"ts\":\"%s\",\"level\":\"%s\",\"event\":\"%s\""
                        : "weir: ts=%s level=%s event=%s",
                log_time(record->at_us, time), log_level_name(record->level), record->event);
        must(n > 0 && n < 256 - 3);
        end = put_pairs(to + n, record->fields, format, is_json ? "," : " ");
        if (is_json)
                *end++ = '}';
        *end++ = '\n';
        must(end <= to + LOG_LINE_MAX);
        return (size_t)(end - to);
}
