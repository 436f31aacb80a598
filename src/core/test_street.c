#include "core/test_street.h"

#include <string.h>

#define SPAN_MS  10000u
#define LIMIT    2400u
#define POOL     0
#define START_MS (30000000ULL * 60000)
#define GUARD_MS 20u
#define IDLE     UINT64_MAX

enum step {
        THINKS,
        TRAVELS, /* on its way there */
        RETURNS,
};

struct client {
        enum step step;
        uint64_t at_us; /* when the step ends */
        uint64_t began_us, left_us;
        unsigned next, variant;
        bool is_control, is_behind_control; /* the control leaves, then the suspect */
        bool wants_control, is_follower;    /* the suspect leaves, then the control */
        struct limiter_ticket ticket;
        uint32_t shown;
        bool is_stale, is_missing, is_failed;
};

struct street {
        struct limiter l;
        const struct street_plan *plan;
        struct street_report *report;
        struct client clients[STREET_CLIENTS];
        uint64_t random, now_us, stranger_us, controlled_us;
        unsigned n_since; /* controls since something was learnt */
        uint64_t window;
        uint32_t used, earlier;
};

static uint64_t chance(struct street *s, uint64_t below)
{
        s->random ^= s->random << 13;
        s->random ^= s->random >> 7;
        s->random ^= s->random << 17;
        return below > 0 ? (s->random * 0x9e3779b97f4a7c15ULL >> 20) % below : 0;
}

uint64_t street_variant(unsigned i)
{
        return (i + 1) * 64;
}

static struct limiter_time time_of(const struct street *s)
{
        return (struct limiter_time){ s->now_us / 1000, GUARD_MS };
}

/* Roughly as waiting times are: short ones are frequent, long ones happen. */
static uint64_t around(struct street *s, uint64_t mean_us)
{
        uint64_t n = chance(s, 8);

        return n == 0 ? chance(s, 5 * mean_us + 1) : chance(s, mean_us + mean_us / 2 + 1);
}

static uint32_t exchange_counts(struct street *s, uint32_t weight)
{
        uint64_t window = s->now_us / 1000 / SPAN_MS;

        if (window != s->window) {
                s->window = window;
                s->used = 0;
        }
        s->used += weight;
        return s->used;
}

static uint32_t charged(struct street *s, unsigned variant)
{
        const struct evidence *e = evidence_find(s->l.region, street_variant(variant));
        uint32_t cost = s->plan->said[variant], learnt;

        if (e && evidence_learnt(e, EVIDENCE_OK, &learnt) && learnt > cost)
                cost = learnt;
        return cost;
}

static void rest(struct street *s, struct client *c)
{
        uint64_t pause_us = s->plan->pause_us;

        c->step = THINKS;
        c->is_control = c->is_behind_control = c->wants_control = c->is_follower = false;
        if (!s->plan->is_periodic) {
                c->at_us = s->now_us + 1 + around(s, pause_us);
                return;
        }
        /* A period after it began the last round; what is late begins at once. */
        c->at_us = c->began_us + pause_us;
        if (c->next % STREET_VARIANTS != 0 || c->at_us <= s->now_us)
                c->at_us = s->now_us + 100;
}

static uint64_t way_us(struct street *s)
{
        return s->plan->one_way_us + chance(s, s->plan->jitter_us + 1);
}

static void leave(struct street *s, struct client *c, unsigned variant)
{
        struct limiter_request r = {
                .class = CLASS_CANCEL, .gate = 1, .deadline_ms = UINT64_MAX, .n_charges = 1
        };
        int answer;

        r.charges[0] = (struct limiter_charge){ .pool = POOL, .amount = charged(s, variant) };
        answer = limiter_reserve(&s->l, &r, time_of(s), &c->ticket);
        if (answer != LIMITER_GO) {
                limiter_refund(&s->l, &c->ticket);
                c->is_control = c->is_behind_control = c->wants_control = c->is_follower = false;
                c->at_us = s->now_us + 50000;
                return;
        }
        c->variant = variant;
        c->step = TRAVELS;
        c->at_us = s->now_us + way_us(s);
}

/* As the gateway's pauses are, but that they begin with what the plan says. */
static uint64_t control_pause_us(const struct street *s)
{
        uint64_t n = s->n_since / 8, us = s->plan->control_pause_us;

        us = n < 20 ? us << n : UINT64_MAX;
        return us < 10000000 ? us : 10000000;
}

/* As the gateway waits: the suspect that is first is followed later than it would follow. */
static uint64_t control_wait_us(const struct street *s)
{
        return s->plan->one_way_us * 5 / 2 + s->plan->jitter_us + 2000;
}

static bool could_leave(struct street *s, unsigned variant)
{
        struct limiter_request r = {
                .class = CLASS_CANCEL, .gate = 1, .deadline_ms = UINT64_MAX, .n_charges = 1
        };
        struct limiter_ticket ticket;
        int answer;

        r.charges[0] = (struct limiter_charge){ .pool = POOL, .amount = charged(s, variant) };
        answer = limiter_reserve(&s->l, &r, time_of(s), &ticket);
        limiter_refund(&s->l, &ticket);
        return answer == LIMITER_GO;
}

/* The next of its round; a suspect lets a control go first. */
static void go(struct street *s, struct client *c, unsigned i)
{
        unsigned variant =
                s->plan->has_mixed_clients ? c->next % STREET_VARIANTS : i % STREET_VARIANTS;

        if (c->is_follower) {
                leave(s, c, STREET_CONTROL);
                return;
        }
        if (variant == 0 || !s->plan->has_mixed_clients)
                c->began_us = s->now_us;
        if (s->plan->has_controls && !c->is_behind_control && variant != STREET_CONTROL &&
            s->now_us > s->controlled_us + control_pause_us(s) &&
            evidence_wants_control(s->l.region, street_variant(variant)) != EVIDENCE_PLAIN &&
            could_leave(s, variant)) {
                s->controlled_us = c->left_us = s->now_us;
                ++s->report->n_controls;
                ++s->n_since;
                c->wants_control = evidence_wants_control(s->l.region, street_variant(variant)) ==
                                   EVIDENCE_CONTROL;
                c->is_control = !c->wants_control;
                if (c->is_control) {
                        leave(s, c, STREET_CONTROL);
                        return;
                }
        }
        leave(s, c, variant);
        if (c->step == TRAVELS)
                ++c->next;
}

static void arrive(struct street *s, struct client *c)
{
        c->shown = exchange_counts(s, s->plan->real[c->variant]);
        c->is_stale = chance(s, 1000) < s->plan->stale_permille;
        c->is_missing = chance(s, 1000) < s->plan->missing_permille;
        c->is_failed = chance(s, 1000) < s->plan->failed_permille;
        if (c->is_stale)
                c->shown = s->earlier;
        s->earlier = s->used;
        c->step = RETURNS;
        c->at_us = s->now_us + way_us(s);
}

static void land(struct street *s, struct client *c)
{
        struct limiter_news news = { .pool = POOL, .span_ms = SPAN_MS, .used = c->shown };
        struct evidence_answer answer = {
                .pool = POOL,
                .variant = street_variant(c->variant),
                .kind = c->is_failed ? EVIDENCE_FAILED : EVIDENCE_OK,
                .charged = s->plan->said[c->variant],
                .control = c->is_behind_control ? EVIDENCE_SUSPECT
                           : c->is_follower     ? EVIDENCE_CONTROL
                                                : EVIDENCE_PLAIN,
        };
        struct street_report *report = s->report;
        struct evidence_findings found;
        size_t n = c->is_missing ? 0 : 1;

        ++report->n_answers;
        evidence_land(&s->l, &c->ticket, &answer, time_of(s), &news, n, &found);
        if (found.n > 0)
                s->n_since = 0;
        for (unsigned i = 0; i < found.n && report->n_findings < ARRAY_SIZE(report->findings); ++i)
                report->findings[report->n_findings++] = found.all[i];
        limiter_land(&s->l, &c->ticket, time_of(s), 0, 0, &news, n, NULL);
        if (c->is_control || c->wants_control) {
                c->is_behind_control = c->is_control;
                c->is_follower = c->wants_control;
                c->is_control = c->wants_control = false;
                c->step = THINKS;
                c->at_us = c->left_us + control_wait_us(s) * (c->is_behind_control ? 1 : 2);
                if (c->at_us <= s->now_us)
                        rest(s, c);
                return;
        }
        rest(s, c);
}

static void stranger_acts(struct street *s)
{
        const struct street_plan *p = s->plan;
        unsigned n = p->stranger == STRANGER_BURSTS ? 1 + (unsigned)chance(s, 20) : 1;

        for (unsigned i = 0; i < n; ++i)
                (void)exchange_counts(s, p->stranger_weight);
        if (p->stranger == STRANGER_CLOCK)
                s->stranger_us += p->stranger_pause_us;
        else if (p->stranger == STRANGER_FOLLOWER)
                s->stranger_us = IDLE;
        else
                s->stranger_us += 1 + around(s, p->stranger_pause_us);
}

/* What makes client 0 begin a round makes a follower act, always as long after it. */
static void wake_follower(struct street *s, unsigned i)
{
        if (s->plan->stranger == STRANGER_FOLLOWER && i == 0 && s->stranger_us == IDLE)
                s->stranger_us = s->now_us + s->plan->stranger_pause_us;
}

static void step(struct street *s, struct client *c, unsigned i)
{
        bool is_first = c->step == THINKS && !c->is_behind_control && !c->is_follower;

        s->now_us = c->at_us;
        if (is_first && (c->next % STREET_VARIANTS == 0 || !s->plan->has_mixed_clients))
                wake_follower(s, i);
        if (c->step == THINKS)
                go(s, c, i);
        else if (c->step == TRAVELS)
                arrive(s, c);
        else
                land(s, c);
}

void street_live(struct region *region, const struct street_plan *plan,
                 struct street_report *ret_report)
{
        struct street s = { .l = { .region = region }, .plan = plan, .report = ret_report };

        *ret_report = (struct street_report){ 0 };
        s.random = plan->seed * 0x9e3779b97f4a7c15ULL + 1;
        s.now_us = START_MS * 1000;
        s.stranger_us = plan->stranger == STRANGER_NONE || plan->stranger == STRANGER_FOLLOWER
                                ? IDLE
                                : s.now_us + chance(&s, plan->stranger_pause_us + 1);
        for (unsigned i = 0; i < plan->n_clients; ++i)
                s.clients[i] = (struct client){ .at_us = s.now_us + chance(&s, 1000000) };
        while (s.now_us < (START_MS + plan->for_ms) * 1000) {
                unsigned first = 0;

                for (unsigned i = 1; i < plan->n_clients; ++i)
                        if (s.clients[i].at_us < s.clients[first].at_us)
                                first = i;
                if (s.stranger_us < s.clients[first].at_us) {
                        s.now_us = s.stranger_us;
                        stranger_acts(&s);
                } else {
                        step(&s, &s.clients[first], first);
                }
        }
}
