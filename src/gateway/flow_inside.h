/*
 * The flow's own: one request's way in nine files, for these only.
 *
 *      flow.c         its life: the request comes, its client goes, the gateway stops
 *      flow_clock.c   STARTING: waits until the exchange's time is known for its product
 *      flow_place.c   HELD, PARKED: its deadline, a place in the windows, the wait for it
 *      flow_way.c     by which of several addresses
 *      flow_fair.c    the same, among the clients of its class
 *      flow_pause.c   the same, while an operator holds it
 *      flow_review.c  the same, when stops or limits change
 *      flow_call.c    SENT, ANSWERING: leaves once; its reply lands, is judged and passed on
 *      flow_seal.c    key and signature of an account, for clients that hold none
 *
 * What may end a flow is marked; it is freed then, and so is not to be touched after.
 */
#ifndef GATEWAY_FLOW_INSIDE_H
#define GATEWAY_FLOW_INSIDE_H

#include "classify/verdict.h"
#include "gateway/flow.h"

/* flow.c */

/* Of those that are queued the ones that know the exchange's time, and wait for their place or for
 * another. */
static inline bool flow_is_waiting(const struct flow *f)
{
        return (f->state == FLOW_HELD || f->state == FLOW_PARKED) && f->time_link.place != 0;
}

/* Ends a flow whose exchange was answered, or whose client is gone. */
void flow_end(struct flow *f);
/* The same of one whose client gets no answer, or no whole one. */
void flow_abort(struct flow *f);

/* flow_clock.c */

/*
 * The first of a product, in a region that knows no time of it: this machine's clock may be hours
 * off, and places taken by it would be in windows that others come to later. Wait for the errand
 * that asks. May end it.
 */
void flow_await_clock(struct flow *f);
/* The time has not come. Who may wait no longer is refused, the others go by the wall clock. May
 * end it. */
void flow_give_up_clock(struct flow *f);

/* flow_place.c */

/* Its deadline can be told, and places be taken. May end it. */
void flow_admit(struct flow *f);
/* A place as of now; sends it, or waits, or refuses. May end it. */
void flow_reserve(struct flow *f);
/* The same, as the limiter has answered. May end it. */
void flow_placed(struct flow *f, int answer);
/* Into the queue; or refused when that is full. May end it. @due_us: monotonic. */
void flow_wait_us(struct flow *f, enum flow_state state, uint64_t due_us);
/* The same. @until_ms: exchange clock. */
void flow_wait(struct flow *f, enum flow_state state, uint64_t until_ms);
/* It waits, and looks at once. Who are hurried together come in the queue's order, the urgent
 * first. May end it. */
void flow_hurry(struct flow *f);
/* Refused, since its upstream does not answer. Return: true when that ended it. */
CHECKED bool flow_is_cut_off(struct flow *f);
/* Neither all nor its product is stopped. */
bool flow_gates_are_open(struct flow *f, uint64_t now_ms);

/* flow_pause.c */

/* An operator holds it. */
bool flow_is_paused(const struct flow *f);
/* It is held, or no more. */
void flow_hold(struct flow *f, bool is_on_hold);
/* Gives its place back, and waits for its release or its deadline. May end it. */
void flow_pause(struct flow *f);

/* flow_seal.c */

/**
 * flow_choose_seal() - does this request get an account's key or signature?
 * @input, @plan: as matched; with the account's key, and matched anew, when it does
 *
 * Return: false after having refused.
 */
bool flow_choose_seal(struct gateway *g, struct http_exchange *exchange, struct policy_input *input,
                      struct policy_plan *plan, enum flow_seal *ret);
/*
 * Writes what leaves, as of now; harmless for what leaves as it came. @now_ms: exchange clock.
 * Return: false with @flow->seal_failure set: nothing may be sent.
 */
bool flow_seal(struct flow *f, uint64_t now_ms);
/* What the exchange said of it: where it found the time wrong that we put to it, the clock is
 * measured anew, for those that come. */
void flow_seal_told(struct flow *f, const struct verdict *verdict);
/* Empties what was written, and leaves no signature in memory. */
void flow_wipe_seal(struct flow *f);

/* flow_call.c */

/* Once, before the first flow_send(). */
void flow_call_init(struct flow *f);
/* To the pool, in the place that it has. May end it. */
void flow_send(struct flow *f);
/* No connection: told so. Ends it. */
void flow_not_sent(struct flow *f, const char *why);

#endif
