#include "gateway/hosts.h"

#include "base/clock.h"
#include "base/log.h"
#include "budget/budget.h"
#include "core/lease.h"
#include "gateway/flow.h"
#include "gateway/upstream.h"
#include "lease/keeper.h"
#include "lease/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The keeper looks at the books this often, and when somebody is hungry, but not more often than.
 */
#define LOOK_US       (10 * US_PER_MS)
#define LOOK_LEAST_US 500
/* At the start the store has so long to say what is shut. */
#define OPENING_US (1000 * US_PER_MS)
/* Who is no keeper asks this often. */
#define LOCK_US (500 * US_PER_MS)
/* A clock that is known worse is told as unknown: as the store has it. */
#define CLOCK_ERROR_MAX_MS 5000

static void note_time(struct keeper_time *time, unsigned group, struct limiter_time now)
{
        if (now.guard_ms > CLOCK_ERROR_MAX_MS)
                return;
        if (!time->is_known || now.guard_ms < time->best.guard_ms)
                time->best = now;
        time->is_known = true;
        for (size_t pool = 0; pool < policy_pool_count(); ++pool)
                if (policy_pool(pool)->groups & 1u << group)
                        time->of_pool[pool] = now;
}

void hosts_time(struct gateway *g, struct keeper_time *time)
{
        uint64_t wall_us = clock_wall_us();

        *time = (struct keeper_time){ .mono_us = clock_mono_us() };
        for (unsigned group = 0; group < POLICY_GROUP_COUNT; ++group) {
                const word_t *word = &g->region.header->clocks[group];
                struct upstream *u = &g->outlets[0].upstreams[group];
                int64_t offset_ms;
                uint32_t error_ms;

                if (u->is_in_use && exclock_is_known(&u->clock))
                        note_time(time, group, upstream_now(g, u));
                else if (exclock_read(word, &offset_ms, &error_ms))
                        note_time(time, group, exclock_shared(word, wall_us));
        }
        if (!time->is_known)
                time->best = (struct limiter_time){ wall_us / US_PER_MS, EXCLOCK_UNKNOWN_ERROR_MS };
        for (size_t pool = 0; pool < REGION_POOLS; ++pool)
                if (time->of_pool[pool].now_ms == 0)
                        time->of_pool[pool] = time->best;
}

/* For whoever looks for what was promised to whom. */
static void say_op(const struct keeper *k, const struct op *op)
{
        for (size_t i = 0; i < op->n_budgets; ++i) {
                const struct op_budget *b = &op->budgets[i];

                log_event(LOG_DEBUG, "store_op",
                          "seq=%llu why=%d id=%s share=%llu window=%llu used=%llu hold=%llu "
                          "want=%llu next=%llu/%llu before=%llu after=%llu later=%zu",
                          (unsigned long long)op->seq, (int)k->reason, b->id,
                          (unsigned long long)b->share, (unsigned long long)b->now,
                          (unsigned long long)b->current.used, (unsigned long long)b->current.hold,
                          (unsigned long long)b->current.want, (unsigned long long)b->next.hold,
                          (unsigned long long)b->next.want, (unsigned long long)b->before,
                          (unsigned long long)b->after, b->n_later);
        }
}

static void say_answer(const struct op_answer *answer)
{
        for (size_t i = 0; i < answer->n_budgets; ++i) {
                const struct op_granted *b = &answer->budgets[i];

                log_event(LOG_DEBUG, "store_answer",
                          "seq=%llu id=%s share=%llu window=%llu claim=%llu next=%llu "
                          "others=%llu foreign=%llu hungry=%d",
                          (unsigned long long)answer->seq, b->id, (unsigned long long)b->share,
                          (unsigned long long)b->now, (unsigned long long)b->claim_current,
                          (unsigned long long)b->claim_next, (unsigned long long)b->others,
                          (unsigned long long)b->foreign, b->is_hungry);
        }
}

/* Sends what is to be said, if anything is and the store can take it. */
static void look(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        struct keeper_time time;

        if (!h->keeper || h->is_leaving)
                return;
        hosts_time(g, &time);
        h->looked_us = time.mono_us;
        if (keeper_look(h->keeper, &time) && !store_is_busy(h->store)) {
                const struct op *op = keeper_op(h->keeper, &time);

                if (store_send(h->store, op) == 0) {
                        counter_add(g->region.header, COUNTER_store_ops);
                        say_op(h->keeper, op);
                }
        }
        loop_timer_set(h->timer, loop_now_us(g->loop) + LOOK_US);
}

static void on_timer(void *ctx)
{
        look(ctx);
}

void hosts_hungry(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        uint64_t at_us = h->looked_us + LOOK_LEAST_US, now_us;

        if (LIKELY(!h->keeper))
                return;
        now_us = loop_now_us(g->loop);
        loop_timer_set(h->timer, at_us > now_us ? at_us : now_us);
}

static void open_the_door(struct gateway *g)
{
        if (!g->hosts.is_opening)
                return;
        g->hosts.is_opening = false;
        loop_stop(g->loop);
}

/* What tells the limits goes before what is bound by them. */
static void hurry(struct gateway *g)
{
        for (size_t o = 0; o < g->n_outlets; ++o)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                        if (g->outlets[o].upstreams[i].is_in_use)
                                errands_hurry(g, &g->outlets[o].upstreams[i]);
}

/* What was granted, or learned from others, changes for those who wait. */
static void follow(struct gateway *g, const struct keeper_change *change)
{
        if (change->has_stop)
                flow_review_stops(g);
        if (change->has_room)
                hurry(g);
        if (change->has_room)
                flow_review_caps(g);
        if (change->is_crowd)
                log_event(LOG_INFO, "hosts", "n=%llu", (unsigned long long)change->n_hosts);
        if (change->granted > 0)
                counter_add(g->region.header, COUNTER_store_grants);
        if (change->is_sooner || change->has_room)
                look(g);
}

static void on_up(void *ctx)
{
        struct gateway *g = ctx;

        keeper_up(g->hosts.keeper);
        look(g);
}

static void on_down(void *ctx, const char *why)
{
        struct gateway *g = ctx;
        struct keeper_time time;

        hosts_time(g, &time);
        (void)keeper_away(g->hosts.keeper, &time);
        hosts_left(g);
        hosts_say_away(g, why);
}

static void on_still_down(void *ctx, const char *why)
{
        hosts_say_away(ctx, why);
}

static void on_answer(void *ctx, const struct op_answer *answer)
{
        struct gateway *g = ctx;
        struct keeper_change change;
        struct keeper_time time;

        hosts_time(g, &time);
        say_answer(answer);
        if (g->hosts.has_said_bye && !answer->is_again) {
                hosts_left(g);
                return;
        }
        keeper_answer(g->hosts.keeper, answer, &time, &change);
        hosts_say_there(g, answer);
        if (g->hosts.is_leaving) {
                hosts_say_bye(g);
                return;
        }
        follow(g, &change);
        open_the_door(g);
}

static void on_refused(void *ctx, uint64_t seq, const char *why)
{
        struct gateway *g = ctx;
        struct keeper_time time;

        (void)seq;
        hosts_time(g, &time);
        keeper_refused(g->hosts.keeper, &time);
        hosts_say_refused(g, why);
        hosts_left(g);
        open_the_door(g);
}

static void on_twice(void *ctx, const char *why)
{
        struct gateway *g = ctx;
        char old[OP_HEX_SIZE], new[OP_HEX_SIZE];
        struct keeper_time time;

        hosts_time(g, &time);
        op_hex(g->region.lease->host, old);
        keeper_renumber(g->hosts.keeper, &time);
        op_hex(g->region.lease->host, new);
        log_event(LOG_ERROR, "host_renumbered",
                  "why=\"%s\" from=%s to=%s then=\"this host joins as a new one; never copy a "
                  "region\"",
                  why, old, new);
        hosts_left(g);
        open_the_door(g);
}

static void on_news(void *ctx, const struct op_news *news)
{
        struct gateway *g = ctx;
        struct keeper_change change;
        struct keeper_time time;

        if (g->hosts.is_leaving)
                return;
        hosts_time(g, &time);
        keeper_news(g->hosts.keeper, news, &time, &change);
        if (change.is_twice) {
                on_twice(g,
                         "another host speaks under this one's number, as when a region is copied");
                return;
        }
        hosts_say_guests(news);
        follow(g, &change);
        /* What others want or have given back may be ours to say something about. */
        if (!change.is_sooner && news->n_hungry + news->n_free > 0)
                look(g);
}

static const struct store_callbacks callbacks = {
        .on_up = on_up,
        .on_down = on_down,
        .on_answer = on_answer,
        .on_refused = on_refused,
        .on_twice = on_twice,
        .on_news = on_news,
        .on_still_down = on_still_down,
};

static int become_keeper(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct store_config store = {
                .url = s->store.url,
                .name = s->store.name,
                .password_file = s->store.password_file,
                .ca_file = s->store.ca_file,
        };
        struct keeper_config config = {
                .name = g->hosts.name,
                .address = s->store.address,
                .grace_ms = s->store.grace_ms,
                .share_pct = s->store.share_pct,
        };
        char why[OP_WHY_SIZE];
        struct keeper_time time;
        int r;

        /* Again, for whoever ended the sharing had the keeper's lock until now. */
        atomic_store_explicit(&g->region.header->sharing, LEASE_SHARING, memory_order_seq_cst);
        g->hosts.keeper = calloc(1, sizeof(*g->hosts.keeper));
        if (!g->hosts.keeper)
                return -ENOMEM;
        hosts_time(g, &time);
        keeper_init(g->hosts.keeper, &g->limiter, &config, &time);
        r = store_new(g->loop, &store, &callbacks, g, &g->hosts.store, why);
        if (r == -EINVAL)
                log_say(LOG_ERROR, "%s", why);
        else if (r < 0)
                log_say(LOG_ERROR, "cannot set up the way to the store: %s", strerror(-r));
        if (r < 0) {
                free(g->hosts.keeper);
                g->hosts.keeper = NULL;
        }
        return r;
}

static void on_opening_over(void *ctx)
{
        open_the_door(ctx);
}

/* Runs the loop until the store has said what is shut. */
static int wait_for_gates(struct gateway *g)
{
        struct loop_timer *timer;
        int r = loop_timer_new(g->loop, on_opening_over, g, &timer);

        if (r < 0)
                return r;
        loop_timer_set(timer, loop_now_us(g->loop) + OPENING_US);
        g->hosts.is_opening = true;
        r = loop_run(g->loop);
        g->hosts.is_opening = false;
        (void)loop_timer_free(timer);
        return r;
}

int hosts_open(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct hosts *h = &g->hosts;
        int r;

        if (s->store.url[0] == '\0' || !s->limits || g->shadow) {
                hosts_watch(g);
                return 0;
        }
        h->is_sharing = true;
        (void)snprintf(h->name, sizeof(h->name), "%s", s->store.host);
        if (h->name[0] == '\0' && gethostname(h->name, sizeof(h->name) - 1) < 0)
                (void)snprintf(h->name, sizeof(h->name), "host");
        atomic_store_explicit(&g->region.header->sharing, LEASE_SHARING, memory_order_seq_cst);
        r = loop_timer_new(g->loop, on_timer, g, &h->timer);
        if (r < 0)
                return r;
        h->locked_us = clock_mono_us();
        if (!hosts_lock(g))
                return 0;
        r = become_keeper(g);
        return r < 0 ? r : wait_for_gates(g);
}

void hosts_keep(struct gateway *g)
{
        struct hosts *h = &g->hosts;
        uint64_t now_us = loop_now_us(g->loop);

        if (h->keeper || now_us < h->locked_us + LOCK_US)
                return;
        h->locked_us = now_us;
        hosts_watch(g);
        if (!h->is_sharing)
                return;
        if (hosts_lock(g) && become_keeper(g) == 0)
                log_event(LOG_INFO, "keeper", "why=\"this gateway speaks for the host now\"");
}

void hosts_close(struct gateway *g)
{
        struct hosts *h = &g->hosts;

        h->store = store_free(h->store);
        free(h->keeper);
        h->keeper = NULL;
        h->timer = loop_timer_free(h->timer);
}

bool hosts_may_probe(struct gateway *g, const struct upstream *u)
{
        unsigned gates[2] = { BUDGET_GATE_ALL, budget_gate(u->group) };
        struct limiter_time now = upstream_now(g, u);
        struct keeper_time time;
        bool may = true;

        if (!g->hosts.keeper)
                return true;
        hosts_time(g, &time);
        for (size_t i = 0; i < ARRAY_SIZE(gates); ++i) {
                struct gate_view view;

                gate_look(limiter_gate(upstream_limiter(u), gates[i]), now.now_ms, &view);
                if (view.is_shut && view.kind != GATE_STOP && view.until_ms <= now.now_ms)
                        may &= keeper_may_probe(g->hosts.keeper, upstream_limiter(u)->egress,
                                                gates[i], &time);
        }
        return may;
}
