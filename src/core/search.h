/*
 * Search
 *
 * The earliest time at which all windows of a ticket have room at once. Each window pushes the time
 * to where it has room, which may be too early for another, so they are asked in rounds until none
 * of them moves it. Reads only: what was found may be gone when it is taken.
 */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "core/takes.h"

/* What the search for a place has come to. */
struct search {
        uint64_t at_ms;    /* earliest time at which all fit */
        uint64_t again_ms; /* 0: at_ms is within reach; else when to search again */
        bool is_full;      /* all windows within reach are full: at_ms is when the first one beyond
                              opens */
};

/* The earliest time from @from_ms on at which all takes fit at once. */
struct search search_place(struct limiter_ticket *ticket, const struct ceilings *c,
                           uint64_t from_ms, struct limiter_time time);

/*
 * When to look again whether the windows of now have room: when their ceilings will have opened far
 * enough, if nobody claims the rest, and every now and then until then; 0 if that will not be
 * before ticket->at_ms. @is_held: the ticket's own places count twice.
 */
uint64_t search_opens_ms(const struct limiter_ticket *ticket, const struct ceilings *c,
                         bool is_held, struct limiter_time time);

#endif
