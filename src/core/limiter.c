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
/* A held place that is not free yet: time in which others' answers are likely to come. */
#define CONFIRM_AGAIN_MS 2

static uint64_t slot_key(uint16_t pool, uint64_t owner, uint32_t span_ms)
{
        uint64_t words[2] = { owner, (uint64_t)pool << 32 | span_ms };
        uint64_t key = XXH3_64bits(words, sizeof(words));

        return key ? key : 1;
}

/* For people; again and again, in case the claimer was killed before it came to it. */
static void describe(struct slot *slot, uint16_t pool, uint64_t owner, uint32_t span_ms)
{
        if (LIKELY(atomic_load_explicit(&slot->pool_span, memory_order_relaxed) != 0))
                return;
        atomic_store_explicit(&slot->owner, owner, memory_order_relaxed);
        atomic_store_explicit(&slot->pool_span, (uint64_t)pool << 32 | span_ms,
                              memory_order_relaxed);
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
                                                            memory_order_acquire))
                        seen = key;
                if (seen == key) {
                        if (claim)
                                describe(slot, pool, owner, span_ms);
                        return slot;
                }
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

/* Two charges in one budget are one take: separately each might fit, and never both. */
static struct limiter_take *take_of(struct limiter_ticket *ticket, const struct slot *slot)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i)
                if (ticket->takes[i].window.slot == slot)
                        return &ticket->takes[i];
        return NULL;
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
                                .window = { slot, span_ms,
                                            limit < WINDOW_AMOUNT_MAX ? limit : WINDOW_AMOUNT_MAX },
                                .owner = charge->owner,
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

/* Whether @take may be sent at once, as far as the window of now and those beside it tell. */
static bool take_fits_now(const struct limiter_take *take, const struct ceilings *c,
                          enum weir_class class, uint64_t number, struct limiter_time time)
{
        return (uint64_t)window_used(&take->window, number, true) + take->amount <=
                       take_ceiling(take, c, class, number, time.now_ms) &&
               window_holds(&take->window, number, take->amount, time.now_ms, time.guard_ms);
}

/* What the search for a place has come to. */
struct search {
        uint64_t at_ms;    /* earliest time at which all fit */
        uint64_t again_ms; /* 0: at_ms is within reach; else when to search again */
        bool is_full;      /* all windows within reach are full: at_ms is when the first one beyond
                              opens */
};

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

/* The earliest time from @from_ms on at which all takes fit at once. */
static struct search search_all(struct limiter_ticket *ticket, const struct ceilings *c,
                                uint64_t from_ms, struct limiter_time time)
{
        struct search search = { .at_ms = from_ms };

        for (int round = 0; round < ROUNDS; ++round) {
                uint64_t start_ms = search.at_ms;

                for (unsigned i = 0; i < ticket->n_takes; ++i) {
                        uint64_t before_ms = search.at_ms;

                        search_take(&search, &ticket->takes[i], c, ticket->class, time);
                        if (search.at_ms > before_ms)
                                ticket->blocked_by = ticket->takes[i].pool;
                }
                if (search.at_ms == start_ms || search.again_ms > 0)
                        return search;
        }
        search.again_ms = time.now_ms + AGAIN_MS;
        return search;
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
                                &take->place);
                if (r != WINDOW_TAKEN) {
                        give_back(ticket, i, fly);
                        return r;
                }
        }
        return WINDOW_TAKEN;
}

/* True when all that the ticket released for sending may be counted now. */
static bool holds_all(const struct limiter_ticket *ticket, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];

                if (!window_holds(&take->window, take->number, 0, time.now_ms, time.guard_ms))
                        return false;
        }
        return true;
}

/* Until when what holds_all() said is so. */
static uint64_t good_until(const struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t until_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t end_ms = window_holds_until(take->window.span_ms, take->number,
                                                     time.now_ms, time.guard_ms);

                until_ms = end_ms < until_ms ? end_ms : until_ms;
        }
        return until_ms;
}

/* When the first of the ticket's windows closes. */
static uint64_t closes_ms(const struct limiter_ticket *ticket, uint32_t guard_ms)
{
        uint64_t first_ms = UINT64_MAX;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint64_t end_ms = window_opens_ms(take->window.span_ms, take->number + 1, guard_ms);

                first_ms = end_ms < first_ms ? end_ms : first_ms;
        }
        return first_ms;
}

/*
 * When the ceilings of the windows of now will have opened far enough, if nobody above claims
 * the rest; 0 if that is not before ticket->at_ms. @is_held: the ticket's own places count twice.
 */
static uint64_t opens_at(const struct limiter_ticket *ticket, const struct ceilings *c,
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

        for (size_t i = 0; i < ARRAY_SIZE(gates); ++i) {
                if (gate_check(limiter_gate(l, gates[i]), now_ms, &ticket->at_ms,
                               &ticket->shut_by) == GATE_SHUT) {
                        /* A ban whose time has come waits for its probe. */
                        if (ticket->at_ms <= now_ms)
                                ticket->at_ms = now_ms + AGAIN_MS;
                        return LIMITER_SHUT;
                }
        }
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

/* No place within reach: again when there is one more window, or when the one of now has opened
 * further. */
static int crowded(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t again_ms,
                   struct limiter_time time)
{
        uint64_t opens_ms;

        ticket->at_ms = again_ms > time.now_ms ? again_ms : time.now_ms + AGAIN_MS;
        opens_ms = opens_at(ticket, c, false, time);
        if (opens_ms > 0)
                ticket->at_ms = opens_ms;
        return LIMITER_CROWDED;
}

/* Places in all windows, at @from_ms or at the earliest time after it. */
static int place(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t from_ms,
                 struct limiter_time time)
{
        for (int attempt = 0; attempt < ATTEMPTS; ++attempt) {
                struct search search = search_all(ticket, c, from_ms, time);
                bool fly = search.at_ms <= time.now_ms;
                int r;

                ticket->at_ms = search.at_ms;
                if (search.at_ms >= ticket->deadline_ms && !search.is_full)
                        return LIMITER_LATE;
                if (search.again_ms > 0) {
                        return crowded(ticket, c, search.again_ms, time);
                }
                r = take_all(ticket, c, search.at_ms, fly, time);
                if (r < 0)
                        return r;
                if (r == WINDOW_TAKEN && !fly)
                        return LIMITER_WAIT;
                if (r == WINDOW_TAKEN && holds_all(ticket, time))
                        return LIMITER_GO;
                if (r == WINDOW_TAKEN)
                        give_back(ticket, ticket->n_takes, true);
        }
        ticket->at_ms = time.now_ms + 1;
        return LIMITER_CROWDED;
}

static void unfly(struct limiter_ticket *ticket, unsigned n)
{
        while (n-- > 0)
                window_unfly(&ticket->takes[n].window, ticket->takes[n].number,
                             ticket->takes[n].amount);
}

/* Releases a held ticket for sending. Return: GO; WAIT: not yet, still held; LOST: still held, and
 * a window of it is gone. */
static int fly_all(struct limiter_ticket *ticket, struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];

                if (!window_fly(&take->window, take->number, take->amount)) {
                        unfly(ticket, i);
                        return LIMITER_LOST;
                }
                take->place.is_alone = false;
        }
        if (holds_all(ticket, time))
                return LIMITER_GO;
        unfly(ticket, ticket->n_takes);
        return LIMITER_WAIT;
}

/* A placed ticket of which nothing is left: the caller reserves again. */
static void drop(struct limiter *l, struct limiter_ticket *ticket, bool flew)
{
        give_back(ticket, ticket->n_takes, flew);
        unpace(l, ticket);
        ticket->state = TICKET_EMPTY;
}

/*
 * A ticket whose place is now: pacing decides between GO and later. Return: GO; WAIT; or why there
 * is no place at the time that pacing names: then nothing is left.
 */
static int release(struct limiter *l, struct limiter_ticket *ticket, const struct ceilings *c,
                   bool flies, struct limiter_time time)
{
        uint64_t at_ms = pace(l, ticket, time);
        int r;

        if (at_ms <= time.now_ms) {
                r = flies ? LIMITER_GO : fly_all(ticket, time);
                if (r == LIMITER_GO) {
                        ticket->good_until_ms = good_until(ticket, time);
                        ticket->state = TICKET_FLYING;
                } else if (r == LIMITER_WAIT) {
                        ticket->at_ms = time.now_ms + CONFIRM_AGAIN_MS;
                } else {
                        drop(l, ticket, false);
                }
                return r;
        }

        if (flies)
                unfly(ticket, ticket->n_takes);
        ticket->state = TICKET_HELD;
        ticket->at_ms = at_ms;
        if (at_ms >= ticket->deadline_ms) {
                drop(l, ticket, false);
                return LIMITER_LATE;
        }
        if (at_ms < closes_ms(ticket, time.guard_ms))
                return LIMITER_WAIT;

        /* The tokens come in a later window: move there, and keep the turn with the bucket. */
        give_back(ticket, ticket->n_takes, false);
        r = place(ticket, c, at_ms, time);
        if (r != LIMITER_WAIT) {
                unpace(l, ticket);
                ticket->state = TICKET_EMPTY;
        }
        return r;
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
        ticket->deadline_ms = request->deadline_ms;
        ticket->is_probe = request->is_probe;
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
        r = place(ticket, &c, time.now_ms, time);
        if (r == LIMITER_CROWDED && shut_ms > ticket->at_ms) {
                ticket->at_ms = shut_ms;
                ticket->shut_by = GATE_STOP;
                (void)shut_until(ticket);
                return LIMITER_SHUT;
        }
        if (r == LIMITER_GO)
                r = release(l, ticket, &c, true, time);
        if (r == LIMITER_WAIT) {
                ticket->state = TICKET_HELD;
                ticket->try_ms = ticket->is_paced ? 0 : opens_at(ticket, &c, true, time);
        }
        return r;
}

/* When to look again at a place that is not free yet: often at first, then at leisure. */
static uint64_t look_again_ms(const struct limiter_take *take, struct limiter_time time)
{
        uint64_t into_ms =
                time.now_ms - window_opens_ms(take->window.span_ms, take->number, time.guard_ms);
        uint64_t wait_ms = CONFIRM_AGAIN_MS + into_ms / 16;

        return time.now_ms + (wait_ms < AGAIN_MS ? wait_ms : AGAIN_MS);
}

/*
 * May a held place be used now? It may while its position, and all that others may have used in
 * this window, is under the ceiling. Return: GO; WAIT: at ticket->at_ms, when the ceiling may have
 * opened, or what flies from the last window may turn out not to count; LOST: use that was not
 * foreseen has taken the place.
 */
static int check_place(struct limiter_ticket *ticket, const struct ceilings *c,
                       struct limiter_time time)
{
        int answer = LIMITER_GO;

        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span = take->window.span_ms, limit = take->window.limit;
                uint64_t number = window_number(span, time.now_ms, time.guard_ms);
                uint64_t closes = window_opens_ms(span, take->number + 1, time.guard_ms);
                uint64_t others, used, at_ms;
                struct window_view view;

                if (number > take->number)
                        return LIMITER_LOST;
                if (number < take->number) {
                        /* The guard grew since. */
                        at_ms = window_opens_ms(span, take->number, time.guard_ms);
                } else {
                        others = window_others(&take->window, number);
                        window_look(&take->window, number, &view);
                        /* Those before may have given theirs back. */
                        used = take->place.position < view.spent ? take->place.position
                                                                 : view.spent;
                        if (used + view.extra > limit)
                                return LIMITER_LOST;
                        used += others;
                        if (used <= take_ceiling(take, c, ticket->class, number, time.now_ms))
                                continue;
                        at_ms = look_again_ms(take, time);
                        if (used <= limit && take->has_ceilings) {
                                uint64_t opens_ms =
                                        number * span +
                                        ceiling_reaches(c, ticket->class, limit, span, used);

                                at_ms = opens_ms > at_ms ? opens_ms : at_ms;
                        }
                        if (at_ms >= closes)
                                return LIMITER_LOST;
                }
                if (answer == LIMITER_GO || at_ms > ticket->at_ms)
                        ticket->at_ms = at_ms;
                answer = LIMITER_WAIT;
        }
        return answer;
}

/* GO; WAIT while a budget is stopped, if its window lasts longer; else SHUT. */
static int check_shut(struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t shut_ms = shut_until(ticket);

        if (shut_ms <= time.now_ms)
                return LIMITER_GO;
        ticket->at_ms = shut_ms;
        ticket->shut_by = GATE_STOP;
        return shut_ms < closes_ms(ticket, time.guard_ms) ? LIMITER_WAIT : LIMITER_SHUT;
}

int limiter_confirm(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct ceilings c = ceilings_now(l);
        int r;

        must(ticket->state == TICKET_HELD);
        if (time.now_ms < ticket->at_ms)
                return LIMITER_WAIT;
        r = ticket->is_probe ? LIMITER_GO : check_gates(l, ticket, time.now_ms);
        if (r == LIMITER_GO)
                r = check_shut(ticket, time);
        if (r == LIMITER_GO)
                r = check_place(ticket, &c, time);
        if (r == LIMITER_GO) {
                r = release(l, ticket, &c, false, time);
                return r == LIMITER_GO || r == LIMITER_WAIT ? r : LIMITER_LOST;
        }
        if (r != LIMITER_WAIT)
                drop(l, ticket, false);
        return r;
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
                if (is_certain && about->may_fall &&
                    window_believe(&take->window, take->number, &take->place, about->used))
                        back = 0;
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
                /* The window that refused may be the next one already. */
                end_ms = ((time.now_ms + time.guard_ms) / span_ms + 1) * span_ms + time.guard_ms;
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
        uint64_t rate = (uint64_t)rate_per_min << 32 | burst;

        /* Debt at another rate says nothing: the bucket starts full. */
        if (atomic_exchange_explicit(&l->region->header->pacing_rate, rate, memory_order_relaxed) !=
            rate)
                atomic_store_explicit(&l->region->header->pacing_full_us, 0, memory_order_relaxed);
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
