#include "gateway/stops.h"
#include "base/log.h"
#include "budget/budget.h"
#include "classify/classify.h"
#include "gateway/flow.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"

void stops_note(struct gateway *g, struct upstream *u, const struct policy_plan *plan,
                const struct verdict *v, const char *request_id)
{
        char msg[VERDICT_MSG_SIZE];
        struct limiter_time time = upstream_now(g, u);
        struct stop stop;
        bool is_news = stops_apply(upstream_limiter(u), plan, v, time, &stop);

        /* The text may say nothing that its head had not: then that is what is told. */
        if (v->kind == VERDICT_BANNED) {
                is_news |= u->is_ban_untold;
                u->is_ban_untold = false;
        }
        if (!is_news)
                return;
        log_event(LOG_WARN, stop.event,
                  "request=%s group=%s egress=%s status=%d code=%d for_ms=%llu msg=\"%s\"",
                  request_id, policy_group_name(plan->group), u->outlet->shown, v->status, v->code,
                  (unsigned long long)(stop.until_ms > time.now_ms ? stop.until_ms - time.now_ms
                                                                   : 0),
                  shown_text(str_of(v->msg), msg, sizeof(msg)));
        flow_review_stops(g);
}

void stops_note_head(struct gateway *g, struct upstream *u, unsigned status, struct str retry_after)
{
        struct limiter_time time = upstream_now(g, u);
        struct classify_in in = {
                .product = budget_product(u->group),
                .status = (int)status,
                .retry_after = retry_after,
                .now_ms = time.now_ms,
        };
        struct verdict verdict;

        /* Shadow mode stops nobody, and judges an answer by the gates as they were before it. */
        if (LIKELY(status != 418) || !g->settings.limits || g->shadow)
                return;
        classify(&in, &verdict);
        if (!stops_begin(upstream_limiter(u), u->group, verdict.ban_until_ms, time))
                return;
        u->is_ban_untold = true;
        flow_review_stops(g);
}

static void probe_one(struct gateway *g, struct upstream *u)
{
        int gate;

        if (!u->is_in_use || u->errands.all[ERRAND_PROBE].is_running)
                return;
        if (!hosts_may_probe(g, u))
                return;
        gate = stops_due_probe(upstream_limiter(u), u->group, upstream_now(g, u));
        if (gate != STOPS_NO_PROBE)
                errand_probe(g, u, (unsigned)gate);
}

void stops_probe(struct gateway *g)
{
        for (size_t k = 0; k < g->n_outlets; ++k)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                        probe_one(g, &g->outlets[k].upstreams[i]);
}
