#include "core/takes.h"

#include "core/alone.h"
#include "core/lease.h"
#include "core/pool.h"
#include "core/slot.h"

#include <errno.h>

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
                        uint32_t span_ms = region_window_span(window);
                        uint32_t limit = region_window_limit(window);
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

bool take_fits_now(const struct limiter_take *take, const struct ceilings *c, enum weir_class class,
                   uint64_t number, struct limiter_time time)
{
        uint64_t used = (uint64_t)window_used(&take->window, number, true) + take->amount;

        return used <= take_ceiling(take, c, class, number, time.now_ms, time.guard_ms) &&
               window_holds(&take->window, number, take->amount, time.now_ms, time.guard_ms) &&
               !(alone_must(take, c, class, number, used, time) && alone_waits(take, number, time));
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

/* Whether @take may be sent now as far as others on their way go. *ret_must: it must be alone. */
static bool may_leave(const struct limiter_take *take, const struct ceilings *c,
                      enum weir_class class, struct limiter_time time, bool *ret_must,
                      bool *ret_is_over)
{
        uint64_t used = (uint64_t)window_used(&take->window, take->number, true) + take->amount -
                        take->kept;

        *ret_must = alone_must(take, c, class, take->number, used, time);
        return !*ret_must || alone_claim(take, take->number, time, ret_is_over);
}

int takes_take(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t at_ms, bool fly,
               struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];
                bool must = false, is_over = false;
                int r = WINDOW_FULL;

                take->number = window_number(take->window.span_ms, at_ms, time.guard_ms);
                if (!fly || may_leave(take, c, ticket->class, time, &must, &is_over))
                        r = window_take(&take->window, take->number, take->amount,
                                        take->kept + take_ceiling(take, c, ticket->class,
                                                                  take->number, at_ms,
                                                                  time.guard_ms),
                                        fly, &take->place);
                /* Another one was as quick. */
                if (r == WINDOW_TAKEN && must && !is_over && take->place.flying > 0) {
                        takes_give_back(ticket, i + 1, fly);
                        return WINDOW_FULL;
                }
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
