#include "cli/cmd.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/order_actions.h"
#include "trade/words.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

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

int order_complain(const char *format, const char *what)
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
                        return order_complain("--type %s: there is no such type", value);
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
                        return order_complain("--tif %s: want gtc, ioc, fok, gtx or gtd", value);
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
                        return order_complain("--position-side %s: want long or short", value);
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
                        return order_complain("%s is no option, or its value is missing",
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
        action = order_action_find(&c);
        if (!action)
                return EXIT_USAGE;
        r = open_futures(&c, action->is_public);
        code = r < 0 ? (r == -EINVAL || r == -EACCES ? EXIT_USAGE : EXIT_FAILED) : action->run(&c);
        if (c.futures)
                print_raw(&c);
        access_close(&c.access);
        return code;
}
