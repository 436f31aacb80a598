#include "gateway/breakers.h"
#include "base/log.h"
#include "gateway/errand.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"

static word_t *word_of(const struct upstream *u)
{
        return limiter_breaker(upstream_limiter(u), u->group);
}

static uint64_t rule_of(const struct gateway *g)
{
        return atomic_load_explicit(&g->region.header->rules[RULE_BREAKER], memory_order_relaxed);
}

bool breakers_are_shut(struct gateway *g, const struct upstream *u, uint64_t *ret_for_ms)
{
        uint64_t now_ms, at_ms;

        if (!g->settings.limits ||
            LIKELY(atomic_load_explicit(word_of(u), memory_order_relaxed) == 0))
                return false;
        now_ms = upstream_now(g, u).now_ms;
        if (!breaker_is_shut(word_of(u), rule_of(g), now_ms, &at_ms))
                return false;
        if (ret_for_ms)
                *ret_for_ms = at_ms - now_ms;
        return true;
}

void breakers_tell(struct gateway *g, const struct upstream *u, bool is_failure, const char *why)
{
        struct breaker_config config;
        char text[VERDICT_MSG_SIZE];

        if (!g->settings.limits ||
            LIKELY(!is_failure && atomic_load_explicit(word_of(u), memory_order_relaxed) == 0))
                return;
        switch (breaker_tell(word_of(u), rule_of(g), is_failure, upstream_now(g, u).now_ms)) {
        case BREAKER_TURNED_OPEN:
                config = breaker_config_unpack(rule_of(g));
                counter_add(g->region.header, COUNTER_breaker_opened);
                log_event(LOG_WARN, "breaker_open", "group=%s egress=%s for_ms=%u why=\"%s\"",
                          policy_group_name(u->group), u->outlet->shown, config.pause_ms,
                          shown_text(str_of(why), text, sizeof(text)));
                break;
        case BREAKER_TURNED_CLOSED:
                log_event(LOG_INFO, "breaker_closed", "group=%s egress=%s",
                          policy_group_name(u->group), u->outlet->shown);
                break;
        default:
                break;
        }
}

static void probe_one(struct gateway *g, struct upstream *u)
{
        uint64_t now_ms, at_ms;

        if (!u->is_in_use || !errand_can_knock(g, u))
                return;
        now_ms = upstream_now(g, u).now_ms;
        if (!breaker_is_due(word_of(u), rule_of(g), now_ms) ||
            breaker_pass(word_of(u), rule_of(g), true, now_ms, &at_ms) != BREAKER_PROBE)
                return;
        log_event(LOG_INFO, "breaker_probe", "group=%s egress=%s", policy_group_name(u->group),
                  u->outlet->shown);
        errand_knock(g, u);
}

void breakers_probe(struct gateway *g)
{
        for (size_t k = 0; k < g->n_outlets; ++k)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                        probe_one(g, &g->outlets[k].upstreams[i]);
}
