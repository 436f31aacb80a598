/*
 * Expiry
 *
 * Until when a request that its client signed may wait here: the exchange refuses it once its
 * timestamp is older than its recvWindow, by its own clock and when it gets there.
 */
#ifndef BUDGET_EXPIRY_H
#define BUDGET_EXPIRY_H

#include "base/base.h"
#include "core/limiter.h"

struct expiry {
        uint64_t at_ms;     /* timestamp + recvWindow; 0: it never expires */
        uint64_t window_ms; /* recvWindow */
        uint64_t way_ms;    /* from here to the exchange */
        bool is_measured;   /* the clock: else how far it is off is a guess */
};

enum expiry_kind {
        EXPIRY_NONE,  /* it cannot get too old by waiting: it never does, or is so for certain */
        EXPIRY_FIRM,  /* after that it would be refused for its age */
        EXPIRY_DOUBT, /* it may be too old already: no waiting is added, the exchange decides */
};

/**
 * expiry_leave_by() - before when a request must leave
 * @ret_ms: exchange ms; untouched for EXPIRY_NONE
 *
 * What has expired beyond doubt can wait like anything else: at any time the exchange says the same
 * of it, and tells its client what is wrong with his clock, which no refusal for lack of room does.
 *
 * Return: an enum expiry_kind.
 */
CHECKED enum expiry_kind expiry_leave_by(const struct expiry *e, struct limiter_time time,
                                         uint64_t *ret_ms);

#endif
