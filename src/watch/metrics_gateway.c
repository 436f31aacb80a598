/* The gateway itself: its process, its clients' connections, its clocks, who waits in it. */
#include "watch/metrics.h"

#include <string.h>

const char *metrics_state_name(enum metrics_state state)
{
        static const char *const names[] = {
                [METRICS_STARTING] = "starting",
                [METRICS_READY] = "ready",
                [METRICS_DRAINING] = "draining",
        };

        must(state < ARRAY_SIZE(names));
        return names[state];
}

/* One of them is 1. */
static void write_state(struct exposition *e, enum metric metric, const char *state,
                        const char *const *names, size_t n)
{
        metrics_begin(e, metric);
        for (size_t i = 0; i < n; ++i)
                exposition_sample(e, strcmp(names[i], state) == 0, LABELS(names[i]));
}

static void write_states(struct exposition *e, const struct metrics_gateway *g)
{
        static const char *const history[] = { "off", "on", "failed" };
        const char *const states[] = {
                metrics_state_name(METRICS_STARTING),
                metrics_state_name(METRICS_READY),
                metrics_state_name(METRICS_DRAINING),
        };

        write_state(e, METRIC_gateway_state, metrics_state_name(g->state), states, 3);
        write_state(e, METRIC_history_state, g->history, history, 3);
        metrics_one(e, METRIC_gateway_shadow, g->is_shadow);
        metrics_one(e, METRIC_region_deleted, g->is_region_deleted);
}

static void write_process(struct exposition *e, const struct metrics_gateway *g)
{
        metrics_one(e, METRIC_process_start_time, g->started_s);
        metrics_one(e, METRIC_process_cpu, g->cpu_s);
        metrics_one(e, METRIC_process_memory, g->resident_bytes);
        metrics_one(e, METRIC_loop_lag, g->loop_lag_s);
}

static void write_server(struct exposition *e, const struct http_server_counters *s)
{
        metrics_one(e, METRIC_connections, (double)s->open);
        metrics_one(e, METRIC_accepted, (double)s->accepted);
        metrics_one(e, METRIC_connections_refused, (double)s->refused);
        metrics_one(e, METRIC_malformed, (double)s->malformed);
        metrics_one(e, METRIC_timed_out, (double)s->late);
}

static void write_clocks(struct exposition *e, const struct metrics_gateway *g)
{
        static const enum metric metrics[] = { METRIC_clock_known, METRIC_clock_offset,
                                               METRIC_clock_error };

        for (size_t m = 0; m < 3; ++m) {
                metrics_begin(e, metrics[m]);
                for (size_t i = 0; i < g->n_clocks; ++i) {
                        const struct metrics_clock *c = &g->clocks[i];
                        const double values[] = { c->is_known, c->offset_s, c->error_s };

                        if (m == 0 || c->is_known)
                                exposition_sample(e, values[m], LABELS(c->product, c->egress));
                }
        }
}

static void write_queue(struct exposition *e, const struct metrics_gateway *g)
{
        static const enum metric metrics[] = { METRIC_queue_waiting, METRIC_queue_oldest,
                                               METRIC_queue_paused };

        for (size_t m = 0; m < 3; ++m) {
                metrics_begin(e, metrics[m]);
                for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                        const struct metrics_queue *q = &g->queue[class];
                        const double values[] = { (double)q->waiting, q->oldest_s, q->is_paused };

                        exposition_sample(e, values[m],
                                          LABELS(class_name((enum weir_class) class)));
                }
        }
}

void metrics_gateway(struct exposition *e, const struct metrics_gateway *gateway)
{
        write_states(e, gateway);
        write_process(e, gateway);
        write_server(e, &gateway->server);
        write_clocks(e, gateway);
        write_queue(e, gateway);
        metrics_one(e, METRIC_paused_clients, (double)gateway->paused_clients);
}
