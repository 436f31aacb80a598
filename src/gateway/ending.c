#include "gateway/ending.h"
#include "base/log.h"
#include "gateway/flow.h"
#include "gateway/state.h"
#include "gateway/watching.h"

void ending_check(struct gateway *g)
{
        if (g->is_draining && g->ending.is_server_empty && g->n_flows == 0)
                loop_stop(g->loop);
}

static void set_timer(struct gateway *g, uint64_t after_ms)
{
        loop_timer_set(g->ending.timer, loop_now_us(g->loop) + after_ms * US_PER_MS);
}

/* Finish what has been sent, refuse what has not, and go. */
static void drain(struct gateway *g)
{
        struct list *it, *after;

        g->is_draining = true;
        log_event(LOG_INFO, "draining", "flows=%zu waiting=%zu", g->n_flows, g->queue.n);
        service_keep(g);
        watching_end(g);
        list_for_each_safe(it, after, &g->flows)
        {
                flow_turn_away(container_of(it, struct flow, link));
        }
        set_timer(g, g->settings.timeouts.drain_ms);
        http_server_drain(g->server);
        ending_check(g);
}

static void hand_over(struct gateway *g)
{
        g->ending.is_handing_over = true;
        log_event(LOG_INFO, "handing_over", "connections=%llu flows=%zu",
                  (unsigned long long)http_server_counters(g->server).open, g->n_flows);
        service_keep(g);
        watching_end(g);
        http_server_retire(g->server);
        set_timer(g, g->settings.timeouts.handover_ms);
}

void ending_begin(void *ctx)
{
        struct gateway *g = ctx;

        if (g->is_draining || g->ending.is_handing_over) {
                loop_stop(g->loop);
                return;
        }
        service_stopping(g);
        if (!g->server) {
                /* It waits for the store still, and has not begun to serve. */
                g->is_draining = true;
                loop_stop(g->loop);
                return;
        }
        if (g->service.has_sockets && g->settings.timeouts.handover_ms > 0)
                hand_over(g);
        else
                drain(g);
}

void ending_on_empty(void *ctx)
{
        struct gateway *g = ctx;

        g->ending.is_server_empty = true;
        if (g->is_draining)
                ending_check(g);
        else
                drain(g);
}

static void on_timer(void *ctx)
{
        struct gateway *g = ctx;

        if (!g->is_draining) {
                drain(g);
                return;
        }
        log_event(LOG_WARN, "drain_timeout", "flows=%zu", g->n_flows);
        loop_stop(g->loop);
}

int ending_init(struct gateway *g)
{
        return loop_timer_new(g->loop, on_timer, g, &g->ending.timer);
}

void ending_deinit(struct gateway *g)
{
        g->ending.timer = loop_timer_free(g->ending.timer);
}
