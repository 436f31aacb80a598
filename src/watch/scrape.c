#include "watch/inside.h"
#include "watch/metrics.h"

void scrape_metrics(struct visit *v)
{
        enum exposition_form form =
                exposition_wanted(http_field_value(v->head, STR_LITERAL("Accept")));
        struct http_field vary = { STR_LITERAL("Vary"), STR_LITERAL("Accept") };
        struct metrics_input input = { 0 };
        struct buf text;

        buf_init(&text, METRICS_BYTES_MAX);
        v->watch->ops->metrics(v->watch->ctx, &input);
        if (metrics_write(&text, form, &input) == 0)
                answer_bytes(v, 200, exposition_content_type(form), false, &vary, 1,
                             buf_str(&text));
        else
                answer_refusal(v, 503, "out of memory for the metrics");
        buf_deinit(&text);
}
