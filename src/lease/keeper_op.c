/*
 * What the host says. Caps are lowered here, before they are told: first in the region, then to the
 * store.
 */
#include "core/pool.h"
#include "lease/keeper_inside.h"

#include <stdio.h>
#include <string.h>

/* The error that is told of a clock that nobody has measured: the store only tells gates then. */
#define UNKNOWN_ERROR_MS 86400000u

static uint64_t load(const word_t *word)
{
        return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(word_t *word, uint64_t value)
{
        atomic_store_explicit(word, value, memory_order_relaxed);
}

/* A share that is over is none; what was used of it stays. */
static void end_share(struct ward *ward, struct limiter_time now)
{
        const struct lease_header *lease = ward->window.shared->lease;

        if (now.now_ms + now.guard_ms >=
            atomic_load_explicit(&lease->share_until_ms, memory_order_seq_cst))
                lease_set_share(&ward->window, 0, ward->number > 0 ? ward->number - 1 : 0,
                                ward->number + 2);
}

/* A limit fell: what was granted of the old one is worth as much less. */
static void follow_limit(struct ward *ward, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t at_ms = now.now_ms + now.guard_ms, old = ward->capped_limit;
        uint32_t limit = ward->window.limit;

        ward->capped_limit = limit;
        if (old <= limit)
                return;
        for (uint64_t n = ward->number; n <= ward->number + 1; ++n)
                (void)lease_lower(&ward->window, n,
                                  (uint32_t)(lease_speak(&ward->window, n, at_ms) *
                                             (uint64_t)limit / old));
        lease_set_share(&ward->window,
                        (uint32_t)(lease_share(&ward->window, at_ms) * (uint64_t)limit / old),
                        ward->number > 0 ? ward->number - 1 : 0, ward->number + 2);
}

static uint32_t held(const struct ward *ward, uint64_t number)
{
        struct window_view view;

        window_look(&ward->window, number, &view);
        return view.held;
}

/* What of window @number is kept when others want it. */
static uint32_t keep(const struct ward *ward, uint64_t number, struct limiter_time now)
{
        uint32_t need = number == ward->number ? ward_need(ward, now) : ward_need_next(ward, now);
        uint32_t places = held(ward, number);

        return need > places ? need : places;
}

/* Speaks about @number and lowers its cap where others want what is not needed. Return: the cap. */
static uint32_t speak(struct ward *ward, uint64_t number, bool may_lower, struct limiter_time now)
{
        uint32_t cap = lease_speak(&ward->window, number, now.now_ms + now.guard_ms);

        if (may_lower)
                cap = lease_lower(&ward->window, number, keep(ward, number, now));
        return cap;
}

static void say_later(struct ward *ward, bool may_lower, struct limiter_time now,
                      struct op_budget *b)
{
        uint64_t first = ward->number + 2;
        uint64_t last = ward->number + 1 + window_past(ward->window.span_ms);
        uint64_t at_ms = now.now_ms + now.guard_ms;

        for (uint64_t n = first; n <= last && b->n_later < OP_LATER_MAX; ++n) {
                bool is_spoken = lease_until_ms(&ward->window, n) == UINT64_MAX;

                if (!is_spoken &&
                    (!may_lower || keep(ward, n, now) >= lease_cap(&ward->window, n, at_ms)))
                        break;
                b->later[b->n_later++] = speak(ward, n, may_lower, now);
        }
}

static void say_window(const struct ward *ward, uint64_t number, struct op_window *to)
{
        struct window_view view;

        window_look(&ward->window, number, &view);
        to->used = lease_used(&ward->window, number);
        to->seen = view.top;
}

static void tell_wishes(struct ward *ward)
{
        struct lease_wish wish = lease_wish(&ward->window, ward->number);

        ward->wishes_told = wish.total;
        ward->urgent_told = wish.urgent;
}

static void say_budget(const struct keeper *k, struct ward *ward, const struct keeper_time *time,
                       struct op_budget *b)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t n = ward->number, at_ms = now.now_ms + now.guard_ms;
        bool may_lower = ward_is_wanted(ward, n) || ward_is_wanted(ward, n - 1) ||
                         ward_is_wanted(ward, n + 1);
        bool is_hungry = ward_is_hungry(ward, time, k->round_trip_us);
        uint32_t need = ward_need(ward, now), next = ward_need_next(ward, now);
        struct lease_residue residue;

        end_share(ward, now);
        follow_limit(ward, time);
        (void)snprintf(b->id, sizeof(b->id), "%s", ward->id);
        b->limit = ward->window.limit;
        b->span_ms = ward->window.span_ms;
        b->past = window_past(ward->window.span_ms);
        b->aim = (uint64_t)ward->window.limit * k->config.share_pct / 100;
        b->now = n;
        may_lower = may_lower && !is_hungry;
        b->current.hold = speak(ward, n, may_lower, now);
        b->next.hold = speak(ward, n + 1, may_lower, now);
        b->n_later = 0;
        say_later(ward, may_lower, now, b);
        b->share = lease_share(&ward->window, at_ms);
        residue = lease_residue(&ward->window, n);
        b->before = residue.before;
        b->after = residue.after;
        say_window(ward, n - 1, &b->previous);
        say_window(ward, n, &b->current);
        b->current.urgent = 0;
        /* What may be missing later, by a forecast, is not asked for yet: others would give for it.
         */
        b->current.want = need < b->current.hold ? need : b->current.hold;
        if (is_hungry)
                b->current.want = ward_want(ward, now);
        if (ward->post_number != n && ward->demand_before > b->current.want)
                b->current.want = ward->demand_before;
        b->next.want = next > held(ward, n + 1) ? next : held(ward, n + 1);

        if (is_hungry && b->current.want > b->current.hold)
                b->current.urgent = ward_urgent(ward, b->current.want - b->current.hold,
                                                load(&k->region->lease->n_hosts));
        ward->is_urgent = b->current.urgent > 0;
        ward->asking =
                is_hungry && b->current.want > b->current.hold ? (uint32_t)b->current.want : 0;
        ward->is_lowered = false;
        ward->top_told = (uint32_t)b->current.seen;
        ward->post_number = n;
        if (is_hungry)
                tell_wishes(ward);
        if (ward->asking > 0)
                ward->asked_us = time->mono_us;
        if (may_lower)
                ward->returned_us = time->mono_us;
        if (may_lower && ward_is_ending(ward, now))
                ward->end_number = n;
        if (is_hungry || time->best.now_ms + b->span_ms / 4 >= (n + 1) * b->span_ms)
                ward->turn_number = n + 1;
}

static void say_gates(struct keeper *k, struct op *op)
{
        op->gates = k->gates;
        for (unsigned e = 0; e < REGION_EGRESSES; ++e) {
                for (unsigned g = 0; g < REGION_GATES; ++g) {
                        uint64_t word = load(&k->region->header->egresses[e].gates[g]);
                        struct op_gate *gate = &k->gates[op->n_gates];

                        k->saying_gates[e][g] = k->told_gates[e][g];
                        if (word == k->told_gates[e][g] || (word & 15) > 1 ||
                            !keeper_gate_id(k, e, g, gate->id))
                                continue;
                        gate->until_ms = (word & 15) == 1 ? word >> 8 : 0;
                        gate->at_ms = (word & 15) == 0 ? word >> 8 : 0;
                        gate->kind = (unsigned)(word >> 4 & 15);
                        k->saying_gates[e][g] = word;
                        ++op->n_gates;
                }
        }
}

static void say_limits(struct keeper *k, struct op *op)
{
        bool is_new = false;

        for (size_t p = 0; p < REGION_POOLS; ++p) {
                for (size_t i = 0; i < REGION_POOL_WINDOWS; ++i) {
                        uint64_t window = pool_window(k->region, (uint16_t)p, i);

                        is_new |= window != k->told_pools[p][i];
                        k->saying_pools[p][i] = window;
                        if (window == 0)
                                continue;
                        k->limits[op->n_limits++] =
                                (struct op_limit){ p, region_window_span(window),
                                                   region_window_limit(window) };
                }
        }
        if (is_new)
                k->limits_ms = op->now_ms;
        op->limits_at_ms = k->limits_ms;
        op->limits = k->limits;
        if (k->limits_ms == 0)
                op->n_limits = 0;
}

const struct op *keeper_op(struct keeper *k, const struct keeper_time *time)
{
        struct lease_header *lease = k->region->lease;
        struct op *op = &k->op;

        *op = (struct op){
                .host = lease->host,
                .now_ms = time->best.now_ms,
                .error_ms = time->is_known ? time->best.guard_ms : UNKNOWN_ERROR_MS,
                .epoch = load(&lease->epoch),
                .grace_ms = k->config.grace_ms,
                .is_fixed = k->config.share_pct > 0,
                .roster = k->roster,
                .n_roster = k->n_roster,
                .budgets = k->budgets,
                .probe = k->probe[0] != '\0' ? k->probe : NULL,
        };
        (void)snprintf(op->table, sizeof(op->table), "%s", k->table);
        (void)snprintf(op->run, sizeof(op->run), "%s", k->run);
        (void)snprintf(op->name, sizeof(op->name), "%s", k->config.name);
        if (load(&lease->birth) != 0)
                op_hex(load(&lease->birth), op->birth);
        /* Written before it is sent: one that is used twice would be refused. */
        op->seq = load(&lease->sequence) + 1;
        store(&lease->sequence, op->seq);
        if (time->is_known) {
                for (size_t i = 0; i < k->n_wards; ++i)
                        say_budget(k, &k->wards[i], time, &k->budgets[i]);
                op->n_budgets = k->n_wards;
        }
        say_gates(k, op);
        say_limits(k, op);
        k->spoke_us = time->mono_us;
        k->sent_ms = op->now_ms;
        return op;
}

/* Of this host nothing leaves any more but what did before. */
static void give_up(struct ward *ward, const struct keeper_time *time)
{
        struct limiter_time now = ward_time(ward, time);
        uint64_t first = ward->number > 0 ? ward->number - 1 : 0;
        uint64_t last = ward->number + 1 + window_past(ward->window.span_ms);

        lease_give_up(&ward->window, first, last, now.now_ms + now.guard_ms);
}

const struct op *keeper_bye(struct keeper *k, const struct keeper_time *time)
{
        if (!k->is_up || !k->is_greeted || !time->is_known)
                return NULL;
        /* With the windows of now, and what was used of them. */
        (void)!keeper_look(k, time);
        for (size_t i = 0; i < k->n_wards; ++i)
                give_up(&k->wards[i], time);
        (void)keeper_op(k, time);
        k->op.is_bye = true;
        return &k->op;
}

void keeper_renumber(struct keeper *k, const struct keeper_time *time)
{
        struct lease_header *lease = k->region->lease;
        struct keeper_config config = k->config;

        /* Killed before it has another number it says less under the old one, as is true. */
        (void)!keeper_look(k, time);
        for (size_t i = 0; i < k->n_wards; ++i)
                give_up(&k->wards[i], time);
        store(&lease->birth, 0);
        store(&lease->epoch, 0);
        store(&lease->host, region_new_host(time->best.now_ms));
        keeper_init(k, k->limiter, &config, time);
        keeper_up(k);
        /* Should that be refused as well, it is no hurry. */
        keeper_refused(k, time);
        store(&lease->refused_ms, 0);
}
