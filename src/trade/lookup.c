#include "trade/answers.h"
#include "trade/inside.h"

#include <errno.h>

/* Between two looks, at first and at most. */
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS  1000
/* How much longer is asked when the exchange gives no clear answer, without a deadline. */
#define PATIENCE_MS 60000
/* What an order's time and our measure of the exchange's clock may be apart. */
#define CLOCKS_APART_MS 2000
/* One look is taken however late it is. */
#define LAST_LOOK_MS 2000

static const struct futures_route order_route = { "GET", { "/fapi/v1/order", "/dapi/v1/order" } };
static const struct futures_route algo_route = { "GET",
                                                 { "/fapi/v1/algoOrder", "/dapi/v1/algoOrder" } };

int futures_add_name(struct futures *f, const struct weir_order_name *name)
{
        int r = query_add(&f->params, "symbol", name->symbol);

        if (r == 0 && name->order_id)
                r = query_add_u64(&f->params, name->is_conditional ? "algoId" : "orderId",
                                  name->order_id);
        else if (r == 0)
                r = query_add(&f->params,
                              name->is_conditional ? "clientAlgoId" : "origClientOrderId",
                              name->client_id);
        return r;
}

static int ask(struct futures *f, const struct weir_order_name *name, uint64_t deadline_ms,
               struct weir_order_state *ret_state)
{
        json_t *root;
        bool is_read;
        int r;

        buf_clear(&f->params);
        r = futures_add_name(f, name);
        if (r < 0)
                return r;
        r = futures_read_result(f,
                                futures_send(f, name->is_conditional ? &algo_route : &order_route,
                                             true, deadline_ms));
        if (r != 0)
                return r;
        root = futures_json(f);
        is_read = root && answers_order(root, name->is_conditional, ret_state);
        json_decref(root);
        return is_read ? 0 : futures_refuse(f, -EBADMSG, "the exchange's answer is no order");
}

int futures_query(struct futures *f, const struct weir_order_name *name, uint64_t deadline_ms,
                  struct weir_order_state *ret_state)
{
        int r;

        futures_begin(f);
        *ret_state = (struct weir_order_state){ .status = WEIR_STATUS_NONE };
        r = futures_check_name(f, name);
        return r == 0 ? ask(f, name, deadline_ms, ret_state) : r;
}

static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static bool is_open(const struct weir_order_state *order)
{
        return order->status == WEIR_STATUS_NEW || order->status == WEIR_STATUS_PARTIALLY_FILLED;
}

/* The moments of a look-up, by the clock as it was known when f->correction_ms was taken. */
struct moments {
        uint64_t placed_ms, believe_ms, give_up_ms;
};

/* The clock was measured anew meanwhile: the moments stay what they are, their names change. */
static void correct(struct futures *f, struct moments *m)
{
        m->placed_ms = m->placed_ms ? futures_deadline_ms(f, m->placed_ms) : 0;
        m->believe_ms = futures_deadline_ms(f, m->believe_ms);
        m->give_up_ms = futures_deadline_ms(f, m->give_up_ms);
        f->correction_ms = courier_correction_ms(f->courier);
}

static struct moments moments_of(struct futures *f, const struct lookup *lookup)
{
        struct moments m = { .placed_ms = lookup->placed_ms,
                             .believe_ms = courier_now_ms(f->courier) };
        uint64_t deadline_ms = futures_deadline_ms(f, lookup->deadline_ms);

        f->correction_ms = courier_correction_ms(f->courier);
        /* Until it has expired the request itself may still arrive, and what it does then takes
         * its time to be seen. */
        if (m.believe_ms < lookup->expires_ms)
                m.believe_ms = lookup->expires_ms;
        m.believe_ms += lookup->wait_ms;
        m.give_up_ms = least(deadline_ms, m.believe_ms + PATIENCE_MS);
        return m;
}

/* A closed order of the same client id, from before: not the one that is looked for. */
static bool is_older(const struct weir_order_state *order, const struct moments *m)
{
        return order->created_ms != 0 && order->created_ms + CLOCKS_APART_MS < m->placed_ms;
}

/* One look. Return: 0, -ENOENT, or why nothing is known. */
static int look(struct futures *f, const struct lookup *lookup, struct moments *m,
                struct weir_order_report *report)
{
        uint64_t last_ms = courier_now_ms(f->courier) + LAST_LOOK_MS;
        int r = ask(f, &lookup->name, m->give_up_ms > last_ms ? m->give_up_ms : last_ms,
                    &report->order);

        report->lookups += f->reply.attempts;
        correct(f, m);
        if (r == 0 && is_older(&report->order, m)) {
                report->order = (struct weir_order_state){ .status = WEIR_STATUS_NONE };
                r = -ENOENT;
        }
        return r;
}

enum weir_executed lookup_order(struct futures *f, const struct lookup *lookup,
                                struct weir_order_report *report)
{
        struct moments m = moments_of(f, lookup);
        uint64_t pause_ms = PAUSE_FIRST_MS, now_ms;

        report->was_looked_up = true;
        for (;;) {
                int r = look(f, lookup, &m, report);

                if (r == 0 && !(lookup->until_closed && is_open(&report->order)))
                        return WEIR_EXECUTED_YES;
                if ((r == 0 || r == -ENOENT) && f->reply.last_ms >= m.believe_ms)
                        return r == 0 ? WEIR_EXECUTED_YES : WEIR_EXECUTED_NO;
                now_ms = courier_now_ms(f->courier);
                if (now_ms >= m.give_up_ms)
                        return WEIR_EXECUTED_UNKNOWN;
                /* The last look is at the very moment from which it counts. */
                if (now_ms < m.believe_ms && now_ms + pause_ms > m.believe_ms)
                        courier_sleep(f->courier, least(m.believe_ms, m.give_up_ms));
                else
                        courier_sleep(f->courier, least(now_ms + pause_ms, m.give_up_ms));
                pause_ms = least(2 * pause_ms, PAUSE_MOST_MS);
        }
}
