#include "gateway/weights.h"
#include "base/log.h"
#include "budget/budget.h"
#include "budget/weights.h"
#include "gateway/errand.h"
#include "gateway/flow_inside.h"
#include "gateway/upstream.h"

#include <string.h>

/* A control costs a weight of 1, and a few data requests wait for a few round trips. */
#define CONTROL_EVERY_US (50 * US_PER_MS)
/* After so many without a finding they become half as frequent, and again, down to the least. */
#define CONTROL_PATIENCE  8
#define CONTROL_SELDOM_US (10 * US_PER_SECOND)
/* What an answer may be later than the quickest that was seen lately. */
#define CONTROL_SLACK_US (10 * US_PER_MS)
/* Nobody waits longer than this. */
#define CONTROL_MAX_US (1 * US_PER_SECOND)

/* How long after the last control the next may be. */
static uint64_t pause_us(const struct gateway *g)
{
        uint64_t us = CONTROL_EVERY_US << (g->control.n / CONTROL_PATIENCE);

        return us < CONTROL_SELDOM_US ? us : CONTROL_SELDOM_US;
}

static void tell(const struct region *region, const struct evidence_finding *f)
{
        const struct evidence *e = evidence_find(region, f->variant);
        char name[WEIGHTS_NAME_SIZE];
        struct evidence_view view;

        if (!e || !weights_differ(f->variant, f->kind, f->charged, f->learnt))
                return;
        evidence_look(e, f->variant, f->kind, &view);
        weights_name(f->variant, f->kind, view.name, name, sizeof(name));
        log_event(LOG_WARN, "weight_mismatch", "what=\"%s\" table=%u learnt=%u charged=%u", name,
                  f->charged, f->learnt,
                  f->learnt > f->charged && !view.has_decided ? f->learnt : f->charged);
}

void weights_tell(struct gateway *g, const struct evidence_findings *findings)
{
        if (LIKELY(findings->n == 0))
                return;
        g->control.n = 0;
        for (unsigned i = 0; i < findings->n; ++i)
                tell(&g->region, &findings->all[i]);
}

/* Something that may wait, and counts where the control does, in the main pool of its product. */
static bool may_wait(const struct flow *f)
{
        return !f->plan.is_mutating && f->request.class > CLASS_ORDER && f->plan.n_charges > 0 &&
               f->plan.charges[0].pool == policy_group_pool(f->plan.group, POLICY_WEIGHT);
}

/* Parks @f until @until_us, or not, if it would be too late. */
static bool hold(struct flow *f, enum flow_control control, uint64_t until_us)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop), ms = (until_us - now_us) / US_PER_MS + 1;

        if (until_us > now_us + CONTROL_MAX_US ||
            upstream_now(g, f->upstream).now_ms + ms >= f->request.deadline_ms)
                return false;
        f->control = control;
        flow_wait_us(f, FLOW_PARKED, until_us);
        return true;
}

static void send_control(void *ctx)
{
        struct gateway *g = ctx;

        if (g->control.upstream && !g->is_draining)
                errand_control(g, g->control.upstream, g->control.is_behind);
}

/*
 * Two kinds of controls (core/evidence.h). Those that follow leave later than a suspect
 * that follows would: who keeps step with it is then before the one or the other.
 *
 *      now    [quiet]     control    suspect                 others go on
 *      now    [quiet]     suspect               control      others go on
 *
 * Quiet is needed where others are under way; they wait, as long as they may, until it is over.
 */
static bool begin_control(struct flow *f, bool is_behind, uint64_t step_us)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop), quiet_us = now_us + (g->n_flows > 1 ? step_us : 0);

        g->control.upstream = f->upstream;
        g->control.is_behind = is_behind;
        g->control.began_us = now_us;
        g->control.ends_us = quiet_us + (is_behind ? 3 : 2) * step_us;
        g->control.n += pause_us(g) < CONTROL_SELDOM_US;
        if (is_behind || quiet_us > now_us)
                loop_timer_set(g->control.timer, is_behind ? quiet_us + 2 * step_us : quiet_us);
        else
                send_control(g);
        if (!is_behind)
                return hold(f, CONTROL_AWAITED, quiet_us + step_us);
        f->control = CONTROL_OVER;
        return quiet_us > now_us && hold(f, CONTROL_OVER, quiet_us);
}

bool weights_hold_for_control(struct flow *f)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop), step_us;
        enum evidence_control wanted;

        if (f->control != CONTROL_NONE || !g->settings.measure_weights || !may_wait(f))
                return false;
        if (UNLIKELY(now_us < g->control.ends_us))
                return g->control.upstream &&
                       budget_gate(f->plan.group) == budget_gate(g->control.upstream->group) &&
                       hold(f, CONTROL_OVER, g->control.ends_us);
        if (now_us < g->control.began_us + pause_us(g))
                return false;
        wanted = evidence_wants_control(&g->region, f->plan.variant);
        if (LIKELY(wanted == EVIDENCE_PLAIN) ||
            /* Nothing is its own control. */
            f->plan.variant == f->upstream->errands.all[ERRAND_TIME].plan.variant)
                return false;
        step_us = f->upstream->clock.one_way_us * 5 / 2 + CONTROL_SLACK_US;
        return 4 * step_us <= CONTROL_MAX_US &&
               begin_control(f, wanted == EVIDENCE_CONTROL, step_us);
}

int weights_init(struct gateway *g)
{
        return loop_timer_new(g->loop, send_control, g, &g->control.timer);
}

void weights_deinit(struct gateway *g)
{
        g->control.timer = loop_timer_free(g->control.timer);
}

static bool is_decided(void *ctx, uint64_t variant, enum evidence_kind kind)
{
        const struct settings_weights *weights = ctx;

        for (size_t i = 0; i < weights->n; ++i)
                if (weights->all[i].key == variant && weights->all[i].kind == kind)
                        return true;
        return false;
}

/* Without the outcome behind it. */
static const char *plain_name(const struct settings_weight *w, char *to, size_t size)
{
        const char *at = strchr(w->name, '@');

        str_copy(str_from(w->name, at ? (size_t)(at - w->name) - 1 : strlen(w->name)), to, size);
        return to;
}

void weights_decide(struct gateway *g)
{
        struct settings_weights *weights = &g->settings.weights;

        for (size_t i = 0; i < weights->n; ++i) {
                const struct settings_weight *w = &weights->all[i];
                char name[SETTINGS_WEIGHT_NAME_SIZE];
                struct evidence *e =
                        evidence_claim(&g->region, w->key,
                                       w->is_known ? NULL : plain_name(w, name, sizeof(name)));

                if (e)
                        evidence_decide(&g->region, e, (enum evidence_kind)w->kind, w->weight);
                else
                        log_event(LOG_WARN, "weight_undecided",
                                  "what=\"%s\" why=\"the region has no room for it\"", w->name);
        }
        evidence_undecide(&g->region, is_decided, weights);
}
