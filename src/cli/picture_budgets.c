/*
 * Budgets as bars: what is answered, in flight, others', held and expected, in this order, as parts
 * of the limit; and in what is free how far each class may go at this moment, by its first letter.
 *
 *      spot-weight        1m ██████▓▓▒▒▒░░··b···m··a·o  4250/6000   59s
 */
#include "cli/picture.h"
#include "base/class.h"
#include "look/look.h"
#include "policy/policy.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE 160
#define ROWS_MAX   2048
/* Room for orders of an account without a name, whose number comes last: futures-orders no. 0ea823.
 */
#define LABEL_WHOLE 25u

enum part {
        PART_ANSWERED,
        PART_FLIGHT,
        PART_FOREIGN,
        PART_HELD,
        PART_EXPECTED,
        PARTS,
};

static const struct mark {
        enum sheet_style style;
        const char *unicode;
        char ascii;
        const char *name;
} marks[PARTS] = {
        [PART_ANSWERED] = { SHEET_OURS, "█", '#', "ours" },
        [PART_FLIGHT] = { SHEET_FLIGHT, "▓", '=', "in flight" },
        [PART_FOREIGN] = { SHEET_FOREIGN, "▒", '+', "by others" },
        [PART_HELD] = { SHEET_HELD, "░", 'o', "held for who waits" },
        [PART_EXPECTED] = { SHEET_EXPECTED, "~", '~', "expected of others" },
};

struct row {
        const json_t *budget;
        char label[LABEL_SIZE];
        json_int_t limit, used, turns_in_ms;
        bool is_stopped;
        bool is_endpoint; /* an endpoint's own: there may be hundreds */
};

struct columns {
        unsigned label, span, bar, bar_end, number_end, turn_end, details; /* details 0: none */
        unsigned end;
};

static bool is_by_account(const json_t *b)
{
        int pool = policy_pool_find(str_of(picture_text(b, "name")));

        return pool >= 0 && policy_pool((size_t)pool)->scope == POLICY_PER_ACCOUNT;
}

static void write_label(const json_t *b, char to[LABEL_SIZE])
{
        const char *account = picture_text(b, "account"), *egress = picture_text(b, "egress");
        const char *endpoint = picture_text(b, "endpoint");
        bool is_named = egress[0] && strcmp(egress, "default") != 0;
        char number[LOOK_OWNER_SHOWN + 5] = "";

        if (!account[0] && is_by_account(b)) {
                snprintf(number, sizeof(number), "no. %.*s", LOOK_OWNER_SHOWN,
                         picture_text(b, "owner"));
                account = number;
        }
        snprintf(to, LABEL_SIZE, "%s%s%s%s%s%s%s", picture_text(b, "name"), endpoint[0] ? " " : "",
                 endpoint, account[0] ? " " : "", account, is_named ? " by " : "",
                 is_named ? egress : "");
}

/* One of many, whether it is known which endpoint's or not: of an account without a name nobody
 * knows. */
static bool is_by_endpoint(const json_t *b)
{
        int pool = policy_pool_find(str_of(picture_text(b, "name")));

        return json_is_string(json_object_get(b, "endpoint")) ||
               (pool >= 0 && policy_pool((size_t)pool)->is_per_endpoint);
}

static struct row row_of(const json_t *now, const json_t *b)
{
        struct row row = {
                .budget = b,
                .limit = picture_amount(b, "limit"),
                .used = picture_amount(b, "used"),
                .turns_in_ms = picture_rest(now, b, "turns_in_ms"),
                .is_stopped = picture_rest(now, b, "shut_for_ms") > 0,
                .is_endpoint = is_by_endpoint(b),
        };

        write_label(b, row.label);
        return row;
}

/* In the order of the region's slots what belongs together would stand apart; so by name, those of
 * endpoints behind the others, the fullest of them first. */
static int compare(const void *a, const void *b)
{
        const struct row *x = a, *y = b;
        json_int_t by_fill =
                y->used * (x->limit ? x->limit : 1) - x->used * (y->limit ? y->limit : 1);
        int by_name = strcmp(x->label, y->label);

        if (x->is_endpoint != y->is_endpoint)
                return x->is_endpoint ? 1 : -1;
        if (x->is_endpoint && by_fill != 0)
                return by_fill > 0 ? 1 : -1;
        if (by_name != 0)
                return by_name;
        by_fill = picture_number(x->budget, "span_ms") - picture_number(y->budget, "span_ms");
        return by_fill < 0 ? -1 : by_fill > 0;
}

static void write_span(json_int_t ms, char to[PICTURE_TIME_SIZE])
{
        long long s = ms / 1000;

        if (s > 0 && s % 86400 == 0)
                snprintf(to, PICTURE_TIME_SIZE, "%lldd", s / 86400);
        else if (s > 0 && s % 60 == 0)
                snprintf(to, PICTURE_TIME_SIZE, "%lldm", s / 60);
        else
                snprintf(to, PICTURE_TIME_SIZE, "%llds", s);
}

static void write_turn(json_int_t ms, char to[PICTURE_TIME_SIZE])
{
        long long s = (ms + 999) / 1000;

        if (s < 1000)
                snprintf(to, PICTURE_TIME_SIZE, "%llds", s);
        else if (s < 7200)
                snprintf(to, PICTURE_TIME_SIZE, "%lldm", (s + 59) / 60);
        else
                snprintf(to, PICTURE_TIME_SIZE, "%lldh", (s + 3599) / 3600);
}

/* @longest: of all labels; @whole: of those that are not cut where there is room for them. */
static struct columns columns_of(struct picture_box box, unsigned longest, unsigned whole,
                                 bool has_details)
{
        unsigned width = box.end > box.col ? box.end - box.col : 0;
        unsigned label = width < 60 ? 13 : width < 100 ? 20 : width < 140 ? 28 : 44;
        unsigned details = has_details && width >= 120 ? width * 2 / 5 : 0;
        struct columns c = { .end = box.end };

        if (width >= 60 && label < whole)
                label = whole < LABEL_WHOLE ? whole : LABEL_WHOLE;
        label = label < longest ? label : longest;
        c.label = box.col;
        c.span = c.label + label + 1;
        c.bar = c.span + 4;
        c.turn_end = box.end - details;
        c.details = details ? c.turn_end + 2 : 0;
        c.number_end = c.turn_end > 6 ? c.turn_end - 6 : 0;
        c.bar_end = c.number_end > 15 ? c.number_end - (width < 60 ? 10 : 15) : 0;
        return c;
}

/* Where the parts of a bar of @cells end. What is more than nothing has a cell, as long as there
 * are some. */
static void write_ends(const json_t *b, unsigned cells, unsigned ends[PARTS])
{
        json_int_t limit = picture_amount(b, "limit"), flight = picture_amount(b, "in_flight");
        json_int_t ours = picture_amount(b, "ours"), sum = 0;
        json_int_t amounts[PARTS] = { ours > flight ? ours - flight : 0,
                                      flight < ours ? flight : ours, picture_amount(b, "foreign"),
                                      picture_amount(b, "held"), picture_amount(b, "expected") };
        unsigned at = 0;

        for (unsigned part = 0; part < PARTS; ++part) {
                json_int_t end;

                sum += amounts[part] > 0 ? amounts[part] : 0;
                end = limit > 0 ? sum * (json_int_t)cells / limit : 0;
                if (amounts[part] > 0 && end <= (json_int_t)at)
                        end = at + 1;
                at = end < (json_int_t)at ? at : end > (json_int_t)cells ? cells : (unsigned)end;
                ends[part] = at;
        }
}

/* How far each class may go, from the lowest on, so that of those at one place the highest is seen.
 */
static void draw_ceilings(struct sheet *s, unsigned row, unsigned col, unsigned cells,
                          unsigned used, const json_t *b)
{
        const json_t *ceilings = json_object_get(b, "ceilings");
        json_int_t limit = picture_amount(b, "limit");

        for (unsigned class = CLASS_COUNT; class -- > 0;) {
                const char *name = class_name((enum weir_class) class);
                json_int_t most = picture_amount(ceilings, name);
                json_int_t at = limit > 0 ? most * (json_int_t)cells / limit : 0;

                if (most <= 0 || most >= limit || at < (json_int_t)used || at >= (json_int_t)cells)
                        continue;
                sheet_put(s, row, col + (unsigned)at, col + cells, SHEET_DIM, "%c", name[0]);
        }
}

static void draw_bar(struct sheet *s, unsigned row, unsigned col, unsigned end, const json_t *b)
{
        unsigned cells = end > col ? end - col : 0, ends[PARTS], part = 0;

        write_ends(b, cells, ends);
        for (unsigned i = 0; i < cells; ++i) {
                while (part < PARTS && i >= ends[part])
                        ++part;
                if (part < PARTS)
                        sheet_mark(s, row, col + i, marks[part].style, marks[part].unicode,
                                   marks[part].ascii);
                else
                        sheet_mark(s, row, col + i, SHEET_DIM, "·", '.');
        }
        draw_ceilings(s, row, col, cells, ends[PART_HELD], b);
}

struct words {
        char text[512];
        size_t n;
};

static void add_words(struct words *w, const char *format, ...) PRINTF(2, 3);

static void add_words(struct words *w, const char *format, ...)
{
        size_t room = sizeof(w->text) - w->n;
        va_list args;
        int n;

        if (room < 96)
                return;
        if (w->n > 0)
                w->n += (size_t)snprintf(w->text + w->n, room, ", ");
        va_start(args, format);
        n = vsnprintf(w->text + w->n, sizeof(w->text) - w->n, format, args);
        va_end(args);
        w->n += n > 0 && (size_t)n < sizeof(w->text) - w->n ? (size_t)n : 0;
}

/* Classes that may use as much are named once, by the highest of them. */
static void add_ceilings(struct words *w, const json_t *b)
{
        const json_t *ceilings = json_object_get(b, "ceilings");
        json_int_t limit = picture_amount(b, "limit"), last = limit;
        char count[PICTURE_COUNT_SIZE];

        for (unsigned class = 0; class < CLASS_COUNT; ++class) {
                const char *name = class_name((enum weir_class) class);
                json_int_t most = picture_amount(ceilings, name);

                if (most > 0 && most < limit && most != last)
                        add_words(w, "%s %s", name, picture_count(most, count));
                last = most;
        }
}

/* What the bar shows, in words, and what no bar can. */
static void add_amounts(struct words *w, const json_t *b)
{
        static const struct {
                const char *member, *words;
        } amounts[] = {
                { "in_flight", "in flight" },  { "held", "held" },
                { "foreign", "by others" },    { "expected", "expected of others" },
                { "cap", "this host's part" },
        };
        char count[PICTURE_COUNT_SIZE];

        for (size_t i = 0; i < ARRAY_SIZE(amounts); ++i) {
                json_int_t amount = picture_amount(b, amounts[i].member);

                if (amount > 0)
                        add_words(w, "%s %s", picture_count(amount, count), amounts[i].words);
        }
}

static enum sheet_style style_of(const struct row *row)
{
        if (row->is_stopped || row->used >= row->limit)
                return SHEET_BAD;
        return row->used * 10 >= row->limit * 8 ? SHEET_WARN : SHEET_PLAIN;
}

static void draw_row(struct sheet *s, unsigned at, const struct columns *c, const struct row *row)
{
        char span[PICTURE_TIME_SIZE], turn[PICTURE_TIME_SIZE];
        char used[PICTURE_COUNT_SIZE], limit[PICTURE_COUNT_SIZE];
        struct words details = { .n = 0 };

        write_span(picture_number(row->budget, "span_ms"), span);
        write_turn(row->turns_in_ms, turn);
        if (row->is_endpoint)
                sheet_put_end(s, at, c->label, c->span - 1, SHEET_PLAIN, row->label);
        else
                sheet_put(s, at, c->label, c->span - 1, SHEET_PLAIN, "%s", row->label);
        sheet_put_right(s, at, c->span, c->span + 3, SHEET_DIM, "%s", span);
        draw_bar(s, at, c->bar, c->bar_end, row->budget);
        sheet_put_right(s, at, c->bar_end + 1, c->number_end, style_of(row), "%s/%s",
                        picture_count(row->used, used), picture_count(row->limit, limit));
        sheet_put_right(s, at, c->number_end + 1, c->turn_end, SHEET_DIM, "%s", turn);
        if (!c->details)
                return;
        add_amounts(&details, row->budget);
        add_ceilings(&details, row->budget);
        sheet_put(s, at, c->details, c->end, SHEET_DIM, "%s", details.text);
}

static unsigned draw_words(struct sheet *s, struct picture_box box, const struct words *w)
{
        if (w->n == 0 || box.row >= box.end_row)
                return 0;
        sheet_put(s, box.row, box.col, box.end, SHEET_DIM, "%s", w->text);
        return 1;
}

/* Below the row: in one more if it fits, else in two. Where it is very narrow the letters in the
 * bar must do for the classes. Return: rows taken. */
static unsigned draw_below(struct sheet *s, struct picture_box box, const struct columns *c,
                           const struct row *row)
{
        struct words amounts = { .n = 0 }, ceilings = { .n = 0 }, all;
        unsigned n;

        box.col = c->span + 1;
        add_amounts(&amounts, row->budget);
        if (box.end > box.col + 50)
                add_ceilings(&ceilings, row->budget);
        all = amounts;
        add_ceilings(&all, row->budget);
        if (ceilings.n > 0 && sheet_width(all.text) <= box.end - box.col)
                return draw_words(s, box, &all);
        n = draw_words(s, box, &amounts);
        box.row += n;
        return n + draw_words(s, box, &ceilings);
}

static void draw_head(struct sheet *s, unsigned at, const struct columns *c)
{
        sheet_put(s, at, c->label, c->span - 1, SHEET_HEAD, "budget");
        sheet_put(s, at, c->bar, c->bar_end, SHEET_DIM, "window of now");
        sheet_put_right(s, at, c->bar_end + 1, c->number_end, SHEET_DIM, "used/limit");
        sheet_put_right(s, at, c->number_end + 1, c->turn_end, SHEET_DIM, "turn");
        if (c->details)
                sheet_put(s, at, c->details, c->end, SHEET_DIM, "of it, and what classes may use");
}

static unsigned draw_rest(struct sheet *s, struct picture_box box, const struct row *rows, size_t n)
{
        json_int_t most = 0;

        for (size_t i = 0; i < n; ++i) {
                json_int_t pct = rows[i].limit > 0 ? rows[i].used * 100 / rows[i].limit : 0;

                most = pct > most ? pct : most;
        }
        sheet_put(s, box.row, box.col, box.end, SHEET_DIM, "and %zu more, the fullest at %lld %%",
                  n, (long long)most);
        return 1;
}

static unsigned draw_rows(struct sheet *s, struct picture_box box, const struct row *rows, size_t n,
                          bool has_details)
{
        unsigned longest = 6, whole = 0, first = box.row;
        struct columns c;

        for (size_t i = 0; i < n; ++i) {
                unsigned width = sheet_width(rows[i].label);

                longest = width > longest ? width : longest;
                if (!rows[i].is_endpoint && width > whole)
                        whole = width;
        }
        c = columns_of(box, longest, whole, has_details);
        if (has_details && box.end - box.col >= 60)
                draw_head(s, box.row++, &c);
        for (size_t i = 0; i < n && box.row < box.end_row; ++i) {
                if (box.row + 1 == box.end_row && n - i > 1) {
                        box.row += draw_rest(s, box, rows + i, n - i);
                        break;
                }
                draw_row(s, box.row++, &c, &rows[i]);
                if (has_details && !c.details)
                        box.row += draw_below(s, box, &c, &rows[i]);
        }
        return box.row - first;
}

unsigned picture_budgets(struct sheet *s, struct picture_box box, const json_t *now,
                         const struct picture_budgets *how)
{
        const json_t *budgets = json_object_get(now, "budgets"), *budget;
        size_t n = json_array_size(budgets), i;
        struct row *rows;
        unsigned taken;

        if (box.row >= box.end_row || box.end <= box.col)
                return 0;
        if (n == 0) {
                sheet_put(s, box.row, box.col, box.end, SHEET_DIM, "no budget has been used yet");
                return 1;
        }
        n = n < ROWS_MAX ? n : ROWS_MAX;
        rows = calloc(n, sizeof(rows[0]));
        if (!rows)
                return 0;
        json_array_foreach(budgets, i, budget) if (i < n) rows[i] = row_of(now, budget);
        qsort(rows, n, sizeof(rows[0]), compare);
        taken = draw_rows(s, box, rows, n, how->has_details);
        free(rows);
        return taken;
}

unsigned picture_legend(struct sheet *s, struct picture_box box)
{
        static const char letters[] = "b m a r o: how far each class may go now";
        unsigned row = box.row, col = box.col;

        for (unsigned part = 0; part <= PARTS && row < box.end_row; ++part) {
                const char *name = part < PARTS ? marks[part].name : letters;
                unsigned width = sheet_width(name) + (part < PARTS ? 2 : 0);

                if (col > box.col && col + width > box.end) {
                        ++row;
                        col = box.col;
                }
                if (row >= box.end_row)
                        break;
                if (part < PARTS) {
                        sheet_mark(s, row, col, marks[part].style, marks[part].unicode,
                                   marks[part].ascii);
                        sheet_put(s, row, col + 2, box.end, SHEET_DIM, "%s", name);
                } else {
                        sheet_put(s, row, col, box.end, SHEET_DIM, "%s", name);
                }
                col += width + 2;
        }
        return row < box.end_row ? row + 1 - box.row : box.end_row - box.row;
}
