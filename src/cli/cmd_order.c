#include "cli/cmd.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/access.h"
#include "cli/order_show.h"
#include "trade/futures.h"
#include "trade/words.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_DEFAULT_MS 30000

static const char usage[] =
        "usage: weir order ACTION [ARGUMENT]... [OPTION]...\n\n"
        "Trades USD-M or COIN-M futures inside the exchange's limits. An order is sent once; when\n"
        "its fate is unknown it is looked up, never sent again.\n\n"
        "  place SYMBOL buy|sell QUANTITY      --price P, or --type market, or a conditional type\n"
        "  cancel SYMBOL ORDER                 an order's number, or --client-id ID\n"
        "  cancel-all SYMBOL                   conditional ones too\n"
        "  query SYMBOL ORDER                  an order's number, or --client-id ID\n"
        "  open [SYMBOL]                       open orders (without SYMBOL at 40 times the "
        "weight)\n"
        "  positions [SYMBOL]\n"
        "  account                             balances\n"
        "  trades SYMBOL                       of the account\n"
        "  leverage SYMBOL N\n"
        "  margin-type SYMBOL isolated|crossed\n"
        "  position-mode hedge|one-way\n"
        "  klines SYMBOL INTERVAL              1m, 1h, 1d, ...\n"
        "  ticker SYMBOL\n"
        "  filters SYMBOL                      what an order may be\n\n"
        "Orders\n"
        "  --type T              limit (default), market, stop, stop_market, take_profit,\n"
        "                        take_profit_market, trailing_stop_market\n"
        "  --price P             of limit, stop and take_profit orders\n"
        "  --trigger P           of stops and take-profits; trailing: where it begins\n"
        "  --callback PERCENT    of trailing stops\n"
        "  --mark                triggers by the mark price, not the last one\n"
        "  --tif T               gtc (default), ioc, fok, gtx (post only), gtd\n"
        "  --good-till MS        of gtd, since 1970\n"
        "  --reduce-only         one-way mode\n"
        "  --close-position      stop_market, take_profit_market: all there is; no QUANTITY\n"
        "  --position-side S     long or short, in hedge mode\n"
        "  --exact               refuse what is not on the exchange's grid; else quantities are\n"
        "                        rounded down, prices in your favour\n"
        "  --client-id ID        your own; else a new one is made\n"
        "  --conditional         cancel, query: ORDER is a conditional one's (USD-M)\n"
        "  --dry-run             check and round, show the request, send no order\n"
        "  --test                with --dry-run: the exchange checks too (USD-M)\n\n"
        "Lists\n"
        "  --limit N, --from-id N, --start MS, --end MS, --order-id N (trades)\n\n" ACCESS_USAGE
        "Time\n"
        "  --deadline MS         nothing is sent later than this from now (default 30000)\n"
        "  --timeout MS          for one answer (10000)\n"
        "  --recv-window MS      (5000)\n"
        "  --lookup MS           how long an unknown order may still turn up (10000); less only\n"
        "                        against a simulated exchange\n\n"
        "  --json                one JSON document\n"
        "  --raw                 the exchange's last answer as it came\n"
        "  --verbose             retries and look-ups on stderr\n"
        "  --help                this text\n\n"
        "Exit status: 0 done, 1 not executed or failed, 2 wrong command line, 3 the fate is\n"
        "unknown.\n";

enum option_id {
        OPT_TYPE = 256,
        OPT_PRICE,
        OPT_TRIGGER,
        OPT_CALLBACK,
        OPT_MARK,
        OPT_TIF,
        OPT_GOOD_TILL,
        OPT_REDUCE_ONLY,
        OPT_CLOSE_POSITION,
        OPT_POSITION_SIDE,
        OPT_EXACT,
        OPT_CLIENT_ID,
        OPT_CONDITIONAL,
        OPT_DRY_RUN,
        OPT_TEST,
        OPT_LIMIT,
        OPT_FROM_ID,
        OPT_START,
        OPT_END,
        OPT_ORDER_ID,
        OPT_LOOKUP,
        OPT_JSON,
        OPT_RAW,
        OPT_VERBOSE,
        OPT_HELP,
};

static const struct option options[] = {
        { "type", required_argument, NULL, OPT_TYPE },
        { "price", required_argument, NULL, OPT_PRICE },
        { "trigger", required_argument, NULL, OPT_TRIGGER },
        { "callback", required_argument, NULL, OPT_CALLBACK },
        { "mark", no_argument, NULL, OPT_MARK },
        { "tif", required_argument, NULL, OPT_TIF },
        { "good-till", required_argument, NULL, OPT_GOOD_TILL },
        { "reduce-only", no_argument, NULL, OPT_REDUCE_ONLY },
        { "close-position", no_argument, NULL, OPT_CLOSE_POSITION },
        { "position-side", required_argument, NULL, OPT_POSITION_SIDE },
        { "exact", no_argument, NULL, OPT_EXACT },
        { "client-id", required_argument, NULL, OPT_CLIENT_ID },
        { "conditional", no_argument, NULL, OPT_CONDITIONAL },
        { "dry-run", no_argument, NULL, OPT_DRY_RUN },
        { "test", no_argument, NULL, OPT_TEST },
        { "limit", required_argument, NULL, OPT_LIMIT },
        { "from-id", required_argument, NULL, OPT_FROM_ID },
        { "start", required_argument, NULL, OPT_START },
        { "end", required_argument, NULL, OPT_END },
        { "order-id", required_argument, NULL, OPT_ORDER_ID },
        { "lookup", required_argument, NULL, OPT_LOOKUP },
        { "json", no_argument, NULL, OPT_JSON },
        { "raw", no_argument, NULL, OPT_RAW },
        { "verbose", no_argument, NULL, OPT_VERBOSE },
        { "help", no_argument, NULL, OPT_HELP },
        ACCESS_OPTIONS,
        { NULL, 0, NULL, 0 },
};

struct command {
        struct access access;
        struct futures *futures; /* that of access */
        struct weir_order order;
        struct weir_range range;
        uint64_t order_id, deadline_ms;
        bool is_conditional, is_dry_run, is_test, is_raw, has_help;
        struct show show;
        int n_arguments; /* behind the action */
        char **arguments;
};

static int complain(const char *format, const char *what)
{
        fputs("weir: order: ", stderr);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        fprintf(stderr, format, what);
#pragma GCC diagnostic pop
        fputs("; see weir order --help\n", stderr);
        return -EINVAL;
}

static int set_u32(const struct command *c, const char *option, const char *value, uint32_t max,
                   uint32_t *ret)
{
        uint64_t n = 0;
        int r = access_number(&c->access, option, value, max, &n);

        if (r == 0)
                *ret = (uint32_t)n;
        return r;
}

static int set_order_option(struct command *c, int option, const char *value)
{
        struct weir_order *o = &c->order;

        switch (option) {
        case OPT_TYPE:
                if (words_type_from(value, &o->type) < 0)
                        return complain("--type %s: there is no such type", value);
                return 0;
        case OPT_PRICE:
                o->price = value;
                return 0;
        case OPT_TRIGGER:
                o->trigger_price = value;
                return 0;
        case OPT_CALLBACK:
                o->callback_percent = value;
                return 0;
        case OPT_MARK:
                o->trigger_by = WEIR_TRIGGER_MARK;
                return 0;
        case OPT_TIF:
                if (words_time_in_force_from(value, &o->time_in_force) < 0)
                        return complain("--tif %s: want gtc, ioc, fok, gtx or gtd", value);
                return 0;
        case OPT_GOOD_TILL:
                return access_number(&c->access, "good-till", value, INT64_MAX, &o->good_till_ms);
        case OPT_REDUCE_ONLY:
                o->reduce_only = true;
                return 0;
        case OPT_CLOSE_POSITION:
                o->close_position = true;
                return 0;
        case OPT_POSITION_SIDE:
                if (words_position_side_from(value, &o->position_side) < 0)
                        return complain("--position-side %s: want long or short", value);
                return 0;
        case OPT_EXACT:
                o->rounding = WEIR_ROUND_NEVER;
                return 0;
        case OPT_CLIENT_ID:
                o->client_id = value;
                return 0;
        default:
                return 1;
        }
}

static int set_other_option(struct command *c, int option, const char *value)
{
        switch (option) {
        case OPT_CONDITIONAL:
                c->is_conditional = true;
                return 0;
        case OPT_DRY_RUN:
                c->is_dry_run = true;
                return 0;
        case OPT_TEST:
                c->is_test = true;
                return 0;
        case OPT_LIMIT:
                return set_u32(c, "limit", value, 1500, &c->range.limit);
        case OPT_FROM_ID:
                return access_number(&c->access, "from-id", value, INT64_MAX, &c->range.from_id);
        case OPT_START:
                return access_number(&c->access, "start", value, INT64_MAX, &c->range.start_ms);
        case OPT_END:
                return access_number(&c->access, "end", value, INT64_MAX, &c->range.end_ms);
        case OPT_ORDER_ID:
                return access_number(&c->access, "order-id", value, INT64_MAX, &c->order_id);
        case OPT_LOOKUP:
                return set_u32(c, "lookup", value, 600000, &c->access.config.lookup_ms);
        case OPT_JSON:
                c->show.is_json = true;
                return 0;
        case OPT_RAW:
                /* Rows are then collected, as for JSON, and dropped. */
                c->is_raw = c->show.is_json = true;
                return 0;
        case OPT_HELP:
                c->has_help = true;
                return 0;
        default:
                return 1;
        }
}

static void log_line(void *ctx, bool is_error, const char *text)
{
        (void)ctx;
        (void)is_error;
        fprintf(stderr, "weir: order: %s\n", text);
}

static int read_command_line(struct command *c, int argc, char **argv)
{
        int option, r;

        optind = 1;
        opterr = 0;
        while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
                if (option == 'h')
                        option = OPT_HELP;
                if (option == '?')
                        return complain("%s is no option, or its value is missing",
                                        argv[optind - 1]);
                r = set_order_option(c, option, optarg);
                if (r > 0)
                        r = access_option(&c->access, option, optarg);
                if (r > 0)
                        r = set_other_option(c, option, optarg);
                if (r > 0)
                        c->access.config.log = log_line;
                if (r < 0)
                        return r;
        }
        c->arguments = argv + optind;
        c->n_arguments = argc - optind;
        return 0;
}

static int open_futures(struct command *c, bool is_public)
{
        int r = access_open(&c->access);

        if (r < 0)
                return r;
        c->futures = c->access.futures;
        /* A public request needs no clock but the limiter's. */
        c->deadline_ms = (is_public && c->access.config.gateway ? clock_wall_us() / US_PER_MS
                                                                : futures_now_ms(c->futures)) +
                         c->access.deadline_in_ms;
        return 0;
}

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
                return complain("%s", "place takes SYMBOL, buy or sell, and a QUANTITY unless it "
                                      "closes the position"),
                       EXIT_USAGE;
        if (words_side_from(c->arguments[1], &c->order.side) < 0)
                return complain("%s: want buy or sell", c->arguments[1]), EXIT_USAGE;
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
                return complain("%s", "want SYMBOL and either an order's number or --client-id");
        name->symbol = c->arguments[0];
        if (name->client_id)
                return 0;
        if (str_to_u64(str_of(c->arguments[1]), &name->order_id) < 0 || name->order_id == 0)
                return complain("%s is no order's number", c->arguments[1]);
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
                return complain("the leverage %s is no whole number", c->arguments[1]), EXIT_USAGE;
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
                return complain("%s: want isolated or crossed", c->arguments[1]), EXIT_USAGE;
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
                return complain("%s: want hedge or one-way", c->arguments[0]), EXIT_USAGE;
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

static const struct action {
        const char *name;
        int least, most; /* arguments */
        bool is_public;
        int (*run)(struct command *c);
        const char *arguments;
} actions[] = {
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

static const struct action *find_action(struct command *c)
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
        (void)!complain(name ? "there is no action \"%s\"" : "%sname an action, like place",
                        name ? name : "");
        return NULL;
}

static void print_raw(const struct command *c)
{
        struct str raw = futures_raw(c->futures);

        if (!c->is_raw || raw.n == 0)
                return;
        fwrite(raw.p, 1, raw.n, stdout);
        putchar('\n');
}

int cmd_order(int argc, char **argv)
{
        struct command c = {
                .access = ACCESS_INIT("order", DEADLINE_DEFAULT_MS),
                .order = WEIR_ORDER_DEFAULTS,
                .range = WEIR_RANGE_DEFAULTS,
        };
        const struct action *action;
        int r, code;

        if (read_command_line(&c, argc, argv) < 0)
                return EXIT_USAGE;
        if (c.has_help) {
                fputs(usage, stdout);
                return EXIT_DONE;
        }
        action = find_action(&c);
        if (!action)
                return EXIT_USAGE;
        r = open_futures(&c, action->is_public);
        code = r < 0 ? (r == -EINVAL || r == -EACCES ? EXIT_USAGE : EXIT_FAILED) : action->run(&c);
        if (c.futures)
                print_raw(&c);
        access_close(&c.access);
        return code;
}
