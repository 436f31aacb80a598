#include "gateway/shown.h"

#include <string.h>

/* A stretch of so many is a secret, and so is one with so many letters and digits in a row in it: a
 * UUID has 36 and 12, a token 32 and more, a listen key 60, a key and a signature 64. */
#define SECRET_MIN 40
#define SECRET_ROW 32
/* The longest part of a path, or name of a parameter. One of some length with so many changes
 * between letters and digits, or of capitals for the most part, is none that anybody can pronounce.
 */
#define WORD_MAX       36
#define MEDLEY_MIN     13
#define MEDLEY_CHANGES 3

static bool is_letter(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* What keys, signatures in hex and base64, and tokens are made of. */
static bool is_of_secrets(char c)
{
        return is_letter(c) || is_digit(c) || (c != '\0' && strchr("+/=_-%~", c));
}

static size_t stretch(struct str text)
{
        size_t n = 0;

        while (n < text.n && is_of_secrets(text.p[n]))
                ++n;
        return n;
}

static bool is_secret(struct str stretch)
{
        size_t row = 0;

        for (size_t i = 0; i < stretch.n && row < SECRET_ROW; ++i)
                row = is_letter(stretch.p[i]) || is_digit(stretch.p[i]) ? row + 1 : 0;
        return stretch.n >= SECRET_MIN || row == SECRET_ROW;
}

bool shown_is_secretive(struct str text)
{
        for (size_t i = 0; i < text.n; ++i) {
                size_t n = stretch(str_from(text.p + i, text.n - i));

                if (is_secret(str_from(text.p + i, n)))
                        return true;
                i += n;
        }
        return false;
}

static bool is_word(struct str part)
{
        unsigned changes = 0, capitals = 0;

        for (size_t i = 0; i < part.n; ++i) {
                char c = part.p[i];

                if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.')
                        return false;
                capitals += c >= 'A' && c <= 'Z';
                changes += i > 0 && is_digit(c) != is_digit(part.p[i - 1]);
        }
        return part.n <= WORD_MAX &&
               (part.n < MEDLEY_MIN || (changes < MEDLEY_CHANGES && capitals * 2 < part.n));
}

struct line {
        char *to;
        size_t n, size;
};

static void put(struct line *line, struct str text)
{
        for (size_t i = 0; i < text.n && line->n + 1 < line->size; ++i)
                line->to[line->n++] = text.p[i];
        line->to[line->n] = '\0';
}

const char *shown_path(struct str path, char *to, size_t size)
{
        struct line line = { to, 0, size };
        struct str rest = path, part;

        must(size > 0);
        to[0] = '\0';
        if (rest.n > 0 && rest.p[0] == '/')
                rest = str_from(rest.p + 1, rest.n - 1);
        while (str_split(&rest, '/', &part)) {
                put(&line, STR_LITERAL("/"));
                if (!is_word(part)) {
                        put(&line, STR_LITERAL(SHOWN_HIDDEN));
                        return to;
                }
                put(&line, part);
        }
        return to;
}

const char *shown_method(const struct http_head *head, char to[SHOWN_METHOD_SIZE])
{
        str_copy(head->method == HTTP_METHODS ? STR_LITERAL("(other)") : head->method_text, to,
                 SHOWN_METHOD_SIZE);
        return to;
}

const char *shown_names(struct str query, char *to, size_t size)
{
        struct line line = { to, 0, size };
        struct str pair;

        must(size > 0);
        to[0] = '\0';
        while (str_split(&query, '&', &pair)) {
                const char *equals = memchr(pair.p, '=', pair.n);
                struct str name = str_from(pair.p, equals ? (size_t)(equals - pair.p) : pair.n);

                if (name.n == 0)
                        continue;
                if (line.n > 0)
                        put(&line, STR_LITERAL(","));
                put(&line, is_word(name) ? name : STR_LITERAL(SHOWN_HIDDEN));
        }
        return to;
}

const char *shown_text(struct str text, char *to, size_t size)
{
        struct line line = { to, 0, size };
        size_t n;

        must(size > 0);
        to[0] = '\0';
        for (; text.n > 0; text = str_from(text.p + n, text.n - n)) {
                n = stretch(text);
                if (is_secret(str_from(text.p, n))) {
                        put(&line, STR_LITERAL(SHOWN_HIDDEN));
                        continue;
                }
                n = n > 0 ? n : 1;
                put(&line, str_from(text.p, n));
        }
        return to;
}
