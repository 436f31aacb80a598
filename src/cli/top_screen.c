#include "cli/top_screen.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* Behind term.h: it has macros of common names. */
#define NCURSES_NOMACROS
#include <curses.h>
#undef lines
#undef columns

static SCREEN *curses; /* there is one of it in a program */

/* For a crash: curses may not be called then. */
static struct termios before;
static bool has_before;
static const char leave[] = "\033[0m\033[?1l\033>\033[?25h\033[?1049l";

/* Ours, or the kernel's word that a region's file was cut short under us. */
static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };

static void on_crash(int signal)
{
        /* Both are safe in a signal's handler; it dies of it as it would have. */
        if (has_before)
                (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
        (void)!write(STDOUT_FILENO, leave, sizeof(leave) - 1);
        raise(signal);
}

static void catch_crashes(void)
{
        struct sigaction action = { .sa_handler = on_crash,
                                    .sa_flags = (int)SA_RESETHAND | SA_NODEFER };

        for (size_t i = 0; i < ARRAY_SIZE(crashes); ++i)
                (void)sigaction(crashes[i], &action, NULL);
}

static void release_crashes(void)
{
        struct sigaction action = { .sa_handler = SIG_DFL };

        for (size_t i = 0; i < ARRAY_SIZE(crashes); ++i)
                (void)sigaction(crashes[i], &action, NULL);
}

static const struct {
        int pair, colour;
        attr_t more;
} styles[SHEET_STYLES] = {
        [SHEET_PLAIN] = { 0, 0, A_NORMAL },
        [SHEET_DIM] = { 0, 0, A_DIM },
        [SHEET_BOLD] = { 0, 0, A_BOLD },
        [SHEET_TITLE] = { 0, 0, A_REVERSE },
        [SHEET_HEAD] = { 1, COLOR_CYAN, A_BOLD },
        [SHEET_OURS] = { 2, COLOR_GREEN, A_NORMAL },
        [SHEET_FLIGHT] = { 3, COLOR_CYAN, A_NORMAL },
        [SHEET_FOREIGN] = { 4, COLOR_MAGENTA, A_NORMAL },
        [SHEET_HELD] = { 5, COLOR_BLUE, A_NORMAL },
        [SHEET_EXPECTED] = { 4, COLOR_MAGENTA, A_DIM },
        [SHEET_GOOD] = { 2, COLOR_GREEN, A_NORMAL },
        [SHEET_WARN] = { 6, COLOR_YELLOW, A_NORMAL },
        [SHEET_BAD] = { 7, COLOR_RED, A_BOLD },
};

static void begin_colours(void)
{
        start_color();
        use_default_colors();
        for (size_t i = 0; i < SHEET_STYLES; ++i)
                if (styles[i].pair)
                        init_pair((short)styles[i].pair, (short)styles[i].colour, -1);
}

static int refuse(const char *what)
{
        fprintf(stderr, "weir: top: %s; weir top --once prints one frame\n", what);
        return -ENOTTY;
}

/* Asked before curses begins, which would end the program. */
static bool can_place_cursor(void)
{
        bool can;
        int error;

        if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
                return false;
        can = cursor_address != NULL;
        del_curterm(cur_term);
        return can;
}

int top_screen_open(struct top_screen *s, bool wants_unicode, bool wants_colours)
{
        char what[160];

        *s = (struct top_screen){ .is_unicode = wants_unicode };
        if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
                return refuse("standard input or output is no terminal");
        /* Curses writes UTF-8 by what the locale says; a machine may know none but C's. */
        if (wants_unicode && !setlocale(LC_CTYPE, "C.UTF-8"))
                s->is_unicode = false;
        if (!can_place_cursor()) {
                snprintf(what, sizeof(what), "this terminal (TERM=%.64s) cannot place its cursor",
                         getenv("TERM") ? getenv("TERM") : "");
                return refuse(what);
        }
        has_before = tcgetattr(STDIN_FILENO, &before) == 0;
        curses = newterm(NULL, stdout, stdin);
        if (!curses)
                return refuse("curses cannot begin");
        s->is_open = true;
        catch_crashes();
        cbreak();
        noecho();
        nonl();
        keypad(stdscr, true);
        nodelay(stdscr, true);
        set_escdelay(50);
        curs_set(0);
        s->has_colours = wants_colours && has_colors();
        if (s->has_colours)
                begin_colours();
        return 0;
}

void top_screen_close(struct top_screen *s)
{
        if (!s->is_open)
                return;
        s->is_open = false;
        endwin();
        delscreen(curses);
        curses = NULL;
        release_crashes();
}

void top_screen_suspend(struct top_screen *s)
{
        if (!s->is_open)
                return;
        endwin();
        (void)kill(getpid(), SIGSTOP);
        /* Here it goes on; the shell may have another size and other settings by now. */
        top_screen_resize(s);
        top_screen_redraw();
}

void top_screen_size(unsigned *ret_rows, unsigned *ret_cols)
{
        *ret_rows = LINES > 0 ? (unsigned)LINES : 1;
        *ret_cols = COLS > 0 ? (unsigned)COLS : 1;
}

void top_screen_resize(struct top_screen *s)
{
        struct winsize size;

        if (s->is_open && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
            size.ws_col > 0)
                resizeterm(size.ws_row, size.ws_col);
}

void top_screen_redraw(void)
{
        clearok(curscr, true);
}

static attr_t attributes_of(const struct top_screen *s, uint8_t style)
{
        attr_t more = styles[style].more;

        if (s->has_colours)
                return more | (attr_t)COLOR_PAIR(styles[style].pair);
        /* Without colours what is bad or a warning still stands out. */
        return style == SHEET_WARN ? A_BOLD : style == SHEET_BAD ? A_BOLD | A_REVERSE : more;
}

void top_screen_show(const struct top_screen *s, const struct sheet *sheet)
{
        erase();
        for (unsigned row = 0; row < sheet->rows; ++row) {
                for (unsigned col = 0; col < sheet->cols; ++col) {
                        const struct sheet_cell *cell =
                                &sheet->cells[(size_t)row * sheet->cols + col];

                        if (cell->bytes[0] == '\0' && cell->style == SHEET_PLAIN)
                                continue;
                        attrset((int)attributes_of(s, cell->style));
                        mvaddnstr((int)row, (int)col, cell->bytes[0] ? cell->bytes : " ",
                                  cell->bytes[0] ? (int)strnlen(cell->bytes, 4) : 1);
                }
        }
        attrset(A_NORMAL);
        refresh();
}

int top_screen_key(void)
{
        int key = getch();

        switch (key) {
        case ERR:
                return TOP_KEY_NONE;
        case KEY_UP:
                return TOP_KEY_UP;
        case KEY_DOWN:
                return TOP_KEY_DOWN;
        case KEY_LEFT:
                return TOP_KEY_LEFT;
        case KEY_RIGHT:
                return TOP_KEY_RIGHT;
        case KEY_PPAGE:
                return TOP_KEY_PAGE_UP;
        case KEY_NPAGE:
                return TOP_KEY_PAGE_DOWN;
        case KEY_HOME:
                return TOP_KEY_HOME;
        default:
                return key < 0x80 ? key : TOP_KEY_NONE;
        }
}
