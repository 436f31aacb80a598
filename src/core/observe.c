/*
 * What the exchange's answers teach: a ticket's places land, usage that headers report is compared
 * with our books. Books are raised on the spot. They are lowered only where a count falls by
 * itself, to what the header leaves possible.
 */
#include "core/front.h"
#include "core/lease.h"
#include "core/limiter.h"
#include "core/pool.h"
#include "core/slot.h"
#include "core/strangers.h"
#include "core/takes.h"
#include "core/trip.h"

static const struct limiter_news *news_for(const struct limiter_take *take,
                                           const struct limiter_news *news, size_t n)
{
        for (size_t i = 0; i < n; ++i)
                if (news[i].pool == take->pool && news[i].owner == take->owner &&
                    news[i].span_ms == take->window.span_ms)
                        return &news[i];
        return NULL;
}

/*
 * A header speaks of the window in which its request was counted. That is certain only if the
 * answer came before our window, guard included, was over.
 */
static bool news_is_of(uint64_t number, uint32_t span_ms, struct limiter_time time)
{
        return (time.now_ms + time.guard_ms) / span_ms == number;
}

static uint64_t minus_ms(uint64_t a, uint64_t b)
{
        return a > b ? a - b : 0;
}

/* What @about says of window @number. Return: as window_observe(). */
static uint32_t hear(const struct window *w, uint64_t number, const struct limiter_news *about,
                     struct limiter_time time, uint32_t *ret_foreign)
{
        uint32_t more = window_observe(w, number, about->used, ret_foreign);

        /* A count that falls by itself also rises by itself: nobody else need be there. Of a shared
         * budget other hosts are seen too. */
        if (!about->may_fall && !w->shared)
                strangers_note(w, number, about->used, more, time.now_ms);
        return more;
}

/*
 * So much longer than most trips, and twice as long: it was held up on its way, and what was held
 * up arrives at once. That was more at a time than the front let through, so less follows it.
 */
#define HELD_UP_MS 500

static bool was_held_up(const struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t most_ms = ticket->n_takes > 0 ? trip_most_ms(ticket->takes[0].window.slot) : 0;

        return most_ms > 0 && minus_ms(time.now_ms, ticket->at_ms) > 2 * most_ms + HELD_UP_MS;
}

void limiter_land(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time,
                  uint16_t refund_pool, uint32_t refund, const struct limiter_news *news, size_t n,
                  uint32_t *ret_foreign)
{
        uint32_t foreign = 0;

        must(ticket->state == TICKET_FLYING);
        if (UNLIKELY(was_held_up(ticket, time)))
                front_charge(l->region->header, l->egress, ticket->front, time.now_ms);
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];
                const struct limiter_news *about = news_for(take, news, n);
                uint32_t back = take->pool == refund_pool && refund < take->amount ? refund
                                : take->pool == refund_pool && refund > 0          ? take->amount
                                                                                   : 0;
                bool is_certain = about && news_is_of(take->number, take->window.span_ms, time);

                /* Before landing: what we hold for it is still in the books, so it is not foreign.
                 */
                if (is_certain && hear(&take->window, take->number, about, time, &foreign) > 0 &&
                    ret_foreign)
                        *ret_foreign = foreign;
                if (is_certain && about->may_fall && !take->window.shared &&
                    window_believe(&take->window, take->number, &take->place, about->used))
                        back = 0;
                /* A count that falls by itself proves nothing. */
                if (is_certain && !about->may_fall)
                        window_relieve(&take->window, take->number, &take->place, back,
                                       about->used);
                /* One of eight keeps the word from going to and fro between processors. */
                if ((take->place.sent & 7) == 0 || trip_most_ms(take->window.slot) == 0)
                        trip_note(take->window.slot, minus_ms(time.now_ms, ticket->at_ms));
                if (ticket->class <= CLASS_ORDER)
                        take_note_order(take, ticket->at_ms, time.guard_ms);
                /* Nobody knows in which window it was: it stays in flight, and counts in all. */
                if (UNLIKELY(time.guard_ms > window_guard_most(take->window.span_ms)))
                        continue;
                window_land(&take->window, take->number, take->amount, back, time.now_ms,
                            time.guard_ms);
        }
        ticket->state = TICKET_EMPTY;
}

bool limiter_observe(struct limiter *l, const struct limiter_news *news, uint64_t sent_ms,
                     struct limiter_time time, uint32_t *ret_foreign)
{
        uint32_t limit = pool_limit(l->region, news->pool, news->span_ms);
        struct window w = { NULL, news->span_ms, limit, lease_region(l->region) };
        uint64_t number;

        if (limit == 0)
                return false;
        number = window_number(w.span_ms, sent_ms, time.guard_ms);
        if (!news_is_of(number, w.span_ms, time))
                return false;
        w.slot = slot_find(l->region, news->pool, news->owner, w.span_ms, true);
        return w.slot && hear(&w, number, news, time, ret_foreign) > 0;
}
