/*
 * Reserve
 *
 * What one request holds between weir_reserve() and its end.
 */
#ifndef API_RESERVE_H
#define API_RESERVE_H

#include "api/limiter.h"
#include "api/request.h"

struct reservation {
        struct limiter_ticket ticket;
        uint64_t sent_ms; /* flying: when it was let go */
        enum policy_group group;
        int probe; /* gate that it probes, else STOPS_NO_PROBE */
};

static inline struct reservation *reservation_of(struct weir_ticket *ticket)
{
        return (struct reservation *)(void *)ticket->inside;
}

/* As weir_reserve(), weir_confirm(), weir_may_leave() and so on, at @time. */
CHECKED int reservation_take(struct weir_limiter *l, const struct weir_request *request,
                             uint64_t deadline_ms, struct limiter_time time,
                             struct reservation *ret);
/* Until when the exchange has stopped such a request; 0: it has not. */
uint64_t reservation_shut_ms(struct weir_limiter *l, const struct weir_request *request,
                             struct limiter_time time);
CHECKED int reservation_confirm(struct weir_limiter *l, struct reservation *r,
                                struct limiter_time time);
CHECKED bool reservation_may_leave(const struct weir_limiter *l, const struct reservation *r,
                                   struct limiter_time time);
/* @r: NULL for weir_observe(); then @sent_ms says when it left. @ret_verdict may be NULL. */
void reservation_settle(struct weir_limiter *l, const struct weir_request *request,
                        struct reservation *r, uint64_t sent_ms, const struct weir_reply *reply,
                        struct limiter_time time, struct verdict *ret_verdict);
void reservation_refund(struct weir_limiter *l, struct reservation *r, struct limiter_time time);
void reservation_abandon(struct weir_limiter *l, struct reservation *r, struct limiter_time time);

#endif
