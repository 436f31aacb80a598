#include "cli/cmd.h"
#include "cli/option.h"
#include "gateway/gateway.h"
#include "settings/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A flag as the user gave it, kept so that a reload reads them in the same order. */
struct given {
        const char *flag, *key, *value;
};

#define GIVEN_MAX 64

struct command_line {
        const char *config;
        struct given given[GIVEN_MAX];
        size_t n;
        bool is_quiet;
};

static const char usage[] =
        "usage: weir gateway [OPTION]...\n\n"
        "Stands between your programs and the exchange: point their base URL at it, and all of\n"
        "them together stay inside the exchange's limits. Path, query and body are passed on byte\n"
        "for byte, replies come back as they are.\n\n"
        "  --listen HOST:PORT | unix:PATH    where clients connect; may be given several times\n"
        "                                    (default 127.0.0.1:8900)\n"
        "  --upstream URL | GROUP=URL        where requests go: for all groups, or for one of\n"
        "                                    api sapi fapi dapi papi eapi; may be given several\n"
        "                                    times (default: Binance's own)\n"
        "  --egress ADDRESS | http://HOST:PORT | default\n"
        "                                    an address that requests leave from, of this machine\n"
        "                                    or a proxy's; NAME= may stand before it; may be "
        "given\n"
        "                                    several times; see docs/egress.md\n"
        "  --region PATH                     file of the budgets that all processes share\n"
        "  --config FILE                     settings; see weir check\n"
        "  --set KEY=VALUE                   any setting of the table below; may be given\n"
        "                                    several times\n"
        "  --no-discovery                    do not read exchangeInfo to follow its limits\n"
        "  --store URL                       Redis or Valkey through which hosts share budgets:\n"
        "                                    redis://, rediss://, unix:///PATH, redis+sentinel://\n"
        "  --store-name, --store-address, --store-host, --store-share, --store-grace,\n"
        "  --store-password-file, --store-ca-file   see the settings store.* below\n"
        "  --shadow                          decide and report, but let everything pass at once\n"
        "  --quiet                           do not say where it listens\n"
        "  --help                            this text\n\n"
        "Settings come from the file, the environment and the flags; the later wins. SIGHUP reads\n"
        "them again and opens the access log anew, SIGTERM finishes what has been sent and ends,\n"
        "SIGUSR1 reports what a shadow saw.\n\n"
        "Under /weir/ of its port it shows itself to this machine: a page, JSON, metrics; who "
        "else\n"
        "may look, and who may pause and drop, is in the settings watch.* and docs/watch.md.\n\n"
        "Each answer has an id of its request, X-Weir-Request-Id, which stands in the log too; a\n"
        "client may bring its own; see docs/logs.md.\n\n"
        "Under systemd it says when it is ready and how it is (Type=notify), answers the watchdog, "
        "and\n"
        "listens at the sockets of a .socket unit in place of --listen: a restart on them loses "
        "no\n"
        "request.\n\n"
        "It can hold the keys of accounts and sign for clients that hold none, when a request\n"
        "leaves: X-Weir-Account: NAME and Authorization: Bearer TOKEN; see docs/keys.md.\n\n"
        "Exit status: 0 after SIGTERM, 1 when it cannot run here, 2 for a wrong command line or\n"
        "configuration.\n\n"
        "  weir gateway --upstream http://127.0.0.1:8901     against weir sim\n"
        "  curl http://127.0.0.1:8900/api/v3/time            through it\n\n";

/* As log.format says: at a reload whoever reads the log reads these lines too. */
static void say_report(const struct settings_report *report)
{
        char *text = NULL;
        size_t size = 0;
        FILE *to = open_memstream(&text, &size);
        struct str rest, line;

        if (!to) {
                settings_report_print(report, stderr);
                return;
        }
        settings_report_print(report, to);
        if (fclose(to) == 0) {
                rest = str_from(text, size);
                while (str_split(&rest, '\n', &line)) {
                        if (str_has_prefix(line, STR_LITERAL("weir: ")))
                                line = str_from(line.p + 6, line.n - 6);
                        log_say(LOG_ERROR, "%.*s", STR_ARGS(line));
                }
        }
        free(text);
}

static int load(void *ctx, struct settings *ret)
{
        const struct command_line *line = ctx;
        struct settings_report report = { 0 };
        int r = 0, worst = 0;

        settings_init(ret);
        if (line->config)
                r = settings_load_file(ret, line->config, &report);
        worst = r < 0 ? r : worst;
        r = settings_load_environment(ret, &report);
        worst = r < 0 ? r : worst;
        for (size_t i = 0; i < line->n; ++i) {
                r = settings_flag(ret, line->given[i].flag, line->given[i].key,
                                  line->given[i].value, &report);
                worst = r < 0 ? r : worst;
        }
        r = settings_check(ret, &report);
        worst = r < 0 ? r : worst;
        say_report(&report);
        if (worst == 0 && report.n_mistakes > 0)
                worst = -EINVAL;
        settings_report_deinit(&report);
        return worst;
}

/* Return: 0, or -1 after having said that there are too many. */
static int add(struct command_line *line, const char *flag, const char *key, const char *value)
{
        if (line->n == GIVEN_MAX) {
                fprintf(stderr, "weir: more than %d flags; use a file (--config)\n", GIVEN_MAX);
                return -1;
        }
        line->given[line->n++] = (struct given){ flag, key, value };
        return 0;
}

/* Its own value, or the one that the option itself stands for. */
static int take_flag(void *ctx, const struct option_row *row, char *value)
{
        return add(ctx, row->name, row->key, row->preset ? row->preset : value);
}

/* Cuts KEY=VALUE in two, in place. */
static int take_setting(void *ctx, const struct option_row *row, char *text)
{
        char *equals = strchr(text, '=');

        if (!equals) {
                fprintf(stderr, "weir: --set %s: write KEY=VALUE, such as retry.max_retries=3\n",
                        text);
                return -1;
        }
        *equals = '\0';
        return add(ctx, row->name, text, equals + 1);
}

/* Whether --watch-token-file is meant for the setting watch.token_file. */
static bool is_flag_of(const char *flag, size_t n, const char *key)
{
        for (size_t i = 0; i < n; ++i)
                if (flag[i] != key[i] && !(flag[i] == '-' && (key[i] == '.' || key[i] == '_')))
                        return false;
        return key[n] == '\0';
}

/* Most settings have no option of their own. */
static bool explain(const char *word)
{
        for (unsigned i = 0; i < SETTINGS_COUNT; ++i) {
                if (!is_flag_of(word + 2, strcspn(word + 2, "="), settings_table[i].key))
                        continue;
                fprintf(stderr, "weir: gateway: there is no option %s; write --set %s=VALUE\n",
                        word, settings_table[i].key);
                return true;
        }
        return false;
}

/* Return: true; or false when all is said, with the exit code. */
static bool parse(int argc, char **argv, struct command_line *line, int *ret_exit)
{
        const struct option_row rows[] = {
                { "--listen", .take = take_flag, .key = "listen" },
                { "--upstream", .take = take_flag, .key = "upstream" },
                { "--egress", .take = take_flag, .key = "egress" },
                { "--region", .take = take_flag, .key = "region" },
                { "--config", .text = &line->config },
                { "--set", .take = take_setting },
                { "--no-discovery", .take = take_flag, .key = "discovery", .preset = "off" },
                { "--shadow", .take = take_flag, .key = "shadow", .preset = "on" },
                { "--store", .take = take_flag, .key = "store.url" },
                { "--store-name", .take = take_flag, .key = "store.name" },
                { "--store-address", .take = take_flag, .key = "store.address" },
                { "--store-host", .take = take_flag, .key = "store.host" },
                { "--store-share", .take = take_flag, .key = "store.share" },
                { "--store-grace", .take = take_flag, .key = "store.grace" },
                { "--store-password-file", .take = take_flag, .key = "store.password_file" },
                { "--store-ca-file", .take = take_flag, .key = "store.ca_file" },
                { "--quiet", .on = &line->is_quiet },
                { .name = NULL },
        };
        const struct options options = {
                "gateway",         usage, rows, .ctx = line, .more_help = settings_print_help,
                .explain = explain
        };

        return options_read(&options, argc, argv, ret_exit);
}

int cmd_gateway(int argc, char **argv)
{
        struct command_line line = { .config = NULL };
        struct gateway_options options = { .reload = load, .ctx = &line };
        struct settings *settings;
        int r, code;

        if (!parse(argc, argv, &line, &code))
                return code;
        settings = malloc(sizeof(*settings));
        if (!settings || load(&line, settings) < 0) {
                free(settings);
                return EXIT_USAGE;
        }
        options.settings = settings;
        options.is_quiet = line.is_quiet;
        r = gateway_run(&options);
        free(settings);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
