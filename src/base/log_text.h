/*
 * A log line as text
 *
 * In logfmt or as JSON, with the same keys in the same order:
 *
 *      weir: ts=2026-11-23T10:00:00.123Z level=warn event=retry group=fapi code=-1003
 *      {"logger":"weir","ts":"2026-11-23T10:00:00.123Z","level":"warn","event":"retry","group":"fapi","code":-1003}
 *
 * A quoted value of logfmt is a string of JSON, letter by letter: what is read
 * back from either is the same. Both are valid UTF-8 and one line, whatever a
 * value holds: what is no UTF-8 becomes U+FFFD, and what a terminal would obey
 * instead of showing it is escaped.
 */
#ifndef BASE_LOG_TEXT_H
#define BASE_LOG_TEXT_H

#include "base/log_fields.h"

enum log_level {
        LOG_ERROR,
        LOG_WARN,
        LOG_INFO,
        LOG_DEBUG,
};

enum log_format {
        LOG_LOGFMT,
        LOG_JSON,
};

/* "2026-11-23T10:00:00.123Z" and a NUL. */
#define LOG_TIME_SIZE 25
/* Each byte of a value escaped, and keys, and what stands before them. */
#define LOG_LINE_MAX (LOG_VALUES_MAX * 6 + LOG_PAIRS_MAX * (LOG_KEY_SIZE + 6) + 256)

/* What happened, ready to be shown. */
struct log_record {
        enum log_level level;
        const char *event; /* a word */
        uint64_t at_us;    /* wall clock */
        const struct log_fields *fields;
};

const char *log_level_name(enum log_level level);
const char *log_format_name(enum log_format format);
/* The wall clock in UTC. Return: @to. */
const char *log_time(uint64_t at_us, char to[LOG_TIME_SIZE]);
/* The fields alone, in logfmt. Return: their bytes; no NUL is written. */
size_t log_fields_text(const struct log_fields *fields, char to[LOG_LINE_MAX]);
/* A line with its end. @prefix: "weir: ", in logfmt; JSON has it as "logger". Return: its bytes. */
size_t log_record_line(const struct log_record *record, enum log_format format,
                       char to[LOG_LINE_MAX]);
/* One string of JSON with its quotes. @to: 6 times @text, and 2. Return: its bytes. */
size_t log_quote_json(struct str text, char *to);

#endif
