/*
 * Health: for service managers, container runtimes and load balancers. Everybody may ask: who
 * reaches this port could send requests as well, and learns less here than from their answers.
 */
#include "watch/inside.h"

/* The loop turns, or nobody would answer. */
void health_live(struct visit *v)
{
        answer_bytes(v, 200, "text/plain; charset=utf-8", false, NULL, 0, STR_LITERAL("ok\n"));
}

void health_ready(struct visit *v)
{
        json_t *reasons = v->watch->ops->unready ? v->watch->ops->unready(v->watch->ctx) : NULL;
        bool is_ready = json_array_size(reasons) == 0;

        if (reasons)
                answer_json(v, is_ready ? 200 : 503,
                            json_pack("{s:b, s:o}", "ready", is_ready, "reasons", reasons));
        else
                answer_refusal(v, 503, "out of memory");
}
