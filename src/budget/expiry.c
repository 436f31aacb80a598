#include "budget/expiry.h"

/* What the exchange itself needs between its two looks at recvWindow, or as much of a short one. */
#define ENGINE_MARGIN_MS   50
#define ENGINE_MARGIN_PART 10

enum expiry_kind expiry_leave_by(const struct expiry *e, struct limiter_time time, uint64_t *ret_ms)
{
        uint64_t margin_ms = e->window_ms / ENGINE_MARGIN_PART;

        if (e->at_ms == 0 || (e->is_measured && e->at_ms + time.guard_ms < time.now_ms))
                return EXPIRY_NONE;
        if (margin_ms > ENGINE_MARGIN_MS)
                margin_ms = ENGINE_MARGIN_MS;
        margin_ms += e->way_ms + (e->is_measured ? time.guard_ms : 0);
        if (e->at_ms > time.now_ms && e->at_ms - time.now_ms > margin_ms) {
                *ret_ms = e->at_ms - margin_ms;
                return EXPIRY_FIRM;
        }
        /* The exchange knows its own clock better than we do. */
        *ret_ms = time.now_ms + 1;
        return EXPIRY_DOUBT;
}
