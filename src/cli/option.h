/*
 * Options
 *
 * What every subcommand says of an option it cannot take. Call getopt_long() with opterr 0 and ":"
 * first in its letters, and hand its '?' and ':' here.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

/* One line on stderr: what is wrong with the option that getopt_long() answered @c to. */
void option_complain(const char *command, int c, char **argv);

#endif
