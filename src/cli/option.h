/*
 * Options
 *
 * The command line of a subcommand, as a table: what an option is called, and where what it says
 * goes. --help, -h and what is wrong are answered here, in the same words for every command.
 *
 *      const struct option_row rows[] = {
 *              { "--region", .text = &path },
 *              { "--json", .on = &is_json },
 *              { "--step", .take = take_step },
 *              { .name = NULL },
 *      };
 *      const struct options options = { "history", usage, rows, .ctx = &command };
 *
 *      if (!options_read(&options, argc, argv, &exit_code))
 *              return exit_code;
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "base/base.h"

#include <stdio.h>

/* One option: with one of @text, @on, @off, @number, @take. */
struct option_row {
        const char *name;  /* "--region"; NULL ends the table */
        const char **text; /* its value goes there, and lives as argv does */
        bool *on, *off;    /* it has none: true, or false, goes there */
        uint64_t *number;  /* a whole number from 0 to @max goes there */
        uint64_t max;
        /*
         * @value: its own, that may be written to; NULL where it has none. Return: 0, or a negative
         * errno after having said what is wrong.
         */
        int (*take)(void *ctx, const struct option_row *row, char *value);
        const char *key; /* for @take: of a setting, say */
        /* Has no value of its own: @take finds it here. With @is_optional: where it is missing. */
        const char *preset;
        bool is_optional; /* its value may be missing, or be the next word */
};

/* More than any command has. */
#define OPTIONS_MAX 40

struct options {
        const char *command;
        const char *usage; /* what --help says first */
        const struct option_row *rows;
        void *ctx;                         /* for option_row.take */
        void (*more_help)(FILE *to);       /* and what then; may be NULL */
        bool (*explain)(const char *word); /* has it said why there is no such option? or NULL */
        bool has_words;                    /* what is no option is the caller's, from optind on */
};

/**
 * options_read() - take a command line apart
 * @ret_exit: written for false
 *
 * Return: true; or false when all is said, and the command ends with *ret_exit.
 */
CHECKED bool options_read(const struct options *o, int argc, char **argv, int *ret_exit);

/* @value as a number from 0 to the row's max. Return: 0; or -EINVAL after having said so. */
CHECKED int option_number(const char *command, const struct option_row *row, const char *value,
                          uint64_t *ret);

/* One line on stderr: what is wrong with the option that getopt_long(), with opterr 0 and ":" first
 * in its letters, answered @c to. */
void option_complain(const char *command, int c, char **argv);

#endif
