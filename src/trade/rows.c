#include "trade/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_FIRST 16

void rows_deinit(struct rows *rows)
{
        free(rows->data);
        rows->data = NULL;
        rows->n = rows->size = 0;
}

static int grow(struct rows *rows)
{
        size_t size = rows->size ? rows->size * 2 : ROWS_FIRST;
        char *data = reallocarray(rows->data, size, rows->row_bytes);

        if (!data)
                return -ENOMEM;
        rows->data = data;
        rows->size = size;
        return 0;
}

void *rows_add(struct rows *rows)
{
        char *row;

        if (rows->error == 0 && rows->n == rows->ceiling)
                rows->error = -EOVERFLOW;
        if (rows->error == 0 && rows->n == rows->size)
                rows->error = grow(rows);
        if (rows->error < 0)
                return NULL;
        row = rows->data + rows->n++ * rows->row_bytes;
        memset(row, 0, rows->row_bytes);
        return row;
}
