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
/* When it is busy, for each measurement so many times as long a pause; less for the first few. */
#define BUSY_FACTOR       20
#define BUSY_FACTOR_FIRST 4
#define BUSY_FIRST        8
/* Quiet, a control, one that is measured, a control; and up to so many steps. */
#define MEASURED_STEPS 4
#define MEASURED_MAX   12
/* Nobody waits longer than this. */
#define CONTROL_MAX_US (2 * US_PER_SECOND)

/* How long after the last control the next may be: as long as that took, at first. */
static uint64_t pause_us(const struct gateway *g)
{
        uint64_t us = g->control.ends_us - g->control.began_us;

        us = (us > CONTROL_EVERY_US ? us : CONTROL_EVERY_US) << (g->control.n / CONTROL_PATIENCE);
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

/* Whether @f may be parked until @until_us, and not be too late then. */
static bool can_hold(const struct flow *f, uint64_t until_us)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop), ms = (until_us - now_us) / US_PER_MS + 1;

        return until_us <= now_us + CONTROL_MAX_US &&
               upstream_now(g, f->upstream).now_ms + ms < f->request.deadline_ms;
}

/* Gives its place back first: it is in nobody's way while it waits. May end it. */
static void hold(struct flow *f, enum flow_control control, uint64_t until_us)
{
        limiter_step_back(upstream_limiter(f->upstream), &f->ticket);
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
        f->control = control;
        flow_wait_us(f, FLOW_PARKED, until_us);
}

/*
 * A control is a script of steps, each as long as an answer takes (core/evidence.h). Its second
 * kind leaves later than a suspect of the first would: who keeps step with it is before the one or
 * the other. While others are under way a step of quiet comes first, in which they are answered and
 * nothing new is sent, and controls on both sides, since nothing else is alone to compare with.
 */
static const struct script {
        unsigned controls, behind; /* bits of steps */
        unsigned suspect, end;     /* steps */
        unsigned n_more;           /* steps behind the suspect's for others */
} scripts[2][2] = {
        /*    control first               suspect first */
        { { 1 << 0, 0, 1, 2, 0 }, { 1 << 2, 1 << 2, 0, 3, 0 } },
        { { 1 << 1 | 1 << 2 | 1 << 4, 0, 3, 5, 0 },
          { 1 << 1 | 1 << 3, 1 << 3, 2, 4, 0 } }, /* busy */
};

static void run_script(void *ctx)
{
        struct gateway *g = ctx;
        unsigned at = (unsigned)__builtin_ctz(g->control.controls | 1u << 31), bit = 1u << at;

        if (!(g->control.controls & bit) || g->is_draining)
                return;
        g->control.controls &= ~bit;
        errand_control(g, g->control.upstream, g->control.behind & bit);
        if (g->control.controls != 0)
                loop_timer_set(g->control.timer,
                               g->control.began_us + (unsigned)__builtin_ctz(g->control.controls) *
                                                             g->control.step_us);
}

/* Return: true when @f, the suspect, waits. */
static bool begin_script(struct flow *f, const struct script *script, uint64_t step_us)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop), suspect_us = now_us + script->suspect * step_us;
        unsigned first = (unsigned)__builtin_ctz(script->controls);

        if (script->end * step_us > CONTROL_MAX_US || !can_hold(f, suspect_us))
                return false;
        g->control.upstream = f->upstream;
        g->control.began_us = now_us;
        g->control.ends_us = now_us + script->end * step_us;
        g->control.step_us = step_us;
        g->control.controls = script->controls;
        g->control.behind = script->behind;
        g->control.next_step = script->suspect + 1;
        g->control.last_step = script->suspect + script->n_more;
        g->control.n += pause_us(g) < CONTROL_SELDOM_US;
        f->control = CONTROL_OVER;
        if (script->suspect > 0)
                hold(f, script->behind ? CONTROL_OVER : CONTROL_AWAITED, suspect_us);
        if (first == 0)
                run_script(g);
        else
                loop_timer_set(g->control.timer, now_us + first * step_us);
        return script->suspect > 0;
}

/* Some requests that are never alone, one behind the other, between two controls. */
static bool begin_measuring(struct flow *f, uint64_t step_us)
{
        unsigned n = (unsigned)(CONTROL_MAX_US / step_us);
        struct script script = { .suspect = 2 };

        if (n < MEASURED_STEPS)
                return false;
        n = n < MEASURED_MAX ? n : MEASURED_MAX;
        script.n_more = n - MEASURED_STEPS;
        script.controls = 1u << 1 | 1u << (n - 1);
        script.end = n;
        ++f->gateway->control.n_busy;
        return begin_script(f, &script, step_us);
}

/* Return: when @f may leave that came while there was quiet: alone too, if that is of use. */
static uint64_t after_quiet_us(const struct flow *f)
{
        struct gateway *g = f->gateway;

        if (g->control.next_step > g->control.last_step ||
            evidence_is_measured(&g->region, f->plan.variant))
                return g->control.ends_us;
        return g->control.began_us + g->control.next_step++ * g->control.step_us;
}

/* One that came while others are measured. Return: true when it waits. */
static bool keep_quiet(struct flow *f)
{
        struct gateway *g = f->gateway;
        uint64_t until_us;

        if (budget_gate(f->plan.group) != budget_gate(g->control.upstream->group))
                return false;
        until_us = after_quiet_us(f);
        if (!can_hold(f, until_us))
                return false;
        hold(f, CONTROL_OVER, until_us);
        return true;
}

/* What is never alone is measured so, if the settings allow it: a twentieth of the time. */
static bool is_due_when_busy(const struct flow *f, uint64_t now_us)
{
        const struct gateway *g = f->gateway;
        uint64_t last_us = g->control.ends_us - g->control.began_us;
        unsigned factor = g->control.n_busy < BUSY_FIRST ? BUSY_FACTOR_FIRST : BUSY_FACTOR;

        return g->settings.measure_busy && g->n_flows > 1 && f->request.n_charges > 0 &&
               f->request.charges[0].amount > 0 && now_us > g->control.ends_us + factor * last_us &&
               !evidence_is_measured(&g->region, f->plan.variant);
}

bool weights_hold_for_control(struct flow *f)
{
        struct gateway *g = f->gateway;
        uint64_t now_us = loop_now_us(g->loop);
        uint64_t step_us = f->upstream->clock.one_way_us * 5 / 2 + CONTROL_SLACK_US;
        bool is_busy = g->n_flows > 1;
        enum evidence_control wanted;

        if (f->control != CONTROL_NONE || !g->settings.measure_weights || !may_wait(f))
                return false;
        if (UNLIKELY(now_us < g->control.ends_us))
                return keep_quiet(f);
        /* Nothing is its own control. */
        if (now_us < g->control.ends_us + pause_us(g) ||
            f->plan.variant == f->upstream->errands.all[ERRAND_TIME].plan.variant)
                return false;
        wanted = evidence_wants_control(&g->region, f->plan.variant);
        if (UNLIKELY(wanted != EVIDENCE_PLAIN))
                return begin_script(f, &scripts[is_busy][wanted == EVIDENCE_CONTROL], step_us);
        return UNLIKELY(is_due_when_busy(f, now_us)) && begin_measuring(f, step_us);
}

int weights_init(struct gateway *g)
{
        return loop_timer_new(g->loop, run_script, g, &g->control.timer);
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
        const char *at = strstr(w->name, " @");

        str_copy(str_from(w->name, at ? (size_t)(at - w->name) : strlen(w->name)), to, size);
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
