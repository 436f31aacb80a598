/* What is shut, and what does not answer, of each address; and the other hosts. */
#include "watch/metrics.h"

static double until_s(const struct look *look, uint64_t for_ms)
{
        return (double)(look->wall_ms + for_ms) / 1000;
}

static void write_shut(struct exposition *e, const struct look *look)
{
        metrics_begin(e, METRIC_gates_shut);
        for (unsigned kind = 0; kind < GATE_KINDS; ++kind) {
                double n = 0;

                for (size_t i = 0; i < look->n_gates; ++i)
                        n += look->gates[i].kind == kind;
                exposition_sample(e, n, LABELS(gate_kind_name((enum gate_kind)kind)));
        }
}

static void write_gate(struct exposition *e, const struct look *look, const struct look_gate *gate,
                       double value)
{
        exposition_sample(e, value,
                          LABELS(look->egresses[gate->egress].name, gate->product,
                                 gate_kind_name(gate->kind)));
}

static void write_gates(struct exposition *e, const struct look *look)
{
        write_shut(e, look);
        metrics_begin(e, METRIC_gate_until);
        for (size_t i = 0; i < look->n_gates; ++i)
                write_gate(e, look, &look->gates[i], until_s(look, look->gates[i].for_ms));
        metrics_begin(e, METRIC_gate_probing);
        for (size_t i = 0; i < look->n_gates; ++i)
                write_gate(e, look, &look->gates[i], look->gates[i].is_probing);
        metrics_begin(e, METRIC_ramp_until);
        for (size_t i = 0; i < look->n_ramps; ++i)
                exposition_sample(e, until_s(look, look->ramps[i].for_ms),
                                  LABELS(look->egresses[look->ramps[i].egress].name,
                                         look->ramps[i].product));
}

static void write_breakers(struct exposition *e, const struct look *look)
{
        metrics_one(e, METRIC_breakers_open, (double)look->n_breakers);
        metrics_begin(e, METRIC_breaker_failures);
        for (size_t i = 0; i < look->n_breakers; ++i)
                exposition_sample(e, look->breakers[i].failures,
                                  LABELS(look->egresses[look->breakers[i].egress].name,
                                         look->breakers[i].product));
}

void metrics_ways(struct exposition *e, const struct look *look)
{
        write_gates(e, look);
        metrics_one(e, METRIC_front_rate, look->front_per_s);
        write_breakers(e, look);
}

void metrics_hosts(struct exposition *e, const struct look_hosts *hosts)
{
        if (!hosts->are_sharing)
                return;
        metrics_one(e, METRIC_store_up, sharing_is_up(&hosts->sharing));
        metrics_one(e, METRIC_store_away, hosts->is_away ? (double)hosts->away_s : 0);
        metrics_one(e, METRIC_store_waits, hosts->is_waiting ? (double)hosts->waits_s : 0);
        metrics_one(e, METRIC_store_refused, hosts->is_refused ? (double)hosts->refused_s : 0);
        metrics_one(e, METRIC_hosts, (double)hosts->n_seen);
        metrics_one(e, METRIC_host_share, (double)hosts->share_s);
}
