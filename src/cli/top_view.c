#include "cli/top_view.h"

#include "budget/counters.h"

#include <string.h>
#include <time.h>

/* From here on there is room for two columns of sections. */
#define TWO_COLS 150u

/* "request=ID " tells apart what is the same to who looks. */
static const char *text_of(const json_t *event)
{
        const char *text = picture_text(event, "text"), *end;

        if (strncmp(text, "request=", 8) != 0)
                return text;
        end = strchr(text, ' ');
        return end ? end + 1 : "";
}

/* Texts that differ in nothing but how many milliseconds something takes. */
static bool is_same_text(const char *a, const char *b)
{
        const char *from = a;

        while (*a && *a == *b) {
                ++a;
                ++b;
                if (a - from >= 4 && strncmp(a - 4, "_ms=", 4) == 0) {
                        a += strspn(a, "0123456789");
                        b += strspn(b, "0123456789");
                }
        }
        return *a == *b;
}

/* The same one again, a moment ago. Return: its place, or e->n. */
static unsigned find_same(const struct top_events *e, const json_t *event)
{
        unsigned from = e->n > TOP_EVENTS_FOLDED ? e->n - TOP_EVENTS_FOLDED : 0;

        for (unsigned i = from; i < e->n; ++i)
                if (strcmp(picture_text(e->all[i], "event"), picture_text(event, "event")) == 0 &&
                    is_same_text(text_of(e->all[i]), text_of(event)))
                        return i;
        return e->n;
}

static void remove_at(struct top_events *e, unsigned at)
{
        json_decref(e->all[at]);
        for (--e->n; at < e->n; ++at)
                e->all[at] = e->all[at + 1];
}

void top_events_add(struct top_events *e, json_t *event)
{
        unsigned same = find_same(e, event);

        if (same < e->n) {
                json_int_t times = picture_number(e->all[same], "times");

                json_object_set_new(event, "times", json_integer(times > 1 ? times + 1 : 2));
                remove_at(e, same);
        }
        if (e->n == TOP_EVENTS)
                remove_at(e, 0);
        e->all[e->n++] = event;
}

void top_events_deinit(struct top_events *e)
{
        while (e->n > 0)
                json_decref(e->all[--e->n]);
}

static void write_clock(json_int_t at_ms, char to[16])
{
        time_t seconds = (time_t)(at_ms / 1000);
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(to, 16, "%H:%M:%S", &tm) == 0)
                to[0] = '\0';
}

static void draw_title(struct sheet *s, const struct top_view *v)
{
        const json_t *gateway = json_object_get(v->now, "gateway");
        json_int_t age_ms = picture_number(v->now, "age_ms");
        json_int_t now_ms = picture_number(v->now, "exchange_ms") + age_ms;
        char clock[16] = "", up[PICTURE_TIME_SIZE];
        unsigned col, source_end = s->cols >= 44 ? s->cols - 22 : s->cols;

        sheet_fill(s, 0, 0, s->cols, SHEET_TITLE);
        if (now_ms > age_ms)
                write_clock(now_ms, clock);
        col = sheet_put(s, 0, 0, s->cols, SHEET_TITLE, " weir top  ");
        col = sheet_put_end(s, 0, col, source_end, SHEET_TITLE, v->source);
        if (gateway && s->cols >= 70) {
                col = sheet_put(s, 0, col, s->cols, SHEET_TITLE, "  %s%s",
                                picture_text(gateway, "state"),
                                json_is_true(json_object_get(gateway, "shadow")) ? ", shadow" : "");
                if (s->cols >= 100)
                        sheet_put(s, 0, col, s->cols, SHEET_TITLE, "  up %s  %lld connections",
                                  picture_time(picture_number(gateway, "uptime_ms") + age_ms, up),
                                  (long long)picture_number(gateway, "connections"));
        }
        sheet_put_right(s, 0, source_end < s->cols ? source_end : s->cols - 1, s->cols, SHEET_TITLE,
                        "%s%s%s ",
                        v->is_frozen ? " FROZEN "
                        : v->trouble ? " NOT LIVE "
                                     : " ",
                        clock, clock[0] ? " UTC" : "");
}

/* Return: rows taken. */
static unsigned draw_trouble(struct sheet *s, struct picture_box box, const struct top_view *v)
{
        char age[PICTURE_TIME_SIZE];

        if ((!v->trouble && !v->doubt) || box.row >= box.end_row)
                return 0;
        sheet_mark(s, box.row, box.col, SHEET_BAD, "▌", '!');
        if (!v->trouble)
                sheet_put(s, box.row, box.col + 2, box.end, SHEET_BAD, "%s", v->doubt);
        else if (v->now)
                sheet_put(s, box.row, box.col + 2, box.end, SHEET_BAD, "%s old: %s",
                          picture_time((json_int_t)v->age_ms, age), v->trouble);
        else
                sheet_put(s, box.row, box.col + 2, box.end, SHEET_BAD, "%s", v->trouble);
        return 1;
}

static unsigned draw_rates(struct sheet *s, struct picture_box box, const json_t *now)
{
        const json_t *rates = json_object_get(now, "rates");
        char requests[PICTURE_COUNT_SIZE], weight[PICTURE_COUNT_SIZE], n[PICTURE_COUNT_SIZE];

        if (!rates || box.row >= box.end_row)
                return 0;
        sheet_put(s, box.row, box.col, box.end, SHEET_BOLD,
                  "%s requests/s   %s weight/s   %s waiting",
                  picture_count(picture_number(rates, "requests_per_s"), requests),
                  picture_count(picture_number(rates, "weight_per_s"), weight),
                  picture_count(picture_number(rates, "waiting"), n));
        return 1;
}

static enum sheet_style event_style(const json_t *event)
{
        const char *level = picture_text(event, "level");

        return strncmp(level, "err", 3) == 0    ? SHEET_BAD
               : strncmp(level, "warn", 4) == 0 ? SHEET_WARN
                                                : SHEET_DIM;
}

static void draw_event(struct sheet *s, unsigned row, struct picture_box box, const json_t *event)
{
        json_int_t times = picture_number(event, "times");
        char clock[16];
        unsigned col;

        write_clock(picture_number(event, "at_ms"), clock);
        col = sheet_put(s, row, box.col, box.end, SHEET_DIM, "%s ", clock);
        col = sheet_put(s, row, col, box.end, event_style(event), "%s",
                        picture_text(event, "event"));
        if (times > 1)
                col = sheet_put(s, row, col + 1, box.end, SHEET_BOLD, "%lld times",
                                (long long)times);
        sheet_put(s, row, col + 1, box.end, SHEET_PLAIN, "%s", text_of(event));
}

/* The last that fit, the newest at the bottom. Return: rows taken. */
static unsigned draw_events(struct sheet *s, struct picture_box box, const struct top_events *e)
{
        unsigned rows = box.end_row > box.row ? box.end_row - box.row : 0, n;

        if (!e || rows < 2)
                return 0;
        n = e->n < rows - 1 ? e->n : rows - 1;
        sheet_put(s, box.row, box.col, box.end, SHEET_HEAD, "events");
        for (unsigned i = 0; i < n; ++i)
                draw_event(s, box.row + 1 + i, box, e->all[e->n - n + i]);
        if (n == 0)
                sheet_put(s, box.row + 1, box.col, box.end, SHEET_DIM, "none yet");
        return 1 + (n ? n : 1);
}

static const char *help_of(const char *counter)
{
        for (unsigned i = 0; i < COUNTERS; ++i)
                if (strcmp(counter_name((enum counter)i), counter) == 0)
                        return counter_help((enum counter)i);
        return counter;
}

/* Of a region alone: what has happened so far. Return: rows taken. */
static unsigned draw_counters(struct sheet *s, struct picture_box box, const json_t *now)
{
        unsigned row = box.row;
        const char *name;
        json_t *n;

        if (row + 1 >= box.end_row)
                return 0;
        sheet_put(s, row++, box.col, box.end, SHEET_HEAD, "so far");
        json_object_foreach(json_object_get(now, "counters"), name, n)
        {
                if (json_integer_value(n) == 0)
                        continue;
                if (row >= box.end_row)
                        break;
                sheet_put_right(s, row, box.col, box.col + 12, SHEET_PLAIN, "%lld",
                                (long long)json_integer_value(n));
                sheet_put(s, row++, box.col + 13, box.end, SHEET_DIM, "%s", help_of(name));
        }
        return row - box.row;
}

static const char *const help[] = {
        "q          quit",
        "p, space   freeze what is shown; again: go on",
        "c a e      who spends: by client, account, endpoint",
        "< >        sort by another column",
        "r          the smallest first; again: the largest",
        "up down    scroll who spends",
        "h, ?       this, and back",
        "",
        "A bar is the window of now: ours, in flight, by others, held for who",
        "waits, expected of others. The letters in what is free are how far",
        "each class may go at this moment: backfill, market, account and",
        "reconcile, order. All of it is free for cancels.",
};

static void draw_help(struct sheet *s, struct picture_box box)
{
        for (size_t i = 0; i < ARRAY_SIZE(help) && box.row < box.end_row; ++i)
                sheet_put(s, box.row++, box.col + 2, box.end, SHEET_PLAIN, "%s", help[i]);
        if (box.row < box.end_row)
                ++box.row;
        box.col += 2;
        picture_legend(s, box);
}

static void draw_keys(struct sheet *s, unsigned row, const struct top_view *v)
{
        const char *by =
                v->is_gateway ? "  c/a/e by client, account, endpoint  </> sort  r turn" : "";

        sheet_put(s, row, 0, s->cols, SHEET_DIM, "q quit  p %s%s%s  h help",
                  v->is_frozen ? "go on" : "freeze",
                  s->cols >= 72 || !v->is_gateway ? by : "  c/a/e </> r", "");
}

/* What of @rows a section gets that would like to have @wanted, and leaves @others. */
static unsigned part_of(unsigned rows, unsigned wanted, unsigned others)
{
        unsigned most = rows > others ? rows - others : 0;

        return wanted < most ? wanted : most;
}

static bool is_wide(struct picture_box box)
{
        return box.end - box.col >= 120;
}

static unsigned draw_budgets(struct sheet *s, struct picture_box box, const struct top_view *v)
{
        struct picture_budgets how = { .has_details = is_wide(box) };

        return picture_budgets(s, box, v->now, &how);
}

unsigned top_view_spenders_width(unsigned cols)
{
        return cols >= TWO_COLS ? cols * 3 / 5 : cols;
}

/* Budgets first, then who waits, who spends, and what happened with what is left. */
static void draw_sections(struct sheet *s, struct picture_box box, const struct top_view *v)
{
        unsigned rows = box.end_row - box.row,
                 n = (unsigned)json_array_size(json_object_get(v->now, "budgets"));
        bool is_split = s->cols >= TWO_COLS && v->is_frame;
        struct picture_box part = box;
        unsigned queue;

        /* Below the budgets: the queue, three who spend, two events, each with its head. */
        n = n > 0 ? n + is_wide(box) : 1;
        part.end_row = box.row + part_of(rows, n, rows > 12 ? 9 : rows / 2);
        box.row += draw_budgets(s, part, v);
        box.row += box.row < box.end_row;
        queue = picture_queue(s, box, v->now);
        box.row += queue;
        box.row += queue && box.row < box.end_row;
        part = box;
        if (is_split)
                part.end = top_view_spenders_width(s->cols);
        else if (v->events && v->events->n > 0 && v->is_frame)
                part.end_row -= (box.end_row - box.row) * 2 / 5;
        if (!v->is_gateway) {
                draw_counters(s, box, v->now);
                return;
        }
        if (!v->is_frame)
                part.end_row = box.row + 1 + 20;
        part.row += top_spenders_draw(s, part, v->spenders, &v->order);
        if (is_split)
                box.col = part.end + 2;
        else
                box.row = part.row + (part.row < box.end_row);
        if (!v->is_frame)
                box.end_row = box.row + 1 + 20;
        draw_events(s, box, v->events);
}

void top_view_draw(struct sheet *s, const struct top_view *v)
{
        struct picture_box box = { 1, s->rows, 0, s->cols };
        unsigned all = s->rows;

        draw_title(s, v);
        if (v->is_frame && all > 2) {
                draw_keys(s, all - 1, v);
                box.end_row = all - 1;
        }
        box.row += draw_trouble(s, box, v);
        if (v->has_help) {
                draw_help(s, box);
                return;
        }
        if (!v->now)
                return;
        box.end_row = box.row + (box.end_row - box.row + 1) / 2;
        box.row += picture_alarms(s, box, v->now);
        box.row += picture_notes(s, box, v->now);
        box.end_row = v->is_frame && all > 2 ? all - 1 : all;
        box.row += draw_rates(s, box, v->now);
        if (box.row < box.end_row)
                draw_sections(s, box, v);
}
