/*
 * Strings
 *
 * A view: a pointer and a length, never owned, never terminated by NUL. What
 * comes from the network stays where it was received and is looked at in place.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#include <string.h>

struct str {
        const char *p;
        size_t n;
};

#define STR_NULL       ((struct str){ NULL, 0 })
#define STR_LITERAL(s) ((struct str){ "" s, sizeof(s) - 1 })
/* For printf("%.*s", STR_ARGS(s)). */
#define STR_ARGS(s) (int)(s).n, (s).p

static inline struct str str_from(const char *p, size_t n)
{
        return (struct str){ p, n };
}

static inline struct str str_of(const char *zero_terminated)
{
        return (struct str){ zero_terminated, zero_terminated ? strlen(zero_terminated) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_has_prefix(struct str s, struct str prefix);
/* ASCII case folded on both sides, as HTTP field names want it. */
bool str_has_prefix_nocase(struct str s, struct str prefix);

static inline bool str_eq_nocase(struct str a, struct str b)
{
        return a.n == b.n && str_has_prefix_nocase(a, b);
}

/* First place of @needle in @s, or NULL. */
const char *str_find(struct str s, struct str needle);
const char *str_find_nocase(struct str s, struct str needle);
/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);

/**
 * str_split() - cut the part of @rest before @separator
 * @rest: what is left to cut; afterwards what follows the separator
 *
 * Return: false when nothing was left. An empty last part is not reported.
 */
bool str_split(struct str *rest, char separator, struct str *ret_part);

/**
 * str_to_u64() - the whole of @s as an unsigned decimal number
 *
 * Return: 0, or -EINVAL for an empty string, a sign, another character or a
 *         number beyond 64 bits; then *ret is untouched.
 */
CHECKED int str_to_u64(struct str s, uint64_t *ret);

/**
 * str_copy() - copy @s into @to as a C string, cut to @size - 1 bytes
 *
 * Return: true when all of it fitted.
 */
bool str_copy(struct str s, char *to, size_t size);

#endif
