#include "base/log.h"
#include "base/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum log_level log_threshold = LOG_INFO;
static enum log_format log_form = LOG_LOGFMT;

static struct {
        log_listen_fn fn;
        void *ctx;
        bool is_telling;
} listener;

void log_set_level(enum log_level level)
{
        log_threshold = level;
}

void log_set_format(enum log_format format)
{
        log_form = format;
}

enum log_format log_format_now(void)
{
        return log_form;
}

void log_listen(log_listen_fn fn, void *ctx)
{
        listener.fn = fn;
        listener.ctx = ctx;
}

/* Where stderr goes. */

/*
 * JOURNAL_STREAM names the device and the inode of what a service manager gave us as stderr: who
 * was given another since, as by a shell, has the variable too, and another inode.
 */
static bool find_journal(void)
{
        struct str device, inode = str_of(getenv("JOURNAL_STREAM"));
        uint64_t device_number, inode_number;
        struct stat st;

        return str_split(&inode, ':', &device) && str_to_u64(device, &device_number) == 0 &&
               str_to_u64(inode, &inode_number) == 0 && fstat(STDERR_FILENO, &st) == 0 &&
               st.st_dev == device_number && st.st_ino == inode_number;
}

static bool is_journal(void)
{
        static enum {
                UNKNOWN,
                NO,
                YES
        } known;

        if (known == UNKNOWN)
                known = find_journal() ? YES : NO;
        return known == YES;
}

/* Those of syslog, as sd-daemon(3) has them. Return: bytes. */
size_t log_prefix(enum log_level level, char to[LOG_PREFIX_MAX])
{
        static const char priorities[] = {
                [LOG_ERROR] = '3', [LOG_WARN] = '4', [LOG_INFO] = '6', [LOG_DEBUG] = '7'
        };

        if (!is_journal())
                return 0;
        to[0] = '<';
        to[1] = priorities[level];
        to[2] = '>';
        return 3;
}

bool log_has_room(void)
{
        struct pollfd to = { .fd = STDERR_FILENO, .events = POLLOUT };

        /* What cannot be asked is no pipe, and does not wait. */
        return poll(&to, 1, 0) != 0;
}

/* Lines that found no room. */
static unsigned n_missed;

/*
 * One write per line: lines of several processes do not mix. Nobody waits for who reads it: a line
 * that has no room is lost, and the next that has says how many were.
 */
static void write_line(const char *line, size_t n)
{
        if (!log_has_room() || write(STDERR_FILENO, line, n) < 0)
                ++n_missed;
}

static void write_record(const struct log_record *record)
{
        char line[LOG_PREFIX_MAX + LOG_LINE_MAX];
        size_t n = log_prefix(record->level, line);

        n += log_record_line(record, log_form, line + n);
        write_line(line, n);
}

/* Events. */

static bool site_may_write(struct log_site *site, uint64_t second, unsigned *ret_dropped)
{
        *ret_dropped = 0;
        if (site->second != second) {
                *ret_dropped = site->dropped;
                *site = (struct log_site){ .second = second };
        }
        if (site->lines >= LOG_CEILING) {
                ++site->dropped;
                return false;
        }
        ++site->lines;
        return true;
}

static void tell(const struct log_record *record)
{
        if (!listener.fn || listener.is_telling)
                return;
        listener.is_telling = true;
        listener.fn(listener.ctx, record);
        listener.is_telling = false;
}

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...)
{
        uint64_t now_us = clock_wall_us();
        struct log_fields fields;
        struct log_record record = {
                .level = level,
                .event = event,
                .at_us = now_us,
                .fields = &fields,
        };
        unsigned dropped;
        va_list args;

        if (level > log_threshold || !site_may_write(site, now_us / US_PER_SECOND, &dropped))
                return;
        log_fields_init(&fields);
        va_start(args, format);
        log_fields_read(&fields, format, args);
        va_end(args);
        log_fields_close(&fields);
        if (dropped > 0)
                log_fields_add(&fields, "dropped=%u", dropped);
        if (n_missed > 0 && log_has_room()) {
                log_fields_add(&fields, "missed=%u", n_missed);
                n_missed = 0;
        }
        write_record(&record);
        tell(&record);
}

/* One line, whatever stood in a file's name. */
static size_t sentence_line(enum log_level level, const char *text, char *to, size_t size)
{
        size_t before = log_prefix(level, to);
        int n = snprintf(to + before, size - before, "weir: %s\n", text);

        must(n > 0 && (size_t)n < size - before);
        for (char *p = to + before; p < to + before + n - 1; ++p)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = '?';
        return before + (size_t)n;
}

void log_say(enum log_level level, const char *format, ...)
{
        char text[LOG_LINE_MAX - 16], line[LOG_LINE_MAX];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        if (n < 0)
                return;
        if (log_form == LOG_JSON) {
                struct log_fields fields;
                struct log_record record = {
                        .level = level,
                        .event = "said",
                        .at_us = clock_wall_us(),
                        .fields = &fields,
                };

                log_fields_init(&fields);
                log_fields_add(&fields, "text=\"%s\"", text);
                write_record(&record);
                return;
        }
        write_line(line, sentence_line(level, text, line, sizeof(line)));
}

size_t log_say_later(enum log_level level, enum log_format format, const char *text, char *to)
{
        size_t size = LOG_LATER_MAX(strlen(text) + 1), n;

        if (format == LOG_LOGFMT)
                return sentence_line(level, text, to, size);
        n = log_prefix(level, to);
        n += (size_t)snprintf(to + n, size - n,
                              "{\"logger\":\"weir\",\"level\":\"%s\",\"event\":\"said\",\"text\":",
                              log_level_name(level));
        n += log_quote_json(str_of(text), to + n);
        to[n++] = '}';
        to[n++] = '\n';
        must(n <= size);
        return n;
}

const char *log_quote(struct str value, char *to, size_t size)
{
        size_t n = 0;

        must(size >= 4);
        to[n++] = '"';
        for (size_t i = 0; i < value.n && n < size - 3; ++i) {
                unsigned char c = (unsigned char)value.p[i];

                if (c == '"' || c == '\\')
                        to[n++] = '\\';
                to[n++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
        }
        to[n++] = '"';
        to[n] = '\0';
        return to;
}
