#include "api/refusal.h"
#include "budget/budget.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE 40

/* "2026-01-31T23:59:59.999Z" */
static const char *time_text(uint64_t at_ms, char to[TIME_SIZE])
{
        time_t seconds = (time_t)(at_ms / MS_PER_SECOND);
        struct tm tm;
        size_t n;

        if (!gmtime_r(&seconds, &tm))
                return "the end of time";
        n = strftime(to, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(to + n, TIME_SIZE - n, ".%03uZ", (unsigned)(at_ms % MS_PER_SECOND));
        return to;
}

static const char *shut_text(enum gate_kind kind)
{
        switch (kind) {
        case GATE_BAN:
                return "banned by the exchange";
        case GATE_FIREWALL:
                return "blocked by the exchange's firewall";
        default:
                return "stopped by the exchange";
        }
}

void refusal_explain(const struct reservation *r, int answer, struct verdict *verdict)
{
        const struct limiter_ticket *ticket = &r->ticket;
        const char *budget = budget_blocked_by(ticket);
        char at[TIME_SIZE], *to = verdict->msg;
        size_t size = sizeof(verdict->msg);

        verdict->retry_at_ms = 0;
        if (answer == LIMITER_LATE || answer == LIMITER_SHUT || answer == LIMITER_CROWDED)
                verdict->retry_at_ms = ticket->at_ms;
        switch (answer) {
        case LIMITER_SHUT:
                if (ticket->blocker == BLOCKED_BY_BREAKER) {
                        (void)snprintf(to, size,
                                       "not sent: the exchange does not answer; it is asked again "
                                       "at %s",
                                       time_text(ticket->at_ms, at));
                        break;
                }
                (void)snprintf(to, size, "not sent: %s until %s", shut_text(ticket->shut_by),
                               time_text(ticket->at_ms, at));
                break;
        case LIMITER_LATE:
                if (budget[0] == '\0')
                        (void)snprintf(to, size, "not sent: its deadline has passed");
                else
                        (void)snprintf(to, size,
                                       "not sent: no room in %s before the deadline, but at %s",
                                       budget, time_text(ticket->at_ms, at));
                break;
        case LIMITER_CROWDED:
                if (ticket->is_capped) {
                        (void)snprintf(to, size,
                                       "not sent: this host has used its part of %s, which it "
                                       "shares with other hosts; again at %s",
                                       budget, time_text(ticket->at_ms, at));
                        break;
                }
                (void)snprintf(to, size,
                               "not sent: all windows ahead of %s are full for its class; again "
                               "at %s",
                               budget[0] ? budget : "its budgets", time_text(ticket->at_ms, at));
                break;
        case LIMITER_NEVER:
                (void)snprintf(to, size, "not sent: it costs more than a whole window of %s",
                               budget);
                break;
        case -ENOSPC:
                (void)snprintf(to, size,
                               "not sent: no room for another budget in the region; stop all "
                               "programs that use it and start them again: what nobody used for "
                               "two days makes room then");
                break;
        case -ESTALE:
                (void)snprintf(
                        to, size, "%s",
                        ticket->blocker == BLOCKED_BY_CLOCK
                                ? "not sent: the exchange's clock is known too badly to tell "
                                  "its windows apart; run a gateway on the region, which "
                                  "measures it"
                                : "not sent: this machine's clock is behind that of another "
                                  "process; set it right");
                break;
        case -EINVAL:
                (void)snprintf(to, size,
                               "not sent: the request is not one of weir_request_find(), or its "
                               "class is none");
                break;
        default:
                (void)snprintf(to, size, "not sent: %s", strerror(-answer));
                break;
        }
}
