#include "base/heap.h"

#include <errno.h>
#include <stdlib.h>

void heap_init(struct heap *h, heap_before_fn before)
{
        *h = (struct heap){ .before = before };
}

void heap_deinit(struct heap *h)
{
        must(h->n == 0);
        free(h->links);
        heap_init(h, h->before);
}

static void place(struct heap *h, size_t at, struct heap_link *link)
{
        h->links[at - 1] = link;
        link->place = at;
}

static void sift_up(struct heap *h, size_t at, struct heap_link *link)
{
        while (at > 1 && h->before(link, h->links[at / 2 - 1])) {
                place(h, at, h->links[at / 2 - 1]);
                at /= 2;
        }
        place(h, at, link);
}

static void sift_down(struct heap *h, size_t at, struct heap_link *link)
{
        for (;;) {
                size_t child = at * 2;

                if (child > h->n)
                        break;
                if (child < h->n && h->before(h->links[child], h->links[child - 1]))
                        ++child;
                if (!h->before(h->links[child - 1], link))
                        break;
                place(h, at, h->links[child - 1]);
                at = child;
        }
        place(h, at, link);
}

int heap_push(struct heap *h, struct heap_link *link)
{
        must(link->place == 0);
        if (h->n == h->size) {
                size_t size = h->size ? h->size * 2 : 64;
                struct heap_link **links = realloc(h->links, size * sizeof(struct heap_link *));

                if (!links)
                        return -ENOMEM;
                h->links = links;
                h->size = size;
        }
        sift_up(h, ++h->n, link);
        return 0;
}

void heap_remove(struct heap *h, struct heap_link *link)
{
        size_t at = link->place;
        struct heap_link *last;

        if (at == 0)
                return;
        must(at <= h->n && h->links[at - 1] == link);
        link->place = 0;
        last = h->links[--h->n];
        if (last == link)
                return;
        if (at > 1 && h->before(last, h->links[at / 2 - 1]))
                sift_up(h, at, last);
        else
                sift_down(h, at, last);
}

struct heap_link *heap_peek(const struct heap *h)
{
        return h->n > 0 ? h->links[0] : NULL;
}
