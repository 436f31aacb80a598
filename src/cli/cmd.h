/*
 * Commands
 *
 * One function per subcommand of weir; main.c has the table. argv[0] is the subcommand's name.
 * Exit codes: 0 done, 1 it failed, 2 the command line or configuration is wrong, 3 nobody knows.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "base/base.h"

enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_UNKNOWN = 3, /* weir order: it may or may not have been executed */
};

int cmd_check(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_gateway(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_order(int argc, char **argv);
int cmd_positions(int argc, char **argv);
int cmd_region(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);

#endif
