#include "gateway/flow.h"
#include "base/log.h"
#include "budget/budget.h"
#include "budget/weights.h"
#include "gateway/accounts.h"
#include "gateway/breakers.h"
#include "gateway/access_log.h"
#include "gateway/flow_inside.h"
#include "gateway/flow_way.h"
#include "gateway/outlet.h"
#include "gateway/queue.h"
#include "gateway/refuse.h"
#include "gateway/shadow.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"
#include "sign/seal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Flows kept for reuse, with their buffers; more than are ever under way at once on one desk. */
#define FREE_FLOWS_MAX 1024
/* A head as it came, and the fields that weir puts to it. */
#define HEAD_MAX (HTTP_HEAD_MAX + 1024)
/* X-Weir-Max-Wait: a day, as the sentence that refuses more says. */
#define MAX_WAIT_MOST_MS 86400000u
/* What max_body allows at most, and the seal. */
#define SEALED_BODY_MAX ((64u << 20) + SEAL_BYTES_MAX)

_Static_assert(FLOW_NEW == 0 && FLOW_AS_IT_IS == 0 && CONTROL_NONE == 0,
               "what is all zeros has only begun");

/* As if it had never been one before, but for what it keeps. */
static void forget(struct flow *f)
{
        memset(f, 0, offsetof(struct flow, ticket));
        list_init(&f->link);
        list_init(&f->class_link);
        list_init(&f->unflushed_link);
        f->order = TWINS_ORDER_NULL;
        f->ticket.state = f->what_if.state = TICKET_EMPTY;
        f->ticket.blocker = BLOCKED_BY_NOTHING;
}

static struct flow *flow_new(struct gateway *g)
{
        struct list *link = list_first(&g->free_flows);
        struct flow *f;

        if (link) {
                list_unlink(link);
                f = container_of(link, struct flow, link);
        } else {
                f = calloc(1, sizeof(*f));
                if (!f)
                        return NULL;
                buf_init(&f->head, HEAD_MAX + SEAL_BYTES_MAX);
                buf_init(&f->sealed_target, HTTP_HEAD_MAX + SEAL_BYTES_MAX);
                buf_init(&f->sealed_body, SEALED_BODY_MAX);
                buf_init(&f->reply, HEAD_MAX);
                buf_init(&f->body, FLOW_COLLECT_MAX);
        }
        forget(f);
        f->gateway = g;
        list_append(&g->flows, &f->link);
        ++g->n_flows;
        return f;
}

static void flow_free(struct flow *f)
{
        struct gateway *g = f->gateway;

        must(!f->exchange && f->ticket.state == TICKET_EMPTY && f->time_link.place == 0);
        must(!f->wish.client && list_is_empty(&f->class_link));
        list_unlink(&f->link);
        list_unlink(&f->unflushed_link);
        --g->n_flows;
        flow_wipe_seal(f);
        buf_clear(&f->reply);
        buf_clear(&f->body);
        f->state = FLOW_NEW;
        list_prepend(&g->free_flows, &f->link);
}

void flow_pool_free(struct gateway *g)
{
        struct list *link;

        while ((link = list_first(&g->free_flows)) != NULL) {
                struct flow *f = container_of(link, struct flow, link);

                list_unlink(link);
                buf_deinit(&f->head);
                buf_deinit(&f->sealed_target);
                buf_deinit(&f->sealed_body);
                buf_deinit(&f->reply);
                buf_deinit(&f->body);
                free(f);
        }
}

void flow_end(struct flow *f)
{
        tally_end(f);
        queue_remove(f->gateway, f);
        flow_hold(f, false);
        if (!list_is_empty(&f->class_link)) {
                /* It had given up its place, and did not get another. */
                list_unlink(&f->class_link);
                --f->gateway->n_displaced;
        }
        fair_leave(&f->wish, false);
        accounts_ended(f, true);
        limiter_refund(upstream_limiter(f->upstream), &f->ticket);
        shadow_drop(f, false);
        flow_free(f);
}

void flow_abort(struct flow *f)
{
        access_log_aborted(f);
        http_exchange_abort(f->exchange);
        f->exchange = NULL;
        flow_end(f);
}

/* The beginning. */

#define FIELDS_THERE_ARE                                                                           \
        "one of X-Weir-Account, X-Weir-Class, X-Weir-Client, X-Weir-Max-Wait, "                    \
        "X-Weir-Request-Id, X-Weir-Sign, X-Weir-Token"

/* A misspelt wish would be one that nobody hears. What weir adds to answers is no wish. Return:
 * false after having refused. */
static bool flow_knows_fields(struct flow *f)
{
        static const char *const names[] = { "account",    "class", "client", "max-wait",
                                             "request-id", "sign",  "token" };
        const struct http_head *head = http_exchange_head(f->exchange);
        const struct str prefix = STR_LITERAL("x-weir-");

        for (size_t i = 0; i < head->n_fields; ++i) {
                struct str name = head->fields[i].name;
                bool is_known = !str_has_prefix_nocase(name, prefix);

                for (size_t j = 0; !is_known && j < ARRAY_SIZE(names); ++j)
                        is_known = str_eq_nocase(str_from(name.p + prefix.n, name.n - prefix.n),
                                                 str_of(names[j]));
                if (is_known)
                        continue;
                if (shadow_forgives(f->gateway, f->exchange, SHADOW_BAD_FIELD))
                        return true;
                refuse_wish(f, "an X-Weir- field", name, FIELDS_THERE_ARE);
                return false;
        }
        return true;
}

/* X-Weir-Class, X-Weir-Client and X-Weir-Max-Wait (ms). Return: false after having refused. */
static bool flow_read_wishes(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        struct str class = http_field_value(head, STR_LITERAL("x-weir-class"));
        struct str max_wait = http_field_value(head, STR_LITERAL("x-weir-max-wait"));
        struct str client = http_field_value(head, STR_LITERAL("x-weir-client"));

        f->max_wait_ms = f->gateway->settings.max_wait_ms;
        if (!flow_knows_fields(f))
                return false;
        if (client.p && !settings_is_client_name(client) &&
            !shadow_forgives(f->gateway, f->exchange, SHADOW_BAD_FIELD)) {
                refuse_wish(f, "X-Weir-Client", client,
                            "a name of 1 to 64 printable characters of ASCII");
                return false;
        }
        if (class.p && class_from(class, &f->request.class) < 0 &&
            !shadow_forgives(f->gateway, f->exchange, SHADOW_BAD_FIELD)) {
                refuse_wish(f, "X-Weir-Class", class,
                            "one of cancel, order, reconcile, account, market, backfill");
                return false;
        }
        if (max_wait.p &&
            (str_to_u64(max_wait, &f->max_wait_ms) < 0 || f->max_wait_ms > MAX_WAIT_MOST_MS)) {
                if (shadow_forgives(f->gateway, f->exchange, SHADOW_BAD_FIELD)) {
                        f->max_wait_ms = f->gateway->settings.max_wait_ms;
                        return true;
                }
                refuse_wish(f, "X-Weir-Max-Wait", max_wait,
                            "a number of milliseconds up to 86400000");
                return false;
        }
        return true;
}

static void note_unknown(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        char path[160], method[SHOWN_METHOD_SIZE];

        shown_path(head->path, path, sizeof(path));
        shown_method(head, method);
        counter_add(f->gateway->region.header, COUNTER_unknown_endpoints);
        weights_note_unknown(&f->gateway->limiter, &f->plan, str_of(method), str_of(path));
        log_event(LOG_INFO, "unknown_endpoint",
                  "request=%s group=%s method=%s path=\"%s\" weight=%u", f->request_id,
                  policy_group_name(f->plan.group), method, path,
                  f->gateway->policy.unknown_weight);
}

static void flow_start(struct flow *f)
{
        const struct http_head *head = http_exchange_head(f->exchange);
        struct gateway *g = f->gateway;
        struct upstream_head leaving = {
                .head = head,
                .target = head->target,
                .hides_proof = g->keys != NULL,
                .body_bytes = http_exchange_body(f->exchange).n,
        };

        if (outlets_use(g, f->plan.group) < 0 ||
            upstream_write_head(f->upstream, &f->head, &leaving) < 0) {
                refuse_memory(f);
                flow_end(f);
                return;
        }
        flow_call_init(f);
        if (!g->settings.limits) {
                flow_way_turn(f);
                flow_send(f);
                return;
        }
        if (!f->plan.is_known)
                note_unknown(f);
        budget_request(upstream_limiter(f->upstream), &f->plan, &f->request);
        if (!flow_read_wishes(f)) {
                flow_end(f);
                return;
        }
        /* Who is stopped, or cut off, is told so at once. */
        if (g->shadow || breakers_are_shut(g, f->upstream, NULL) ||
            upstream_knows_time(g, f->upstream) || f->upstream->has_given_up ||
            !flow_gates_are_open(f, upstream_now(g, f->upstream).now_ms))
                flow_admit(f);
        else
                flow_await_clock(f);
}

void flow_begin(void *ctx, struct http_exchange *exchange)
{
        const struct http_head *head = http_exchange_head(exchange);
        struct policy_input input = {
                .method = head->method_text,
                .path = head->path,
                .query = head->query,
                .body = http_exchange_body(exchange),
                .api_key = http_field_value(head, STR_LITERAL("x-mbx-apikey")),
        };
        struct gateway *g = ctx;
        struct policy_plan plan;
        enum flow_seal seal;
        struct flow *f;

        counter_add(g->region.header, COUNTER_requests);
        if (refuse_at_the_door(g, exchange))
                return;
        if (policy_match(&g->policy, &input, &plan) != 0) {
                refuse_path(g, exchange);
                return;
        }
        if (!flow_choose_seal(g, exchange, &input, &plan, &seal))
                return;
        f = flow_new(g);
        if (!f) {
                refuse_busy(g, exchange);
                return;
        }
        f->exchange = exchange;
        str_copy(str_of(http_exchange_label(exchange)), f->request_id, sizeof(f->request_id));
        f->plan = plan;
        flow_way_begin(f);
        f->request.class = plan.class;
        f->seal = seal;
        f->key = policy_account(input.api_key);
        policy_key_text(input.api_key, f->key_text);
        f->sequence = ++g->sequence;
        f->arrived_us = f->left_us = loop_now_us(g->loop);
        tally_begin(f);
        http_exchange_set_user(exchange, f);
        flow_start(f);
}

void flow_client_gone(void *ctx, struct http_exchange *exchange)
{
        struct flow *f = http_exchange_user(exchange);

        (void)ctx;
        if (!f)
                return;
        f->is_gone = true;
        if (f->state != FLOW_SENT)
                tally_ends(f, STATS_GONE);
        switch (f->state) {
        case FLOW_STARTING:
        case FLOW_HELD:
        case FLOW_PARKED:
                counter_add(f->gateway->region.header, COUNTER_abandoned);
                flow_abort(f);
                return;
        case FLOW_SENT:
                /* Still waiting for a connection: nothing has left, and nothing will. */
                if (f->http.sent_us == 0) {
                        counter_add(f->gateway->region.header, COUNTER_abandoned);
                        tally_ends(f, STATS_GONE);
                        tally_not_left(f);
                        http_call_cancel(&f->http);
                        flow_abort(f);
                }
                /* Else the reply is awaited: it says what everybody may still spend. */
                return;
        case FLOW_ANSWERING:
                http_call_cancel(&f->http);
                flow_abort(f);
                return;
        default:
                return;
        }
}

void flow_client_drained(void *ctx, struct http_exchange *exchange)
{
        struct flow *f = http_exchange_user(exchange);

        (void)ctx;
        if (f && f->state == FLOW_ANSWERING)
                http_call_resume(&f->http);
}

void flow_turn_away(struct flow *f)
{
        if (!flow_is_queued(f))
                return;
        refuse_unsent(f, "weir is stopping");
        flow_end(f);
}

void flow_drop(struct flow *f)
{
        if (f->state == FLOW_SENT || f->state == FLOW_ANSWERING) {
                http_call_cancel(&f->http);
                tally_ends(f, STATS_UNKNOWN);
        }
        if (f->ticket.state == TICKET_FLYING)
                limiter_abandon(&f->ticket);
        shadow_drop(f, true);
        if (f->state == FLOW_SENT)
                refuse_unanswered(f, "weir was stopped while it waited for the reply");
        if (f->exchange)
                flow_abort(f);
        else
                flow_end(f);
}
