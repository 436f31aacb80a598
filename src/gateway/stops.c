#include "gateway/stops.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/budget.h"
#include "gateway/upstream.h"

/* A ban ends when the exchange's own machines agree that it has; they need a moment. */
#define STOPS_BAN_GUARD_MS 500u

static void log_stop(const char *event, const struct upstream *u, const struct verdict *v,
                     struct limiter_time time, uint64_t until_ms)
{
        char quoted[VERDICT_MSG_SIZE + 8];

        log_event(LOG_WARN, event, "group=%s status=%d code=%d for_ms=%llu msg=%s",
                  policy_group_name(u->group), v->status, v->code,
                  (unsigned long long)(until_ms > time.now_ms ? until_ms - time.now_ms : 0),
                  log_quote(str_of(v->msg), quoted, sizeof(quoted)));
}

static void shut(struct gateway *g, const struct upstream *u, const struct verdict *v,
                 unsigned gate, enum gate_kind kind, uint64_t until_ms, const char *event)
{
        struct limiter_time time = upstream_now(g, u);

        if (!gate_shut(limiter_gate(&g->limiter, gate), kind, until_ms))
                return;
        if (kind != GATE_STOP)
                region_sync(&g->region);
        log_stop(event, u, v, time, until_ms);
}

static uint64_t stop_until(struct gateway *g, const struct upstream *u, int pool,
                           const struct verdict *v)
{
        struct limiter_time time = upstream_now(g, u);

        if (v->retry_at_ms > time.now_ms)
                return v->retry_at_ms;
        if (pool >= 0)
                return limiter_turn_ms(&g->limiter, (uint16_t)pool, time);
        return time.now_ms + 60000 - time.now_ms % 60000 + time.guard_ms;
}

/* The account's own order budget is full: only its new orders stop. */
static void stop_orders(struct gateway *g, const struct upstream *u, const struct policy_plan *plan,
                        const struct verdict *v)
{
        int pool = policy_group_pool(plan->group, POLICY_ORDERS);
        uint64_t until_ms = stop_until(g, u, pool, v);

        counter_add(g->region.header, COUNTER_too_many_orders);
        if (pool >= 0)
                limiter_shut_pool(&g->limiter, (uint16_t)pool,
                                  budget_owner(&g->limiter, plan, (uint16_t)pool), until_ms);
        log_stop("too_many_orders", u, v, upstream_now(g, u), until_ms);
}

/* One endpoint's own pool (sapi) is full: only that endpoint stops, if it is known. */
static bool stop_endpoint(struct gateway *g, const struct upstream *u,
                          const struct policy_plan *plan, const struct verdict *v)
{
        struct limiter_request request;

        if (plan->n_charges == 0 || !policy_pool(plan->charges[0].pool)->is_per_endpoint)
                return false;
        budget_request(&g->limiter, plan, &request);
        limiter_shut_pool(&g->limiter, request.charges[0].pool, request.charges[0].owner,
                          stop_until(g, u, request.charges[0].pool, v));
        return true;
}

void stops_apply(struct gateway *g, const struct upstream *u, const struct policy_plan *plan,
                 const struct verdict *v)
{
        uint64_t now_ms = upstream_now(g, u).now_ms;
        unsigned gate = budget_gate(u->group);
        uint64_t until_ms;

        switch (v->kind) {
        case VERDICT_OVER_WEIGHT:
                counter_add(g->region.header, COUNTER_over_weight);
                if (stop_endpoint(g, u, plan, v))
                        return;
                until_ms = stop_until(g, u, policy_group_pool(u->group, POLICY_WEIGHT), v);
                shut(g, u, v, gate, GATE_STOP, until_ms, "over_weight");
                return;
        case VERDICT_TOO_MANY_ORDERS:
                stop_orders(g, u, plan, v);
                return;
        case VERDICT_BANNED:
                counter_add(g->region.header, COUNTER_bans);
                until_ms = v->ban_until_ms  ? v->ban_until_ms
                           : v->retry_at_ms ? v->retry_at_ms
                                            : now_ms + VERDICT_BAN_DEFAULT_MS;
                shut(g, u, v, gate, GATE_BAN, until_ms, "ban");
                return;
        case VERDICT_FIREWALL:
                counter_add(g->region.header, COUNTER_firewalls);
                until_ms = v->retry_at_ms ? v->retry_at_ms : now_ms + VERDICT_FIREWALL_DEFAULT_MS;
                shut(g, u, v, BUDGET_GATE_ALL, GATE_FIREWALL, until_ms, "firewall");
                return;
        default:
                return;
        }
}

/* Any product that is in use and stopped by @gate. */
static struct upstream *behind(struct gateway *g, unsigned gate)
{
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                struct upstream *u = &g->upstreams[i];

                if (u->is_in_use && (gate == BUDGET_GATE_ALL || budget_gate(u->group) == gate))
                        return u;
        }
        return NULL;
}

void stops_probe(struct gateway *g)
{
        for (unsigned gate = 0; gate <= POLICY_GROUP_COUNT; ++gate) {
                struct upstream *u = behind(g, gate);
                struct limiter_time time;
                struct gate_view view;

                if (!u || u->errands.all[ERRAND_PROBE].is_running)
                        continue;
                time = upstream_now(g, u);
                gate_look(limiter_gate(&g->limiter, gate), time.now_ms, &view);
                if (!view.is_shut || view.kind == GATE_STOP)
                        continue;
                /* The product's own gate may stay shut while the one for all is probed. */
                if (gate == BUDGET_GATE_ALL) {
                        gate_look(limiter_gate(&g->limiter, budget_gate(u->group)), time.now_ms,
                                  &view);
                        if (view.is_shut && time.now_ms < view.until_ms)
                                continue;
                } else {
                        gate_look(limiter_gate(&g->limiter, BUDGET_GATE_ALL), time.now_ms, &view);
                        if (view.is_shut)
                                continue;
                }
                if (!gate_probe(limiter_gate(&g->limiter, gate), time.now_ms,
                                STOPS_BAN_GUARD_MS + time.guard_ms))
                        continue;
                counter_add(g->region.header, COUNTER_probes);
                log_event(LOG_INFO, "probe", "group=%s gate=%u", policy_group_name(u->group), gate);
                errand_probe(g, u, gate);
        }
}
