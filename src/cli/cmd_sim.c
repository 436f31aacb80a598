#include "cli/cmd.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/option.h"
#include "net/loop.h"
#include "sim/record.h"
#include "sim/sim.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Largest fault script that is read. */
#define SCRIPT_MAX (1 << 20)

static const char help[] =
        "usage: weir sim [OPTION]...\n"
        "\n"
        "An exchange to lose against: serves /api /sapi /fapi /dapi /papi /eapi on one port, "
        "counts\n"
        "like Binance, answers 429, 418 and 403 like it, and fails as a script says.\n"
        "\n"
        "  --listen HOST:PORT       where to serve (default 127.0.0.1:8901; port 0: a free one)\n"
        "  --tls-cert F --tls-key F serve TLS\n"
        "\n"
        "Limits\n"
        "  --limit NAME=N/SPAN,...  spot-weight=6000/60s, spot-raw, spot-orders=100/10s,\n"
        "                           spot-orders-long=200000/1d, futures-weight=2400/1m,\n"
        "                           futures-orders=300/10s, futures-orders-long=1200/1m,\n"
        "                           options-*, papi-*, funding, futures-data, sapi-ip, sapi-uid;\n"
        "                           0 switches one off; may be given again\n"
        "  --ban S,S,...            lengths of the first, second, ... ban in seconds; 0: no bans\n"
        "                           (default 120,300,900,3600,21600,86400,259200)\n"
        "  --ban-after N            refused requests in one window that the first may be followed\n"
        "                           by, before the ban comes (default 10)\n"
        "  --ban-factor N           a window used beyond N limits brings the ban (default 2)\n"
        "  --ban-extends            a request during a ban starts the ban anew\n"
        "  --ban-all                a ban shuts all products, not only its own\n"
        "  --free-refusals          refused requests add no weight\n"
        "  --waf N[/S]              more than N requests in a second: 403 for S seconds (300)\n"
        "  --measured-weights       weights as others measured them, not as documented\n"
        "  --weight \"METHOD PATH=N\"\n"
        "                           what an endpoint costs; may be given again\n"
        "  --maker-decrement N      order count given back when a resting order fills (default 5)\n"
        "\n"
        "Manners\n"
        "  --no-retry-after         no Retry-After on futures\n"
        "  --lower-case             header names in lower case\n"
        "  --gzip                   compress for clients that accept it\n"
        "  --idle MS                close connections after so long without a request (75000)\n"
        "  --latency MS[~JITTER]    round trip, half of it each way\n"
        "  --skew MS                the exchange's clock is ahead by MS (negative: behind)\n"
        "  --faults FILE            what goes wrong; see docs/sim.md for the language\n"
        "  --seed N                 for prices and faults (default 1)\n"
        "\n"
        "Clients\n"
        "  --account NAME:KEY:SECRET, or NAME:KEY:@FILE with an RSA or Ed25519 public key (PEM);\n"
        "                           may be given again; alice and bob are always there\n"
        "  --key NAME:KEY:SECRET    one more key of an account\n"
        "  --trust-ip-header        X-Sim-IP names the client's address; else it is the peer's\n"
        "  --record N               requests kept for GET /sim/requests (default 1000)\n"
        "  --quiet                  do not print the accounts\n"
        "  --help                   this text\n"
        "\n"
        "While it runs: GET /sim/books, /sim/orders, /sim/requests; POST /sim/faults, "
        "/sim/limits,\n"
        "/sim/price, /sim/reset.\n"
        "\n"
        "Exit status: 0 after SIGTERM, 1 when it cannot run here, 2 for a wrong command line.\n";

enum option_id {
        OPT_LISTEN = 256,
        OPT_TLS_CERT,
        OPT_TLS_KEY,
        OPT_LIMIT,
        OPT_BAN,
        OPT_BAN_AFTER,
        OPT_BAN_FACTOR,
        OPT_BAN_EXTENDS,
        OPT_BAN_ALL,
        OPT_FREE_REFUSALS,
        OPT_WAF,
        OPT_MEASURED,
        OPT_WEIGHT,
        OPT_MAKER,
        OPT_NO_RETRY_AFTER,
        OPT_LOWER_CASE,
        OPT_GZIP,
        OPT_IDLE,
        OPT_LATENCY,
        OPT_SKEW,
        OPT_FAULTS,
        OPT_SEED,
        OPT_ACCOUNT,
        OPT_KEY,
        OPT_TRUST_IP,
        OPT_RECORD,
        OPT_QUIET,
        OPT_HELP = 'h',
};

static const struct option options[] = {
        { "listen", required_argument, NULL, OPT_LISTEN },
        { "tls-cert", required_argument, NULL, OPT_TLS_CERT },
        { "tls-key", required_argument, NULL, OPT_TLS_KEY },
        { "limit", required_argument, NULL, OPT_LIMIT },
        { "ban", required_argument, NULL, OPT_BAN },
        { "ban-after", required_argument, NULL, OPT_BAN_AFTER },
        { "ban-factor", required_argument, NULL, OPT_BAN_FACTOR },
        { "ban-extends", no_argument, NULL, OPT_BAN_EXTENDS },
        { "ban-all", no_argument, NULL, OPT_BAN_ALL },
        { "free-refusals", no_argument, NULL, OPT_FREE_REFUSALS },
        { "waf", required_argument, NULL, OPT_WAF },
        { "measured-weights", no_argument, NULL, OPT_MEASURED },
        { "weight", required_argument, NULL, OPT_WEIGHT },
        { "maker-decrement", required_argument, NULL, OPT_MAKER },
        { "no-retry-after", no_argument, NULL, OPT_NO_RETRY_AFTER },
        { "lower-case", no_argument, NULL, OPT_LOWER_CASE },
        { "gzip", no_argument, NULL, OPT_GZIP },
        { "idle", required_argument, NULL, OPT_IDLE },
        { "latency", required_argument, NULL, OPT_LATENCY },
        { "skew", required_argument, NULL, OPT_SKEW },
        { "faults", required_argument, NULL, OPT_FAULTS },
        { "seed", required_argument, NULL, OPT_SEED },
        { "account", required_argument, NULL, OPT_ACCOUNT },
        { "key", required_argument, NULL, OPT_KEY },
        { "trust-ip-header", no_argument, NULL, OPT_TRUST_IP },
        { "record", required_argument, NULL, OPT_RECORD },
        { "quiet", no_argument, NULL, OPT_QUIET },
        { "help", no_argument, NULL, OPT_HELP },
        { NULL, 0, NULL, 0 },
};

struct command_line {
        struct sim_config sim;
        const char *faults;
        bool quiet, help;
};

static int complain(const char *option, const char *value, const char *why)
{
        fprintf(stderr, "weir: sim: --%s %s: %s\n", option, value, why);
        return -EINVAL;
}

static int set_number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
        uint64_t value;

        if (str_to_u64(str_of(text), &value) < 0 || value > max) {
                fprintf(stderr, "weir: sim: --%s %s: want a whole number from 0 to %llu\n", option,
                        text, (unsigned long long)max);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

static int set_limits(struct ledger_rules *rules, const char *text)
{
        struct str rest = str_of(text), part;
        const char *why;

        while (str_split(&rest, ',', &part))
                if (ledger_rules_set(rules, str_trim(part), &why) < 0)
                        return complain("limit", text, why);
        return 0;
}

/* "A" or "A<separator>B" */
static int set_pair(const char *option, const char *text, char separator, uint64_t max,
                    uint64_t *ret_a, uint64_t *ret_b)
{
        struct str rest = str_of(text), first;

        if (!str_split(&rest, separator, &first) || str_to_u64(first, ret_a) < 0 || *ret_a > max ||
            (rest.n > 0 && (str_to_u64(rest, ret_b) < 0 || *ret_b > max))) {
                fprintf(stderr,
                        "weir: sim: --%s %s: want one whole number or two, A or A%cB, each from 0 "
                        "to %llu\n",
                        option, text, separator, (unsigned long long)max);
                return -EINVAL;
        }
        return 0;
}

static int set_latency(struct sim_config *sim, const char *text)
{
        uint64_t latency_ms = 0, jitter_ms = 0;
        int r = set_pair("latency", text, '~', 3600 * MS_PER_SECOND, &latency_ms, &jitter_ms);

        sim->latency_us = latency_ms * US_PER_MS;
        sim->jitter_us = jitter_ms * US_PER_MS;
        return r;
}

static int set_skew(struct sim_config *sim, const char *text)
{
        bool negative = text[0] == '-';
        uint64_t ms;
        int r = set_number("skew", text + negative, 365 * 86400 * MS_PER_SECOND, &ms);

        if (r == 0)
                sim->exchange.skew_ms = negative ? -(int64_t)ms : (int64_t)ms;
        return r;
}

static int set_key(struct sim_config *sim, const char *text)
{
        int r = accounts_add_key(&sim->exchange.accounts, str_of(text));

        if (r == -EINVAL)
                return complain("key", text, "want NAME:KEY:SECRET or NAME:KEY:@FILE");
        if (r == -ENOENT)
                return complain("key", text, "there is no such account yet; --account makes one");
        return r < 0 ? complain("key", text, strerror(-r)) : 0;
}

static int set_account(struct sim_config *sim, const char *text)
{
        int r = accounts_add(&sim->exchange.accounts, str_of(text));

        if (r == -EINVAL)
                return complain("account", text, "want NAME:KEY:SECRET or NAME:KEY:@FILE");
        return r < 0 ? complain("account", text, strerror(-r)) : 0;
}

static int set_record(struct sim_config *sim, const char *text)
{
        uint64_t n;
        int r = set_number("record", text, RECORD_MAX, &n);

        if (r == 0)
                sim->record = (size_t)n;
        return r;
}

static int set_idle(struct sim_config *sim, const char *text)
{
        uint64_t ms;
        int r = set_number("idle", text, 86400 * MS_PER_SECOND, &ms);

        if (r == 0)
                sim->idle_us = ms * US_PER_MS;
        return r;
}

static int set_weight(struct weight_rules *rules, const char *text)
{
        const char *why;

        if (weight_rules_set(rules, str_of(text), &why) == 0)
                return 0;
        return complain("weight", text, why);
}

static int set_ban(struct ledger_rules *rules, const char *text)
{
        if (ledger_rules_set_bans(rules, str_of(text)) == 0)
                return 0;
        return complain("ban", text, "want seconds, like 120,300,900");
}

static int set_option(struct command_line *line, int option, const char *value)
{
        struct sim_config *sim = &line->sim;
        struct ledger_rules *rules = &sim->exchange.rules;

        switch (option) {
        case OPT_LISTEN:
                sim->listen = value;
                return 0;
        case OPT_TLS_CERT:
                sim->tls_cert = value;
                return 0;
        case OPT_TLS_KEY:
                sim->tls_key = value;
                return 0;
        case OPT_LIMIT:
                return set_limits(rules, value);
        case OPT_BAN:
                return set_ban(rules, value);
        case OPT_BAN_AFTER:
                return set_number("ban-after", value, UINT32_MAX, &rules->ban_after);
        case OPT_BAN_FACTOR:
                return set_number("ban-factor", value, 1000, &rules->ban_factor);
        case OPT_BAN_EXTENDS:
                rules->ban_extends = true;
                return 0;
        case OPT_BAN_ALL:
                rules->ban_all = true;
                return 0;
        case OPT_FREE_REFUSALS:
                rules->free_refusals = true;
                return 0;
        case OPT_WAF:
                return set_pair("waf", value, '/', UINT32_MAX, &rules->firewall_rate,
                                &rules->firewall_s);
        case OPT_MEASURED:
                sim->exchange.weights.measured = true;
                return 0;
        case OPT_WEIGHT:
                return set_weight(&sim->exchange.weights, value);
        case OPT_MAKER:
                return set_number("maker-decrement", value, 1000, &rules->maker_decrement);
        case OPT_NO_RETRY_AFTER:
                sim->exchange.futures_retry_after = false;
                return 0;
        case OPT_LOWER_CASE:
                sim->lower_case = true;
                return 0;
        case OPT_GZIP:
                sim->gzip = true;
                return 0;
        case OPT_IDLE:
                return set_idle(sim, value);
        case OPT_LATENCY:
                return set_latency(sim, value);
        case OPT_SKEW:
                return set_skew(sim, value);
        case OPT_FAULTS:
                line->faults = value;
                return 0;
        case OPT_SEED:
                return set_number("seed", value, UINT64_MAX, &sim->exchange.seed);
        case OPT_ACCOUNT:
                return set_account(sim, value);
        case OPT_KEY:
                return set_key(sim, value);
        case OPT_TRUST_IP:
                sim->trust_ip_header = true;
                return 0;
        case OPT_RECORD:
                return set_record(sim, value);
        case OPT_QUIET:
                line->quiet = true;
                return 0;
        case OPT_HELP:
                line->help = true;
                return 0;
        default: /* '?' and ':' were answered before */
                return -EINVAL;
        }
}

static int read_command_line(int argc, char **argv, struct command_line *line)
{
        int option;

        optind = 1;
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
                if (option == '?' || option == ':')
                        option_complain("sim", option, argv);
                if (set_option(line, option, optarg) < 0)
                        return -EINVAL;
        }
        if (optind < argc) {
                fprintf(stderr, "weir: sim: unexpected \"%s\"; see weir sim --help\n",
                        argv[optind]);
                return -EINVAL;
        }
        if (!line->sim.tls_cert != !line->sim.tls_key) {
                fprintf(stderr, "weir: sim: --tls-cert and --tls-key go together\n");
                return -EINVAL;
        }
        return 0;
}

static int read_script(const char *file, char *to, size_t size, struct str *ret_script)
{
        FILE *from = fopen(file, "re");
        int error = 0;
        size_t n;

        if (!from) {
                fprintf(stderr, "weir: sim: %s: %s\n", file, strerror(errno));
                return -errno;
        }
        n = fread(to, 1, size, from);
        if (ferror(from))
                error = errno;
        else if (n == size)
                error = EFBIG;
        fclose(from);
        if (error) {
                fprintf(stderr, "weir: sim: %s: %s\n", file, strerror(error));
                return -error;
        }
        *ret_script = str_from(to, n);
        return 0;
}

static int load_faults(struct exchange *exchange, const char *file)
{
        struct faults_error error;
        char *text = malloc(SCRIPT_MAX);
        struct str script = STR_NULL;
        int r;

        must(text);
        r = read_script(file, text, SCRIPT_MAX, &script);
        if (r == 0 && (r = faults_parse(&exchange->faults, script, &error)) < 0)
                fprintf(stderr, "weir: sim: %s:%u:%u: %s\n", file, error.line, error.column,
                        error.why);
        if (r == 0)
                exchange_apply_faults(exchange, clock_wall_us());
        free(text);
        return r;
}

static void print_start(const struct command_line *line, const struct sim *sim)
{
        const struct accounts *accounts = &line->sim.exchange.accounts;
        char where[ADDRESS_TEXT_MAX];

        address_print(sim_address(sim), where);
        if (str_has_prefix(str_of(where), STR_LITERAL("unix:")))
                printf("weir: sim listening on %s\n", where);
        else
                printf("weir: sim listening on %s://%s\n", line->sim.tls_cert ? "https" : "http",
                       where);
        for (size_t i = 0; !line->quiet && i < accounts->n; ++i)
                printf("weir: sim account %s key %s secret %s\n", accounts->list[i].name,
                       accounts->list[i].key, accounts->list[i].secret);
        fflush(stdout);
}

static void stop(void *ctx)
{
        loop_stop(ctx);
}

static int serve(struct loop *loop, struct command_line *line)
{
        struct sim *sim = NULL;
        char why[640] = "";
        int r = sim_open(loop, &line->sim, why, sizeof(why), &sim);

        if (r < 0) {
                fprintf(stderr, "weir: sim: %s: %s\n", line->sim.listen, why);
                return EXIT_FAILED;
        }
        if (line->faults && load_faults(sim_exchange(sim), line->faults) < 0) {
                sim_close(sim);
                return EXIT_USAGE;
        }
        r = loop_on_signal(loop, SIGTERM, stop, loop);
        if (r == 0)
                r = loop_on_signal(loop, SIGINT, stop, loop);
        if (r == 0) {
                print_start(line, sim);
                r = loop_run(loop);
        }
        sim_close(sim);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_sim(int argc, char **argv)
{
        struct command_line *line = calloc(1, sizeof(*line));
        struct loop *loop = NULL;
        int exit_code = EXIT_USAGE;

        must(line);
        sim_config_init(&line->sim);
        if (read_command_line(argc, argv, line) == 0) {
                exit_code = EXIT_DONE;
                if (line->help)
                        fputs(help, stdout);
                else if (loop_new(&loop) < 0)
                        exit_code = EXIT_FAILED;
                else
                        exit_code = serve(loop, line);
        }
        loop_free(loop);
        sim_config_deinit(&line->sim);
        free(line);
        return exit_code;
}
