#include "cli/positions_view.h"
#include "trade/amount.h"
#include "trade/protection.h"
#include "trade/words.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define CELL_MAX 48

enum style {
        STYLE_NONE,
        STYLE_FAINT,
        STYLE_HEAD,
        STYLE_GREEN,
        STYLE_YELLOW,
        STYLE_RED,
};

static const char *const codes[] = {
        [STYLE_NONE] = "",          [STYLE_FAINT] = "\033[2m",   [STYLE_HEAD] = "\033[1m",
        [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_RED] = "\033[31m",
};

/* Numbers and times. */

/* Without zeros at the end; "-" for what was not told. */
static const char *plain(const char *decimal, char to[CELL_MAX])
{
        struct amount a;

        if (amount_parse(str_of(decimal), &a) == 0)
                return amount_print(a, to);
        snprintf(to, CELL_MAX, "%s", decimal[0] ? decimal : "-");
        return to;
}

/* To @places, all of them written. */
static const char *fixed(const char *decimal, unsigned places, char to[CELL_MAX])
{
        struct amount a, grid = { 1 };
        const char *point;
        size_t n, has;

        for (unsigned i = places; i < AMOUNT_PLACES; ++i)
                grid.units *= 10;
        if (amount_parse(str_of(decimal), &a) < 0 || amount_round(a, grid, AMOUNT_NEAREST, &a) < 0)
                return plain(decimal, to);
        amount_print(a, to);
        point = strchr(to, '.');
        n = strlen(to);
        has = point ? strlen(point + 1) : 0;
        if (!point && places > 0)
                to[n++] = '.';
        for (; has < places && n + 1 < CELL_MAX; ++has)
                to[n++] = '0';
        to[n] = '\0';
        return to;
}

static enum style style_of_sign(const char *decimal)
{
        struct amount a;

        if (amount_parse(str_of(decimal), &a) < 0 || amount_is_zero(a))
                return STYLE_NONE;
        return a.units < 0 ? STYLE_RED : STYLE_GREEN;
}

static const char *clock_text(uint64_t ms, char to[CELL_MAX])
{
        time_t seconds = (time_t)(ms / MS_PER_SECOND);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(to, CELL_MAX, "%H:%M:%S", &tm);
        return to;
}

/* With the day when it is not near. */
static const char *day_text(uint64_t ms, uint64_t now_ms, char to[CELL_MAX])
{
        time_t seconds = (time_t)(ms / MS_PER_SECOND);
        struct tm tm;

        if (ms < now_ms + 12 * 3600 * MS_PER_SECOND)
                return clock_text(ms, to);
        gmtime_r(&seconds, &tm);
        strftime(to, CELL_MAX, "%Y-%m-%d %H:%M:%S", &tm);
        return to;
}

/* Columns that a text takes: Chinese symbols are two wide. */
static unsigned columns_of(const char *text)
{
        unsigned n = 0;

        for (; *text; ++text) {
                unsigned char c = (unsigned char)*text;

                if (c < 0x80 || (c >= 0xc0 && c < 0xe2))
                        n += 1;
                else if (c >= 0xe2)
                        n += 2;
        }
        return n;
}

/* Bytes of @text that take @columns at most. */
static size_t bytes_within(const char *text, unsigned columns)
{
        size_t n = 0;

        while (text[n]) {
                unsigned char c = (unsigned char)text[n];
                unsigned wide = c < 0xe2 ? 1 : 2;
                size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

                if (wide > columns)
                        break;
                columns -= wide;
                n += strnlen(text + n, bytes);
        }
        return n;
}

/* Lines. */

static void print_styled(FILE *to, const struct view *v, enum style style, const char *text,
                         size_t bytes)
{
        bool is_styled = v->is_coloured && style != STYLE_NONE;

        fprintf(to, "%s%.*s%s", is_styled ? codes[style] : "", (int)bytes, text,
                is_styled ? "\033[0m" : "");
}

/* Cut to the width. */
static void print_line(FILE *to, const struct view *v, enum style style, const char *text)
{
        print_styled(to, v, style, text, v->width ? bytes_within(text, v->width) : strlen(text));
        putc('\n', to);
}

static void print_state(FILE *to, const struct view *v, uint64_t next_ms)
{
        char line[1024], at[CELL_MAX], since[CELL_MAX], next[CELL_MAX], until[CELL_MAX];
        uint64_t now_ms = monitor_now_ms(v->monitor);
        struct weir_monitor_state s;
        int n;

        monitor_state(v->monitor, &s);
        clock_text(s.checked_ms, at);
        if (s.stale_since_ms == 0) {
                n = snprintf(line, sizeof(line), "checked %s UTC (weight %u)", at, s.weight);
                if (next_ms)
                        snprintf(line + n, sizeof(line) - (size_t)n, ", next check %s",
                                 clock_text(next_ms, next));
                print_line(to, v, STYLE_FAINT, line);
                return;
        }
        n = snprintf(line, sizeof(line), "STALE since %s UTC", clock_text(s.stale_since_ms, since));
        if (s.retry_at_ms > now_ms)
                n += snprintf(line + n, sizeof(line) - (size_t)n, ", stopped until %s",
                              day_text(s.retry_at_ms, now_ms, until));
        if (next_ms)
                n += snprintf(line + n, sizeof(line) - (size_t)n, ", next try %s",
                              clock_text(next_ms, next));
        snprintf(line + n, sizeof(line) - (size_t)n, "; %s%s",
                 s.checked_ms ? "below is as of " : "nothing is known yet", s.checked_ms ? at : "");
        print_line(to, v, STYLE_RED, line);
        print_line(to, v, STYLE_RED, s.why);
}

struct page {
        FILE *to;
        const struct view *v;
        const struct weir_watched *position; /* whose orders are printed; NULL: those of none */
        size_t n;
};

static void print_balance(void *ctx, const struct weir_watched_balance *b)
{
        struct page *page = ctx;
        const struct weir_balance *is = &b->balance;
        char equity[CELL_MAX], change[CELL_MAX], percent[CELL_MAX], pnl[CELL_MAX], free[CELL_MAX];
        unsigned places = is->asset[0] ? 8 : 2;
        char line[512], rest[256];
        int n;

        n = snprintf(line, sizeof(line), "equity %s%s%s", fixed(is->equity, places, equity),
                     is->asset[0] ? " " : "", is->asset);
        if (b->change[0])
                n += snprintf(line + n, sizeof(line) - (size_t)n, ", change %s (%s %%)",
                              fixed(b->change, places, change),
                              b->change_percent[0] ? fixed(b->change_percent, 2, percent) : "-");
        snprintf(rest, sizeof(rest), "unrealised %s, available %s",
                 fixed(is->unrealized, places, pnl), fixed(is->available, places, free));
        /* A number that is cut is another number. */
        if (!page->v->width || (size_t)n + 2 + strlen(rest) <= page->v->width) {
                snprintf(line + n, sizeof(line) - (size_t)n, ", %s", rest);
                rest[0] = '\0';
        }
        print_line(page->to, page->v, STYLE_HEAD, line);
        if (rest[0])
                print_line(page->to, page->v, STYLE_HEAD, rest);
}

/* Orders. */

static const char *role_text(enum weir_order_role role)
{
        switch (role) {
        case WEIR_ROLE_STOP_LOSS:
                return "stop-loss";
        case WEIR_ROLE_TAKE_PROFIT:
                return "take-profit";
        case WEIR_ROLE_REDUCES:
                return "reduces";
        case WEIR_ROLE_ADDS:
                return "adds";
        default:
                return "";
        }
}

static bool is_above_zero(const char *decimal)
{
        struct amount a;

        return amount_parse(str_of(decimal), &a) == 0 && a.units > 0;
}

static void print_order(FILE *to, const struct view *v, const struct weir_watched_order *o)
{
        const struct weir_order_state *s = &o->order;
        const char *type = words_type(s->type), *role = role_text(o->role);
        char line[512], size[CELL_MAX], price[CELL_MAX], seen[CELL_MAX];
        int n = snprintf(line, sizeof(line), "    %s%s%s %s %s", o->role ? "" : s->symbol,
                         o->role ? "" : " ", words_side(s->side), type ? type : "order",
                         s->close_position ? "close-position" : plain(s->quantity, size));

        if (is_above_zero(s->filled))
                n += snprintf(line + n, sizeof(line) - (size_t)n, " filled %s",
                              plain(s->filled, size));
        if (is_above_zero(s->price))
                n += snprintf(line + n, sizeof(line) - (size_t)n, " at %s", plain(s->price, price));
        if (is_above_zero(s->trigger_price))
                n += snprintf(line + n, sizeof(line) - (size_t)n, " trigger %s",
                              plain(s->trigger_price, price));
        n += snprintf(line + n, sizeof(line) - (size_t)n, "%s%s", role[0] ? ": " : "", role);
        if (!o->role)
                snprintf(line + n, sizeof(line) - (size_t)n, " (seen %s)",
                         clock_text(o->seen_ms, seen));
        print_line(to, v, STYLE_FAINT, line);
}

static void print_orders_of(void *ctx, const struct weir_watched_order *o)
{
        struct page *page = ctx;

        if (page->position ? o->role == WEIR_ROLE_NONE ||
                                     !protection_is_of(&page->position->position, &o->order)
                           : o->role != WEIR_ROLE_NONE)
                return;
        if (!page->position && page->n++ == 0)
                print_line(page->to, page->v, STYLE_NONE, "orders without a position");
        print_order(page->to, page->v, o);
}

/* The table. */

enum column {
        COLUMN_SYMBOL,
        COLUMN_SIDE,
        COLUMN_SIZE,
        COLUMN_ENTRY,
        COLUMN_MARK,
        COLUMN_PNL,
        COLUMN_LIQUIDATION,
        COLUMN_MARGIN,
        COLUMN_STOP,
        COLUMN_TAKE,
        COLUMNS,
};

static const struct {
        const char *head;
        bool is_left;
        unsigned spared; /* the highest goes first; 0: stays */
} columns[COLUMNS] = {
        [COLUMN_SYMBOL] = { "SYMBOL", true, 0 },      [COLUMN_SIDE] = { "SIDE", true, 0 },
        [COLUMN_SIZE] = { "SIZE", false, 0 },         [COLUMN_ENTRY] = { "ENTRY", false, 2 },
        [COLUMN_MARK] = { "MARK", false, 1 },         [COLUMN_PNL] = { "UNREALISED", false, 0 },
        [COLUMN_LIQUIDATION] = { "LIQ %", false, 0 }, [COLUMN_MARGIN] = { "MARGIN", false, 3 },
        [COLUMN_STOP] = { "STOP-LOSS", true, 0 },     [COLUMN_TAKE] = { "TAKE-PROFIT", true, 0 },
};

struct row {
        const struct weir_watched *watched;
        char cells[COLUMNS][CELL_MAX];
        enum style styles[COLUMNS];
};

struct table {
        const struct view *v;
        struct row *rows;
        size_t n, size;
        unsigned widths[COLUMNS]; /* 0: left out */
};

static const char *side_text(const struct weir_position *p)
{
        return p->quantity[0] == '-' ? "short" : "long";
}

static void cover(struct row *row, enum column column, enum weir_coverage coverage,
                  const char *quantity)
{
        char size[CELL_MAX];

        if (coverage == WEIR_PARTLY_COVERED)
                snprintf(row->cells[column], CELL_MAX, "partly %.30s", plain(quantity, size));
        else
                snprintf(row->cells[column], CELL_MAX, "%s",
                         coverage == WEIR_COVERED ? "whole" : "NONE");
        row->styles[column] = coverage == WEIR_COVERED          ? STYLE_GREEN
                              : coverage == WEIR_PARTLY_COVERED ? STYLE_YELLOW
                                                                : STYLE_RED;
}

/* Nearer than this many percent is red, than twice as many yellow. */
#define LIQUIDATION_NEAR "5"

static enum style style_of_distance(const char *percent)
{
        struct amount a, near;

        if (amount_parse(str_of(percent), &a) < 0 ||
            amount_parse(str_of(LIQUIDATION_NEAR), &near) < 0)
                return STYLE_NONE;
        if (amount_compare(a, near) < 0)
                return STYLE_RED;
        near.units *= 2;
        return amount_compare(a, near) < 0 ? STYLE_YELLOW : STYLE_NONE;
}

static void fill(struct row *row, const struct weir_watched *w, enum weir_market market)
{
        const struct weir_position *p = &w->position;
        unsigned places = market == WEIR_COINM ? 8 : 2;

        row->watched = w;
        snprintf(row->cells[COLUMN_SYMBOL], CELL_MAX, "%s", p->symbol);
        snprintf(row->cells[COLUMN_SIDE], CELL_MAX, "%s", side_text(p));
        plain(p->quantity, row->cells[COLUMN_SIZE]);
        plain(p->entry_price, row->cells[COLUMN_ENTRY]);
        plain(p->mark_price, row->cells[COLUMN_MARK]);
        fixed(p->unrealized, places, row->cells[COLUMN_PNL]);
        row->styles[COLUMN_PNL] = style_of_sign(p->unrealized);
        fixed(w->liquidation_percent, 2, row->cells[COLUMN_LIQUIDATION]);
        row->styles[COLUMN_LIQUIDATION] = style_of_distance(w->liquidation_percent);
        fixed(p->margin, places, row->cells[COLUMN_MARGIN]);
        cover(row, COLUMN_STOP, w->stop_loss, w->stop_quantity);
        cover(row, COLUMN_TAKE, w->take_profit, w->take_quantity);
}

static void add_row(void *ctx, const struct weir_watched *w)
{
        struct table *t = ctx;

        if (t->n == t->size) {
                size_t size = t->size ? t->size * 2 : 16;
                struct row *rows = realloc(t->rows, size * sizeof(*rows));

                must(rows);
                t->rows = rows;
                t->size = size;
        }
        memset(&t->rows[t->n], 0, sizeof(*t->rows));
        fill(&t->rows[t->n++], w, t->v->market);
}

static unsigned total_of(const struct table *t)
{
        unsigned total = 0;

        for (size_t i = 0; i < COLUMNS; ++i)
                if (t->widths[i])
                        total += t->widths[i] + (total ? 2 : 0);
        return total;
}

/* By what is in them; what can be spared goes where the terminal is narrower. */
static void measure(struct table *t)
{
        for (size_t i = 0; i < COLUMNS; ++i) {
                t->widths[i] = columns_of(columns[i].head);
                for (size_t k = 0; k < t->n; ++k) {
                        unsigned width = columns_of(t->rows[k].cells[i]);

                        t->widths[i] = width > t->widths[i] ? width : t->widths[i];
                }
        }
        for (unsigned spared = 3; spared > 0 && t->v->width && total_of(t) > t->v->width; --spared)
                for (size_t i = 0; i < COLUMNS; ++i)
                        if (columns[i].spared == spared)
                                t->widths[i] = 0;
}

static void print_cell(FILE *to, const struct table *t, size_t column, enum style style,
                       const char *text, bool is_first)
{
        unsigned pad = t->widths[column] - columns_of(text);
        bool is_left = columns[column].is_left;

        fprintf(to, "%s%*s", is_first ? "" : "  ", is_left ? 0 : (int)pad, "");
        print_styled(to, t->v, style, text, strlen(text));
        if (column + 1 < COLUMNS)
                fprintf(to, "%*s", is_left ? (int)pad : 0, "");
}

static void print_row(FILE *to, const struct table *t, const struct row *row)
{
        for (size_t i = 0; i < COLUMNS; ++i)
                if (t->widths[i])
                        print_cell(to, t, i, row ? row->styles[i] : STYLE_FAINT,
                                   row ? row->cells[i] : columns[i].head, i == 0);
        putc('\n', to);
}

void view_page(FILE *to, const struct view *v, uint64_t next_ms)
{
        struct page page = { .to = to, .v = v };
        struct table table = { .v = v };
        struct weir_monitor_state state;

        monitor_state(v->monitor, &state);
        print_state(to, v, next_ms);
        monitor_balances(v->monitor, print_balance, &page);
        monitor_positions(v->monitor, add_row, &table);
        if (table.n == 0 && state.checked_ms)
                print_line(to, v, STYLE_NONE, "no position is open");
        measure(&table);
        if (table.n > 0)
                print_row(to, &table, NULL);
        for (size_t i = 0; i < table.n; ++i) {
                print_row(to, &table, &table.rows[i]);
                page.position = table.rows[i].watched;
                monitor_orders(v->monitor, print_orders_of, &page);
        }
        page.position = NULL;
        monitor_orders(v->monitor, print_orders_of, &page);
        free(table.rows);
}

/* Events. */

static int describe(const struct weir_watched *w, char *to, size_t size)
{
        char quantity[CELL_MAX], entry[CELL_MAX];

        return snprintf(to, size, "%s %s at %s", side_text(&w->position),
                        plain(w->position.quantity, quantity),
                        plain(w->position.entry_price, entry));
}

static void describe_trades(const struct weir_event *e, char *to, size_t size)
{
        char realized[CELL_MAX];

        if (!e->has_trades)
                snprintf(to, size, "; its trades are not known: %.100s", e->why);
        else
                snprintf(to, size, "; realised %s%s in %zu trades%s",
                         style_of_sign(e->realized) == STYLE_GREEN ? "+" : "",
                         plain(e->realized, realized), e->n_trades,
                         e->is_whole ? "" : ", older ones are not known");
}

static void describe_position(const struct weir_event *e, char *to, size_t size)
{
        const struct weir_watched *w = e->now ? e->now : e->before;
        int n = snprintf(to, size, "%s ", w->position.symbol);

        if (e->before && e->kind != WEIR_EVENT_PROTECTION)
                n += describe(e->before, to + n, size - (size_t)n);
        if (e->before && e->now && e->kind != WEIR_EVENT_PROTECTION)
                n += snprintf(to + n, size - (size_t)n, " -> ");
        if (e->now)
                n += describe(e->now, to + n, size - (size_t)n);
        if (e->kind == WEIR_EVENT_PROTECTION || e->kind == WEIR_EVENT_OPENED)
                snprintf(to + n, size - (size_t)n, "; stop-loss %s, take-profit %s",
                         monitor_coverage_name(w->stop_loss),
                         monitor_coverage_name(w->take_profit));
        if (e->kind == WEIR_EVENT_CLOSED || e->kind == WEIR_EVENT_FLIPPED)
                describe_trades(e, to + n, size - (size_t)n);
}

void view_event(const struct weir_event *e, char to[VIEW_EVENT_MAX])
{
        char at[CELL_MAX], equity[CELL_MAX], change[CELL_MAX], percent[CELL_MAX];
        int n = snprintf(to, VIEW_EVENT_MAX, "%s %s ", clock_text(e->at_ms, at),
                         monitor_event_name(e->kind));
        size_t left = VIEW_EVENT_MAX - (size_t)n;

        if (e->now || e->before)
                describe_position(e, to + n, left);
        else if (e->balance)
                snprintf(to + n, left, "WARNING: %s %s, %s %% since the check before, now %s",
                         e->balance->balance.asset, plain(e->balance->change, change),
                         fixed(e->balance->change_percent, 2, percent),
                         plain(e->balance->balance.equity, equity));
        else
                snprintf(to + n, left, "%s", e->why);
}
