/*
 * Children of the demo
 *
 * Processes that end with us, whatever ends us: the kernel kills them when we are gone. Each has a
 * process group of its own, so that Ctrl-C reaches us alone and the summary can still be drawn up.
 */
#ifndef CLI_DEMO_CHILD_H
#define CLI_DEMO_CHILD_H

#include "base/base.h"
#include "net/loop.h"

struct child {
        const char *name; /* "sim" */
        pid_t pid;        /* 0: none (any more) */
        int out;          /* what it says on stdout and stderr, non-blocking; -1: nothing */
        struct loop_watch *watch;
        char said[512]; /* the end of it */
        size_t n_said;
};

#define CHILD_NULL ((struct child){ .out = -1 })

/**
 * child_start() - this program again, as `weir argv...`
 * @argv: ends with NULL; argv[0] is the subcommand
 *
 * Return: 0 or a negative errno.
 */
CHECKED int child_start(struct child *c, char *const argv[]);

/* A process without exec, which runs @run(@ctx) and ends. */
CHECKED int child_fork(struct child *c, const char *name, int (*run)(const void *ctx),
                       const void *ctx);

/* Waits until it says where it listens. Return: 0, -ETIMEDOUT, -ECHILD when it ended instead. */
CHECKED int child_listening(struct child *c, uint16_t *ret_port);

/* Reads on what it says, so that it is never held up by us. */
CHECKED int child_watch(struct child *c, struct loop *loop);

/* Has it ended? Never waits. */
bool child_has_ended(struct child *c);
void child_signal(const struct child *c, int signal);
/* Kills what still runs and waits for its end. May run twice. */
void child_deinit(struct child *c);

#endif
