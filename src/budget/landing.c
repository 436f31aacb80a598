#include "budget/landing.h"

#include "budget/weights.h"

/* The symbol is not valid. */
#define CODE_BAD_SYMBOL (-1121)

/* Bits of enum policy_outcome. */
static unsigned outcomes_of(const struct policy_plan *plan, const struct budget_answer *answer)
{
        unsigned outcomes = answer->status == 200 ? POLICY_OUTCOME_OK : 0;

        if (answer->code == CODE_BAD_SYMBOL)
                outcomes |= POLICY_OUTCOME_BAD_SYMBOL;
        if ((plan->outcome & POLICY_OUTCOME_EXPIRED) != 0 &&
            str_find(answer->body, STR_LITERAL("\"status\":\"EXPIRED\"")))
                outcomes |= POLICY_OUTCOME_EXPIRED;
        return outcomes;
}

static uint32_t land(struct limiter *l, const struct policy_plan *plan,
                     struct limiter_ticket *ticket, const struct budget_answer *answer,
                     struct limiter_time time)
{
        uint16_t pool = plan->n_charges > 0 ? plan->charges[0].pool : 0;
        struct weights_answer costs = {
                .status = (unsigned)answer->status,
                .outcomes = outcomes_of(plan, answer),
                .news = answer->news,
                .n_news = answer->n_news,
                .control = answer->control,
        };
        uint32_t foreign = 0, refund;
        struct evidence_findings findings;

        if (UNLIKELY(ticket->state != TICKET_FLYING)) {
                limiter_refund(l, ticket);
                return 0;
        }
        refund = weights_land(l, plan, ticket, time, &costs,
                              answer->ret_findings ? answer->ret_findings : &findings);
        if (answer->ret_refund)
                *answer->ret_refund = refund;
        limiter_land(l, ticket, time, pool, refund, answer->news, answer->n_news, &foreign);
        return foreign;
}

uint32_t budget_land(struct limiter *l, const struct policy_plan *plan,
                     struct limiter_ticket *ticket, const struct budget_answer *answer,
                     struct limiter_time time)
{
        uint32_t found, foreign;

        if (answer->ret_refund)
                *answer->ret_refund = 0;
        found = ticket ? land(l, plan, ticket, answer, time) : 0;

        for (size_t i = 0; i < answer->n_news; ++i)
                if (limiter_observe(l, &answer->news[i], answer->sent_ms, time, &foreign))
                        found = foreign;
        return found;
}
