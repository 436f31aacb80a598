#include "gateway/shadow.h"
#include "base/clock.h"
#include "base/log.h"
#include "budget/budget.h"
#include "budget/landing.h"
#include "budget/stops.h"
#include "gateway/breakers.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The report on the disk is never older than this. */
#define WRITE_EVERY_US (2 * US_PER_SECOND)

static const uint64_t waits_ms[SHADOW_WAITS - 1] = { 1, 10, 100, 1000, 10000, 60000 };

const char *shadow_reason_name(enum shadow_reason reason)
{
        static const char *const names[SHADOW_REASON_COUNT] = {
#define X(enumerator, name) name,
                SHADOW_REASONS(X)
#undef X
        };

        must(reason < SHADOW_REASON_COUNT);
        return names[reason];
}

/* Life. */

int shadow_open(struct gateway *g, const char *region_path)
{
        struct shadow *s = calloc(1, sizeof(*s));
        struct region_error error;
        struct region_plan plan;
        int r;

        if (!s)
                return -ENOMEM;
        s->since_ms = clock_wall_us() / US_PER_MS;
        snprintf(s->path, sizeof(s->path), "%s.shadow", region_path);
        budget_plan(&plan, s->since_ms);
        r = region_open(NULL, &plan, &s->region, &error);
        if (r == 0) {
                s->limiter.region = &s->region;
                r = shadow_write(s);
        }
        if (r < 0) {
                log_say(LOG_ERROR,
                        "the shadow report %s cannot be written: %s; name a region in a "
                        "folder of yours with --region",
                        s->path, strerror(-r));
                region_close(&s->region);
                free(s);
                return r;
        }
        g->shadow = s;
        log_event(LOG_WARN, "shadow",
                  "path=%s why=\"every request passes at once and unchanged: nothing keeps you "
                  "inside the exchange's limits\"",
                  s->path);
        return 0;
}

void shadow_close(struct gateway *g)
{
        struct shadow *s = g->shadow;

        if (!s)
                return;
        if (shadow_write(s) < 0)
                log_event(LOG_WARN, "shadow_unwritten", "path=%s", s->path);
        shadow_tell(s);
        region_close(&s->region);
        free(s);
        g->shadow = NULL;
}

static void copy_word(word_t *to, const word_t *from)
{
        atomic_store_explicit(to, atomic_load_explicit(from, memory_order_relaxed),
                              memory_order_relaxed);
}

void shadow_follow(struct gateway *g)
{
        struct region_header *from = g->region.header, *to;
        struct shadow *s = g->shadow;

        if (!s)
                return;
        to = s->region.header;
        copy_word(&to->ceilings, &from->ceilings);
        for (size_t i = 0; i < REGION_RULES; ++i)
                copy_word(&to->rules[i], &from->rules[i]);
        for (size_t i = 0; i < REGION_POOLS; ++i) {
                uint64_t windows[REGION_POOL_WINDOWS];
                bool is_same = true;

                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k) {
                        windows[k] = atomic_load_explicit(&from->pools[i][k], memory_order_relaxed);
                        is_same &= windows[k] ==
                                   atomic_load_explicit(&to->pools[i][k], memory_order_relaxed);
                }
                if (!is_same)
                        limiter_set_pool(&s->limiter, (uint16_t)i, windows);
        }
        if (s->limiter.pacing.rate_per_min != g->settings.pacing.requests_per_minute ||
            s->limiter.pacing.burst != g->settings.pacing.burst)
                (void)!limiter_set_pacing(&s->limiter, g->settings.pacing.requests_per_minute,
                                          g->settings.pacing.burst);
}

void shadow_keep(struct gateway *g)
{
        struct shadow *s = g->shadow;
        uint64_t now_us = clock_mono_us();

        if (!s)
                return;
        shadow_follow(g);
        if (!s->is_changed || now_us < s->written_us + WRITE_EVERY_US)
                return;
        s->written_us = now_us;
        s->is_changed = false;
        if (shadow_write(s) < 0)
                log_event(LOG_WARN, "shadow_unwritten", "path=%s", s->path);
}

/* The what-if books of the address that @f leaves by. */
static struct limiter *books_of(const struct flow *f)
{
        struct shadow *s = f->gateway->shadow;
        const struct limiter *of = upstream_limiter(f->upstream);

        s->limiter.egress = of->egress;
        s->limiter.address = of->address;
        return &s->limiter;
}

/* Deciding. */

/* Without its query, which may hold a signature. */
static void note(struct shadow *s, enum shadow_reason reason, const struct http_exchange *exchange,
                 enum weir_class class, uint64_t now_ms, uint64_t wait_ms)
{
        const struct http_head *head = http_exchange_head(exchange);
        uint64_t n = s->reasons[reason].n++;
        char method[SHOWN_METHOD_SIZE], path[80];
        struct shadow_example *e;

        s->is_changed = true;
        if (n >= SHADOW_EXAMPLES)
                return;
        e = &s->reasons[reason].examples[n];
        e->at_ms = now_ms;
        e->class = class;
        e->wait_ms = wait_ms;
        str_copy(str_of(http_exchange_label(exchange)), e->request_id, sizeof(e->request_id));
        snprintf(e->request, sizeof(e->request), "%s %s", shown_method(head, method),
                 shown_path(head->path, path, sizeof(path)));
}

bool shadow_forgives(struct gateway *g, const struct http_exchange *exchange,
                     enum shadow_reason reason)
{
        if (!g->shadow)
                return false;
        note(g->shadow, reason, exchange, CLASS_COUNT, clock_wall_us() / US_PER_MS, 0);
        return true;
}

static void delayed(struct flow *f, uint64_t now_ms, uint64_t at_ms)
{
        struct shadow *s = f->gateway->shadow;
        uint64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0, *excess;
        size_t i = 0;

        while (i < SHADOW_WAITS - 1 && wait_ms > waits_ms[i])
                ++i;
        ++s->classes[f->request.class].waits[i];
        ++s->classes[f->request.class].delayed;
        s->classes[f->request.class].wait_ms += wait_ms;
        if (wait_ms > s->classes[f->request.class].longest_ms)
                s->classes[f->request.class].longest_ms = wait_ms;
        excess = &s->excess_until_ms[f->request.gate];
        if (at_ms > *excess)
                *excess = at_ms;
}

static void refused(struct flow *f, enum shadow_reason reason, uint64_t now_ms, uint64_t at_ms)
{
        struct shadow *s = f->gateway->shadow;

        ++s->classes[f->request.class].refused;
        note(s, reason, f->exchange, f->request.class, now_ms, at_ms > now_ms ? at_ms - now_ms : 0);
        if (at_ms > s->excess_until_ms[f->request.gate])
                s->excess_until_ms[f->request.gate] = at_ms;
}

static enum shadow_reason reason_of(int answer, const struct limiter_ticket *ticket)
{
        switch (answer) {
        case LIMITER_NEVER:
                return SHADOW_NEVER;
        case LIMITER_LATE:
                return SHADOW_LATE;
        case LIMITER_SHUT:
                return ticket->shut_by == GATE_BAN        ? SHADOW_BAN
                       : ticket->shut_by == GATE_FIREWALL ? SHADOW_FIREWALL
                                                          : SHADOW_STOP;
        case -ENOSPC:
                return SHADOW_FULL;
        default:
                return SHADOW_CROWDED;
        }
}

/* The weight that it asks for, where its product counts any. */
static uint32_t weight_of(const struct flow *f)
{
        return f->plan.n_charges > 0 && policy_pool(f->plan.charges[0].pool)->unit == POLICY_WEIGHT
                       ? f->request.charges[0].amount
                       : 0;
}

/* In the what-if books a ban is probed as soon as it is over, and the probe is answered. */
static void end_ban(struct flow *f, struct limiter_time time)
{
        struct limiter *l = books_of(f);
        int gate = stops_claim_probe(l, f->upstream->group, time);

        if (gate != STOPS_NO_PROBE)
                stops_probe_done(l, gate, true, time);
}

/* Return: true when weir would have sent it, now or later. */
static bool decide(struct flow *f, struct limiter_time time)
{
        struct limiter_ticket *ticket = &f->what_if;
        struct shadow *s = f->gateway->shadow;
        uint64_t cut_ms;
        int r;

        if (breakers_are_shut(f->gateway, f->upstream, &cut_ms)) {
                refused(f, SHADOW_BREAKER, time.now_ms, time.now_ms + cut_ms);
                return false;
        }
        end_ban(f, time);
        r = limiter_reserve(books_of(f), &f->request, time, ticket);
        if (r == LIMITER_GO) {
                ++s->classes[f->request.class].at_once;
                return true;
        }
        if (r == LIMITER_WAIT || ((r == LIMITER_SHUT || r == LIMITER_CROWDED) &&
                                  ticket->at_ms < f->request.deadline_ms)) {
                delayed(f, time.now_ms, ticket->at_ms);
                /* It keeps the place, and is never seen again. */
                limiter_abandon(ticket);
                return true;
        }
        refused(f, reason_of(r, ticket), time.now_ms, r < 0 ? 0 : ticket->at_ms);
        return false;
}

void shadow_decide(struct flow *f)
{
        struct gateway *g = f->gateway;
        struct shadow *s = g->shadow;

        ++s->requests;
        ++s->classes[f->request.class].requests;
        s->is_changed = true;
        s->weight.asked += weight_of(f);
        if (!upstream_knows_time(g, f->upstream) && !f->upstream->has_given_up) {
                /* In which window it is nobody can tell; weir would ask for the time first. */
                ++s->undecided;
                s->weight.sent += weight_of(f);
                return;
        }
        if (decide(f, upstream_now(g, f->upstream)))
                s->weight.sent += weight_of(f);
}

void shadow_charge(struct flow *f)
{
        struct gateway *g = f->gateway;

        /* Before the time is known: what it cost is seen by the next reply's header. */
        if (!upstream_knows_time(g, f->upstream) && !f->upstream->has_given_up)
                return;
        if (limiter_charge(upstream_limiter(f->upstream), &f->request, upstream_now(g, f->upstream),
                           &f->ticket) < 0)
                log_event(LOG_WARN, "region_full", "request=%s group=%s", f->request_id,
                          policy_group_name(f->plan.group));
}

void shadow_drop(struct flow *f, bool is_sent)
{
        if (!f->gateway->shadow)
                return;
        if (is_sent)
                limiter_abandon(&f->what_if);
        else
                limiter_refund(books_of(f), &f->what_if);
}

/* Answers. */

static bool is_refusal(int status)
{
        return status == 429 || status == 418 || status == 403;
}

void shadow_land(struct flow *f, int status)
{
        struct budget_answer answer = { .status = status, .sent_ms = f->sent_ms };
        struct shadow *s = f->gateway->shadow;

        if (!s)
                return;
        if (is_refusal(status))
                s->weight.refused += weight_of(f);
        (void)budget_land(books_of(f), &f->plan, &f->what_if, &answer,
                          upstream_now(f->gateway, f->upstream));
}

static bool refusal_of(const struct verdict *v, enum shadow_refusal *ret)
{
        switch (v->kind) {
        case VERDICT_OVER_WEIGHT:
                *ret = SHADOW_OVER_WEIGHT;
                return true;
        case VERDICT_TOO_MANY_ORDERS:
                *ret = SHADOW_TOO_MANY_ORDERS;
                return true;
        case VERDICT_BANNED:
                *ret = SHADOW_BANNED;
                return true;
        case VERDICT_FIREWALL:
                *ret = SHADOW_BLOCKED;
                return true;
        default:
                return false;
        }
}

/*
 * Would weir have prevented it? It would if it had sent nothing at that time, or if something was
 * sent that it would still be holding back.
 */
static bool is_prevented(const struct flow *f, bool was_shut)
{
        const struct shadow *s = f->gateway->shadow;

        return was_shut || f->sent_ms < s->excess_until_ms[f->request.gate];
}

void shadow_judge(struct flow *f, const struct verdict *verdict, bool was_shut)
{
        struct shadow *s = f->gateway->shadow;
        struct limiter_time time = upstream_now(f->gateway, f->upstream);
        enum shadow_refusal refusal;
        uint64_t again_ms;
        struct stop stop;

        if (!refusal_of(verdict, &refusal))
                return;
        s->is_changed = true;
        ++s->refusals[refusal].seen;
        if (is_prevented(f, was_shut)) {
                ++s->refusals[refusal].prevented;
                return;
        }
        s->weight.kept += weight_of(f);
        /* Weir would have met it as well. */
        (void)stops_apply(books_of(f), &f->plan, verdict, time, &stop);
        if (call_told(&f->call, verdict, time.now_ms, gateway_random(f->gateway), &again_ms) ==
            CALL_WAIT)
                ++s->retried;
}
