/*
 * Attempt
 *
 * One call of the user's, from the wish to its end: places are asked for, waited for and confirmed,
 * each attempt is judged, and what a limit refused is tried again. A machine that is told the time.
 *
 *      parked --(time comes)--> reserve --GO--> sending --told--> done
 *         ^                      |  ^              |
 *         +-- SHUT, CROWDED -----+  |              +-- a limit refused it --> parked
 *                                |  +-- LOST
 *                                +-- WAIT --> held --confirm--> sending
 */
#ifndef API_ATTEMPT_H
#define API_ATTEMPT_H

#include "api/caller.h"
#include "api/reserve.h"

enum attempt_phase {
        ATTEMPT_PARKED,
        ATTEMPT_HELD,
        ATTEMPT_SENDING,
        ATTEMPT_DONE,
};

struct attempt {
        struct weir_caller *caller;
        struct weir_request request;
        struct reservation reservation;
        struct call call;
        enum attempt_phase phase;
        int result;
        uint64_t at_ms; /* parked, held: when to go on */
        struct verdict verdict;
};

/* Return: an enum weir_step; @ret_at_ms is written for WEIR_STEP_WAIT. */
CHECKED int attempt_begin(struct attempt *a, struct weir_caller *caller,
                          const struct weir_request *request, uint64_t deadline_ms,
                          struct limiter_time time, uint64_t *ret_at_ms);
CHECKED int attempt_next(struct attempt *a, struct limiter_time time, uint64_t *ret_at_ms);
CHECKED int attempt_told(struct attempt *a, int result, const struct weir_reply *reply,
                         struct limiter_time time, uint64_t random, uint64_t *ret_at_ms);
void attempt_cancel(struct attempt *a, struct limiter_time time);

#endif
