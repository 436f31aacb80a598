#include "base/clock.h"
#include "cli/access.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "cli/option.h"
#include "cli/terminal.h"
#include "cli/top_screen.h"
#include "cli/top_source.h"
#include "cli/top_view.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "usage: weir top [OPTION]...\n\n"
        "Shows the budgets live: what is used of each window and by whom, who waits, stops and\n"
        "bans, and, from a gateway, who spends and what happens. It only looks.\n\n"
        "  --region PATH      a region of this machine; default: WEIR_REGION, else the default "
        "place\n"
        "  --gateway[=URL]    what a gateway says: http://HOST:PORT, https://HOST:PORT or\n"
        "                     unix:PATH; default " ACCESS_GATEWAY "\n"
        "  --token-file FILE  a token that lets one look, where the gateway wants one\n"
        "  --ca FILE          certificates to trust instead of the system's\n"
        "  --cert FILE, --key FILE\n"
        "                     a certificate to show (watch.client_ca), and its private key; "
        "without\n"
        "                     --key it is in the same file\n"
        "  --interval SECONDS between two frames, 0.1 to 3600; default 0.5\n"
        "  --once             print one frame and end, as wide as the terminal or COLUMNS\n"
        "  --ascii            no characters beyond ASCII; likewise where the locale has none\n"
        "  --help             this text\n\n"
        "Keys: q quit, p freeze, c a e who spends by client, account, endpoint, < > sort, r turn,\n"
        "h help. NO_COLOR is obeyed.\n\n"
        "Exit status: 0 ended as wished, 1 there is nothing to look at, or it is a region that no\n"
        "program should work with, as stderr says, 2 for a wrong command line.\n";

/* A gateway that does not answer a --once by then. */
#define ONCE_US (10 * US_PER_SECOND)
#define PAGE    10u

struct top {
        struct loop *loop;
        struct top_source source;
        struct top_screen screen;
        struct top_view view;
        /* Of when it was frozen. */
        json_t *now, *spenders;
        struct top_events events;
        uint64_t now_us;
        struct loop_timer *tick;
        struct loop_watch *keys;
        uint64_t interval_us;
        bool is_once, is_ascii, is_drawn_due;
};

static void thaw(struct top *t)
{
        json_decref(t->now);
        json_decref(t->spenders);
        t->now = t->spenders = NULL;
        top_events_deinit(&t->events);
        t->view.is_frozen = false;
}

static void freeze(struct top *t)
{
        t->view.is_frozen = true;
        t->now = json_incref(t->source.now);
        t->spenders = json_incref(t->source.spenders);
        t->now_us = t->source.now_us;
        for (unsigned i = 0; i < t->source.events.n; ++i)
                t->events.all[i] = json_incref(t->source.events.all[i]);
        t->events.n = t->source.events.n;
}

static bool is_well(const struct top_source *s)
{
        return s->is_live && !s->is_mute;
}

static void compose(struct top *t)
{
        struct top_view *v = &t->view;
        const struct top_source *s = &t->source;
        uint64_t now_us = loop_now_us(t->loop);
        uint64_t then_us = v->is_frozen ? t->now_us : s->now_us;

        v->now = v->is_frozen ? t->now : s->now;
        v->spenders = v->is_frozen ? t->spenders : s->spenders;
        v->events = v->is_frozen ? &t->events : &s->events;
        v->age_ms = now_us > then_us ? (now_us - then_us) / US_PER_MS : 0;
        v->trouble = is_well(s) ? NULL : s->why[0] ? s->why : "asking";
        v->doubt = s->is_doubted ? s->why : NULL;
        /* What nobody says any more, or is frozen, is shown as it was. */
        if (s->now && !v->is_frozen)
                json_object_set_new(s->now, "age_ms",
                                    json_integer(is_well(s) ? (json_int_t)v->age_ms : 0));
        v->source = s->name;
        v->is_gateway = top_source_is_gateway(s);
}

static void draw(struct top *t)
{
        struct sheet sheet;
        unsigned rows, cols;

        top_screen_size(&rows, &cols);
        if (sheet_init(&sheet, rows, cols, t->screen.is_unicode) < 0)
                return;
        compose(t);
        top_view_draw(&sheet, &t->view);
        top_screen_show(&t->screen, &sheet);
        sheet_deinit(&sheet);
}

static void draw_later(void *ctx)
{
        struct top *t = ctx;

        t->is_drawn_due = false;
        if (t->screen.is_open)
                draw(t);
}

static void want_frame(struct top *t)
{
        if (t->is_drawn_due)
                return;
        t->is_drawn_due = loop_defer(t->loop, draw_later, t) == 0;
}

/* The first of all, and what is wrong or right again, is seen at once; the rest with the tick. */
static void on_change(void *ctx)
{
        struct top *t = ctx;
        bool is_complete = t->source.now && (t->source.has_asked || t->source.path);

        if (t->is_once) {
                if (is_complete || (t->source.why[0] && !t->source.is_live))
                        loop_stop(t->loop);
                return;
        }
        if (!t->view.now || (t->view.trouble == NULL) != is_well(&t->source) || !t->view.spenders)
                want_frame(t);
}

static void on_tick(void *ctx)
{
        struct top *t = ctx;

        top_source_look(&t->source, clock_wall_us() / US_PER_MS);
        want_frame(t);
}

static void sort_by(struct top *t, int step)
{
        unsigned rows, cols;

        top_screen_size(&rows, &cols);
        t->view.order.column =
                top_column_next(t->view.order.column, step, top_view_spenders_width(cols));
}

static void show_by(struct top *t, enum top_by by)
{
        t->view.order.by = by;
        t->view.order.scroll = 0;
        top_source_by(&t->source, by);
}

static void scroll(struct top *t, int by)
{
        unsigned *at = &t->view.order.scroll;
        unsigned n = (unsigned)json_array_size(json_object_get(t->view.spenders, "rows"));

        if (by < 0)
                *at = *at > (unsigned)-by ? *at - (unsigned)-by : 0;
        else
                *at = *at + (unsigned)by < n ? *at + (unsigned)by : n ? n - 1 : 0;
}

static void press(struct top *t, int key)
{
        switch (key) {
        case 'q':
        case 'Q':
                loop_stop(t->loop);
                break;
        case 'p':
        case ' ':
                if (t->view.is_frozen)
                        thaw(t);
                else
                        freeze(t);
                break;
        case 'c':
                show_by(t, TOP_BY_CLIENT);
                break;
        case 'a':
                show_by(t, TOP_BY_ACCOUNT);
                break;
        case 'e':
                show_by(t, TOP_BY_ENDPOINT);
                break;
        case '>':
        case TOP_KEY_RIGHT:
                sort_by(t, 1);
                break;
        case '<':
        case TOP_KEY_LEFT:
                sort_by(t, -1);
                break;
        case 'r':
                t->view.order.is_upward = !t->view.order.is_upward;
                break;
        case TOP_KEY_UP:
                scroll(t, -1);
                break;
        case TOP_KEY_DOWN:
                scroll(t, 1);
                break;
        case TOP_KEY_PAGE_UP:
                scroll(t, -(int)PAGE);
                break;
        case TOP_KEY_PAGE_DOWN:
                scroll(t, (int)PAGE);
                break;
        case TOP_KEY_HOME:
                t->view.order.scroll = 0;
                break;
        case 'h':
        case '?':
                t->view.has_help = !t->view.has_help;
                break;
        case 'L' & 0x1f:
                top_screen_redraw();
                break;
        default:
                break;
        }
}

static void on_keys(void *ctx, unsigned what)
{
        struct top *t = ctx;
        int key;

        while ((key = top_screen_key()) != TOP_KEY_NONE)
                press(t, key);
        if (what & LOOP_HANGUP)
                loop_stop(t->loop);
        want_frame(t);
}

static void on_resize(void *ctx)
{
        struct top *t = ctx;

        top_screen_resize(&t->screen);
        want_frame(t);
}

static void on_suspend(void *ctx)
{
        struct top *t = ctx;

        top_screen_suspend(&t->screen);
        want_frame(t);
}

static void on_continue(void *ctx)
{
        struct top *t = ctx;

        /* Stopped by SIGSTOP, others have written there. */
        top_screen_redraw();
        want_frame(t);
}

static void on_end(void *ctx)
{
        struct top *t = ctx;

        loop_stop(t->loop);
}

static int watch_signals(struct top *t)
{
        static const struct {
                int signal;
                loop_fn fn;
        } signals[] = {
                { SIGINT, on_end },      { SIGTERM, on_end },     { SIGHUP, on_end },
                { SIGQUIT, on_end },     { SIGTSTP, on_suspend }, { SIGCONT, on_continue },
                { SIGWINCH, on_resize },
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(signals) && r == 0; ++i)
                r = loop_on_signal(t->loop, signals[i].signal, signals[i].fn, t);
        return r;
}

static int show_live(struct top *t)
{
        int r = watch_signals(t);

        if (r == 0)
                r = top_screen_open(&t->screen, !t->is_ascii, terminal_has_colours());
        if (r == 0)
                r = loop_watch(t->loop, STDIN_FILENO, on_keys, t, &t->keys);
        if (r == 0)
                r = loop_timer_new(t->loop, on_tick, t, &t->tick);
        if (r == 0) {
                t->view.is_frame = true;
                loop_timer_every(t->tick, t->interval_us);
                on_tick(t);
                r = loop_run(t->loop);
        }
        t->keys = loop_unwatch(t->keys);
        top_screen_close(&t->screen);
        return r < 0 || t->source.is_doubted ? EXIT_FAILED : EXIT_DONE;
}

static int show_once(struct top *t)
{
        struct sheet sheet;
        int r = 0;

        if (top_source_is_gateway(&t->source)) {
                r = loop_timer_new(t->loop, on_end, t, &t->tick);
                if (r == 0) {
                        loop_timer_set(t->tick, loop_now_us(t->loop) + ONCE_US);
                        r = loop_run(t->loop);
                }
        } else {
                top_source_look(&t->source, clock_wall_us() / US_PER_MS);
        }
        if (r < 0 || !t->source.now) {
                fprintf(stderr, "weir: top: %s: %s\n", t->source.name,
                        t->source.why[0] ? t->source.why : "it does not answer");
                return EXIT_FAILED;
        }
        if (sheet_init(&sheet, SHEET_ROWS_MAX, terminal_cols(), !t->is_ascii) < 0)
                return EXIT_FAILED;
        compose(t);
        top_view_draw(&sheet, &t->view);
        sheet_print(&sheet, stdout, terminal_has_colours());
        sheet_deinit(&sheet);
        return t->source.is_doubted ? EXIT_FAILED : EXIT_DONE;
}

static int take_interval(void *ctx, const struct option_row *row, char *text)
{
        struct top *t = ctx;
        char *end;
        double seconds;

        seconds = strtod(text, &end);
        if (end == text || *end != '\0' || !(seconds >= 0.1 && seconds <= 3600)) {
                fprintf(stderr, "weir: top: %s %s: want seconds from 0.1 to 3600\n", row->name,
                        text);
                return -EINVAL;
        }
        t->interval_us = (uint64_t)(seconds * US_PER_SECOND);
        return 0;
}

/* What does not go together. */
static const char *find_conflict(const struct top_source_config *config)
{
        if (config->region && config->gateway)
                return "--region and --gateway: look at one of them";
        if (!config->gateway && (config->token_file || config->ca_file || config->cert_file))
                return "--token-file, --ca and --cert go with --gateway";
        if (config->key_file && !config->cert_file)
                return "--key goes with --cert";
        return NULL;
}

static bool parse(struct top *t, struct top_source_config *config, int argc, char **argv,
                  int *ret_exit)
{
        const struct option_row rows[] = {
                { "--region", .text = &config->region },
                { "--gateway", .text = &config->gateway, .is_optional = true,
                  .preset = ACCESS_GATEWAY },
                { "--token-file", .text = &config->token_file },
                { "--ca", .text = &config->ca_file },
                { "--cert", .text = &config->cert_file },
                { "--key", .text = &config->key_file },
                { "--interval", .take = take_interval },
                { "--once", .on = &t->is_once },
                { "--ascii", .on = &t->is_ascii },
                { .name = NULL },
        };
        const char *conflict;

        if (!options_read(&(struct options){ "top", usage, rows, .ctx = t }, argc, argv, ret_exit))
                return false;
        conflict = find_conflict(config);
        if (conflict)
                fprintf(stderr, "weir: top: %s; see weir top --help\n", conflict);
        *ret_exit = EXIT_USAGE;
        return !conflict;
}

int cmd_top(int argc, char **argv)
{
        struct top t = { .interval_us = US_PER_SECOND / 2, .view.order = { .column = TOP_WEIGHT } };
        struct top_source_config config = { .region = NULL };
        char place[LOOK_PATH_SIZE];
        int exit_code, r;

        if (!parse(&t, &config, argc, argv, &exit_code))
                return exit_code;
        t.is_ascii |= !terminal_has_unicode();
        if (!config.gateway) {
                config.region =
                        look_path(config.region ? config.region : getenv("WEIR_REGION"), place);
                if (!config.region)
                        return EXIT_FAILED;
        }
        r = loop_new(&t.loop);
        if (r == 0)
                r = top_source_open(&t.source, t.loop, &config, on_change, &t);
        exit_code = r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
        if (r == 0)
                exit_code = t.is_once ? show_once(&t) : show_live(&t);
        thaw(&t);
        if (t.loop) {
                top_source_close(&t.source);
                loop_undefer(t.loop, draw_later, &t);
                t.tick = loop_timer_free(t.tick);
                t.loop = loop_free(t.loop);
        }
        return exit_code;
}
