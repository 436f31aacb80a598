#include "base/str.h"

#include <errno.h>

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_has_prefix(struct str s, struct str prefix)
{
        return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_has_prefix_nocase(struct str s, struct str prefix)
{
        if (s.n < prefix.n)
                return false;
        for (size_t i = 0; i < prefix.n; ++i)
                if (s.p[i] != prefix.p[i] && lower(s.p[i]) != lower(prefix.p[i]))
                        return false;
        return true;
}

const char *str_find(struct str s, struct str needle)
{
        if (s.n == 0)
                return needle.n == 0 ? s.p : NULL;
        return memmem(s.p, s.n, needle.p, needle.n);
}

const char *str_find_nocase(struct str s, struct str needle)
{
        for (size_t i = 0; needle.n <= s.n && i <= s.n - needle.n; ++i)
                if (str_has_prefix_nocase(str_from(s.p + i, s.n - i), needle))
                        return s.p + i;
        return NULL;
}

struct str str_trim(struct str s)
{
        while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
                ++s.p, --s.n;
        while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
                --s.n;
        return s;
}

bool str_split(struct str *rest, char separator, struct str *ret_part)
{
        const char *at;

        if (rest->n == 0)
                return false;

        at = memchr(rest->p, separator, rest->n);
        if (!at) {
                *ret_part = *rest;
                *rest = str_from(rest->p + rest->n, 0);
                return true;
        }
        *ret_part = str_from(rest->p, (size_t)(at - rest->p));
        *rest = str_from(at + 1, rest->n - ret_part->n - 1);
        return true;
}

int str_to_u64(struct str s, uint64_t *ret)
{
        uint64_t value = 0;

        if (s.n == 0)
                return -EINVAL;
        for (size_t i = 0; i < s.n; ++i) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
                        return -EINVAL;
        }
        *ret = value;
        return 0;
}

bool str_copy(struct str s, char *to, size_t size)
{
        size_t n = s.n < size ? s.n : size - 1;

        must(size > 0);
        if (n > 0)
                memcpy(to, s.p, n);
        to[n] = '\0';
        return n == s.n;
}
