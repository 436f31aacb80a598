/*
 * Bytes at the edge
 *
 * A copy that ends right before an unreadable page: one byte read too far ends the test.
 */
#ifndef HTTP_TEST_EDGE_H
#define HTTP_TEST_EDGE_H

#include "base/base.h"
#include "base/str.h"

#include <string.h>
#include <sys/mman.h>

#define EDGE_SIZE (64U << 10)

struct edge {
        char *base;
};

static inline void edge_init(struct edge *edge)
{
        edge->base = mmap(NULL, EDGE_SIZE + 4096, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(edge->base != MAP_FAILED);
        must(mprotect(edge->base + EDGE_SIZE, 4096, PROT_NONE) == 0);
}

static inline void edge_deinit(struct edge *edge)
{
        munmap(edge->base, EDGE_SIZE + 4096);
}

/* Replaces what was copied before. */
static inline struct str edge_copy(struct edge *edge, struct str s)
{
        char *to = edge->base + EDGE_SIZE - s.n;

        must(s.n <= EDGE_SIZE);
        if (s.n > 0)
                memcpy(to, s.p, s.n);
        return str_from(to, s.n);
}

#endif
