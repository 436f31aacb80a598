/*
 * Rows
 *
 * An array of equal rows that grows to a ceiling and never beyond. The first row that finds no
 * place is remembered, so that whoever fills it from a callback asks once, at the end.
 */
#ifndef TRADE_ROWS_H
#define TRADE_ROWS_H

#include "base/base.h"

struct rows {
        char *data; /* NULL: no row yet */
        size_t n, size, row_bytes, ceiling;
        int error; /* of the first row that had no place: -EOVERFLOW, -ENOMEM; else 0 */
};

static inline struct rows rows_of(size_t row_bytes, size_t ceiling)
{
        return (struct rows){ .row_bytes = row_bytes, .ceiling = ceiling };
}

/* May run twice. */
void rows_deinit(struct rows *rows);

/* Return: a new row of zeros, or NULL with rows->error. Older rows may move. */
void *rows_add(struct rows *rows);

static inline void *rows_at(const struct rows *rows, size_t i)
{
        must(rows->data && i < rows->n);
        return rows->data + i * rows->row_bytes;
}

/* All of them, as an array; NULL for none. */
static inline void *rows_all(const struct rows *rows)
{
        return rows->data;
}

#endif
