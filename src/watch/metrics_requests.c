/* What became of this gateway's requests: how they ended, what they waited, whose they were. */
#include "watch/metrics.h"

#include <stdio.h>
#include <string.h>

/* The families of one dimension are declared one after the other, in this order. */
enum figure {
        FIGURE_REQUESTS,
        FIGURE_WEIGHT,
        FIGURE_ORDERS,
        FIGURE_ERRORS,
        FIGURE_OVER_LIMIT,
        FIGURE_RETRIES,
        FIGURE_REFUSED,
        FIGURES,
};

_Static_assert(METRIC_class_refused == METRIC_class_requests + FIGURE_REFUSED &&
                       METRIC_account_refused == METRIC_account_requests + FIGURE_REFUSED &&
                       METRIC_endpoint_refused == METRIC_endpoint_requests + FIGURE_REFUSED &&
                       METRIC_client_refused == METRIC_client_requests + FIGURE_REFUSED,
               "metrics.def has them in the order of enum figure");

static double figure_of(const struct stats_figures *f, unsigned figure)
{
        const uint64_t figures[FIGURES] = {
                [FIGURE_REQUESTS] = f->requests,     [FIGURE_WEIGHT] = f->weight,
                [FIGURE_ORDERS] = f->orders,         [FIGURE_ERRORS] = f->errors,
                [FIGURE_OVER_LIMIT] = f->over_limit, [FIGURE_RETRIES] = f->retries,
                [FIGURE_REFUSED] = f->refused,
        };

        return (double)figures[figure];
}

struct each {
        struct exposition *e;
        unsigned figure;
        const struct look *look;
        double unnamed;
};

static void write_name(void *ctx, const char *name, const struct stats_figures *figures)
{
        const struct each *each = ctx;

        exposition_sample(each->e, figure_of(figures, each->figure), LABELS(name));
}

static void write_classes(struct exposition *e, const struct stats *stats)
{
        for (unsigned figure = 0; figure < FIGURES; ++figure) {
                struct each each = { .e = e, .figure = figure };

                metrics_begin(e, (enum metric)(METRIC_class_requests + figure));
                stats_each(stats, STATS_BY_CLASS, write_name, &each);
        }
}

static bool is_account(const struct look *look, const char *name)
{
        for (size_t i = 0; look && i < look->n_accounts; ++i)
                if (strcmp(look->accounts[i].name, name) == 0)
                        return true;
        return strcmp(name, STATS_OTHERS) == 0 || strcmp(name, STATS_NONE) == 0;
}

static void write_account(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct each *each = ctx;

        if (is_account(each->look, name))
                write_name(each, name, figures);
        else
                each->unnamed += figure_of(figures, each->figure);
}

/* An account that nobody has named goes by the first characters of its key: those stay here. */
static void write_accounts(struct exposition *e, const struct metrics_input *input)
{
        for (unsigned figure = 0; figure < FIGURES; ++figure) {
                struct each each = { .e = e, .figure = figure, .look = input->look };

                metrics_begin(e, (enum metric)(METRIC_account_requests + figure));
                stats_each(input->stats, STATS_BY_ACCOUNT, write_account, &each);
                exposition_sample(e, each.unnamed, LABELS("(unnamed)"));
        }
}

static void write_top(struct exposition *e, const struct top *top, enum metric first)
{
        if (!top)
                return;
        for (unsigned figure = 0; figure < FIGURES; ++figure) {
                struct each each = { .e = e, .figure = figure };

                metrics_begin(e, (enum metric)(first + figure));
                top_each(top, write_name, &each);
        }
}

static void write_waits(struct exposition *e, enum metric metric, const struct waits *waits)
{
        double bounds[WAITS_BOUNDS];
        const char *name;

        metrics_begin(e, metric);
        for (unsigned i = 0; i < WAITS_BOUNDS; ++i)
                bounds[i] = (double)waits_bound_us(i) / 1e6;
        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                const struct exposition_buckets buckets = {
                        .bounds = bounds,
                        .counts = waits[class].steps,
                        .n_bounds = WAITS_BOUNDS,
                        .sum = (double)waits[class].sum_us / 1e6,
                };

                name = class_name((enum weir_class) class);
                exposition_histogram(e, &buckets, LABELS(name));
        }
}

static void write_kinds(struct exposition *e, const struct metrics_input *input)
{
        const struct stats_sums *sums = stats_sums(input->stats);
        const char *name;

        metrics_begin(e, METRIC_outcomes);
        for (unsigned i = 0; i < STATS_OUTCOME_COUNT; ++i)
                exposition_sample(e, (double)sums->outcomes[i],
                                  LABELS(stats_outcome_name((enum stats_outcome)i)));
        metrics_begin(e, METRIC_refusals);
        for (size_t i = 0; i < STATS_REASONS_MAX && (name = stats_reason(input->stats, i)); ++i)
                exposition_sample(e, (double)sums->refused[i], LABELS(name));
        metrics_begin(e, METRIC_answers);
        for (unsigned i = 0; i < STATS_VERDICTS_MAX; ++i)
                if (input->verdict_name && (name = input->verdict_name(i)))
                        exposition_sample(e, (double)sums->verdicts[i], LABELS(name));
}

static void write_codes(struct exposition *e, const struct stats_sums *sums)
{
        char code[16];

        metrics_begin(e, METRIC_codes);
        for (size_t i = 0; i < sums->n_codes; ++i) {
                snprintf(code, sizeof(code), "%d", sums->codes[i].code);
                exposition_sample(e, (double)sums->codes[i].n, LABELS(code));
        }
        if (sums->other_codes > 0)
                exposition_sample(e, (double)sums->other_codes, LABELS(STATS_OTHERS));
}

void metrics_requests(struct exposition *e, const struct metrics_input *input)
{
        const struct stats_sums *sums = stats_sums(input->stats);

        write_waits(e, METRIC_waits, sums->waits);
        write_waits(e, METRIC_exchange_times, sums->exchange);
        write_kinds(e, input);
        write_codes(e, sums);
        write_classes(e, input->stats);
        write_accounts(e, input);
        write_top(e, input->endpoints, METRIC_endpoint_requests);
        write_top(e, input->clients, METRIC_client_requests);
}
