#include "cli/positions_exec.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

PRINTF(2, 3)
static void report(const struct exec *e, const char *format, ...)
{
        char text[256];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        e->report(e->ctx, text);
}

void exec_init(struct exec *e, const char *command, exec_report_fn fn, void *ctx)
{
        memset(e, 0, sizeof(*e));
        e->command = command;
        e->report = fn;
        e->ctx = ctx;
}

/* A pipe would block once it is full. Return: the descriptor at its beginning, or an errno. */
static int file_of(const char *json)
{
        int fd = memfd_create("weir-event", MFD_CLOEXEC), r = 0;
        struct str parts[] = { str_of(json), STR_LITERAL("\n") };

        if (fd < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; ++i)
                while (parts[i].n > 0 && r == 0) {
                        ssize_t n = write(fd, parts[i].p, parts[i].n);

                        if (n < 0)
                                r = -errno;
                        else
                                parts[i] = str_from(parts[i].p + n, parts[i].n - (size_t)n);
                }
        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        if (r < 0) {
                close(fd);
                return r;
        }
        return fd;
}

/* The environment with WEIR_EVENT. The caller's to free(); its strings are not. */
static char **environment(char *event)
{
        static const char name[] = "WEIR_EVENT=";
        size_t n = 0, to = 0;
        char **copy;

        while (environ[n])
                ++n;
        copy = calloc(n + 2, sizeof(*copy));
        if (!copy)
                return NULL;
        for (size_t i = 0; i < n; ++i)
                if (strncmp(environ[i], name, sizeof(name) - 1) != 0)
                        copy[to++] = environ[i];
        copy[to] = event;
        return copy;
}

/* A group of its own: Ctrl-C ends us, not an order that a command is just placing. */
static int write_attributes(posix_spawnattr_t *attributes)
{
        sigset_t none, defaults;
        int r;

        sigemptyset(&none);
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setpgroup(attributes, 0);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &defaults);
        return r;
}

static int write_actions(const struct exec *e, int fd, posix_spawn_file_actions_t *actions)
{
        int r = posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO);

        if (r == 0 && e->is_silent)
                r = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY,
                                                     0);
        /* Stdout is for our own documents. */
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
        return r;
}

/* Return: 0 or an errno, above 0. */
static int spawn(const struct exec *e, const struct exec_event *event, pid_t *ret_pid)
{
        char variable[sizeof("WEIR_EVENT=") + sizeof(event->name)];
        char shell[] = "sh", option[] = "-c", *command = strdup(e->command);
        char *arguments[] = { shell, option, command, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        char **variables;
        int r = ENOMEM;

        snprintf(variable, sizeof(variable), "WEIR_EVENT=%s", event->name);
        variables = environment(variable);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        if (command && variables)
                r = write_actions(e, event->fd, &actions);
        if (r == 0)
                r = write_attributes(&attributes);
        if (r == 0)
                r = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, arguments, variables);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        free(variables);
        free(command);
        return r;
}

static void begin(struct exec *e, size_t at)
{
        struct exec_event *event = &e->waiting[e->first_waiting];
        pid_t pid = 0;
        int r = spawn(e, event, &pid);

        if (r == 0) {
                e->running[at].pid = pid;
                str_copy(str_of(event->name), e->running[at].name, sizeof(e->running[at].name));
        } else {
                report(e, "the command for \"%s\" cannot be run: %s", event->name, strerror(r));
        }
        close(event->fd);
        e->first_waiting = (e->first_waiting + 1) % EXEC_WAITING_MAX;
        --e->n_waiting;
}

static void reap(struct exec *e, size_t at)
{
        int status;

        if (waitpid(e->running[at].pid, &status, WNOHANG) != e->running[at].pid)
                return;
        e->running[at].pid = 0;
        if (WIFSIGNALED(status))
                report(e, "the command for \"%s\" was ended by signal %d", e->running[at].name,
                       WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
                report(e, "the command for \"%s\" ended with status %d", e->running[at].name,
                       WEXITSTATUS(status));
}

void exec_tend(struct exec *e)
{
        for (size_t i = 0; i < EXEC_RUNNING_MAX; ++i) {
                if (e->running[i].pid != 0)
                        reap(e, i);
                if (e->running[i].pid == 0 && e->n_waiting > 0)
                        begin(e, i);
        }
}

void exec_event(struct exec *e, const char *name, const char *json)
{
        struct exec_event *to;
        int fd;

        if (!e->command)
                return;
        if (e->n_waiting == EXEC_WAITING_MAX) {
                report(e, "\"%s\" is handed to no command: %d run and %d wait", name,
                       EXEC_RUNNING_MAX, EXEC_WAITING_MAX);
                return;
        }
        fd = file_of(json);
        if (fd < 0) {
                report(e, "\"%s\" is handed to no command: %s", name, strerror(-fd));
                return;
        }
        to = &e->waiting[(e->first_waiting + e->n_waiting++) % EXEC_WAITING_MAX];
        to->fd = fd;
        str_copy(str_of(name), to->name, sizeof(to->name));
        exec_tend(e);
}
