#include "cli/history_time.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define AGE_DIGITS_MAX 9

static int parse_age(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
        static const struct {
                char letter;
                uint64_t seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
        size_t n = strspn(text, "0123456789");
        uint64_t count;

        if (n == 0 || n > AGE_DIGITS_MAX || strlen(text) != n + 1 ||
            str_to_u64(str_from(text, n), &count) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(units); ++i) {
                uint64_t age_ms = count * units[i].seconds * MS_PER_SECOND;

                if (text[n] != units[i].letter)
                        continue;
                *ret_ms = age_ms < now_ms ? now_ms - age_ms : 0;
                return 0;
        }
        return -EINVAL;
}

/* What strptime() takes is more than what is meant: "2026-2-31" is March to it. */
static bool is_as_written(const struct tm *before, const struct tm *after)
{
        return before->tm_mday == after->tm_mday && before->tm_mon == after->tm_mon &&
               before->tm_hour == after->tm_hour;
}

int history_time_parse(const char *text, uint64_t now_ms, uint64_t *ret_ms)
{
        static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                             "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d" };

        if (strcmp(text, "now") == 0) {
                *ret_ms = now_ms;
                return 0;
        }
        if (parse_age(text, now_ms, ret_ms) == 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(forms); ++i) {
                struct tm tm = { 0 }, read;
                const char *end = strptime(text, forms[i], &tm);
                time_t at;

                if (!end || (end[0] != '\0' && strcmp(end, "Z") != 0))
                        continue;
                read = tm;
                at = timegm(&tm);
                if (at < 0 || !is_as_written(&read, &tm))
                        return -EINVAL;
                *ret_ms = (uint64_t)at * MS_PER_SECOND;
                return 0;
        }
        return -EINVAL;
}

/* The calendar of UTC. A time beyond it is one of a damaged file. */
static struct tm calendar(uint64_t ms)
{
        time_t at = (time_t)(ms / MS_PER_SECOND);
        struct tm tm = { 0 };

        (void)gmtime_r(&at, &tm);
        return tm;
}

const char *history_time_text(uint64_t ms, char to[HISTORY_TIME_SIZE])
{
        struct tm tm = calendar(ms);

        if (ms / MS_PER_SECOND % 60 != 0)
                strftime(to, HISTORY_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
        else
                strftime(to, HISTORY_TIME_SIZE, "%Y-%m-%d %H:%M", &tm);
        return to;
}

const char *history_time_iso(uint64_t ms, char to[HISTORY_TIME_SIZE])
{
        struct tm tm = calendar(ms);

        strftime(to, HISTORY_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
        return to;
}
