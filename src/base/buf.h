/*
 * Buffers
 *
 * Bytes that come in at one end and leave at the other, in one piece of memory
 * that grows to a hard ceiling and never beyond.
 *
 *      data          data+start        data+end          data+size
 *      | consumed     | readable        | free             |
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"
#include "base/str.h"

struct buf {
        char *data;
        size_t start, end, size;
        size_t ceiling; /* most bytes that @data may take */
};

static inline void buf_init(struct buf *b, size_t ceiling)
{
        *b = (struct buf){ .ceiling = ceiling };
}

/* Frees the memory; the ceiling stays, so the buffer may be used again. */
void buf_deinit(struct buf *b);

static inline size_t buf_length(const struct buf *b)
{
        return b->end - b->start;
}

static inline struct str buf_str(const struct buf *b)
{
        /* Adding even 0 to no memory is undefined. */
        return b->data ? str_from(b->data + b->start, b->end - b->start) : STR_NULL;
}

/**
 * buf_reserve() - make sure that @n bytes can be written at buf_tail()
 *
 * Moves the readable bytes: views into the buffer die.
 *
 * Return: 0, -ENOBUFS beyond the ceiling, -ENOMEM.
 */
CHECKED int buf_reserve(struct buf *b, size_t n);

static inline char *buf_tail(struct buf *b)
{
        return b->data + b->end;
}

static inline size_t buf_room(const struct buf *b)
{
        return b->size - b->end;
}

/* @n bytes were written at buf_tail(). */
static inline void buf_commit(struct buf *b, size_t n)
{
        must(n <= b->size - b->end);
        b->end += n;
}

static inline void buf_consume(struct buf *b, size_t n)
{
        must(n <= b->end - b->start);
        b->start += n;
        if (b->start == b->end)
                b->start = b->end = 0;
}

static inline void buf_clear(struct buf *b)
{
        b->start = b->end = 0;
}

CHECKED int buf_append(struct buf *b, const void *data, size_t n);
CHECKED int buf_append_str(struct buf *b, struct str s);
CHECKED int buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);

#endif
