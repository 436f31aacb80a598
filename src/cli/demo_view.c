#include "cli/demo.h"

#include "base/clock.h"

#include <string.h>

/* Rows of the picture. */
enum {
        ROW_TITLE = 0,
        ROW_RULES = 1,
        ROW_HEADS = 3,
        ROW_ANSWERED = 5,
        ROW_REFUSED = 6,
        ROW_BANS = 7,
        ROW_WEIGHT = 9,
        ROW_BAR = 10,
        ROW_BEFORE = 12,
        ROW_WINDOWS = 13, /* and two more */
        ROW_GROUND = 16,
        ROW_ORDERS = 18,
        ROW_WAITING = 19,
        ROW_WAIT = 20,
        ROW_IN_WEIR = 21,
        ROW_KEYS = 23,
};

#define WINDOW_ROWS  3u
#define WINDOW_CELLS 3u /* two for the bar, one between */

/* Half of the screen: columns @left to @end. */
struct pane {
        struct screen *screen;
        const struct demo *demo;
        const struct demo_side *side;
        struct demo_result result;
        unsigned left, end;
        uint64_t now_us;
};

static void label(const struct pane *p, unsigned row, const char *text)
{
        screen_put(p->screen, row, p->left, p->end, STYLE_DIM, "%s", text);
}

/* Of a pane: where values begin. */
#define VALUE_COL 11u

/* Answers of the last two seconds, per second. */
static uint64_t recent_per_s(const struct demo *d, const struct demo_side *side, uint64_t answered)
{
        uint64_t n = d->n_ticks < DEMO_RECENT ? d->n_ticks : DEMO_RECENT;
        uint64_t then = d->n_ticks < DEMO_RECENT ? 0 : side->recent[d->n_ticks % DEMO_RECENT];

        return n ? (answered - then) * DEMO_TICKS_PER_S / n : 0;
}

static void draw_requests(const struct pane *p)
{
        const struct demo_result *r = &p->result;
        char a[DEMO_TEXT], b[DEMO_TEXT], c[DEMO_TEXT];
        unsigned at = p->left + VALUE_COL;

        label(p, ROW_ANSWERED, "answered");
        screen_put(p->screen, ROW_ANSWERED, at, p->end, STYLE_BOLD, "%-10s",
                   demo_count(r->answered, a));
        screen_put(p->screen, ROW_ANSWERED, at + 10, p->end, STYLE_PLAIN, "%s per second",
                   demo_count(recent_per_s(p->demo, p->side, r->answered), b));
        label(p, ROW_REFUSED, "refused");
        screen_put(p->screen, ROW_REFUSED, at, p->end, r->refused_429 ? STYLE_BAD : STYLE_GOOD,
                   "429: %s", demo_count(r->refused_429, a));
        screen_put(p->screen, ROW_REFUSED, at + 10, p->end, r->refused_418 ? STYLE_BAD : STYLE_GOOD,
                   "418: %s", demo_count(r->refused_418, c));
}

static void draw_bans(const struct pane *p)
{
        uint64_t now_ms = books_now_ms(&p->side->books, p->now_us);
        uint64_t until_ms = p->side->books.ban_until_ms;
        unsigned at = p->left + VALUE_COL;

        label(p, ROW_BANS, "bans");
        screen_put(p->screen, ROW_BANS, at, p->end, p->result.n_bans ? STYLE_BAD : STYLE_GOOD,
                   "%llu", (unsigned long long)p->result.n_bans);
        if (until_ms > now_ms)
                screen_put(p->screen, ROW_BANS, at + 10, p->end, STYLE_BAD, "BANNED, %llu s left",
                           (unsigned long long)((until_ms - now_ms + 999) / MS_PER_SECOND));
        else
                screen_put(p->screen, ROW_BANS, at + 10, p->end, STYLE_GOOD, "not banned");
}

static enum screen_style weight_style(const struct books *b, uint64_t used)
{
        return used > b->limit ? STYLE_BAD : used * 10 >= b->limit * 9 ? STYLE_WARN : STYLE_GOOD;
}

static void draw_weight(const struct pane *p)
{
        const struct books *b = &p->side->books;
        uint64_t used = b->used[BOOKS_WINDOWS - 1], now_ms = books_now_ms(b, p->now_us);
        unsigned width = p->end - p->left, full;

        label(p, ROW_WEIGHT, "weight now");
        if (b->span_ms == 0)
                return;
        full = (unsigned)(used * width / b->limit);
        screen_put(p->screen, ROW_WEIGHT, p->left + VALUE_COL, p->end, STYLE_PLAIN,
                   "%llu of %llu, turns in %llu s", (unsigned long long)used,
                   (unsigned long long)b->limit,
                   (unsigned long long)((b->span_ms - now_ms % b->span_ms + 999) / MS_PER_SECOND));
        for (unsigned i = 0; i < width; ++i)
                screen_put(p->screen, ROW_BAR, p->left + i, p->end,
                           i < full ? weight_style(b, used) : STYLE_DIM, "%s",
                           p->screen->is_unicode ? i < full ? "█" : "░"
                           : i < full            ? "#"
                                                 : ".");
}

/* The part of a bar of @eighths that stands in @row, counted from the ground. */
static const char *bar_part(const struct screen *s, unsigned eighths, unsigned row)
{
        static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        unsigned here = eighths > row * 8 ? eighths - row * 8 : 0;

        if (s->is_unicode)
                return blocks[here < 8 ? here : 8];
        return here >= 4 ? "#" : here > 0 ? "_" : " ";
}

static void draw_window(const struct pane *p, unsigned i)
{
        const struct books *b = &p->side->books;
        unsigned col = p->left + i * WINDOW_CELLS, eighths = WINDOW_ROWS * 8;
        uint64_t used = b->used[i];

        if (used < b->limit)
                eighths = (unsigned)(used * eighths / b->limit);
        if (used > 0 && eighths == 0)
                eighths = 1;
        for (unsigned row = 0; row < WINDOW_ROWS; ++row)
                for (unsigned cell = 0; cell < WINDOW_CELLS - 1; ++cell)
                        screen_put(p->screen, ROW_WINDOWS + WINDOW_ROWS - 1 - row, col + cell,
                                   p->end, weight_style(b, used), "%s",
                                   bar_part(p->screen, eighths, row));
        screen_put(p->screen, ROW_GROUND, col, p->end, STYLE_DIM, "%s",
                   p->screen->is_unicode ? "──" : "--");
}

static void draw_windows(const struct pane *p)
{
        label(p, ROW_BEFORE, "the last 10 windows, this one last");
        for (unsigned i = 0; i < BOOKS_WINDOWS && p->side->books.limit > 0; ++i)
                draw_window(p, i);
}

static void draw_orders(const struct pane *p)
{
        const struct demo_result *r = &p->result;
        uint64_t refused = r->orders_refused + r->cancels_refused;
        char a[DEMO_TEXT], b[DEMO_TEXT];
        unsigned at = p->left + VALUE_COL;

        label(p, ROW_ORDERS, "orders");
        screen_put(p->screen, ROW_ORDERS, at, p->end, STYLE_BOLD, "%s placed",
                   demo_count(r->orders_placed, a));
        screen_put(p->screen, ROW_ORDERS, at + 13, p->end, refused ? STYLE_BAD : STYLE_GOOD,
                   "%s refused", demo_count(refused, b));
        label(p, ROW_WAITING, "waiting");
        if (r->waiting_since_us && p->now_us > r->waiting_since_us + US_PER_SECOND)
                screen_put(p->screen, ROW_WAITING, at, p->end, STYLE_BAD, "%s, the oldest %s",
                           demo_count(r->waiting, a),
                           demo_duration(p->now_us - r->waiting_since_us, b));
        else
                screen_put(p->screen, ROW_WAITING, at, p->end, STYLE_GOOD, "none");
}

static enum screen_style wait_style(uint64_t us)
{
        return us >= US_PER_SECOND ? STYLE_BAD : us >= US_PER_SECOND / 10 ? STYLE_WARN : STYLE_GOOD;
}

static void draw_waits(const struct pane *p)
{
        const struct demo_result *r = &p->result;
        char a[DEMO_TEXT], b[DEMO_TEXT];
        unsigned at = p->left + VALUE_COL;

        label(p, ROW_WAIT, "order wait");
        if (r->wait_max_us > 0) {
                screen_put(p->screen, ROW_WAIT, at, p->end, wait_style(r->wait_p50_us), "p50 %s",
                           demo_duration(r->wait_p50_us, a));
                screen_put(p->screen, ROW_WAIT, at + 13, p->end, wait_style(r->wait_p99_us),
                           "p99 %s", demo_duration(r->wait_p99_us, b));
        }
        if (!p->side->has_gateway)
                return;
        label(p, ROW_IN_WEIR, "  in weir");
        screen_put(p->screen, ROW_IN_WEIR, at, p->end, STYLE_PLAIN, "p50 %s",
                   demo_duration(r->in_weir_p50_us, a));
        screen_put(p->screen, ROW_IN_WEIR, at + 13, p->end, STYLE_PLAIN, "p99 %s",
                   demo_duration(r->in_weir_p99_us, b));
}

static void draw_pane(const struct pane *p)
{
        screen_put(p->screen, ROW_HEADS, p->left, p->end, STYLE_BOLD, "%s",
                   p->side->has_gateway ? "THROUGH WEIR" : "STRAIGHT AT THE EXCHANGE");
        draw_requests(p);
        draw_bans(p);
        draw_weight(p);
        draw_windows(p);
        draw_orders(p);
        draw_waits(p);
}

static void draw_frame(struct demo *d)
{
        struct screen *s = &d->screen;
        unsigned middle = s->cols / 2;

        screen_put(s, ROW_TITLE, 1, s->cols, STYLE_BOLD, "weir demo");
        screen_put(s, ROW_TITLE, 12, s->cols, STYLE_PLAIN,
                   "%u greedy bots on each side; one of them trades", d->n_bots);
        screen_put(s, ROW_TITLE, s->cols - 13, s->cols, STYLE_BOLD, "%3llu of %u s",
                   (unsigned long long)(demo_elapsed_ms(d) / MS_PER_SECOND), d->seconds);
        screen_put(s, ROW_RULES, 1, s->cols, STYLE_DIM,
                   "Each exchange allows " DEMO_WEIGHT " weight per " DEMO_WINDOW_S
                   " s; who goes on after a 429 is banned.");
        for (unsigned row = ROW_HEADS; row <= ROW_IN_WEIR; ++row)
                screen_put(s, row, middle, s->cols, STYLE_DIM, "%s", s->is_unicode ? "│" : "|");
        screen_put(s, ROW_KEYS, 1, s->cols, STYLE_DIM, "Ctrl-C: end, and the summary so far");
}

void demo_draw(struct demo *d)
{
        unsigned middle;

        screen_clear(&d->screen);
        middle = d->screen.cols / 2;
        draw_frame(d);
        for (unsigned i = 0; i < SIDES; ++i) {
                struct pane p = {
                        .screen = &d->screen,
                        .demo = d,
                        .side = &d->sides[i],
                        .left = i == DIRECT ? 1 : middle + 2,
                        .end = i == DIRECT ? middle - 1 : d->screen.cols - 1,
                        .now_us = clock_mono_us(),
                };

                demo_result(d, p.side, &p.result);
                draw_pane(&p);
        }
        screen_show(&d->screen);
}

void demo_print_lines(const struct demo *d)
{
        for (unsigned i = 0; i < SIDES; ++i) {
                const struct demo_side *side = &d->sides[i];
                struct demo_result r;
                char p99[DEMO_TEXT];

                demo_result(d, side, &r);
                printf("%3llu s  %-8s  answered %6llu  429 %4llu  418 %5llu  bans %llu  "
                       "weight %4llu/%llu  orders %4llu placed, %4llu refused, p99 %s\n",
                       (unsigned long long)(demo_elapsed_ms(d) / MS_PER_SECOND),
                       side->has_gateway ? "weir" : "straight", (unsigned long long)r.answered,
                       (unsigned long long)r.refused_429, (unsigned long long)r.refused_418,
                       (unsigned long long)r.n_bans,
                       (unsigned long long)side->books.used[BOOKS_WINDOWS - 1],
                       (unsigned long long)side->books.limit, (unsigned long long)r.orders_placed,
                       (unsigned long long)(r.orders_refused + r.cancels_refused),
                       demo_duration(r.wait_p99_us, p99));
        }
        fflush(stdout);
}
