#include "look/budgets.h"
#include "look/owners.h"

#include "budget/budget.h"
#include "core/lease.h"
#include "core/strangers.h"
#include "core/takes.h"

struct tour {
        struct look *look;
        struct ceilings ceilings;
        /* Of each pool, since many budgets are of one. */
        struct limiter_time times[REGION_POOLS];
};

/* Whose it is, as far as anybody has said. */
static void look_at_owner(const struct look *look, struct look_budget *b)
{
        const struct look_owner *owner = owners_find(look->owners, b->owner);

        b->egress = b->account = LOOK_NONE;
        if (!owner)
                return;
        if (b->pool->scope == POLICY_PER_ACCOUNT)
                b->account = owner->account;
        else
                b->egress = owner->egress;
        if (owner->endpoint) {
                b->endpoint_method = owner->endpoint->method;
                b->endpoint_path = owner->endpoint->path;
        }
}

/* As a request that costs one would find it. */
static void look_at_ceilings(const struct tour *tour, const struct window *w, uint64_t at_ms,
                             uint32_t guard_ms, struct look_budget *b)
{
        struct limiter_take take = {
                .window = *w,
                .number = b->number,
                .owner = b->owner,
                .amount = 1,
                .pool = b->pool_index,
                .has_ceilings = b->has_ceilings,
        };

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                b->ceilings[class] = take_ceiling(&take, &tour->ceilings, (enum weir_class) class,
                                                  b->number, at_ms, guard_ms);
}

static void look_at_window(const struct window *w, struct limiter_time time, struct look_budget *b)
{
        struct window_view v;

        b->number = window_number(w->span_ms, time.now_ms, time.guard_ms);
        b->turns_in_ms = window_opens_ms(w->span_ms, b->number + 1, time.guard_ms) - time.now_ms;
        window_look(w, b->number, &v);
        b->used = v.spent - v.held + v.extra;
        b->foreign = v.foreign < b->used ? v.foreign : b->used;
        b->ours = b->used - b->foreign;
        b->in_flight = v.flying;
        b->held = v.held;
        b->expected = strangers_expected(w, b->number, time.now_ms);
        b->cap = w->shared ? (int64_t)lease_cap(w, b->number, time.now_ms) : -1;
}

static void add_budget(void *ctx, const struct window *w, uint16_t pool, uint64_t owner,
                       uint64_t shut_until_ms)
{
        const struct tour *tour = ctx;
        struct look *look = tour->look;
        struct look_budget *b;

        /* A region of another build's tables is not opened; but this is only a look. */
        if (pool >= policy_pool_count() || look->n_budgets == REGION_SLOTS)
                return;
        b = &look->budgets[look->n_budgets++];
        *b = (struct look_budget){
                .pool = policy_pool(pool),
                .pool_index = pool,
                .has_ceilings = budget_is_shared(pool),
                .owner = owner,
                .span_ms = w->span_ms,
                .limit = w->limit,
                .shut_for_ms = shut_until_ms > tour->times[pool].now_ms
                                       ? shut_until_ms - tour->times[pool].now_ms
                                       : 0,
        };
        look_at_owner(look, b);
        look_at_window(w, tour->times[pool], b);
        look_at_ceilings(tour, w, tour->times[pool].now_ms, tour->times[pool].guard_ms, b);
}

void budgets_take(struct look *look)
{
        const struct region_header *header = look->region->header;
        struct tour tour = {
                .look = look,
                .ceilings = ceilings_unpack(
                        atomic_load_explicit(&header->ceilings, memory_order_relaxed)),
        };

        for (size_t i = 0; i < policy_pool_count(); ++i)
                tour.times[i] = look_pool_time(look->region, policy_pool(i), look->wall_ms);
        look->n_budgets = 0;
        limiter_each_slot(look->region, add_budget, &tour);
}
