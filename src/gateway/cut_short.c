#include "gateway/cut_short.h"

#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SENTENCE_MAX 512

/* Made beforehand: a handler may do little more than write(2). */
static struct {
        const char *begin; /* of the mapping */
        char line[LOG_JSON + 1][LOG_LATER_MAX(SENTENCE_MAX)];
        size_t n[LOG_JSON + 1];
} last;

static void on_bus(int number, siginfo_t *info, void *context)
{
        const char *at = info->si_addr;
        enum log_format format = log_format_now();

        (void)context;
        if (info->si_code > 0 && at >= last.begin && at < last.begin + REGION_BYTES &&
            log_has_room())
                (void)!write(STDERR_FILENO, last.line[format], last.n[format]);
        /* It comes when we return, and finds the usual end (SA_RESETHAND). */
        (void)raise(number);
}

void cut_short_watch(const struct region *region, const char *path)
{
        struct sigaction action = { .sa_sigaction = on_bus,
                                    .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND) };
        char sentence[SENTENCE_MAX];

        (void)snprintf(sentence, sizeof(sentence),
                       "region %.200s: was cut short while it was in use, and what is spent is not "
                       "known any more; stop all that use it and move it away, and start them when "
                       "the longest window has turned",
                       path);
        for (enum log_format format = LOG_LOGFMT; format <= LOG_JSON; ++format)
                last.n[format] = log_say_later(LOG_ERROR, format, sentence, last.line[format]);
        last.begin = (const char *)region->header;
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(SIGBUS, &action, NULL);
}
