#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_SIZE 1024

void buf_deinit(struct buf *b)
{
        free(b->data);
        buf_init(b, b->ceiling);
}

int buf_reserve(struct buf *b, size_t n)
{
        size_t length = b->end - b->start, size;
        char *data;

        if (n <= b->size - b->end)
                return 0;
        if (n > b->ceiling || length > b->ceiling - n)
                return -ENOBUFS;
        if (length + n <= b->size) {
                memmove(b->data, b->data + b->start, length);
                b->start = 0;
                b->end = length;
                return 0;
        }

        size = b->size ? b->size : BUF_FIRST_SIZE;
        while (size < length + n)
                size *= 2;
        if (size > b->ceiling)
                size = b->ceiling;
        data = malloc(size);
        if (!data)
                return -ENOMEM;
        if (length > 0)
                memcpy(data, b->data + b->start, length);
        free(b->data);
        b->data = data;
        b->start = 0;
        b->end = length;
        b->size = size;
        return 0;
}

int buf_append(struct buf *b, const void *data, size_t n)
{
        int r = buf_reserve(b, n);

        if (r < 0)
                return r;
        if (n > 0)
                memcpy(b->data + b->end, data, n);
        b->end += n;
        return 0;
}

int buf_append_str(struct buf *b, struct str s)
{
        return buf_append(b, s.p, s.n);
}

int buf_printf(struct buf *b, const char *format, ...)
{
        va_list args, again;
        int n, r;

        va_start(args, format);
        va_copy(again, args);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        must(n >= 0);

        /* One more for the NUL that vsnprintf() insists on and we do not count. */
        r = buf_reserve(b, (size_t)n + 1);
        if (r == 0) {
                vsnprintf(b->data + b->end, (size_t)n + 1, format, again);
                b->end += (size_t)n;
        }
        va_end(again);
        return r;
}
