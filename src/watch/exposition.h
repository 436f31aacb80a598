/*
 * Exposition
 *
 * Metrics as text, in one of the two forms that Prometheus reads: OpenMetrics 1.0.0, or its own
 * older one (0.0.4), which promtool and many other readers want. A family is declared in
 * metrics.def, begun, and then given its samples; families do not interleave.
 */
#ifndef WATCH_EXPOSITION_H
#define WATCH_EXPOSITION_H

#include "base/base.h"
#include "base/buf.h"

enum metric {
#define METRIC(id, type, name, unit, labels, help) METRIC_##id,
#include "watch/metrics.def"
#undef METRIC
        METRICS,
};

enum metric_type {
        METRIC_GAUGE,
        METRIC_COUNTER,
        METRIC_HISTOGRAM,
        METRIC_INFO,
};

struct metric_family {
        const char *name;
        enum metric_type type;
        const char *unit;   /* "" or the end of the name */
        const char *labels; /* names with commas between, in the order of a sample's values */
        const char *help;
};

/* As declared. */
const struct metric_family *metric_family(enum metric metric);

enum exposition_form {
        EXPOSITION_OPENMETRICS,
        EXPOSITION_CLASSIC,
};

struct exposition {
        struct buf *to;
        enum exposition_form form;
        const struct metric_family *family;
        int error; /* the first that befell @to; then nothing is written any more */
};

/* What the form is called in Content-Type. */
const char *exposition_content_type(enum exposition_form form);
/* The form that a request with this Accept field wants: OpenMetrics where it is named and not with
 * q=0, else the older one. */
enum exposition_form exposition_wanted(struct str accept);

void exposition_init(struct exposition *e, struct buf *to, enum exposition_form form);

/* What follows is of this family. */
void exposition_begin(struct exposition *e, const struct metric_family *family);

/* Values of a sample's labels, for @values and @n below. An empty or NULL one is left out. */
#define LABELS(...)                                                                                \
        (const char *const[]){ __VA_ARGS__ },                                                      \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)
#define NO_LABELS NULL, 0

/* One number of the family, which is no histogram. @n: as many as the family has labels. */
void exposition_sample(struct exposition *e, double value, const char *const *values, size_t n);

/* All of one histogram. @bounds: upper ones of @n_bounds buckets; @counts: one more than these, of
 * each bucket alone, the last above all bounds. */
struct exposition_buckets {
        const double *bounds;
        const uint64_t *counts;
        size_t n_bounds;
        double sum;
};
void exposition_histogram(struct exposition *e, const struct exposition_buckets *buckets,
                          const char *const *values, size_t n);

/* After the last family. Return: 0, -ENOBUFS or -ENOMEM if not all of it was written. */
CHECKED int exposition_end(struct exposition *e);

#endif
