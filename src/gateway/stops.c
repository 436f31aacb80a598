#include "gateway/stops.h"
#include "base/log.h"
#include "gateway/flow.h"
#include "gateway/upstream.h"

void stops_note(struct gateway *g, const struct upstream *u, const struct policy_plan *plan,
                const struct verdict *v)
{
        struct limiter_time time = upstream_now(g, u);
        char quoted[VERDICT_MSG_SIZE + 8];
        struct stop stop;

        if (!stops_apply(&g->limiter, plan, v, time, &stop))
                return;
        log_event(LOG_WARN, stop.event, "group=%s status=%d code=%d for_ms=%llu msg=%s",
                  policy_group_name(plan->group), v->status, v->code,
                  (unsigned long long)(stop.until_ms > time.now_ms ? stop.until_ms - time.now_ms
                                                                   : 0),
                  log_quote(str_of(v->msg), quoted, sizeof(quoted)));
        flow_review_stops(g);
}

void stops_probe(struct gateway *g)
{
        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                struct upstream *u = &g->upstreams[i];
                int gate;

                if (!u->is_in_use || u->errands.all[ERRAND_PROBE].is_running)
                        continue;
                if (!hosts_may_probe(g, u))
                        continue;
                gate = stops_claim_probe(&g->limiter, u->group, upstream_now(g, u));
                if (gate == STOPS_NO_PROBE)
                        continue;
                log_event(LOG_INFO, "probe", "group=%s gate=%d", policy_group_name(u->group), gate);
                errand_probe(g, u, (unsigned)gate);
        }
}
