#include "cli/history_picture.h"
#include "cli/history_time.h"
#include "cli/picture.h"
#include "cli/sheet.h"
#include "stats/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_COLS    17u
#define FIGURES       38u
#define BAR_MIN       10u
#define NAME_MAX_COLS 40u
#define SUM_COLS      9u
#define SUMS          9u
#define COLS          80u
#define DAY_MS        (86400 * MS_PER_SECOND)
/* From the end of a window until it is surely in the file. */
#define WRITTEN_MS (5 * MS_PER_SECOND)

/* Beyond these they are told apart by their letters only. */
static const enum sheet_style styles[] = { SHEET_OURS, SHEET_FLIGHT, SHEET_HELD, SHEET_WARN,
                                           SHEET_EXPECTED };

struct drawing {
        const struct history_table *table;
        const struct history_look *look;
        struct sheet line;
        unsigned bar, bar_end;
        uint64_t full; /* of which a bar is the whole */
};

static void finish(struct drawing *d)
{
        sheet_print(&d->line, stdout, d->look->is_coloured);
        if (sheet_height(&d->line) == 0)
                putchar('\n');
        sheet_clear(&d->line);
}

/* What is asked for. */
static enum history_count count_of(const struct history_table *t)
{
        return t->is_of_orders ? HISTORY_COUNT_orders : HISTORY_COUNT_weight;
}

/* A coloured block where there are colours, else a letter. */
static void mark(struct drawing *d, unsigned col, size_t series)
{
        bool is_others = strcmp(d->table->series[series].name, HISTORY_OTHERS) == 0;
        enum sheet_style style = is_others ? SHEET_DIM : styles[series % ARRAY_SIZE(styles)];
        char letter = is_others ? '-' : series < 26 ? (char)('A' + series) : '*';

        if (d->look->is_coloured && series < ARRAY_SIZE(styles) + (size_t)is_others * 64)
                sheet_mark(&d->line, 0, col, style, "█", letter);
        else
                sheet_put(&d->line, 0, col, d->line.cols, style, "%c", letter);
}

/* What others use is in the pool's own unit. */
static uint64_t foreign(const struct history_table *t, size_t i)
{
        return t->is_of_orders && !stats_is_of_orders(t->pool) ? 0 : t->foreign[i];
}

static uint64_t used(const struct history_table *t, size_t i)
{
        return t->counts[count_of(t)][i] + foreign(t, i);
}

static uint64_t used_by(const struct history_series *s, const struct history_table *t, size_t i)
{
        return t->is_of_orders ? s->orders[i] : s->weight[i];
}

static void draw_bar(struct drawing *d, size_t i)
{
        const struct history_table *t = d->table;
        unsigned cells = d->bar_end - d->bar, at = 0;
        uint64_t sum = 0;

        if (d->full == 0)
                return;
        for (size_t k = 0; k <= t->n_series; ++k) {
                unsigned end;

                sum += k < t->n_series ? used_by(&t->series[k], t, i) : foreign(t, i);
                end = (unsigned)((sum * cells + d->full / 2) / d->full);
                for (; at < end && at < cells; ++at) {
                        if (k < t->n_series)
                                mark(d, d->bar + at, k);
                        else
                                sheet_mark(&d->line, 0, d->bar + at, SHEET_FOREIGN, "▒", '+');
                }
        }
}

static const char *label(const struct history_table *t, size_t i, char to[HISTORY_TIME_SIZE])
{
        history_time_text(t->first_ms + i * t->step_ms, to);
        if (t->step_ms >= DAY_MS)
                to[10] = '\0';
        /* The year stands at the top. */
        return t->step_ms >= DAY_MS ? to : to + 5;
}

static const char *wait_text(uint64_t us, char to[PICTURE_TIME_SIZE])
{
        if (us == HISTORY_NO_WAIT)
                return "-";
        return picture_time((json_int_t)(us / 1000), to);
}

static void put_count(struct drawing *d, unsigned col, unsigned end, enum sheet_style style,
                      uint64_t n)
{
        char text[PICTURE_COUNT_SIZE];

        sheet_put_right(&d->line, 0, col, end, n > 0 ? style : SHEET_DIM, "%s",
                        picture_count((json_int_t)n, text));
}

static void draw_step(struct drawing *d, size_t i)
{
        const struct history_table *t = d->table;
        unsigned at = d->bar_end;
        char text[HISTORY_TIME_SIZE], wait[PICTURE_TIME_SIZE];

        sheet_put(&d->line, 0, 0, LABEL_COLS, SHEET_DIM, "%s", label(t, i, text));
        draw_bar(d, i);
        put_count(d, at, at + 9, SHEET_BOLD, used(t, i));
        if (t->written[i] > 0 && !t->is_of_orders)
                sheet_put_right(&d->line, 0, at + 9, at + 14, SHEET_PLAIN, "%.0f%%",
                                (double)used(t, i) * 100 / (double)t->written[i]);
        sheet_put_right(&d->line, 0, at + 14, at + 24, SHEET_PLAIN, "%s",
                        wait_text(t->wait_p99_us[i], wait));
        put_count(d, at + 24, at + 30, SHEET_BAD, t->counts[HISTORY_COUNT_over_limit][i]);
        put_count(d, at + 30, at + FIGURES, SHEET_WARN, t->counts[HISTORY_COUNT_refused][i]);
        finish(d);
}

static void draw_heads(struct drawing *d)
{
        const struct history_table *t = d->table;
        char from[HISTORY_TIME_SIZE], to[HISTORY_TIME_SIZE];
        unsigned at = d->bar_end;

        sheet_put(&d->line, 0, 0, d->line.cols, SHEET_HEAD, "%s%s by %s and %s, %s to %s UTC",
                  t->is_of_orders && !stats_is_of_orders(t->pool) ? "orders in windows of " : "",
                  t->pool, history_by_name(t->by), history_step_name(t->step),
                  history_time_text(t->first_ms, from),
                  history_time_text(t->first_ms + t->n * t->step_ms, to));
        finish(d);
        sheet_put_right(&d->line, 0, at, at + 9, SHEET_DIM, "%s", history_count_name(count_of(t)));
        sheet_put_right(&d->line, 0, at + 9, at + 14, SHEET_DIM, "%s",
                        t->is_of_orders ? "" : "full");
        sheet_put_right(&d->line, 0, at + 14, at + 24, SHEET_DIM, "wait p99");
        sheet_put_right(&d->line, 0, at + 24, at + 30, SHEET_DIM, "429");
        sheet_put_right(&d->line, 0, at + 30, at + FIGURES, SHEET_DIM, "refused");
        finish(d);
}

/* What is on, or was a moment ago, is in no file: that is no gap. */
static bool is_unwritten(const struct drawing *d, size_t i)
{
        return d->table->first_ms + (i + 1) * d->table->step_ms + WRITTEN_MS > d->look->now_ms;
}

static void draw_unwritten(struct drawing *d, size_t i)
{
        const struct history_table *t = d->table;
        char text[HISTORY_TIME_SIZE];

        sheet_put(&d->line, 0, 0, LABEL_COLS, SHEET_DIM, "%s", label(t, i, text));
        sheet_put(&d->line, 0, LABEL_COLS, d->line.cols, SHEET_DIM,
                  t->first_ms + (i + 1) * t->step_ms > d->look->now_ms
                          ? "still open: a window is written when it is over"
                          : "just over: not written yet");
        finish(d);
}

/* Lines in which nobody wrote are one. Return: how many there are from @i on. */
static size_t draw_gap(struct drawing *d, size_t i)
{
        const struct history_table *t = d->table;
        size_t n = 1;

        if (is_unwritten(d, i)) {
                draw_unwritten(d, i);
                return n;
        }
        while (i + n < t->n && !t->is_there[i + n] && !is_unwritten(d, i + n))
                ++n;
        sheet_put(&d->line, 0, 0, d->line.cols, SHEET_DIM, "%*s%zu %s%s without anything written",
                  (int)LABEL_COLS, "", n, history_step_name(t->step), n == 1 ? "" : "s");
        finish(d);
        return n;
}

static const char *name_of(const struct history_series *s)
{
        return s->name[0] ? s->name : "all";
}

static unsigned longest_name(const struct history_table *t)
{
        unsigned n = 6;

        for (size_t i = 0; i < t->n_series; ++i)
                if (sheet_width(name_of(&t->series[i])) > n)
                        n = sheet_width(name_of(&t->series[i]));
        return n < NAME_MAX_COLS ? n : NAME_MAX_COLS;
}

static void draw_sums_head(struct drawing *d, unsigned at)
{
        const bool is_of_orders = d->table->is_of_orders;
        const char *const heads[] = { is_of_orders ? "orders" : "weight",
                                      "share",
                                      "requests",
                                      is_of_orders ? "weight" : "orders",
                                      "errors",
                                      "retries",
                                      "429",
                                      "refused",
                                      "wait p99" };

        finish(d);
        sheet_put(&d->line, 0, 2, d->line.cols, SHEET_DIM, "%s", history_by_name(d->table->by));
        for (unsigned i = 0; i < ARRAY_SIZE(heads); ++i)
                sheet_put_right(&d->line, 0, at + SUM_COLS * i, at + SUM_COLS * (i + 1), SHEET_DIM,
                                "%s", heads[i]);
        finish(d);
}

static void draw_sums(struct drawing *d)
{
        const struct history_table *t = d->table;
        const enum history_count shown[] = {
                HISTORY_COUNT_requests,
                t->is_of_orders ? HISTORY_COUNT_weight : HISTORY_COUNT_orders,
                HISTORY_COUNT_errors,
                HISTORY_COUNT_retries,
                HISTORY_COUNT_over_limit,
                HISTORY_COUNT_refused,
        };
        unsigned at = longest_name(t) + 2;
        uint64_t all = 0;

        for (size_t i = 0; i < t->n; ++i)
                all += t->counts[count_of(t)][i];
        draw_sums_head(d, at);
        for (size_t k = 0; k < t->n_series; ++k) {
                const struct history_series *s = &t->series[k];
                char wait[PICTURE_TIME_SIZE];

                mark(d, 0, k);
                sheet_put(&d->line, 0, 2, at, SHEET_PLAIN, "%s", name_of(s));
                put_count(d, at, at + 9, SHEET_BOLD, s->total[count_of(t)]);
                sheet_put_right(&d->line, 0, at + 9, at + 18, SHEET_PLAIN, "%.1f%%",
                                all ? (double)s->total[count_of(t)] * 100 / (double)all : 0);
                for (unsigned i = 0; i < ARRAY_SIZE(shown); ++i)
                        put_count(d, at + SUM_COLS * (i + 2), at + SUM_COLS * (i + 3),
                                  i < 2 ? SHEET_PLAIN : SHEET_WARN, s->total[shown[i]]);
                sheet_put_right(&d->line, 0, at + 72, at + 81, SHEET_PLAIN, "%s",
                                wait_text(s->wait_p99_us, wait));
                finish(d);
        }
}

static void draw_reasons(struct drawing *d)
{
        const struct history_table *t = d->table;
        unsigned at = 0;

        if (t->n_reasons == 0)
                return;
        finish(d);
        at = sheet_put(&d->line, 0, at, d->line.cols, SHEET_DIM, "refused: ");
        for (size_t i = 0; i < t->n_reasons; ++i)
                at = sheet_put(&d->line, 0, at, d->line.cols, SHEET_PLAIN, "%s%s %llu",
                               i ? ", " : "", t->reasons[i].name,
                               (unsigned long long)t->reasons[i].total[HISTORY_COUNT_refused]);
        finish(d);
}

/* Nobody's edge: of all that there is. */
static unsigned wanted_cols(const struct history_table *t)
{
        unsigned sums = longest_name(t) + 2 + SUM_COLS * SUMS;

        return sums > COLS ? sums : COLS;
}

int history_picture(const struct history_table *t, const struct history_look *look)
{
        struct drawing d = { .table = t, .look = look, .bar = LABEL_COLS };
        unsigned least = LABEL_COLS + FIGURES + BAR_MIN;
        unsigned cols = look->cols == 0 ? wanted_cols(t) : look->cols > least ? look->cols : least;
        /* Sentences are as long as they are. */
        int r = sheet_init(&d.line, 1, look->cols == 0 ? SHEET_COLS_MAX : cols, look->is_unicode);

        if (r < 0)
                return r;
        d.bar_end = (cols < d.line.cols ? cols : d.line.cols) - FIGURES;
        for (size_t i = 0; i < t->n; ++i)
                if (used(t, i) > d.full)
                        d.full = used(t, i);
        draw_heads(&d);
        for (size_t i = 0; i < t->n;) {
                if (t->is_there[i])
                        draw_step(&d, i++);
                else
                        i += draw_gap(&d, i);
        }
        if (t->n_series > 0)
                draw_sums(&d);
        draw_reasons(&d);
        sheet_deinit(&d.line);
        return 0;
}
