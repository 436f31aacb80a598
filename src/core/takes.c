#include "core/takes.h"

#include "core/lease.h"
#include "core/orders.h"
#include "core/pool.h"
#include "core/slot.h"
#include "core/strangers.h"
#include "core/trip.h"

#include <errno.h>

/* From a ceiling that has opened to a request that leaves: a timer and a wake-up. */
#define LEAD_MORE_MS 4
/* Cancels leave so small a part of what strangers are expected to use. */
#define CANCEL_PART 4
/* Orders are left so small a part of a limit at most: it may turn out that nobody wanted it. */
#define KEPT_MOST_PART 200
/* For such a part of the time that all ceilings are open what is larger than what is kept comes
 * after what is not. */
#define LARGE_PART 8

/* A limit that a word cannot hold is as good as the most that it can. */
static uint32_t cut(uint32_t limit)
{
        return limit < WINDOW_AMOUNT_MAX ? limit : WINDOW_AMOUNT_MAX;
}

static uint32_t charge_amount(const struct limiter_charge *charge, uint32_t span_ms)
{
        for (size_t i = 0; i < ARRAY_SIZE(charge->special); ++i)
                if (charge->special[i].span_ms == span_ms && span_ms != 0)
                        return charge->special[i].amount;
        return charge->amount;
}

/* Two charges in one budget are one take: separately each might fit, and never both. */
static struct limiter_take *take_of(struct limiter_ticket *ticket, const struct slot *slot)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i)
                if (ticket->takes[i].window.slot == slot)
                        return &ticket->takes[i];
        return NULL;
}

int takes_list(struct limiter *l, const struct limiter_request *request,
               struct limiter_ticket *ticket)
{
        const struct region *shared = lease_region(l->region);

        for (unsigned c = 0; c < request->n_charges; ++c) {
                const struct limiter_charge *charge = &request->charges[c];

                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        uint64_t window = pool_window(l->region, charge->pool, i);
                        uint32_t span_ms = (uint32_t)(window >> 32), limit = (uint32_t)window;
                        struct limiter_take *take;
                        struct slot *slot;
                        uint32_t amount;

                        if (span_ms == 0)
                                continue;
                        amount = charge_amount(charge, span_ms);
                        if (amount == 0)
                                continue;
                        slot = slot_find(l->region, charge->pool, charge->owner, span_ms, true);
                        if (!slot)
                                return -ENOSPC;
                        take = take_of(ticket, slot);
                        if (take) {
                                take->amount = amount < UINT32_MAX - take->amount
                                                       ? take->amount + amount
                                                       : UINT32_MAX;
                                continue;
                        }
                        if (ticket->n_takes == LIMITER_TAKES)
                                return -ENOSPC;
                        take = &ticket->takes[ticket->n_takes++];
                        *take = (struct limiter_take){
                                .window = { slot, span_ms, cut(limit), shared },
                                .owner = charge->owner,
                                .amount = amount,
                                .pool = charge->pool,
                                .has_ceilings = charge->has_ceilings,
                        };
                }
        }
        return 0;
}

bool takes_can_be_told(const struct limiter_ticket *ticket, uint32_t guard_ms)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i)
                if (UNLIKELY(guard_ms > window_guard_most(ticket->takes[i].window.span_ms)))
                        return false;
        return true;
}

bool takes_renew_limits(const struct limiter *l, struct limiter_ticket *ticket)
{
        const struct region *shared = lease_region(l->region);

        for (unsigned t = 0; t < ticket->n_takes; ++t) {
                struct limiter_take *take = &ticket->takes[t];
                uint32_t limit = pool_limit(l->region, take->pool, take->window.span_ms);

                take->window.shared = shared;
                if (limit > 0)
                        take->window.limit = cut(limit);
                else if (pool_has_windows(l->region, take->pool))
                        return false;
        }
        return true;
}

bool takes_are_never(struct limiter_ticket *ticket)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                if (ticket->takes[i].amount > ticket->takes[i].window.limit) {
                        takes_block(ticket, ticket->takes[i].pool);
                        return true;
                }
        }
        return false;
}

void takes_block(struct limiter_ticket *ticket, uint16_t pool)
{
        ticket->blocker = BLOCKED_BY_POOL;
        ticket->blocked_by = pool;
}

uint64_t takes_shut_until(struct limiter_ticket *ticket, uint64_t now_ms)
{
        uint64_t until_ms = now_ms;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                uint64_t shut_ms =
                        atomic_load_explicit(&ticket->takes[i].window.slot->shut_until_ms,
                                             memory_order_relaxed);

                if (shut_ms > until_ms) {
                        until_ms = shut_ms;
                        takes_block(ticket, ticket->takes[i].pool);
                }
        }
        return until_ms;
}

/* Of a budget that is shared with other hosts nobody but the store can tell others from strangers:
 * it keeps free what those will use. */
static bool has_strangers(const struct limiter_take *take)
{
        return strangers_are_known(take->window.slot) && !take->window.shared;
}

/*
 * What of a window is for us. Cancels and what closes use a part of what is kept for strangers:
 * they are few, and cannot wait.
 */
static uint32_t ours_of(const struct limiter_take *take, enum weir_class class, uint64_t number,
                        uint64_t at_ms)
{
        uint32_t expected;

        if (UNLIKELY(take->window.shared != NULL))
                return lease_cap(&take->window, number, at_ms);
        expected = strangers_expected(&take->window, number, at_ms);
        if (UNLIKELY(expected > 0) && class == CLASS_CANCEL)
                expected /= CANCEL_PART;
        return take->window.limit - expected;
}

/* What leaves later than the lead before the turn is charged to both windows. */
static struct ceiling_window window_of(const struct limiter_take *take, uint32_t limit,
                                       uint32_t guard_ms)
{
        return (struct ceiling_window){
                .limit = limit,
                .span_ms = take->window.span_ms,
                .lead_ms = trip_most_ms(take->window.slot) + guard_ms + LEAD_MORE_MS,
        };
}

/* How long window @number of @take still lasts at @at_ms. */
static uint64_t rest_of(const struct limiter_take *take, uint64_t number, uint64_t at_ms)
{
        uint64_t turn_ms = (number + 1) * take->window.span_ms;

        return at_ms < turn_ms ? turn_ms - at_ms : 0;
}

void take_note_order(const struct limiter_take *take, uint64_t left_ms, uint32_t guard_ms)
{
        struct ceiling_window w = window_of(take, take->window.limit, guard_ms);

        if (take->has_ceilings)
                orders_note(take->window.slot, take->number, take->amount,
                            rest_of(take, take->number, left_ms), w.lead_ms);
}

/* Whether @used is so near to the limit that it may not be for all. */
static bool may_be_kept(uint32_t limit, uint64_t used)
{
        return used + limit / 16 + 1 >= limit;
}

static uint32_t most_kept(uint32_t limit)
{
        return limit < KEPT_MOST_PART ? 1 : limit / KEPT_MOST_PART;
}

/*
 * What is kept for strangers is more than for orders, and cancels may use a part of it. Once all
 * are open a request that is larger than what is kept may have it too, after those that are not;
 * where orders are there, only if much would lie idle else: or each would leave them less and less.
 * *ret_is_wanted: orders were seen of late, and are to find it.
 */
static uint32_t kept_of(const struct limiter_take *take, const struct ceilings *c,
                        enum weir_class class, uint64_t number, uint64_t at_ms,
                        const struct ceiling_window *w, bool *ret_is_wanted)
{
        uint64_t rest_ms = rest_of(take, number, at_ms);
        uint32_t most = most_kept(w->limit), kept, want;

        if (has_strangers(take) || c->pct[class] == 100)
                return 0;
        kept = ceiling_kept(c, class, w->limit);
        want = class <= CLASS_ORDER
                       ? 0
                       : orders_want(take->window.slot, number, most, rest_ms, w->lead_ms);
        *ret_is_wanted = want > 0;
        if (want > kept)
                kept = want;
        if (take->amount <= kept || (want > 0 && rest_ms + w->lead_ms / LARGE_PART > w->lead_ms))
                return kept;
        if (want == 0)
                return 0;
        /* So much and no more may lie idle because it is refused what is there. */
        if (take->amount >= most)
                return 0;
        return take->amount + kept <= most ? kept : most - take->amount;
}

/* Orders' own ceiling may still be below the limit: kept is below that. */
static uint32_t less_kept(const struct limiter_take *take, const struct ceilings *c,
                          enum weir_class class, uint64_t number, uint64_t at_ms,
                          const struct ceiling_window *w, uint32_t ceiling)
{
        uint64_t turn_ms = number * take->window.span_ms;
        bool is_wanted = false;
        uint32_t kept = kept_of(take, c, class, number, at_ms, w, &is_wanted);
        uint32_t most =
                is_wanted ? ceiling_at(c, CLASS_ORDER, *w, at_ms > turn_ms ? at_ms - turn_ms : 0)
                          : w->limit;

        return most > kept + ceiling ? ceiling : most > kept ? most - kept : 0;
}

/*
 * What was carried into a window is in the way until a header of one that left in it proves that it
 * is not counted there. While none has left nothing can be proved, and where what was carried is
 * more than all shares nobody would leave before the ceilings open: so the first one may have what
 * the limit leaves.
 */
static bool wants_news(const struct limiter_take *take, uint64_t number)
{
        struct window_view view;

        /* Where others are the shares are what one of their bursts finds still free. */
        if (has_strangers(take))
                return false;
        window_look(&take->window, number, &view);
        return view.spent == view.held && view.extra > view.foreign;
}

uint32_t take_ceiling(const struct limiter_take *take, const struct ceilings *c,
                      enum weir_class class, uint64_t number, uint64_t at_ms, uint32_t guard_ms)
{
        uint64_t turn_ms = number * take->window.span_ms;
        uint32_t limit = ours_of(take, class, number, at_ms), ceiling;
        struct ceiling_window w;

        if (!take->has_ceilings)
                return limit;
        w = window_of(take, limit, guard_ms);
        ceiling = wants_news(take, number)
                          ? limit
                          : ceiling_at(c, class, w, at_ms > turn_ms ? at_ms - turn_ms : 0);
        if (may_be_kept(limit, ceiling))
                ceiling = less_kept(take, c, class, number, at_ms, &w, ceiling);
        /* What alone is above its class' share may still have a window that is otherwise empty. */
        if (ceiling < take->amount)
                ceiling = take->window.shared && limit < take->amount ? limit : take->amount;
        return ceiling;
}

/* What is kept for strangers and orders, and the ceiling, are only ever in the way less as time
 * goes by. */
static uint64_t melts_ms(const struct limiter_take *take, const struct ceilings *c,
                         enum weir_class class, uint64_t number, uint64_t used,
                         struct limiter_time time)
{
        uint64_t early_ms = time.now_ms, late_ms = (number + 1) * take->window.span_ms - 1;

        if (early_ms >= late_ms ||
            take_ceiling(take, c, class, number, late_ms, time.guard_ms) < used)
                return UINT64_MAX;
        while (late_ms - early_ms > 1) {
                uint64_t middle_ms = early_ms + (late_ms - early_ms) / 2;

                if (take_ceiling(take, c, class, number, middle_ms, time.guard_ms) < used)
                        early_ms = middle_ms;
                else
                        late_ms = middle_ms;
        }
        return late_ms;
}

uint64_t take_reaches_ms(const struct limiter_take *take, const struct ceilings *c,
                         enum weir_class class, uint64_t number, uint64_t used,
                         struct limiter_time time)
{
        uint32_t limit = lease_cap(&take->window, number, time.now_ms);
        uint64_t into_ms = 0;

        if (UNLIKELY(has_strangers(take)) ||
            (take->has_ceilings && used > take->amount &&
             (may_be_kept(limit, used) || wants_news(take, number))))
                return melts_ms(take, c, class, number, used, time);
        if (used > take->amount && take->has_ceilings)
                into_ms = ceiling_reaches(c, class, window_of(take, limit, time.guard_ms), used);
        else if (used > limit)
                into_ms = UINT64_MAX;
        return into_ms == UINT64_MAX ? UINT64_MAX : number * take->window.span_ms + into_ms;
}

bool take_fits_now(const struct limiter_take *take, const struct ceilings *c, enum weir_class class,
                   uint64_t number, struct limiter_time time)
{
        return (uint64_t)window_used(&take->window, number, true) + take->amount <=
                       take_ceiling(take, c, class, number, time.now_ms, time.guard_ms) &&
               window_holds(&take->window, number, take->amount, time.now_ms, time.guard_ms);
}

bool takes_note_hunger(const struct limiter_ticket *ticket, const struct ceilings *c,
                       struct limiter_time time, uint16_t *ret_pool)
{
        bool is_hungry = false;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                struct window whole = take->window;
                uint64_t n = window_number(whole.span_ms, time.now_ms, time.guard_ms);

                whole.shared = NULL;
                if (LIKELY(!take->window.shared) ||
                    take_fits_now(take, c, ticket->class, n, time) ||
                    !window_holds(&whole, n, take->amount, time.now_ms, time.guard_ms))
                        continue;
                lease_hunger(&take->window, n, take->amount, ticket->class <= CLASS_ORDER);
                *ret_pool = take->pool;
                is_hungry = true;
        }
        return is_hungry;
}

void takes_give_back(struct limiter_ticket *ticket, unsigned n, bool flew)
{
        /* In reverse of taking: who reads in between sees too much spent, never too little. */
        while (n-- > 0) {
                struct limiter_take *take = &ticket->takes[n];

                window_give_back(&take->window, take->number, take->amount, flew);
        }
}

int takes_take(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t at_ms, bool fly,
               struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];
                int r;

                take->number = window_number(take->window.span_ms, at_ms, time.guard_ms);
                r = window_take(&take->window, take->number, take->amount,
                                take_ceiling(take, c, ticket->class, take->number, at_ms,
                                             time.guard_ms),
                                fly, &take->place);
                if (r != WINDOW_TAKEN) {
                        takes_give_back(ticket, i, fly);
                        return r;
                }
        }
        return WINDOW_TAKEN;
}

void takes_unfly(struct limiter_ticket *ticket, unsigned n)
{
        while (n-- > 0)
                window_unfly(&ticket->takes[n].window, ticket->takes[n].number,
                             ticket->takes[n].amount);
}

bool takes_hold(const struct limiter_ticket *ticket, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];

                if (!window_holds(&take->window, take->number, 0, time.now_ms, time.guard_ms))
                        return false;
        }
        return true;
}

int takes_fly(struct limiter_ticket *ticket, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];

                if (!window_fly(&take->window, take->number, &take->place)) {
                        takes_unfly(ticket, i);
                        return LIMITER_LOST;
                }
        }
        if (takes_hold(ticket, time))
                return LIMITER_GO;
        takes_unfly(ticket, ticket->n_takes);
        return LIMITER_WAIT;
}

uint64_t takes_good_until(const struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t until_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t end_ms = window_holds_until(take->window.span_ms, take->number,
                                                     time.now_ms, time.guard_ms);
                uint64_t share_ms = lease_until_ms(&take->window, take->number);

                if (UNLIKELY(share_ms < end_ms + time.guard_ms))
                        end_ms = share_ms - time.guard_ms;
                until_ms = end_ms < until_ms ? end_ms : until_ms;
        }
        return until_ms;
}

uint64_t takes_close_ms(const struct limiter_ticket *ticket, uint32_t guard_ms)
{
        uint64_t first_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t end_ms = window_opens_ms(take->window.span_ms, take->number + 1, guard_ms);

                first_ms = end_ms < first_ms ? end_ms : first_ms;
        }
        return first_ms;
}

uint64_t takes_turn_ms(const struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t first_ms = ticket->at_ms;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                uint32_t span = ticket->takes[i].window.span_ms;
                uint64_t number = window_number(span, time.now_ms, time.guard_ms);
                uint64_t turn_ms = window_opens_ms(span, number + 1, time.guard_ms);

                first_ms = turn_ms < first_ms ? turn_ms : first_ms;
        }
        return first_ms;
}
