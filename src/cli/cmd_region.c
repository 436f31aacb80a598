/*
 * weir region: what is in the region, live or after a crash; and whether every byte of it can be.
 */
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "cli/option.h"
#include "cli/region_findings.h"
#include "cli/region_picture.h"
#include "cli/region_unshare.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "usage: weir region show [OPTION]...\n"
        "       weir region check [OPTION]...\n"
        "       weir region unshare [OPTION]...\n\n"
        "Reads the file that all programs share, while they work or after a crash. Nothing is "
        "written\n"
        "or locked, and a file that is cut short, damaged or of another version is read as far as "
        "it\n"
        "goes. docs/region.md draws the bytes.\n\n"
        "  show            what is in it: whose books, clocks, gates, breakers, pools, and each "
        "budget\n"
        "                  with the windows around now. In the bars: # sent, = held, + what may "
        "be\n"
        "                  counted besides\n"
        "  check           every byte against what it can be, and what each finding means\n"
        "  unshare         this region shares its budgets with no other host any more, and this "
        "host "
        "uses\n"
        "                  the whole limits from then on: only where no other one uses the address "
        "or the\n"
        "                  accounts, and while no gateway with a store is there. This alone "
        "writes\n\n"
        "  --region PATH   the region; default: WEIR_REGION, else the default place\n"
        "  --json          for programs: all of it (show, check)\n"
        "  --yes           unshare without asking\n"
        "  --help          this text\n\n"
        "Exit status: 0 shown, or nothing found; 1 something is wrong with it; 2 it cannot be "
        "read, or\n"
        "the command line is wrong.\n";

/* Of a region in use so long, or longer, between two looks. */
#define LOOK_AGAIN_US 20000u

static void print_findings(const struct findings *f, const char *path)
{
        for (size_t i = 0; i < f->n; ++i)
                printf("%8llu  %s: %s\n", (unsigned long long)f->all[i].offset, f->all[i].where,
                       f->all[i].text);
        if (f->n_more > 0)
                printf("          and %zu more\n", f->n_more);
        if (f->n == 0)
                printf("region %s: every byte is one that can be\n", path);
        else
                printf("region %s: %zu finding%s\n", path, f->n + f->n_more,
                       f->n + f->n_more > 1 ? "s" : "");
}

static void print_findings_json(const struct findings *f, const struct region_file *file,
                                const char *path)
{
        json_t *list = json_array(), *root;

        for (size_t i = 0; i < f->n; ++i)
                json_array_append_new(list, json_pack("{s:I, s:s, s:s}", "offset",
                                                      (json_int_t)f->all[i].offset, "where",
                                                      f->all[i].where, "text", f->all[i].text));
        root = json_pack("{s:s, s:s, s:b, s:I, s:o}", "region", path, "state",
                         region_state_name(file->state), "clean", f->n == 0, "more",
                         (json_int_t)f->n_more, "findings", list);
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(root);
}

static int check(struct region_file *file, const char *path, bool is_json)
{
        static struct findings findings, again;
        int r;

        region_check(file, clock_wall_us() / US_PER_MS, &findings);
        /* Two words that do not fit may have been read with a change between them. */
        for (int i = 0; i < 2 && findings.n > 0 && file->n_users > 0; ++i) {
                clock_sleep_until_us(clock_mono_us() + LOOK_AGAIN_US);
                r = region_file_renew(file, path);
                if (r < 0)
                        return EXIT_USAGE;
                region_check(file, clock_wall_us() / US_PER_MS, &again);
                findings_keep(&findings, &again);
        }
        if (is_json)
                print_findings_json(&findings, file, path);
        else
                print_findings(&findings, path);
        return findings.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

/* What every other program would say of it, in its words. */
static bool would_be_used(const char *path)
{
        struct region region = REGION_NULL;
        int r = look_open(path, &region);

        region_close(&region);
        return r == 0;
}

static int show(const struct region_file *file, const char *path, bool is_json)
{
        bool is_good = would_be_used(path);
        json_t *picture = region_picture(file, path, clock_wall_us() / US_PER_MS);

        if (is_json) {
                json_dumpf(picture, stdout, JSON_INDENT(2));
                putchar('\n');
        } else {
                region_draw(picture, isatty(STDOUT_FILENO));
        }
        json_decref(picture);
        return is_good ? EXIT_DONE : EXIT_FAILED;
}

static int look(bool is_check, const char *path, bool is_json)
{
        struct region_file file = REGION_FILE_NULL;
        int status;

        if (region_file_read(&file, path) < 0)
                return EXIT_USAGE;
        status = is_check ? check(&file, path, is_json) : show(&file, path, is_json);
        region_file_deinit(&file);
        return status;
}

int cmd_region(int argc, char **argv)
{
        const char *path = getenv("WEIR_REGION");
        const char *what;
        bool is_json = false, is_sure = false, is_unshare;
        const struct option_row rows[] = {
                { "--region", .text = &path },
                { "--json", .on = &is_json },
                { "--yes", .on = &is_sure },
                { .name = NULL },
        };
        const struct options options = { "region", usage, rows, .has_words = true };
        char place[LOOK_PATH_SIZE];
        int code;

        if (!options_read(&options, argc, argv, &code))
                return code;
        what = optind == argc - 1 ? argv[optind] : "";
        is_unshare = strcmp(what, "unshare") == 0;
        if (!is_unshare && strcmp(what, "show") != 0 && strcmp(what, "check") != 0) {
                fputs("weir: region: say what to do: show, check or unshare; see weir region "
                      "--help\n",
                      stderr);
                return EXIT_USAGE;
        }
        if (is_unshare ? is_json : is_sure) {
                fprintf(stderr, "weir: region %s: takes no %s; see weir region --help\n", what,
                        is_unshare ? "--json" : "--yes");
                return EXIT_USAGE;
        }
        path = look_path(path, place);
        if (!path)
                return EXIT_USAGE;
        return is_unshare ? region_unshare(path, is_sure)
                          : look(strcmp(what, "check") == 0, path, is_json);
}
