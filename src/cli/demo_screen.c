#include "cli/demo_screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A cell takes 4 bytes, a change of style 10, and a style changes every few cells. */
#define FRAME_MAX (SCREEN_ROWS * SCREEN_COLS_MAX * 14)

static const char *const codes[STYLES] = {
        [STYLE_PLAIN] = "\033[0m",   [STYLE_DIM] = "\033[0;2m",   [STYLE_BOLD] = "\033[0;1m",
        [STYLE_GOOD] = "\033[0;32m", [STYLE_WARN] = "\033[0;33m", [STYLE_BAD] = "\033[0;31m",
};

static void write_all(const char *data, size_t n)
{
        while (n > 0) {
                ssize_t written = write(STDOUT_FILENO, data, n);

                if (written < 0 && errno != EINTR)
                        return;
                if (written > 0)
                        data += written, n -= (size_t)written;
        }
}

static void write_text(const char *text)
{
        write_all(text, strlen(text));
}

static bool find_size(unsigned *ret_cols)
{
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < SCREEN_ROWS ||
            size.ws_col < SCREEN_COLS_MIN)
                return false;
        *ret_cols = size.ws_col < SCREEN_COLS_MAX ? size.ws_col : SCREEN_COLS_MAX;
        return true;
}

bool screen_is_possible(void)
{
        const char *terminal = getenv("TERM");
        unsigned cols;

        return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0 &&
               find_size(&cols);
}

/* Containers often name no locale at all, on terminals that know UTF-8. */
static bool knows_unicode(void)
{
        static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                const char *locale = getenv(names[i]);

                if (locale && locale[0] != '\0')
                        return strcasestr(locale, "utf") || strcmp(locale, "C") == 0 ||
                               strcmp(locale, "POSIX") == 0;
        }
        return true;
}

/* Keys that are pressed meanwhile are not shown. Only the foreground may change that. */
static void hide_keys(struct screen *s)
{
        struct termios now;

        if (tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &s->before) < 0)
                return;
        now = s->before;
        now.c_lflag &= ~(tcflag_t)ECHO;
        /* Stopped, the screen would stay ours. */
        now.c_cc[VSUSP] = _POSIX_VDISABLE;
        s->has_terminal_settings = tcsetattr(STDIN_FILENO, TCSANOW, &now) == 0;
}

void screen_open(struct screen *s)
{
        const char *no_colour = getenv("NO_COLOR");

        s->is_open = true;
        s->is_coloured = !(no_colour && no_colour[0] != '\0');
        s->is_unicode = knows_unicode();
        s->cols = SCREEN_COLS_MIN;
        hide_keys(s);
        /* The other screen, no cursor, no wrapping. */
        write_text("\033[?1049h\033[?25l\033[?7l\033[2J");
}

void screen_close(struct screen *s)
{
        if (!s->is_open)
                return;
        s->is_open = false;
        write_text("\033[0m\033[?7h\033[?25h\033[?1049l");
        if (s->has_terminal_settings)
                (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before);
}

void screen_clear(struct screen *s)
{
        unsigned cols = SCREEN_COLS_MIN;

        (void)find_size(&cols);
        if (cols != s->cols)
                write_text("\033[2J");
        s->cols = cols;
        memset(s->cells, 0, sizeof(s->cells));
}

static size_t code_point_bytes(unsigned char first)
{
        return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

void screen_put(struct screen *s, unsigned row, unsigned col, unsigned end, enum screen_style style,
                const char *format, ...)
{
        char text[SCREEN_COLS_MAX * 4];
        const char *p = text;
        va_list args;

        must(row < SCREEN_ROWS);
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        end = end < s->cols ? end : s->cols;
        for (; *p && col < end; ++col) {
                size_t n = strnlen(p, code_point_bytes((unsigned char)*p));
                struct screen_cell *cell = &s->cells[row][col];

                *cell = (struct screen_cell){ .style = (uint8_t)style };
                memcpy(cell->bytes, p, n);
                p += n;
        }
}

static size_t show_row(const struct screen *s, unsigned row, char *to)
{
        uint8_t style = STYLE_PLAIN;
        size_t n = 0;

        for (unsigned col = 0; col < s->cols; ++col) {
                const struct screen_cell *cell = &s->cells[row][col];

                if (s->is_coloured && cell->style != style)
                        n += (size_t)(stpcpy(to + n, codes[cell->style]) - (to + n));
                style = cell->style;
                if (cell->bytes[0] == '\0')
                        to[n++] = ' ';
                for (size_t i = 0; i < sizeof(cell->bytes) && cell->bytes[i]; ++i)
                        to[n++] = cell->bytes[i];
        }
        if (s->is_coloured)
                n += (size_t)(stpcpy(to + n, codes[STYLE_PLAIN]) - (to + n));
        return n;
}

void screen_show(const struct screen *s)
{
        static char frame[FRAME_MAX + SCREEN_ROWS * 16];
        size_t n = 0;

        for (unsigned row = 0; row < SCREEN_ROWS; ++row) {
                n += (size_t)sprintf(frame + n, "\033[%u;1H", row + 1);
                n += show_row(s, row, frame + n);
        }
        write_all(frame, n);
}
