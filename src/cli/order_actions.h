/*
 * What weir order can be told to do: the actions, once the command line is read.
 */
#ifndef CLI_ORDER_ACTIONS_H
#define CLI_ORDER_ACTIONS_H

#include "cli/access.h"
#include "cli/order_show.h"
#include "trade/futures.h"

struct command {
        struct access access;
        struct futures *futures; /* that of access */
        struct weir_order order;
        struct weir_range range;
        uint64_t order_id, deadline_ms;
        bool is_conditional, is_dry_run, is_test, is_raw, has_help;
        struct show show;
        int n_arguments; /* behind the action */
        char **arguments;
};

struct action {
        const char *name;
        int least, most; /* arguments */
        bool is_public;
        int (*run)(struct command *c); /* returns an exit code */
        const char *arguments;
};

/* The one that the first argument names, which is taken off. Return: NULL, with a complaint. */
const struct action *order_action_find(struct command *c);

/* cmd_order.c: about the command line, on stderr. @format: with one %s. Return: -EINVAL. */
int order_complain(const char *format, const char *what);

#endif
