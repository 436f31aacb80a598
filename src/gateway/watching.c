#include "gateway/watching.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/by_hand.h"
#include "gateway/measures.h"
#include "gateway/tally.h"
#include "gateway/watching_inside.h"

#include <errno.h>
#include <stdlib.h>

static struct history *show_history(void *ctx)
{
        const struct gateway *g = ctx;

        return g->chronicle.history;
}

static const struct watch_ops ops = {
        .now = watching_now,
        .stats = tally_shown,
        .history = show_history,
        .queue = watching_queue,
        .act = watching_act,
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
                if (str_eq(record->fields->pairs[i].key, STR_LITERAL("request")))
                        request = record->fields->pairs[i].value;
        watch_happened(g->watching->watch, record->at_us / US_PER_MS, log_level_name(record->level),
                       str_of(record->event), str_from(text, log_fields_text(record->fields, text)),
                       request);
}

/* Return: 0, or a negative errno after having said what is wrong. */
static int open_tokens(const char *key, const char *path, struct tokens **ret_tokens)
{
        char why[VAULT_WHY_MAX];
        int r;

        *ret_tokens = NULL;
        if (!path[0])
                return 0;
        r = tokens_open(path, ret_tokens, why);
        if (r < 0)
                log_say(LOG_ERROR, "%s: %s", key, why);
        return r;
}

int watching_read(const struct settings *s, struct watch_config *ret_config)
{
        struct watch_config config = { .has_page = s->watch.page };
        int r;

        _Static_assert(sizeof(config.rules.hosts) == sizeof(s->watch.hosts.all),
                       "one into another");
        memcpy(config.rules.hosts, s->watch.hosts.all, sizeof(config.rules.hosts));
        config.rules.n_hosts = s->watch.hosts.n;
        r = open_tokens("watch.token_file", s->watch.token_file, &config.rules.look);
        if (r == 0)
                r = open_tokens("watch.action_token_file", s->watch.action_token_file,
                                &config.rules.act);
        if (r < 0)
                config.rules.look = tokens_close(config.rules.look);
        else
                *ret_config = config;
        return r;
}

void watching_follow(struct gateway *g, const struct watch_config *config)
{
        watch_configure(g->watching->watch, config);
        watching_place_follow(g);
        watching_let_go(g);
        (void)by_hand_store(g, g->watching->by_hand);
}

static void find_region(struct gateway *g)
{
        char *to = g->watching->region;
        struct region_error error;

        str_copy(str_of(g->settings.region), to, sizeof(g->watching->region));
        if (!to[0] && region_default_path_readonly(to, sizeof(g->watching->region), &error) < 0)
                to[0] = '\0';
}

static int open_watch(struct gateway *g)
{
        struct watch_config config;
        int r;

        g->watching->born_ms = clock_wall_us() / US_PER_MS;
        g->watching->born_us = clock_mono_us();
        g->watching->weights = malloc(sizeof(*g->watching->weights));
        if (!g->watching->weights)
                return -ENOMEM;
        find_region(g);
        r = look_new(&g->region, &g->watching->look);
        if (r < 0)
                return r;
        r = watching_read(&g->settings, &config);
        return r < 0 ? r : watch_new(g->loop, &config, &ops, g, &g->watching->watch);
}

int watching_open(struct gateway *g)
{
        int r = -ENOMEM;

        g->watching = calloc(1, sizeof(*g->watching));
        if (g->watching)
                r = open_watch(g);
        if (r == 0) {
                log_listen(hear, g);
                r = by_hand_open(g, g->watching->region, &g->watching->by_hand);
        }
        if (r == 0) {
                r = watching_place_open(g);
        }
        if (r == -ENOMEM)
                log_say(LOG_ERROR, "cannot set up what is under /weir: %s", strerror(-r));
        return r;
}

const struct look *watching_look(struct gateway *g)
{
        look_take(g->watching->look, clock_wall_us() / US_PER_MS);
        return g->watching->look;
}

void watching_end(struct gateway *g)
{
        watch_end(g->watching->watch);
        if (g->watching->server)
                http_server_drain(g->watching->server);
}

void watching_close(struct gateway *g)
{
        if (!g->watching)
                return;
        log_listen(NULL, NULL);
        g->watching->watch = watch_free(g->watching->watch);
        watching_place_close(g);
        g->watching->look = look_free(g->watching->look);
        g->watching->by_hand = by_hand_close(g->watching->by_hand);
        free(g->watching->weights);
        free(g->watching);
        g->watching = NULL;
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
                watch_begin(g->watching->watch, exchange);
        else
                flow_begin(g, exchange);
}

void watching_client_gone(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        if (is_watchs(exchange))
                watch_gone(g->watching->watch, exchange);
        else
                flow_client_gone(g, exchange);
}

void watching_client_drained(void *ctx, struct http_exchange *exchange)
{
        struct gateway *g = ctx;

        if (is_watchs(exchange))
                watch_drained(g->watching->watch, exchange);
        else
                flow_client_drained(g, exchange);
}
