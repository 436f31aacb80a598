/*
 * Query
 *
 * The parameters behind a path's "?", as a form writes them.
 */
#ifndef WATCH_QUERY_H
#define WATCH_QUERY_H

#include "base/base.h"
#include "base/str.h"

enum query {
        QUERY_FOUND = 0,
        QUERY_MISSING,
        QUERY_BAD, /* too long, an escape that is none, a NUL, or it is there twice */
};

/* The value of @name, with "%41" and "+" read, as a C string. Return: an enum query. */
CHECKED int query_text(struct str query, const char *name, char *to, size_t size);

/* The same as a number, *ret as it was where it is missing. Return: QUERY_FOUND, also where it is
 * missing; QUERY_BAD for what is no number from @min to @max. */
CHECKED int query_number(struct str query, const char *name, uint64_t min, uint64_t max,
                         uint64_t *ret);

#endif
