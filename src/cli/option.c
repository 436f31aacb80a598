#include "cli/option.h"

#include "base/str.h"
#include "cli/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

void option_complain(const char *command, int c, char **argv)
{
        const char *word = argv[optind - 1], *value = strchr(word, '=');
        char letter[3] = { '-', (char)optopt, '\0' };

        if (c == ':')
                fprintf(stderr, "weir: %s: %s needs a value", command, word);
        else if (optopt && strncmp(word, "--", 2) == 0 && value)
                fprintf(stderr, "weir: %s: %.*s takes no value", command, (int)(value - word),
                        word);
        else
                fprintf(stderr, "weir: %s: there is no option %s", command, optopt ? letter : word);
        fprintf(stderr, "; see weir %s --help\n", command);
}

/* What getopt_long() answers for the first row; the others follow. No letter is as large. */
#define FIRST_ROW 256

static int form_of(const struct option_row *row)
{
        if (row->is_optional)
                return optional_argument;
        return row->on || row->off || row->preset ? no_argument : required_argument;
}

static void list_options(const struct option_row *rows, struct option list[OPTIONS_MAX + 2])
{
        size_t n = 0;

        for (; rows[n].name; ++n) {
                must(n < OPTIONS_MAX);
                list[n] = (struct option){ rows[n].name + 2, form_of(&rows[n]), NULL,
                                           FIRST_ROW + (int)n };
        }
        list[n] = (struct option){ "help", no_argument, NULL, 'h' };
        list[n + 1] = (struct option){ NULL, 0, NULL, 0 };
}

int option_number(const char *command, const struct option_row *row, const char *value,
                  uint64_t *ret)
{
        uint64_t number;

        if (str_to_u64(str_of(value), &number) < 0 || number > row->max) {
                fprintf(stderr, "weir: %s: %s %s: want a whole number from 0 to %llu\n", command,
                        row->name, value, (unsigned long long)row->max);
                return -EINVAL;
        }
        *ret = number;
        return 0;
}

static int take(const struct options *o, const struct option_row *row, char *value)
{
        if (row->take)
                return row->take(o->ctx, row, value);
        if (row->number)
                return option_number(o->command, row, value, row->number);
        if (row->text)
                *row->text = value ? value : row->preset;
        if (row->on)
                *row->on = true;
        if (row->off)
                *row->off = false;
        return 0;
}

/* "--gateway URL" where "--gateway" alone would do as well. */
static char *next_word(int argc, char **argv)
{
        return optind < argc && argv[optind][0] != '-' ? argv[optind++] : NULL;
}

static void complain(const struct options *o, int c, char **argv)
{
        const char *word = argv[optind - 1];

        if (c == '?' && optopt == 0 && strncmp(word, "--", 2) == 0 && o->explain &&
            o->explain(word))
                return;
        option_complain(o->command, c, argv);
}

bool options_read(const struct options *o, int argc, char **argv, int *ret_exit)
{
        struct option list[OPTIONS_MAX + 2];
        int c;

        list_options(o->rows, list);
        *ret_exit = EXIT_USAGE;
        optind = 1;
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
                const struct option_row *row = c >= FIRST_ROW ? &o->rows[c - FIRST_ROW] : NULL;

                if (c == 'h') {
                        fputs(o->usage, stdout);
                        if (o->more_help)
                                o->more_help(stdout);
                        *ret_exit = EXIT_DONE;
                        return false;
                }
                if (!row) {
                        complain(o, c, argv);
                        return false;
                }
                if (!optarg && row->is_optional)
                        optarg = next_word(argc, argv);
                if (take(o, row, optarg) < 0)
                        return false;
        }
        if (!o->has_words && optind < argc) {
                fprintf(stderr, "weir: %s: unexpected \"%s\"; see weir %s --help\n", o->command,
                        argv[optind], o->command);
                return false;
        }
        return true;
}
