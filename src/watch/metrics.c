#include "watch/metrics.h"

#include <stdio.h>

void metrics_begin(struct exposition *e, enum metric metric)
{
        exposition_begin(e, metric_family(metric));
}

void metrics_one(struct exposition *e, enum metric metric, double value)
{
        metrics_begin(e, metric);
        exposition_sample(e, value, NO_LABELS);
}

static void write_weights(struct exposition *e, const struct metrics_input *input)
{
        size_t all = input->look->weight_disagreements;
        size_t seen = input->gateway ? input->gateway->weights_acknowledged : 0;

        metrics_begin(e, METRIC_weight_disputes);
        exposition_sample(e, (double)(all > seen ? all - seen : 0), LABELS("open"));
        exposition_sample(e, (double)seen, LABELS("acknowledged"));
}

static void write_pacing(struct exposition *e, const struct look *look)
{
        char rate[16], burst[16];

        metrics_begin(e, METRIC_pacing_tokens);
        for (size_t i = 0; i < look->n_buckets; ++i) {
                snprintf(rate, sizeof(rate), "%u", look->buckets[i].rate_per_min);
                snprintf(burst, sizeof(burst), "%u", look->buckets[i].burst);
                exposition_sample(e, (double)look->buckets[i].milli / 1000, LABELS(rate, burst));
        }
}

static void write_region(struct exposition *e, const struct look *look)
{
        metrics_one(e, METRIC_region_slots, REGION_SLOTS);
        metrics_one(e, METRIC_region_slots_taken, (double)look->slots_taken);
        metrics_one(e, METRIC_same_account, (double)look->n_suspects);
}

int metrics_write(struct buf *to, enum exposition_form form, const struct metrics_input *input)
{
        struct exposition e;

        exposition_init(&e, to, form);
        metrics_begin(&e, METRIC_build);
        exposition_sample(&e, 1, LABELS(WEIR_VERSION));
        if (input->gateway)
                metrics_gateway(&e, input->gateway);
        if (input->stats)
                metrics_requests(&e, input);
        if (input->look) {
                metrics_counters(&e, input->look);
                metrics_budgets(&e, input->look);
                metrics_ways(&e, input->look);
                metrics_hosts(&e, &input->look->hosts);
                write_weights(&e, input);
                write_pacing(&e, input->look);
                write_region(&e, input->look);
        }
        return exposition_end(&e);
}
