#include "cli/sheet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[SHEET_STYLES] = {
        [SHEET_PLAIN] = "\033[0m",     [SHEET_DIM] = "\033[0;2m",
        [SHEET_BOLD] = "\033[0;1m",    [SHEET_TITLE] = "\033[0;7m",
        [SHEET_HEAD] = "\033[0;1;36m", [SHEET_OURS] = "\033[0;32m",
        [SHEET_FLIGHT] = "\033[0;36m", [SHEET_FOREIGN] = "\033[0;35m",
        [SHEET_HELD] = "\033[0;34m",   [SHEET_EXPECTED] = "\033[0;35;2m",
        [SHEET_GOOD] = "\033[0;32m",   [SHEET_WARN] = "\033[0;33m",
        [SHEET_BAD] = "\033[0;1;31m",
};

int sheet_init(struct sheet *s, unsigned rows, unsigned cols, bool is_unicode)
{
        *s = (struct sheet){
                .rows = rows < SHEET_ROWS_MAX ? rows : SHEET_ROWS_MAX,
                .cols = cols < SHEET_COLS_MAX ? cols : SHEET_COLS_MAX,
                .is_unicode = is_unicode,
        };
        s->cells = calloc((size_t)s->rows * s->cols + 1, sizeof(s->cells[0]));
        return s->cells ? 0 : -ENOMEM;
}

void sheet_deinit(struct sheet *s)
{
        free(s->cells);
        *s = (struct sheet){ .rows = 0 };
}

void sheet_clear(struct sheet *s)
{
        memset(s->cells, 0, (size_t)s->rows * s->cols * sizeof(s->cells[0]));
}

static struct sheet_cell *cell_at(const struct sheet *s, unsigned row, unsigned col)
{
        return &s->cells[(size_t)row * s->cols + col];
}

/* Bytes of the character at @p, 0 for what is no UTF-8; *ret_code is which one. */
static size_t decode(const char *p, uint32_t *ret_code)
{
        const unsigned char *b = (const unsigned char *)p;
        size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;

        if (n == 0 || b[0] > 0xf4)
                return 0;
        *ret_code = n == 1 ? b[0] : b[0] & (0xffu >> (n + 1));
        for (size_t i = 1; i < n; ++i) {
                if ((b[i] & 0xc0) != 0x80)
                        return 0;
                *ret_code = *ret_code << 6 | (b[i] & 0x3f);
        }
        return n;
}

/* Those that certainly take one cell: Latin, Greek, Cyrillic, and what we draw with. */
static bool takes_one_cell(uint32_t c)
{
        return (c >= 0x20 && c < 0x7f) || (c >= 0xa1 && c != 0xad && c < 0x300) ||
               (c >= 0x370 && c < 0x483) || (c >= 0x48a && c < 0x530) ||
               (c >= 0x2010 && c <= 0x2027) || (c >= 0x2190 && c < 0x2200) ||
               (c >= 0x2500 && c < 0x2600);
}

static size_t next_cell(const struct sheet *s, const char *p, struct sheet_cell *cell)
{
        uint32_t code = 0;
        size_t n = decode(p, &code);

        if (n == 0 || !takes_one_cell(code) || (n > 1 && !s->is_unicode)) {
                cell->bytes[0] = '?';
                return n ? n : 1;
        }
        memcpy(cell->bytes, p, n);
        return n;
}

static unsigned put(struct sheet *s, unsigned row, unsigned col, unsigned end,
                    enum sheet_style style, const char *text)
{
        end = end < s->cols ? end : s->cols;
        if (row >= s->rows)
                return col;
        for (; *text && col < end; ++col) {
                struct sheet_cell cell = { .style = (uint8_t)style };

                text += next_cell(s, text, &cell);
                *cell_at(s, row, col) = cell;
        }
        return col;
}

unsigned sheet_width(const char *text)
{
        unsigned n = 0;
        uint32_t code;

        while (*text) {
                size_t bytes = decode(text, &code);

                text += bytes ? bytes : 1;
                ++n;
        }
        return n;
}

unsigned sheet_put(struct sheet *s, unsigned row, unsigned col, unsigned end,
                   enum sheet_style style, const char *format, ...)
{
        char text[4 * SHEET_COLS_MAX];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return put(s, row, col, end, style, text);
}

void sheet_put_right(struct sheet *s, unsigned row, unsigned col, unsigned end,
                     enum sheet_style style, const char *format, ...)
{
        char text[4 * SHEET_COLS_MAX];
        unsigned width;
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        width = sheet_width(text);
        if (end > col && width < end - col)
                col = end - width;
        put(s, row, col, end, style, text);
}

unsigned sheet_put_end(struct sheet *s, unsigned row, unsigned col, unsigned end,
                       enum sheet_style style, const char *text)
{
        unsigned width = sheet_width(text), room = end > col ? end - col : 0;
        uint32_t code;

        if (width <= room || room < 2)
                return put(s, row, col, end, style, text);
        for (; width > room - 1; --width) {
                size_t bytes = decode(text, &code);

                text += bytes ? bytes : 1;
        }
        sheet_mark(s, row, col, style, "…", '~');
        return put(s, row, col + 1, end, style, text);
}

void sheet_mark(struct sheet *s, unsigned row, unsigned col, enum sheet_style style,
                const char *unicode, char ascii)
{
        char plain[2] = { ascii, '\0' };

        put(s, row, col, s->cols, style, s->is_unicode ? unicode : plain);
}

void sheet_fill(struct sheet *s, unsigned row, unsigned col, unsigned end, enum sheet_style style)
{
        end = end < s->cols ? end : s->cols;
        for (; row < s->rows && col < end; ++col)
                cell_at(s, row, col)->style = (uint8_t)style;
}

static bool is_empty(const struct sheet_cell *cell)
{
        return (cell->bytes[0] == '\0' || cell->bytes[0] == ' ') && cell->style != SHEET_TITLE;
}

static unsigned used_cols(const struct sheet *s, unsigned row)
{
        unsigned n = s->cols;

        while (n > 0 && is_empty(cell_at(s, row, n - 1)))
                --n;
        return n;
}

unsigned sheet_height(const struct sheet *s)
{
        unsigned n = s->rows;

        while (n > 0 && used_cols(s, n - 1) == 0)
                --n;
        return n;
}

static size_t write_cell(const struct sheet_cell *cell, char *to)
{
        size_t n = cell->bytes[0] ? strnlen(cell->bytes, sizeof(cell->bytes)) : 1;

        memcpy(to, cell->bytes[0] ? cell->bytes : " ", n);
        return n;
}

size_t sheet_line(const struct sheet *s, unsigned row, char *to)
{
        unsigned cols = row < s->rows ? used_cols(s, row) : 0;
        size_t n = 0;

        for (unsigned col = 0; col < cols; ++col)
                n += write_cell(cell_at(s, row, col), to + n);
        while (n > 0 && to[n - 1] == ' ')
                --n;
        to[n] = '\0';
        return n;
}

static void print_row(const struct sheet *s, unsigned row, FILE *to)
{
        unsigned cols = used_cols(s, row);
        uint8_t style = SHEET_PLAIN;
        char bytes[4];

        for (unsigned col = 0; col < cols; ++col) {
                const struct sheet_cell *cell = cell_at(s, row, col);
                size_t n;

                if (cell->style != style)
                        fputs(codes[cell->style], to);
                style = cell->style;
                n = write_cell(cell, bytes);
                fwrite(bytes, 1, n, to);
        }
        if (style != SHEET_PLAIN)
                fputs(codes[SHEET_PLAIN], to);
}

void sheet_print(const struct sheet *s, FILE *to, bool is_coloured)
{
        unsigned rows = sheet_height(s);
        char line[4 * SHEET_COLS_MAX + 1];

        for (unsigned row = 0; row < rows; ++row) {
                if (is_coloured) {
                        print_row(s, row, to);
                } else {
                        size_t n = sheet_line(s, row, line);

                        fwrite(line, 1, n, to);
                }
                putc('\n', to);
        }
}
