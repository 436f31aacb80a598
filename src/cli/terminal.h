/*
 * Terminal
 *
 * What the standard output can show: width, colours, more than ASCII.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/base.h"

/* Columns when nobody says how many. */
#define TERMINAL_COLS 80u

/* Of the terminal, else COLUMNS, else 80. */
unsigned terminal_cols(void);
/* The same, but 0 where it is no terminal and there is no COLUMNS: what a program or a file gets
 * has no edge to be cut at. */
unsigned terminal_edge(void);

/* A terminal that is not dumb, and nobody has set NO_COLOR. */
bool terminal_has_colours(void);

/* By LC_ALL, LC_CTYPE and LANG. Where none is set, as in containers, a terminal of today knows it;
 * C and POSIX are somebody's wish. */
bool terminal_has_unicode(void);

#endif
