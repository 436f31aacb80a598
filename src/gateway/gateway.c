#include "gateway/gateway.h"
#include "base/clock.h"
#include "base/log.h"
#include "budget/budget.h"
#include "budget/exchange.h"
#include "core/front.h"
#include "gateway/breakers.h"
#include "gateway/chronicle.h"
#include "gateway/cut_short.h"
#include "gateway/accounts.h"
#include "gateway/access_log.h"
#include "gateway/flow.h"
#include "gateway/measures.h"
#include "gateway/outlet.h"
#include "gateway/places.h"
#include "gateway/queue.h"
#include "gateway/shadow.h"
#include "gateway/stops.h"
#include "gateway/upstream.h"
#include "gateway/watching.h"
#include "gateway/weights.h"
#include "net/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Errands, probes and the like are looked at this often. */
#define HOUSEKEEPING_US (50 * US_PER_MS)

/* What all who use the region obey. */
static void store_rules(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct breaker_config breaker = {
                .threshold = s->breaker.threshold,
                .pause_ms = (uint32_t)s->breaker.pause_ms,
        };
        word_t *rules = g->region.header->rules;

        atomic_store_explicit(&rules[RULE_BREAKER], breaker_config_pack(&breaker),
                              memory_order_relaxed);
        atomic_store_explicit(&rules[RULE_RATE], front_rate_pack(s->rate_ceiling),
                              memory_order_relaxed);
        atomic_store_explicit(&rules[RULE_RAMP], front_ramp_pack((uint32_t)s->ramp_ms),
                              memory_order_relaxed);
}

/* Settings that take effect without a restart. */
static void apply_settings(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct ceilings c = { .opens_from_pct =
                                      (uint8_t)(s->opens_from_pct < 99 ? s->opens_from_pct : 99) };

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                c.pct[class] = (uint8_t)s->ceiling_pct[class];
        limiter_set_ceilings(&g->limiter, &c);
        for (size_t i = 0; i < g->n_outlets; ++i)
                if (limiter_set_pacing(&g->outlets[i].limiter, s->pacing.requests_per_minute,
                                       s->pacing.burst) < 0)
                        log_event(LOG_WARN, "pacing_unchanged",
                                  "why=\"the region has no room for another pacing bucket\"");
        g->policy.unknown_weight = s->unknown_weight;
        weights_decide(g);
        g->call = CALL_CONFIG_DEFAULT;
        g->call.max_retries = s->retry.max_retries;
        g->call.backoff.base_ms = (uint32_t)s->retry.base_backoff_ms;
        g->call.backoff.jitter_pct = s->retry.jitter_pct;
        store_rules(g);
        shadow_follow(g);
        log_set_level(s->log.level);
        log_set_format(s->log.format);
        accounts_apply(g);
        if (!s->limits)
                log_event(
                        LOG_WARN, "limits_off",
                        "why=\"weir is a plain proxy now: nothing keeps you inside the exchange's "
                        "limits\"");
}

/* What the region remembers must be of the exchange that we talk to. */
static int bind_region(struct gateway *g, const char *path)
{
        uint64_t exchanges[POLICY_GROUP_COUNT];
        char text[SETTINGS_HOST_SIZE + 16], why[SETTINGS_HOST_SIZE + 256];
        enum policy_group group;

        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i) {
                const struct settings_address *a = &g->settings.upstream[i];

                exchanges[i] =
                        exchange_at(a->is_unix, str_of(a->is_unix ? a->path : a->host), a->port);
        }
        if (exchange_bind(&g->region, exchanges, &group) == 0)
                return 0;
        settings_address_text(&g->settings.upstream[group], true, text, sizeof(text));
        exchange_say_other(group, text, why, sizeof(why));
        log_say(LOG_ERROR, "region %s: %s (--region)", path, why);
        return -EXDEV;
}

static void complain(const struct region_error *error)
{
        log_say(LOG_ERROR, "%s%s", error->why, error->is_place ? " with --region" : "");
}

static int open_region(struct gateway *g)
{
        const char *path = g->settings.region;
        struct region_error error;
        struct region_plan plan;
        char place[SETTINGS_PATH_SIZE];
        int r;

        if (path[0] == '\0') {
                r = region_default_path(place, sizeof(place), &error);
                if (r < 0) {
                        complain(&error);
                        return r;
                }
                path = place;
        }
        budget_plan(&plan, clock_wall_us() / US_PER_MS);
        r = region_open(path, &plan, &g->region, &error);
        g->limiter.region = &g->region;
        if (r < 0) {
                complain(&error);
                return r;
        }
        cut_short_watch(&g->region, path);
        r = bind_region(g, path);
        if (r == 0 && g->settings.shadow && g->settings.limits)
                r = shadow_open(g, path);
        return r;
}

static int open_tls(struct gateway *g)
{
        const char *ca = g->settings.tls_ca[0] ? g->settings.tls_ca : NULL;
        bool is_needed = false;
        int r;

        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                is_needed |= g->settings.upstream[i].is_tls;
        if (!is_needed)
                return 0;
        r = tls_client_new(ca, &g->tls);
        if (r < 0)
                log_say(LOG_ERROR,
                        "cannot load the certificates to trust from %s: %s; install "
                        "ca-certificates or set tls_ca",
                        ca ? ca : "the system's place", strerror(-r));
        return r;
}

static int open_keys(struct gateway *g)
{
        int r = keys_open(&g->settings, &g->keys);

        keys_hide(g->keys);
        return r;
}

static const struct http_server_ops server_ops;

static int listen_at_places(struct gateway *g)
{
        const struct settings *s = &g->settings;
        char address[SETTINGS_HOST_SIZE + 16], text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < s->n_listen; ++i) {
                int r;

                settings_address_text(&s->listen[i], false, address, sizeof(address));
                r = http_server_listen(g->server, str_of(address), LISTEN_UNIX_MODE);
                if (r < 0) {
                        log_say(LOG_ERROR,
                                "cannot listen on %s: %s; name another place with "
                                "--listen",
                                address, strerror(-r));
                        return r;
                }
        }
        /* Once all are open, and as the kernel has them: port 0 has become a number. */
        for (size_t i = 0; i < s->n_listen && !g->options->is_quiet; ++i)
                log_say(LOG_INFO, "gateway listening on %s",
                        address_print(http_server_address(g->server, i), text));
        return 0;
}

static int open_server(struct gateway *g)
{
        const struct settings *s = &g->settings;
        struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
        int r;

        config.connections_max = s->max_connections;
        config.idle_timeout_us = s->timeouts.idle_ms * US_PER_MS;
        config.head_timeout_us = s->timeouts.head_ms * US_PER_MS;
        config.body_timeout_us = s->timeouts.body_ms * US_PER_MS;
        config.write_timeout_us = s->timeouts.write_ms * US_PER_MS;
        config.body_max = s->max_body_bytes;
        config.label_field = STR_LITERAL(REQUEST_ID_FIELD);
        r = http_server_new(g->loop, &config, &server_ops, g, &g->server);
        if (r < 0)
                return r;
        r = service_listen(g);
        if (r == 0)
                r = listen_at_places(g);
        if (r < 0)
                return r;
        places_warn(g);
        return 0;
}

static void keep_house(struct gateway *g, struct upstream *u)
{
        if (!u->is_in_use)
                return;
        upstream_rest(g, u);
        errands_run(g, u);
        /* Another process, or another way, may have published the time that requests wait for. */
        if (!u->has_started && upstream_knows_time(g, u))
                flow_start_waiting(g, u);
}

/* Somebody deleted it: we and all who have it go on as one, and who comes now is apart from us. */
static void watch_region(struct gateway *g)
{
        uint64_t now_us = loop_now_us(g->loop);

        if (g->is_region_gone || now_us - g->region_seen_us < US_PER_SECOND)
                return;
        g->region_seen_us = now_us;
        g->is_region_gone = region_is_deleted(&g->region);
        if (g->is_region_gone)
                log_event(LOG_ERROR, "region_deleted",
                          "why=\"programs that start now share no budget with this one: stop all "
                          "that use the region, wait until the longest window has turned, and "
                          "start them again\"");
}

static void on_housekeeping(void *ctx)
{
        struct gateway *g = ctx;

        measures_beat(g, HOUSEKEEPING_US);
        for (size_t k = 0; k < g->n_outlets && !g->is_draining; ++k)
                for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                        keep_house(g, &g->outlets[k].upstreams[i]);
        if (!g->is_draining && g->settings.limits) {
                stops_probe(g);
                breakers_probe(g);
                flow_review(g);
        }
        hosts_keep(g);
        fair_sweep(&g->fair, loop_now_us(g->loop) / US_PER_MS);
        shadow_keep(g);
        tally_keep(g);
        watch_region(g);
        watching_keep(g);
        service_keep(g);
        ending_check(g);
}

static const struct http_server_ops server_ops = {
        .request = watching_request,
        .gone = watching_client_gone,
        .drained = watching_client_drained,
        .malformed = access_log_malformed,
        .empty = ending_on_empty,
};

static void say_ignored(const char *key)
{
        log_event(LOG_WARN, "reload_ignored", "key=%s why=\"takes effect after a restart\"", key);
}

/* Without them nothing of the next settings is taken. */
static int open_next_keys(const struct settings *next, struct watch_config *watch,
                          struct keys **ret_keys)
{
        int r = keys_open(next, ret_keys);

        if (r < 0) {
                tokens_close(watch->rules.look);
                tokens_close(watch->rules.act);
        }
        return r;
}

static void on_reload(void *ctx)
{
        struct gateway *g = ctx;
        struct watch_config watch;
        struct settings_clients by_hand;
        struct settings *next;
        struct keys *keys;
        size_t n;

        if (!g->options->reload)
                return;
        next = malloc(sizeof(*next));
        if (!next)
                return;
        service_reloading(g);
        if (g->options->reload(g->options->ctx, next) == 0 && watching_read(next, &watch) == 0 &&
            open_next_keys(next, &watch, &keys) == 0) {
                /* The files may hold others under the same names. */
                keys_close(g->keys);
                g->keys = keys;
                keys_tell(keys);
                accounts_warn_dropped(g, next);
                by_hand = g->settings.by_hand;
                n = settings_reload(&g->settings, next, say_ignored);
                watching_shares_lapse(g, &by_hand);
                apply_settings(g);
                watching_follow(g, &watch);
                log_event(LOG_INFO, "reloaded", "changed=%zu", n);
        } else {
                log_event(LOG_ERROR, "reload_refused", "why=\"the settings stay as they were\"");
        }
        /* Also then: a file that was rotated away is not written to any more. */
        access_log_follow(g);
        keys_hide(g->keys);
        service_ready(g);
        free(next);
}

static void on_report(void *ctx)
{
        struct gateway *g = ctx;

        if (!g->shadow) {
                log_event(LOG_INFO, "shadow_report",
                          "why=\"there is none: this gateway is not in shadow mode (shadow)\"");
                return;
        }
        /* Who waits for the event finds what it tells of in the file. */
        if (shadow_write(g->shadow) < 0)
                log_event(LOG_WARN, "shadow_unwritten", "path=%s", g->shadow->path);
        shadow_tell(g->shadow);
}

static int open_loop(struct gateway *g)
{
        int r = loop_new(&g->loop);

        if (r == 0)
                r = loop_on_signal(g->loop, SIGTERM, ending_begin, g);
        if (r == 0)
                r = loop_on_signal(g->loop, SIGINT, ending_begin, g);
        if (r == 0)
                r = loop_on_signal(g->loop, SIGHUP, on_reload, g);
        if (r == 0)
                r = loop_on_signal(g->loop, SIGUSR1, on_report, g);
        if (r == 0)
                r = loop_timer_new(g->loop, on_housekeeping, g, &g->housekeeping);
        if (r == 0)
                r = ending_init(g);
        if (r == 0)
                r = weights_init(g);
        if (r == 0)
                r = queue_init(g);
        if (r < 0)
                log_say(LOG_ERROR, "cannot set up the event loop: %s", strerror(-r));
        else
                loop_timer_every(g->housekeeping, HOUSEKEEPING_US);
        return r;
}

static int gateway_open(struct gateway *g, const struct gateway_options *options)
{
        int r;

        g->options = options;
        g->settings = *options->settings;
        log_set_format(g->settings.log.format);
        g->region = REGION_NULL;
        request_ids_init(&g->request_ids);
        g->random = (clock_mono_us() << 20) ^ (uint64_t)getpid() ^ UINT64_C(0x9e3779b97f4a7c15);
        list_init(&g->flows);
        list_init(&g->free_flows);
        list_init(&g->unflushed);
        list_init(&g->displaced);
        fair_init(&g->fair);
        g->access.fd = -1;
        /* The region first: a ban that it remembers is known before the first packet. */
        r = open_region(g);
        if (r == 0)
                r = outlets_open(g);
        if (r == 0)
                r = tally_open(g);
        if (r == 0)
                r = open_keys(g);
        if (r == 0) {
                apply_settings(g);
                keys_tell(g->keys);
                r = open_tls(g);
        }
        if (r == 0)
                r = measures_open(g);
        if (r == 0)
                r = open_loop(g);
        if (r == 0)
                r = access_log_open(g);
        if (r == 0) {
                chronicle_open(g);
                r = hosts_open(g);
        }
        if (r == 0 && !g->is_draining)
                r = watching_open(g);
        if (r == 0 && !g->is_draining)
                r = open_server(g);
        return r;
}

static void gateway_close(struct gateway *g)
{
        struct list *it, *after;

        if (g->loop) {
                list_for_each_safe(it, after, &g->flows)
                {
                        flow_drop(container_of(it, struct flow, link));
                }
                watching_close(g);
                g->server = http_server_free(g->server);
                for (size_t k = 0; k < g->n_outlets; ++k)
                        for (unsigned i = 0; i < POLICY_GROUP_COUNT; ++i)
                                upstream_close(&g->outlets[k].upstreams[i]);
                g->housekeeping = loop_timer_free(g->housekeeping);
                hosts_leave(g);
                hosts_close(g);
                queue_deinit(g);
                fair_deinit(&g->fair);
                flow_pool_free(g);
                ending_deinit(g);
                weights_deinit(g);
                chronicle_unwatch(g);
                access_log_close(g);
                g->loop = loop_free(g->loop);
        }
        measures_close(g);
        tally_close(g);
        chronicle_close(g);
        outlets_close(g);
        g->keys = keys_close(g->keys);
        keys_hide(NULL);
        g->tls = tls_free(g->tls);
        shadow_close(g);
        region_close(&g->region);
}

int gateway_run(const struct gateway_options *options)
{
        struct gateway *g = calloc(1, sizeof(*g));
        int r;

        if (!g)
                return -ENOMEM;
        r = gateway_open(g, options);
        if (r < 0)
                service_failed(r);
        else if (!g->is_draining) { /* it was not told to end meanwhile */
                service_ready(g);
                r = loop_run(g->loop);
        }
        gateway_close(g);
        free(g);
        return r;
}
