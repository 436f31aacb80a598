#include "gateway/measures.h"

#include "base/clock.h"
#include "gateway/chronicle.h"
#include "core/sharing.h"
#include "gateway/flow.h"
#include "gateway/outlet.h"
#include "gateway/upstream.h"
#include "gateway/watching.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The greatest lag is of this span, and of the one before it: a reader that comes every 15 seconds,
 * as most do, misses none. */
#define LAG_SPAN_US (15 * US_PER_SECOND)

struct measures {
        uint64_t beat_us; /* of the last one, monotonic; 0: none yet */
        uint64_t span_us; /* since when */
        uint64_t lag_us, last_lag_us;
        struct metrics_gateway shown;
        struct top clients, endpoints;
};

int measures_open(struct gateway *g)
{
        g->measures = calloc(1, sizeof(*g->measures));
        if (!g->measures)
                return -ENOMEM;
        g->measures->shown.started_s = (double)clock_wall_us() / 1e6;
        return 0;
}

void measures_close(struct gateway *g)
{
        free(g->measures);
        g->measures = NULL;
}

void measures_beat(struct gateway *g, uint64_t interval_us)
{
        struct measures *m = g->measures;
        uint64_t now_us = clock_mono_us(), due_us = m->beat_us + interval_us;
        uint64_t lag_us = m->beat_us != 0 && now_us > due_us ? now_us - due_us : 0;

        m->beat_us = now_us;
        if (now_us - m->span_us >= LAG_SPAN_US) {
                m->span_us = now_us;
                m->last_lag_us = m->lag_us;
                m->lag_us = 0;
        }
        if (lag_us > m->lag_us)
                m->lag_us = lag_us;
}

/* Bytes of this process that are in memory; 0 where /proc does not say. */
static double resident_bytes(void)
{
        char text[128];
        const char *second;
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (fd >= 0)
                close(fd);
        if (n <= 0)
                return 0;
        text[n] = '\0';
        second = strchr(text, ' ');
        if (!second)
                return 0;
        return (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static bool is_starting(const struct upstream *u)
{
        return u->is_in_use && !u->has_started && !u->has_given_up;
}

/* Where budgets are shared and this host has none of them. */
static void add_stuck(struct gateway *g, json_t *reasons)
{
        struct sharing sharing;
        char words[SHARING_WORDS_SIZE];

        if (!g->settings.limits || g->shadow)
                return;
        hosts_look(g, &sharing);
        if (sharing_is_stuck(&sharing))
                json_array_append_new(reasons, json_string(sharing_words(&sharing, words)));
}

json_t *measures_unready(void *ctx)
{
        struct gateway *g = ctx;
        json_t *reasons = json_array();

        if (g->is_draining)
                json_array_append_new(reasons, json_string("it ends: what has been sent is "
                                                           "finished, nothing new is taken"));
        else if (g->ending.is_handing_over)
                json_array_append_new(reasons, json_string("it hands over to the next gateway"));
        for (size_t k = 0; k < g->n_outlets && g->settings.limits; ++k)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                        if (is_starting(&g->outlets[k].upstreams[i]))
                                json_array_append_new(
                                        reasons,
                                        json_sprintf(
                                                "the exchange has not told its time of /%s yet",
                                                policy_group_name((enum policy_group)i)));
        add_stuck(g, reasons);
        return reasons;
}

static enum metrics_state state_of(struct gateway *g)
{
        json_t *reasons = measures_unready(g);
        bool is_ready = json_array_size(reasons) == 0;

        json_decref(reasons);
        return g->is_draining || g->ending.is_handing_over ? METRICS_DRAINING
               : is_ready && g->service.is_ready           ? METRICS_READY
                                                           : METRICS_STARTING;
}

const char *measures_state_name(struct gateway *g)
{
        return metrics_state_name(state_of(g));
}

static void show_state(struct gateway *g, struct metrics_gateway *to)
{
        to->state = state_of(g);
        to->history = chronicle_word(g);
        to->is_shadow = g->shadow != NULL;
        to->is_region_deleted = g->is_region_gone;
        to->weights_acknowledged = watching_acknowledged(g);
}

/* As the settings have it; another number begins anew. */
static void keep_names(struct gateway *g)
{
        struct measures *m = g->measures;
        size_t most = g->settings.watch.metrics_names;

        if (m->clients.most != most) {
                top_init(&m->clients, most);
                top_init(&m->endpoints, most);
        }
        top_update(&m->clients, g->stats, STATS_BY_CLIENT);
        top_update(&m->endpoints, g->stats, STATS_BY_ENDPOINT);
}

static void show_clocks(struct gateway *g, struct metrics_gateway *to)
{
        uint64_t wall_ms = clock_wall_us() / US_PER_MS;

        to->n_clocks = 0;
        for (size_t k = 0; k < g->n_outlets; ++k)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                        const struct upstream *u = &g->outlets[k].upstreams[i];
                        struct limiter_time now;

                        if (!u->is_in_use)
                                continue;
                        now = upstream_now(g, u);
                        to->clocks[to->n_clocks++] = (struct metrics_clock){
                                .product = policy_group_name((enum policy_group)i),
                                .egress = g->outlets[k].name,
                                .is_known = exclock_is_known(&u->clock),
                                .offset_s = ((double)now.now_ms - (double)wall_ms) / 1e3,
                                .error_s = (double)now.guard_ms / 1e3,
                        };
                }
}

static void show_queue(struct gateway *g, struct metrics_gateway *to)
{
        uint64_t now_us = clock_mono_us();
        struct list *it, *after;

        to->paused_clients = g->pauses.n_clients;
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                to->queue[class] = (struct metrics_queue){
                        .is_paused = pauses_class_is(&g->pauses, (enum weir_class) class),
                };
        list_for_each_safe(it, after, &g->flows)
        {
                const struct flow *f = container_of(it, struct flow, link);
                struct metrics_queue *q = &to->queue[f->request.class];
                double waited_s = (double)(now_us - f->arrived_us) / 1e6;

                if (!flow_is_queued(f))
                        continue;
                ++q->waiting;
                q->oldest_s = waited_s > q->oldest_s ? waited_s : q->oldest_s;
        }
}

static const char *verdict_name(unsigned i)
{
        return i < VERDICT_KIND_COUNT ? verdict_kind_name((enum verdict_kind)i) : NULL;
}

void measures_show(void *ctx, struct metrics_input *ret_input)
{
        struct gateway *g = ctx;
        struct measures *m = g->measures;

        show_state(g, &m->shown);
        m->shown.cpu_s = (double)clock_process_us() / 1e6;
        m->shown.resident_bytes = resident_bytes();
        m->shown.loop_lag_s =
                (double)(m->lag_us > m->last_lag_us ? m->lag_us : m->last_lag_us) / 1e6;
        m->shown.server = http_server_counters(g->server);
        show_clocks(g, &m->shown);
        show_queue(g, &m->shown);
        keep_names(g);
        *ret_input = (struct metrics_input){
                .look = watching_look(g),
                .stats = g->stats,
                .gateway = &m->shown,
                .clients = &m->clients,
                .endpoints = &m->endpoints,
                .verdict_name = verdict_name,
        };
}
