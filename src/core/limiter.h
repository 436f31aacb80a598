/*
 * Limiter
 *
 * Ties windows, pacing and gates of one region together. A request that costs something in
 * several budgets is admitted to all of them or to none. What does not fit now is given a place
 * in a window to come: the caller waits until then, confirms, and sends. So waiting is first come,
 * first served across processes, without a lock, a queue or a wake-up.
 *
 *      reserve -> GO ---------------------------> send -> land
 *         |                                        |        (answered)
 *         +----> WAIT -> (time comes) -> confirm --+     -> nothing: fate unknown, keep it charged
 *         |                  |                     +----> refund  (certainly never sent)
 *         |                  +-> WAIT, LOST (reserve again)
 *         +----> NEVER, LATE, SHUT, CROWDED: nothing is taken
 *
 * All times are the exchange's clock, in milliseconds; @guard_ms is how far it may be off.
 * Nothing here sleeps, allocates or reads a clock. Any thread of any process may call at once;
 * one ticket belongs to one caller.
 */
#ifndef CORE_LIMITER_H
#define CORE_LIMITER_H

#include "base/base.h"
#include "base/class.h"
#include "core/bucket.h"
#include "core/ceiling.h"
#include "core/gate.h"
#include "core/region.h"
#include "core/window.h"

#define LIMITER_CHARGES 8
#define LIMITER_TAKES   16

/* One pool that a request costs something in. */
struct limiter_charge {
        uint16_t pool;
        bool has_ceilings; /* shared by several classes; false: a pool of this kind of request only
                            */
        uint64_t owner; /* whose: hash of account or endpoint; limiter.address for the address as a
                           whole */
        uint32_t amount;
        struct {
                uint32_t span_ms, amount; /* another amount for the window of this span */
        } special[2];
};

struct limiter_request {
        enum weir_class class;
        unsigned gate;        /* index of the product; gate 0 is asked as well */
        unsigned front;       /* index of the host (core/front.h) */
        uint64_t deadline_ms; /* must be sent before; UINT64_MAX for none */
        uint32_t pacing;      /* units of the pacing bucket */
        bool is_probe;       /* the one request that asks whether a ban is over: passes the gates */
        uint64_t costs_turn; /* evidence_turn() before the amounts were found */
        unsigned n_charges;
        struct limiter_charge charges[LIMITER_CHARGES];
};

enum limiter_answer {
        LIMITER_GO = 0,
        LIMITER_WAIT,    /* a place is held: confirm at ticket.at_ms */
        LIMITER_NEVER,   /* costs more than a whole window holds */
        LIMITER_LATE,    /* not before the deadline; would be possible at @at_ms */
        LIMITER_SHUT,    /* stopped or banned until @at_ms; a ban that awaits its probe: ask then */
        LIMITER_CROWDED, /* all windows ahead are full for this class; again at @at_ms */
        LIMITER_LOST,    /* confirm: the place is gone and given back: reserve again */
};

enum limiter_state {
        TICKET_EMPTY,
        TICKET_HELD,
        TICKET_FLYING,
};

/* What made a request wait, or had it refused. */
enum limiter_blocker {
        BLOCKED_BY_NOTHING, /* none of its budgets: a gate, its own deadline, or nothing did */
        BLOCKED_BY_POOL,
        BLOCKED_BY_PACING,
        BLOCKED_BY_FRONT,   /* the ceiling of requests per second, or the ramp behind a ban */
        BLOCKED_BY_CLOCK,   /* known too badly for the books of its windows */
        BLOCKED_BY_BREAKER, /* written by who asks it (call/breaker.h): the limiter knows none */
};

struct limiter_take {
        struct window window;
        uint64_t number;
        uint64_t owner;
        struct window_place place;
        uint32_t amount;
        uint32_t kept; /* what the ticket holds of the same window and gives back for this */
        uint16_t pool;
        bool has_ceilings;
};

/* What one request holds. Empty it with land, refund or abandon; each empties it once. */
struct limiter_ticket {
        enum limiter_state state;
        enum weir_class class;
        unsigned gate, front;
        uint64_t at_ms;   /* held: when to confirm; flying: when it was released. NEVER..CROWDED: as
                           * said there */
        uint64_t try_ms;  /* held, CROWDED: when there may be an earlier place; 0: no such time */
        uint64_t look_ms; /* likewise: when there may be one in any case, since the window of now
                           * has turned; at_ms at the latest */
        uint64_t good_until_ms; /* flying: may be sent while the clock is before this */
        uint64_t deadline_ms;
        enum gate_kind shut_by; /* for LIMITER_SHUT */
        bool awaits_probe;      /* likewise: the time of a ban is over, and its probe unanswered */
        enum limiter_blocker blocker;
        uint16_t blocked_by; /* for BLOCKED_BY_POOL: which */
        uint32_t pacing;
        uint32_t passed_us; /* flying: what it took at the front (core/front.h) */
        bool is_paced;
        bool has_turn;  /* at the front (core/front.h) */
        bool is_capped; /* CROWDED: there would be room, if this host had a larger cap
                           (core/lease.h) */
        bool is_probe;
        unsigned n_takes;
        struct limiter_take takes[LIMITER_TAKES];
};

#define LIMITER_TICKET_NULL ((struct limiter_ticket){ .state = TICKET_EMPTY })

struct limiter {
        struct region *region; /* borrowed from the opener, who closes it after us */
        unsigned egress;       /* the address it works for (core/egress.h); 0: without a name */
        uint64_t address;      /* the owner of that one's budgets; 0 likewise */
        struct bucket pacing;  /* of this user of the region; all zero: none */
};

/* The exchange's time as the caller knows it. */
struct limiter_time {
        uint64_t now_ms;
        uint32_t guard_ms;
};

/**
 * limiter_reserve() - take a place for @request in all its budgets
 *
 * @ret_ticket is written for every answer; it is TICKET_EMPTY unless the answer is GO or WAIT.
 * After GO, and right before sending, ticket_may_leave() must be asked with a fresh clock.
 *
 * Return: an enum limiter_answer; -ENOSPC: no room for another budget; -ESTALE: our clock is a
 *         window or more behind that of another process, or known too badly: window_guard_most().
 */
CHECKED int limiter_reserve(struct limiter *l, const struct limiter_request *request,
                            struct limiter_time time, struct limiter_ticket *ret_ticket);

/**
 * limiter_charge() - @request is sent now, whatever the limits say
 *
 * For who does not obey (shadow mode), or has sent before the windows could be told, and keeps the
 * books true all the same, over the limits too.
 * Gates, pacing and front are not asked. The ticket is flying, and ends as all do.
 *
 * Return: 0, or -ENOSPC: no room for another budget, nothing is charged and the ticket is empty.
 */
CHECKED int limiter_charge(struct limiter *l, const struct limiter_request *request,
                           struct limiter_time time, struct limiter_ticket *ret_ticket);

/**
 * limiter_confirm() - the time of a held place has come: may it be sent?
 *
 * Asked at ticket_next_ms(), which is at_ms, or before it try_ms, when the ceilings may have opened
 * far enough for a place now, or look_ms, when a window has turned. Too early changes nothing.
 *
 * Return: LIMITER_GO, LIMITER_WAIT (the place stays, at_ms is new), LIMITER_LOST (given back), or
 *         LIMITER_SHUT (given back; stopped until at_ms).
 */
CHECKED int limiter_confirm(struct limiter *l, struct limiter_ticket *ticket,
                            struct limiter_time time);

/**
 * limiter_shut_ms() - until when @request is stopped by gates, or by budgets that are
 *
 * Takes nothing. Return: exchange ms; 0 when nothing stops it.
 */
uint64_t limiter_shut_ms(struct limiter *l, const struct limiter_request *request,
                         struct limiter_time time);

/* When a held ticket is to be confirmed, or, refused, to come back. */
static inline uint64_t ticket_next_ms(const struct limiter_ticket *ticket)
{
        uint64_t next_ms = ticket->at_ms;

        if (ticket->state == TICKET_HELD && ticket->try_ms > 0 && ticket->try_ms < next_ms)
                next_ms = ticket->try_ms;
        if (ticket->state == TICKET_HELD && ticket->look_ms > 0 && ticket->look_ms < next_ms)
                next_ms = ticket->look_ms;
        return next_ms;
}

/* True while what GO said still holds. False: refund and reserve again. */
static inline bool ticket_may_leave(const struct limiter_ticket *ticket, uint64_t now_ms)
{
        return ticket->state == TICKET_FLYING && now_ms < ticket->good_until_ms;
}

/**
 * limiter_pass_again() - what GO allowed leaves only now: it has waited for a connection
 *
 * Those who wait for one are many when a way that was blocked is free again. They passed the front
 * one by one, and would fall upon the exchange together, so who has waited for more than a moment
 * passes it anew.
 *
 * Return: @time.now_ms: it may leave; else the exchange ms before which it may not: limiter_keep()
 *         it until then.
 */
CHECKED uint64_t limiter_pass_again(struct limiter *l, struct limiter_ticket *ticket,
                                    struct limiter_time time);

/**
 * limiter_step_back() - GO was said this moment, and others are let go first
 *
 * What it took at the front is for them. Only right after GO, and before limiter_keep() or
 * limiter_refund(): the front fills up again by itself, and what is given back late would be too
 * much.
 */
void limiter_step_back(struct limiter *l, struct limiter_ticket *ticket);

/* Not now after all: what GO allowed to be sent becomes a held place, to be confirmed at @at_ms. */
void limiter_keep(struct limiter_ticket *ticket, uint64_t at_ms);

/* Gives back what certainly never reached the exchange, held or flying. Empties the ticket. */
void limiter_refund(struct limiter *l, struct limiter_ticket *ticket);

/* What the exchange's answer says about one pool. */
struct limiter_news {
        uint16_t pool;
        uint64_t owner;
        uint32_t span_ms;
        uint32_t used;
        bool may_fall; /* the count of this pool goes down by itself (fills): believe a lower one;
                        * the same for all news of a pool */
};

/**
 * limiter_land() - the answer came
 * @refund_pool, @refund: part of the charge in that pool that is not counted after all
 * @news:   usage that its headers reported, @n of them
 * @ret_foreign: use that was not ours, found now; may be NULL
 *
 * Empties the ticket.
 */
void limiter_land(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time,
                  uint16_t refund_pool, uint32_t refund, const struct limiter_news *news, size_t n,
                  uint32_t *ret_foreign);

/**
 * limiter_observe() - take note of usage in a pool that the request itself did not charge
 * @sent_ms: when the request left, exchange clock
 *
 * Return: true when foreign use was found; *ret_foreign is then what is known of it.
 */
bool limiter_observe(struct limiter *l, const struct limiter_news *news, uint64_t sent_ms,
                     struct limiter_time time, uint32_t *ret_foreign);

/* Sent, and no answer will come: stays charged, here and in the windows it may be counted in. */
void limiter_abandon(struct limiter_ticket *ticket);

/* Stops one budget (all its windows) until @until_ms: too many orders of one account. */
void limiter_shut_pool(struct limiter *l, uint16_t pool, uint64_t owner, uint64_t until_ms);

/* The windows of @pool are now these; unused places are 0. What is spent in a span stays. */
void limiter_set_pool(struct limiter *l, uint16_t pool,
                      const uint64_t windows[REGION_POOL_WINDOWS]);

/*
 * When the window of @pool that is @of_ms long turns; now if it has none at all. Where there is no
 * such, or a refusal does not say which was full (0), the shortest: if it was a longer one, its
 * headers will have told us by then.
 */
uint64_t limiter_turn_ms(const struct limiter *l, uint16_t pool, uint64_t of_ms,
                         struct limiter_time time);

/**
 * limiter_merge() - two owners of @pool turn out to be one: what is used under @from counts under
 * @to as well from now on, in every window around now
 *
 * What both know of the same use, by headers, is not counted twice; all that may have been used is
 * counted. Takes under @from have to end before: what is taken there later is not in @to.
 *
 * Return: 0, or -ENOSPC: no room for another budget.
 */
CHECKED int limiter_merge(struct limiter *l, uint16_t pool, uint64_t from, uint64_t to,
                          struct limiter_time time);

/**
 * limiter_carry_span() - @pool gets a window of a span that it had not
 * @from_ms:   a span that it has
 * @to_window: as region_window() makes it
 *
 * What is used in the windows of that span that are in the new one is used there too, as far as a
 * ring reaches; of a longer one all. What is in flight is so in the new one as well, and would be
 * for as long as it may be counted: see limiter_adopt_span(). Done twice at one @time it changes
 * nothing.
 */
void limiter_carry_span(struct limiter *l, uint16_t pool, uint32_t from_ms, uint64_t to_window,
                        struct limiter_time time);

/**
 * limiter_adopt_span() - @ticket was in flight when limiter_carry_span() was called with the same
 *
 * From now on it is in the new window too: its answer ends its flight there, and says what it said.
 * Only for who has made that call, right after it, and once.
 */
void limiter_adopt_span(struct limiter *l, struct limiter_ticket *ticket, uint16_t pool,
                        uint32_t from_ms, uint64_t to_window, struct limiter_time time);

/* What the region keeps of the address that @l works for. */
static inline struct egress *limiter_egress(const struct limiter *l)
{
        return &l->region->header->egresses[l->egress];
}

static inline word_t *limiter_gate(const struct limiter *l, unsigned gate)
{
        must(gate < REGION_GATES);
        return &limiter_egress(l)->gates[gate];
}

/* The circuit breaker of a product group (call/breaker.h). */
static inline word_t *limiter_breaker(const struct limiter *l, unsigned group)
{
        must(group < REGION_BREAKERS);
        return &limiter_egress(l)->breakers[group];
}

/**
 * limiter_room() - how much of its budgets is left beside @request
 *
 * Of all windows that are now the one with the least left counts, in millionths of its limit.
 * Takes nothing, asks no gate. Return: 1 to 1000000; 0: it would have to wait.
 */
uint32_t limiter_room(struct limiter *l, const struct limiter_request *request,
                      struct limiter_time time);

void limiter_set_ceilings(struct limiter *l, const struct ceilings *ceilings);

/**
 * limiter_set_pacing() - from now on this limiter paces by that bucket of the region
 * @rate_per_min: 0 for none
 *
 * Who names another rate or burst uses another bucket: programs disturb each other only where they
 * mean the same one. A ticket gives back to the bucket of now, so set it while none is out, or
 * accept that a few tokens are off.
 *
 * Return: 0, or -ENOSPC: no room for another bucket in the region; then it stays as it was.
 */
CHECKED int limiter_set_pacing(struct limiter *l, uint32_t rate_per_min, uint32_t burst);

/* Hash of an owner's name (an API key, an endpoint) for this region; never 0. */
uint64_t limiter_owner(const struct limiter *l, const void *name, size_t n);

/* The budgets alive, for people: calls @fn for each slot. */
typedef void (*limiter_slot_fn)(void *ctx, const struct window *window, uint16_t pool,
                                uint64_t owner, uint64_t shut_until_ms);
void limiter_each_slot(const struct region *region, limiter_slot_fn fn, void *ctx);

/* The pacing buckets that were ever used, for people. */
typedef void (*limiter_bucket_fn)(void *ctx, const struct bucket *bucket);
void limiter_each_bucket(const struct region *region, limiter_bucket_fn fn, void *ctx);

#endif
