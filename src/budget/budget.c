#include "budget/budget.h"
#include "budget/exclock.h"
#include "budget/weights.h"
#include "budget/holder.h"
#include "classify/usage.h"
#include "core/pool.h"

#include <stdio.h>
#include <string.h>

_Static_assert(POLICY_WINDOWS_MAX == REGION_POOL_WINDOWS, "a pool's windows fit the region");
_Static_assert(POLICY_CHARGES_MAX + 2 <= LIMITER_CHARGES,
               "orders and weight of an account may be charged twice");

unsigned budget_gate(enum policy_group group)
{
        static const unsigned gates[POLICY_GROUP_COUNT] = {
                [POLICY_API] = 1,  [POLICY_SAPI] = 2, [POLICY_FAPI] = 3,
                [POLICY_DAPI] = 3, [POLICY_PAPI] = 4, [POLICY_EAPI] = 5,
        };

        must(group < POLICY_GROUP_COUNT);
        return gates[group];
}

unsigned budget_front(enum policy_group group)
{
        return budget_gate(group == POLICY_SAPI ? POLICY_API : group);
}

enum classify_product budget_product(enum policy_group group)
{
        static const enum classify_product products[POLICY_GROUP_COUNT] = {
                [POLICY_API] = CLASSIFY_SPOT,  [POLICY_SAPI] = CLASSIFY_SAPI,
                [POLICY_FAPI] = CLASSIFY_UM,   [POLICY_DAPI] = CLASSIFY_CM,
                [POLICY_PAPI] = CLASSIFY_PAPI, [POLICY_EAPI] = CLASSIFY_OPTIONS,
        };

        must(group < POLICY_GROUP_COUNT);
        return products[group];
}

void budget_plan(struct region_plan *ret_plan, uint64_t now_ms)
{
        struct ceilings ceilings = CEILINGS_DEFAULT;
        char meaning[4096];
        size_t n = 0;

        must(policy_pool_count() <= REGION_POOLS);
        *ret_plan = (struct region_plan){ .now_ms = now_ms,
                                          .ceilings = ceilings_pack(&ceilings),
                                          .told_ms = exclock_told_ms };
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                const struct policy_pool *pool = policy_pool(i);

                for (unsigned k = 0; k < pool->n_windows; ++k)
                        ret_plan->windows[i][k] = region_window((uint32_t)pool->windows[k].span_ms,
                                                                pool->windows[k].limit);
                /* Names, order and scope give the indices their meaning; limits may change. */
                n += (size_t)snprintf(meaning + n, sizeof(meaning) - n, "%s/%d/%d/%d;", pool->name,
                                      pool->scope, pool->unit, pool->is_per_endpoint);
                must(n < sizeof(meaning));
        }
        ret_plan->table_hash = region_hash(meaning, n);
}

bool budget_is_shared(size_t index)
{
        const struct policy_pool *pool = policy_pool(index);

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                if ((pool->groups & 1u << g) &&
                    policy_group_pool((enum policy_group)g, pool->unit) == (int)index)
                        return true;
        return false;
}

static uint64_t owner_of(const struct limiter *l, bool is_per_account, uint64_t account,
                         uint64_t endpoint)
{
        if (is_per_account)
                return holder_owner(l, holder_find(l, account).number, endpoint);
        return endpoint == 0 ? l->address : holder_owner(l, l->address, endpoint);
}

/* A key whose use is not all in its account's books yet is charged by itself too. */
static void charge_apart(const struct limiter *l, const struct policy_plan *plan,
                         struct limiter_request *request)
{
        if (LIKELY(!holder_find(l, plan->account).is_apart))
                return;
        for (unsigned i = 0; i < plan->n_charges; ++i) {
                if (!plan->charges[i].is_per_account || request->n_charges == LIMITER_CHARGES)
                        continue;
                request->charges[request->n_charges] = request->charges[i];
                request->charges[request->n_charges++].owner =
                        holder_owner(l, plan->account, plan->charges[i].endpoint);
        }
}

/* Of the first charge: what has been learnt or decided of it. */
static uint32_t weight_of(const struct limiter *l, const struct policy_plan *plan)
{
        struct weights_cost cost;

        if (plan->variant == 0)
                return plan->charges[0].amount;
        weights_cost(l->region, plan, &cost);
        return cost.reserved;
}

void budget_request(const struct limiter *l, const struct policy_plan *plan,
                    struct limiter_request *ret_request)
{
        *ret_request = (struct limiter_request){
                .class = plan->class,
                .gate = budget_gate(plan->group),
                .front = budget_front(plan->group),
                .deadline_ms = UINT64_MAX,
                .pacing = 1,
                .costs_turn = evidence_turn(l->region),
                .n_charges = plan->n_charges,
        };
        for (unsigned i = 0; i < plan->n_charges; ++i) {
                const struct policy_charge *from = &plan->charges[i];
                const struct policy_pool *pool = policy_pool(from->pool);
                struct limiter_charge *to = &ret_request->charges[i];

                to->pool = from->pool;
                to->amount = i == 0 ? weight_of(l, plan) : from->amount;
                to->has_ceilings = budget_is_shared(from->pool);
                to->owner = budget_charge_owner(l, plan, i);
                for (unsigned k = 0; k < from->n_specials; ++k) {
                        to->special[k].span_ms = (uint32_t)from->specials[k].span_ms;
                        to->special[k].amount = from->specials[k].amount;
                }
                /* Pacing is in units of weight, as the bucket of a client that counts weight is. */
                if (i == 0 && pool->unit == POLICY_WEIGHT && to->amount > 1)
                        ret_request->pacing = to->amount;
        }
        charge_apart(l, plan, ret_request);
}

void budget_aim(const struct limiter *l, const struct policy_plan *plan,
                struct limiter_request *request)
{
        for (unsigned i = 0; i < plan->n_charges; ++i)
                if (!plan->charges[i].is_per_account)
                        request->charges[i].owner = budget_charge_owner(l, plan, i);
}

uint32_t budget_room(struct limiter *l, const struct policy_plan *plan,
                     const struct limiter_request *request, struct limiter_time time)
{
        struct limiter_request by_address = *request;

        by_address.n_charges = 0;
        for (unsigned i = 0; i < plan->n_charges; ++i)
                if (!plan->charges[i].is_per_account)
                        by_address.charges[by_address.n_charges++] = request->charges[i];
        return limiter_room(l, &by_address, time);
}

uint64_t budget_charge_owner(const struct limiter *l, const struct policy_plan *plan, unsigned i)
{
        const struct policy_charge *charge = &plan->charges[i];

        must(i < plan->n_charges);
        return owner_of(l, charge->is_per_account, plan->account, charge->endpoint);
}

uint64_t budget_owner(const struct limiter *l, const struct policy_plan *plan, uint16_t pool)
{
        bool is_per_account = policy_pool(pool)->scope == POLICY_PER_ACCOUNT;

        return owner_of(l, is_per_account, plan->account, 0);
}

const char *budget_blocked_by(const struct limiter_ticket *ticket)
{
        switch (ticket->blocker) {
        case BLOCKED_BY_POOL:
                return policy_pool(ticket->blocked_by)->name;
        case BLOCKED_BY_PACING:
                return "pacing";
        case BLOCKED_BY_FRONT:
                return "rate_ceiling";
        case BLOCKED_BY_BREAKER:
                return "breaker";
        case BLOCKED_BY_CLOCK:
                return "clock";
        default:
                return "";
        }
}

bool budget_may_fall(size_t pool)
{
        return (int)pool == policy_group_pool(POLICY_API, POLICY_ORDERS);
}

static enum policy_header header_of(enum usage_kind kind)
{
        switch (kind) {
        case USAGE_WEIGHT:
                return POLICY_HEADER_USED_WEIGHT;
        case USAGE_ORDERS:
                return POLICY_HEADER_ORDER_COUNT;
        case USAGE_SAPI_IP:
                return POLICY_HEADER_SAPI_USED_IP;
        case USAGE_SAPI_UID:
                return POLICY_HEADER_SAPI_USED_UID;
        default:
                return POLICY_HEADER_NONE;
        }
}

/* The pool that a usage header of this request's reply speaks of. Return: false if none. */
static bool news_pool(const struct limiter *l, const struct policy_plan *plan,
                      enum policy_header header, struct limiter_news *news)
{
        int pool = -1;

        for (unsigned i = 0; i < plan->n_charges; ++i) {
                const struct policy_charge *charge = &plan->charges[i];

                if (policy_pool(charge->pool)->header == header) {
                        news->pool = charge->pool;
                        news->owner = budget_charge_owner(l, plan, i);
                        return true;
                }
        }
        if (header == POLICY_HEADER_USED_WEIGHT)
                pool = policy_group_pool(plan->group, POLICY_WEIGHT);
        else if (header == POLICY_HEADER_ORDER_COUNT)
                pool = policy_group_pool(plan->group, POLICY_ORDERS);
        if (pool < 0 || policy_pool((size_t)pool)->header != header)
                return false;
        news->pool = (uint16_t)pool;
        news->owner = budget_owner(l, plan, news->pool);
        return true;
}

bool budget_news(const struct limiter *l, const struct policy_plan *plan, struct str name,
                 struct str value, struct limiter_news *ret_news)
{
        struct usage usage;
        enum policy_header header = header_of(usage_from(name, value, &usage));

        if (header == POLICY_HEADER_NONE || usage.span_ms == 0)
                return false;
        if (header == POLICY_HEADER_USED_WEIGHT && !plan->is_weight_header_trusted)
                return false;
        if (!news_pool(l, plan, header, ret_news))
                return false;
        /* Of a window that is not kept, or not any more, there are no books to compare it with. */
        ret_news->span_ms = (uint32_t)usage.span_ms;
        if (pool_limit(l->region, ret_news->pool, ret_news->span_ms) == 0)
                return false;
        ret_news->used = (uint32_t)usage.value;
        ret_news->may_fall = header == POLICY_HEADER_ORDER_COUNT && budget_may_fall(ret_news->pool);
        return true;
}
