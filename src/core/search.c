#include "core/search.h"

#include "core/alone.h"

/* Several windows push each other's time forward; more rounds than windows ahead are never needed.
 */
#define ROUNDS 16
/* Into so many parts of a window the wait for a ceiling is cut. */
#define LOOKS 16

/* When window @number of @take comes within reach. */
static uint64_t reaches_ms(const struct limiter_take *take, uint64_t number, uint32_t guard_ms)
{
        uint64_t ahead = window_ahead(take->window.span_ms);

        return window_opens_ms(take->window.span_ms, number > ahead ? number - ahead : 0, guard_ms);
}

/* Moves @search to the earliest time from where it is at which @take fits. */
static void search_take(struct search *search, const struct limiter_take *take,
                        const struct ceilings *c, enum weir_class class, struct limiter_time time)
{
        uint32_t span = take->window.span_ms;
        uint64_t last = window_number(span, time.now_ms, time.guard_ms) + window_ahead(span);
        uint64_t shut_ms =
                atomic_load_explicit(&take->window.slot->shut_until_ms, memory_order_relaxed);
        uint64_t again_ms, n;

        if (search->at_ms < shut_ms)
                search->at_ms = shut_ms;
        for (n = window_number(span, search->at_ms, time.guard_ms); n <= last; ++n) {
                uint64_t opens_ms = window_opens_ms(span, n, time.guard_ms);
                uint64_t at_ms = search->at_ms > opens_ms ? search->at_ms : opens_ms;
                bool fits =
                        at_ms <= time.now_ms
                                ? take_fits_now(take, c, class, n, time)
                                : (uint64_t)window_used(&take->window, n, false) + take->amount <=
                                          take_ceiling(take, c, class, n, at_ms, time.guard_ms);

                search->at_ms = at_ms;
                if (fits)
                        return;
        }
        /* Beyond what the ring holds: nothing can be taken there yet. */
        if (n == last + 1 && window_opens_ms(span, n, time.guard_ms) >= search->at_ms) {
                search->at_ms = window_opens_ms(span, n, time.guard_ms);
                search->is_full = true;
        }
        again_ms = reaches_ms(take, n, time.guard_ms);
        if (again_ms > search->again_ms)
                search->again_ms = again_ms;
}

struct search search_place(struct limiter_ticket *ticket, const struct ceilings *c,
                           uint64_t from_ms, struct limiter_time time)
{
        struct search search = { .at_ms = from_ms };

        for (int round = 0; round < ROUNDS; ++round) {
                uint64_t start_ms = search.at_ms;

                for (unsigned i = 0; i < ticket->n_takes; ++i) {
                        uint64_t before_ms = search.at_ms;

                        search_take(&search, &ticket->takes[i], c, ticket->class, time);
                        if (search.at_ms > before_ms)
                                takes_block(ticket, ticket->takes[i].pool);
                }
                if (search.at_ms == start_ms || search.again_ms > 0)
                        return search;
        }
        search.again_ms = time.now_ms + LIMITER_AGAIN_MS;
        return search;
}

/*
 * What is in the way may turn out not to be counted in this window: what still flies from the last
 * one, and what was carried. It is looked at again in the first three quarters of the window; after
 * that, smaller ones shall have what is there.
 */
static uint64_t perhaps_ms(const struct limiter_take *take, uint64_t number, uint64_t used,
                           struct limiter_time time)
{
        uint64_t again_ms = time.now_ms + LIMITER_AGAIN_MS;
        uint32_t span = take->window.span_ms;

        return used - window_others(&take->window, number) <= take->window.limit &&
                               again_ms < number * span + span / 4 * 3
                       ? again_ms
                       : UINT64_MAX;
}

uint64_t search_opens_ms(const struct limiter_ticket *ticket, const struct ceilings *c,
                         bool is_held, struct limiter_time time)
{
        uint64_t at_ms = time.now_ms + 1, look_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span = take->window.span_ms;
                uint64_t again_ms = time.now_ms + LIMITER_AGAIN_MS + span / LOOKS;
                uint64_t n = window_number(span, time.now_ms, time.guard_ms);
                uint64_t used = (uint64_t)window_used(&take->window, n, true) + take->amount;
                uint64_t opens_ms;

                if (is_held && n == take->number)
                        used -= take->amount;
                opens_ms = take_reaches_ms(take, c, ticket->class, n, used, time);
                if (opens_ms == UINT64_MAX)
                        opens_ms = perhaps_ms(take, n, used, time);
                if (opens_ms == UINT64_MAX)
                        return 0;
                if (alone_must(take, c, ticket->class, n, used, time) &&
                    alone_waits(take, n, time) && alone_again_ms(take, time) > opens_ms)
                        opens_ms = alone_again_ms(take, time);
                if (opens_ms > at_ms)
                        at_ms = opens_ms;
                if (again_ms < look_ms)
                        look_ms = again_ms;
        }
        if (at_ms >= ticket->at_ms)
                return 0;
        /* By then others may have used what it hopes for, and those behind it should know. */
        return at_ms < look_ms ? at_ms : look_ms;
}
