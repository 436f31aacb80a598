#include "budget/budget.h"
#include "budget/expiry.h"
#include "gateway/breakers.h"
#include "gateway/flow_fair.h"
#include "gateway/flow_inside.h"
#include "gateway/flow_way.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/shadow.h"
#include "gateway/upstream.h"
#include "gateway/weights.h"

#include <errno.h>

/* Before trying again when the limiter cannot say when. */
#define AGAIN_MS 50

/* Waiting. */

static uint64_t mono_us(const struct flow *f, uint64_t exchange_ms)
{
        return exclock_to_mono_us(&f->upstream->clock, exchange_ms);
}

static void enqueue(struct flow *f, uint64_t due_us)
{
        if (queue_add(f->gateway, f, due_us) < 0) {
                refuse_memory(f);
                flow_end(f);
        }
}

void flow_hurry(struct flow *f)
{
        queue_remove(f->gateway, f);
        enqueue(f, loop_now_us(f->gateway->loop));
}

void flow_wait_us(struct flow *f, enum flow_state state, uint64_t due_us)
{
        struct gateway *g = f->gateway;

        if (g->queue.n + g->n_displaced >= g->settings.max_queue) {
                counter_add(g->region.header, COUNTER_refused_queue);
                refuse_queue(f);
                flow_end(f);
                return;
        }
        f->state = state;
        enqueue(f, due_us);
}

void flow_wait(struct flow *f, enum flow_state state, uint64_t until_ms)
{
        flow_wait_us(f, state, mono_us(f, until_ms));
}

/* Nothing can be had before @until_ms: wait for it if the deadline allows, else say so now. */
static void flow_park_or_refuse(struct flow *f, int answer, uint64_t until_ms)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms;

        if (until_ms < now_ms + AGAIN_MS)
                until_ms = now_ms + AGAIN_MS;
        if (until_ms < f->request.deadline_ms) {
                if (answer == LIMITER_SHUT)
                        f->shut_due_us = mono_us(f, until_ms);
                flow_wait(f, FLOW_PARKED, until_ms);
                return;
        }
        refuse_limiter(f, answer, until_ms);
        flow_end(f);
}

bool flow_gates_are_open(struct flow *f, uint64_t now_ms)
{
        const struct limiter *l = upstream_limiter(f->upstream);
        enum gate_kind kind;
        uint64_t until_ms;

        return gate_check(limiter_gate(l, BUDGET_GATE_ALL), now_ms, &until_ms, &kind) ==
                       GATE_OPEN &&
               gate_check(limiter_gate(l, f->request.gate), now_ms, &until_ms, &kind) == GATE_OPEN;
}

/* Reserving. */

/*
 * Until @until_ms it leaves what it has to other clients of its class, but it uses its place in a
 * window to come where that is earlier.
 */
static void flow_hold_back(struct flow *f, uint64_t until_ms)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms;
        bool is_sooner = f->ticket.at_ms > now_ms && f->ticket.at_ms <= until_ms;

        if (is_sooner)
                until_ms = f->ticket.at_ms;
        if (until_ms >= f->request.deadline_ms) {
                refuse_limiter(f, LIMITER_LATE, until_ms);
                flow_end(f);
                return;
        }
        f->ticket.try_ms = until_ms;
        if (f->wish.client)
                fair_hold_back(&f->wish, !is_sooner);
        flow_wait(f, FLOW_HELD, until_ms);
}

static void flow_go(struct flow *f)
{
        uint64_t until_ms = flow_fair_hold_ms(f);

        if (UNLIKELY(until_ms > 0)) {
                limiter_step_back(upstream_limiter(f->upstream), &f->ticket);
                limiter_keep(&f->ticket, upstream_now(f->gateway, f->upstream).now_ms);
                flow_hold_back(f, until_ms);
                return;
        }
        until_ms = flow_fair_yield_ms(f);
        if (UNLIKELY(until_ms > 0) && until_ms < f->request.deadline_ms) {
                limiter_step_back(upstream_limiter(f->upstream), &f->ticket);
                limiter_refund(upstream_limiter(f->upstream), &f->ticket);
                flow_wait(f, FLOW_PARKED, until_ms);
                return;
        }
        flow_fair_use(f);
        flow_send(f);
}

/*
 * Its place's time, or before it the turn: in the new window there may be room at once. Between the
 * two the queue asks the first of each lane.
 */
static uint64_t flow_held_until(struct flow *f)
{
        uint64_t now_ms = upstream_now(f->gateway, f->upstream).now_ms;
        uint64_t until_ms = f->ticket.at_ms;

        if (f->ticket.look_ms > now_ms && f->ticket.look_ms < until_ms)
                until_ms = f->ticket.look_ms;
        return until_ms > now_ms ? until_ms : now_ms + 1;
}

static void flow_place(struct flow *f, int answer)
{
        switch (answer) {
        case LIMITER_GO:
                flow_go(f);
                return;
        case LIMITER_WAIT:
                if (f->state != FLOW_HELD)
                        counter_add(f->gateway->region.header, COUNTER_waited);
                if (f->ticket.at_ms >= f->request.deadline_ms)
                        break;
                flow_wait(f, FLOW_HELD, flow_held_until(f));
                return;
        case LIMITER_LOST:
                flow_reserve(f);
                return;
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                flow_park_or_refuse(f, answer, f->ticket.at_ms);
                return;
        case -ESTALE:
                flow_park_or_refuse(f, LIMITER_CROWDED, 0);
                return;
        default:
                break;
        }
        refuse_limiter(f, answer == LIMITER_WAIT ? LIMITER_LATE : answer, f->ticket.at_ms);
        flow_end(f);
}

void flow_placed(struct flow *f, int answer)
{
        struct gateway *g = f->gateway;

        if (UNLIKELY(answer != LIMITER_GO))
                hosts_hungry(g);
        if (UNLIKELY(answer == LIMITER_WAIT || answer == LIMITER_CROWDED ||
                     answer == LIMITER_LATE) &&
            flow_fair_line_up(f))
                answer = flow_fair_grant(f, flow_fair_overtake(f, answer));
        flow_place(f, answer);
        flow_fair_settle(g);
}

bool flow_is_cut_off(struct flow *f)
{
        uint64_t for_ms;

        if (LIKELY(!breakers_are_shut(f->gateway, f->upstream, &for_ms)))
                return false;
        refuse_breaker(f, for_ms);
        flow_end(f);
        return true;
}

void flow_reserve(struct flow *f)
{
        int r;

        if (f->gateway->shadow) {
                shadow_charge(f);
                flow_send(f);
                return;
        }
        if (flow_is_paused(f)) {
                flow_pause(f);
                return;
        }
        flow_hold(f, false);
        r = flow_way_reserve(f);
        if (r == FLOW_WAY_CUT) {
                if (!flow_is_cut_off(f))
                        flow_wait_us(f, FLOW_PARKED, loop_now_us(f->gateway->loop));
                return;
        }
        if (r == LIMITER_GO && weights_hold_for_control(f))
                return;
        if (f->control != CONTROL_NONE)
                f->control = f->control == CONTROL_AWAITED && r == LIMITER_GO ? CONTROL_BEHIND
                                                                              : CONTROL_OVER;
        flow_placed(f, r);
}

/* A place that is held: may it be used, or an earlier one? */
static void flow_confirm(struct flow *f)
{
        struct limiter_time time = upstream_now(f->gateway, f->upstream);
        int r = limiter_confirm(upstream_limiter(f->upstream), &f->ticket, time);

        if (r != LIMITER_WAIT) {
                flow_placed(f, r);
                return;
        }
        /* Not counted again as waiting: it is the same wait. */
        flow_wait(f, FLOW_HELD, flow_held_until(f));
}

void flow_due(struct flow *f)
{
        uint64_t until_ms;

        if (f->state == FLOW_STARTING) {
                flow_give_up_clock(f);
                return;
        }
        if (f->state == FLOW_PARKED) {
                flow_reserve(f);
                return;
        }
        if (flow_way_may_change(f)) {
                limiter_refund(upstream_limiter(f->upstream), &f->ticket);
                flow_reserve(f);
                return;
        }
        if (flow_is_cut_off(f))
                return;
        until_ms = flow_fair_hold_ms(f);
        if (until_ms > 0)
                flow_hold_back(f, until_ms);
        else
                flow_confirm(f);
}

/* By when it must leave: what its signature allows, what the client asks, what we are set to. */
static void flow_set_deadline(struct flow *f, uint64_t max_wait_ms)
{
        struct limiter_time time = upstream_now(f->gateway, f->upstream);
        struct expiry expiry = {
                .at_ms = f->plan.is_signed ? policy_expires_ms(&f->plan) : 0,
                .window_ms = f->plan.recv_window_us / US_PER_MS,
                .way_ms = f->upstream->clock.one_way_us / US_PER_MS,
                .is_measured = f->upstream->clock.is_measured,
        };
        enum expiry_kind kind;
        uint64_t leave_ms;

        f->expires_ms = UINT64_MAX;
        f->request.deadline_ms = time.now_ms + max_wait_ms + 1;
        kind = expiry_leave_by(&expiry, time, &leave_ms);
        if (kind == EXPIRY_NONE)
                return;
        if (kind == EXPIRY_FIRM)
                f->expires_ms = leave_ms;
        if (leave_ms < f->request.deadline_ms)
                f->request.deadline_ms = leave_ms;
}

void flow_admit(struct flow *f)
{
        struct gateway *g = f->gateway;
        uint64_t waited_ms = (loop_now_us(g->loop) - f->arrived_us) / US_PER_MS;

        flow_set_deadline(f, f->max_wait_ms > waited_ms ? f->max_wait_ms - waited_ms : 0);
        call_init(&f->call, &g->call, f->request.deadline_ms);
        if (g->shadow) {
                flow_way_choose(f);
                shadow_decide(f);
        }
        flow_reserve(f);
}
