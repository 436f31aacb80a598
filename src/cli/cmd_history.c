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
        "that were written; where only hours or days are kept, of all that they have. \"429\" is "
        "what\n"
        "the exchange refused for a limit, by 429, or in a ban by 418 or the firewall's 403.\n"
        "Lines are as long as the terminal, or as COLUMNS says; where it is no terminal, as all\n"
        "columns want.\n\n"
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
        fprintf(stderr, "weir: history: %s %s: want %s\n", option, value, want);
        return -EINVAL;
}

static int take_pool(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;

        if (str_copy(str_of(value), c->ask.pool, sizeof(c->ask.pool)))
                return 0;
        return complain(row->name, value, "the name of a pool, as spot-weight");
}

static int take_top(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;
        uint64_t n;

        if (str_to_u64(str_of(value), &n) < 0 || n == 0 || n > HISTORY_SERIES_MAX)
                return complain(row->name, value, "a number from 1 to 64");
        c->ask.top = (unsigned)n;
        return 0;
}

static int take_by(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;

        if (history_by_from(str_of(value), &c->ask.by) == 0 && c->ask.by != HISTORY_REASON)
                return 0;
        return complain(row->name, value, "client, account, endpoint, class or all");
}

static int take_of(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;

        c->ask.is_of_orders = strcmp(value, "orders") == 0;
        if (c->ask.is_of_orders || strcmp(value, "weight") == 0)
                return 0;
        return complain(row->name, value, "weight or orders");
}

static int take_step(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;

        c->has_step = true;
        if (history_step_from(str_of(value), &c->ask.step) == 0)
                return 0;
        return complain(row->name, value, "window, hour or day");
}

static int take_form(void *ctx, const struct option_row *row, char *value)
{
        struct command *c = ctx;

        (void)value;
        c->form = strcmp(row->preset, "json") == 0 ? FORM_JSON : FORM_CSV;
        return 0;
}

static bool take_options(struct command *c, int argc, char **argv, int *ret_exit)
{
        const struct option_row rows[] = {
                { "--by", .take = take_by },
                { "--of", .take = take_of },
                { "--step", .take = take_step },
                { "--since", .text = &c->since },
                { "--until", .text = &c->until },
                { "--pool", .take = take_pool },
                { "--top", .take = take_top },
                { "--db", .text = &c->path },
                { "--json", .take = take_form, .preset = "json" },
                { "--csv", .take = take_form, .preset = "csv" },
                { .name = NULL },
        };

        return options_read(&(struct options){ "history", usage, rows, .ctx = c }, argc, argv,
                            ret_exit);
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
                return complain("--until", c->until, want);
        if (!c->has_step)
                ask->step = HISTORY_HOUR;
        ask->from_ms = ask->to_ms > usual_ms[ask->step] ? ask->to_ms - usual_ms[ask->step] : 0;
        if (c->since && history_time_parse(c->since, now_ms, &ask->from_ms) < 0)
                return complain("--since", c->since, want);
        if (ask->from_ms >= ask->to_ms)
                return complain("--since", c->since ? c->since : "", "a time before --until");
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

/* Before a window has ended nobody knows which pools there are. Return: false after having said
 * that there is nothing to show. */
static bool has_content(const struct history_table *t, const struct command *c)
{
        if (t->n_pools > 0 || (c->form != FORM_PICTURE && !c->ask.pool[0]))
                return true;
        if (c->ask.pool[0])
                fprintf(stderr, "weir: history: there is no pool \"%s\" yet: ", c->ask.pool);
        else
                fputs("weir: history: there is nothing yet: ", stderr);
        fputs("a window of a budget is written when it has ended, a minute for most\n", stderr);
        return false;
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
        int r, code;

        if (!take_options(&c, argc, argv, &code))
                return code;
        if (settle_times(&c) < 0)
                return EXIT_USAGE;
        c.ask.steps_max = c.form == FORM_PICTURE ? LINES_MAX : STEPS_MAX;
        if (read_table(&c, &table) < 0 || !table)
                return EXIT_FAILED;
        r = has_content(table, &c) ? show(table, c.form) : -ENOENT;
        history_table_free(table);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
