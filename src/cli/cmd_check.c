/*
 * weir check: what a configuration file would do, or all that is wrong with it.
 */
#include "cli/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check_tls.h"
#include "cli/check_weights.h"
#include "cli/option.h"
#include "settings/settings.h"

static const char usage[] =
        "usage: weir check [--json] CONFIG\n"
        "       weir check --weights [--region PATH] [--json]\n\n"
        "Reads CONFIG and the environment as weir gateway would. When all is well, prints "
        "the\n"
        "settings that result; else every mistake with its line and column, and what to "
        "write\n"
        "instead. The files of accounts (keys, secrets, tokens) and the watch's files of "
        "tokens and\n"
        "certificates are read as a start reads them, and the folder of history.path is "
        "looked for.\n"
        "What may be used but had better not is said on stderr, and is no mistake.\n\n"
        "With --weights: what the replies' headers show that requests cost, beside what the "
        "tables\n"
        "say; where they differ first, with the lines to write in the configuration.\n\n"
        "  --weights       look at the region, not at a file\n"
        "  --region PATH   the region; default: WEIR_REGION, else the default place\n"
        "  --json          print as JSON\n"
        "  --help          this text\n\n"
        "Exit status: 0 the file is good, 2 it is not. With --weights: 0 nothing disagrees, "
        "1 "
        "something\n"
        "does, or no program should work with the region, 2 there is none to look at.\n\n"
        "Keys, sections with a dot:\n\n";

/* Return: 0, SETTINGS_MISTAKEN or -ENOMEM. */
static int load(struct settings *s, const char *path, struct settings_report *report)
{
        int r;

        settings_init(s);
        r = settings_load_file(s, path, report);
        if (r < 0)
                return r;
        r = settings_load_environment(s, report);
        if (r < 0)
                return r;
        r = settings_check(s, report);
        if (r >= 0)
                r = settings_try_files(s, report);
        if (r >= 0)
                r = check_tls(s, report);
        if (r < 0)
                return r;
        return report->n_mistakes > 0 ? SETTINGS_MISTAKEN : SETTINGS_GOOD;
}

/* A file with them is good: the exit status says so, stderr the rest. */
static void say_doubts(const struct settings *s, const char *path)
{
        struct settings_report doubts = { .file = strdup(path) };

        if (settings_doubt(s, &doubts) == SETTINGS_MISTAKEN)
                settings_report_print(&doubts, stderr);
        settings_report_deinit(&doubts);
}

static int check(const char *path, bool is_json)
{
        static struct settings s;
        static struct settings_report report;
        int r = load(&s, path, &report);

        if (r < 0) {
                fprintf(stderr, "weir: check: %s\n", strerror(-r));
        } else if (r == SETTINGS_MISTAKEN) {
                settings_report_print(&report, stderr);
                if (is_json)
                        settings_report_print_json(&report, stdout);
        } else {
                if (is_json)
                        settings_print_json(&s, stdout);
                else
                        settings_print(&s, stdout);
                say_doubts(&s, path);
        }
        settings_report_deinit(&report);
        if (r < 0)
                return EXIT_FAILED;
        return r == SETTINGS_MISTAKEN ? EXIT_USAGE : EXIT_DONE;
}

int cmd_check(int argc, char **argv)
{
        bool is_json = false, is_weights = false;
        const char *region = NULL;
        const struct option_row rows[] = {
                { "--json", .on = &is_json },
                { "--weights", .on = &is_weights },
                { "--region", .text = &region },
                { .name = NULL },
        };
        const struct options options = { "check", usage, rows, .more_help = settings_print_help,
                                         .has_words = true };
        int code;

        if (!options_read(&options, argc, argv, &code))
                return code;
        if (is_weights && optind == argc)
                return check_weights(region, is_json);
        if (is_weights || region) {
                fputs(is_weights ? "weir: check: --weights looks at the region and takes no file; "
                                   "see weir check --help\n"
                                 : "weir: check: --region goes with --weights\n",
                      stderr);
                return EXIT_USAGE;
        }
        if (optind != argc - 1) {
                fputs("weir: check: name one file: weir check [--json] CONFIG\n", stderr);
                return EXIT_USAGE;
        }
        return check(argv[optind], is_json);
}
