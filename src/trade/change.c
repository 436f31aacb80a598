#include "trade/answers.h"
#include "trade/inside.h"

#include <errno.h>

static const struct futures_route cancel_route = { "DELETE",
                                                   { "/fapi/v1/order", "/dapi/v1/order" } };
static const struct futures_route cancel_algo_route = {
        "DELETE", { "/fapi/v1/algoOrder", "/dapi/v1/algoOrder" }
};
static const struct futures_route cancel_all_route = {
        "DELETE", { "/fapi/v1/allOpenOrders", "/dapi/v1/allOpenOrders" }
};
static const struct futures_route cancel_all_algo_route = {
        "DELETE", { "/fapi/v1/algoOpenOrders", "/dapi/v1/algoOpenOrders" }
};
static const struct futures_route leverage_route = { "POST",
                                                     { "/fapi/v1/leverage", "/dapi/v1/leverage" } };
static const struct futures_route margin_route = {
        "POST", { "/fapi/v1/marginType", "/dapi/v1/marginType" }
};
static const struct futures_route hedge_route = {
        "POST", { "/fapi/v1/positionSide/dual", "/dapi/v1/positionSide/dual" }
};

static void begin(struct futures *f, struct weir_order_report *report)
{
        futures_begin(f);
        *report = (struct weir_order_report){
                .size = sizeof(*report),
                .executed = WEIR_EXECUTED_NO,
                .verdict = { .kind = "unsent", .executed = WEIR_EXECUTED_NO },
        };
}

/* Cancels. */

/* The algo endpoint confirms a cancel without showing the order. */
static bool read_cancel(struct futures *f, const struct weir_order_name *name,
                        struct weir_order_state *order)
{
        json_t *root = futures_json(f);
        bool is_read = root && answers_order(root, name->is_conditional, order);

        if (!is_read && root && name->is_conditional && json_object_get(root, "algoId")) {
                order->order_id = (uint64_t)json_integer_value(json_object_get(root, "algoId"));
                order->status = WEIR_STATUS_CANCELED;
                is_read = true;
        }
        json_decref(root);
        return is_read;
}

/* Whether it is canceled, by looking: so long as it is open, the cancel may still arrive. */
static void find_canceled(struct futures *f, const struct weir_order_name *name, uint64_t wait_ms,
                          uint64_t deadline_ms, struct weir_order_report *report)
{
        struct lookup lookup = {
                .name = *name,
                .expires_ms = f->reply.expires_ms,
                .wait_ms = wait_ms,
                .deadline_ms = deadline_ms,
                .until_closed = true,
        };
        enum weir_executed found = lookup_order(f, &lookup, report);

        if (found == WEIR_EXECUTED_YES)
                found = report->order.status == WEIR_STATUS_CANCELED ? WEIR_EXECUTED_YES
                                                                     : WEIR_EXECUTED_NO;
        report->executed = found;
}

static void judge_cancel(struct futures *f, const struct weir_order_name *name,
                         uint64_t deadline_ms, struct weir_order_report *report)
{
        const struct verdict v = f->reply.verdict;
        char why[FUTURES_WHY_MAX];

        str_copy(str_of(f->why), why, sizeof(why));
        if (v.kind == VERDICT_OK && read_cancel(f, name, &report->order))
                return;
        if (v.kind == VERDICT_OK || v.executed == EXECUTED_UNKNOWN || v.reconcile) {
                find_canceled(f, name, f->config.lookup_ms, deadline_ms, report);
        } else if (v.kind == VERDICT_GONE) {
                /* How it ended is worth one look. */
                find_canceled(f, name, 0, courier_now_ms(f->courier), report);
                report->executed = WEIR_EXECUTED_NO;
        }
        str_copy(str_of(why), f->why, sizeof(f->why));
}

int futures_cancel(struct futures *f, const struct weir_order_name *name, uint64_t deadline_ms,
                   struct weir_order_report *ret_report)
{
        struct weir_order_state *order = &ret_report->order;
        int r;

        begin(f, ret_report);
        r = futures_check_name(f, name);
        if (r == 0)
                r = futures_add_name(f, name);
        if (r < 0)
                return r;
        str_copy(str_of(name->symbol), order->symbol, sizeof(order->symbol));
        order->order_id = name->order_id;
        order->is_conditional = name->is_conditional;
        if (name->client_id && name->order_id == 0)
                str_copy(str_of(name->client_id), order->client_id, sizeof(order->client_id));
        r = futures_change_result(
                futures_send(f, name->is_conditional ? &cancel_algo_route : &cancel_route, true,
                             deadline_ms));
        futures_note(f, ret_report);
        if (r == 0)
                judge_cancel(f, name, deadline_ms, ret_report);
        return r;
}

static void count_order(void *ctx, const struct weir_order_state *order)
{
        size_t *n = ctx;

        (void)order;
        ++*n;
}

/* None left: then the cancel was executed, whatever was answered. Orders left prove nothing: they
 * may be new ones, or the cancel may still arrive. */
static void find_none_left(struct futures *f, const char *symbol, uint64_t deadline_ms,
                           struct weir_order_report *report)
{
        uint64_t expires_ms = f->reply.expires_ms, now_ms = courier_now_ms(f->courier);
        uint64_t until_ms = now_ms + f->config.lookup_ms;
        size_t n = 1;

        if (until_ms < expires_ms)
                until_ms = expires_ms;
        deadline_ms = futures_deadline_ms(f, deadline_ms);
        if (until_ms > deadline_ms)
                until_ms = deadline_ms;
        report->was_looked_up = true;
        report->executed = WEIR_EXECUTED_UNKNOWN;
        do {
                n = 0;
                ++report->lookups;
                if (futures_open_orders(f, symbol, until_ms + MS_PER_SECOND, count_order, &n) ==
                            0 &&
                    n == 0) {
                        report->executed = WEIR_EXECUTED_YES;
                        return;
                }
                now_ms = courier_now_ms(f->courier);
                courier_sleep(f->courier, now_ms + MS_PER_SECOND);
        } while (now_ms < until_ms);
}

/* One of the two endpoints. Return: as a change; *ret_is_unclear: it may or may not have worked. */
static int cancel_at(struct futures *f, const struct futures_route *route, const char *symbol,
                     uint64_t deadline_ms, struct weir_order_report *report, bool *ret_is_unclear)
{
        int r;

        buf_clear(&f->params);
        r = query_add(&f->params, "symbol", symbol);
        if (r == 0)
                r = futures_change_result(futures_send(f, route, true, deadline_ms));
        futures_note(f, report);
        *ret_is_unclear |= r == 0 && (f->reply.verdict.executed == EXECUTED_UNKNOWN ||
                                      f->reply.verdict.reconcile);
        return r;
}

int futures_cancel_all(struct futures *f, const char *symbol, uint64_t deadline_ms,
                       struct weir_order_report *ret_report)
{
        bool is_unclear = false, is_first_done;
        int r;

        begin(f, ret_report);
        r = futures_check_symbol(f, symbol);
        if (r < 0)
                return r;
        str_copy(str_of(symbol), ret_report->order.symbol, sizeof(ret_report->order.symbol));
        r = cancel_at(f, &cancel_all_route, symbol, deadline_ms, ret_report, &is_unclear);
        is_first_done = r == 0 && ret_report->executed == WEIR_EXECUTED_YES;
        if (r == 0 && (is_first_done || is_unclear)) {
                r = cancel_at(f, &cancel_all_algo_route, symbol, deadline_ms, ret_report,
                              &is_unclear);
                /* COIN-M without conditional orders has none to cancel. */
                if (r == 0 && is_first_done && f->config.market == WEIR_COINM &&
                    f->reply.verdict.status == 404)
                        ret_report->executed = WEIR_EXECUTED_YES;
                /* The first half is done, or may be: an error now would say that nothing is. */
                if (r != 0 || (is_first_done && ret_report->executed == WEIR_EXECUTED_NO))
                        ret_report->executed =
                                is_first_done ? WEIR_EXECUTED_PARTLY : WEIR_EXECUTED_UNKNOWN;
                r = 0;
        }
        if (r == 0 && is_unclear)
                find_none_left(f, symbol, deadline_ms, ret_report);
        return r;
}

/* Settings. */

/* What is so already is done. */
static int set(struct futures *f, const struct futures_route *route, uint64_t deadline_ms,
               struct weir_order_report *report)
{
        int r = futures_change_result(futures_send(f, route, true, deadline_ms));

        futures_note(f, report);
        if (r == 0 && f->reply.verdict.kind == VERDICT_UNCHANGED)
                report->executed = WEIR_EXECUTED_YES;
        return r;
}

/* As begin(), for a setting of one symbol. Return: as futures_check_symbol(). */
static int begin_symbol(struct futures *f, const char *symbol, struct weir_order_report *report)
{
        int r;

        begin(f, report);
        r = futures_check_symbol(f, symbol);
        if (r < 0)
                return r;
        str_copy(str_of(symbol), report->order.symbol, sizeof(report->order.symbol));
        return query_add(&f->params, "symbol", symbol);
}

int futures_set_leverage(struct futures *f, const char *symbol, uint32_t leverage,
                         uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        int r = begin_symbol(f, symbol, ret_report);

        if (r == 0)
                r = query_add_u64(&f->params, "leverage", leverage);
        return r < 0 ? r : set(f, &leverage_route, deadline_ms, ret_report);
}

int futures_set_isolated(struct futures *f, const char *symbol, bool is_isolated,
                         uint64_t deadline_ms, struct weir_order_report *ret_report)
{
        int r = begin_symbol(f, symbol, ret_report);

        if (r == 0)
                r = query_add(&f->params, "marginType", is_isolated ? "ISOLATED" : "CROSSED");
        return r < 0 ? r : set(f, &margin_route, deadline_ms, ret_report);
}

int futures_set_hedge(struct futures *f, bool is_hedge, uint64_t deadline_ms,
                      struct weir_order_report *ret_report)
{
        int r;

        begin(f, ret_report);
        r = query_add(&f->params, "dualSidePosition", is_hedge ? "true" : "false");
        return r < 0 ? r : set(f, &hedge_route, deadline_ms, ret_report);
}
