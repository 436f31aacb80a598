#include "settings/value.h"

#include <stdarg.h>

/* Input beyond this is quoted in part: the user knows the rest. */
#define QUOTED_MAX 60

struct unit {
        const char *name;
        uint64_t factor;
};

static const struct unit durations[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
};
static const struct unit sizes[] = {
        { "B", 1 }, { "KiB", 1ULL << 10 }, { "MiB", 1ULL << 20 }, { "GiB", 1ULL << 30 }
};
int sentence_say(struct sentence *why, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vsnprintf(why->text, sizeof(why->text), format, args);
        va_end(args);
        return SETTINGS_MISTAKEN;
}

/* Never cuts a character of UTF-8 in two. */
static struct str shorten(struct str text, size_t n)
{
        if (text.n <= n)
                return text;
        while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
                --n;
        return str_from(text.p, n);
}

/*
 * Control characters, line separators, byte order marks and what Unicode keeps free: how many bytes
 * of one stand at the front of @s, or 0.
 */
static size_t control_length(struct str s)
{
        static const char *const others[] = { "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
                                              "\xef\xbf\xbe", "\xef\xbf\xbf" };

        if ((unsigned char)s.p[0] < 0x20 || s.p[0] == 0x7f)
                return 1;
        if (s.n >= 2 && (unsigned char)s.p[0] == 0xc2 && (unsigned char)s.p[1] < 0xa0)
                return 2;
        for (size_t i = 0; i < ARRAY_SIZE(others); ++i)
                if (str_has_prefix(s, str_of(others[i])))
                        return 3;
        return 0;
}

bool value_has_control(struct str text)
{
        for (size_t i = 0; i < text.n; ++i)
                if (control_length(str_from(text.p + i, text.n - i)) > 0)
                        return true;
        return false;
}

const char *value_quote(struct str text, char *to, size_t size)
{
        struct str shown = shorten(text, QUOTED_MAX);
        size_t n = 0, escaped = 0;

        /* Sixteen more: an escaped byte, the dots, the quote. */
        must(size > 16);
        to[n++] = '"';
        for (size_t i = 0; i < shown.n && n + 16 < size; ++i) {
                if (escaped == 0)
                        escaped = control_length(str_from(shown.p + i, shown.n - i));
                if (escaped > 0) {
                        n += (size_t)snprintf(to + n, size - n, "\\x%02x",
                                              (unsigned char)shown.p[i]);
                        --escaped;
                } else {
                        to[n++] = shown.p[i];
                }
        }
        snprintf(to + n, size - n, "%s\"", shown.n < text.n ? "..." : "");
        return to;
}

const char *value_kind_text(const struct setting *t)
{
        switch (t->kind) {
        case KIND_BOOL:
                return "on or off";
        case KIND_INT:
                return "a whole number";
        case KIND_PERCENT:
                return "a whole number of percent";
        case KIND_DURATION:
                return "a duration such as 250ms, 5s, 10m or 1h";
        case KIND_SIZE:
                return "a size such as 64KiB or 1MiB";
        case KIND_PATH:
                return "the path of a file";
        case KIND_PATH_OR_SWITCH:
                return "on, off or the path of a file";
        case KIND_ADDRESSES:
                return "a list of HOST:PORT and unix:PATH";
        case KIND_PLACES:
                return "a list of HOST:PORT and unix:PATH, or none";
        case KIND_HOSTS:
                return "a list of host names, or none";
        case KIND_EGRESSES:
                return "a list of ADDRESS and http://HOST:PORT, perhaps with NAME= before them, or "
                       "default";
        case KIND_URL:
                return "a URL without a path, or unix:PATH";
        case KIND_LEVEL:
                return WORD_LEVELS;
        case KIND_FORMAT:
                return WORD_FORMATS;
        case KIND_NAME:
                return "a name of letters, digits and . _ -";
        case KIND_STORE:
                return "redis://HOST:PORT, rediss://HOST:PORT, unix:///PATH or "
                       "redis+sentinel://HOST:PORT,HOST:PORT/MASTER";
        }
        must(false); /* a kind without a text */
        return "";
}

/* The largest unit that leaves a number people read easily: 90s, not 1.5m; 10m, not 600s. */
static const char *duration_text(uint64_t ms, char *to, size_t size)
{
        if (ms % 1000 != 0)
                snprintf(to, size, "%llums", (unsigned long long)ms);
        else if (ms == 0 || ms % 60000 != 0 || ms <= 120000)
                snprintf(to, size, "%llus", (unsigned long long)(ms / 1000));
        else if (ms % 3600000 != 0)
                snprintf(to, size, "%llum", (unsigned long long)(ms / 60000));
        else if (ms % 86400000 != 0 || ms <= 86400000)
                snprintf(to, size, "%lluh", (unsigned long long)(ms / 3600000));
        else
                snprintf(to, size, "%llud", (unsigned long long)(ms / 86400000));
        return to;
}

static const char *size_text(uint64_t bytes, char *to, size_t size)
{
        for (size_t i = ARRAY_SIZE(sizes); i-- > 1;) {
                if (bytes > 0 && bytes % sizes[i].factor == 0) {
                        snprintf(to, size, "%llu%s", (unsigned long long)(bytes / sizes[i].factor),
                                 sizes[i].name);
                        return to;
                }
        }
        snprintf(to, size, "%llu", (unsigned long long)bytes);
        return to;
}

static const char *number_text(const struct setting *t, uint64_t value, char *to, size_t size)
{
        switch (t->kind) {
        case KIND_DURATION:
                return duration_text(value, to, size);
        case KIND_SIZE:
                return size_text(value, to, size);
        default:
                snprintf(to, size, "%llu%s", (unsigned long long)value,
                         t->kind == KIND_PERCENT ? "%" : "");
                return to;
        }
}

const char *value_range_text(const struct setting *t, char *to, size_t size)
{
        char min[32], max[32];

        to[0] = '\0';
        if (t->max > 0)
                snprintf(to, size, "from %s to %s", number_text(t, t->min, min, sizeof(min)),
                         number_text(t, t->max, max, sizeof(max)));
        return to;
}

/* Cuts @text into digits and what follows them. */
static struct str take_digits(struct str text, struct str *ret_rest)
{
        size_t n = 0;

        while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
                ++n;
        *ret_rest = str_from(text.p + n, text.n - n);
        return str_from(text.p, n);
}

/* Return: the factor of the unit @name, or 0 when there is none of that name. */
static uint64_t unit_factor(const struct setting *t, struct str name)
{
        const struct unit *units = t->kind == KIND_DURATION ? durations : sizes;
        size_t n = t->kind == KIND_DURATION ? ARRAY_SIZE(durations) : ARRAY_SIZE(sizes);

        for (size_t i = 0; i < n; ++i)
                if (str_eq(name, str_of(units[i].name)))
                        return units[i].factor;
        return 0;
}

static int say_no_number(const struct setting *t, struct str text, struct sentence *why)
{
        char quoted[QUOTE_SIZE], range[80];

        return sentence_say(why, "%s is not %s; write one %s",
                            value_quote(text, quoted, sizeof(quoted)), value_kind_text(t),
                            value_range_text(t, range, sizeof(range)));
}

static int say_no_unit(struct str text, struct sentence *why)
{
        char quoted[QUOTE_SIZE];

        return sentence_say(why, "%s has no unit; write %.*sms, %.*ss, %.*sm or %.*sh",
                            value_quote(text, quoted, sizeof(quoted)), STR_ARGS(text),
                            STR_ARGS(text), STR_ARGS(text), STR_ARGS(text));
}

/* Digits and a unit to a number in the unit of the struct's member, not yet held against the range.
 */
static int parse_amount(const struct setting *t, struct str text, uint64_t *ret,
                        struct sentence *why)
{
        struct str unit, digits = take_digits(text, &unit);
        uint64_t factor = 1;

        if (digits.n == 0)
                return say_no_number(t, text, why);
        if (str_to_u64(digits, ret))
                *ret = UINT64_MAX; /* beyond every range, which is what the user will be told */
        if (unit.n == 0) {
                if (t->kind == KIND_DURATION && *ret != 0)
                        return say_no_unit(shorten(text, 20), why);
                return SETTINGS_GOOD;
        }
        if (t->kind == KIND_PERCENT && str_eq(unit, STR_LITERAL("%")))
                return SETTINGS_GOOD;
        if (t->kind != KIND_DURATION && t->kind != KIND_SIZE)
                return say_no_number(t, text, why);
        factor = unit_factor(t, unit);
        if (factor == 0)
                return say_no_number(t, text, why);
        if (__builtin_mul_overflow(*ret, factor, ret))
                *ret = UINT64_MAX;
        return SETTINGS_GOOD;
}

static int parse_number(const struct setting *t, struct str text, uint64_t *ret,
                        struct sentence *why)
{
        char quoted[QUOTE_SIZE], range[80];
        int r;

        *ret = 0;
        r = parse_amount(t, text, ret, why);
        if (r)
                return r;
        if (*ret >= t->min && *ret <= t->max)
                return SETTINGS_GOOD;
        return sentence_say(why, "%s is too %s; write a value %s",
                            value_quote(text, quoted, sizeof(quoted)),
                            *ret < t->min ? "small" : "large",
                            value_range_text(t, range, sizeof(range)));
}

/* A word that turns something on or off. Return: false when it is none. */
static bool find_switch(struct str text, bool *ret_is_on)
{
        static const struct {
                const char *word;
                bool is_on;
        } words[] = { { "on", true },   { "true", true },   { "yes", true },
                      { "off", false }, { "false", false }, { "no", false } };

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i) {
                if (str_eq_nocase(text, str_of(words[i].word))) {
                        *ret_is_on = words[i].is_on;
                        return true;
                }
        }
        return false;
}

static int parse_bool(struct str text, bool *ret, struct sentence *why)
{
        char quoted[QUOTE_SIZE];

        if (find_switch(text, ret))
                return SETTINGS_GOOD;
        return sentence_say(why, "%s is neither on nor off; write one of them",
                            value_quote(text, quoted, sizeof(quoted)));
}

/* A file named "yes" is nobody's wish. */
static int parse_path_or_switch(struct str text, char *to, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        bool is_on;

        if (!find_switch(text, &is_on))
                return path_parse(text, to, SETTINGS_PATH_SIZE, why);
        if (!str_eq(text, is_on ? STR_LITERAL("on") : STR_LITERAL("off")))
                return sentence_say(why,
                                    "%s is no path; write %s, or ./%.*s for a file of that name",
                                    value_quote(text, quoted, sizeof(quoted)), is_on ? "on" : "off",
                                    STR_ARGS(text));
        str_copy(text, to, SETTINGS_PATH_SIZE);
        return SETTINGS_GOOD;
}

int path_parse(struct str text, char *to, size_t size, struct sentence *why)
{
        char quoted[QUOTE_SIZE];
        bool is_on;

        value_quote(text, quoted, sizeof(quoted));
        if (find_switch(text, &is_on))
                return sentence_say(why,
                                    "%s is no path; name the file, with ./%.*s one of that name",
                                    quoted, STR_ARGS(text));
        if (text.n >= size)
                return sentence_say(why, "the path has %zu bytes; %zu are taken", text.n, size - 1);
        if (value_has_control(text))
                return sentence_say(why, "the path %s holds a control character", quoted);
        if (str_has_prefix(text, STR_LITERAL("~/")) || str_has_prefix(text, STR_LITERAL("$")))
                return sentence_say(why, "%s would need a shell to expand it; write the whole path",
                                    quoted);
        str_copy(text, to, size);
        return SETTINGS_GOOD;
}

static int parse_member(struct str text, struct settings *s, struct sentence *why)
{
        struct settings_address address;
        char quoted[QUOTE_SIZE];
        int r;

        r = address_parse_listen(text, &address, why);
        if (r)
                return r;
        for (size_t i = 0; i < s->n_listen; ++i)
                if (address.port != 0 && address_is_equal(&s->listen[i], &address))
                        return sentence_say(why, "%s stands here twice; remove one",
                                            value_quote(text, quoted, sizeof(quoted)));
        if (s->n_listen == SETTINGS_LISTEN_MAX)
                return sentence_say(why, "there are more than %d places to listen on",
                                    SETTINGS_LISTEN_MAX);
        s->listen[s->n_listen++] = address;
        return SETTINGS_GOOD;
}

int value_parse(const struct setting *t, struct str text, struct settings *s, struct sentence *why)
{
        void *to = setting_at(t, s);
        struct settings_address address;
        uint64_t number;
        int r;

        switch (t->kind) {
        case KIND_BOOL:
                return parse_bool(text, to, why);
        case KIND_INT:
        case KIND_PERCENT:
                r = parse_number(t, text, &number, why);
                if (r == SETTINGS_GOOD)
                        *(uint32_t *)to = (uint32_t)number;
                return r;
        case KIND_DURATION:
        case KIND_SIZE:
                r = parse_number(t, text, &number, why);
                if (r == SETTINGS_GOOD)
                        *(uint64_t *)to = number;
                return r;
        case KIND_PATH:
                return path_parse(text, to, SETTINGS_PATH_SIZE, why);
        case KIND_PATH_OR_SWITCH:
                return parse_path_or_switch(text, to, why);
        case KIND_ADDRESSES:
                return parse_member(text, s, why);
        case KIND_PLACES:
                return places_add(to, text, why);
        case KIND_HOSTS:
                return hosts_add(to, text, why);
        case KIND_EGRESSES:
                return egress_add(s, text, why);
        case KIND_URL:
                r = address_parse_url(text, &address, why);
                if (r == SETTINGS_GOOD)
                        *(struct settings_address *)to = address;
                return r;
        case KIND_LEVEL:
                return word_parse_level(text, to, why);
        case KIND_FORMAT:
                return word_parse_format(text, to, why);
        case KIND_NAME:
                return store_parse_name(text, to, why);
        case KIND_STORE:
                return store_parse_url(text, to, why);
        }
        must(false); /* a kind without a parser */
        return SETTINGS_MISTAKEN;
}

void value_clear(const struct setting *t, struct settings *s)
{
        if (t->kind == KIND_ADDRESSES)
                s->n_listen = 0;
        if (t->kind == KIND_EGRESSES)
                s->n_egress = 0;
        if (setting_may_be_none(t))
                memset(setting_at(t, s), 0, t->size);
}

const char *value_text(const struct setting *t, const struct settings *s, char *to, size_t size)
{
        const void *value = setting_at_const(t, s);

        switch (t->kind) {
        case KIND_BOOL:
                return *(const bool *)value ? "on" : "off";
        case KIND_INT:
        case KIND_PERCENT:
                return number_text(t, *(const uint32_t *)value, to, size);
        case KIND_DURATION:
        case KIND_SIZE:
                return number_text(t, *(const uint64_t *)value, to, size);
        case KIND_PATH:
        case KIND_PATH_OR_SWITCH:
                return value;
        case KIND_URL:
                return settings_address_text(value, true, to, size);
        case KIND_LEVEL:
                return log_level_name(*(const enum log_level *)value);
        case KIND_FORMAT:
                return log_format_name(*(const enum log_format *)value);
        case KIND_NAME:
                return value;
        case KIND_STORE:
                return store_text(value, to, size);
        case KIND_ADDRESSES:
        case KIND_EGRESSES:
        case KIND_PLACES:
        case KIND_HOSTS:
                break;
        }
        must(false); /* a list has no single text */
        return "";
}

bool value_is_equal(const struct setting *t, const struct settings *a, const struct settings *b)
{
        size_t size = t->size;

        if (t->kind == KIND_PATH || t->kind == KIND_PATH_OR_SWITCH || t->kind == KIND_NAME ||
            t->kind == KIND_STORE)
                return strcmp(setting_at_const(t, a), setting_at_const(t, b)) == 0;
        if (t->kind == KIND_ADDRESSES) {
                if (a->n_listen != b->n_listen)
                        return false;
                size = a->n_listen * sizeof(a->listen[0]);
        }
        if (t->kind == KIND_EGRESSES) {
                if (a->n_egress != b->n_egress)
                        return false;
                size = a->n_egress * sizeof(a->egress[0]);
        }
        return memcmp(setting_at_const(t, a), setting_at_const(t, b), size) == 0;
}

void value_copy(const struct setting *t, struct settings *to, const struct settings *from)
{
        memcpy(setting_at(t, to), setting_at_const(t, from), t->size);
        if (t->kind == KIND_ADDRESSES)
                to->n_listen = from->n_listen;
        if (t->kind == KIND_EGRESSES)
                to->n_egress = from->n_egress;
}
