#include "core/passing.h"

#include "core/front.h"

/* A request that has passed the front leaves within so much, or passes it again. */
#define PASSED_MS 200

uint64_t passing_take(struct limiter *l, struct limiter_ticket *ticket, struct limiter_time time)
{
        struct front_asker asker = {
                .egress = l->egress,
                .gate = ticket->gate,
                .front = ticket->front,
                .class = ticket->class,
                .must_pass = ticket->is_probe,
                .has_turn = ticket->has_turn,
        };
        uint64_t at_us = front_take(l->region->header, &asker, time.now_ms);

        ticket->has_turn = asker.has_turn;
        ticket->passed_us = asker.took_us;
        return at_us == 0 ? time.now_ms : (at_us + US_PER_MS - 1) / US_PER_MS;
}

uint64_t limiter_pass_again(struct limiter *l, struct limiter_ticket *ticket,
                            struct limiter_time time)
{
        uint64_t at_ms;

        must(ticket->state == TICKET_FLYING);
        if (LIKELY(time.now_ms <= ticket->at_ms + PASSED_MS))
                return time.now_ms;
        ticket->has_turn = false;
        at_ms = passing_take(l, ticket, time);
        if (at_ms > time.now_ms)
                ticket->blocker = BLOCKED_BY_FRONT;
        else
                ticket->at_ms = time.now_ms;
        return at_ms;
}

void limiter_step_back(struct limiter *l, struct limiter_ticket *ticket)
{
        must(ticket->state == TICKET_FLYING);
        front_give_back(l->region->header, l->egress, ticket->front, ticket->passed_us);
        ticket->passed_us = 0;
}
