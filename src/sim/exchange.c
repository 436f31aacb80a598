#include "sim/exchange.h"

#include "sim/call.h"
#include "sim/weight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT 24

/* One request and what became of it so far. */
struct passage {
        struct exchange *x;
        const struct request *request;
        const struct fault_plan *plan;
        const struct endpoint *endpoint;
        struct form params;
        uint64_t weight;
        struct ledger_entry entry;
        struct book *book; /* NULL: not counted */
        struct call call;
        struct reply *reply;
};

void exchange_config_init(struct exchange_config *config)
{
        *config = (struct exchange_config){ .seed = 1, .futures_retry_after = true };
        ledger_rules_init(&config->rules);
        accounts_init(&config->accounts);
}

/* A first fill of an order on spot gives its count back; a little later, as the real one does. */
static void on_fill(void *ctx, const struct order *order, bool is_maker, uint64_t now_ms)
{
        struct exchange *x = ctx;

        (void)now_ms;
        if (order->wish.symbol->product == PRODUCT_SPOT)
                x->owed[order->wish.account] += is_maker ? x->ledger.rules.maker_decrement : 1;
}

static void pay_back(struct exchange *x, uint64_t now_ms)
{
        for (size_t i = 0; i < x->config->accounts.n; ++i) {
                struct owner *owner;

                if (!x->owed[i])
                        continue;
                owner = ledger_owner(&x->ledger, str_of(x->config->accounts.list[i].name));
                ledger_orders_give_back(&x->ledger, ledger_book(owner, POOL_SPOT, NULL), x->owed[i],
                                        now_ms);
                x->owed[i] = 0;
        }
}

struct exchange *exchange_new(struct exchange_config *config)
{
        struct exchange *x = calloc(1, sizeof(*x));

        must(x);
        endpoints_init();
        x->config = config;
        x->skew_ms = config->skew_ms;
        ledger_init(&x->ledger, &config->rules);
        engine_init(&x->engine, config->seed, config->accounts.n, on_fill, x);
        attempts_init(&x->attempts);
        faults_init(&x->faults, config->seed);
        return x;
}

struct exchange *exchange_free(struct exchange *x)
{
        if (!x)
                return NULL;
        ledger_deinit(&x->ledger);
        engine_deinit(&x->engine);
        attempts_deinit(&x->attempts);
        free(x);
        return NULL;
}

void exchange_reset(struct exchange *x)
{
        struct ledger_rules rules = x->ledger.rules;

        ledger_deinit(&x->ledger);
        ledger_init(&x->ledger, &rules);
        engine_deinit(&x->engine);
        engine_init(&x->engine, x->config->seed, x->config->accounts.n, on_fill, x);
        attempts_deinit(&x->attempts);
        memset(x->owed, 0, sizeof(x->owed));
        x->requests = 0;
}

uint64_t exchange_now_us(const struct exchange *x, uint64_t wall_us)
{
        return wall_us + (uint64_t)(x->skew_ms * (int64_t)US_PER_MS);
}

void exchange_apply_faults(struct exchange *x, uint64_t wall_us)
{
        x->skew_ms = x->faults.has_skew ? x->faults.skew_ms : x->config->skew_ms;
        for (enum pool pool = 0; pool < POOL_COUNT; ++pool)
                ledger_foreign(&x->ledger, pool, x->faults.foreign[pool],
                               exchange_now_us(x, wall_us) / US_PER_MS);
}

/* The orders that a request wants to place, by their client ids. */
static void record_attempts(struct passage *p)
{
        struct str batch = form_get(&p->params, "batchOrders");
        json_t *list, *element;
        size_t i;

        if (!p->endpoint || p->endpoint->orders + p->endpoint->orders_long == 0 ||
            strcmp(p->endpoint->method, "POST") != 0)
                return;
        if (batch.n == 0) {
                struct str id = form_get(&p->params, "newClientOrderId");

                if (id.n == 0)
                        id = form_get(&p->params, "clientAlgoId");
                attempts_arrived(&p->x->attempts, id);
                return;
        }
        list = json_loadb(batch.p, batch.n, 0, NULL);
        json_array_foreach(list, i, element)
        {
                const char *id = json_string_value(json_object_get(element, "newClientOrderId"));

                attempts_arrived(&p->x->attempts, str_of(id));
        }
        json_decref(list);
}

static bool is_spot_like(enum pool pool)
{
        return pool == POOL_SPOT || pool == POOL_SAPI_IP || pool == POOL_SAPI_UID;
}

static void usage_fields(struct passage *p, enum pool pool)
{
        struct ledger *ledger = &p->x->ledger;
        const struct limit *limit = &ledger->rules.limits[pool][LIMIT_WEIGHT];
        uint64_t used = ledger_used(ledger, p->book, LIMIT_WEIGHT, p->call.now_ms);
        char text[TEXT_LIMIT];
        uint32_t n;
        char letter = limit_unit(limit->span_s, &n)[0];

        if (p->plan->usage == USAGE_MISSING)
                return;
        if (p->plan->usage == USAGE_STALE)
                used = p->x->stale_used;
        else
                p->x->stale_used = used;
        snprintf(text, sizeof(text), "%llu", (unsigned long long)used);
        if (pool == POOL_SAPI_IP)
                reply_field(p->reply, text, "X-SAPI-USED-IP-WEIGHT-%u%c", n, letter);
        else if (pool == POOL_SAPI_UID)
                reply_field(p->reply, text, "X-SAPI-USED-UID-WEIGHT-%u%c", n, letter);
        else if (pool != POOL_FUNDING && pool != POOL_FUTURES_DATA)
                reply_field(p->reply, text, "X-MBX-USED-WEIGHT-%u%c", n, letter);
        if (pool == POOL_SPOT)
                reply_field(p->reply, text, "X-MBX-USED-WEIGHT");
}

static void order_fields(struct passage *p)
{
        static const enum limit_type types[] = { LIMIT_ORDERS, LIMIT_ORDERS_LONG };
        struct ledger *ledger = &p->x->ledger;
        struct book *book = ledger_book(p->call.account_owner, p->endpoint->pool, NULL);

        if (p->plan->usage == USAGE_MISSING)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(types); ++i) {
                const struct limit *limit = &ledger->rules.limits[p->endpoint->pool][types[i]];
                uint64_t used = ledger_used(ledger, book, types[i], p->call.now_ms);
                char text[TEXT_LIMIT];
                uint32_t n;
                char letter;

                if (!limit->span_s)
                        continue;
                letter = limit_unit(limit->span_s, &n)[0];
                snprintf(text, sizeof(text), "%llu", (unsigned long long)used);
                reply_field(p->reply, text, "X-MBX-ORDER-COUNT-%u%c", n, letter);
        }
}

/* The texts of 429 and 418 differ by product. */
static void refuse_weight(struct passage *p, enum pool pool, enum ledger_answer answer)
{
        char limit[TEXT_LIMIT], until[TEXT_LIMIT], span[TEXT_LIMIT], wait[TEXT_LIMIT];
        uint32_t n;
        const char *unit = limit_unit(p->entry.limit.span_s, &n);
        const char *ip = p->request->ip;

        snprintf(limit, sizeof(limit), "%llu", (unsigned long long)p->entry.limit.limit);
        snprintf(until, sizeof(until), "%llu", (unsigned long long)p->entry.until_ms);
        snprintf(wait, sizeof(wait), "%llu", (unsigned long long)p->entry.retry_after_s);
        snprintf(span, sizeof(span), "%u %s", n, unit);
        if (answer == LEDGER_BANNED && is_spot_like(pool))
                call_refuse(&p->call, REFUSED_BAN_SPOT, until);
        else if (answer == LEDGER_BANNED)
                call_refuse(&p->call, REFUSED_BAN_FUTURES, ip, until);
        else if (pool == POOL_SAPI_IP || pool == POOL_SAPI_UID)
                call_refuse(&p->call, REFUSED_WEIGHT_SAPI);
        else if (pool != POOL_SPOT)
                call_refuse(&p->call, REFUSED_WEIGHT_FUTURES, ip, limit);
        else
                call_refuse(&p->call,
                            p->entry.type == LIMIT_RAW ? REFUSED_RAW_SPOT : REFUSED_WEIGHT_SPOT,
                            limit, span);
        if (is_spot_like(pool) || p->x->config->futures_retry_after)
                reply_field(p->reply, wait, "Retry-After");
}

static void answer_refusal(struct passage *p)
{
        reply_json(p->reply, p->call.status, call_refusal_json(&p->call));
        json_decref(p->call.data);
        p->call.data = NULL;
}

static struct owner *payer(struct passage *p, enum pool pool)
{
        struct account *account =
                pool == POOL_SAPI_UID ? accounts_find(&p->x->config->accounts, p->request->api_key)
                                      : NULL;

        return ledger_owner(&p->x->ledger, str_of(account ? account->name : p->request->ip));
}

/* Firewall, ban, raw requests, weight. Return: true when it may go on. */
static bool count(struct passage *p, enum pool pool)
{
        struct owner *address = ledger_owner(&p->x->ledger, str_of(p->request->ip));
        bool per_endpoint = pool == POOL_SAPI_IP || pool == POOL_SAPI_UID;
        enum ledger_answer answer;

        if (pool != POOL_NONE)
                p->book = ledger_book(payer(p, pool), pool,
                                      per_endpoint && p->endpoint ? p->endpoint->path : NULL);
        answer = ledger_arrive(&p->x->ledger, address, p->book, p->weight, p->call.now_ms,
                               &p->entry);
        if (answer == LEDGER_OK)
                return true;
        if (answer == LEDGER_FIREWALL) {
                reply_firewall(p->reply);
                return false;
        }
        refuse_weight(p, pool, answer);
        answer_refusal(p);
        return false;
}

static bool is_key_text(struct str key)
{
        for (size_t i = 0; i < key.n; ++i)
                if (!((key.p[i] >= '0' && key.p[i] <= '9') ||
                      (key.p[i] >= 'A' && key.p[i] <= 'Z') || (key.p[i] >= 'a' && key.p[i] <= 'z')))
                        return false;
        return key.n == 64;
}

static bool check_key(struct passage *p)
{
        struct exchange *x = p->x;

        p->call.account = accounts_find(&x->config->accounts, p->request->api_key);
        if (p->call.account) {
                p->call.account_owner = ledger_owner(&x->ledger, str_of(p->call.account->name));
                return true;
        }
        call_refuse(&p->call, is_key_text(p->request->api_key) ? REFUSED_KEY : REFUSED_KEY_FORMAT);
        return false;
}

static bool check_age(struct passage *p)
{
        struct str timestamp = form_get(&p->params, "timestamp");
        struct str window = form_get(&p->params, "recvWindow");

        switch (sign_time(timestamp, window, is_spot_like(p->endpoint->pool), p->call.now_us,
                          &p->call.age)) {
        case SIGN_IN_TIME:
                return true;
        case SIGN_NO_TIMESTAMP:
        case SIGN_BAD_TIMESTAMP:
                call_refuse(&p->call, REFUSED_MISSING, "timestamp");
                return false;
        case SIGN_BAD_WINDOW:
                call_refuse(&p->call, REFUSED_BAD_PARAMETER, "recvWindow");
                return false;
        case SIGN_WINDOW_TOO_LONG:
                call_refuse(&p->call, REFUSED_RECV_WINDOW);
                return false;
        case SIGN_TOO_OLD:
                call_refuse(&p->call, REFUSED_TOO_OLD);
                return false;
        case SIGN_TOO_EARLY:
                call_refuse(&p->call, REFUSED_TOO_EARLY);
                return false;
        }
        return false;
}

/* Key, signature, age, as far as this endpoint wants them. */
static bool identify(struct passage *p)
{
        if (p->endpoint->security == SECURITY_NONE)
                return true;
        if (!check_key(p))
                return false;
        if (p->endpoint->security <= SECURITY_USER_STREAM)
                return true;
        switch (sign_check(p->call.account, p->request->query, p->request->body)) {
        case SIGN_OK:
                return check_age(p);
        case SIGN_MISSING:
                call_refuse(&p->call, REFUSED_MISSING, "signature");
                return false;
        case SIGN_WRONG:
                call_refuse(&p->call, REFUSED_SIGNATURE);
                return false;
        }
        return false;
}

/* Orders that only close are exempt from the protection against overload. */
static bool is_exempt(const struct passage *p)
{
        const struct form *q = &p->params;
        bool both = !form_has(q, "positionSide") || form_is(q, "positionSide", "BOTH");

        if (str_eq(p->request->method, STR_LITERAL("DELETE")))
                return true;
        return form_is(q, "closePosition", "true") || (both && form_is(q, "reduceOnly", "true")) ||
               (form_is(q, "positionSide", "LONG") && form_is(q, "side", "SELL")) ||
               (form_is(q, "positionSide", "SHORT") && form_is(q, "side", "BUY"));
}

/* Faults in which the exchange's edge answers and nothing is counted. */
static bool answers_uncounted(const struct passage *p)
{
        const struct fault_rule *rule = p->plan->answer;

        return rule && (rule->action == FAULT_WAF || rule->action == FAULT_UNAVAILABLE ||
                        rule->action == FAULT_INTERNAL || rule->action == FAULT_OVERLOAD);
}

static void answer_fault(struct passage *p)
{
        static const char overload_spot[] = "Server is currently overloaded with other requests. "
                                            "Please try again in a few minutes.";
        static const char overload_futures[] =
                "Request throttled by system-level protection. "
                "Reduce-only/close-position orders are exempt. Please try again.";
        const struct fault_rule *rule = p->plan->answer;
        bool spot = str_has_prefix(p->request->path, STR_LITERAL("/api/"));

        switch (rule->action) {
        case FAULT_UNKNOWN:
                reply_error(p->reply, 503, -1000,
                            "Unknown error, please check your request or try again later.");
                return;
        case FAULT_UNAVAILABLE:
                reply_error(p->reply, 503, -1000, "Service Unavailable.");
                return;
        case FAULT_INTERNAL:
                reply_error(p->reply, 503, -1001,
                            "Internal error; unable to process your request. Please try again.");
                return;
        case FAULT_OVERLOAD:
                reply_error(p->reply, 503, -1008, spot ? overload_spot : overload_futures);
                return;
        case FAULT_TIMEOUT:
                reply_error(p->reply, spot ? 504 : 408, -1007,
                            "Timeout waiting for response from backend server. Send status "
                            "unknown; execution status unknown.");
                return;
        case FAULT_BUS:
                reply_error(p->reply, 500, -1006,
                            "An unexpected response was received from the message bus. Execution "
                            "status unknown.");
                return;
        case FAULT_WAF:
                reply_firewall(p->reply);
                return;
        case FAULT_EMPTY:
                reply_text(p->reply, rule->status, NULL, STR_NULL);
                return;
        case FAULT_ERROR:
                reply_error(p->reply, rule->status, rule->code, rule->text);
                return;
        default:
                reply_text(p->reply, rule->status, "text/html", str_of(rule->text));
                return;
        }
}

static void answer_unknown_path(struct passage *p)
{
        char path[128], method[16];

        str_copy(p->request->path, path, sizeof(path));
        str_copy(p->request->method, method, sizeof(method));
        call_refuse(&p->call, REFUSED_PATH, path, method);
        answer_refusal(p);
}

/* Everything from the key to the engine, into the reply. Return: true on success. */
static bool execute(struct passage *p)
{
        json_t *json = NULL;

        if (!p->endpoint) {
                answer_unknown_path(p);
                return false;
        }
        if (identify(p))
                json = p->endpoint->handler(&p->call);
        if (json) {
                reply_json(p->reply, 200, json);
                return true;
        }
        answer_refusal(p);
        return false;
}

static void settle(struct passage *p, bool succeeded)
{
        enum pool pool = p->endpoint ? p->endpoint->pool : pool_of_path(p->request->path);
        bool spot = pool == POOL_SPOT;

        if (succeeded && weight_is_free_on_success(p->endpoint))
                ledger_refund(&p->x->ledger, &p->entry, p->call.now_ms);
        if (p->book)
                usage_fields(p, pool);
        /* Spot promises the counts for successful orders only. */
        if (p->endpoint && p->call.counts_orders && (succeeded || !spot))
                order_fields(p);
}

static void begin(struct passage *p, struct exchange *x, const struct request *request,
                  const struct fault_plan *plan, uint64_t wall_us, struct reply *reply)
{
        uint64_t now_us = exchange_now_us(x, wall_us);

        *p = (struct passage){ .x = x, .request = request, .plan = plan, .reply = reply };
        p->endpoint = endpoint_find(request->method, request->path);
        p->call = (struct call){ .endpoint = p->endpoint,
                                 .params = &p->params,
                                 .ledger = &x->ledger,
                                 .engine = &x->engine,
                                 .attempts = &x->attempts,
                                 .now_us = now_us,
                                 .now_ms = now_us / US_PER_MS,
                                 .engine_delay_us = plan->engine_us,
                                 .late_ms = plan->late_ms,
                                 .first_ppm = plan->first_ppm,
                                 .rest_after_ms = plan->rest_after_ms,
                                 .mixed = plan->mixed };
}

void exchange_serve(struct exchange *x, const struct request *request,
                    const struct fault_plan *plan, uint64_t wall_us, struct reply *reply)
{
        struct passage *p = malloc(sizeof(*p));
        bool too_many_params, succeeded = false, counted;

        must(p);
        begin(p, x, request, plan, wall_us, reply);
        x->requests += 1;
        too_many_params = form_parse(&p->params, request->query, request->body) < 0;
        p->weight = weight_of(&x->config->weights, request->method, request->path, p->endpoint,
                              &p->params);
        record_attempts(p);

        if (plan->lost == STAGE_UNREAD) {
                free(p);
                return;
        }
        if (answers_uncounted(p) && !(plan->answer->action == FAULT_OVERLOAD && is_exempt(p))) {
                answer_fault(p);
                free(p);
                return;
        }
        engine_tick(&x->engine, p->call.now_ms);
        pay_back(x, p->call.now_ms);
        counted = count(p, p->endpoint ? p->endpoint->pool : pool_of_path(request->path));
        if (counted && too_many_params) {
                call_refuse(&p->call, REFUSED_TOO_MANY_PARAMETERS);
                answer_refusal(p);
        } else if (counted && plan->lost != STAGE_UNEXECUTED &&
                   (!plan->answer || plan->answer_executes || answers_uncounted(p))) {
                succeeded = execute(p);
        }
        if (counted && plan->answer && !answers_uncounted(p))
                answer_fault(p);
        settle(p, succeeded);
        free(p);
}
