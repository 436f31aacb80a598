#include "cli/order_actions.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "trade/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Actions. Each returns an exit code. */

static int fail(const struct command *c, int r)
{
        const char *why = futures_why(c->futures);

        if (c->is_raw && futures_raw(c->futures).n > 0)
                return EXIT_FAILED;
        fprintf(stderr, "weir: order: %s\n", why[0] ? why : strerror(r < 0 ? -r : EAGAIN));
        return EXIT_FAILED;
}

/* After a call that changes something. */
static int report(struct command *c, int r, const struct weir_order_report *report,
                  const char *what)
{
        if (r < 0 && (c->is_raw || !c->show.is_json))
                return fail(c, r);
        if (c->is_raw)
                return report->executed == WEIR_EXECUTED_YES       ? EXIT_DONE
                       : report->executed == WEIR_EXECUTED_UNKNOWN ? EXIT_UNKNOWN
                                                                   : EXIT_FAILED;
        return show_report(&c->show, report, what, futures_why(c->futures));
}

static int run_place(struct command *c)
{
        struct weir_order_report placed;
        struct weir_order_state state;
        int n = c->order.close_position ? 2 : 3, r;

        if (c->n_arguments != n)
                return order_complain("%s",
                                      "place takes SYMBOL, buy or sell, and a QUANTITY unless it "
                                      "closes the position"),
                       EXIT_USAGE;
        if (words_side_from(c->arguments[1], &c->order.side) < 0)
                return order_complain("%s: want buy or sell", c->arguments[1]), EXIT_USAGE;
        c->order.symbol = c->arguments[0];
        c->order.quantity = n == 3 ? c->arguments[2] : NULL;
        if (!c->is_dry_run) {
                r = futures_place(c->futures, &c->order, c->deadline_ms, &placed);
                return report(c, r, &placed, NULL);
        }
        r = futures_check(c->futures, &c->order, c->is_test, c->deadline_ms, &state);
        if (r != 0)
                return fail(c, r);
        if (c->show.is_json)
                show_one_order(&c->show, &state);
        else
                printf("would send: %s\n", futures_request(c->futures));
        return EXIT_DONE;
}

/* SYMBOL and an order's number or client id. */
static int read_name(struct command *c, struct weir_order_name *name)
{
        *name = (struct weir_order_name)WEIR_ORDER_NAME_DEFAULTS;
        name->client_id = c->order.client_id;
        name->is_conditional = c->is_conditional;
        if (c->n_arguments != (name->client_id ? 1 : 2))
                return order_complain("%s",
                                      "want SYMBOL and either an order's number or --client-id");
        name->symbol = c->arguments[0];
        if (name->client_id)
                return 0;
        if (str_to_u64(str_of(c->arguments[1]), &name->order_id) < 0 || name->order_id == 0)
                return order_complain("%s is no order's number", c->arguments[1]);
        return 0;
}

static int run_cancel(struct command *c)
{
        struct weir_order_report canceled;
        struct weir_order_name name;
        int r;

        if (read_name(c, &name) < 0)
                return EXIT_USAGE;
        r = futures_cancel(c->futures, &name, c->deadline_ms, &canceled);
        return report(c, r, &canceled, NULL);
}

static int run_query(struct command *c)
{
        struct weir_order_state state;
        struct weir_order_name name;
        int r;

        if (read_name(c, &name) < 0)
                return EXIT_USAGE;
        r = futures_query(c->futures, &name, c->deadline_ms, &state);
        if (r != 0)
                return fail(c, r);
        if (!c->is_raw)
                show_one_order(&c->show, &state);
        return EXIT_DONE;
}

static int run_cancel_all(struct command *c)
{
        struct weir_order_report canceled;
        char what[128];
        int r = futures_cancel_all(c->futures, c->arguments[0], c->deadline_ms, &canceled);

        snprintf(what, sizeof(what), "%s: no order is open", c->arguments[0]);
        return report(c, r, &canceled, what);
}

static int run_leverage(struct command *c)
{
        struct weir_order_report set;
        uint64_t leverage;
        char what[128];
        int r;

        if (str_to_u64(str_of(c->arguments[1]), &leverage) < 0 || leverage == 0 || leverage > 1000)
                return order_complain("the leverage %s is no whole number", c->arguments[1]),
                       EXIT_USAGE;
        r = futures_set_leverage(c->futures, c->arguments[0], (uint32_t)leverage, c->deadline_ms,
                                 &set);
        snprintf(what, sizeof(what), "%s: leverage %u", c->arguments[0], (unsigned)leverage);
        return report(c, r, &set, what);
}

static int run_margin_type(struct command *c)
{
        bool is_isolated = strcmp(c->arguments[1], "isolated") == 0;
        struct weir_order_report set;
        char what[128];
        int r;

        if (!is_isolated && strcmp(c->arguments[1], "crossed") != 0)
                return order_complain("%s: want isolated or crossed", c->arguments[1]), EXIT_USAGE;
        r = futures_set_isolated(c->futures, c->arguments[0], is_isolated, c->deadline_ms, &set);
        snprintf(what, sizeof(what), "%s: %s margin", c->arguments[0], c->arguments[1]);
        return report(c, r, &set, what);
}

static int run_position_mode(struct command *c)
{
        bool is_hedge = strcmp(c->arguments[0], "hedge") == 0;
        struct weir_order_report set;
        char what[64];
        int r;

        if (!is_hedge && strcmp(c->arguments[0], "one-way") != 0)
                return order_complain("%s: want hedge or one-way", c->arguments[0]), EXIT_USAGE;
        r = futures_set_hedge(c->futures, is_hedge, c->deadline_ms, &set);
        snprintf(what, sizeof(what), "positions: %s mode", c->arguments[0]);
        return report(c, r, &set, what);
}

static int finish_list(struct command *c, int r, const char *nothing)
{
        if (r != 0) {
                json_decref(c->show.list);
                return fail(c, r);
        }
        if (!c->is_raw)
                show_end_list(&c->show, nothing);
        else
                json_decref(c->show.list);
        return EXIT_DONE;
}

static const char *optional_symbol(const struct command *c)
{
        return c->n_arguments > 0 ? c->arguments[0] : NULL;
}

static int run_open(struct command *c)
{
        show_begin_list(&c->show);
        return finish_list(c,
                           futures_open_orders(c->futures, optional_symbol(c), c->deadline_ms,
                                               show_order, &c->show),
                           "no order is open");
}

static int run_positions(struct command *c)
{
        show_begin_list(&c->show);
        return finish_list(c,
                           futures_positions(c->futures, optional_symbol(c), c->deadline_ms,
                                             show_position, &c->show),
                           "no position is open");
}

static int run_account(struct command *c)
{
        show_begin_list(&c->show);
        return finish_list(c, futures_account(c->futures, c->deadline_ms, show_balance, &c->show),
                           "the account holds nothing");
}

static int run_trades(struct command *c)
{
        show_begin_list(&c->show);
        return finish_list(c,
                           futures_trades(c->futures, c->arguments[0], c->order_id, &c->range,
                                          c->deadline_ms, show_trade, &c->show),
                           "no trade");
}

static int run_klines(struct command *c)
{
        show_begin_list(&c->show);
        return finish_list(c,
                           futures_klines(c->futures, c->arguments[0], c->arguments[1], &c->range,
                                          c->deadline_ms, show_kline, &c->show),
                           "no kline");
}

static int run_ticker(struct command *c)
{
        struct weir_ticker ticker;
        int r = futures_ticker(c->futures, c->arguments[0], c->deadline_ms, &ticker);

        if (r != 0)
                return fail(c, r);
        if (!c->is_raw)
                show_ticker(&c->show, &ticker);
        return EXIT_DONE;
}

static int run_filters(struct command *c)
{
        struct weir_filters filters;
        int r = futures_filters(c->futures, c->arguments[0], c->deadline_ms, &filters);

        if (r != 0)
                return fail(c, r);
        if (!c->is_raw)
                show_filters(&c->show, &filters);
        return EXIT_DONE;
}

static const struct action actions[] = {
        { "place", 2, 3, false, run_place, "SYMBOL, buy or sell, and QUANTITY" },
        { "cancel", 1, 2, false, run_cancel, "SYMBOL and an order" },
        { "cancel-all", 1, 1, false, run_cancel_all, "SYMBOL" },
        { "query", 1, 2, false, run_query, "SYMBOL and an order" },
        { "open", 0, 1, false, run_open, "at most SYMBOL" },
        { "positions", 0, 1, false, run_positions, "at most SYMBOL" },
        { "account", 0, 0, false, run_account, "no argument" },
        { "trades", 1, 1, false, run_trades, "SYMBOL" },
        { "leverage", 2, 2, false, run_leverage, "SYMBOL and a number" },
        { "margin-type", 2, 2, false, run_margin_type, "SYMBOL and isolated or crossed" },
        { "position-mode", 1, 1, false, run_position_mode, "hedge or one-way" },
        { "klines", 2, 2, true, run_klines, "SYMBOL and INTERVAL" },
        { "ticker", 1, 1, true, run_ticker, "SYMBOL" },
        { "filters", 1, 1, true, run_filters, "SYMBOL" },
};

const struct action *order_action_find(struct command *c)
{
        const char *name = c->n_arguments > 0 ? c->arguments[0] : NULL;

        for (size_t i = 0; name && i < ARRAY_SIZE(actions); ++i) {
                const struct action *a = &actions[i];

                if (strcmp(name, a->name) != 0)
                        continue;
                ++c->arguments;
                --c->n_arguments;
                if (c->n_arguments >= a->least && c->n_arguments <= a->most)
                        return a;
                fprintf(stderr, "weir: order: %s takes %s; see weir order --help\n", name,
                        a->arguments);
                return NULL;
        }
        (void)!order_complain(name ? "there is no action \"%s\"" : "%sname an action, like place",
                              name ? name : "");
        return NULL;
}
