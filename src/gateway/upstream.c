#include "gateway/upstream.h"
#include "base/clock.h"
#include "base/log.h"
#include "classify/classify.h"
#include "budget/budget.h"
#include "gateway/breakers.h"
#include "http/write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of so many connections one is kept for orders and cancels, when no more may be opened. */
#define KEPT_FOR_URGENT 16

static bool is_banned(const struct upstream *u, unsigned gate, uint64_t now_ms)
{
        struct gate_view view;

        gate_look(limiter_gate(upstream_limiter(u), gate), now_ms, &view);
        return view.is_shut && view.kind != GATE_STOP;
}

static bool wants_rest(struct gateway *g, const struct upstream *u)
{
        uint64_t now_ms = upstream_now(g, u).now_ms;

        return g->settings.limits &&
               (is_banned(u, BUDGET_GATE_ALL, now_ms) ||
                is_banned(u, budget_gate(u->group), now_ms) || breakers_are_shut(g, u, NULL));
}

void upstream_rest(struct gateway *g, struct upstream *u)
{
        http_pool_rest(u->pool, wants_rest(g, u));
}

static void write_host_field(struct upstream *u, const struct settings_address *a)
{
        bool is_v6 = strchr(a->host, ':') != NULL;

        if (a->is_unix)
                snprintf(u->host_field, sizeof(u->host_field), "localhost");
        else if (a->port == (a->is_tls ? 443 : 80))
                snprintf(u->host_field, sizeof(u->host_field), is_v6 ? "[%s]" : "%s", a->host);
        else
                snprintf(u->host_field, sizeof(u->host_field), is_v6 ? "[%s]:%u" : "%s:%u", a->host,
                         (unsigned)a->port);
}

static void choose_way(const struct gateway *g, const struct outlet *o,
                       struct http_pool_config *config)
{
        const struct settings_egress *e = &g->settings.egress[o - g->outlets];

        if (o->from.length > 0)
                config->from = &o->from;
        if (e->is_proxy) {
                config->proxy.host = str_of(e->host);
                config->proxy.port = e->port;
                config->proxy.login = str_of(o->login);
        }
        if (o->is_named)
                config->way = str_of(o->name);
}

int upstream_use(struct gateway *g, struct upstream *u)
{
        const struct settings *s = &g->settings;
        const struct settings_address *a = &s->upstream[u->group];
        struct http_pool_config config = {
                .host = str_of(a->is_unix ? a->path : a->host),
                .port = a->port,
                .is_unix = a->is_unix,
                .tls = a->is_tls ? g->tls : NULL,
                .max_connections = s->pool.max,
                .kept_for_urgent = s->pool.max / KEPT_FOR_URGENT,
                .min_warm = s->pool.warm,
                .max_idle_us = s->pool.idle_ms * US_PER_MS,
                .connect_timeout_us = s->timeouts.connect_ms * US_PER_MS,
                .answer_timeout_us = s->timeouts.answer_ms * US_PER_MS,
                .progress_timeout_us = s->timeouts.answer_ms * US_PER_MS,
        };
        int r;

        if (u->is_in_use)
                return 0;
        write_host_field(u, a);
        exclock_init(&u->clock, &g->region.header->clocks[u->group], clock_mono_us(),
                     clock_wall_us());
        config.is_resting = wants_rest(g, u);
        choose_way(g, u->outlet, &config);
        r = http_pool_new(g->loop, &config, &u->pool);
        if (r < 0)
                return r;
        u->is_in_use = true;
        errands_init(g, u);
        errands_run(g, u);
        return 0;
}

void upstream_close(struct upstream *u)
{
        if (!u->is_in_use)
                return;
        errands_stop(u);
        u->pool = http_pool_free(u->pool);
        u->is_in_use = false;
}

/* Ours to say anew, or only between the client and us. */
static bool is_dropped(const struct http_head *head, struct str name)
{
        if (name.n == 0)
                return true;
        switch (name.p[0] | 0x20) {
        case 'h':
                if (str_eq_nocase(name, STR_LITERAL("host")))
                        return true;
                break;
        case 'c':
                if (str_eq_nocase(name, STR_LITERAL("content-length")))
                        return true;
                break;
        case 'e':
                if (str_eq_nocase(name, STR_LITERAL("expect")))
                        return true;
                break;
        case 'x':
                if (str_has_prefix_nocase(name, STR_LITERAL("x-weir-")))
                        return true;
                break;
        default:
                break;
        }
        return http_field_is_hop_by_hop(head, name);
}

/* What @leaving changes of the fields that its client sent. */
static bool is_ours(const struct upstream_head *leaving, struct str name)
{
        return (leaving->hides_proof && proof_is_field(name)) ||
               (leaving->api_key.n > 0 && str_eq_nocase(name, STR_LITERAL("x-mbx-apikey")));
}

int upstream_write_head(const struct upstream *u, struct buf *to,
                        const struct upstream_head *leaving)
{
        const struct http_head *head = leaving->head;
        int r = http_write_request_line(to, head->method_text, leaving->target);

        if (r == 0)
                r = http_write_field(to, STR_LITERAL("Host"), str_of(u->host_field));
        if (r == 0 && leaving->api_key.n > 0)
                r = http_write_field(to, STR_LITERAL("X-MBX-APIKEY"), leaving->api_key);
        for (size_t i = 0; r == 0 && i < head->n_fields; ++i)
                if (!is_dropped(head, head->fields[i].name) &&
                    !is_ours(leaving, head->fields[i].name))
                        r = http_write_parsed_field(to, &head->fields[i]);
        if (r == 0 && (leaving->body_bytes > 0 || head->framing != HTTP_BODY_NONE ||
                       head->method == HTTP_POST || head->method == HTTP_PUT))
                r = http_write_content_length(to, leaving->body_bytes);
        if (r == 0)
                r = http_write_head_end(to);
        return r;
}

bool upstream_knows_time(struct gateway *g, struct upstream *u)
{
        if (!exclock_is_known(&u->clock))
                /* Another process may have come to know it meanwhile. */
                exclock_init(&u->clock, &g->region.header->clocks[u->group], clock_mono_us(),
                             clock_wall_us());
        return exclock_is_known(&u->clock);
}

void upstream_give_up_time(struct gateway *g, struct upstream *u)
{
        if (u->has_given_up || upstream_knows_time(g, u))
                return;
        u->has_given_up = true;
        log_event(LOG_WARN, "clock_unmeasured",
                  "group=%s why=\"the exchange does not tell its time; windows are cut by this "
                  "machine's clock until it does\"",
                  policy_group_name(u->group));
}

struct limiter_time upstream_now(struct gateway *g, const struct upstream *u)
{
        (void)g;
        return exclock_now(&u->clock, clock_mono_us());
}

size_t upstream_news(const struct limiter *l, const struct policy_plan *plan,
                     const struct http_head *head, struct limiter_news *ret_news)
{
        size_t n = 0;

        for (size_t i = 0; i < head->n_fields && n < BUDGET_NEWS_MAX; ++i)
                n += budget_news(l, plan, head->fields[i].name, head->fields[i].value,
                                 &ret_news[n]);
        return n;
}
