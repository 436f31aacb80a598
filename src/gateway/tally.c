#include "gateway/tally.h"

#include "budget/holder.h"
#include "gateway/flow.h"
#include "gateway/outlet.h"
#include "gateway/shown.h"
#include "gateway/upstream.h"

#include <stdio.h>
#include <string.h>

/* Names. */

void tally_name_client(struct http_exchange *exchange, char to[TALLY_CLIENT_SIZE])
{
        struct str name =
                http_field_value(http_exchange_head(exchange), STR_LITERAL("x-weir-client"));

        _Static_assert(TALLY_CLIENT_SIZE >= SETTINGS_CLIENT_SIZE, "any that is allowed");
        if (!name.p || !settings_is_client_name(name))
                name = str_of(http_exchange_peer_name(exchange));
        /* Who took the field for that of the key. */
        if (shown_is_secretive(name))
                name = STR_LITERAL(SHOWN_HIDDEN);
        str_copy(name, to, TALLY_CLIENT_SIZE);
}

/* A connection's requests are mostly one client's, whose name was looked at before. */
static void name_client(struct gateway *g, struct http_exchange *exchange, struct tally *t)
{
        struct tally_known *known =
                &g->tally.known[http_exchange_connection(exchange) % ARRAY_SIZE(g->tally.known)];
        struct str says =
                http_field_value(http_exchange_head(exchange), STR_LITERAL("x-weir-client"));

        if (!says.p)
                says = str_of(http_exchange_peer_name(exchange));
        if (LIKELY(says.n > 0 && says.n == known->n && memcmp(says.p, known->name, says.n) == 0)) {
                memcpy(t->client, known->name, sizeof(t->client));
                t->client_key = known->key;
                return;
        }
        tally_name_client(exchange, t->client);
        t->client_key = t->client[0] ? stats_key(str_of(t->client)) : 0;
        if (!str_eq(says, str_of(t->client)))
                return;
        known->n = says.n;
        known->key = t->client_key;
        memcpy(known->name, t->client, sizeof(known->name));
}

/* The name of an account that has one. */
struct wanted {
        uint64_t number;
        char *to;
};

static void take_name(void *ctx, const struct holder_view *view)
{
        const struct wanted *w = ctx;

        if (view->number == w->number && holder_is_name(str_of(view->name)))
                str_copy(str_of(view->name), w->to, STATS_NAME_SIZE);
}

static void spell_endpoint(const struct policy_plan *plan, char *to)
{
        if (plan->endpoint)
                snprintf(to, STATS_NAME_SIZE, "%s %s", plan->endpoint->method,
                         plan->endpoint->path);
        else
                snprintf(to, STATS_NAME_SIZE, "(unknown) /%s", policy_group_name(plan->group));
}

static void spell(const struct stats_request *r, enum stats_by by, char *to)
{
        const struct flow *f = r->ctx;

        if (by == STATS_BY_ENDPOINT)
                spell_endpoint(&f->plan, to);
        if (by == STATS_BY_ACCOUNT) {
                struct wanted w = { r->account.key, to };

                str_copy(str_of(f->key_text), to, STATS_NAME_SIZE);
                holders_each(&f->gateway->region, take_name, &w);
        }
}

/* Paths that no table has are one, so that odd ones cannot breed names. */
static uint64_t endpoint_key(const struct policy_plan *plan)
{
        return plan->endpoint ? plan->endpoint->key : 1 + (uint64_t)plan->group;
}

/* What it spends. */

static bool has_unit(const struct policy_plan *plan, unsigned i, enum policy_unit unit)
{
        return policy_pool(plan->charges[i].pool)->unit == unit;
}

/* The pool whose windows a request is shown in: that of its weight, else of its product's. */
static uint32_t book_of(const struct gateway *g, const struct policy_plan *plan)
{
        int pool = policy_group_pool(plan->group, POLICY_WEIGHT);

        for (unsigned i = plan->n_charges; i > 0; --i)
                if (has_unit(plan, i - 1, POLICY_WEIGHT))
                        pool = plan->charges[i - 1].pool;
        if (pool < 0)
                pool = policy_pool_find(STR_LITERAL("sapi-ip"));
        return pool < 0 ? STATS_NO_POOL : g->tally.books[pool];
}

/* That of its orders. Return: for stats_request.orders_book. */
static uint32_t orders_book_of(const struct gateway *g, const struct policy_plan *plan)
{
        for (unsigned i = 0; i < plan->n_charges; ++i)
                if (has_unit(plan, i, POLICY_ORDERS) &&
                    g->tally.books[plan->charges[i].pool] != STATS_NO_POOL)
                        return 1 + g->tally.books[plan->charges[i].pool];
        return 0;
}

/* The first charge is the one of which costs are learnt. */
static void spend(struct stats_request *r, const struct policy_plan *plan, uint32_t first)
{
        for (unsigned i = 0; i < plan->n_charges; ++i) {
                uint32_t amount = i == 0 ? first : plan->charges[i].amount;

                if (has_unit(plan, i, POLICY_WEIGHT))
                        r->weight += amount;
                if (has_unit(plan, i, POLICY_ORDERS))
                        r->orders += amount;
        }
}

/* What is charged of it after all. */
static uint32_t first_of(const struct flow *f)
{
        uint32_t amount;

        if (f->plan.n_charges == 0)
                return 0;
        if (!f->gateway->settings.limits)
                return policy_settle(&f->plan, f->status == 200 ? POLICY_OUTCOME_OK : 0);
        amount = f->request.charges[0].amount;
        return f->tally.refund < amount ? amount - f->tally.refund : 0;
}

/* A flow. */

void tally_begin(struct flow *f)
{
        struct tally *t = &f->tally;

        name_client(f->gateway, f->exchange, t);
        t->outcome = STATS_NOT_SENT;
        t->reason = "unsent";
        tally_not_left(f);
}

void tally_refused(struct flow *f, const char *reason)
{
        f->tally.outcome = STATS_REFUSED;
        f->tally.reason = reason;
}

void tally_ends(struct flow *f, enum stats_outcome outcome)
{
        f->tally.outcome = outcome;
        /* A head may have come, and promised more than there was. */
        if (outcome == STATS_UNKNOWN)
                f->tally.verdict = f->plan.is_mutating ? VERDICT_UNKNOWN_FATE : VERDICT_FAILED;
}

void tally_left(struct flow *f)
{
        f->tally.has_left = true;
}

void tally_not_left(struct flow *f)
{
        struct tally *t = &f->tally;

        t->has_left = false;
        t->refund = t->over_limit = 0;
        t->answered_us = 0;
        t->verdict = STATS_NO_VERDICT;
        t->code = 0;
}

void tally_answered(struct flow *f, unsigned status)
{
        struct tally *t = &f->tally;

        t->answered_us = loop_now_us(f->gateway->loop);
        t->outcome = status < 400    ? STATS_OK
                     : status == 429 ? STATS_OVER_LIMIT
                     : status == 418 ? STATS_BANNED
                                     : STATS_ERROR;
        t->over_limit = status == 429 || status == 418;
        t->verdict = status < 400 ? VERDICT_OK : STATS_NO_VERDICT;
}

static enum stats_outcome outcome_of(const struct verdict *v)
{
        switch (v->kind) {
        case VERDICT_OVER_WEIGHT:
        case VERDICT_TOO_MANY_ORDERS:
                return STATS_OVER_LIMIT;
        case VERDICT_BANNED:
        case VERDICT_FIREWALL:
                return STATS_BANNED;
        default:
                return v->executed == EXECUTED_UNKNOWN ? STATS_UNKNOWN
                       : v->status < 400               ? STATS_OK
                                                       : STATS_ERROR;
        }
}

void tally_judged(struct flow *f, const struct verdict *v)
{
        struct tally *t = &f->tally;

        t->verdict = v->kind;
        t->code = v->code;
        t->outcome = outcome_of(v);
        t->over_limit = t->outcome == STATS_OVER_LIMIT || t->outcome == STATS_BANNED;
}

uint32_t tally_weight(const struct flow *f)
{
        struct stats_request r = { 0 };

        if (f->tally.has_left)
                spend(&r, &f->plan, first_of(f));
        return r.weight;
}

static void tell(struct flow *f, bool is_attempt)
{
        const struct tally *t = &f->tally;
        struct gateway *g = f->gateway;
        struct stats_request r = {
                .class = f->request.class,
                .pool = book_of(g, &f->plan),
                .orders_book = orders_book_of(g, &f->plan),
                .account = { holder_find(&g->limiter, f->plan.account).number, STR_NULL },
                .endpoint = { endpoint_key(&f->plan), STR_NULL },
                .client = { t->client_key, str_of(t->client) },
                .spell = spell,
                .ctx = f,
                .is_attempt = is_attempt,
                .outcome = t->outcome,
                .retries = f->call.retries + f->n_stale,
                .verdict = t->verdict,
                .code = t->code,
                .reason = t->reason,
        };

        if (t->has_left) {
                spend(&r, &f->plan, first_of(f));
                r.sent_ms = f->sent_ms;
                r.over_limit = t->over_limit;
                r.wait_us = f->left_us > f->arrived_us ? f->left_us - f->arrived_us : 0;
                r.exchange_us = t->answered_us > f->left_us ? t->answered_us - f->left_us : 0;
        }
        stats_note(g->stats, &r, tally_now_ms(g, f->upstream));
}

void tally_again(struct flow *f)
{
        tell(f, true);
        tally_not_left(f);
        f->tally.outcome = STATS_NOT_SENT;
}

void tally_end(struct flow *f)
{
        tell(f, false);
}

/* No flow. */

void tally_at_the_door(struct gateway *g, struct http_exchange *exchange, const char *reason)
{
        struct stats_request r = {
                .class = CLASS_COUNT,
                .pool = STATS_NO_POOL,
                .outcome = STATS_REFUSED,
                .reason = reason,
                .verdict = STATS_NO_VERDICT,
        };
        struct tally t;

        name_client(g, exchange, &t);
        r.client = (struct stats_name){ t.client_key, str_of(t.client) };
        stats_note(g->stats, &r, 0);
}

static void spell_errand(const struct stats_request *r, enum stats_by by, char *to)
{
        const struct errand *e = r->ctx;

        if (by == STATS_BY_ENDPOINT)
                spell_endpoint(&e->plan, to);
}

void tally_errand(const struct errand *e, const struct verdict *v)
{
        static const struct str own = { "(weir)", 6 };
        struct gateway *g = e->gateway;
        struct stats_request r = {
                .class = CLASS_RECONCILE,
                .pool = book_of(g, &e->plan),
                .endpoint = { endpoint_key(&e->plan), STR_NULL },
                .client = { stats_key(own), own },
                .spell = spell_errand,
                .ctx = e,
                .outcome = v ? outcome_of(v) : STATS_UNKNOWN,
                .wait_us = STATS_NO_WAIT,
                /* As now known: the first question for the time left before it was. */
                .sent_ms = exclock_now(&e->upstream->clock, e->call.sent_us).now_ms,
                .verdict = v ? (uint32_t)v->kind : STATS_NO_VERDICT,
                .code = v ? v->code : 0,
        };
        uint64_t now_us = loop_now_us(g->loop);
        struct limiter_request request;

        budget_request(upstream_limiter(e->upstream), &e->plan, &request);
        spend(&r, &e->plan, request.n_charges > 0 ? request.charges[0].amount : 0);
        r.over_limit = r.outcome == STATS_OVER_LIMIT || r.outcome == STATS_BANNED;
        r.exchange_us = v && now_us > e->call.sent_us ? now_us - e->call.sent_us : 0;
        stats_note(g->stats, &r, tally_now_ms(g, e->upstream));
}
