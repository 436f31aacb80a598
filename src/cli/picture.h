/*
 * Picture
 *
 * The parts of a snapshot (docs/watch.md) as weir status and weir top draw them. Each draws from a
 * row on, within its columns, and says how many rows it took; members that are not there are not
 * drawn, so a snapshot of a region alone will do.
 */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "base/base.h"
#include "cli/sheet.h"

#include <jansson.h>

/* Where something may be drawn. */
struct picture_box {
        unsigned row, end_row; /* @end_row: behind it */
        unsigned col, end;
};

struct picture_budgets {
        bool has_details; /* in words, of what the bar shows: beside it, or below where it is narrow
                           */
};

/* A number of a member, cut to what a double holds exactly; 0 where there is none. */
json_int_t picture_number(const json_t *object, const char *member);
/* Likewise, of what is counted: from 0 to a limit's most, so that two may be multiplied. */
json_int_t picture_amount(const json_t *object, const char *member);
/*
 * What is left of a time that passes, of @row in @now: a gateway says nothing while nothing but
 * time passes, so who shows a snapshot later than it came gives it a member "age_ms". Not below 0.
 */
json_int_t picture_rest(const json_t *now, const json_t *row, const char *member);

/* The text of a member; "" where there is none. */
const char *picture_text(const json_t *object, const char *member);

/* "12 ms", "3.4 s", "59 s", "12 m", "3 h 05 m", "2 d 04 h". Return: @to. */
#define PICTURE_TIME_SIZE 24
const char *picture_time(json_int_t ms, char to[PICTURE_TIME_SIZE]);
/* As picture_time(), for what is counted down: rounded up to seconds. */
const char *picture_left(json_int_t ms, char to[PICTURE_TIME_SIZE]);
/* "999", "12.3k", "4.5M". Return: @to. */
#define PICTURE_COUNT_SIZE 24
const char *picture_count(json_int_t n, char to[PICTURE_COUNT_SIZE]);

/* What is stopped, banned, broken, paused or away, worst first, in words. Return: rows taken. */
unsigned picture_alarms(struct sheet *sheet, struct picture_box box, const json_t *now);

/* What is worth to be known besides: the gateway's state, costs, keys, a region that gets full.
 * Return: rows taken. */
unsigned picture_notes(struct sheet *sheet, struct picture_box box, const json_t *now);

/* A line for each budget, and one for those without room. Return: rows taken. */
unsigned picture_budgets(struct sheet *sheet, struct picture_box box, const json_t *now,
                         const struct picture_budgets *how);

/* What the marks of a bar mean, on as many rows as that takes. Return: rows taken. */
unsigned picture_legend(struct sheet *sheet, struct picture_box box);

/* Who waits, by class: all in a line, or where that is too narrow in several. Return: rows taken.
 */
unsigned picture_queue(struct sheet *sheet, struct picture_box box, const json_t *now);

#endif
