/*
 * Heap
 *
 * An intrusive binary heap: the smallest member first, removal from the middle
 * in logarithmic time. The order is the owner's.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/base.h"

struct heap_link {
        size_t place; /* 1-based place in the heap; 0: in no heap */
};

/* True when @a must leave before @b. */
typedef bool (*heap_before_fn)(const struct heap_link *a, const struct heap_link *b);

struct heap {
        struct heap_link **links;
        size_t n, size;
        heap_before_fn before;
};

void heap_init(struct heap *h, heap_before_fn before);
void heap_deinit(struct heap *h);
/* Return: 0 or -ENOMEM. */
CHECKED int heap_push(struct heap *h, struct heap_link *link);
/* Harmless for a link that is in no heap. */
void heap_remove(struct heap *h, struct heap_link *link);
/* The first member, or NULL. It stays. */
struct heap_link *heap_peek(const struct heap *h);

#endif
