#include "cli/status_ways.h"
#include "budget/budget.h"
#include "call/breaker.h"
#include "cli/look.h"
#include "core/egress.h"
#include "core/front.h"
#include "core/gate.h"

#include <stdio.h>

struct ways {
        const struct region *region;
        uint64_t wall_ms;
        const struct egress *egress;
        char name[EGRESS_TEXT]; /* of that address */
        /* NULL: print for people */
        json_t *gates, *ramps, *breakers;
};

static uint64_t gate_now_ms(const struct ways *w, unsigned gate)
{
        for (size_t i = 0; i < policy_pool_count(); ++i) {
                const struct policy_pool *pool = policy_pool(i);

                for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                        if ((pool->groups & 1u << g) && budget_gate((enum policy_group)g) == gate)
                                return look_pool_time(w->region, pool, w->wall_ms).now_ms;
        }
        return w->wall_ms;
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

/* The beginning of a line for people: the product, and by which address unless it is the one
 * without a name. */
static void print_what(const struct ways *w, const char *product)
{
        if (w->egress == w->region->header->egresses)
                printf("%-18s ", product);
        else
                printf("%-18s by %s: ", product, w->name);
}

static void show_gates(const struct ways *w)
{
        for (unsigned gate = 0; gate < REGION_GATES; ++gate) {
                uint64_t now_ms = gate_now_ms(w, gate), left_ms;
                struct gate_view v;

                gate_look(&w->egress->gates[gate], now_ms, &v);
                if (!v.is_shut)
                        continue;
                left_ms = v.until_ms > now_ms ? v.until_ms - now_ms : 0;
                if (w->gates) {
                        json_array_append_new(w->gates,
                                              json_pack("{s:s, s:s, s:s, s:I, s:b}", "egress",
                                                        w->name, "product", gate_name(gate), "kind",
                                                        gate_kind_name(v.kind), "for_ms",
                                                        (json_int_t)left_ms, "probing",
                                                        v.is_probing));
                        continue;
                }
                print_what(w, gate_name(gate));
                printf("%s for %llu s more%s\n", gate_kind_name(v.kind),
                       (unsigned long long)((left_ms + 999) / 1000),
                       left_ms == 0 ? ", until a probe is answered" : "");
        }
}

/* Behind bans. */
static void show_ramps(const struct ways *w)
{
        uint64_t ramp_ms = front_ramp_of(
                atomic_load_explicit(&w->region->header->rules[RULE_RAMP], memory_order_relaxed));

        for (unsigned gate = 0; gate < REGION_FRONTS; ++gate) {
                uint64_t opened_ms = gate_opened_ms(&w->egress->gates[gate]);
                uint64_t now_ms = gate_now_ms(w, gate), left_ms;

                if (opened_ms == 0 || now_ms >= opened_ms + ramp_ms)
                        continue;
                left_ms = opened_ms + ramp_ms - now_ms;
                if (w->ramps) {
                        json_array_append_new(w->ramps,
                                              json_pack("{s:s, s:s, s:I}", "egress", w->name,
                                                        "product", gate_name(gate), "for_ms",
                                                        (json_int_t)left_ms));
                        continue;
                }
                print_what(w, gate_name(gate));
                printf("opened again: more from second to second, for %llu s more\n",
                       (unsigned long long)((left_ms + 999) / 1000));
        }
}

/* Those that are not closed. */
static void show_breakers(const struct ways *w)
{
        uint64_t rule =
                atomic_load_explicit(&w->region->header->rules[RULE_BREAKER], memory_order_relaxed);

        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                const char *name = policy_group_name((enum policy_group)g);
                uint64_t now_ms = look_group_time(w->region, g, w->wall_ms).now_ms, left_ms;
                struct breaker_view v;

                breaker_look(&w->egress->breakers[g], rule, &v);
                if (v.state == BREAKER_CLOSED)
                        continue;
                left_ms = v.probe_ms > now_ms ? v.probe_ms - now_ms : 0;
                if (w->breakers) {
                        json_array_append_new(w->breakers,
                                              json_pack("{s:s, s:s, s:s, s:I, s:I}", "egress",
                                                        w->name, "product", name, "state",
                                                        v.state == BREAKER_PROBING ? "probing"
                                                                                   : "open",
                                                        "failures", (json_int_t)v.failures,
                                                        "for_ms", (json_int_t)left_ms));
                        continue;
                }
                print_what(w, name);
                printf("does not answer (%u failures in a row): %s\n", v.failures,
                       v.state == BREAKER_PROBING ? "being asked now"
                                                  : "nothing is sent for a moment");
        }
}

/* Calls @fn for each address that there is. */
static void each_egress(struct ways *w, void (*fn)(const struct ways *w))
{
        for (unsigned i = 0; i < REGION_EGRESSES; ++i) {
                if (!egress_is_there(w->region->header, i))
                        continue;
                w->egress = &w->region->header->egresses[i];
                look_egress_name(w->region->header, i, w->name);
                fn(w);
        }
}

void status_print_ways(const struct region *region, uint64_t wall_ms)
{
        struct ways w = { .region = region, .wall_ms = wall_ms };

        each_egress(&w, show_gates);
        each_egress(&w, show_ramps);
        each_egress(&w, show_breakers);
}

static json_t *names(const struct region_header *header)
{
        json_t *list = json_array();
        char name[EGRESS_TEXT];

        for (unsigned i = 0; i < REGION_EGRESSES; ++i)
                if (egress_is_there(header, i))
                        json_array_append_new(list, json_string(look_egress_name(header, i, name)));
        return list;
}

void status_add_ways(const struct region *region, uint64_t wall_ms, json_t *root)
{
        uint32_t per_s = front_rate_of(
                atomic_load_explicit(&region->header->rules[RULE_RATE], memory_order_relaxed));
        struct ways w = {
                .region = region,
                .wall_ms = wall_ms,
                .gates = json_array(),
                .ramps = json_array(),
                .breakers = json_array(),
        };

        each_egress(&w, show_gates);
        each_egress(&w, show_ramps);
        each_egress(&w, show_breakers);
        json_object_set_new(root, "egresses", names(region->header));
        json_object_set_new(root, "gates", w.gates);
        json_object_set_new(root, "front",
                            json_pack("{s:I, s:o}", "requests_per_second", (json_int_t)per_s,
                                      "ramps", w.ramps));
        json_object_set_new(root, "breakers", w.breakers);
}
