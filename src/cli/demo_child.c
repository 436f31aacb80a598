#include "cli/demo_child.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_US (10 * US_PER_SECOND)
#define ARGS_MAX 32

/* What would change the gateway's settings from outside: the demo is the same everywhere. */
static const char *const environment[] = {
#define SETTING(id, kind, member, key, initial, min, max, reload, env, help) env,
#include "settings/settings.def"
#undef SETTING
};

/* In the new process. */
static void settle(pid_t parent)
{
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(1);
        for (size_t i = 0; i < ARRAY_SIZE(environment); ++i)
                if (environment[i])
                        unsetenv(environment[i]);
}

_Noreturn static void become(int out, char *const argv[])
{
        char program[] = "weir";
        char *all[ARGS_MAX] = { program };

        for (size_t i = 0; argv[i] && i + 2 < ARGS_MAX; ++i)
                all[i + 1] = argv[i];
        if (dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
                execv("/proc/self/exe", all);
        _exit(1);
}

int child_start(struct child *c, char *const argv[])
{
        pid_t parent = getpid();
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        c->name = argv[0];
        c->pid = fork();
        if (c->pid == 0) {
                settle(parent);
                become(ends[1], argv);
        }
        close(ends[1]);
        c->out = ends[0];
        if (c->pid < 0) {
                c->pid = 0;
                return -errno;
        }
        return fcntl(c->out, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int child_fork(struct child *c, const char *name, int (*run)(const void *ctx), const void *ctx)
{
        pid_t parent = getpid();

        c->name = name;
        c->pid = fork();
        if (c->pid == 0) {
                settle(parent);
                _exit(run(ctx) < 0 ? 1 : 0);
        }
        if (c->pid < 0) {
                c->pid = 0;
                return -errno;
        }
        return 0;
}

/* Keeps the end of what is said. Return: bytes, 0 at the end, or a negative errno. */
static ssize_t hear(struct child *c)
{
        size_t half = sizeof(c->said) / 2;
        ssize_t n;

        if (c->n_said > half) {
                memmove(c->said, c->said + c->n_said - half, half);
                c->n_said = half;
        }
        n = read(c->out, c->said + c->n_said, sizeof(c->said) - 1 - c->n_said);
        if (n < 0)
                return -errno;
        c->n_said += (size_t)n;
        c->said[c->n_said] = '\0';
        return n;
}

/* The port at the end of a complete "... listening on ...:PORT" line. */
static bool find_port(const struct child *c, uint16_t *ret_port)
{
        struct str rest = str_from(c->said, c->n_said), line;

        while (memchr(rest.p, '\n', rest.n) && str_split(&rest, '\n', &line)) {
                const char *colon = memrchr(line.p, ':', line.n);
                uint64_t port;

                if (!str_find(line, STR_LITERAL(" listening on ")) || !colon)
                        continue;
                if (str_to_u64(str_from(colon + 1, (size_t)(line.p + line.n - colon - 1)), &port) <
                            0 ||
                    port > UINT16_MAX)
                        continue;
                *ret_port = (uint16_t)port;
                return true;
        }
        return false;
}

int child_listening(struct child *c, uint16_t *ret_port)
{
        uint64_t until_us = clock_mono_us() + START_US, now_us;

        while (!find_port(c, ret_port)) {
                struct pollfd wait = { .fd = c->out, .events = POLLIN };
                ssize_t n;

                now_us = clock_mono_us();
                if (now_us >= until_us)
                        return -ETIMEDOUT;
                (void)poll(&wait, 1, (int)((until_us - now_us) / US_PER_MS) + 1);
                n = hear(c);
                if (n == 0)
                        return -ECHILD;
                if (n < 0 && n != -EAGAIN && n != -EINTR)
                        return (int)n;
        }
        return 0;
}

static void on_output(void *ctx, unsigned what)
{
        struct child *c = ctx;

        (void)what;
        while (hear(c) > 0)
                ;
}

int child_watch(struct child *c, struct loop *loop)
{
        if (c->out < 0)
                return 0;
        return loop_watch(loop, c->out, on_output, c, &c->watch);
}

bool child_has_ended(struct child *c)
{
        if (c->pid > 0 && waitpid(c->pid, NULL, WNOHANG) == c->pid)
                c->pid = 0;
        return c->pid == 0;
}

void child_signal(const struct child *c, int signal)
{
        if (c->pid > 0)
                kill(c->pid, signal);
}

void child_deinit(struct child *c)
{
        child_signal(c, SIGKILL);
        if (c->pid > 0)
                waitpid(c->pid, NULL, 0);
        c->pid = 0;
        c->watch = loop_unwatch(c->watch);
        if (c->out >= 0)
                close(c->out);
        c->out = -1;
}
