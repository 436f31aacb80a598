/*
 * Routes
 *
 * The budgets of one kind of request, found once and kept, and the short way through them for a
 * request that may leave at once, which is nearly every one: no search, one compare-and-swap for
 * each window, and one look at each afterwards. Where anything is out of the ordinary (near a turn,
 * above a share, a stop) the short way leaves nothing behind and says so; limiter_reserve() then
 * decides.
 *
 * Why it is as safe as the long way. The argument of core/window.h asks of whoever sends that the
 * request is written down as sent and flying in each of its windows first, and that after that
 * every window that may be now still holds. The first is the compare-and-swap on the very word that
 * window_take() changes, in the same way. For the second, only one window may be now: a route is
 * left where the clock, guard included, reaches into the next, or somebody has sent there. In that
 * one it looks at what window_holds() looks at, in the same order (what flies from before, extra,
 * sent), against the class' share, which is at most the limit. The same sum has the held places in
 * it, read after the own word was written: so of one who sends and one who holds at once, at least
 * one sees the other, as in window_take(). What the long way asks in two looks, before and after,
 * is here one look after: it may see too much, when another is about to take his back, never too
 * little. Killed in between it leaves what window_take() would: sent and flying, charged.
 */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/limiter.h"

/* A request with more windows goes the long way. */
#define ROUTE_LANES 6

struct route_lane {
        struct window window;
        uint64_t owner;
        uint32_t amount;
        uint32_t most; /* what its class may always use: its share, or the limit */
        uint32_t past; /* windows before it whose unanswered requests count; saves a division */
        uint16_t pool;
        bool has_ceilings;
        /* The window last used: saves a division. Any value is right, for it is checked. Relaxed.
         */
        _Atomic(uint64_t) number;
};

struct route {
        uint64_t ceilings;   /* the region's word that the shares are of */
        uint64_t costs_turn; /* and the one that the amounts are of */
        enum weir_class class;
        unsigned gate, front;
        uint32_t pacing;
        uint8_t front_pct; /* share of the front's bucket */
        unsigned n_lanes, n_pools;
        struct {
                uint16_t pool;
                uint64_t windows[REGION_POOL_WINDOWS];
        } pools[LIMITER_CHARGES];
        struct route_lane lanes[ROUTE_LANES];
};

enum route_answer {
        ROUTE_GO = 0,
        ROUTE_LONG,  /* nothing was changed: ask limiter_reserve() */
        ROUTE_STALE, /* likewise, and limits, shares or costs have changed: learn it anew */
};

/**
 * route_learn() - from a request that was just admitted
 * @ticket: as limiter_reserve() left it, for LIMITER_GO
 *
 * Return: false when it cannot be kept: too many windows, or limits changed in between.
 */
CHECKED bool route_learn(const struct limiter *l, const struct limiter_request *request,
                         const struct limiter_ticket *ticket, struct route *ret_route);

/* Return: an enum route_answer; @ret_ticket is written as by limiter_reserve(), but for ROUTE_GO
 * only. It ends as all tickets do. */
CHECKED int route_go(struct limiter *l, struct route *route, uint64_t deadline_ms,
                     struct limiter_time time, struct limiter_ticket *ret_ticket);

#endif
