#include "watch/query.h"

/* Return: 0 to 15, or -1. */
static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(struct str from, char *to, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < from.n; ++i) {
                char c = from.p[i] == '+' ? ' ' : from.p[i];

                if (c == '%') {
                        int high = from.n - i > 2 ? hex(from.p[i + 1]) : -1;
                        int low = from.n - i > 2 ? hex(from.p[i + 2]) : -1;

                        if (high < 0 || low < 0)
                                return QUERY_BAD;
                        c = (char)(high * 16 + low);
                        i += 2;
                }
                if (c == '\0' || n + 1 >= size)
                        return QUERY_BAD;
                to[n++] = c;
        }
        to[n] = '\0';
        return QUERY_FOUND;
}

int query_text(struct str query, const char *name, char *to, size_t size)
{
        struct str part, value = STR_NULL;

        while (str_split(&query, '&', &part)) {
                struct str key;

                if (!str_split(&part, '=', &key) || !str_eq(key, str_of(name)))
                        continue;
                if (value.p)
                        return QUERY_BAD;
                value = part.p ? part : STR_LITERAL("");
        }
        return value.p ? decode(value, to, size) : QUERY_MISSING;
}

int query_number(struct str query, const char *name, uint64_t min, uint64_t max, uint64_t *ret)
{
        uint64_t value;
        char text[32];
        int r = query_text(query, name, text, sizeof(text));

        if (r == QUERY_MISSING)
                return QUERY_FOUND;
        if (r == QUERY_BAD || str_to_u64(str_of(text), &value) < 0 || value < min || value > max)
                return QUERY_BAD;
        *ret = value;
        return QUERY_FOUND;
}
