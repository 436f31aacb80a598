#include "look/ways.h"

#include "budget/budget.h"
#include "call/breaker.h"
#include "core/front.h"

static uint64_t gate_now_ms(const struct look *look, unsigned gate)
{
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                const struct policy_pool *pool = policy_pool(i);

                for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                        if ((pool->groups & 1u << g) && budget_gate((enum policy_group)g) == gate)
                                return look_pool_time(look->region, pool, look->wall_ms).now_ms;
        }
        return look->wall_ms;
}

static const char *gate_name(unsigned gate)
{
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                if (budget_gate((enum policy_group)g) == gate)
                        return gate == budget_gate(POLICY_FAPI)
                                       ? "futures"
                                       : policy_group_name((enum policy_group)g);
        return "all";
}

static uint64_t left_ms(uint64_t until_ms, uint64_t now_ms)
{
        return until_ms > now_ms ? until_ms - now_ms : 0;
}

static void look_at_gates(struct look *look, unsigned egress)
{
        const struct egress *e = &look->region->header->egresses[egress];

        for (unsigned gate = 0; gate < REGION_GATES; ++gate) {
                uint64_t now_ms = gate_now_ms(look, gate);
                struct gate_view v;

                gate_look(&e->gates[gate], now_ms, &v);
                if (v.is_shut)
                        look->gates[look->n_gates++] =
                                (struct look_gate){ egress, gate_name(gate), v.kind,
                                                    left_ms(v.until_ms, now_ms), v.is_probing };
        }
}

/* Behind bans. */
static void look_at_ramps(struct look *look, unsigned egress)
{
        const struct region_header *header = look->region->header;
        uint64_t ramp_ms = front_ramp_of(
                atomic_load_explicit(&header->rules[RULE_RAMP], memory_order_relaxed));

        for (unsigned gate = 0; gate < REGION_FRONTS; ++gate) {
                uint64_t opened_ms = gate_opened_ms(&header->egresses[egress].gates[gate]);
                uint64_t now_ms;

                if (opened_ms == 0)
                        continue;
                now_ms = gate_now_ms(look, gate);
                if (now_ms < opened_ms + ramp_ms)
                        look->ramps[look->n_ramps++] =
                                (struct look_ramp){ egress, gate_name(gate),
                                                    opened_ms + ramp_ms - now_ms };
        }
}

/* Those that are not closed. */
static void look_at_breakers(struct look *look, unsigned egress)
{
        const struct region_header *header = look->region->header;
        uint64_t rule = atomic_load_explicit(&header->rules[RULE_BREAKER], memory_order_relaxed);

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                struct breaker_view v;

                breaker_look(&header->egresses[egress].breakers[g], rule, &v);
                if (v.state == BREAKER_CLOSED)
                        continue;
                look->breakers[look->n_breakers++] = (struct look_breaker){
                        egress, policy_group_name((enum policy_group)g), v.state == BREAKER_PROBING,
                        v.failures,
                        left_ms(v.probe_ms, look_group_time(look->region, g, look->wall_ms).now_ms)
                };
        }
}

void ways_take(struct look *look)
{
        look->front_per_s =
                front_rate_of(atomic_load_explicit(&look->region->header->rules[RULE_RATE],
                                                   memory_order_relaxed));
        look->n_gates = look->n_ramps = look->n_breakers = 0;
        for (unsigned i = 0; i < REGION_EGRESSES; ++i) {
                if (!look->egresses[i].is_there)
                        continue;
                look_at_gates(look, i);
                look_at_ramps(look, i);
                look_at_breakers(look, i);
        }
}
