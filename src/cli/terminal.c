#include "cli/terminal.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned terminal_edge(void)
{
        const char *named = getenv("COLUMNS");
        struct winsize size;
        uint64_t cols;

        if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
            size.ws_col > 0)
                return size.ws_col;
        if (named && str_to_u64(str_of(named), &cols) == 0 && cols > 0 && cols <= UINT16_MAX)
                return (unsigned)cols;
        return isatty(STDOUT_FILENO) ? TERMINAL_COLS : 0;
}

unsigned terminal_cols(void)
{
        unsigned cols = terminal_edge();

        return cols > 0 ? cols : TERMINAL_COLS;
}

bool terminal_has_colours(void)
{
        const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(none && none[0]) && terminal &&
               strcmp(terminal, "dumb") != 0;
}

bool terminal_has_unicode(void)
{
        static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                const char *locale = getenv(names[i]);

                if (locale && locale[0])
                        return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
        }
        return true;
}
