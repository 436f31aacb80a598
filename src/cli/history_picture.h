/*
 * History's picture
 *
 * A line for each window, hour or day: who used how much of it, as parts of a bar, and what came of
 * it; below, the sums of each. For people, in as many columns as there are.
 *
 *      11-26 18:00 ███████▓▓▓▒▒▒░░░+        123456  34%  476 ms    2     3
 */
#ifndef CLI_HISTORY_PICTURE_H
#define CLI_HISTORY_PICTURE_H

#include "base/base.h"
#include "history/table.h"

struct history_look {
        unsigned cols; /* 0: as many as all figures want */
        bool is_unicode, is_coloured;
        uint64_t now_ms; /* of which windows cannot be written yet */
};

/* On the standard output. Return: 0 or -ENOMEM. */
CHECKED int history_picture(const struct history_table *table, const struct history_look *look);

/* The same for spreadsheets: a line for each step and name; by=all: one for each step, with what
 * only all have. */
void history_csv(const struct history_table *table);

#endif
