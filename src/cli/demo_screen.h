/*
 * Screen
 *
 * A grid of cells that is drawn anew and written out at once, over whatever the terminal showed;
 * what it showed comes back at the end. Text beyond the grid is cut.
 */
#ifndef CLI_DEMO_SCREEN_H
#define CLI_DEMO_SCREEN_H

#include "base/base.h"

#include <termios.h>

#define SCREEN_ROWS     24
#define SCREEN_COLS_MIN 80
#define SCREEN_COLS_MAX 132

enum screen_style {
        STYLE_PLAIN,
        STYLE_DIM,
        STYLE_BOLD,
        STYLE_GOOD,
        STYLE_WARN,
        STYLE_BAD,
        STYLES,
};

struct screen_cell {
        char bytes[4]; /* one code point, UTF-8; zeros after it */
        uint8_t style;
};

struct screen {
        unsigned cols;
        bool is_open, is_coloured, is_unicode;
        bool has_terminal_settings;
        struct termios before;
        struct screen_cell cells[SCREEN_ROWS][SCREEN_COLS_MAX];
};

/* Is stdout a terminal that this can be drawn on? */
bool screen_is_possible(void);

void screen_open(struct screen *s);
/* Gives the terminal back. May run twice; accepts all zero. */
void screen_close(struct screen *s);

/* Empties the grid, and takes notice of the terminal's size. */
void screen_clear(struct screen *s);
/* Writes into one row, from @col on and before @end. */
void screen_put(struct screen *s, unsigned row, unsigned col, unsigned end, enum screen_style style,
                const char *format, ...) PRINTF(6, 7);
void screen_show(const struct screen *s);

#endif
