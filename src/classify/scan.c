#include "classify/scan.h"

#include "classify/codes.h"

#define CODE_DIGITS_MIN 4
#define CODE_DIGITS_MAX 6

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct str from(struct str s, size_t at)
{
        return str_from(s.p + at, s.n - at);
}

static size_t digits(struct str s)
{
        size_t n = 0;

        while (n < s.n && is_digit(s.p[n]))
                ++n;
        return n;
}

/* A negative code at the very start of @s, and nothing that would make it another number. */
static int32_t code_at_start(struct str s)
{
        uint64_t value;
        size_t n;

        if (s.n < 1 || s.p[0] != '-')
                return 0;
        n = digits(from(s, 1));
        if (n < CODE_DIGITS_MIN || n > CODE_DIGITS_MAX)
                return 0;
        if (n + 1 < s.n && is_word(s.p[n + 1]))
                return 0;
        /* "-1003." ends a sentence, "-1003.5" is a price. */
        if (n + 2 < s.n && s.p[n + 1] == '.' && is_digit(s.p[n + 2]))
                return 0;
        if (str_to_u64(str_from(s.p + 1, n), &value) < 0)
                return 0;
        return -(int32_t)value;
}

int32_t scan_code_value(struct str text)
{
        int32_t code = code_at_start(text);

        return code != 0 && digits(from(text, 1)) + 1 == text.n ? code : 0;
}

static int32_t code_after_word(struct str text)
{
        static const struct str word = { "code", 4 };
        size_t at;
        int32_t code;

        for (at = 0; at + word.n < text.n; ++at) {
                size_t next = at + word.n;

                if (!str_has_prefix_nocase(from(text, at), word))
                        continue;
                while (next < text.n && strchr(" \t\"'\\:=([", text.p[next]) && text.p[next])
                        ++next;
                code = code_at_start(from(text, next));
                if (code != 0)
                        return code;
        }
        return 0;
}

int32_t scan_code(struct str text, enum classify_product product)
{
        int32_t code = code_after_word(text);

        if (code != 0)
                return code;
        for (size_t at = 0; at < text.n; ++at) {
                if (text.p[at] != '-' ||
                    (at > 0 && (is_word(text.p[at - 1]) || text.p[at - 1] == '-')))
                        continue;
                code = code_at_start(from(text, at));
                if (code != 0 && code_find(product, code))
                        return code;
        }
        return 0;
}

uint64_t scan_time_ms(uint64_t ms_or_us)
{
        if (ms_or_us >= 1000000000000ULL && ms_or_us <= 9999999999999ULL)
                return ms_or_us;
        if (ms_or_us >= 1000000000000000ULL && ms_or_us <= 9999999999999999ULL)
                return ms_or_us / US_PER_MS;
        return 0;
}

uint64_t scan_ban_until_ms(struct str text)
{
        static const struct str phrase = { "banned until ", 13 };
        const char *found = str_find_nocase(text, phrase);
        struct str number;
        uint64_t value;

        if (!found)
                return 0;
        number = from(text, (size_t)(found - text.p) + phrase.n);
        number.n = digits(number);
        return str_to_u64(number, &value) < 0 ? 0 : scan_time_ms(value);
}

static bool is_number_at(struct str text, size_t at, size_t n, uint64_t most, uint64_t *ret)
{
        return str_to_u64(str_from(text.p + at, n), ret) == 0 && *ret <= most;
}

uint64_t scan_date_ms(struct str text)
{
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        uint64_t day, year, hour, minute, second, month = 0, days;

        if (text.n != 29 || !str_eq(str_from(text.p + 25, 4), STR_LITERAL(" GMT")) ||
            !is_number_at(text, 5, 2, 31, &day) || !is_number_at(text, 12, 4, 9999, &year) ||
            !is_number_at(text, 17, 2, 23, &hour) || !is_number_at(text, 20, 2, 59, &minute) ||
            !is_number_at(text, 23, 2, 60, &second) || day == 0 || year < 1970)
                return 0;
        while (month < 12 && memcmp(text.p + 8, months + 3 * month, 3) != 0)
                ++month;
        if (month == 12)
                return 0;
        /* Years that begin in March have their leap day at the end. */
        year -= month < 2;
        month = (month + 10) % 12;
        days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
        days -= 719468; /* from March of the year 0 to 1970 */
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * MS_PER_SECOND;
}

uint64_t scan_window_ms(struct str text)
{
        static const struct str phrase = { " per ", 5 }, ten = { "ten_", 4 };
        static const struct {
                struct str name;
                uint64_t ms;
        } units[] = { { { "second", 6 }, 1000 },
                      { { "minute", 6 }, 60000 },
                      { { "hour", 4 }, 3600000 },
                      { { "day", 3 }, 86400000 } };
        const char *found = str_find_nocase(text, phrase);
        uint64_t n = 1;
        size_t used;

        if (!found)
                return 0;
        text = from(text, (size_t)(found - text.p) + phrase.n);
        used = digits(text);
        if (used > 0 && (str_to_u64(str_from(text.p, used), &n) < 0 || n > 1000))
                return 0;
        if (str_has_prefix_nocase(text, ten)) {
                n = 10;
                used = ten.n;
        }
        text = from(text, used);
        if (text.n > 0 && text.p[0] == ' ')
                text = from(text, 1);
        for (size_t i = 0; i < ARRAY_SIZE(units); ++i)
                if (str_has_prefix_nocase(text, units[i].name))
                        return n * units[i].ms;
        return 0;
}

/* Is the number at @at introduced as a status: by a word for it, or as the first of a list? */
static bool is_introduced(struct str text, size_t at)
{
        static const struct str words[] = { { "http", 4 },     { "http/1.1", 8 }, { "http/2", 6 },
                                            { "status", 6 },   { "code", 4 },     { "error", 5 },
                                            { "response", 8 }, { "httperror", 9 } };

        while (at > 0 && strchr(" \t\"':=[(,", text.p[at - 1]) && text.p[at - 1])
                --at;
        if (at == 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(words); ++i) {
                if (at >= words[i].n &&
                    str_has_prefix_nocase(from(text, at - words[i].n), words[i]))
                        return true;
        }
        return false;
}

int scan_status(struct str text)
{
        uint64_t status;

        for (size_t at = 0; at + 3 <= text.n; ++at) {
                if (!is_digit(text.p[at]) ||
                    (at > 0 &&
                     (is_word(text.p[at - 1]) || text.p[at - 1] == '-' || text.p[at - 1] == '.')))
                        continue;
                if (digits(from(text, at)) != 3 || (at + 3 < text.n && is_word(text.p[at + 3])))
                        continue;
                if (str_to_u64(str_from(text.p + at, 3), &status) == 0 && status >= 400 &&
                    status <= 599 && is_introduced(text, at))
                        return (int)status;
        }
        return 0;
}

size_t scan_depth(struct str text)
{
        size_t depth = 0, deepest = 0;
        bool is_quoted = false;

        for (size_t i = 0; i < text.n; ++i) {
                char c = text.p[i];

                if (is_quoted && c == '\\') {
                        ++i;
                } else if (c == '"') {
                        is_quoted = !is_quoted;
                } else if (!is_quoted && (c == '{' || c == '[')) {
                        if (++depth > deepest)
                                deepest = depth;
                } else if (!is_quoted && (c == '}' || c == ']') && depth > 0) {
                        --depth;
                }
        }
        return deepest;
}
