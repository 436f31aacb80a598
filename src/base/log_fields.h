/*
 * Fields of a log line
 *
 * A call site names its fields in the manner of printf, one after the other:
 *
 *      "group=%s code=%d why=\"%s; until then\" next=%llu/%llu"
 *
 * The format is cut into pairs, not what came out of it: whatever a value
 * holds, it stays the value of its key. What is one conversion of a number is
 * a number; what stands in quotes is text that is always quoted; all else is
 * text that is quoted when it needs it. A pair whose value is empty is left
 * out, unless it is in quotes.
 *
 *      fields := pair (' ' pair)*
 *      pair   := key '=' ( bare+ | '"' any* '"' )      key: a-z, digits, '_'
 *
 * Conversions are those of %s, %.*s, %c, integers of any length and %f; another
 * one, or a format that is cut off, is a mistake of ours (must()).
 */
#ifndef BASE_LOG_FIELDS_H
#define BASE_LOG_FIELDS_H

#include "base/base.h"
#include "base/str.h"

#include <stdarg.h>

/* More than any call site has. */
#define LOG_PAIRS_MAX 32
/* Bytes of all values together; what is beyond is cut, and the line says so. */
#define LOG_VALUES_MAX 1536
/* Of them kept for what is said at the end of a line: what was dropped or cut. */
#define LOG_VALUES_KEPT 32
/* The longest key, with its NUL. */
#define LOG_KEY_SIZE 32

enum log_kind {
        LOG_TEXT,   /* quoted when it needs it */
        LOG_QUOTED, /* always */
        LOG_NUMBER,
};

struct log_pair {
        struct str key; /* of the format, or of a literal */
        struct str value;
        enum log_kind kind;
};

/* The values are in here: not to be copied by assignment. */
struct log_fields {
        struct log_pair pairs[LOG_PAIRS_MAX];
        size_t n, used, room; /* bytes of @values, in use and that may be */
        bool is_cut;          /* not all of the values had room */
        char values[LOG_VALUES_MAX];
};

void log_fields_init(struct log_fields *fields);
/* Gives what is kept back for the line's own last fields. */
void log_fields_close(struct log_fields *fields);
/* Appends those of @format. @format and what its keys are in outlive @fields. */
void log_fields_read(struct log_fields *fields, const char *format, va_list args);
void log_fields_add(struct log_fields *fields, const char *format, ...) PRINTF(2, 3);
/* The value of @key; STR_NULL when there is none. */
struct str log_fields_find(const struct log_fields *fields, struct str key);

#endif
