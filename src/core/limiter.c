#include "core/limiter.h"
#include "core/bucket.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <xxhash.h>
#pragma GCC diagnostic pop

/* Places a key may be away from where it belongs; beyond it the table counts as full. */
#define PROBES 64
/* Reservations lost to others before we say that it is crowded. */
#define ATTEMPTS 8
/* Several windows push each other's time forward; more rounds than windows ahead are never needed.
 */
#define ROUNDS 16
/* When nothing tells us when there may be room again. */
#define AGAIN_MS 50

static uint64_t slot_key(uint16_t pool, uint64_t owner, uint32_t span_ms)
{
        uint64_t words[2] = { owner, (uint64_t)pool << 32 | span_ms };
        uint64_t key = XXH3_64bits(words, sizeof(words));

        return key ? key : 1;
}

/* The slot of a budget, claimed if @claim. NULL: not there, or no room. */
static struct slot *slot_find(const struct region *region, uint16_t pool, uint64_t owner,
                              uint32_t span_ms, bool claim)
{
        uint64_t key = slot_key(pool, owner, span_ms);

        for (uint64_t i = 0; i < PROBES; ++i) {
                struct slot *slot = &region->slots[(key + i) % REGION_SLOTS];
                uint64_t seen = atomic_load_explicit(&slot->key, memory_order_acquire);

                if (seen == 0 && claim &&
                    atomic_compare_exchange_strong_explicit(&slot->key, &seen, key,
                                                            memory_order_acq_rel,
                                                            memory_order_acquire)) {
                        atomic_store_explicit(&slot->pool_span, (uint64_t)pool << 32 | span_ms,
                                              memory_order_relaxed);
                        atomic_store_explicit(&slot->owner, owner, memory_order_relaxed);
                        return slot;
                }
                if (seen == key)
                        return slot;
                if (seen == 0)
                        return NULL;
        }
        return NULL;
}

static uint64_t pool_window(const struct region *region, uint16_t pool, size_t i)
{
        must(pool < REGION_POOLS);
        return atomic_load_explicit(&region->header->pools[pool][i], memory_order_relaxed);
}

static uint32_t charge_amount(const struct limiter_charge *charge, uint32_t span_ms)
{
        for (size_t i = 0; i < ARRAY_SIZE(charge->special); ++i)
                if (charge->special[i].span_ms == span_ms && span_ms != 0)
                        return charge->special[i].amount;
        return charge->amount;
}

/* Spells out which windows the request touches. Return: 0, -ENOSPC. */
static int list_takes(struct limiter *l, const struct limiter_request *request,
                      struct limiter_ticket *ticket)
{
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
                        if (!slot || ticket->n_takes == LIMITER_TAKES)
                                return -ENOSPC;
                        take = &ticket->takes[ticket->n_takes++];
                        *take = (struct limiter_take){
                                .window = { slot, span_ms,
                                            limit < WINDOW_AMOUNT_MAX ? limit : WINDOW_AMOUNT_MAX },
                                .amount = amount,
                                .pool = charge->pool,
                                .has_ceilings = charge->has_ceilings,
                        };
                }
        }
        return 0;
}

static struct ceilings ceilings_now(const struct limiter *l)
{
        return ceilings_unpack(
                atomic_load_explicit(&l->region->header->ceilings, memory_order_relaxed));
}

/* What @take's class may use of its window at @at_ms, given that the window is @number. */
static uint32_t take_ceiling(const struct limiter_take *take, const struct ceilings *c,
                             enum weir_class class, uint64_t number, uint64_t at_ms)
{
        uint64_t turn_ms = number * take->window.span_ms;
        uint32_t ceiling;

        if (!take->has_ceilings)
                return take->window.limit;
        ceiling = ceiling_at(c, class, take->window.limit, take->window.span_ms,
                             at_ms > turn_ms ? at_ms - turn_ms : 0);
        /* What alone is above its class' share may still have a window that is otherwise empty. */
        return ceiling > take->amount ? ceiling : take->amount;
}

/*
 * The earliest time from @from_ms on at which @take fits, looking at most RING_AHEAD windows
 * beyond the one of now. Return: that time, or UINT64_MAX.
 */
static uint64_t take_earliest(const struct limiter_take *take, const struct ceilings *c,
                              enum weir_class class, uint64_t from_ms, struct limiter_time time)
{
        uint32_t span = take->window.span_ms;
        uint64_t last = window_number(span, time.now_ms, time.guard_ms) + RING_AHEAD;
        uint64_t shut_ms =
                atomic_load_explicit(&take->window.slot->shut_until_ms, memory_order_relaxed);

        if (from_ms < shut_ms)
                from_ms = shut_ms;
        for (uint64_t n = window_number(span, from_ms, time.guard_ms); n <= last; ++n) {
                uint64_t opens_ms = window_opens_ms(span, n, time.guard_ms);
                uint64_t at_ms = from_ms > opens_ms ? from_ms : opens_ms;

                if ((uint64_t)window_used(&take->window, n, at_ms <= time.now_ms) + take->amount <=
                    take_ceiling(take, c, class, n, at_ms))
                        return at_ms;
        }
        return UINT64_MAX;
}

/* The earliest time at which all takes fit at once. Return: UINT64_MAX if none in the ring. */
static uint64_t all_earliest(struct limiter_ticket *ticket, const struct ceilings *c,
                             struct limiter_time time)
{
        uint64_t at_ms = time.now_ms;

        for (int round = 0; round < ROUNDS; ++round) {
                uint64_t start_ms = at_ms;

                for (unsigned i = 0; i < ticket->n_takes; ++i) {
                        uint64_t t =
                                take_earliest(&ticket->takes[i], c, ticket->class, at_ms, time);

                        if (t > at_ms)
                                ticket->blocked_by = ticket->takes[i].pool;
                        if (t == UINT64_MAX)
                                return t;
                        at_ms = t;
                }
                if (at_ms == start_ms)
                        return at_ms;
        }
        return UINT64_MAX;
}

static void give_back(struct limiter_ticket *ticket, unsigned n, bool flew)
{
        /* In reverse of taking: who reads in between sees too much spent, never too little. */
        while (n-- > 0) {
                struct limiter_take *take = &ticket->takes[n];

                window_give_back(&take->window, take->number, take->amount, flew);
        }
}

/* Return: WINDOW_TAKEN for all, WINDOW_FULL with nothing taken, -ESTALE likewise. */
static int take_all(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t at_ms,
                    bool fly, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];
                int r;

                take->number = window_number(take->window.span_ms, at_ms, time.guard_ms);
                r = window_take(&take->window, take->number, take->amount,
                                take_ceiling(take, c, ticket->class, take->number, at_ms), fly,
                                &take->position, &take->alone);
                if (r != WINDOW_TAKEN) {
                        give_back(ticket, i, fly);
                        return r;
                }
        }
        return WINDOW_TAKEN;
}

/* Until when all windows of the ticket are still the ones it was charged to. */
static uint64_t good_until(const struct limiter_ticket *ticket, uint32_t guard_ms)
{
        uint64_t until_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t end_ms = window_opens_ms(take->window.span_ms, take->number + 1, guard_ms);

                until_ms = end_ms < until_ms ? end_ms : until_ms;
        }
        return until_ms;
}

/*
 * When the ceilings of the windows of now will have opened far enough, if nobody above claims
 * the rest; 0 if that is not before the place that is held.
 */
static uint64_t opens_at(const struct limiter_ticket *ticket, const struct ceilings *c,
                         struct limiter_time time)
{
        uint64_t at_ms = time.now_ms + 1;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span = take->window.span_ms;
                uint64_t n = window_number(span, time.now_ms, time.guard_ms);
                uint64_t used = (uint64_t)window_used(&take->window, n, true) + take->amount,
                         into_ms;

                if (n == take->number)
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

static struct bucket bucket_of(struct limiter *l)
{
        uint64_t rate = atomic_load_explicit(&l->region->header->pacing_rate, memory_order_relaxed);

        return (struct bucket){ &l->region->header->pacing_full_us, (uint32_t)(rate >> 32),
                                (uint32_t)rate };
}

/*
 * Takes the pacing tokens of a ticket whose windows allow it now. Orders and what closes pay but
 * do not wait: an order never waits behind a poll. Return: when it may pass, exchange ms.
 */
static uint64_t pace(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct bucket b = bucket_of(l);
        uint64_t at_us;

        if (ticket->is_paced || ticket->pacing == 0 || b.rate_per_min == 0)
                return time.now_ms;
        ticket->is_paced = bucket_take(&b, ticket->pacing, time.now_ms * US_PER_MS,
                                       ticket->class > CLASS_ORDER, UINT64_MAX, &at_us);
        return (at_us + US_PER_MS - 1) / US_PER_MS;
}

static void unpace(struct limiter *l, struct limiter_ticket *ticket)
{
        struct bucket b = bucket_of(l);

        if (ticket->is_paced)
                bucket_give_back(&b, ticket->pacing);
        ticket->is_paced = false;
}

static int check_gates(struct limiter *l, struct limiter_ticket *ticket, uint64_t now_ms)
{
        unsigned gates[2] = { 0, ticket->gate };

        for (size_t i = 0; i < ARRAY_SIZE(gates); ++i)
                if (gate_check(limiter_gate(l, gates[i]), now_ms, &ticket->at_ms,
                               &ticket->shut_by) == GATE_SHUT)
                        return LIMITER_SHUT;
        return LIMITER_GO;
}

static bool is_never(struct limiter_ticket *ticket)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                if (ticket->takes[i].amount > ticket->takes[i].window.limit) {
                        ticket->blocked_by = ticket->takes[i].pool;
                        return true;
                }
        }
        return false;
}

/* When the ticket's budgets are no longer stopped, as far as the exchange said so. */
static uint64_t shut_until(struct limiter_ticket *ticket)
{
        uint64_t until_ms = 0;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                uint64_t shut_ms =
                        atomic_load_explicit(&ticket->takes[i].window.slot->shut_until_ms,
                                             memory_order_relaxed);

                if (shut_ms > until_ms) {
                        until_ms = shut_ms;
                        ticket->blocked_by = ticket->takes[i].pool;
                }
        }
        return until_ms;
}

/* All windows ahead are full: one more comes into reach when the one of now turns. */
static uint64_t reach_grows_ms(const struct limiter_ticket *ticket, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span = take->window.span_ms;

                if (take->pool == ticket->blocked_by)
                        return window_opens_ms(span,
                                               window_number(span, time.now_ms, time.guard_ms) + 1,
                                               time.guard_ms);
        }
        return time.now_ms + AGAIN_MS;
}

/* Places in all windows, now or at the earliest time to come. */
static int place(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t deadline_ms,
                 struct limiter_time time)
{
        for (int attempt = 0; attempt < ATTEMPTS; ++attempt) {
                uint64_t at_ms = all_earliest(ticket, c, time);
                int r;

                ticket->at_ms = at_ms;
                if (at_ms == UINT64_MAX) {
                        ticket->at_ms = reach_grows_ms(ticket, time);
                        return LIMITER_CROWDED;
                }
                if (at_ms >= deadline_ms)
                        return LIMITER_LATE;
                r = take_all(ticket, c, at_ms, at_ms <= time.now_ms, time);
                if (r < 0)
                        return r;
                if (r == WINDOW_TAKEN)
                        return at_ms <= time.now_ms ? LIMITER_GO : LIMITER_WAIT;
        }
        ticket->at_ms = time.now_ms + 1;
        return LIMITER_CROWDED;
}

/* Marks all windows of a held ticket as flying. Return: false when one is gone; then none is. */
static bool fly_all(struct limiter_ticket *ticket)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];

                if (!window_fly(&take->window, take->number, take->amount)) {
                        give_back(ticket, i, true);
                        for (unsigned k = i; k < ticket->n_takes; ++k)
                                window_give_back(&ticket->takes[k].window, ticket->takes[k].number,
                                                 ticket->takes[k].amount, false);
                        return false;
                }
                take->alone = false;
        }
        return true;
}

/* A placed ticket of which nothing is left: the caller reserves again. */
static void drop(struct limiter *l, struct limiter_ticket *ticket, bool flew)
{
        give_back(ticket, ticket->n_takes, flew);
        unpace(l, ticket);
        ticket->state = TICKET_EMPTY;
}

/* A ticket whose place is now: pacing decides between GO and a little later. */
static int release(struct limiter *l, struct limiter_ticket *ticket, bool flies,
                   struct limiter_time time)
{
        uint64_t at_ms = pace(l, ticket, time);

        ticket->good_until_ms = good_until(ticket, time.guard_ms);
        if (at_ms <= time.now_ms) {
                if (!flies && !fly_all(ticket)) {
                        unpace(l, ticket);
                        ticket->state = TICKET_EMPTY;
                        return LIMITER_LOST;
                }
                ticket->state = TICKET_FLYING;
                return LIMITER_GO;
        }

        /* The tokens come later: hold the windows' places, unless those will be gone by then. */
        if (at_ms >= ticket->good_until_ms || flies) {
                give_back(ticket, ticket->n_takes, flies);
                if (at_ms >= ticket->good_until_ms) {
                        unpace(l, ticket);
                        ticket->state = TICKET_EMPTY;
                        return LIMITER_LOST;
                }
                for (unsigned i = 0; i < ticket->n_takes; ++i) {
                        struct limiter_take *take = &ticket->takes[i];

                        if (window_take(&take->window, take->number, take->amount,
                                        take->window.limit, false, &take->position,
                                        &take->alone) != WINDOW_TAKEN) {
                                give_back(ticket, i, false);
                                unpace(l, ticket);
                                ticket->state = TICKET_EMPTY;
                                return LIMITER_LOST;
                        }
                }
        }
        ticket->at_ms = at_ms;
        ticket->state = TICKET_HELD;
        return LIMITER_WAIT;
}

int limiter_reserve(struct limiter *l, const struct limiter_request *request,
                    struct limiter_time time, struct limiter_ticket *ret_ticket)
{
        struct limiter_ticket *ticket = ret_ticket;
        struct ceilings c = ceilings_now(l);
        uint64_t shut_ms;
        int r;

        must(request->n_charges <= LIMITER_CHARGES && request->gate < REGION_GATES);
        ticket->state = TICKET_EMPTY;
        ticket->class = request->class;
        ticket->gate = request->gate;
        ticket->at_ms = ticket->try_ms = ticket->good_until_ms = 0;
        ticket->blocked_by = 0;
        ticket->pacing = request->pacing;
        ticket->is_paced = false;
        ticket->n_takes = 0;

        r = request->is_probe ? LIMITER_GO : check_gates(l, ticket, time.now_ms);
        if (r != LIMITER_GO)
                return r;
        r = list_takes(l, request, ticket);
        if (r < 0)
                return r;
        if (is_never(ticket))
                return LIMITER_NEVER;
        if (time.now_ms >= request->deadline_ms) {
                ticket->at_ms = time.now_ms;
                return LIMITER_LATE;
        }
        shut_ms = shut_until(ticket);
        if (shut_ms >= request->deadline_ms) {
                ticket->at_ms = shut_ms;
                return LIMITER_LATE;
        }
        r = place(ticket, &c, request->deadline_ms, time);
        if (r == LIMITER_GO) {
                r = release(l, ticket, true, time);
                if (r == LIMITER_WAIT && ticket->at_ms >= request->deadline_ms) {
                        drop(l, ticket, false);
                        return LIMITER_LATE;
                }
                if (r == LIMITER_LOST) {
                        ticket->at_ms = time.now_ms + AGAIN_MS;
                        return LIMITER_CROWDED;
                }
        } else if (r == LIMITER_WAIT) {
                ticket->state = TICKET_HELD;
                ticket->try_ms = opens_at(ticket, &c, time);
        }
        return r;
}

/*
 * May a held place be used now? It may while its position, and all that others may have used in
 * this window, is under the ceiling. Return: GO; WAIT: requests of the last window are still
 * unanswered, soon; LOST: somebody else's use has taken the place.
 */
static int check_place(const struct limiter_ticket *ticket, const struct ceilings *c,
                       struct limiter_time time)
{
        int answer = LIMITER_GO;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t number = window_number(take->window.span_ms, time.now_ms, time.guard_ms);
                uint32_t ceiling = take_ceiling(take, c, ticket->class, number, time.now_ms);
                struct window_view view;

                if (number != take->number)
                        return LIMITER_LOST;
                if ((uint64_t)take->position + window_others(&take->window, number) <= ceiling)
                        continue;
                window_look(&take->window, number, &view);
                if ((uint64_t)take->position + view.extra > ceiling)
                        return LIMITER_LOST;
                answer = LIMITER_WAIT;
        }
        return answer;
}

int limiter_confirm(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct ceilings c = ceilings_now(l);
        int r;

        must(ticket->state == TICKET_HELD);
        if (time.now_ms < ticket->at_ms)
                return LIMITER_WAIT;
        r = check_gates(l, ticket, time.now_ms);
        if (r == LIMITER_GO)
                r = check_place(ticket, &c, time);
        switch (r) {
        case LIMITER_GO:
                return release(l, ticket, false, time);
        case LIMITER_WAIT:
                ticket->at_ms = time.now_ms + 2;
                return r;
        default:
                drop(l, ticket, false);
                return r;
        }
}

void limiter_refund(struct limiter *l, struct limiter_ticket *ticket)
{
        if (ticket->state == TICKET_EMPTY)
                return;
        drop(l, ticket, ticket->state == TICKET_FLYING);
}

static const struct limiter_news *news_for(const struct limiter_take *take,
                                           const struct limiter_news *news, size_t n)
{
        for (size_t i = 0; i < n; ++i)
                if (news[i].pool == take->pool && news[i].span_ms == take->window.span_ms)
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

void limiter_land(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time,
                  uint16_t refund_pool, uint32_t refund, const struct limiter_news *news, size_t n,
                  uint32_t *ret_foreign)
{
        uint32_t foreign = 0;

        must(ticket->state == TICKET_FLYING);
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];
                const struct limiter_news *about = news_for(take, news, n);
                uint32_t back = take->pool == refund_pool && refund < take->amount ? refund
                                : take->pool == refund_pool && refund > 0          ? take->amount
                                                                                   : 0;
                bool is_certain = about && news_is_of(take->number, take->window.span_ms, time);

                /* Before landing: what we hold for it is still in the books, so it is not foreign.
                 */
                if (is_certain &&
                    window_observe(&take->window, take->number, about->used, &foreign) &&
                    ret_foreign)
                        *ret_foreign = foreign;
                if (is_certain && about->may_fall && take->alone &&
                    window_believe(&take->window, take->number, take->position, take->amount,
                                   about->used))
                        continue;
                window_land(&take->window, take->number, take->amount, back, time.now_ms,
                            time.guard_ms);
        }
        ticket->state = TICKET_EMPTY;
        (void)l;
}

bool limiter_observe(struct limiter *l, const struct limiter_news *news, uint64_t sent_ms,
                     struct limiter_time time, uint32_t *ret_foreign)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint64_t window = pool_window(l->region, news->pool, i);
                uint32_t span_ms = (uint32_t)(window >> 32);
                struct window w = { NULL, span_ms, (uint32_t)window };
                uint64_t number;

                if (span_ms == 0 || span_ms != news->span_ms)
                        continue;
                number = window_number(span_ms, sent_ms, time.guard_ms);
                if (!news_is_of(number, span_ms, time))
                        return false;
                w.slot = slot_find(l->region, news->pool, news->owner, span_ms, true);
                return w.slot && window_observe(&w, number, news->used, ret_foreign);
        }
        return false;
}

void limiter_abandon(struct limiter_ticket *ticket)
{
        ticket->state = TICKET_EMPTY;
}

void limiter_shut_pool(struct limiter *l, uint16_t pool, uint64_t owner, uint64_t until_ms)
{
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = (uint32_t)(pool_window(l->region, pool, i) >> 32);
                struct slot *slot;
                uint64_t seen;

                if (span_ms == 0)
                        continue;
                slot = slot_find(l->region, pool, owner, span_ms, true);
                if (!slot)
                        continue;
                seen = atomic_load_explicit(&slot->shut_until_ms, memory_order_relaxed);
                while (seen < until_ms &&
                       !atomic_compare_exchange_weak_explicit(&slot->shut_until_ms, &seen, until_ms,
                                                              memory_order_relaxed,
                                                              memory_order_relaxed))
                        ;
        }
}

void limiter_set_pool(struct limiter *l, uint16_t pool, const uint64_t windows[REGION_POOL_WINDOWS])
{
        must(pool < REGION_POOLS);
        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i)
                atomic_store_explicit(&l->region->header->pools[pool][i], windows[i],
                                      memory_order_relaxed);
}

uint64_t limiter_turn_ms(const struct limiter *l, uint16_t pool, struct limiter_time time)
{
        uint64_t turn_ms = UINT64_MAX;

        for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                uint32_t span_ms = (uint32_t)(pool_window(l->region, pool, i) >> 32);
                uint64_t end_ms;

                if (span_ms == 0)
                        continue;
                end_ms = (time.now_ms / span_ms + 1) * span_ms + time.guard_ms;
                turn_ms = end_ms < turn_ms ? end_ms : turn_ms;
        }
        return turn_ms == UINT64_MAX ? time.now_ms : turn_ms;
}

word_t *limiter_gate(struct limiter *l, unsigned gate)
{
        must(gate < REGION_GATES);
        return &l->region->header->gates[gate];
}

void limiter_set_ceilings(struct limiter *l, const struct ceilings *ceilings)
{
        atomic_store_explicit(&l->region->header->ceilings, ceilings_pack(ceilings),
                              memory_order_relaxed);
}

void limiter_set_pacing(struct limiter *l, uint32_t rate_per_min, uint32_t burst)
{
        atomic_store_explicit(&l->region->header->pacing_rate, (uint64_t)rate_per_min << 32 | burst,
                              memory_order_relaxed);
}

uint64_t limiter_owner(const struct limiter *l, const void *name, size_t n)
{
        uint64_t owner = XXH3_64bits_withSeed(name, n, l->region->header->seed);

        return owner ? owner : 1;
}

uint64_t region_hash(const void *meaning, size_t n)
{
        return XXH3_64bits(meaning, n);
}

void limiter_each_slot(const struct region *region, limiter_slot_fn fn, void *ctx)
{
        for (size_t i = 0; i < REGION_SLOTS; ++i) {
                struct slot *slot = &region->slots[i];
                uint64_t pool_span, pool;
                uint64_t limit = 0;

                if (atomic_load_explicit(&slot->key, memory_order_acquire) == 0)
                        continue;
                pool_span = atomic_load_explicit(&slot->pool_span, memory_order_relaxed);
                pool = pool_span >> 32;
                if (pool >= REGION_POOLS)
                        continue;
                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k) {
                        uint64_t window = pool_window(region, (uint16_t)pool, k);

                        if (window >> 32 == (uint32_t)pool_span)
                                limit = (uint32_t)window;
                }
                if (limit == 0)
                        continue;
                fn(ctx, &(struct window){ slot, (uint32_t)pool_span, (uint32_t)limit },
                   (uint16_t)pool, atomic_load_explicit(&slot->owner, memory_order_relaxed),
                   atomic_load_explicit(&slot->shut_until_ms, memory_order_relaxed));
        }
}
