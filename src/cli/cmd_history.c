/*
 * weir history: what happened, out of the file that a gateway keeps.
 */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/history_picture.h"
#include "cli/history_time.h"
#include "cli/option.h"
#include "cli/terminal.h"
#include "history/archive.h"
#include "history/place.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
        "usage: weir history [OPTION]...\n\n"
        "Shows what happened: who used how much of a budget, how long requests waited, what was\n"
        "refused; from the file that a gateway keeps (history.path), also while it is written, or\n"
        "from a copy of it.\n\n"
        "  --by WHAT       client, account, endpoint, class or all; default client\n"
        "  --of WHAT       weight or orders: what bars show, and who has a line; default weight\n"
        "  --step STEP     window, hour or day; default: hour, for up to three hours window, for\n"
        "                  more than four days day. Windows are kept for two days, hours for 90\n"
        "  --since TIME, --until TIME\n"
        "                  so long ago: 90m, 2h, 3d, 2w; or in UTC: 2026-11-26, 2026-11-26T10:30;\n"
        "                  default: the last 24 hours\n"
        "  --pool NAME     one counter of the exchange, as spot-weight; default: the most used\n"
        "  --top N         so many lines of their own, 1 to 64; the others are one; default 5\n"
        "  --db FILE       default: WEIR_HISTORY, /var/lib/weir/history.db, or that of the user\n"
        "                  (on in history.path)\n"
        "  --json, --csv   for programs\n"
        "  --help          this text\n\n"
        "A bar is as long as the most of any line; parts are those of the table below it, + or a\n"
        "dotted end is what others than weir used. \"full\" is the part of the limit of those "
        "windows\n"
        "that were written; where only hours or days are kept, of all that they have. Lines are "
        "as\n"
        "long as the terminal, or as COLUMNS says; where it is no terminal, as all columns "
        "want.\n\n"
        "Exit status: 0 shown, 1 there is no history to show, 2 for a wrong command line.\n";

#define HOUR_MS (3600 * MS_PER_SECOND)
#define DAY_MS  (24 * HOUR_MS)
#define TOP     5
/* Lines of a picture, and of what programs read. */
#define LINES_MAX 2000
#define STEPS_MAX 20000

enum form {
        FORM_PICTURE,
        FORM_JSON,
        FORM_CSV,
};

struct command {
        const char *since, *until, *path;
        struct history_ask ask;
        bool has_step;
        enum form form;
};

static int complain(const char *option, const char *value, const char *want)
{
        fprintf(stderr, "weir: history: --%s %s: want %s\n", option, value, want);
        return -EINVAL;
}

static int take_pool(struct command *c, const char *value)
{
        if (str_copy(str_of(value), c->ask.pool, sizeof(c->ask.pool)))
                return 0;
        return complain("pool", value, "the name of a pool, as spot-weight");
}

static int take_top(struct command *c, const char *value)
{
        uint64_t n;

        if (str_to_u64(str_of(value), &n) < 0 || n == 0 || n > HISTORY_SERIES_MAX)
                return complain("top", value, "a number from 1 to 64");
        c->ask.top = (unsigned)n;
        return 0;
}

static int take_by(struct command *c, const char *value)
{
        if (history_by_from(str_of(value), &c->ask.by) == 0 && c->ask.by != HISTORY_REASON)
                return 0;
        return complain("by", value, "client, account, endpoint, class or all");
}

static int take_of(struct command *c, const char *value)
{
        c->ask.is_of_orders = strcmp(value, "orders") == 0;
        if (c->ask.is_of_orders || strcmp(value, "weight") == 0)
                return 0;
        return complain("of", value, "weight or orders");
}

static int take_step(struct command *c, const char *value)
{
        c->has_step = true;
        if (history_step_from(str_of(value), &c->ask.step) == 0)
                return 0;
        return complain("step", value, "window, hour or day");
}

/* Return: 0, a negative errno after having complained, or 1 when all is said. */
static int take_options(struct command *c, int argc, char **argv)
{
        static const struct option options[] = {
                { "by", required_argument, NULL, 'b' },
                { "of", required_argument, NULL, 'o' },
                { "step", required_argument, NULL, 's' },
                { "since", required_argument, NULL, 'f' },
                { "until", required_argument, NULL, 'u' },
                { "pool", required_argument, NULL, 'p' },
                { "top", required_argument, NULL, 't' },
                { "db", required_argument, NULL, 'd' },
                { "json", no_argument, NULL, 'j' },
                { "csv", no_argument, NULL, 'c' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        int o, r = 0;

        opterr = 0;
        while (r == 0 && (o = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
                switch (o) {
                case 'b':
                        r = take_by(c, optarg);
                        break;
                case 'o':
                        r = take_of(c, optarg);
                        break;
                case 's':
                        r = take_step(c, optarg);
                        break;
                case 'p':
                        r = take_pool(c, optarg);
                        break;
                case 't':
                        r = take_top(c, optarg);
                        break;
                case 'f':
                        c->since = optarg;
                        break;
                case 'u':
                        c->until = optarg;
                        break;
                case 'd':
                        c->path = optarg;
                        break;
                case 'j':
                        c->form = FORM_JSON;
                        break;
                case 'c':
                        c->form = FORM_CSV;
                        break;
                case 'h':
                        fputs(usage, stdout);
                        return 1;
                default:
                        option_complain("history", o, argv);
                        return -EINVAL;
                }
        }
        if (r == 0 && optind < argc) {
                fprintf(stderr, "weir: history: unexpected \"%s\"; see weir history --help\n",
                        argv[optind]);
                return -EINVAL;
        }
        return r;
}

/* What is not said follows from what is: a step from the time, a time from the step. */
static int settle_times(struct command *c)
{
        static const char want[] = "a time such as 2h, 3d, 2026-11-26 or 2026-11-26T10:30";
        static const uint64_t usual_ms[HISTORY_STEPS] = { HOUR_MS, DAY_MS, 30 * DAY_MS };
        uint64_t now_ms = clock_wall_us() / US_PER_MS, long_ms;
        struct history_ask *ask = &c->ask;

        ask->to_ms = now_ms;
        if (c->until && history_time_parse(c->until, now_ms, &ask->to_ms) < 0)
                return complain("until", c->until, want);
        if (!c->has_step)
                ask->step = HISTORY_HOUR;
        ask->from_ms = ask->to_ms > usual_ms[ask->step] ? ask->to_ms - usual_ms[ask->step] : 0;
        if (c->since && history_time_parse(c->since, now_ms, &ask->from_ms) < 0)
                return complain("since", c->since, want);
        if (ask->from_ms >= ask->to_ms)
                return complain("since", c->since ? c->since : "", "a time before --until");
        long_ms = ask->to_ms - ask->from_ms;
        if (!c->has_step && c->since)
                ask->step = long_ms <= 3 * HOUR_MS ? HISTORY_WINDOW
                            : long_ms > 4 * DAY_MS ? HISTORY_DAY
                                                   : HISTORY_HOUR;
        return 0;
}

/* All of it is read before anything is printed: nobody who scrolls keeps the gateway's log from
 * being written back. Return: 0, or a negative errno after having complained. */
static int read_table(const struct command *c, struct history_table **ret_table)
{
        char place[4096], why[ARCHIVE_WHY_SIZE];
        struct archive *archive;
        int r = 0;

        if (!c->path)
                r = history_find(place, sizeof(place));
        if (r < 0) {
                fputs("weir: history: there is none: a gateway keeps it under systemd, or where "
                      "history.path says; name its file with --db\n",
                      stderr);
                return r;
        }
        r = archive_open_readonly(c->path ? c->path : place, &archive, why);
        if (r == 0) {
                r = archive_read(archive, &c->ask, ret_table, why);
                archive_close(archive);
        }
        if (r < 0)
                fprintf(stderr, "weir: %s\n", why);
        return r;
}

static int show(const struct history_table *t, enum form form)
{
        const struct history_look look = { terminal_edge(), terminal_has_unicode(),
                                           terminal_has_colours(), clock_wall_us() / US_PER_MS };
        char *text;
        int r = 0;

        if (form == FORM_PICTURE)
                r = history_picture(t, &look);
        if (form == FORM_CSV)
                history_csv(t);
        if (form == FORM_JSON) {
                text = history_table_json(t, true);
                r = text ? 0 : -ENOMEM;
                if (text)
                        puts(text);
                free(text);
        }
        if (r == 0 && fflush(stdout) != 0)
                r = -errno;
        if (r < 0)
                fprintf(stderr, "weir: history: %s\n", strerror(-r));
        return r;
}

int cmd_history(int argc, char **argv)
{
        struct command c = { .ask = { .by = HISTORY_CLIENT, .top = TOP } };
        struct history_table *table = NULL;
        int r = take_options(&c, argc, argv);

        if (r != 0)
                return r > 0 ? EXIT_DONE : EXIT_USAGE;
        if (settle_times(&c) < 0)
                return EXIT_USAGE;
        c.ask.steps_max = c.form == FORM_PICTURE ? LINES_MAX : STEPS_MAX;
        if (read_table(&c, &table) < 0 || !table)
                return EXIT_FAILED;
        r = show(table, c.form);
        history_table_free(table);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
