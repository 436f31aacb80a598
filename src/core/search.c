#include "core/search.h"

/* Several windows push each other's time forward; more rounds than windows ahead are never needed.
 */
#define ROUNDS 16

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
                bool fits = at_ms <= time.now_ms ? take_fits_now(take, c, class, n, time)
                                                 : (uint64_t)window_used(&take->window, n, false) +
                                                                   take->amount <=
                                                           take_ceiling(take, c, class, n, at_ms);

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

uint64_t search_opens_ms(const struct limiter_ticket *ticket, const struct ceilings *c,
                         bool is_held, struct limiter_time time)
{
        uint64_t at_ms = time.now_ms + 1;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span = take->window.span_ms;
                uint64_t n = window_number(span, time.now_ms, time.guard_ms);
                uint64_t used = (uint64_t)window_used(&take->window, n, true) + take->amount,
                         into_ms;

                if (is_held && n == take->number)
                        used -= take->amount;
                into_ms = used <= take->amount         ? 0
                          : take->has_ceilings         ? ceiling_reaches(c, ticket->class,
                                                                         take->window.limit, span, used)
                          : used <= take->window.limit ? 0
                                                       : UINT64_MAX;
                if (into_ms == UINT64_MAX)
                        return 0;
                if (n * span + into_ms > at_ms)
                        at_ms = n * span + into_ms;
        }
        return at_ms < ticket->at_ms ? at_ms : 0;
}
