/*
 * Sheet
 *
 * A picture of text before it goes anywhere: rows of cells, each one character and a style. What is
 * drawn beyond an edge is cut off there, so who draws need not look at the size. A terminal gets it
 * by curses (cli/top_screen.h), a pipe as lines.
 *
 * A character takes one cell: what is wider, is nothing to see or would move the cursor is drawn as
 * '?', so a name that somebody chose cannot break the picture.
 */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "base/base.h"

#include <stdio.h>

/* More than a wall of screens has; a larger terminal shows this much. */
#define SHEET_ROWS_MAX 500u
#define SHEET_COLS_MAX 1000u

enum sheet_style {
        SHEET_PLAIN,
        SHEET_DIM,
        SHEET_BOLD,
        SHEET_TITLE, /* the line at the top */
        SHEET_HEAD,  /* of a section */
        SHEET_OURS,  /* parts of a budget */
        SHEET_FLIGHT,
        SHEET_FOREIGN,
        SHEET_HELD,
        SHEET_EXPECTED,
        SHEET_GOOD,
        SHEET_WARN,
        SHEET_BAD,
        SHEET_STYLES,
};

struct sheet_cell {
        char bytes[4]; /* UTF-8, NULs behind; empty: a blank */
        uint8_t style;
};

struct sheet {
        unsigned rows, cols;
        bool is_unicode; /* else nothing but ASCII is drawn */
        struct sheet_cell *cells;
};

/* @rows, @cols: cut to the most that there is. Return: 0 or -ENOMEM. */
CHECKED int sheet_init(struct sheet *sheet, unsigned rows, unsigned cols, bool is_unicode);
/* May be called twice. */
void sheet_deinit(struct sheet *sheet);
void sheet_clear(struct sheet *sheet);

/* Draws from @col on, before @end. Return: the column behind it. */
unsigned sheet_put(struct sheet *sheet, unsigned row, unsigned col, unsigned end,
                   enum sheet_style style, const char *format, ...) PRINTF(6, 7);

/* As sheet_put(), with its end at @end; cut at its end where it is too long. */
void sheet_put_right(struct sheet *sheet, unsigned row, unsigned col, unsigned end,
                     enum sheet_style style, const char *format, ...) PRINTF(6, 7);

/* As sheet_put() where there is room for all of it; else its end, behind a mark that something is
 * left out: of paths the end tells more. Return: the column behind it. */
unsigned sheet_put_end(struct sheet *sheet, unsigned row, unsigned col, unsigned end,
                       enum sheet_style style, const char *text);

/* One character; @ascii where the sheet knows no others. */
void sheet_mark(struct sheet *sheet, unsigned row, unsigned col, enum sheet_style style,
                const char *unicode, char ascii);

/* A whole row gets a style. */
void sheet_fill(struct sheet *sheet, unsigned row, unsigned col, unsigned end,
                enum sheet_style style);

/* Rows up to the last one with something in it. */
unsigned sheet_height(const struct sheet *sheet);

/* A row as text, without blanks at its end. @to: of 4 * cols + 1 bytes. Return: its length. */
size_t sheet_line(const struct sheet *sheet, unsigned row, char *to);

/* All rows up to the last one with something in it, with colours of ANSI if @is_coloured. */
void sheet_print(const struct sheet *sheet, FILE *to, bool is_coloured);

/* How many characters of @text there are. */
unsigned sheet_width(const char *text);

#endif
