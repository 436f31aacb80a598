#include "base/log.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static enum log_level log_threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
        log_threshold = level;
}

int log_level_from(struct str name, enum log_level *ret_level)
{
        for (size_t i = 0; i < ARRAY_SIZE(level_names); ++i) {
                if (str_eq(name, str_of(level_names[i]))) {
                        *ret_level = (enum log_level)i;
                        return 0;
                }
        }
        return -EINVAL;
}

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

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format,
               ...)
{
        uint64_t now_us = clock_wall_us();
        time_t second = (time_t)(now_us / US_PER_SECOND);
        char line[1024];
        unsigned dropped;
        struct tm tm;
        va_list args;
        size_t n;
        int r;

        if (level > log_threshold || !site_may_write(site, (uint64_t)second, &dropped))
                return;

        gmtime_r(&second, &tm);
        n = strftime(line, sizeof(line), "weir: ts=%Y-%m-%dT%H:%M:%S", &tm);
        r = snprintf(line + n, sizeof(line) - n, ".%03uZ level=%s event=%s ",
                     (unsigned)(now_us % US_PER_SECOND / US_PER_MS), level_names[level], event);
        n += (size_t)r;
        va_start(args, format);
        r = vsnprintf(line + n, sizeof(line) - n, format, args);
        va_end(args);
        n += r > 0 ? (size_t)r : 0;
        if (n > sizeof(line) - 32)
                n = sizeof(line) - 32;
        if (dropped > 0)
                n += (size_t)snprintf(line + n, sizeof(line) - n, " dropped=%u", dropped);
        line[n++] = '\n';
        /* One write per line: lines of several processes do not mix. A full pipe loses the line. */
        (void)!write(STDERR_FILENO, line, n);
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
