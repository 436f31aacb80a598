#include "trade/answers.h"
#include "trade/inside.h"
#include "trade/words.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

/*
 * A 503 that promises "not executed" is looked up for a part of the whole time only: the promise
 * is documented, and whoever has to place anew should not wait as for a lost answer.
 */
#define PROMISED_SHARE 4

static const struct futures_route order_route = { "POST", { "/fapi/v1/order", "/dapi/v1/order" } };
static const struct futures_route algo_route = { "POST",
                                                 { "/fapi/v1/algoOrder", "/dapi/v1/algoOrder" } };
static const struct futures_route test_route = { "POST", { "/fapi/v1/order/test", NULL } };

/* An order on its way out. */
struct placing {
        const struct weir_order *order;
        struct filters_fit fit;
        char client_id[WEIR_CLIENT_ID_SIZE];
        bool is_algo;
};

static bool is_conditional(enum weir_order_type type)
{
        return type >= WEIR_TYPE_STOP && type <= WEIR_TYPE_TRAILING_STOP_MARKET;
}

static bool wants_price(enum weir_order_type type)
{
        return type == WEIR_TYPE_LIMIT || type == WEIR_TYPE_STOP || type == WEIR_TYPE_TAKE_PROFIT;
}

static bool wants_trigger(enum weir_order_type type)
{
        return type >= WEIR_TYPE_STOP && type <= WEIR_TYPE_TAKE_PROFIT_MARKET;
}

/*
 * Ids that no other process, machine or run makes: 110 random bits, drawn anew each time, so that
 * a fork makes no twins.
 */
static int make_client_id(struct futures *f, char to[WEIR_CLIENT_ID_SIZE])
{
        static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
        unsigned char bytes[22];
        size_t n = 0;

        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
                return futures_refuse(f, -EIO, "no random numbers for a client id");
        n = (size_t)snprintf(to, WEIR_CLIENT_ID_SIZE, "%s-", f->prefix);
        for (size_t i = 0; i < sizeof(bytes); ++i)
                to[n++] = digits[bytes[i] % 32];
        to[n] = '\0';
        return 0;
}

/* Present where it must be, absent where it must not. */
static int check_presence(struct futures *f, const char *name, const char *value, bool is_wanted,
                          bool is_allowed, const char *type)
{
        if (!value && is_wanted)
                return futures_refuse(f, -EINVAL, "a %s order needs a %s", type, name);
        if (value && !is_allowed)
                return futures_refuse(f, -EINVAL, "a %s order has no %s", type, name);
        return 0;
}

static int check_numbers(struct futures *f, const struct weir_order *o, const char *type)
{
        bool is_trailing = o->type == WEIR_TYPE_TRAILING_STOP_MARKET;
        int r = check_presence(f, "quantity", o->quantity, !o->close_position, !o->close_position,
                               type);

        if (r == 0)
                r = check_presence(f, "price", o->price, wants_price(o->type), wants_price(o->type),
                                   type);
        if (r == 0)
                r = check_presence(f, "trigger price", o->trigger_price, wants_trigger(o->type),
                                   wants_trigger(o->type) || is_trailing, type);
        if (r == 0)
                r = check_presence(f, "callback", o->callback_percent, is_trailing, is_trailing,
                                   type);
        return r;
}

static int check_flags(struct futures *f, const struct weir_order *o, const char *type)
{
        if (o->close_position && o->type != WEIR_TYPE_STOP_MARKET &&
            o->type != WEIR_TYPE_TAKE_PROFIT_MARKET)
                return futures_refuse(f, -EINVAL,
                                      "a %s order cannot close the position; STOP_MARKET and "
                                      "TAKE_PROFIT_MARKET can",
                                      type);
        if (o->close_position && o->reduce_only)
                return futures_refuse(f, -EINVAL,
                                      "what closes the position is reduce-only by itself");
        if (o->reduce_only && o->position_side != WEIR_POSITION_BOTH)
                return futures_refuse(f, -EINVAL,
                                      "reduce-only is for one-way mode; in hedge mode the side of "
                                      "the position says it");
        if (!wants_price(o->type) && o->time_in_force != WEIR_GTC)
                return futures_refuse(f, -EINVAL, "a %s order has no time in force", type);
        if ((o->time_in_force == WEIR_GTD) != (o->good_till_ms != 0))
                return futures_refuse(f, -EINVAL, "GTD and its time go together");
        return 0;
}

static int check_order(struct futures *f, const struct weir_order *o)
{
        const char *type = words_type(o->type);
        int r = futures_check_symbol(f, o->symbol);

        if (r < 0)
                return r;
        if (!type || !words_side(o->side) || !words_position_side(o->position_side) ||
            !words_time_in_force(o->time_in_force) || !words_trigger_by(o->trigger_by) ||
            (o->rounding != WEIR_ROUND && o->rounding != WEIR_ROUND_NEVER))
                return futures_refuse(f, -EINVAL, "a side, type or the like has no such value");
        r = check_numbers(f, o, type);
        if (r == 0)
                r = check_flags(f, o, type);
        if (r == 0 && o->client_id)
                r = futures_check_client_id(f, o->client_id);
        return r;
}

/* Everything but sending. Return: 0, or as placing. */
static int prepare(struct futures *f, const struct weir_order *order, uint64_t deadline_ms,
                   struct placing *ret_placing)
{
        const struct filters *filters;
        struct placing p = { .order = order };
        int r = check_order(f, order);

        *ret_placing = p;
        if (r == 0)
                r = futures_find_filters(f, order->symbol, deadline_ms, &filters);
        if (r != 0)
                return r == -ENOENT ? -EINVAL : r;
        if (!filters->is_trading)
                return futures_refuse(f, -EINVAL, "%s is not traded now", order->symbol);
        r = filters_fit(filters, order, &p.fit, f->why);
        if (r < 0)
                return r;
        if (order->client_id)
                str_copy(str_of(order->client_id), p.client_id, sizeof(p.client_id));
        else
                r = make_client_id(f, p.client_id);
        p.is_algo = is_conditional(order->type) && f->config.market == WEIR_USDM;
        *ret_placing = p;
        return r;
}

static int add_trigger(struct futures *f, const struct placing *p)
{
        const struct weir_order *o = p->order;
        bool is_trailing = o->type == WEIR_TYPE_TRAILING_STOP_MARKET;
        const char *name = is_trailing  ? p->is_algo ? "activatePrice" : "activationPrice"
                           : p->is_algo ? "triggerPrice"
                                        : "stopPrice";
        int r = query_add(&f->params, name, p->fit.trigger_price);

        if (r == 0)
                r = query_add(&f->params, "callbackRate", p->fit.callback_percent);
        if (r == 0)
                r = query_add(&f->params, "workingType", words_trigger_by(o->trigger_by));
        return r;
}

static int add_flags(struct futures *f, const struct weir_order *o)
{
        int r = 0;

        if (wants_price(o->type))
                r = query_add(&f->params, "timeInForce", words_time_in_force(o->time_in_force));
        if (r == 0 && o->time_in_force == WEIR_GTD)
                r = query_add_u64(&f->params, "goodTillDate", o->good_till_ms);
        if (r == 0 && o->reduce_only)
                r = query_add(&f->params, "reduceOnly", "true");
        if (r == 0 && o->close_position)
                r = query_add(&f->params, "closePosition", "true");
        return r;
}

/* The order as parameters, into f->params. */
static int write_order(struct futures *f, const struct placing *p)
{
        const struct weir_order *o = p->order;
        struct buf *to = &f->params;
        int r = 0;

        buf_clear(to);
        if (p->is_algo)
                r = query_add(to, "algoType", "CONDITIONAL");
        if (r == 0)
                r = query_add(to, "symbol", o->symbol);
        if (r == 0)
                r = query_add(to, "side", words_side(o->side));
        if (r == 0 && o->position_side != WEIR_POSITION_BOTH)
                r = query_add(to, "positionSide", words_position_side(o->position_side));
        if (r == 0)
                r = query_add(to, "type", words_type(o->type));
        if (r == 0)
                r = query_add(to, "quantity", p->fit.quantity);
        if (r == 0)
                r = query_add(to, "price", p->fit.price);
        if (r == 0 && is_conditional(o->type))
                r = add_trigger(f, p);
        if (r == 0)
                r = add_flags(f, o);
        if (r == 0)
                r = query_add(to, p->is_algo ? "clientAlgoId" : "newClientOrderId", p->client_id);
        /* With its fills, where they are known at once. */
        if (r == 0 && !p->is_algo)
                r = query_add(to, "newOrderRespType", "RESULT");
        return r;
}

/* The order as we know it before the exchange has said anything. */
static void describe(const struct placing *p, struct weir_order_state *to)
{
        const struct weir_order *o = p->order;

        *to = (struct weir_order_state){
                .side = o->side,
                .type = o->type,
                .time_in_force = o->time_in_force,
                .position_side = o->position_side,
                .is_conditional = p->is_algo,
                .reduce_only = o->reduce_only,
                .close_position = o->close_position,
        };
        str_copy(str_of(o->symbol), to->symbol, sizeof(to->symbol));
        str_copy(str_of(p->client_id), to->client_id, sizeof(to->client_id));
        str_copy(str_of(p->fit.quantity), to->quantity, sizeof(to->quantity));
        str_copy(str_of(p->fit.price), to->price, sizeof(to->price));
        str_copy(str_of(p->fit.trigger_price), to->trigger_price, sizeof(to->trigger_price));
}

/* The reply is the order of ours that was asked for. */
static bool read_reply(struct futures *f, const struct placing *p, struct weir_order_state *ret)
{
        json_t *root = f->reply.verdict.kind == VERDICT_OK ? futures_json(f) : NULL;
        struct weir_order_state state;
        bool is_ours = root && answers_order(root, p->is_algo, &state) &&
                       strcmp(state.client_id, p->client_id) == 0;

        json_decref(root);
        if (is_ours)
                *ret = state;
        return is_ours;
}

static void log_text(const struct futures *f, bool is_error, const char *text, const char *id)
{
        char line[256];

        if (!f->config.log)
                return;
        snprintf(line, sizeof(line), "order %s: %s", id, text);
        f->config.log(f->config.log_ctx, is_error, line);
}

/* Nobody said, or not clearly: ask for it by its id. */
static void find_fate(struct futures *f, const struct placing *p, struct lookup lookup,
                      struct weir_order_report *report)
{
        char why[FUTURES_WHY_MAX];

        lookup.name = (struct weir_order_name){ .symbol = p->order->symbol,
                                                .client_id = p->client_id,
                                                .is_conditional = p->is_algo };
        /* What the look-ups complain of is not what the order met. */
        str_copy(str_of(f->why), why, sizeof(why));
        log_text(f, false, "its fate is unknown, it is looked up", p->client_id);
        report->executed = lookup_order(f, &lookup, report);
        if (report->executed != WEIR_EXECUTED_YES)
                describe(p, &report->order);
        if (report->executed == WEIR_EXECUTED_UNKNOWN)
                log_text(f, true, "its fate is still unknown", p->client_id);
        str_copy(str_of(why), f->why, sizeof(f->why));
}

/* From the reply, or its absence, to a report. */
static void judge(struct futures *f, const struct placing *p, uint64_t deadline_ms,
                  struct weir_order_report *report)
{
        const struct verdict v = f->reply.verdict;
        struct lookup lookup = {
                /* Of the last attempt: those before were certainly not executed, and may have left
                 * by a clock that was wrong. */
                .placed_ms = f->reply.last_ms,
                .expires_ms = f->reply.expires_ms,
                .wait_ms = f->config.lookup_ms,
                .deadline_ms = deadline_ms,
        };

        if (read_reply(f, p, &report->order))
                return;
        if (v.kind == VERDICT_OK || v.executed == EXECUTED_UNKNOWN ||
            v.executed == EXECUTED_PARTLY) {
                find_fate(f, p, lookup, report);
                /* It said yes in words that we could not read: its absence would be no proof. */
                if (v.kind == VERDICT_OK && report->executed == WEIR_EXECUTED_NO)
                        report->executed = WEIR_EXECUTED_UNKNOWN;
        } else if (v.kind == VERDICT_DUPLICATE) {
                lookup.placed_ms = 0;
                find_fate(f, p, lookup, report);
                /* Nobody else makes ids of ours: then it is this very order. The caller's may be
                 * that of an earlier one, with other terms; this one was refused. */
                if (p->order->client_id)
                        report->executed = WEIR_EXECUTED_NO;
        } else if (v.reconcile) {
                lookup.expires_ms = 0;
                lookup.wait_ms /= PROMISED_SHARE;
                find_fate(f, p, lookup, report);
        }
}

int futures_place(struct futures *f, const struct weir_order *order, uint64_t deadline_ms,
                  struct weir_order_report *ret_report)
{
        struct placing p;
        int r, answer;

        futures_begin(f);
        *ret_report = (struct weir_order_report){
                .size = sizeof(*ret_report),
                .executed = WEIR_EXECUTED_NO,
                .verdict = { .kind = "unsent", .executed = WEIR_EXECUTED_NO },
        };
        r = prepare(f, order, deadline_ms, &p);
        if (r != 0)
                return r;
        for (;;) {
                describe(&p, &ret_report->order);
                r = write_order(f, &p);
                if (r < 0)
                        return futures_refuse(f, r, "the order is too long to be sent");
                answer = futures_send(f, p.is_algo ? &algo_route : &order_route, true, deadline_ms);
                futures_note(f, ret_report);
                r = futures_change_result(answer);
                /* This market too wants it at the other door; it was certainly not taken here. */
                if (r != 0 || f->reply.verdict.code != -4120 || p.is_algo)
                        break;
                p.is_algo = true;
        }
        if (r == 0)
                judge(f, &p, deadline_ms, ret_report);
        return r;
}

int futures_check(struct futures *f, const struct weir_order *order, bool at_exchange,
                  uint64_t deadline_ms, struct weir_order_state *ret_state)
{
        const char *path;
        struct placing p;
        int r;

        futures_begin(f);
        *ret_state = (struct weir_order_state){ .status = WEIR_STATUS_NONE };
        r = prepare(f, order, deadline_ms, &p);
        if (r == 0)
                r = write_order(f, &p);
        if (r != 0)
                return r;
        describe(&p, ret_state);
        path = (p.is_algo ? &algo_route : &order_route)->path[f->config.market];
        if (at_exchange && (p.is_algo || !test_route.path[f->config.market]))
                return futures_refuse(f, -EINVAL,
                                      "the exchange has no test endpoint for this kind of order");
        if (at_exchange)
                r = futures_read_result(f, futures_send(f, &test_route, true, deadline_ms));
        snprintf(f->request, sizeof(f->request), "POST %s?%.*s", path,
                 STR_ARGS(buf_str(&f->params)));
        return r;
}
