#include "cli/top_spenders.h"

#include <stdlib.h>
#include <string.h>

enum kind {
        KIND_TEXT,
        KIND_COUNT,
        KIND_RATIO,
        KIND_TIME,
};

/* In the order in which they are given room. */
static const struct column {
        const char *member, *head;
        unsigned width;
        enum kind kind;
} columns[TOP_COLUMNS] = {
        [TOP_NAME] = { "name", "", 0, KIND_TEXT },
        [TOP_REQUESTS] = { "requests", "requests", 9, KIND_COUNT },
        [TOP_WEIGHT] = { "weight", "weight", 8, KIND_COUNT },
        [TOP_SHARE] = { "share", "share", 7, KIND_RATIO },
        [TOP_OVER_LIMIT] = { "over_limit", "429", 6, KIND_COUNT },
        [TOP_REFUSED] = { "refused", "refused", 8, KIND_COUNT },
        [TOP_ERRORS] = { "errors", "errors", 7, KIND_COUNT },
        [TOP_RETRY_RATE] = { "retry_rate", "retried", 8, KIND_RATIO },
        [TOP_WAIT_P99] = { "wait_p99_ms", "p99", 8, KIND_TIME },
        [TOP_WAIT_P50] = { "wait_p50_ms", "p50", 8, KIND_TIME },
        [TOP_ORDERS] = { "orders", "orders", 7, KIND_COUNT },
};

#define NAME_MIN 13u
/* Where there is room for it, endpoints are told apart rather than the last columns shown. */
#define NAME_WIDE  26u
#define WIDE_WIDTH 90u
#define ROWS_MAX   4096u

struct row {
        const json_t *json;
};

const char *top_by_name(enum top_by by)
{
        static const char *const names[TOP_BYS] = { "client", "account", "endpoint" };

        return names[by];
}

/* Columns besides the name that fit into @width. */
static unsigned columns_at(unsigned width, unsigned *ret_name)
{
        unsigned least = width >= WIDE_WIDTH ? NAME_WIDE : NAME_MIN, n = 1, used = least;

        while (n < TOP_COLUMNS && used + columns[n].width + 1 <= width)
                used += columns[n++].width + 1;
        *ret_name = least + (width > used ? width - used : 0);
        return n;
}

enum top_column top_column_next(enum top_column column, int step, unsigned width)
{
        unsigned name, n = columns_at(width, &name);

        if (column >= n)
                return step > 0 ? TOP_NAME : (enum top_column)(n - 1);
        return (enum top_column)((column + (step > 0 ? 1 : n - 1)) % n);
}

static double value_of(const json_t *row, enum top_column column)
{
        return json_number_value(json_object_get(row, columns[column].member));
}

static int compare(const void *a, const void *b, void *ctx)
{
        const json_t *x = ((const struct row *)a)->json, *y = ((const struct row *)b)->json;
        const struct top_order *order = ctx;
        int by_name = strcmp(picture_text(x, "name"), picture_text(y, "name")), r = by_name;

        if (order->column != TOP_NAME) {
                double p = value_of(x, order->column), q = value_of(y, order->column);

                r = p < q ? 1 : p > q ? -1 : 0;
        }
        if (order->is_upward)
                r = -r;
        return r ? r : by_name;
}

static void write_value(const json_t *row, enum top_column column, char to[PICTURE_TIME_SIZE])
{
        json_int_t n = picture_number(row, columns[column].member);

        switch (columns[column].kind) {
        case KIND_COUNT:
                picture_count(n, to);
                break;
        case KIND_RATIO:
                snprintf(to, PICTURE_TIME_SIZE, "%.1f %%", value_of(row, column) * 100);
                break;
        case KIND_TIME:
                picture_time(n, to);
                break;
        case KIND_TEXT:
                to[0] = '\0';
        }
}

/* Refusals of the exchange are what the whole thing is there to prevent. */
static enum sheet_style style_of(const json_t *row, enum top_column column)
{
        if (column == TOP_OVER_LIMIT && value_of(row, column) > 0)
                return SHEET_BAD;
        if ((column == TOP_REFUSED || column == TOP_ERRORS) && value_of(row, column) > 0)
                return SHEET_WARN;
        return SHEET_PLAIN;
}

static void draw_head(struct sheet *s, struct picture_box box, unsigned n, unsigned name,
                      const char *by, const struct top_order *order)
{
        const char *mark = s->is_unicode      ? order->is_upward ? "▲" : "▼"
                           : order->is_upward ? "^"
                                              : "v";
        unsigned col = box.col + name;

        sheet_put(s, box.row, box.col, box.col + name, SHEET_HEAD, "%s%s", by,
                  order->column == TOP_NAME ? mark : "");
        for (unsigned i = 1; i < n; ++i) {
                sheet_put_right(s, box.row, col + 1, col + 1 + columns[i].width,
                                i == order->column ? SHEET_HEAD : SHEET_DIM, "%s%s",
                                i == order->column ? mark : "", columns[i].head);
                col += columns[i].width + 1;
        }
}

static void draw_row(struct sheet *s, unsigned at, struct picture_box box, unsigned n,
                     unsigned name, const json_t *row)
{
        unsigned col = box.col + name;
        char text[PICTURE_TIME_SIZE];

        sheet_put(s, at, box.col, box.col + name, SHEET_PLAIN, "%s", picture_text(row, "name"));
        for (unsigned i = 1; i < n; ++i) {
                write_value(row, (enum top_column)i, text);
                sheet_put_right(s, at, col + 1, col + 1 + columns[i].width,
                                style_of(row, (enum top_column)i), "%s", text);
                col += columns[i].width + 1;
        }
}

static unsigned draw_rows(struct sheet *s, struct picture_box box, const struct row *rows, size_t n,
                          const json_t *spenders, const struct top_order *order)
{
        /* What is frozen may be by another than is wished for by now. */
        const char *by = picture_text(spenders, "by");
        unsigned name, shown = columns_at(box.end - box.col, &name), at = box.row;
        size_t from;

        draw_head(s, box, shown, name, by[0] ? by : top_by_name(order->by), order);
        from = n > 0 && order->scroll >= n ? n - 1 : order->scroll;
        for (size_t i = from; i < n && ++at < box.end_row; ++i)
                draw_row(s, at, box, shown, name, rows[i].json);
        if (n == 0 && ++at < box.end_row)
                sheet_put(s, at, box.col, box.end, SHEET_DIM,
                          spenders ? "nobody in the last hour" : "asking");
        return (at < box.end_row ? at + 1 : box.end_row) - box.row;
}

unsigned top_spenders_draw(struct sheet *s, struct picture_box box, const json_t *spenders,
                           const struct top_order *order)
{
        const json_t *list = json_object_get(spenders, "rows"), *row;
        size_t n = json_array_size(list), i;
        struct top_order by = *order;
        struct row *rows;
        unsigned taken;

        if (box.row >= box.end_row || box.end <= box.col)
                return 0;
        n = n < ROWS_MAX ? n : ROWS_MAX;
        rows = calloc(n + 1, sizeof(rows[0]));
        if (!rows)
                return 0;
        json_array_foreach(list, i, row) if (i < n) rows[i].json = row;
        qsort_r(rows, n, sizeof(rows[0]), compare, &by);
        taken = draw_rows(s, box, rows, n, spenders, order);
        free(rows);
        return taken;
}
