/*
 * Commands on events
 *
 * Runs `sh -c COMMAND` for each event, with the event's JSON on stdin and its name in WEIR_EVENT:
 * what the exchange says is data and never part of a command line. Nothing here waits: stdin is a
 * file in memory, some commands run at once, more wait their turn, and what is beyond that is
 * reported and dropped.
 */
#ifndef CLI_POSITIONS_EXEC_H
#define CLI_POSITIONS_EXEC_H

#include "base/base.h"

/* At once: as many as a small machine takes. */
#define EXEC_RUNNING_MAX 8
/* Waiting: a check tells of each position at most twice. */
#define EXEC_WAITING_MAX 256

/* @text: a line for people, without newline. */
typedef void (*exec_report_fn)(void *ctx, const char *text);

struct exec_event {
        int fd; /* the JSON */
        char name[24];
};

struct exec {
        const char *command; /* NULL: nothing is run */
        bool is_silent;      /* what they print goes nowhere; else to stderr */
        exec_report_fn report;
        void *ctx;
        struct {
                pid_t pid; /* 0: free */
                char name[24];
        } running[EXEC_RUNNING_MAX];
        struct exec_event waiting[EXEC_WAITING_MAX];
        size_t first_waiting, n_waiting;
};

void exec_init(struct exec *e, const char *command, exec_report_fn report, void *ctx);
/* @json: without newline; one is added. */
void exec_event(struct exec *e, const char *name, const char *json);
/* Takes note of those that ended, and lets others begin. Call it now and then, on SIGCHLD soon. */
void exec_tend(struct exec *e);

#endif
