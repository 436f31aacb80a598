#include "api/refusal.h"
#include "budget/budget.h"
#include "core/sharing.h"

#include <errno.h>
#include <stdarg.h>
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

/* Into @verdict's message, behind what is so of all of them. */
static void PRINTF(2, 3) say(struct verdict *verdict, const char *format, ...)
{
        size_t n = (size_t)snprintf(verdict->msg, sizeof(verdict->msg), "not sent: ");
        va_list args;

        va_start(args, format);
        (void)vsnprintf(verdict->msg + n, sizeof(verdict->msg) - n, format, args);
        va_end(args);
}

/* What the limiter has answered, and when again: @at. */
static void explain_limits(const struct limiter_ticket *ticket, int answer, const char *at,
                           struct verdict *verdict)
{
        const char *budget = budget_blocked_by(ticket);

        switch (answer) {
        case LIMITER_SHUT:
                if (ticket->blocker == BLOCKED_BY_BREAKER)
                        say(verdict, "the exchange does not answer; it is asked again at %s", at);
                else if (ticket->awaits_probe)
                        say(verdict,
                            "%s until now, and one probe asks whether that is over; again at %s",
                            shut_text(ticket->shut_by), at);
                else
                        say(verdict, "%s until %s", shut_text(ticket->shut_by), at);
                break;
        case LIMITER_LATE:
                if (budget[0] == '\0')
                        say(verdict, "its deadline has passed");
                else
                        say(verdict, "no room in %s before the deadline, but at %s", budget, at);
                break;
        case LIMITER_CROWDED:
                say(verdict, "all windows ahead of %s are full for its class; again at %s",
                    budget[0] ? budget : "its budgets", at);
                break;
        default: /* LIMITER_NEVER */
                say(verdict, "it costs more than a whole window of %s", budget);
                break;
        }
}

/* No room under what this host was granted. */
static void explain_cap(const struct region *region, const struct limiter_ticket *ticket,
                        struct verdict *verdict)
{
        char why[SHARING_WORDS_SIZE], at[TIME_SIZE];

        /* When it was to come again is a moment from now. */
        (void)sharing_refusal(region, budget_blocked_by(ticket), ticket->at_ms,
                              &verdict->retry_at_ms, why);
        say(verdict, "%s; again at %s", why, time_text(verdict->retry_at_ms, at));
}

void refusal_explain(const struct region *region, const struct reservation *r, int answer,
                     struct verdict *verdict)
{
        const struct limiter_ticket *ticket = &r->ticket;
        char at[TIME_SIZE];

        verdict->retry_at_ms = 0;
        switch (answer) {
        case LIMITER_LATE:
        case LIMITER_SHUT:
        case LIMITER_CROWDED:
                verdict->retry_at_ms = ticket->at_ms;
                if (answer == LIMITER_CROWDED && ticket->is_capped)
                        explain_cap(region, ticket, verdict);
                else
                        explain_limits(ticket, answer, time_text(ticket->at_ms, at), verdict);
                break;
        case LIMITER_NEVER:
                explain_limits(ticket, answer, "", verdict);
                break;
        case -ENOSPC:
                say(verdict, "no room for another budget in the region; stop all programs that use "
                             "it and start them again: what nobody used for two days makes room "
                             "then");
                break;
        case -ESTALE:
                say(verdict, "%s",
                    ticket->blocker == BLOCKED_BY_CLOCK
                            ? "the exchange's clock is known too badly to tell its windows apart; "
                              "run a gateway on the region, which measures it"
                            : "this machine's clock is behind that of another process; set it "
                              "right");
                break;
        case -EINVAL:
                say(verdict, "the request is not one of weir_request_find(), or its class is none");
                break;
        default:
                say(verdict, "%s", strerror(-answer));
                break;
        }
}
