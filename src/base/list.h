/*
 * Lists
 *
 * Doubly linked, intrusive, with a head that is itself a link. A link that is
 * in no list points at itself, so unlinking twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct list {
        struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
        l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
        return l->next == l;
}

static inline void list_insert_before(struct list *place, struct list *link)
{
        link->prev = place->prev;
        link->next = place;
        place->prev->next = link;
        place->prev = link;
}

static inline void list_append(struct list *head, struct list *link)
{
        list_insert_before(head, link);
}

static inline void list_prepend(struct list *head, struct list *link)
{
        list_insert_before(head->next, link);
}

static inline void list_unlink(struct list *link)
{
        link->prev->next = link->next;
        link->next->prev = link->prev;
        list_init(link);
}

static inline struct list *list_first(struct list *head)
{
        return list_is_empty(head) ? NULL : head->next;
}

/* The body may unlink @it. */
#define list_for_each_safe(it, after, head)                                                        \
        for (it = (head)->next, after = it->next; it != (head); it = after, after = it->next)

#endif
