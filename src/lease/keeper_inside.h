/* The keeper's own, for its files only. */
#ifndef LEASE_KEEPER_INSIDE_H
#define LEASE_KEEPER_INSIDE_H

#include "lease/keeper.h"

/*
 * Windows longer than this, of five minutes or a day, are gone through in pieces: of them no more
 * is kept or asked for than what comes in soon (ward.c), since all that each host may need of the
 * rest is more than there is, and some would wait for what nobody uses yet. Pauses that are parts
 * of a window are parts of no more than this.
 */
#define WARD_LONG_MS 60000u

static inline bool ward_is_long(const struct ward *ward)
{
        return ward->window.span_ms > WARD_LONG_MS;
}

static inline uint64_t ward_pace_us(const struct ward *ward)
{
        uint32_t span_ms = ward->window.span_ms;

        return (uint64_t)(span_ms < WARD_LONG_MS ? span_ms : WARD_LONG_MS) * US_PER_MS;
}

/* keeper.c */
struct limiter_time ward_time(const struct ward *ward, const struct keeper_time *time);
/* "ADDRESS/gate"; false where the egress has no name yet. */
bool keeper_gate_id(const struct keeper *k, unsigned egress, unsigned gate, char to[OP_ID_SIZE]);

/* ward.c: what is needed of a budget, and what of its caps is not. */

/* Looks at the books. Limits may have changed. */
void ward_look(struct ward *ward, const struct region *region, const struct keeper_time *time);
/* What the window of now will be used for by its end, as things go; at most the limit. */
uint32_t ward_need(const struct ward *ward, struct limiter_time now);
/* What the next one will be used for, and those behind it. */
uint32_t ward_expected_next(const struct ward *ward, struct limiter_time now);
/* The same, and what is kept beyond it. */
uint32_t ward_need_next(const struct ward *ward, struct limiter_time now);
/* What to ask for in the window of now, when it is hungry. */
uint32_t ward_want(const struct ward *ward, struct limiter_time now);
/* What of the @missing is for orders, cancels and what closes. */
uint32_t ward_urgent(const struct ward *ward, uint64_t missing, uint64_t n_hosts);
/* Whether others want more of window @number than they have. */
bool ward_is_wanted(const struct ward *ward, uint64_t number);
/* They do, or do no more. */
void ward_note_wanted(struct ward *ward, uint64_t number, bool is_wanted);
/* Whether more is wanted than the cap leaves. */
bool ward_is_hungry(const struct ward *ward, const struct keeper_time *time,
                    uint64_t round_trip_us);
/* How much of its caps others may have: the most of windows @first to @last. */
uint32_t ward_spare(const struct ward *ward, uint64_t first, uint64_t last,
                    struct limiter_time now);
/* The same, in the window of now. */
uint32_t ward_spare_now(const struct ward *ward, struct limiter_time now);
/* Whether the window is too young to tell by itself what it is used for. */
bool ward_is_beginning(const struct ward *ward, struct limiter_time now);
/* Whether what others are given of it now is used at once or not at all. */
bool ward_is_ending(const struct ward *ward, struct limiter_time now);

#endif
