#include "cli/cmd.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/demo.h"
#include "cli/demo_bot.h"
#include "cli/option.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLLERS_DEFAULT 3
#define SECONDS_DEFAULT 60
/* For bots and books to come to an end. */
#define ENDING_US (3 * US_PER_SECOND)

static const char usage[] =
        "usage: weir demo [OPTION]...\n\n"
        "Starts two simulated exchanges on this machine, and the same greedy bots twice: straight\n"
        "at the first, and through weir at the second. Shows side by side what becomes of them.\n"
        "Nothing leaves this machine.\n\n"
        "  --seconds N   how long (1 to 600; default 60)\n"
        "  --bots N      bots on each side that poll market data (1 to 32; default 3); one more\n"
        "                trades\n"
        "  --json        only the summary, for programs\n"
        "  --help        this text\n\n"
        "Exit status: 0 when the exchange refused and banned nobody through weir, 1 when it did\n"
        "or the demo could not run, 2 for a wrong command line.\n";

struct run {
        struct demo demo;
        char folder[64]; /* of the gateway's region; empty: none */
        struct loop *loop;
        struct loop_timer *tick, *second, *end, *give_up;
        bool is_ending, is_asking_last, has_failed;
        uint64_t last_answers[SIDES]; /* of the books before the last question */
};

/*
 * Starting
 */

static int complain(const char *what, int r)
{
        fprintf(stderr, "weir: demo: %s: %s\n", what, strerror(-r));
        return r;
}

static int complain_of_child(const struct child *c, int r)
{
        fprintf(stderr, "weir: demo: %s does not start (%s)%s%s\n", c->name, strerror(-r),
                c->n_said ? ":\n" : "", c->said);
        return r;
}

/* Ended by us, and by nobody before everything is set up. */
static void block_signals(sigset_t *ret_before)
{
        sigset_t ours;

        sigemptyset(&ours);
        sigaddset(&ours, SIGINT);
        sigaddset(&ours, SIGTERM);
        sigaddset(&ours, SIGHUP);
        sigaddset(&ours, SIGQUIT);
        sigprocmask(SIG_BLOCK, &ours, ret_before);
}

static int make_folder(struct run *run)
{
        const char *parent = getenv("TMPDIR");
        int n = snprintf(run->folder, sizeof(run->folder), "%s/weir-demo-XXXXXX",
                         parent && parent[0] ? parent : "/tmp");

        if (n < 0 || (size_t)n >= sizeof(run->folder))
                (void)strcpy(run->folder, "/tmp/weir-demo-XXXXXX");
        if (!mkdtemp(run->folder)) {
                int r = -errno;

                fprintf(stderr, "weir: demo: cannot make %s: %s; set TMPDIR\n", run->folder,
                        strerror(-r));
                run->folder[0] = '\0';
                return r;
        }
        return 0;
}

static void remove_folder(struct run *run)
{
        DIR *folder = run->folder[0] ? opendir(run->folder) : NULL;
        const struct dirent *entry;

        if (!folder)
                return;
        while ((entry = readdir(folder)))
                if (entry->d_name[0] != '.')
                        (void)unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
        (void)rmdir(run->folder);
        run->folder[0] = '\0';
}

static int start_sim(struct demo_side *side)
{
        char *argv[] = { (char[]){ "sim" },
                         (char[]){ "--listen" },
                         (char[]){ "127.0.0.1:0" },
                         (char[]){ "--limit" },
                         (char[]){ "futures-weight=" DEMO_WEIGHT "/" DEMO_WINDOW_S "s" },
                         (char[]){ "--ban" },
                         (char[]){ DEMO_BANS },
                         (char[]){ "--latency" },
                         (char[]){ "8~4" },
                         (char[]){ "--quiet" },
                         NULL };
        int r = child_start(&side->sim, argv);

        if (r == 0)
                r = child_listening(&side->sim, &side->exchange_port);
        side->port = side->exchange_port;
        return r < 0 ? complain_of_child(&side->sim, r) : 0;
}

static int start_gateway(struct run *run, struct demo_side *side)
{
        char region[sizeof(run->folder) + 16], upstream[64];
        char *argv[] = { (char[]){ "gateway" },
                         (char[]){ "--listen" },
                         (char[]){ "127.0.0.1:0" },
                         (char[]){ "--upstream" },
                         upstream,
                         (char[]){ "--region" },
                         region,
                         NULL };
        int r;

        (void)snprintf(region, sizeof(region), "%s/region", run->folder);
        (void)snprintf(upstream, sizeof(upstream), "http://127.0.0.1:%u", side->exchange_port);
        r = child_start(&side->gateway, argv);
        if (r == 0)
                r = child_listening(&side->gateway, &side->port);
        return r < 0 ? complain_of_child(&side->gateway, r) : 0;
}

static int live(const void *ctx)
{
        return bot_run(ctx);
}

static int start_bots(const struct demo *d, struct demo_side *side)
{
        for (unsigned i = 0; i < d->n_bots; ++i) {
                struct bot_config config = {
                        .kind = i + 1 < d->n_bots ? BOT_POLLER : BOT_TRADER,
                        .number = i,
                        .port = side->port,
                        .tally = &side->tallies[i],
                };
                int r = child_fork(&side->bots[i], "bot", live, &config);

                if (r < 0)
                        return complain("cannot start a bot", r);
        }
        return 0;
}

static int start_side(struct run *run, struct demo_side *side)
{
        int r = start_sim(side);

        if (r == 0 && side->has_gateway)
                r = start_gateway(run, side);
        if (r < 0)
                return r;
        side->tallies = tally_map(run->demo.n_bots);
        return side->tallies ? 0 : complain("cannot count", -ENOMEM);
}

/* Everything that forks comes before the loop, whose descriptors are not for children. */
static int start_all(struct run *run)
{
        int r = make_folder(run);

        for (unsigned i = 0; r == 0 && i < SIDES; ++i)
                r = start_side(run, &run->demo.sides[i]);
        run->demo.start_us = clock_mono_us();
        for (unsigned i = 0; r == 0 && i < SIDES; ++i)
                r = start_bots(&run->demo, &run->demo.sides[i]);
        return r;
}

/*
 * Ending: the bots stop and add up, then the books are read a last time.
 */

static bool have_bots_ended(struct demo *d)
{
        bool have_ended = true;

        for (unsigned i = 0; i < SIDES; ++i)
                for (unsigned k = 0; k < d->n_bots; ++k)
                        have_ended &= child_has_ended(&d->sides[i].bots[k]);
        return have_ended;
}

static void end(void *ctx)
{
        struct run *run = ctx;

        if (run->is_ending)
                return;
        run->is_ending = true;
        run->demo.end_us = clock_mono_us();
        loop_timer_clear(run->tick);
        loop_timer_clear(run->second);
        for (unsigned i = 0; i < SIDES; ++i)
                for (unsigned k = 0; k < run->demo.n_bots; ++k)
                        child_signal(&run->demo.sides[i].bots[k], SIGTERM);
        loop_timer_set(run->give_up, run->demo.end_us + ENDING_US);
        loop_timer_every(run->tick, US_PER_SECOND / 50);
}

/* A question that was already open may have been answered before the bots stopped. */
static void ask_last(struct run *run)
{
        for (unsigned i = 0; i < SIDES; ++i) {
                struct books *b = &run->demo.sides[i].books;

                if (b->is_asking)
                        return;
                run->last_answers[i] = b->n_answers;
        }
        for (unsigned i = 0; i < SIDES; ++i)
                books_ask(&run->demo.sides[i].books);
        run->is_asking_last = true;
}

static void finish(struct run *run)
{
        bool is_done = run->is_asking_last;

        for (unsigned i = 0; i < SIDES && is_done; ++i)
                is_done = run->demo.sides[i].books.n_answers > run->last_answers[i];
        if (is_done)
                loop_stop(run->loop);
        else if (!run->is_asking_last && have_bots_ended(&run->demo))
                ask_last(run);
}

static void give_up(void *ctx)
{
        struct run *run = ctx;

        loop_stop(run->loop);
}

/*
 * Running
 */

static void look_after(struct run *run, struct child *c)
{
        if (run->has_failed || c->pid == 0 || !child_has_ended(c))
                return;
        run->has_failed = true;
        screen_close(&run->demo.screen);
        fprintf(stderr, "weir: demo: %s ended too early%s%s\n", c->name, c->n_said ? ":\n" : "",
                c->said);
        loop_stop(run->loop);
}

static void look_after_all(struct run *run)
{
        for (unsigned i = 0; i < SIDES; ++i) {
                struct demo_side *side = &run->demo.sides[i];

                look_after(run, &side->sim);
                look_after(run, &side->gateway);
                for (unsigned k = 0; k < run->demo.n_bots && !run->is_ending; ++k)
                        look_after(run, &side->bots[k]);
        }
}

static void on_tick(void *ctx)
{
        struct run *run = ctx;
        struct demo *d = &run->demo;

        look_after_all(run);
        if (run->has_failed)
                return;
        if (run->is_ending) {
                finish(run);
                return;
        }
        if (d->screen.is_open)
                demo_draw(d);
        for (unsigned i = 0; i < SIDES; ++i) {
                struct demo_side *side = &d->sides[i];

                side->recent[d->n_ticks % DEMO_RECENT] =
                        tally_sum(side->tallies, d->n_bots, TALLY_ANSWERED);
                books_ask(&side->books);
        }
        d->n_ticks += 1;
}

static void on_second(void *ctx)
{
        struct run *run = ctx;

        demo_print_lines(&run->demo);
        /* Nobody reads on. */
        if (ferror(stdout))
                end(run);
}

static int open_side(struct run *run, struct demo_side *side)
{
        int r = books_init(&side->books, run->loop, side->exchange_port);

        if (r == 0)
                r = child_watch(&side->sim, run->loop);
        if (r == 0)
                r = child_watch(&side->gateway, run->loop);
        return r;
}

static int open_loop(struct run *run)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        int r = loop_new(&run->loop);

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(signals); ++i)
                r = loop_on_signal(run->loop, signals[i], end, run);
        if (r == 0)
                r = loop_timer_new(run->loop, on_tick, run, &run->tick);
        if (r == 0)
                r = loop_timer_new(run->loop, on_second, run, &run->second);
        if (r == 0)
                r = loop_timer_new(run->loop, end, run, &run->end);
        if (r == 0)
                r = loop_timer_new(run->loop, give_up, run, &run->give_up);
        for (unsigned i = 0; r == 0 && i < SIDES; ++i)
                r = open_side(run, &run->demo.sides[i]);
        return r < 0 ? complain("cannot set up the event loop", r) : 0;
}

static int watch(struct run *run, const sigset_t *signals)
{
        struct demo *d = &run->demo;
        int r = open_loop(run);

        if (r < 0)
                return r;
        if (!d->is_json && screen_is_possible())
                screen_open(&d->screen);
        else if (!d->is_json)
                loop_timer_every(run->second, US_PER_SECOND);
        loop_timer_every(run->tick, US_PER_SECOND / DEMO_TICKS_PER_S);
        loop_timer_set(run->end, d->start_us + d->seconds * US_PER_SECOND);
        sigprocmask(SIG_SETMASK, signals, NULL);
        r = loop_run(run->loop);
        screen_close(&d->screen);
        return r < 0 ? complain("the event loop", r) : run->has_failed ? -ECHILD : 0;
}

static void close_all(struct run *run)
{
        for (unsigned i = 0; i < SIDES; ++i) {
                struct demo_side *side = &run->demo.sides[i];

                for (unsigned k = 0; k < run->demo.n_bots; ++k)
                        child_deinit(&side->bots[k]);
                child_deinit(&side->gateway);
                child_deinit(&side->sim);
                books_deinit(&side->books);
        }
        run->tick = loop_timer_free(run->tick);
        run->second = loop_timer_free(run->second);
        run->end = loop_timer_free(run->end);
        run->give_up = loop_timer_free(run->give_up);
        run->loop = loop_free(run->loop);
        remove_folder(run);
}

static int show(struct run *run)
{
        sigset_t signals;
        int r;

        block_signals(&signals);
        r = start_all(run);
        if (r == 0)
                r = watch(run, &signals);
        close_all(run);
        if (r < 0)
                return EXIT_FAILED;
        if (run->demo.is_json)
                demo_print_json(&run->demo);
        else
                demo_print_summary(&run->demo);
        return demo_is_clean(&run->demo) ? EXIT_DONE : EXIT_FAILED;
}

/*
 * Command line
 */

static int take_count(void *ctx, const struct option_row *row, char *text)
{
        struct demo *d = ctx;
        bool is_seconds = strcmp(row->name, "--seconds") == 0;
        unsigned most = is_seconds ? DEMO_SECONDS_MAX : DEMO_POLLERS_MAX;
        uint64_t value;

        if (str_to_u64(str_of(text), &value) < 0 || value < 1 || value > most) {
                fprintf(stderr, "weir: demo: %s %s: want a number from 1 to %u\n", row->name, text,
                        most);
                return -EINVAL;
        }
        if (is_seconds)
                d->seconds = (unsigned)value;
        else
                d->n_bots = (unsigned)value + 1;
        return 0;
}

int cmd_demo(int argc, char **argv)
{
        static struct run run;
        const struct option_row rows[] = {
                { "--seconds", .take = take_count },
                { "--bots", .take = take_count },
                { "--json", .on = &run.demo.is_json },
                { .name = NULL },
        };
        const struct options options = { "demo", usage, rows, .ctx = &run.demo };
        int code;

        run.demo.seconds = SECONDS_DEFAULT;
        run.demo.n_bots = POLLERS_DEFAULT + 1;
        if (!options_read(&options, argc, argv, &code))
                return code;
        for (unsigned i = 0; i < SIDES; ++i) {
                struct demo_side *side = &run.demo.sides[i];

                side->has_gateway = i == WEIR;
                side->sim = side->gateway = CHILD_NULL;
                for (size_t k = 0; k < ARRAY_SIZE(side->bots); ++k)
                        side->bots[k] = CHILD_NULL;
        }
        return show(&run);
}
