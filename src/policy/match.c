/*
 * From a request to its plan. The order of the charges is fixed: weight first, because that is
 * the one that outcomes change; then the second weight of the few endpoints that have one, orders,
 * raw requests, special requests.
 */
#include "policy/batch.h"
#include "policy/params.h"
#include "policy/policy.h"
#include "policy/tables.h"
#include "policy/variant.h"

#define RECV_WINDOW_DEFAULT_US 5000000ULL
/* The exchange refuses more; what it would refuse anyway must not wait longer than this. */
#define RECV_WINDOW_MAX_US 60000000ULL

/* A timestamp this large cannot be milliseconds before the year 33658, so it is microseconds. */
#define TIMESTAMP_US_FROM 1000000000000000ULL

/*
 * An unknown sapi endpoint draws on one of two counters, 12000 by address or 180000 by account,
 * and nothing tells which. Both are charged, in proportion.
 */
#define SAPI_ACCOUNT_SCALE 15

enum method {
        GET,
        POST,
        PUT,
        DELETE,
        READS,
        WRITES
};

static enum method method_of(struct str method)
{
        static const struct {
                const char *name;
                enum method method;
        } known[] = {
                { "GET", GET }, { "POST", POST }, { "DELETE", DELETE },
                { "PUT", PUT }, { "HEAD", GET },  { "OPTIONS", READS },
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); ++i)
                if (str_eq(method, str_of(known[i].name)))
                        return known[i].method;
        return WRITES;
}

static const struct policy_endpoint *find(enum method method, struct str path)
{
        uint64_t key;

        if (method >= READS)
                return NULL;

        key = table_hash((uint64_t)method + 1, path);
        for (size_t at = key & (table_n_slots - 1); table_slots[at] != TABLE_NONE;
             at = (at + 1) & (table_n_slots - 1)) {
                const struct policy_endpoint *e = &table_endpoints[table_slots[at]];

                if (e->key == key && str_eq(path, str_of(e->path)))
                        return e;
        }
        return NULL;
}

static struct policy_charge *charge(struct policy_plan *plan, unsigned pool, uint64_t amount)
{
        struct policy_charge *c = &plan->charges[plan->n_charges++];

        must(plan->n_charges <= POLICY_CHARGES_MAX);
        *c = (struct policy_charge){
                .pool = (uint16_t)pool,
                .is_per_account = table_pools[pool].scope == POLICY_PER_ACCOUNT,
                .amount = amount < UINT32_MAX ? (uint32_t)amount : UINT32_MAX,
        };
        if (table_pools[pool].is_per_endpoint)
                c->endpoint = plan->endpoint ? plan->endpoint->key : POLICY_ENDPOINT_UNKNOWN;
        return c;
}

static bool clause_holds(const struct table_clause *c, const struct params *p, bool empty_is_sent)
{
        const struct param *param = &p->of[c->subject];
        bool is_sent = params_has(p, c->subject) && (empty_is_sent || !param->is_empty);

        switch ((enum table_test)c->test) {
        case CLAUSE_SENT:
                return is_sent;
        case CLAUSE_ABSENT:
                return !is_sent;
        case CLAUSE_WORD: /* a word only ever adds to the weight, so doubt means yes */
                return is_sent && (param->is_mixed || params_is(p, c->subject, c->word));
        case CLAUSE_LIMIT:
                return is_sent && param->most <= c->bound;
        case CLAUSE_COUNT:
                return is_sent && param->n_elements <= c->bound;
        case CLAUSE_OUTCOME:
                return false;
        }
        return false;
}

static uint64_t clause_cost(const struct table_clause *c, const struct params *p)
{
        uint64_t cost;

        if (!c->each)
                return c->cost;
        if (__builtin_mul_overflow(p->of[c->subject].n_elements, (uint64_t)c->each, &cost))
                return c->cost;
        return cost < c->cost ? cost : c->cost;
}

struct weight {
        uint64_t reserved;
        uint8_t outcome; /* 0, or the one bit that makes it @settled */
        uint64_t settled;
        uint64_t key; /* of the clause that held; 0: of none */
};

static struct weight weigh(const struct table_price *price, const struct params *p,
                           bool empty_is_sent)
{
        const struct table_clause *clauses = &table_clauses[price->clause];
        struct weight w = { .reserved = price->base };

        for (unsigned i = 0; i < price->n_clauses; ++i) {
                if (clauses[i].test == CLAUSE_OUTCOME) {
                        w.outcome = (uint8_t)(1u << clauses[i].subject);
                        w.settled = clauses[i].cost;
                } else if (clause_holds(&clauses[i], p, empty_is_sent)) {
                        return (struct weight){
                                .reserved = clause_cost(&clauses[i], p),
                                .key = variant_clause(&clauses[i],
                                                      clauses[i].each
                                                              ? p->of[clauses[i].subject].n_elements
                                                              : 0),
                        };
                }
        }
        return w;
}

/* An empty value may be taken for sent or for not sent: both are weighed, the heavier counts. */
static struct weight weigh_heavier(const struct table_price *price, const struct params *p)
{
        struct weight sent = weigh(price, p, true), not_sent = weigh(price, p, false);

        return not_sent.reserved > sent.reserved ? not_sent : sent;
}

static void charge_weights(struct policy_plan *plan, const struct params *p)
{
        const struct policy_endpoint *e = plan->endpoint;

        for (unsigned i = 0; i < e->n_prices; ++i) {
                const struct table_price *price = &table_prices[e->price + i];
                struct weight w = weigh_heavier(price, p);

                charge(plan, price->pool, w.reserved);
                if (i == 0)
                        plan->variant = variant_key(e->key, w.key);
                if (w.outcome) {
                        plan->outcome = w.outcome;
                        plan->outcome_weight = (uint32_t)w.settled;
                }
        }
}

static void charge_known(struct policy_plan *plan, const struct params *p)
{
        const struct policy_endpoint *e = plan->endpoint;
        const struct table_group *group = &table_groups[e->group];

        charge_weights(plan, p);
        if (e->order != TABLE_NONE) {
                const struct table_order *order = &table_orders[e->order];
                struct policy_charge *c = charge(plan, order->pool, order->amount);

                c->n_specials = order->n_specials;
                for (unsigned i = 0; i < order->n_specials; ++i) {
                        c->specials[i].span_ms = order->specials[i].span_ms;
                        c->specials[i].amount = order->specials[i].amount;
                }
        }
        if (group->every_request != TABLE_NONE)
                charge(plan, group->every_request, 1);
        for (unsigned i = 0; i < e->n_requests; ++i)
                charge(plan, table_requests[e->request + i], 1);
}

static void charge_unknown(struct policy_plan *plan, enum method method, struct str path,
                           uint32_t weight)
{
        const struct table_group *group = &table_groups[plan->group];

        /* sapi's unknown paths share a counter, so none of them is seen alone. */
        plan->variant = plan->group == POLICY_SAPI ? 0 : variant_unknown((unsigned)method, path);
        charge(plan, group->weight, weight);
        if (group->account_weight != TABLE_NONE)
                charge(plan, group->account_weight, (uint64_t)weight * SAPI_ACCOUNT_SCALE);
        if (plan->places_order && group->orders != TABLE_NONE)
                charge(plan, group->orders, 1);
        if (group->every_request != TABLE_NONE)
                charge(plan, group->every_request, 1);
        for (size_t i = 0; i < table_n_prefixes; ++i) {
                const struct table_prefix *prefix = &table_prefixes[i];

                if (prefix->group == plan->group && str_has_prefix(path, str_of(prefix->path)) &&
                    method == method_of(str_of(prefix->method)))
                        charge(plan, prefix->pool, 1);
        }
}

/*
 * Whether a futures order can only make a position smaller: it says so, or it trades against the
 * side that its position is on. A parameter that is said twice in two ways is not believed: the
 * class is a privilege.
 */
static bool is_batch(const struct policy_endpoint *e)
{
        const char *last = strrchr(e->path, '/');

        return last && strcmp(last, "/batchOrders") == 0;
}

/* Return: whether the list @id is there, once, and each of its orders only closes. */
static bool is_closing_batch(const struct params *p, unsigned id)
{
        return params_has(p, id) && !p->of[id].is_mixed && batch_only_closes(p->of[id].value);
}

static bool is_closing(const struct params *p)
{
        bool has_side = params_has(p, PARAM_POSITION_SIDE);

        if (params_is(p, PARAM_CLOSE_POSITION, "true"))
                return true;
        if (params_is(p, PARAM_REDUCE_ONLY, "true"))
                return !has_side || params_is(p, PARAM_POSITION_SIDE, "BOTH");
        return (params_is(p, PARAM_POSITION_SIDE, "LONG") && params_is(p, PARAM_SIDE, "SELL")) ||
               (params_is(p, PARAM_POSITION_SIDE, "SHORT") && params_is(p, PARAM_SIDE, "BUY"));
}

/*
 * A guess from the method alone, towards the class that must not wait. sapi is left out of it:
 * what it does is bookkeeping, and its counters are its own.
 */
static enum weir_class class_of_unknown(const struct policy_plan *plan, enum method method)
{
        if (method == GET || method == READS)
                return plan->is_signed ? CLASS_ACCOUNT : CLASS_MARKET;
        if (plan->group == POLICY_SAPI || method == WRITES)
                return CLASS_ACCOUNT;
        return method == DELETE ? CLASS_CANCEL : CLASS_ORDER;
}

static void describe_known(struct policy_plan *plan, enum method method, const struct params *p)
{
        const struct policy_endpoint *e = plan->endpoint;

        plan->is_known = true;
        plan->group = e->group;
        plan->class = e->class;
        plan->is_weight_header_trusted = !e->is_weight_header_wrong && !e->is_weight_header_missing;
        plan->places_order = method != GET && e->class == CLASS_ORDER && !e->is_test;
        if (e->may_close && (is_batch(e) ? is_closing_batch(p, PARAM_BATCH_ORDERS) ||
                                                   is_closing_batch(p, PARAM_ORDERS)
                                         : is_closing(p))) {
                plan->is_closing = true;
                plan->class = CLASS_CANCEL;
        }
}

static void describe_signature(struct policy_plan *plan, const struct params *p)
{
        const struct param *timestamp = &p->of[PARAM_TIMESTAMP];
        const struct param *window = &p->of[PARAM_RECV_WINDOW];

        plan->recv_window_us = RECV_WINDOW_DEFAULT_US;
        if (params_has(p, PARAM_RECV_WINDOW) && window->least != UINT64_MAX)
                plan->recv_window_us =
                        window->least < RECV_WINDOW_MAX_US ? window->least : RECV_WINDOW_MAX_US;

        if (!params_has(p, PARAM_TIMESTAMP) || timestamp->least == UINT64_MAX)
                return;
        plan->timestamp_ms = timestamp->least;
        if (timestamp->least >= TIMESTAMP_US_FROM)
                plan->timestamp_ms = timestamp->least / US_PER_MS;
}

int policy_match(const struct policy_options *options, const struct policy_input *input,
                 struct policy_plan *ret_plan)
{
        struct policy_options defaults = POLICY_OPTIONS_DEFAULT;
        struct policy_plan *plan = ret_plan;
        enum method method = method_of(input->method);
        enum policy_group group;
        struct params p;

        if (policy_group_of(input->path, &group))
                return POLICY_NO_GROUP;

        params_read(&p, input->query, method == GET ? STR_NULL : input->body);
        *plan = (struct policy_plan){
                .endpoint = find(method, input->path),
                .group = group,
                .is_signed = params_has(&p, PARAM_TIMESTAMP) || params_has(&p, PARAM_SIGNATURE) ||
                             input->is_unsealed,
                .has_signature = params_has(&p, PARAM_SIGNATURE),
                .has_timestamp = params_has(&p, PARAM_TIMESTAMP),
                .has_recv_window = params_has(&p, PARAM_RECV_WINDOW),
                .is_mutating = method != GET && method != READS,
                .is_weight_header_trusted = true,
                .account = input->api_key.n ? policy_account(input->api_key) : 0,
        };
        describe_signature(plan, &p);

        if (plan->endpoint) {
                describe_known(plan, method, &p);
                charge_known(plan, &p);
        } else {
                plan->class = class_of_unknown(plan, method);
                plan->places_order = plan->class == CLASS_ORDER;
                charge_unknown(plan, method, input->path,
                               (options ? options : &defaults)->unknown_weight);
        }
        return 0;
}
