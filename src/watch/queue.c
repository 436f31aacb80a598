/*
 * Who waits.
 */
#include "watch/inside.h"
#include "watch/query.h"

void queue_list(struct visit *v)
{
        struct watch_filter filter = { .max = 200 };
        int by_class, by_client, max;
        uint64_t n = filter.max;

        by_class = query_text(v->head->query, "class", filter.class, sizeof(filter.class));
        by_client = query_text(v->head->query, "client", filter.client, sizeof(filter.client));
        max = query_number(v->head->query, "max", 1, WATCH_QUEUE_MAX, &n);
        if (by_class == QUERY_BAD || by_client == QUERY_BAD || max == QUERY_BAD) {
                answer_refusal(v, 400,
                               "class must be one of cancel, order, reconcile, account, market, "
                               "backfill, client a name of at most %zu bytes, max a number from 1 "
                               "to %d",
                               sizeof(filter.client) - 1, WATCH_QUEUE_MAX);
                return;
        }
        filter.max = (size_t)n;
        answer_json(v, 200, v->watch->ops->queue(v->watch->ctx, &filter));
}
