#include "gateway/watching.h"

#include "base/log.h"
#include "gateway/flow.h"
#include "gateway/measures.h"
#include "gateway/tally.h"
#include "watch/watch.h"

#include <stdio.h>

static json_t *show_now(void *ctx)
{
        struct gateway *g = ctx;

        return json_pack("{s:s, s:s}", "version", WEIR_VERSION, "region", g->settings.region);
}

static struct history *show_history(void *ctx)
{
        const struct gateway *g = ctx;

        return g->chronicle.history;
}

static const struct watch_ops ops = {
        .now = show_now,
        .stats = tally_shown,
        .history = show_history,
        .unready = measures_unready,
        .metrics = measures_show,
};

/* What is logged is what happened; nothing secret is. */
static void hear(void *ctx, const struct log_record *record)
{
        struct gateway *g = ctx;
        struct str request = STR_NULL;
        char text[LOG_LINE_MAX];

        for (size_t i = 0; i < record->fields->n; ++i)
                if (str_eq(record->fields->pairs[i].key, STR_LITERAL("request_id")))
                        request = record->fields->pairs[i].value;
        watch_happened(g->watch, record->at_us / US_PER_MS, log_level_name(record->level),
                       str_of(record->event), str_from(text, log_fields_text(record->fields, text)),
                       request);
}

int watching_open(struct gateway *g)
{
        struct watch_config config = { .has_page = true };
        int r = watch_new(g->loop, &config, &ops, g, &g->watch);

        if (r < 0)
                log_say(LOG_ERROR, "cannot set up the page: %s", strerror(-r));
        else
                log_listen(hear, g);
        return r;
}

void watching_end(struct gateway *g)
{
        watch_end(g->watch);
}

void watching_close(struct gateway *g)
{
        log_listen(NULL, NULL);
        g->watch = watch_free(g->watch);
}

static bool is_watchs(struct http_exchange *exchange)
{
        return UNLIKELY(watch_is_ours(http_exchange_head(exchange)->path));
}

void watching_request(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        request_id_give(&g->request_ids, exchange);
        if (is_watchs(exchange))
                watch_begin(g->watch, exchange);
        else
                flow_begin(g, exchange);
}

void watching_client_gone(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        if (is_watchs(exchange))
                watch_gone(g->watch, exchange);
        else
                flow_client_gone(g, exchange);
}

void watching_client_drained(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        if (is_watchs(exchange))
                watch_drained(g->watch, exchange);
        else
                flow_client_drained(g, exchange);
}
