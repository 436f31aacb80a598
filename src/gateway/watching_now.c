/*
 * How the gateway is at this moment: what the region does not know.
 */
#include "base/clock.h"
#include "gateway/by_hand.h"
#include "gateway/measures.h"
#include "gateway/outlet.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"
#include "gateway/watching_inside.h"

#include <stdio.h>
#include <unistd.h>

const char *watching_id(const struct flow *f, char to[WATCHING_ID_SIZE])
{
        snprintf(to, WATCHING_ID_SIZE, "%llx-%llu",
                 (unsigned long long)f->gateway->watching->born_ms,
                 (unsigned long long)f->sequence);
        return to;
}

/* By the id of its row in the queue. */
static struct flow *find_row(struct gateway *g, const char *id)
{
        const char *dash = strchr(id, '-');
        char text[WATCHING_ID_SIZE];
        uint64_t sequence;
        struct flow *f;

        if (!dash || str_to_u64(str_of(dash + 1), &sequence) < 0)
                return NULL;
        f = flow_find(g, sequence);
        return f && strcmp(watching_id(f, text), id) == 0 ? f : NULL;
}

struct flow *watching_find(struct gateway *g, const char *id, size_t *ret_n)
{
        struct flow *found = find_row(g, id);
        struct list *it, *after;

        *ret_n = found != NULL;
        if (found)
                return found;
        list_for_each_safe(it, after, &g->flows)
        {
                struct flow *f = container_of(it, struct flow, link);

                if (strcmp(f->request_id, id) != 0)
                        continue;
                found = f;
                ++*ret_n;
        }
        return found;
}

const char *watching_ids(const struct gateway *g, const char *request_id, char *to, size_t size)
{
        char id[WATCHING_ID_SIZE];
        struct list *it, *after;
        size_t n = 0;

        to[0] = '\0';
        list_for_each_safe(it, after, &g->flows)
        {
                const struct flow *f = container_of(it, struct flow, link);

                if (strcmp(f->request_id, request_id) != 0)
                        continue;
                watching_id(f, id);
                if (n + strlen(id) + 2 * sizeof(", ...") > size) {
                        (void)snprintf(to + n, size - n, ", ...");
                        break;
                }
                n += (size_t)snprintf(to + n, size - n, "%s%s", n > 0 ? ", " : "", id);
        }
        return to;
}

/* Who waits. */

static const char *state_name(const struct flow *f)
{
        return f->is_on_hold               ? "paused"
               : f->state == FLOW_STARTING ? "starting"
               : f->state == FLOW_HELD     ? "held"
                                           : "parked";
}

static json_t *waiting_json(const struct flow *f, uint64_t now_us)
{
        char id[WATCHING_ID_SIZE], endpoint[160];

        if (f->plan.endpoint)
                snprintf(endpoint, sizeof(endpoint), "%s %s", f->plan.endpoint->method,
                         f->plan.endpoint->path);
        else
                snprintf(endpoint, sizeof(endpoint), "(unknown) /%s",
                         policy_group_name(f->plan.group));
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "id", watching_id(f, id),
                         "request_id", http_exchange_label(f->exchange), "class",
                         class_name(f->request.class), "client", f->tally.client, "endpoint",
                         endpoint, "waited_ms", (json_int_t)((now_us - f->arrived_us) / US_PER_MS),
                         "due_in_ms",
                         (json_int_t)(f->due_us > now_us ? (f->due_us - now_us) / US_PER_MS : 0),
                         "state", state_name(f));
}

json_t *watching_queue(void *ctx, const struct watch_filter *filter)
{
        struct gateway *g = ctx;
        uint64_t now_us = clock_mono_us();
        json_t *list = json_array();
        struct list *it, *after;
        size_t n = 0;

        list_for_each_safe(it, after, &g->flows)
        {
                const struct flow *f = container_of(it, struct flow, link);

                if (!flow_is_queued(f) ||
                    (filter->class[0] &&
                     strcmp(filter->class, class_name(f->request.class)) != 0) ||
                    (filter->client[0] && strcmp(filter->client, f->tally.client) != 0))
                        continue;
                if (n++ < filter->max)
                        json_array_append_new(list, waiting_json(f, now_us));
        }
        return json_pack("{s:o?, s:I}", "requests", list, "more",
                         (json_int_t)(n > filter->max ? n - filter->max : 0));
}

/* How many wait, by class, and for how long the first of them. */
static json_t *queue_json(struct gateway *g)
{
        uint64_t now_us = clock_mono_us(), oldest_us[CLASS_COUNT] = { 0 };
        size_t waiting[CLASS_COUNT] = { 0 };
        json_t *list = json_array();
        struct list *it, *after;

        list_for_each_safe(it, after, &g->flows)
        {
                const struct flow *f = container_of(it, struct flow, link);

                if (!flow_is_queued(f))
                        continue;
                if (waiting[f->request.class]++ == 0 || f->arrived_us < oldest_us[f->request.class])
                        oldest_us[f->request.class] = f->arrived_us;
        }
        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                json_array_append_new(list,
                                      json_pack("{s:s, s:I, s:I, s:b}", "class", class_name(class),
                                                "waiting", (json_int_t)waiting[class], "oldest_ms",
                                                (json_int_t)(waiting[class] > 0
                                                                     ? (now_us - oldest_us[class]) /
                                                                               US_PER_MS
                                                                     : 0),
                                                "paused", pauses_class_is(&g->pauses, class)));
        return list;
}

static json_t *paused_json(const struct gateway *g)
{
        json_t *classes = json_array(), *clients = json_array(), *with_cancels = json_array();

        for (unsigned class = 0; class < CLASS_COUNT; ++class)
                if (pauses_class_is(&g->pauses, class))
                        json_array_append_new(classes, json_string(class_name(class)));
        for (size_t i = 0; i < g->pauses.n_clients; ++i) {
                const struct pause_client *c = &g->pauses.clients[i];

                json_array_append_new(clients, json_string(c->name));
                if (c->with_cancels)
                        json_array_append_new(with_cancels, json_string(c->name));
        }
        return json_pack("{s:o, s:o, s:o}", "classes", classes, "clients", clients, "with_cancels",
                         with_cancels);
}

/* By client. */
static json_t *shares_of(const struct settings_clients *clients)
{
        char client[TALLY_CLIENT_SIZE];
        json_t *shares = json_object();

        for (size_t i = 0; i < clients->n; ++i)
                json_object_set_new(shares,
                                    shown_text(str_of(clients->all[i].name), client,
                                               sizeof(client)),
                                    json_integer(clients->all[i].share));
        return shares;
}

/* What the settings say, beside what was set by hand. */
static json_t *client_shares_json(const struct settings *s)
{
        return json_pack("{s:I, s:o?}", "default",
                         (json_int_t)settings_client_share_said(s, STR_NULL), "clients",
                         shares_of(&s->clients));
}

/* The gateway. */

static json_t *listen_json(const struct gateway *g)
{
        const struct http_server *servers[] = { g->server, g->watching->server };
        char text[ADDRESS_TEXT_MAX];
        json_t *list = json_array();

        for (size_t k = 0; k < ARRAY_SIZE(servers); ++k)
                for (size_t i = 0; servers[k] && http_server_address(servers[k], i); ++i)
                        json_array_append_new(
                                list, json_string(address_print(http_server_address(servers[k], i),
                                                                text)));
        return list;
}

static json_t *gateway_json(struct gateway *g)
{
        return json_pack("{s:i, s:I, s:s, s:b, s:b, s:s, s:o, s:I, s:b}", "pid", (int)getpid(),
                         "uptime_ms",
                         (json_int_t)((clock_mono_us() - g->watching->born_us) / US_PER_MS),
                         "state", measures_state_name(g), "limits", (int)g->settings.limits,
                         "shadow", g->shadow != NULL, "history", chronicle_word(g), "listen",
                         listen_json(g), "connections",
                         (json_int_t)http_server_counters(g->server).open, "access_log",
                         strcmp(g->settings.log.access, "off") != 0);
}

/* Of the last whole second. */
static json_t *rates_json(const struct gateway *g)
{
        const struct pace *p = &g->watching->pace;

        return json_pack("{s:f, s:f, s:I}", "requests_per_s", p->requests_per_s, "weight_per_s",
                         p->weight_per_s, "waiting", (json_int_t)g->queue.n);
}

void watching_keep(struct gateway *g)
{
        uint64_t now_us = clock_mono_us(), sent, weight;
        struct pace *p;
        double seconds;

        if (g->watching)
                by_hand_keep(g, g->watching->by_hand);
        if (!g->watching || now_us - g->watching->pace.since_us < US_PER_SECOND)
                return;
        p = &g->watching->pace;
        seconds = (double)(now_us - p->since_us) / 1e6;
        sent = counter_read(g->region.header, COUNTER_sent);
        weight = stats_sums(g->stats)->all.weight;
        if (p->since_us > 0) {
                p->requests_per_s = (double)(sent - p->sent) / seconds;
                p->weight_per_s = (double)(weight - p->weight) / seconds;
        }
        p->since_us = now_us;
        p->sent = sent;
        p->weight = weight;
}

static json_t *weights_json(struct gateway *g)
{
        struct weights_list *all = g->watching->weights;
        json_t *list = json_array();

        if (g->watching->look->weight_disagreements == 0)
                return list;
        weights_list(&g->region, all);
        for (size_t i = 0; i < all->n && all->rows[i].is_disagreement; ++i) {
                const struct weights_row *row = &all->rows[i];

                json_array_append_new(list,
                                      json_pack("{s:s, s:I, s:I, s:I, s:b}", "variant", row->name,
                                                "charged", (json_int_t)row->used, "shown",
                                                (json_int_t)row->view.learnt, "samples",
                                                (json_int_t)row->view.samples, "acknowledged",
                                                watching_is_acknowledged(g->watching, row)));
        }
        return list;
}

static json_t *store_json(struct gateway *g, const struct look *look)
{
        bool is_configured = g->settings.store.url[0] != '\0';
        const char *why = g->hosts.why[0] ? g->hosts.why : g->hosts.waits;

        return json_pack("{s:b, s:s, s:s?, s:I}", "configured", is_configured, "state",
                         sharing_name(look->hosts.sharing.state), "why", why[0] ? why : NULL, "ops",
                         (json_int_t)counter_read(g->region.header, COUNTER_store_ops));
}

json_t *watching_now(void *ctx)
{
        struct gateway *g = ctx;
        const struct look *look = watching_look(g);
        json_t *root = look_json(look, g->watching->region);
        json_t *own =
                json_pack("{s:s, s:I, s:o?, s:o?, s:o?, s:o?, s:o?, s:o?, s:o?, s:o?}", "version",
                          WEIR_VERSION, "exchange_ms", (json_int_t)look->exchange_ms, "gateway",
                          gateway_json(g), "queue", queue_json(g), "paused", paused_json(g),
                          "shares", shares_of(&g->settings.by_hand), "client_shares",
                          client_shares_json(&g->settings), "rates", rates_json(g), "weights",
                          weights_json(g), "store", store_json(g, look));
        int r = root && own ? json_object_update(root, own) : -1;

        json_decref(own);
        if (r == 0)
                return root;
        json_decref(root);
        return NULL;
}
