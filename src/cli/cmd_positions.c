#include "cli/cmd.h"

#include "base/clock.h"
#include "cli/access.h"
#include "cli/demo_screen.h"
#include "cli/option.h"
#include "cli/positions_exec.h"
#include "cli/positions_json.h"
#include "cli/positions_view.h"
#include "trade/monitor.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WATCH_DEFAULT_S     10
#define DEADLINE_DEFAULT_MS 10000
/* Where the exchange names the end of a stop, nothing is asked before; but who knows whether it is
 * lifted early, so never later than this. A refused check costs nothing. */
#define STOPPED_AGAIN_MS 60000
/* On the screen. */
#define EVENTS_SHOWN 8
#define TICK_MS      1000

static const char usage[] =
        "usage: weir positions [OPTION]...\n\n"
        "Shows futures positions, what protects them, open orders and equity, once or again and\n"
        "again, and tells what has changed: positions that opened, closed, turned or changed, "
        "stop-\n"
        "losses that came or went, equity that fell. It goes on through bans and outages and says\n"
        "since when what it shows is old.\n\n"
        "One check weighs 10 (COIN-M: 6), and 2 for each symbol with a position.\n\n"
        "  --watch[=SECONDS]     again and again (default every 10 s; 1 to 86400)\n"
        "  --all-orders SECONDS  look at the orders of symbols without a position too, as often "
        "as\n"
        "                        this (weight 80). 0: never. Default: 600 with --watch, the first\n"
        "                        check included; else never\n"
        "  --fall PERCENT        equity that fell so far from one check to the next is told\n"
        "                        (default 3; 0: never)\n"
        "  --exec COMMAND        with --watch: sh -c COMMAND on each event, which is JSON on its\n"
        "                        stdin, its name in WEIR_EVENT: opened, closed, flipped, changed,\n"
        "                        protection, equity, stale, fresh\n"
        "  --json                one JSON document a line for each check and event\n"
        "  --verbose             retries on stderr\n\n" ACCESS_USAGE "Time\n"
        "  --deadline MS         of one check: nothing is sent later than this (default 10000)\n"
        "  --timeout MS          for one answer (10000)\n"
        "  --recv-window MS      (5000)\n\n"
        "  --help                this text\n\n"
        "Exit status: 0 shown, 1 the check failed, 2 wrong command line.\n";

enum option_id {
        OPT_WATCH = 256,
        OPT_ALL_ORDERS,
        OPT_FALL,
        OPT_EXEC,
        OPT_JSON,
        OPT_VERBOSE,
};

static const struct option options[] = {
        { "watch", optional_argument, NULL, OPT_WATCH },
        { "all-orders", required_argument, NULL, OPT_ALL_ORDERS },
        { "fall", required_argument, NULL, OPT_FALL },
        { "exec", required_argument, NULL, OPT_EXEC },
        { "json", no_argument, NULL, OPT_JSON },
        { "verbose", no_argument, NULL, OPT_VERBOSE },
        { "help", no_argument, NULL, 'h' },
        ACCESS_OPTIONS,
        { NULL, 0, NULL, 0 },
};

struct watch {
        struct access access;
        struct monitor *monitor;
        struct exec exec;
        const char *command, *fall;
        uint64_t every_s; /* 0: once */
        uint64_t all_orders_s;
        bool has_all_orders, is_json, is_verbose, has_help;
        bool is_screen, is_coloured;
        uint64_t next_us, next_ms; /* of the next check: monotonic, the exchange's */
        char events[EVENTS_SHOWN][VIEW_EVENT_MAX]; /* the newest last */
        size_t n_events;
};

/* The terminal is given back from inside a signal handler. */
static struct screen screen;

/* The command line. */

static int set_option(struct watch *w, int option, const char *value)
{
        int r = access_option(&w->access, option, value);

        if (r <= 0)
                return r;
        switch (option) {
        case OPT_WATCH:
                w->every_s = WATCH_DEFAULT_S;
                r = value ? access_number(&w->access, "watch", value, 86400, &w->every_s) : 0;
                if (r == 0 && w->every_s == 0) {
                        fputs("weir: positions: --watch 0: want 1 to 86400 seconds\n", stderr);
                        r = -EINVAL;
                }
                return r;
        case OPT_ALL_ORDERS:
                w->has_all_orders = true;
                return access_number(&w->access, "all-orders", value, 86400, &w->all_orders_s);
        case OPT_FALL:
                w->fall = value;
                return 0;
        case OPT_EXEC:
                w->command = value;
                return 0;
        case OPT_JSON:
                w->is_json = true;
                return 0;
        default:
                w->has_help |= option == 'h';
                return 0;
        }
}

static int read_command_line(struct watch *w, int argc, char **argv)
{
        int option, r = 0;

        optind = 1;
        opterr = 0;
        while (r == 0 && (option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
                if (option == '?' || option == ':') {
                        option_complain("positions", option, argv);
                        return -EINVAL;
                }
                w->is_verbose |= option == OPT_VERBOSE;
                r = set_option(w, option, optarg);
        }
        /* "--watch 5", as people write it. */
        if (r == 0 && w->every_s && optind + 1 == argc && strspn(argv[optind], "0123456789") > 0)
                r = set_option(w, OPT_WATCH, argv[optind++]);
        if (r == 0 && optind < argc) {
                fprintf(stderr, "weir: positions: unexpected \"%s\"; see weir positions --help\n",
                        argv[optind]);
                r = -EINVAL;
        }
        if (r == 0 && w->command && !w->every_s) {
                fputs("weir: positions: --exec goes with --watch: one check has no events\n",
                      stderr);
                r = -EINVAL;
        }
        if (w->every_s && !w->has_all_orders)
                w->all_orders_s = MONITOR_FULL_LOOK_DEFAULT / MS_PER_SECOND;
        return r;
}

/* Showing. */

static unsigned width_of_terminal(void)
{
        struct winsize size;

        if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
                return 0;
        return size.ws_col;
}

static size_t rows_of_terminal(void)
{
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
                return SCREEN_ROWS;
        return size.ws_row;
}

static void print_json(json_t *j)
{
        json_dumpf(j, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(j);
}

static void print_page(const struct watch *w, FILE *to)
{
        struct view view = {
                .monitor = w->monitor,
                .market = w->access.config.market,
                .is_coloured = w->is_coloured,
                .width = width_of_terminal(),
        };

        view_page(to, &view, w->next_ms);
}

static void print_events(const struct watch *w, FILE *to)
{
        size_t from = w->n_events > EVENTS_SHOWN ? w->n_events - EVENTS_SHOWN : 0;

        for (size_t i = from; i < w->n_events; ++i)
                fprintf(to, "%s\n", w->events[i % EVENTS_SHOWN]);
}

/* Line by line over what is there: nothing flickers. */
static void paint(const char *page, size_t rows)
{
        size_t row = 1;

        fputs("\033[H", stdout);
        for (const char *line = page; *line && row < rows; ++row) {
                size_t n = strcspn(line, "\n");

                printf("%.*s\033[K\n", (int)n, line);
                line += n + (line[n] == '\n');
                if (*line && row + 1 == rows) {
                        fputs("more than fits this terminal; see --json", stdout);
                        line = "";
                }
        }
        fputs("\033[J", stdout);
        fflush(stdout);
}

static void draw(const struct watch *w)
{
        char *page = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&page, &n);

        if (!to)
                return;
        fprintf(to, "weir positions, %s, every %llu s; Ctrl-C ends\n",
                w->access.config.market == WEIR_COINM ? "COIN-M" : "USD-M",
                (unsigned long long)w->every_s);
        print_page(w, to);
        if (w->n_events > 0)
                putc('\n', to);
        print_events(w, to);
        if (fclose(to) == 0)
                paint(page, rows_of_terminal());
        free(page);
}

static void show(const struct watch *w)
{
        if (w->is_json) {
                print_json(positions_json_check(w->monitor, w->next_ms));
                return;
        }
        if (w->is_screen) {
                draw(w);
                return;
        }
        print_page(w, stdout);
        if (w->every_s)
                putchar('\n');
        fflush(stdout);
}

static void remember(struct watch *w, const char *line)
{
        snprintf(w->events[w->n_events++ % EVENTS_SHOWN], VIEW_EVENT_MAX, "%s", line);
}

/* On the screen it is one more of the events. */
static void say(struct watch *w, const char *text)
{
        if (w->is_screen)
                remember(w, text);
        else
                fprintf(stderr, "weir: positions: %s\n", text);
}

static void report_command(void *ctx, const char *text)
{
        say(ctx, text);
}

static void log_line(void *ctx, bool is_error, const char *text)
{
        (void)is_error;
        say(ctx, text);
}

static void on_event(void *ctx, const struct weir_event *event)
{
        struct watch *w = ctx;
        char line[VIEW_EVENT_MAX];
        json_t *j = positions_json_event(event);
        char *text = json_dumps(j, JSON_COMPACT);

        must(text);
        view_event(event, line);
        if (w->is_json) {
                puts(text);
                fflush(stdout);
        } else if (w->is_screen) {
                remember(w, line);
        } else {
                puts(line);
        }
        exec_event(&w->exec, monitor_event_name(event->kind), text);
        free(text);
        json_decref(j);
}

/* Watching. */

static void end(int signal_number)
{
        screen_close(&screen);
        signal(signal_number, SIG_DFL);
        raise(signal_number);
}

static void wake(int signal_number)
{
        (void)signal_number;
}

/* These two only interrupt the wait between checks. */
static void catch_signals(sigset_t *ret_waiting)
{
        static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        struct sigaction action = { .sa_handler = end };
        sigset_t wakes;

        for (size_t i = 0; i < ARRAY_SIZE(ends); ++i)
                sigaction(ends[i], &action, NULL);
        action.sa_handler = wake;
        action.sa_flags = SA_RESTART;
        sigaction(SIGCHLD, &action, NULL);
        sigaction(SIGWINCH, &action, NULL);
        sigemptyset(&wakes);
        sigaddset(&wakes, SIGCHLD);
        sigaddset(&wakes, SIGWINCH);
        sigprocmask(SIG_BLOCK, &wakes, ret_waiting);
        sigdelset(ret_waiting, SIGCHLD);
        sigdelset(ret_waiting, SIGWINCH);
}

/* The next turn of the clock that is not over; while stopped, when that ends. */
static void plan_next(struct watch *w)
{
        uint64_t now_us = clock_mono_us(), now_ms = monitor_now_ms(w->monitor), wait_ms;
        struct weir_monitor_state state;

        monitor_state(w->monitor, &state);
        do
                w->next_us += w->every_s * US_PER_SECOND;
        while (w->next_us <= now_us);
        if (state.retry_at_ms > now_ms) {
                wait_ms = state.retry_at_ms - now_ms;
                wait_ms = wait_ms < STOPPED_AGAIN_MS ? wait_ms : STOPPED_AGAIN_MS;
                if (now_us + wait_ms * US_PER_MS > w->next_us)
                        w->next_us = now_us + wait_ms * US_PER_MS;
        }
        w->next_ms = now_ms + (w->next_us - now_us) / US_PER_MS;
}

/* Return: false when nobody reads any more. */
static bool wait_for_next(struct watch *w, const sigset_t *waiting)
{
        for (;;) {
                uint64_t now_us = clock_mono_us(), left_us;
                struct timespec time = { .tv_sec = 0 };

                exec_tend(&w->exec);
                if (ferror(stdout))
                        return false;
                if (now_us >= w->next_us)
                        return true;
                left_us = w->next_us - now_us;
                if (left_us > TICK_MS * US_PER_MS)
                        left_us = TICK_MS * US_PER_MS;
                time.tv_sec = (time_t)(left_us / US_PER_SECOND);
                time.tv_nsec = (long)(left_us % US_PER_SECOND * 1000);
                if (ppoll(NULL, 0, &time, waiting) < 0 && w->is_screen)
                        draw(w);
        }
}

static int check(struct watch *w)
{
        uint64_t now_ms = futures_now_ms(w->access.futures);

        return monitor_check(w->monitor, now_ms + w->access.deadline_in_ms,
                             w->every_s ? on_event : NULL, w);
}

static int watch(struct watch *w)
{
        sigset_t waiting;

        w->is_screen = !w->is_json && screen_is_possible();
        w->exec.is_silent = w->is_screen;
        catch_signals(&waiting);
        if (w->is_screen)
                screen_open(&screen);
        w->next_us = clock_mono_us();
        do {
                (void)!check(w);
                plan_next(w);
                show(w);
        } while (wait_for_next(w, &waiting));
        screen_close(&screen);
        return EXIT_FAILED;
}

static int once(struct watch *w)
{
        int r = check(w);
        struct weir_monitor_state state;

        if (r == 0 || w->is_json)
                show(w);
        if (r == 0)
                return EXIT_DONE;
        monitor_state(w->monitor, &state);
        fprintf(stderr, "weir: positions: %s\n", state.why);
        return EXIT_FAILED;
}

static int open_monitor(struct watch *w)
{
        char why[MONITOR_WHY_MAX];
        int r;

        if (w->is_verbose) {
                w->access.config.log = log_line;
                w->access.config.log_ctx = w;
        }
        r = access_open(&w->access);
        if (r == 0) {
                r = monitor_new(w->access.futures, w->fall, w->all_orders_s * MS_PER_SECOND,
                                &w->monitor, why);
                if (r < 0)
                        fprintf(stderr, "weir: positions: --fall: %s\n", why);
        }
        return r;
}

int cmd_positions(int argc, char **argv)
{
        struct watch w = {
                .access = ACCESS_INIT("positions", DEADLINE_DEFAULT_MS),
                .fall = MONITOR_FALL_DEFAULT,
        };
        const char *no_colour = getenv("NO_COLOR");
        int r = read_command_line(&w, argc, argv), code;

        if (r < 0)
                return EXIT_USAGE;
        if (w.has_help) {
                fputs(usage, stdout);
                return EXIT_DONE;
        }
        exec_init(&w.exec, w.command, report_command, &w);
        w.is_coloured = isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
        r = open_monitor(&w);
        if (r < 0)
                code = r == -EINVAL || r == -EACCES ? EXIT_USAGE : EXIT_FAILED;
        else
                code = w.every_s ? watch(&w) : once(&w);
        monitor_free(w.monitor);
        access_close(&w.access);
        return code;
}
