/*
 * Who of a class takes which place: what fair.h decides, done to flows and their tickets.
 *
 * The region gives places to whoever comes first, and this gateway's requests among themselves give
 * them to whom they are due. Between requests of the same cost that is an exchange of tickets, and
 * no other process sees it. Otherwise those that have less right give their places back, who has
 * more takes one, and they take what is left, in this order and at once. A request that loses its
 * place so, and gets none before its deadline, is refused at that moment.
 */
#include "gateway/flow_fair.h"

#include "core/lease.h"
#include "gateway/flow_inside.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/upstream.h"

/* How often one that wants a place sends others back for it. */
#define ROOM_TRIES 4
/* Those that let another go first come again by so many in a millisecond. */
#define YIELD_AT_ONCE 64
/* Sent back altogether, before those that come find their place by arrival only. */
#define DISPLACED_MAX 1024

static uint64_t now_ms(struct flow *f)
{
        return upstream_now(f->gateway, f->upstream).now_ms;
}

static struct flow *flow_of(struct fair_wish *wish)
{
        return container_of(wish, struct flow, wish);
}

/* By name, else by connection. A name's number is odd, a connection's is even, and 0 is nobody's.
 */
static void know_client(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct str name;

        if (f->client_id != 0)
                return;
        name = http_field_value(http_exchange_head(f->exchange), STR_LITERAL("x-weir-client"));
        f->client_share = settings_client_share(&g->settings, name);
        f->client_id = name.p ? limiter_owner(&g->limiter, name.p, name.n) | 1
                              : http_exchange_connection(f->exchange) << 1;
}

static struct fair_client *client_in(struct flow *f, struct fair_lane *lane)
{
        know_client(f);
        return fair_client(&f->gateway->fair, lane, f->client_id, f->client_share);
}

/* The first take of each budget: its shortest window speaks for the others. */
static bool is_first(const struct limiter_ticket *ticket, unsigned i)
{
        return i == 0 || ticket->takes[i].pool != ticket->takes[i - 1].pool ||
               ticket->takes[i].owner != ticket->takes[i - 1].owner;
}

/* The client of @f in the lane of its take @i; NULL where nobody waits. */
static struct fair_client *client_at(struct flow *f, unsigned i)
{
        const struct limiter_take *take = &f->ticket.takes[i];
        struct fair_lane *lane;

        if (!is_first(&f->ticket, i))
                return NULL;
        lane = fair_lane_find(&f->gateway->fair, f->request.class, take->pool, take->owner);
        return lane ? client_in(f, lane) : NULL;
}

void flow_fair_use(struct flow *f)
{
        if (LIKELY(fair_is_idle(&f->gateway->fair)))
                return;
        for (unsigned i = 0; i < f->ticket.n_takes; ++i) {
                struct fair_client *client = client_at(f, i);

                if (!client)
                        continue;
                fair_use(client, f->ticket.takes[i].amount, now_ms(f));
                if (f->wish.client != client)
                        fair_pass(client, f->ticket.takes[i].amount);
        }
        fair_leave(&f->wish, true);
}

/* What other hosts leave us is another amount in each window, and may be far more than the last. */
static uint64_t room_of(const struct limiter_take *take, uint64_t at_ms)
{
        return take->window.shared ? lease_cap(&take->window, at_ms / take->window.span_ms, at_ms)
                                   : 0;
}

uint64_t flow_fair_hold_ms(struct flow *f)
{
        uint64_t until_ms = 0;

        /* Orders and what closes wait for the exchange only. */
        if (LIKELY(fair_is_idle(&f->gateway->fair)) || f->request.class <= CLASS_ORDER)
                return 0;
        for (unsigned i = 0; i < f->ticket.n_takes; ++i) {
                struct fair_client *client = client_at(f, i);
                uint32_t amount = f->ticket.takes[i].amount;
                uint64_t at_ms = 0;

                if (client) {
                        client->lane->room = room_of(&f->ticket.takes[i], now_ms(f));
                        at_ms = fair_hold_ms(client, amount, now_ms(f));
                }
                if (at_ms <= until_ms)
                        continue;
                until_ms = at_ms;
                if (f->wish.client != client) {
                        fair_leave(&f->wish, false);
                        fair_enter(client, &f->wish, amount, f->sequence, now_ms(f));
                }
        }
        return until_ms;
}

uint64_t flow_fair_yield_ms(struct flow *f)
{
        uint64_t until_ms = 0, now = now_ms(f);

        if (LIKELY(fair_is_idle(&f->gateway->fair)) || f->request.class <= CLASS_ORDER)
                return 0;
        for (unsigned i = 0; i < f->ticket.n_takes; ++i) {
                struct fair_client *client = client_at(f, i);
                struct fair_wish *first = client ? fair_first_before(client) : NULL;
                uint64_t try_ms = first ? flow_of(first)->ticket.try_ms : 0;

                if (!first)
                        continue;
                if (try_ms < now)
                        try_ms = now;
                if (try_ms + 1 > until_ms)
                        until_ms = try_ms + 1;
        }
        /* Not all at the same moment. */
        return until_ms > 0 ? until_ms + f->gateway->queue.n / YIELD_AT_ONCE : 0;
}

static const struct limiter_take *take_of(const struct flow *f, uint16_t pool, uint64_t owner)
{
        for (unsigned i = 0; i < f->ticket.n_takes; ++i)
                if (f->ticket.takes[i].pool == pool &&
                    (owner == 0 || f->ticket.takes[i].owner == owner))
                        return &f->ticket.takes[i];
        return NULL;
}

bool flow_fair_line_up(struct flow *f)
{
        const struct limiter_take *take;
        struct fair_client *client;
        struct fair_budget budget;
        struct fair_lane *lane;

        /* It has its place, and waits for its turn to leave: nobody else's place helps it. */
        if (f->ticket.blocker == BLOCKED_BY_FRONT)
                return false;
        if (f->ticket.blocker != BLOCKED_BY_POOL)
                return f->wish.client != NULL;
        take = take_of(f, f->ticket.blocked_by, 0);
        if (!take)
                return false;
        budget = (struct fair_budget){
                .class = f->request.class,
                .pool = take->pool,
                .owner = take->owner,
                .span_ms = take->window.span_ms,
                .limit = take->window.limit,
        };
        lane = fair_lane_open(&f->gateway->fair, &budget, now_ms(f));
        client = lane ? client_in(f, lane) : NULL;
        if (!client)
                return false;
        fair_block(client, now_ms(f));
        if (f->wish.client == client)
                return true;
        fair_leave(&f->wish, false);
        fair_enter(client, &f->wish, take->amount, f->sequence, now_ms(f));
        return true;
}

uint64_t flow_fair_window(const struct flow *f)
{
        const struct fair_budget *budget = &f->wish.client->lane->budget;
        const struct limiter_take *take = take_of(f, budget->pool, budget->owner);

        return take && f->ticket.state == TICKET_HELD ? take->number : FAIR_NOWHERE;
}

/* Overtaking. */

/* Whether what @other holds is just what @f needs. */
static bool is_alike(const struct flow *f, const struct flow *other)
{
        const struct limiter_ticket *a = &f->ticket, *b = &other->ticket;

        if (f->upstream != other->upstream || b->state != TICKET_HELD || a->n_takes != b->n_takes ||
            a->gate != b->gate || a->pacing != b->pacing || a->is_probe != b->is_probe)
                return false;
        for (unsigned i = 0; i < a->n_takes; ++i)
                if (a->takes[i].window.slot != b->takes[i].window.slot ||
                    a->takes[i].amount != b->takes[i].amount)
                        return false;
        return true;
}

static void swap_tickets(struct flow *a, struct flow *b)
{
        struct limiter_ticket ticket = a->ticket;

        a->ticket = b->ticket;
        b->ticket = ticket;
        a->ticket.deadline_ms = a->request.deadline_ms;
        b->ticket.deadline_ms = b->request.deadline_ms;
}

/* Out of the queue; to be placed anew by flow_fair_settle(). */
static void step_aside(struct flow *f)
{
        struct gateway *g = f->gateway;

        queue_remove(g, f);
        list_append(&g->displaced, &f->class_link);
        ++g->n_displaced;
}

void flow_displace(struct flow *f)
{
        step_aside(f);
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
}

/* Those of window @number that have less right than @f give up as much as it needs. Return: what
 * they gave up. */
static uint64_t make_room(struct flow *f, bool is_full, uint64_t number)
{
        uint64_t amount = 0;

        while (amount < f->wish.amount) {
                struct fair_wish *last = fair_overtaken(&f->wish, is_full, number);

                if (!last)
                        break;
                amount += last->amount > 0 ? last->amount : 1;
                flow_displace(flow_of(last));
        }
        return amount;
}

/*
 * A place in window @number that those with less right make free. Where others are in flight it
 * takes more than @f needs: what is too much they get back at once.
 */
static int take_room(struct flow *f, bool is_full, uint64_t number)
{
        struct gateway *g = f->gateway;
        int answer = LIMITER_LATE;
        uint64_t amount;

        for (int i = 0; i < ROOM_TRIES; ++i) {
                amount = make_room(f, is_full, number);
                if (i > 0 && amount == 0)
                        break;
                limiter_refund(upstream_limiter(f->upstream), &f->ticket);
                answer = limiter_reserve(upstream_limiter(f->upstream), &f->request,
                                         upstream_now(g, f->upstream), &f->ticket);
                if (answer == LIMITER_GO || flow_fair_window(f) <= number)
                        break;
        }
        return answer;
}

/* The one in window @number that @f has more right to be there than; or NULL. */
static struct flow *overtaken(struct flow *f, bool is_full, uint64_t number)
{
        struct fair_wish *wish = NULL;

        /* The first of those that hold back has the best place of theirs. */
        if (!is_full)
                wish = fair_held(f->wish.client->lane, number);
        if (!wish)
                wish = fair_overtaken(&f->wish, is_full, number);
        return wish ? flow_of(wish) : NULL;
}

int flow_fair_overtake(struct flow *f, int answer)
{
        struct gateway *g = f->gateway;
        const struct fair_lane *lane = f->wish.client->lane;
        uint64_t own = flow_fair_window(f), now = now_ms(f);
        uint64_t number = now / lane->budget.span_ms, n = number - (number > 0);
        bool is_full;

        if (lane->n_wishes < 2 || g->n_displaced >= DISPLACED_MAX || now >= f->request.deadline_ms)
                return answer;
        is_full = flow_fair_hold_ms(f) > 0;
        /* From the window before on, as the clock's error delays the turn. */
        for (uint64_t end = n + FAIR_WINDOWS - 1; n < end && n < own; ++n) {
                struct flow *last = overtaken(f, is_full && n <= number, n);

                if (!last)
                        continue;
                if (last->ticket.at_ms >= f->request.deadline_ms)
                        return answer;
                if (!is_alike(f, last))
                        return take_room(f, is_full && n <= number, n);
                step_aside(last);
                swap_tickets(f, last);
                return LIMITER_WAIT;
        }
        return answer;
}

/* One of those in window @number of the classes of data above @f's; the least of them first. */
static struct flow *last_above(const struct flow *f, uint64_t number)
{
        const struct fair_budget *budget = &f->wish.client->lane->budget;

        for (unsigned class = budget->class - 1; class > CLASS_ORDER; --class) {
                const struct fair_lane *lane =
                        fair_lane_find(&f->gateway->fair, (enum weir_class) class, budget->pool,
                                       budget->owner);
                struct fair_wish *last = lane ? fair_last(lane, number) : NULL;

                if (last)
                        return flow_of(last);
        }
        return NULL;
}

int flow_fair_grant(struct flow *f, int answer)
{
        struct gateway *g = f->gateway;
        struct fair_lane *lane = f->wish.client->lane;
        uint64_t next = now_ms(f) / lane->budget.span_ms + 1, amount = 0;
        struct limiter_request request = f->request;
        struct flow *last;

        if (answer == LIMITER_GO || f->request.class <= CLASS_RECONCILE ||
            flow_fair_window(f) <= next || g->n_displaced >= DISPLACED_MAX ||
            !fair_may_grant(lane, f->wish.amount, next))
                return answer;
        while (amount < f->wish.amount && (last = last_above(f, next)) != NULL &&
               last->ticket.at_ms < f->request.deadline_ms) {
                amount += last->wish.amount > 0 ? last->wish.amount : 1;
                request.class = last->request.class;
                flow_displace(last);
        }
        if (amount == 0)
                return answer;
        /* The place is one of the class that gave it up, which may use more of the window. */
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
        answer = limiter_reserve(upstream_limiter(f->upstream), &request,
                                 upstream_now(g, f->upstream), &f->ticket);
        if (flow_fair_window(f) <= next)
                fair_grant(lane, f->wish.amount, next);
        return answer;
}

/* It gave way: on with the place it got for its own, or with another. */
static void place_again(struct flow *f)
{
        if (f->ticket.state != TICKET_HELD)
                flow_reserve(f);
        else
                flow_placed(f, LIMITER_WAIT);
}

void flow_fair_settle(struct gateway *g)
{
        struct list *link;

        if (g->is_settling)
                return;
        g->is_settling = true;
        while ((link = list_first(&g->displaced)) != NULL) {
                list_unlink(link);
                --g->n_displaced;
                place_again(container_of(link, struct flow, class_link));
        }
        g->is_settling = false;
}
