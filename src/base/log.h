/*
 * Log
 *
 * One event per line on stderr. In logfmt every line starts with "weir:" so
 * that it can be told apart in a shared terminal or journal; as JSON it is an
 * object, and its "logger" is "weir":
 *
 *      weir: ts=2026-11-23T10:00:00.123Z level=warn event=retry group=fapi code=-1003
 *      {"logger":"weir","ts":"2026-11-23T10:00:00.123Z","level":"warn","event":"retry","group":"fapi","code":-1003}
 *
 * Where stderr is the journal's, each line has its priority before it (<4>), as
 * sd-daemon(3) says; the journal takes it off.
 *
 * Only gateway, sim and cli log; the rooms below them return. A call site may
 * write LOG_CEILING lines per second; what is dropped is counted and said, and so
 * is what found no room, since nobody read the pipe.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"
#include "base/log_text.h"
#include "base/str.h"

/* Lines per second and call site: enough to see what happens, too few to fill a disk. */
#define LOG_CEILING 10

struct log_site {
        uint64_t second;
        unsigned lines, dropped;
};

/* Threads: call these before others are started. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* @record and what it points to are good during the call. */
typedef void (*log_listen_fn)(void *ctx, const struct log_record *record);
/*
 * Calls @fn for each event that is written, behind the ceiling of its call site; NULL: nobody.
 * What @fn logs itself is written, and not told to it.
 */
void log_listen(log_listen_fn fn, void *ctx);

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...) PRINTF(4, 5);

/*
 * log_event(LOG_WARN, "retry", "group=%s code=%d", group, code)
 *
 * What a value holds needs no care: it is quoted as it must be; an empty one leaves its key out.
 * See log_fields.h for what a format may be; a test looks at each.
 */
#define log_event(level, event, ...)                                                               \
        do {                                                                                       \
                static struct log_site log_site_here;                                              \
                log_write(&log_site_here, level, event, __VA_ARGS__);                              \
        } while (0)

/* A sentence for people: "weir: SENTENCE", as JSON an event that is called "said". */
void log_say(enum log_level level, const char *format, ...) PRINTF(2, 3);
/*
 * A sentence as log_say() writes it, for who can do nothing but write(2) when it is due, such as a
 * handler of a signal; as JSON it is without the time. @text: of less than @to has room for.
 * Return: its bytes.
 */
#define LOG_LATER_MAX(text_size) (6 * (text_size) + 128)
size_t log_say_later(enum log_level level, enum log_format format, const char *text, char *to);
/* What log_set_format() was told last. */
enum log_format log_format_now(void);
/* Whether stderr takes a line at once: not while nobody reads the pipe that it is. */
bool log_has_room(void);
/* What stands before a line on stderr: its priority where that is the journal's, else nothing. For
 * who writes lines there himself. Return: bytes. */
#define LOG_PREFIX_MAX 3
size_t log_prefix(enum log_level level, char to[LOG_PREFIX_MAX]);

/* Quotes @value for a sentence; cut to the size of @to. */
const char *log_quote(struct str value, char *to, size_t size);

#endif
