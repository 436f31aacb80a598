/* The counters of the region. Some are one family, told apart by a label; all the others are named
 * as they are. */
#include "watch/metrics.h"

#include <stdio.h>

#define NAME_SIZE 64

static const struct {
        enum counter counter;
        enum metric metric;
        const char *label;
} labelled[] = {
        { COUNTER_over_weight, METRIC_verdicts, "over_weight" },
        { COUNTER_too_many_orders, METRIC_verdicts, "too_many_orders" },
        { COUNTER_bans, METRIC_verdicts, "ban" },
        { COUNTER_firewalls, METRIC_verdicts, "firewall" },
        { COUNTER_refused_late, METRIC_refused, "late" },
        { COUNTER_refused_crowded, METRIC_refused, "crowded" },
        { COUNTER_refused_shut, METRIC_refused, "shut" },
        { COUNTER_refused_never, METRIC_refused, "never" },
        { COUNTER_refused_queue, METRIC_refused, "queue" },
        { COUNTER_refused_breaker, METRIC_refused, "breaker" },
        { COUNTER_refused_paused, METRIC_refused, "paused" },
        { COUNTER_dropped, METRIC_refused, "dropped" },
};

#define N_LABELLED (sizeof(labelled) / sizeof(labelled[0]))

static bool is_labelled(enum counter counter)
{
        for (size_t i = 0; i < N_LABELLED; ++i)
                if (labelled[i].counter == counter)
                        return true;
        return false;
}

static void write_labelled(struct exposition *e, const struct look *look, enum metric metric)
{
        exposition_begin(e, metric_family(metric));
        for (size_t i = 0; i < N_LABELLED; ++i)
                if (labelled[i].metric == metric)
                        exposition_sample(e, (double)look->counters[labelled[i].counter],
                                          LABELS(labelled[i].label));
}

static void write_plain(struct exposition *e, const struct look *look, enum counter counter)
{
        char name[NAME_SIZE], help[160];
        const struct metric_family family = { name, METRIC_COUNTER, "", "", help };

        snprintf(name, sizeof(name), "weir_%s", counter_name(counter));
        snprintf(help, sizeof(help), "Of all programs of the region: %s.", counter_help(counter));
        exposition_begin(e, &family);
        exposition_sample(e, (double)look->counters[counter], NO_LABELS);
        e->family = NULL;
}

void metrics_counters(struct exposition *e, const struct look *look)
{
        write_labelled(e, look, METRIC_verdicts);
        write_labelled(e, look, METRIC_refused);
        for (unsigned i = 0; i < COUNTERS; ++i)
                if (!is_labelled((enum counter)i))
                        write_plain(e, look, (enum counter)i);
}
