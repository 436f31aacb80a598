/*
 * History's times
 *
 * As somebody writes them: so long ago ("90m", "2h", "3d", "2w"), or a date and time of UTC
 * ("2026-11-26", "2026-11-26T10:30", "2026-11-26 10:30:15Z").
 */
#ifndef CLI_HISTORY_TIME_H
#define CLI_HISTORY_TIME_H

#include "base/base.h"

/* Return: 0, or -EINVAL. */
CHECKED int history_time_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms);

/* "2026-11-26 10:30" or with seconds where it is not a whole minute. Return: @to. */
#define HISTORY_TIME_SIZE 32
const char *history_time_text(uint64_t ms, char to[HISTORY_TIME_SIZE]);
/* "2026-11-26T10:30:00Z", for programs. Return: @to. */
const char *history_time_iso(uint64_t ms, char to[HISTORY_TIME_SIZE]);

#endif
