#include "core/route.h"
#include "core/strangers.h"
#include "core/front.h"
#include "core/word.h"

_Static_assert(ROUTE_LANES <= LIMITER_TAKES, "a route's ticket fits");

static bool learn_pool(const struct limiter *l, uint16_t pool, struct route *route)
{
        for (unsigned i = 0; i < route->n_pools; ++i)
                if (route->pools[i].pool == pool)
                        return true;
        if (route->n_pools == LIMITER_CHARGES)
                return false;
        route->pools[route->n_pools].pool = pool;
        for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k)
                route->pools[route->n_pools].windows[k] =
                        atomic_load_explicit(&l->region->header->pools[pool][k],
                                             memory_order_relaxed);
        ++route->n_pools;
        return true;
}

/* Whether @take was made under the limits that @route has read. */
static bool is_of_now(const struct route *route, const struct limiter_take *take)
{
        uint64_t window = region_window(take->window.span_ms, take->window.limit);

        for (unsigned i = 0; i < route->n_pools; ++i)
                for (size_t k = 0; route->pools[i].pool == take->pool && k < REGION_POOL_WINDOWS;
                     ++k)
                        if (route->pools[i].windows[k] == window)
                                return true;
        return false;
}

bool route_learn(const struct limiter *l, const struct limiter_request *request,
                 const struct limiter_ticket *ticket, struct route *ret_route)
{
        struct route *route = ret_route;
        struct ceilings c;

        if (ticket->n_takes > ROUTE_LANES)
                return false;
        *route = (struct route){
                .ceilings =
                        atomic_load_explicit(&l->region->header->ceilings, memory_order_relaxed),
                .costs_turn = request->costs_turn,
                .class = request->class,
                .gate = request->gate,
                .front = request->front,
                .pacing = request->pacing,
                .n_lanes = ticket->n_takes,
        };
        c = ceilings_unpack(route->ceilings);
        route->front_pct = c.pct[request->class];
        for (unsigned i = 0; i < request->n_charges; ++i)
                if (!learn_pool(l, request->charges[i].pool, route))
                        return false;
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                struct route_lane *lane = &route->lanes[i];

                if (!is_of_now(route, take))
                        return false;
                lane->window = take->window;
                lane->owner = take->owner;
                lane->amount = take->amount;
                lane->most =
                        take->has_ceilings
                                ? ceiling_at(&c, request->class,
                                             (struct ceiling_window){ take->window.limit,
                                                                      take->window.span_ms, 0 },
                                             0)
                                : take->window.limit;
                lane->past = (uint32_t)window_past(take->window.span_ms);
                lane->pool = take->pool;
                lane->has_ceilings = take->has_ceilings;
                atomic_store_explicit(&lane->number, take->number, memory_order_relaxed);
        }
        return true;
}

static bool is_shut(const struct egress *egress, unsigned gate, uint64_t now_ms)
{
        const word_t *word = &egress->gates[gate];
        enum gate_kind kind;
        uint64_t until_ms;

        /* A word that nothing has ever shut is zero. */
        return UNLIKELY(atomic_load_explicit(word, memory_order_acquire) != 0) &&
               gate_check(word, now_ms, &until_ms, &kind) == GATE_SHUT;
}

static bool is_stale(const struct region_header *header, const struct route *route)
{
        if (atomic_load_explicit(&header->ceilings, memory_order_relaxed) != route->ceilings ||
            atomic_load_explicit(&header->weights[WEIGHTS_TURN], memory_order_relaxed) !=
                    route->costs_turn)
                return true;
        for (unsigned i = 0; i < route->n_pools; ++i) {
                const word_t *windows = header->pools[route->pools[i].pool];

                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k)
                        if (atomic_load_explicit(&windows[k], memory_order_relaxed) !=
                            route->pools[i].windows[k])
                                return true;
        }
        return false;
}

/* The window of now. Return: false near a turn, where more than one may be now. */
static bool find_window(struct route_lane *lane, struct limiter_time time, uint64_t *ret_number)
{
        uint64_t span_ms = lane->window.span_ms, at_ms = time.now_ms - time.guard_ms;
        uint64_t number = atomic_load_explicit(&lane->number, memory_order_relaxed);

        if (UNLIKELY(time.now_ms < time.guard_ms || time.guard_ms > WINDOW_GUARD_MS))
                return false;
        if (UNLIKELY(at_ms - number * span_ms >= span_ms)) {
                number = at_ms / span_ms;
                atomic_store_explicit(&lane->number, number, memory_order_relaxed);
        }
        *ret_number = number;
        return number > RING_CELLS && time.now_ms + time.guard_ms < (number + 1) * span_ms;
}

/* Writes @lane's amount down as sent and flying, unless what is sent alone is above the share. */
static bool write_down(const struct route_lane *lane, uint64_t number, struct pair *ret_sent)
{
        word_t *word = &cell_of(&lane->window, number)->sent;
        uint64_t seen = first_look(word);
        struct pair sent;

        do {
                if (UNLIKELY(is_later(number, seen)))
                        return false;
                sent = unpack(number, seen);
                if (UNLIKELY((uint64_t)sent.high + lane->amount > lane->most))
                        return false;
                sent.high += lane->amount;
                sent.low = add(sent.low, lane->amount);
        } while (!swap(word, &seen, pack(number, sent)));
        *ret_sent = sent;
        return true;
}

/* After all is written down: does it hold, in the one window that may be now? @own: as written. Of
 * @place, lowered is written already. */
static bool look_again(const struct route_lane *lane, uint64_t number, struct pair own,
                       struct window_place *place)
{
        const struct window *w = &lane->window;
        const struct cell *cell = cell_of(w, number);
        uint32_t flying = 0;
        uint64_t held_word;
        struct pair held, sent;
        uint32_t lowered = place->lowered;

        /* Somebody has sent in the next one already: a clock was stepped. */
        if (UNLIKELY(read_pair(&cell_of(w, number + 1)->sent, number + 1).high > 0))
                return false;
        /* Flying first, extra after it: window_land() writes them in the opposite order. */
        for (uint64_t i = 1; i <= lane->past; ++i)
                flying = add(flying, read_pair(&cell_of(w, number - i)->sent, number - i).low);
        held_word = first_look(&cell->held);
        if (UNLIKELY(is_later(number, held_word)))
                return false;
        held = unpack(number, held_word);
        sent = read_pair(&cell->sent, number);
        *place = (struct window_place){
                .position = own.high + held.high,
                .extra = held.low,
                .sent = own.high,
                .flying = minus(own.low, lane->amount),
                .lowered = lowered,
                .amount = lane->amount,
                /* What flew from before and has landed by now was answered before we leave. */
                .is_alone = flying == 0 && own.low == lane->amount,
                .is_clear = flying == 0,
        };
        return (uint64_t)sent.high + held.high + held.low + flying <= lane->most;
}

static SELDOM void undo(const struct route *route, const uint64_t *numbers, unsigned n)
{
        while (n-- > 0)
                window_give_back(&route->lanes[n].window, numbers[n], route->lanes[n].amount, true);
}

/* Return: true when it may pass the bucket now. */
static bool pace(struct limiter *l, const struct route *route, struct limiter_time time,
                 bool *ret_is_paced)
{
        uint64_t now_us = time.now_ms * US_PER_MS, at_us;

        *ret_is_paced = false;
        if (LIKELY(l->pacing.rate_per_min == 0) || route->pacing == 0)
                return true;
        *ret_is_paced = bucket_take(&l->pacing, route->pacing, now_us, route->class > CLASS_ORDER,
                                    now_us, &at_us);
        return *ret_is_paced;
}

/* What is taken at the front must leave at once: asked last. */
static bool pass(struct limiter *l, const struct route *route, struct limiter_time time,
                 struct limiter_ticket *ticket)
{
        if (!pace(l, route, time, &ticket->is_paced))
                return false;
        if (LIKELY(front_take_at_once(l->region->header, limiter_egress(l), route->gate,
                                      route->front, route->front_pct, time.now_ms,
                                      &ticket->passed_us)))
                return true;
        if (ticket->is_paced)
                bucket_give_back(&l->pacing, route->pacing);
        return false;
}

static void fill_ticket(const struct route *route, const uint64_t *numbers,
                        const struct window_place *places, uint64_t deadline_ms,
                        struct limiter_time time, struct limiter_ticket *ticket)
{
        uint64_t until_ms = UINT64_MAX;

        ticket->state = TICKET_FLYING;
        ticket->class = route->class;
        ticket->gate = route->gate;
        ticket->front = route->front;
        ticket->at_ms = time.now_ms;
        ticket->try_ms = 0;
        ticket->blocker = BLOCKED_BY_NOTHING;
        ticket->deadline_ms = deadline_ms;
        ticket->blocked_by = 0;
        ticket->pacing = route->pacing;
        ticket->is_probe = ticket->has_turn = false;
        ticket->n_takes = route->n_lanes;
        for (unsigned i = 0; i < route->n_lanes; ++i) {
                const struct route_lane *lane = &route->lanes[i];
                struct limiter_take *take = &ticket->takes[i];
                uint64_t turn_ms = (numbers[i] + 1) * lane->window.span_ms;

                take->window = lane->window;
                take->number = numbers[i];
                take->owner = lane->owner;
                take->place = places[i];
                take->amount = lane->amount;
                take->pool = lane->pool;
                take->has_ceilings = lane->has_ceilings;
                until_ms = turn_ms < until_ms ? turn_ms : until_ms;
        }
        ticket->good_until_ms = until_ms == UINT64_MAX ? until_ms : until_ms - time.guard_ms;
}

int route_go(struct limiter *l, struct route *route, uint64_t deadline_ms, struct limiter_time time,
             struct limiter_ticket *ret_ticket)
{
        const struct region_header *header = l->region->header;
        const struct egress *egress = limiter_egress(l);
        struct window_place places[ROUTE_LANES];
        uint64_t numbers[ROUTE_LANES];
        struct pair own[ROUTE_LANES];
        unsigned i;

        if (is_shut(egress, 0, time.now_ms) || is_shut(egress, route->gate, time.now_ms) ||
            time.now_ms >= deadline_ms)
                return ROUTE_LONG;
        if (UNLIKELY(is_stale(header, route)))
                return ROUTE_STALE;
        /* Caps change under who takes: the long way looks at them after it has written. */
        if (UNLIKELY(atomic_load_explicit(&header->sharing, memory_order_relaxed) != 0))
                return ROUTE_LONG;
        for (i = 0; i < route->n_lanes; ++i)
                if (!find_window(&route->lanes[i], time, &numbers[i]) ||
                    atomic_load_explicit(&route->lanes[i].window.slot->shut_until_ms,
                                         memory_order_relaxed) > time.now_ms ||
                    UNLIKELY(strangers_are_known(route->lanes[i].window.slot)))
                        return ROUTE_LONG;
        for (i = 0; i < route->n_lanes; ++i) {
                places[i].lowered = lowered_of(&route->lanes[i].window, numbers[i]);
                if (!write_down(&route->lanes[i], numbers[i], &own[i])) {
                        undo(route, numbers, i);
                        return ROUTE_LONG;
                }
        }
        for (i = 0; i < route->n_lanes; ++i)
                if (!look_again(&route->lanes[i], numbers[i], own[i], &places[i]))
                        break;
        if (i < route->n_lanes || !pass(l, route, time, ret_ticket)) {
                undo(route, numbers, route->n_lanes);
                return ROUTE_LONG;
        }
        fill_ticket(route, numbers, places, deadline_ms, time, ret_ticket);
        return ROUTE_GO;
}
