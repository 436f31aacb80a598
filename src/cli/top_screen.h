/*
 * Screen
 *
 * A terminal that weir top has for itself, by curses. Whatever ends the program, the terminal is as
 * it was: keys are shown again, the cursor is there, the old picture is back.
 */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "cli/sheet.h"

struct top_screen {
        bool is_open, has_colours, is_unicode;
};

enum top_key {
        TOP_KEY_NONE,
        TOP_KEY_END, /* nobody will press one any more */
        TOP_KEY_UP = 0x110000,
        TOP_KEY_DOWN,
        TOP_KEY_LEFT,
        TOP_KEY_RIGHT,
        TOP_KEY_PAGE_UP,
        TOP_KEY_PAGE_DOWN,
        TOP_KEY_HOME,
};

/* Return: 0, or -ENOTTY after a complaint on stderr with a remedy: this terminal cannot do it. */
CHECKED int top_screen_open(struct top_screen *screen, bool wants_unicode, bool wants_colours);
/* May be called twice. */
void top_screen_close(struct top_screen *screen);

/* Stops the program as a shell does it (Ctrl-Z), and comes back when it goes on. */
void top_screen_suspend(struct top_screen *screen);

/* The terminal has another size. */
void top_screen_resize(struct top_screen *screen);
void top_screen_size(unsigned *ret_rows, unsigned *ret_cols);

/* Everything is drawn anew, whatever somebody else has written there. */
void top_screen_redraw(void);
void top_screen_show(const struct top_screen *screen, const struct sheet *sheet);

/* A character, or an enum top_key; TOP_KEY_NONE when none was pressed. Does not wait. */
int top_screen_key(void);

#endif
