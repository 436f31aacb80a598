#include "watch/metrics.h"

void metrics_begin(struct exposition *e, enum metric metric)
{
        exposition_begin(e, metric_family(metric));
}

void metrics_one(struct exposition *e, enum metric metric, double value)
{
        metrics_begin(e, metric);
        exposition_sample(e, value, NO_LABELS);
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
        return exposition_end(&e);
}
