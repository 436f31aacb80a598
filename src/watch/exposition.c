#include "watch/exposition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The largest whole number below which a double tells neighbours apart, and is printed as such. */
#define WHOLE_MAX   9007199254740992.0
#define NUMBER_SIZE 32

static const struct metric_family families[] = {
#define METRIC(id, type, name, unit, labels, help)                                                 \
        [METRIC_##id] = { name, METRIC_##type, unit, labels, help },
#include "watch/metrics.def"
#undef METRIC
};

static const char *const type_names[] = {
        [METRIC_GAUGE] = "gauge",
        [METRIC_COUNTER] = "counter",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_INFO] = "info",
};

const struct metric_family *metric_family(enum metric metric)
{
        must(metric < METRICS);
        return &families[metric];
}

const char *exposition_content_type(enum exposition_form form)
{
        return form == EXPOSITION_OPENMETRICS
                       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
}

/* "q=0", "q=0.0": not at all. */
static bool is_unwanted(struct str parameters)
{
        struct str parameter;

        while (str_split(&parameters, ';', &parameter)) {
                parameter = str_trim(parameter);
                if (!str_has_prefix_nocase(parameter, STR_LITERAL("q=0")))
                        continue;
                for (size_t i = 3; i < parameter.n; ++i)
                        if (parameter.p[i] >= '1' && parameter.p[i] <= '9')
                                return false;
                return true;
        }
        return false;
}

enum exposition_form exposition_wanted(struct str accept)
{
        struct str choice, name;

        while (str_split(&accept, ',', &choice))
                if (str_split(&choice, ';', &name) &&
                    str_eq_nocase(str_trim(name), STR_LITERAL("application/openmetrics-text")) &&
                    !is_unwanted(choice))
                        return EXPOSITION_OPENMETRICS;
        return EXPOSITION_CLASSIC;
}

void exposition_init(struct exposition *e, struct buf *to, enum exposition_form form)
{
        *e = (struct exposition){ .to = to, .form = form };
}

static void append(struct exposition *e, const char *text, size_t n)
{
        if (e->error == 0)
                e->error = buf_append(e->to, text, n);
}

static void put(struct exposition *e, const char *text)
{
        append(e, text, strlen(text));
}

/* What ends the name of a sample, behind the family's. */
static const char *ending_of(const struct metric_family *family)
{
        return family->type == METRIC_COUNTER ? "_total"
               : family->type == METRIC_INFO  ? "_info"
                                              : "";
}

void exposition_begin(struct exposition *e, const struct metric_family *family)
{
        bool is_open = e->form == EXPOSITION_OPENMETRICS;
        /* The older form knows names of samples only, and no info. */
        const char *ending = is_open ? "" : ending_of(family);
        const char *type = !is_open && family->type == METRIC_INFO ? type_names[METRIC_GAUGE]
                                                                   : type_names[family->type];
        const char *const lines[][2] = { { "# HELP ", family->help }, { "# TYPE ", type } };

        e->family = family;
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); ++i) {
                put(e, lines[i][0]);
                put(e, family->name);
                put(e, ending);
                put(e, " ");
                put(e, lines[i][1]);
                put(e, "\n");
        }
        if (is_open && family->unit[0] != '\0') {
                put(e, "# UNIT ");
                put(e, family->name);
                put(e, " ");
                put(e, family->unit);
                put(e, "\n");
        }
}

static void put_number(struct exposition *e, double value)
{
        char text[NUMBER_SIZE];

        if (isnan(value))
                put(e, "NaN");
        else if (isinf(value))
                put(e, value < 0 ? "-Inf" : "+Inf");
        else if (fabs(value) < WHOLE_MAX && value == trunc(value))
                append(e, text, (size_t)snprintf(text, sizeof(text), "%.0f", value));
        else
                append(e, text, (size_t)snprintf(text, sizeof(text), "%.15g", value));
}

/* OpenMetrics wants bounds with a point: then they are the same text in both forms, and one series.
 */
static void put_bound(struct exposition *e, double bound)
{
        char text[NUMBER_SIZE];

        if (isinf(bound)) {
                put(e, "+Inf");
                return;
        }
        append(e, text,
               (size_t)snprintf(text, sizeof(text), bound == trunc(bound) ? "%.1f" : "%.15g",
                                bound));
}

/* UTF-8 is the reader's only encoding: of what is none, and of control bytes, a '?' is left. */
static size_t length_of(const unsigned char *p, size_t n)
{
        size_t length = p[0] < 0x80   ? 1
                        : p[0] < 0xc2 ? 0
                        : p[0] < 0xe0 ? 2
                        : p[0] < 0xf0 ? 3
                        : p[0] < 0xf5 ? 4
                                      : 0;

        if (length == 0 || length > n || p[0] < ' ' || p[0] == 0x7f)
                return 0;
        for (size_t i = 1; i < length; ++i)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        /* Overlong, a half of a pair, beyond the last. */
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
            (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return length;
}

static void put_value(struct exposition *e, const char *value)
{
        size_t n = strlen(value), length;

        for (size_t i = 0; i<n; i += length> 0 ? length : 1) {
                length = length_of((const unsigned char *)value + i, n - i);
                if (length == 0)
                        append(e, "?", 1);
                else if (value[i] == '"' || value[i] == '\\')
                        append(e, (const char[]){ '\\', value[i] }, 2);
                else
                        append(e, value + i, length);
        }
}

/* @bound: of a bucket, or NULL. */
static void put_labels(struct exposition *e, const char *const *values, size_t n,
                       const double *bound)
{
        struct str names = str_of(e->family->labels), name;
        const char *before = "{";
        size_t i;

        for (i = 0; str_split(&names, ',', &name); ++i) {
                must(i < n);
                if (!values[i] || values[i][0] == '\0')
                        continue;
                put(e, before);
                append(e, name.p, name.n);
                put(e, "=\"");
                put_value(e, values[i]);
                put(e, "\"");
                before = ",";
        }
        must(i == n);
        if (bound) {
                put(e, before);
                put(e, "le=\"");
                put_bound(e, *bound);
                put(e, "\"");
                before = ",";
        }
        if (before[0] == ',')
                put(e, "}");
        put(e, " ");
}

void exposition_sample(struct exposition *e, double value, const char *const *values, size_t n)
{
        must(e->family && e->family->type != METRIC_HISTOGRAM);
        put(e, e->family->name);
        put(e, ending_of(e->family));
        put_labels(e, values, n, NULL);
        put_number(e, value);
        put(e, "\n");
}

static void put_part(struct exposition *e, const char *ending, const char *const *values, size_t n,
                     const double *bound, double value)
{
        put(e, e->family->name);
        put(e, ending);
        put_labels(e, values, n, bound);
        put_number(e, value);
        put(e, "\n");
}

void exposition_histogram(struct exposition *e, const struct exposition_buckets *buckets,
                          const char *const *values, size_t n)
{
        const double above_all = INFINITY;
        uint64_t total = 0;

        must(e->family && e->family->type == METRIC_HISTOGRAM);
        for (size_t i = 0; i <= buckets->n_bounds; ++i) {
                total += buckets->counts[i];
                put_part(e, "_bucket", values, n,
                         i < buckets->n_bounds ? &buckets->bounds[i] : &above_all, (double)total);
        }
        put_part(e, "_sum", values, n, NULL, buckets->sum);
        put_part(e, "_count", values, n, NULL, (double)total);
}

int exposition_end(struct exposition *e)
{
        if (e->form == EXPOSITION_OPENMETRICS)
                put(e, "# EOF\n");
        return e->error;
}
