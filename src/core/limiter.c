/*
 * A request's way through the books: reserve, confirm, refund. Gates are asked first, then a place
 * is searched and taken (core/search.h, core/takes.h), and what may go now pays for its pacing.
 */
#include "core/limiter.h"

#include "core/alone.h"
#include "core/pacing.h"
#include "core/passing.h"
#include "core/search.h"
#include "core/takes.h"

#include <errno.h>

/* Reservations lost to others before we say that it is crowded. */
#define ATTEMPTS 8
/* What waits for a larger cap looks at it again; its own gateway's keeper wakes it before. */
#define CAP_AGAIN_MS 100
/* A held place that is not free yet: time in which others' answers are likely to come. */
#define CONFIRM_AGAIN_MS 2
/* All of a window, as limiter_room() counts. */
#define ROOM_WHOLE 1000000u

static struct ceilings ceilings_now(const struct limiter *l)
{
        return ceilings_unpack(
                atomic_load_explicit(&l->region->header->ceilings, memory_order_relaxed));
}

/* What a take would leave of what its class may use of the window of now, in parts of its limit. */
static uint32_t take_room(const struct limiter_take *take, const struct ceilings *c,
                          enum weir_class class, struct limiter_time time)
{
        uint64_t number = window_number(take->window.span_ms, time.now_ms, time.guard_ms);
        uint64_t used = (uint64_t)window_used(&take->window, number, true) + take->amount;
        uint64_t most = take_ceiling(take, c, class, number, time.now_ms, time.guard_ms);

        /* What just fits leaves a little. */
        return used > most ? 0
                           : (uint32_t)((most - used) * (ROOM_WHOLE - 1) / take->window.limit) + 1;
}

static int check_gates(struct limiter *l, struct limiter_ticket *ticket, uint64_t now_ms)
{
        unsigned gates[2] = { 0, ticket->gate };

        for (size_t i = 0; i < ARRAY_SIZE(gates); ++i) {
                if (gate_check(limiter_gate(l, gates[i]), now_ms, &ticket->at_ms,
                               &ticket->shut_by) == GATE_SHUT) {
                        ticket->awaits_probe = ticket->at_ms <= now_ms;
                        if (ticket->awaits_probe)
                                ticket->at_ms = now_ms + LIMITER_AGAIN_MS;
                        return LIMITER_SHUT;
                }
        }
        return LIMITER_GO;
}

/* No place within reach: again when there is one more window, or when the one of now has opened
 * further. */
static int crowded(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t again_ms,
                   struct limiter_time time)
{
        uint64_t opens_ms;

        ticket->at_ms = again_ms > time.now_ms ? again_ms : time.now_ms + LIMITER_AGAIN_MS;
        opens_ms = search_opens_ms(ticket, c, false, time);
        ticket->try_ms = opens_ms;
        ticket->look_ms = takes_turn_ms(ticket, time);
        if (opens_ms > 0)
                ticket->at_ms = opens_ms;
        return LIMITER_CROWDED;
}

/* Places in all windows, at @from_ms or at the earliest time after it. */
static int place(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t from_ms,
                 struct limiter_time time)
{
        for (int attempt = 0; attempt < ATTEMPTS; ++attempt) {
                struct search search = search_place(ticket, c, from_ms, time);
                bool fly = search.at_ms <= time.now_ms;
                int r;

                ticket->at_ms = search.at_ms;
                if (search.at_ms >= ticket->deadline_ms && !search.is_full)
                        return LIMITER_LATE;
                if (search.again_ms > 0) {
                        return crowded(ticket, c, search.again_ms, time);
                }
                r = takes_take(ticket, c, search.at_ms, fly, time);
                if (r < 0)
                        return r;
                if (r == WINDOW_TAKEN && !fly)
                        return LIMITER_WAIT;
                if (r == WINDOW_TAKEN && takes_hold(ticket, time))
                        return LIMITER_GO;
                if (r == WINDOW_TAKEN)
                        takes_give_back(ticket, ticket->n_takes, true);
        }
        ticket->at_ms = time.now_ms + 1;
        return LIMITER_CROWDED;
}

/* A placed ticket of which nothing is left: the caller reserves again. */
static void drop(struct limiter *l, struct limiter_ticket *ticket, bool flew)
{
        takes_give_back(ticket, ticket->n_takes, flew);
        pacing_give_back(l, ticket);
        ticket->state = TICKET_EMPTY;
}

/*
 * A ticket whose place is now: pacing, and how fast requests leave, decide between GO and later.
 * Return: GO; WAIT; or why there is no place at the time that they name: then nothing is left.
 */
static int release(struct limiter *l, struct limiter_ticket *ticket, const struct ceilings *c,
                   bool flies, struct limiter_time time)
{
        uint64_t at_ms = pacing_take(l, ticket, time);
        enum limiter_blocker blocker = BLOCKED_BY_PACING;
        int r = LIMITER_GO;

        if (at_ms <= time.now_ms) {
                if (!flies)
                        r = takes_fly(ticket, time);
                if (r == LIMITER_WAIT)
                        ticket->at_ms = time.now_ms + CONFIRM_AGAIN_MS;
                else if (r != LIMITER_GO)
                        drop(l, ticket, false);
                if (r != LIMITER_GO)
                        return r;
                flies = true;
                blocker = BLOCKED_BY_FRONT;
                at_ms = passing_take(l, ticket, time);
        }
        if (at_ms <= time.now_ms) {
                ticket->good_until_ms = takes_good_until(ticket, time);
                ticket->at_ms = time.now_ms;
                ticket->state = TICKET_FLYING;
                return LIMITER_GO;
        }

        if (flies)
                takes_unfly(ticket, ticket->n_takes);
        ticket->state = TICKET_HELD;
        ticket->at_ms = at_ms;
        ticket->try_ms = ticket->look_ms = 0; /* it is not the ceilings that it waits for */
        ticket->blocker = blocker;
        if (at_ms >= ticket->deadline_ms) {
                drop(l, ticket, false);
                return LIMITER_LATE;
        }
        if (at_ms < takes_close_ms(ticket, time.guard_ms))
                return LIMITER_WAIT;

        /* The tokens come in a later window: move there, and keep the turn with the bucket. */
        takes_give_back(ticket, ticket->n_takes, false);
        r = place(ticket, c, at_ms, time);
        if (r != LIMITER_WAIT) {
                pacing_give_back(l, ticket);
                ticket->state = TICKET_EMPTY;
        }
        return r;
}

/* What most requests find: room in all windows, now. False: nothing is taken, place() says more. */
static bool go_at_once(struct limiter_ticket *ticket, const struct ceilings *c,
                       struct limiter_time time)
{
        ticket->at_ms = time.now_ms;
        if (takes_take(ticket, c, time.now_ms, true, time) != WINDOW_TAKEN)
                return false;
        if (takes_hold(ticket, time))
                return true;
        takes_give_back(ticket, ticket->n_takes, true);
        return false;
}

/* The places are written when they are listed: most of the ticket is never touched. */
static void start(struct limiter_ticket *ticket, const struct limiter_request *request)
{
        ticket->state = TICKET_EMPTY;
        ticket->class = request->class;
        ticket->gate = request->gate;
        ticket->front = request->front;
        ticket->at_ms = ticket->try_ms = ticket->look_ms = ticket->good_until_ms = 0;
        ticket->deadline_ms = request->deadline_ms;
        ticket->is_probe = request->is_probe;
        ticket->blocker = BLOCKED_BY_NOTHING;
        ticket->blocked_by = 0;
        ticket->pacing = request->pacing;
        ticket->is_paced = ticket->has_turn = ticket->is_capped = ticket->awaits_probe = false;
        ticket->passed_us = 0;
        ticket->n_takes = 0;
}

/*
 * There was no room at once. Where a larger cap would make room (core/lease.h) that is written down
 * for the keeper, and who has no place in time waits for it. Return: @answer, or CROWDED.
 */
static SELDOM int be_hungry(struct limiter_ticket *ticket, const struct ceilings *c, int answer,
                            struct limiter_time time)
{
        uint16_t pool;

        if ((answer != LIMITER_WAIT && answer != LIMITER_LATE && answer != LIMITER_CROWDED) ||
            ticket->is_paced || ticket->blocker == BLOCKED_BY_FRONT ||
            !takes_note_hunger(ticket, c, time, &pool) || answer == LIMITER_WAIT)
                return answer;
        ticket->is_capped = true;
        takes_block(ticket, pool);
        if (answer == LIMITER_LATE || ticket->at_ms > time.now_ms + CAP_AGAIN_MS)
                ticket->at_ms = time.now_ms + CAP_AGAIN_MS;
        ticket->try_ms = ticket->look_ms = 0;
        return LIMITER_CROWDED;
}

int limiter_reserve(struct limiter *l, const struct limiter_request *request,
                    struct limiter_time time, struct limiter_ticket *ret_ticket)
{
        struct limiter_ticket *ticket = ret_ticket;
        struct ceilings c = ceilings_now(l);
        uint64_t shut_ms;
        int r;

        must(request->n_charges <= LIMITER_CHARGES && request->gate < REGION_GATES);
        start(ticket, request);

        r = request->is_probe ? LIMITER_GO : check_gates(l, ticket, time.now_ms);
        if (r != LIMITER_GO)
                return r;
        r = takes_list(l, request, ticket);
        if (r < 0)
                return r;
        if (takes_are_never(ticket))
                return LIMITER_NEVER;
        if (!takes_can_be_told(ticket, time.guard_ms)) {
                ticket->blocker = BLOCKED_BY_CLOCK;
                return -ESTALE;
        }
        if (time.now_ms >= request->deadline_ms) {
                ticket->at_ms = time.now_ms;
                return LIMITER_LATE;
        }
        shut_ms = takes_shut_until(ticket, time.now_ms);
        if (shut_ms >= request->deadline_ms) {
                ticket->at_ms = shut_ms;
                return LIMITER_LATE;
        }
        r = LIMITER_GO;
        if (shut_ms > time.now_ms || !go_at_once(ticket, &c, time))
                r = place(ticket, &c, time.now_ms, time);
        if (r == LIMITER_CROWDED && shut_ms > ticket->at_ms) {
                ticket->at_ms = shut_ms;
                ticket->shut_by = GATE_STOP;
                ticket->awaits_probe = false;
                (void)takes_shut_until(ticket, time.now_ms);
                return LIMITER_SHUT;
        }
        if (r == LIMITER_GO)
                r = release(l, ticket, &c, true, time);
        if (r == LIMITER_WAIT) {
                bool is_late = ticket->is_paced || ticket->blocker == BLOCKED_BY_FRONT;

                ticket->try_ms = is_late ? 0 : search_opens_ms(ticket, &c, true, time);
                ticket->look_ms = is_late ? 0 : takes_turn_ms(ticket, time);
                ticket->state = TICKET_HELD;
        }
        return LIKELY(r == LIMITER_GO) ? r : be_hungry(ticket, &c, r, time);
}

int limiter_charge(struct limiter *l, const struct limiter_request *request,
                   struct limiter_time time, struct limiter_ticket *ret_ticket)
{
        struct limiter_ticket *ticket = ret_ticket;
        int r;

        must(request->n_charges <= LIMITER_CHARGES && request->gate < REGION_GATES);
        start(ticket, request);
        r = takes_list(l, request, ticket);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                struct limiter_take *take = &ticket->takes[i];

                take->number = window_number(take->window.span_ms, time.now_ms, time.guard_ms);
                /* Not alone: nobody measures by it. */
                take->place = (struct window_place){ .amount = take->amount };
                window_charge(&take->window, take->number, take->amount);
        }
        ticket->at_ms = time.now_ms;
        ticket->good_until_ms = UINT64_MAX;
        ticket->state = TICKET_FLYING;
        return 0;
}

uint32_t limiter_room(struct limiter *l, const struct limiter_request *request,
                      struct limiter_time time)
{
        struct ceilings c = ceilings_now(l);
        struct limiter_ticket ticket;
        uint32_t room = ROOM_WHOLE;

        must(request->n_charges <= LIMITER_CHARGES && request->gate < REGION_GATES);
        start(&ticket, request);
        if (takes_list(l, request, &ticket) < 0 ||
            takes_shut_until(&ticket, time.now_ms) > time.now_ms)
                return 0;
        for (unsigned i = 0; i < ticket.n_takes; ++i) {
                uint32_t left = take_room(&ticket.takes[i], &c, request->class, time);

                room = left < room ? left : room;
        }
        return room;
}

uint64_t limiter_shut_ms(struct limiter *l, const struct limiter_request *request,
                         struct limiter_time time)
{
        struct limiter_ticket ticket;
        uint64_t shut_ms = 0, gate_ms = 0;

        must(request->n_charges <= LIMITER_CHARGES && request->gate < REGION_GATES);
        start(&ticket, request);
        if (check_gates(l, &ticket, time.now_ms) == LIMITER_SHUT)
                gate_ms = ticket.at_ms;
        if (takes_list(l, request, &ticket) >= 0)
                shut_ms = takes_shut_until(&ticket, time.now_ms);
        if (gate_ms > shut_ms)
                shut_ms = gate_ms;
        return shut_ms > time.now_ms ? shut_ms : 0;
}

/* When to look again at a place that is not free yet: often at first, then at leisure. */
static uint64_t look_again_ms(const struct limiter_take *take, struct limiter_time time)
{
        uint64_t into_ms =
                time.now_ms - window_opens_ms(take->window.span_ms, take->number, time.guard_ms);
        uint64_t wait_ms = CONFIRM_AGAIN_MS + into_ms / 16;

        return time.now_ms + (wait_ms < LIMITER_AGAIN_MS ? wait_ms : LIMITER_AGAIN_MS);
}

/* Of the window of now: how much of it is used with @take in its place, as its class is shown it.
 * Return: false when even the limit does not hold that. */
static bool count_used(const struct limiter_take *take, uint64_t *ret_used)
{
        uint64_t others = window_others(&take->window, take->number), used;
        struct window_view view;

        window_look(&take->window, take->number, &view);
        /* No part of the cap; of the limit it is, below. */
        if (take->window.shared)
                others = others > view.foreign ? others - view.foreign : 0;
        /* Those before may have given theirs back. */
        used = take->place.position < view.spent ? take->place.position : view.spent;
        *ret_used = used + others;
        return used + view.extra <= take->window.limit;
}

/* One of the places. *ret_at_ms: for WAIT, when to look again. Return: as check_place(). */
static int check_take(const struct limiter_take *take, const struct ceilings *c,
                      enum weir_class class, struct limiter_time time, uint64_t *ret_at_ms)
{
        uint32_t span_ms = take->window.span_ms;
        uint64_t number = window_number(span_ms, time.now_ms, time.guard_ms), used, opens_ms;
        bool is_over;

        if (number < take->number) {
                /* The guard grew since. */
                *ret_at_ms = window_opens_ms(span_ms, take->number, time.guard_ms);
                return LIMITER_WAIT;
        }
        if (number > take->number || !count_used(take, &used))
                return LIMITER_LOST;
        *ret_at_ms = look_again_ms(take, time);
        if (used <= take_ceiling(take, c, class, number, time.now_ms, time.guard_ms)) {
                if (!alone_must(take, c, class, number, used, time) ||
                    alone_claim(take, number, time, &is_over))
                        return LIMITER_GO;
                *ret_at_ms = alone_again_ms(take, time);
        } else if (used <= take->window.limit && take->has_ceilings) {
                opens_ms = take_reaches_ms(take, c, class, number, used, time);
                /* Never, if all of it counts: some of the others may not. */
                if (opens_ms != UINT64_MAX && opens_ms > *ret_at_ms)
                        *ret_at_ms = opens_ms;
        }
        return *ret_at_ms < window_opens_ms(span_ms, take->number + 1, time.guard_ms)
                       ? LIMITER_WAIT
                       : LIMITER_LOST;
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
                uint64_t at_ms;
                int r = check_take(take, c, ticket->class, time, &at_ms);

                if (r == LIMITER_LOST)
                        return r;
                if (r == LIMITER_WAIT && (answer == LIMITER_GO || at_ms > ticket->at_ms))
                        ticket->at_ms = at_ms;
                if (r == LIMITER_WAIT)
                        answer = r;
        }
        return answer;
}

/* GO; WAIT while a budget is stopped, if its window lasts longer; else SHUT. */
static int check_shut(struct limiter_ticket *ticket, struct limiter_time time)
{
        uint64_t shut_ms = takes_shut_until(ticket, time.now_ms);

        if (shut_ms <= time.now_ms)
                return LIMITER_GO;
        ticket->at_ms = shut_ms;
        ticket->shut_by = GATE_STOP;
        ticket->awaits_probe = false;
        return shut_ms < takes_close_ms(ticket, time.guard_ms) ? LIMITER_WAIT : LIMITER_SHUT;
}

/*
 * The places that @ticket holds in windows of now are given back when @earlier has its own: both
 * need no more room than one. Of a long window, full of places of those who wait for a short one,
 * there would be none.
 */
static void keep_places(struct limiter_ticket *earlier, const struct limiter_ticket *ticket,
                        struct limiter_time time)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i) {
                const struct limiter_take *take = &ticket->takes[i];
                uint32_t span_ms = take->window.span_ms;
                bool is_now = take->number == window_number(span_ms, time.now_ms, time.guard_ms);

                earlier->takes[i].kept = is_now ? take->amount : 0;
        }
}

static void forget_kept(struct limiter_ticket *ticket)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i)
                ticket->takes[i].kept = 0;
}

/*
 * Before its time: is there room at once, now that the ceilings have opened further? What is held
 * is given back only when the earlier place is taken. Return: GO; WAIT: held, here or there.
 */
static int advance(struct limiter *l, struct limiter_ticket *ticket, const struct ceilings *c,
                   struct limiter_time time)
{
        struct limiter_ticket earlier = *ticket;
        int r = LIMITER_WAIT;

        keep_places(&earlier, ticket, time);
        if (takes_renew_limits(l, &earlier) &&
            (ticket->is_probe || check_gates(l, &earlier, time.now_ms) == LIMITER_GO) &&
            takes_shut_until(&earlier, time.now_ms) <= time.now_ms &&
            go_at_once(&earlier, c, time)) {
                forget_kept(&earlier);
                r = release(l, &earlier, c, true, time);
                if (r == LIMITER_GO || r == LIMITER_WAIT) {
                        takes_give_back(ticket, ticket->n_takes, false);
                        earlier.try_ms = earlier.look_ms = 0;
                        *ticket = earlier;
                        return r;
                }
        }
        ticket->try_ms = search_opens_ms(ticket, c, true, time);
        ticket->look_ms = takes_turn_ms(ticket, time);
        return LIMITER_WAIT;
}

int limiter_confirm(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct ceilings c = ceilings_now(l);
        int r;

        must(ticket->state == TICKET_HELD);
        if (!takes_can_be_told(ticket, time.guard_ms)) {
                drop(l, ticket, false);
                return LIMITER_LOST;
        }
        if (time.now_ms < ticket->at_ms)
                return time.now_ms < ticket_next_ms(ticket) ? LIMITER_WAIT
                                                            : advance(l, ticket, &c, time);
        r = ticket->is_probe ? LIMITER_GO : check_gates(l, ticket, time.now_ms);
        if (r == LIMITER_GO)
                r = check_shut(ticket, time);
        if (r == LIMITER_GO)
                r = takes_renew_limits(l, ticket) ? check_place(ticket, &c, time) : LIMITER_LOST;
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

void limiter_keep(struct limiter_ticket *ticket, uint64_t at_ms)
{
        must(ticket->state == TICKET_FLYING);
        takes_unfly(ticket, ticket->n_takes);
        ticket->state = TICKET_HELD;
        ticket->at_ms = at_ms;
        ticket->try_ms = 0;
}

void limiter_abandon(struct limiter_ticket *ticket)
{
        ticket->state = TICKET_EMPTY;
}
