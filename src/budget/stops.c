#include "budget/stops.h"
#include "budget/budget.h"
#include "budget/counters.h"
#include "core/pool.h"

/* A ban ends when the exchange's own machines agree that it has; they need a moment. */
#define STOPS_BAN_GUARD_MS 500u
/* A count that fills take from may have room long before its day is over. */
#define STOPS_FALL_MS 60000u
/* The order count is spent. */
#define CODE_TOO_MANY_ORDERS (-1015)
/* For so long the head of a ban that names no end stops everybody: its text is about to come. */
#define STOPS_HEAD_MS 2000u

static bool shut(struct limiter *l, unsigned gate, enum gate_kind kind, uint64_t until_ms)
{
        if (!gate_shut(limiter_gate(l, gate), kind, until_ms))
                return false;
        if (kind != GATE_STOP)
                region_sync(l->region);
        return true;
}

static uint64_t stop_until(struct limiter *l, int pool, const struct verdict *v,
                           struct limiter_time time)
{
        uint64_t turn_ms;

        if (v->retry_at_ms > time.now_ms)
                return v->retry_at_ms;
        if (pool >= 0) {
                turn_ms = limiter_turn_ms(l, (uint16_t)pool, v->window_ms, time);
                if (budget_may_fall((size_t)pool) && turn_ms > time.now_ms + STOPS_FALL_MS)
                        return time.now_ms + STOPS_FALL_MS;
                return turn_ms;
        }
        return time.now_ms + 60000 - time.now_ms % 60000 + time.guard_ms;
}

/* The account's own order budget is full: only its new orders stop. */
static void stop_orders(struct limiter *l, const struct policy_plan *plan, const struct verdict *v,
                        struct limiter_time time, struct stop *ret_stop)
{
        int pool = policy_group_pool(plan->group, POLICY_ORDERS);

        *ret_stop = (struct stop){ "too_many_orders", stop_until(l, pool, v, time) };
        if (pool >= 0)
                limiter_shut_pool(l, (uint16_t)pool, budget_owner(l, plan, (uint16_t)pool),
                                  ret_stop->until_ms);
}

/* One endpoint's own pool (sapi) is full: only that endpoint stops, if it is known. */
static bool stop_endpoint(struct limiter *l, const struct policy_plan *plan,
                          const struct verdict *v, struct limiter_time time)
{
        struct limiter_request request;

        if (plan->n_charges == 0 || !policy_pool(plan->charges[0].pool)->is_per_endpoint)
                return false;
        budget_request(l, plan, &request);
        limiter_shut_pool(l, request.charges[0].pool, request.charges[0].owner,
                          stop_until(l, request.charges[0].pool, v, time));
        return true;
}

/*
 * What refused it may have been a counter that only a few endpoints draw on, such as that of
 * funding rates: no header tells of it, and it turns later than the weight's. They stop until it
 * does.
 */
static void stop_own_requests(struct limiter *l, const struct policy_plan *plan,
                              const struct verdict *v, struct limiter_time time)
{
        int every = policy_group_pool(plan->group, POLICY_REQUESTS);

        for (unsigned i = 0; i < plan->n_charges; ++i) {
                uint16_t pool = plan->charges[i].pool;

                if (policy_pool(pool)->unit == POLICY_REQUESTS && pool != every)
                        limiter_shut_pool(l, pool, budget_charge_owner(l, plan, i),
                                          stop_until(l, pool, v, time));
        }
}

/* Whose text names it: of the weight, or of all requests, which are counted for longer. */
static int full_pool(const struct limiter *l, enum policy_group group, const struct verdict *v)
{
        int weight = policy_group_pool(group, POLICY_WEIGHT),
            every = policy_group_pool(group, POLICY_REQUESTS);

        if (weight < 0 || every < 0 || v->window_ms > UINT32_MAX ||
            pool_limit(l->region, (uint16_t)weight, (uint32_t)v->window_ms) > 0 ||
            pool_limit(l->region, (uint16_t)every, (uint32_t)v->window_ms) == 0)
                return weight;
        return every;
}

static bool stop_group(struct limiter *l, const struct policy_plan *plan, const struct verdict *v,
                       struct limiter_time time, struct stop *ret_stop)
{
        stop_own_requests(l, plan, v, time);
        if (stop_endpoint(l, plan, v, time))
                return false;
        *ret_stop = (struct stop){
                "over_weight",
                stop_until(l, full_pool(l, plan->group, v), v, time),
        };
        return shut(l, budget_gate(plan->group), GATE_STOP, ret_stop->until_ms);
}

/* Said of all of it, or of a part: an order of a batch, the new one of a cancelReplace. */
static bool is_too_many_orders(const struct verdict *v)
{
        return v->kind == VERDICT_TOO_MANY_ORDERS ||
               ((v->kind == VERDICT_PARTLY || v->kind == VERDICT_REJECTED) &&
                v->part_code == CODE_TOO_MANY_ORDERS);
}

bool stops_apply(struct limiter *l, const struct policy_plan *plan, const struct verdict *v,
                 struct limiter_time time, struct stop *ret_stop)
{
        struct region_header *counters = l->region->header;

        if (is_too_many_orders(v)) {
                counter_add(counters, COUNTER_too_many_orders);
                stop_orders(l, plan, v, time, ret_stop);
                return true;
        }
        switch (v->kind) {
        case VERDICT_OVER_WEIGHT:
                counter_add(counters, COUNTER_over_weight);
                return stop_group(l, plan, v, time, ret_stop);
        case VERDICT_BANNED:
                counter_add(counters, COUNTER_bans);
                *ret_stop = (struct stop){ "ban", v->ban_until_ms ? v->ban_until_ms
                                                  : v->retry_at_ms
                                                          ? v->retry_at_ms
                                                          : time.now_ms + VERDICT_BAN_DEFAULT_MS };
                return shut(l, budget_gate(plan->group), GATE_BAN, ret_stop->until_ms);
        case VERDICT_FIREWALL:
                counter_add(counters, COUNTER_firewalls);
                *ret_stop =
                        (struct stop){ "firewall",
                                       v->retry_at_ms ? v->retry_at_ms
                                                      : time.now_ms + VERDICT_FIREWALL_DEFAULT_MS };
                return shut(l, BUDGET_GATE_ALL, GATE_FIREWALL, ret_stop->until_ms);
        default:
                return false;
        }
}

bool stops_begin(struct limiter *l, enum policy_group group, uint64_t until_ms,
                 struct limiter_time time)
{
        return shut(l, budget_gate(group), GATE_BAN,
                    until_ms ? until_ms : time.now_ms + STOPS_HEAD_MS);
}

static uint64_t ban_guard_ms(struct limiter_time time)
{
        return STOPS_BAN_GUARD_MS + time.guard_ms;
}

int stops_due_probe(struct limiter *l, enum policy_group group, struct limiter_time time)
{
        unsigned own = budget_gate(group), gate = own;
        struct gate_view all, product;

        gate_look(limiter_gate(l, BUDGET_GATE_ALL), time.now_ms, &all);
        gate_look(limiter_gate(l, own), time.now_ms, &product);
        if (all.is_shut) {
                gate = BUDGET_GATE_ALL;
                /* The product's own gate may stay shut while the one for all is probed. */
                if (product.is_shut && time.now_ms < product.until_ms)
                        return STOPS_NO_PROBE;
        } else if (!product.is_shut || product.kind == GATE_STOP) {
                return STOPS_NO_PROBE;
        }
        return gate_is_due(limiter_gate(l, gate), time.now_ms, ban_guard_ms(time)) ? (int)gate
                                                                                   : STOPS_NO_PROBE;
}

int stops_claim_probe(struct limiter *l, enum policy_group group, struct limiter_time time)
{
        int gate = stops_due_probe(l, group, time);

        if (gate == STOPS_NO_PROBE ||
            !gate_probe(limiter_gate(l, (unsigned)gate), time.now_ms, ban_guard_ms(time)))
                return STOPS_NO_PROBE;
        return gate;
}

void stops_probe_left(struct limiter *l)
{
        counter_add(l->region->header, COUNTER_probes);
}

void stops_probe_done(struct limiter *l, int gate, bool is_answered, struct limiter_time time)
{
        word_t *word = limiter_gate(l, (unsigned)gate);

        /* A refusal has shut the gate again already: then opening it does nothing. */
        if (is_answered)
                gate_open(word, time.now_ms);
        else
                gate_probe_failed(word, time.now_ms + GATE_PROBE_LEASE_MS / 2);
}
