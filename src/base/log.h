/*
 * Log
 *
 * One event per line on stderr, as key=value pairs, every line starting with
 * "weir:" so that it can be told apart in a shared terminal or journal:
 *
 *      weir: ts=2026-11-23T10:00:00.123Z level=warn event=retry group=fapi code=-1003
 *
 * Only gateway, sim and cli log; the rooms below them return. A call site may
 * write LOG_CEILING lines per second; what is dropped is counted and said.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"
#include "base/str.h"

enum log_level {
        LOG_ERROR,
        LOG_WARN,
        LOG_INFO,
        LOG_DEBUG,
};

/* Lines per second and call site: enough to see what happens, too few to fill a disk. */
#define LOG_CEILING 10

struct log_site {
        uint64_t second;
        unsigned lines, dropped;
};

/* Threads: call before others are started. */
void log_set_level(enum log_level level);
int log_level_from(struct str name, enum log_level *ret_level);

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...) PRINTF(4, 5);

/* log_event(LOG_WARN, "retry", "group=%s code=%d", group, code) */
#define log_event(level, event, ...)                                                               \
        do {                                                                                       \
                static struct log_site log_site_here;                                              \
                log_write(&log_site_here, level, event, __VA_ARGS__);                              \
        } while (0)

/* Quotes @value for a key=value pair when it needs it; cut to the size of @to. */
const char *log_quote(struct str value, char *to, size_t size);

#endif
