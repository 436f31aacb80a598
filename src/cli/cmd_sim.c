#include "cli/cmd.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/option.h"
#include "net/loop.h"
#include "sim/record.h"
#include "sim/sim.h"

#include <errno.h>
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

struct command_line {
        struct sim_config sim;
        const char *faults;
        bool quiet;
};

static int complain(const struct option_row *row, const char *value, const char *why)
{
        fprintf(stderr, "weir: sim: %s %s: %s\n", row->name, value, why);
        return -EINVAL;
}

static int take_limits(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        struct str rest = str_of(text), part;
        const char *why;

        while (str_split(&rest, ',', &part))
                if (ledger_rules_set(&line->sim.exchange.rules, str_trim(part), &why) < 0)
                        return complain(row, text, why);
        return 0;
}

/* "A" or "A<separator>B", each up to the row's max. */
static int read_pair(const struct option_row *row, const char *text, char separator,
                     uint64_t *ret_a, uint64_t *ret_b)
{
        struct str rest = str_of(text), first;

        if (!str_split(&rest, separator, &first) || str_to_u64(first, ret_a) < 0 ||
            *ret_a > row->max ||
            (rest.n > 0 && (str_to_u64(rest, ret_b) < 0 || *ret_b > row->max))) {
                fprintf(stderr,
                        "weir: sim: %s %s: want one whole number or two, A or A%cB, each from 0 "
                        "to %llu\n",
                        row->name, text, separator, (unsigned long long)row->max);
                return -EINVAL;
        }
        return 0;
}

static int take_firewall(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        struct ledger_rules *rules = &line->sim.exchange.rules;

        return read_pair(row, text, '/', &rules->firewall_rate, &rules->firewall_s);
}

static int take_latency(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        uint64_t latency_ms = 0, jitter_ms = 0;
        int r = read_pair(row, text, '~', &latency_ms, &jitter_ms);

        line->sim.latency_us = latency_ms * US_PER_MS;
        line->sim.jitter_us = jitter_ms * US_PER_MS;
        return r;
}

static int take_skew(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        bool is_behind = text[0] == '-';
        uint64_t ms;
        int r = option_number("sim", row, text + is_behind, &ms);

        if (r == 0)
                line->sim.exchange.skew_ms = is_behind ? -(int64_t)ms : (int64_t)ms;
        return r;
}

static int take_key(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        int r = accounts_add_key(&line->sim.exchange.accounts, str_of(text));

        if (r == -EINVAL)
                return complain(row, text, "want NAME:KEY:SECRET or NAME:KEY:@FILE");
        if (r == -ENOENT)
                return complain(row, text, "there is no such account yet; --account makes one");
        return r < 0 ? complain(row, text, strerror(-r)) : 0;
}

static int take_account(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        int r = accounts_add(&line->sim.exchange.accounts, str_of(text));

        if (r == -EINVAL)
                return complain(row, text, "want NAME:KEY:SECRET or NAME:KEY:@FILE");
        return r < 0 ? complain(row, text, strerror(-r)) : 0;
}

static int take_weight(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;
        const char *why;

        if (weight_rules_set(&line->sim.exchange.weights, str_of(text), &why) == 0)
                return 0;
        return complain(row, text, why);
}

static int take_bans(void *ctx, const struct option_row *row, char *text)
{
        struct command_line *line = ctx;

        if (ledger_rules_set_bans(&line->sim.exchange.rules, str_of(text)) == 0)
                return 0;
        return complain(row, text, "want seconds, like 120,300,900");
}

static bool read_command_line(int argc, char **argv, struct command_line *line, int *ret_exit)
{
        struct sim_config *sim = &line->sim;
        struct exchange_config *x = &sim->exchange;
        uint64_t record = sim->record, idle_ms = sim->idle_us / US_PER_MS;
        const struct option_row rows[] = {
                { "--listen", .text = &sim->listen },
                { "--tls-cert", .text = &sim->tls_cert },
                { "--tls-key", .text = &sim->tls_key },
                { "--limit", .take = take_limits },
                { "--ban", .take = take_bans },
                { "--ban-after", .number = &x->rules.ban_after, .max = UINT32_MAX },
                { "--ban-factor", .number = &x->rules.ban_factor, .max = 1000 },
                { "--ban-extends", .on = &x->rules.ban_extends },
                { "--ban-all", .on = &x->rules.ban_all },
                { "--free-refusals", .on = &x->rules.free_refusals },
                { "--waf", .take = take_firewall, .max = UINT32_MAX },
                { "--measured-weights", .on = &x->weights.measured },
                { "--weight", .take = take_weight },
                { "--maker-decrement", .number = &x->rules.maker_decrement, .max = 1000 },
                { "--no-retry-after", .off = &x->futures_retry_after },
                { "--lower-case", .on = &sim->lower_case },
                { "--gzip", .on = &sim->gzip },
                { "--idle", .number = &idle_ms, .max = 86400 * MS_PER_SECOND },
                { "--latency", .take = take_latency, .max = 3600 * MS_PER_SECOND },
                { "--skew", .take = take_skew, .max = 365 * 86400 * MS_PER_SECOND },
                { "--faults", .text = &line->faults },
                { "--seed", .number = &x->seed, .max = UINT64_MAX },
                { "--account", .take = take_account },
                { "--key", .take = take_key },
                { "--trust-ip-header", .on = &sim->trust_ip_header },
                { "--record", .number = &record, .max = RECORD_MAX },
                { "--quiet", .on = &line->quiet },
                { .name = NULL },
        };

        if (!options_read(&(struct options){ "sim", help, rows, .ctx = line }, argc, argv,
                          ret_exit))
                return false;
        sim->record = (size_t)record;
        sim->idle_us = idle_ms * US_PER_MS;
        *ret_exit = EXIT_USAGE;
        if (!sim->tls_cert != !sim->tls_key) {
                fprintf(stderr, "weir: sim: --tls-cert and --tls-key go together\n");
                return false;
        }
        return true;
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
                fprintf(stderr, "weir: sim: %s: %s%s\n", line->sim.listen, why,
                        r == -EADDRINUSE ? "; name another place with --listen" : "");
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
        int exit_code;

        must(line);
        sim_config_init(&line->sim);
        if (read_command_line(argc, argv, line, &exit_code))
                exit_code = loop_new(&loop) < 0 ? EXIT_FAILED : serve(loop, line);
        loop_free(loop);
        sim_config_deinit(&line->sim);
        free(line);
        return exit_code;
}
