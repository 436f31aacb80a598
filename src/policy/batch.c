#include "policy/batch.h"

/* Longer than any name or word that is looked at. */
#define WORD_MAX 16

struct reader {
        struct str rest;
        int at; /* the character that is next, decoded; -1: the end */
};

struct word {
        char text[WORD_MAX];
        size_t n; /* WORD_MAX: too long to be any of ours */
};

/* What is said of one order; NULL-like words of length 0: nothing. */
struct one {
        struct word reduce_only, close_position, position_side, side;
};

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void next(struct reader *r)
{
        const char *p = r->rest.p;
        size_t used = 1;

        if (r->rest.n == 0) {
                r->at = -1;
                return;
        }
        r->at = p[0] == '+' ? ' ' : (unsigned char)p[0];
        if (p[0] == '%' && r->rest.n > 2 && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
                r->at = hex(p[1]) << 4 | hex(p[2]);
                used = 3;
        }
        r->rest = str_from(p + used, r->rest.n - used);
}

static void skip_space(struct reader *r)
{
        while (r->at == ' ' || r->at == '\t' || r->at == '\n' || r->at == '\r')
                next(r);
}

static bool take(struct reader *r, char c)
{
        skip_space(r);
        if (r->at != c)
                return false;
        next(r);
        return true;
}

static void add(struct word *word, int c)
{
        if (word->n < WORD_MAX)
                word->text[word->n++] = (char)c;
}

static bool take_string(struct reader *r, struct word *word)
{
        word->n = 0;
        if (!take(r, '"'))
                return false;
        while (r->at != '"') {
                /* An escape may be any character. */
                if (r->at < ' ' || r->at == '\\')
                        return false;
                add(word, r->at);
                next(r);
        }
        next(r);
        return true;
}

static bool is_literal(int c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
               c == '-';
}

static bool take_value(struct reader *r, struct word *word)
{
        skip_space(r);
        if (r->at == '"')
                return take_string(r, word);
        word->n = 0;
        while (is_literal(r->at)) {
                add(word, r->at);
                next(r);
        }
        return word->n > 0;
}

static bool is(const struct word *word, const char *text)
{
        return word->n < WORD_MAX && str_eq_nocase(str_from(word->text, word->n), str_of(text));
}

/* Where the value of this name belongs, or NULL: it does not matter. */
static struct word *place_of(struct one *one, const struct word *name)
{
        return is(name, "reduceOnly")      ? &one->reduce_only
               : is(name, "closePosition") ? &one->close_position
               : is(name, "positionSide")  ? &one->position_side
               : is(name, "side")          ? &one->side
                                           : NULL;
}

static bool take_pair(struct reader *r, struct one *one)
{
        struct word name, value, *place;

        if (!take_string(r, &name) || !take(r, ':') || !take_value(r, &value))
                return false;
        place = place_of(one, &name);
        if (!place)
                return true;
        if (place->n > 0)
                return false;
        *place = value;
        return true;
}

/* The rules are those of a single order, match.c. */
static bool closes(const struct one *one)
{
        if (is(&one->close_position, "true"))
                return true;
        if (is(&one->reduce_only, "true"))
                return one->position_side.n == 0 || is(&one->position_side, "BOTH");
        return (is(&one->position_side, "LONG") && is(&one->side, "SELL")) ||
               (is(&one->position_side, "SHORT") && is(&one->side, "BUY"));
}

static bool take_closing(struct reader *r)
{
        struct one one = { 0 };

        if (!take(r, '{'))
                return false;
        do {
                if (!take_pair(r, &one))
                        return false;
        } while (take(r, ','));
        return take(r, '}') && closes(&one);
}

bool batch_only_closes(struct str value)
{
        struct reader r = { .rest = value };

        next(&r);
        if (!take(&r, '['))
                return false;
        do {
                if (!take_closing(&r))
                        return false;
        } while (take(&r, ','));
        if (!take(&r, ']'))
                return false;
        skip_space(&r);
        return r.at == -1;
}
