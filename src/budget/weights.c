#include "budget/weights.h"

#include "budget/budget.h"
#include "budget/counters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the tables say of each kind of answer. */
static uint32_t table_cost(const struct policy_plan *plan, enum evidence_kind kind)
{
        unsigned outcomes = 0;

        if (kind == EVIDENCE_OK)
                outcomes = POLICY_OUTCOME_OK;
        else if (kind == EVIDENCE_SPECIAL)
                outcomes = plan->outcome & ~(unsigned)POLICY_OUTCOME_OK;
        return policy_settle(plan, outcomes);
}

void weights_cost(const struct region *region, const struct policy_plan *plan,
                  struct weights_cost *ret_cost)
{
        const struct evidence *e = evidence_find(region, plan->variant);
        uint32_t decided;
        bool has_decided;

        ret_cost->reserved = 0;
        for (unsigned i = 0; i < EVIDENCE_KINDS; ++i) {
                enum evidence_kind kind = (enum evidence_kind)i;
                uint32_t learnt = 0;

                ret_cost->said[i] = table_cost(plan, kind);
                has_decided = e && evidence_decided(e, kind, &decided);
                /* Where the price is the same for all answers, so is what was decided on it. */
                if (e && !has_decided && plan->outcome == 0)
                        has_decided = evidence_decided(e, EVIDENCE_OK, &decided);
                if (has_decided)
                        ret_cost->said[i] = decided;
                ret_cost->of[i] = ret_cost->said[i];
                if (e && !has_decided && evidence_learnt(e, kind, &learnt) &&
                    learnt > ret_cost->of[i])
                        ret_cost->of[i] = learnt;
                if (ret_cost->of[i] > ret_cost->reserved)
                        ret_cost->reserved = ret_cost->of[i];
        }
}

/* Return: false for an answer that says nothing of what it costs. */
static bool kind_of(const struct policy_plan *plan, const struct weights_answer *a,
                    enum evidence_kind *ret_kind)
{
        if (a->outcomes & plan->outcome & ~(unsigned)POLICY_OUTCOME_OK)
                *ret_kind = EVIDENCE_SPECIAL;
        else if (a->status == 200)
                *ret_kind = EVIDENCE_OK;
        else
                *ret_kind = EVIDENCE_FAILED;
        /* What a limit, the firewall or a broken exchange refuses is counted as it pleases it. */
        return a->status == 200 || (a->status >= 400 && a->status < 500 && a->status != 403 &&
                                    a->status != 408 && a->status != 418 && a->status != 429);
}

static uint32_t taken(const struct limiter_ticket *ticket, uint16_t pool)
{
        for (unsigned i = 0; i < ticket->n_takes; ++i)
                if (ticket->takes[i].pool == pool)
                        return ticket->takes[i].amount;
        return 0;
}

static void count_findings(struct limiter *l, const struct evidence_findings *findings)
{
        for (unsigned i = 0; i < findings->n; ++i) {
                const struct evidence_finding *f = &findings->all[i];

                counter_add(l->region->header, COUNTER_weights_learnt);
                if (weights_differ(f->variant, f->kind, f->charged, f->learnt))
                        counter_add(l->region->header, COUNTER_weight_mismatches);
        }
}

uint32_t weights_land(struct limiter *l, const struct policy_plan *plan,
                      const struct limiter_ticket *ticket, struct limiter_time time,
                      const struct weights_answer *a, struct evidence_findings *ret_findings)
{
        struct evidence_answer answer = { 0 };
        struct weights_cost cost;
        uint32_t amount;

        ret_findings->n = 0;
        if (plan->n_charges == 0)
                return 0;
        if (plan->variant == 0)
                return plan->charges[0].amount - policy_settle(plan, a->outcomes);
        answer.pool = plan->charges[0].pool;
        answer.owner = budget_charge_owner(l, plan, 0);
        answer.is_named = !plan->is_known;
        answer.control = a->control;
        weights_cost(l->region, plan, &cost);
        if (kind_of(plan, a, &answer.kind)) {
                amount = taken(ticket, answer.pool);
                answer.variant = plan->variant;
                answer.charged = cost.said[answer.kind];
                if (amount > cost.of[answer.kind])
                        answer.refund = amount - cost.of[answer.kind];
        }
        evidence_land(l, ticket, &answer, time, a->news, a->n_news, ret_findings);
        count_findings(l, ret_findings);
        return answer.refund;
}

/* What can be printed anywhere, and pasted between quotes. */
static bool is_plain(struct str text)
{
        for (size_t i = 0; i < text.n; ++i)
                if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
                        return false;
        return true;
}

void weights_note_unknown(struct limiter *l, const struct policy_plan *plan, struct str method,
                          struct str path)
{
        char name[EVIDENCE_NAME];

        if (plan->variant == 0 || method.n + path.n + 2 > sizeof(name) || !is_plain(method) ||
            !is_plain(path))
                return;
        snprintf(name, sizeof(name), "%.*s %.*s", STR_ARGS(method), STR_ARGS(path));
        (void)evidence_claim(l->region, plan->variant, name);
}

/* Of enum policy_outcome, by bit; success has a price of its own in some rules. */
static const char *const outcomes[] = { "@ok", "@expired", "@bad_symbol" };

void weights_name(uint64_t key, enum evidence_kind kind, const char *named, char *to, size_t size)
{
        const char *suffix = kind == EVIDENCE_FAILED ? " @failed" : "";
        struct variant v;
        unsigned bit = 0;

        if (!variant_find(key, &v)) {
                snprintf(to, size, "%s%s", named && named[0] ? named : "unknown", suffix);
                return;
        }
        if (kind == EVIDENCE_OK && v.outcome)
                suffix = " @ok";
        if (kind == EVIDENCE_SPECIAL) {
                while (bit + 1 < ARRAY_SIZE(outcomes) && !(v.outcome >> bit & 1))
                        ++bit;
                snprintf(to, size, "%s %s", v.name, outcomes[bit]);
                return;
        }
        snprintf(to, size, "%s%s", v.name, suffix);
}

/* Return: false when @v has no such outcome. */
static bool kind_named(const struct variant *v, struct str suffix, unsigned *ret_kind)
{
        if (str_eq(suffix, STR_LITERAL("@failed"))) {
                *ret_kind = EVIDENCE_FAILED;
                return true;
        }
        if (str_eq(suffix, STR_LITERAL("@ok"))) {
                *ret_kind = EVIDENCE_OK;
                return v->outcome != 0;
        }
        *ret_kind = EVIDENCE_SPECIAL;
        for (unsigned bit = 1; bit < ARRAY_SIZE(outcomes); ++bit)
                if (str_eq(suffix, str_of(outcomes[bit])))
                        return v->outcome >> bit & 1;
        return false;
}

int weights_named(struct str name, uint64_t *ret_variant, unsigned *ret_kind, bool *ret_is_known)
{
        struct str suffix = STR_NULL;
        struct variant v;
        int r;

        for (size_t i = 1; i < name.n && !suffix.p; ++i) {
                if (name.p[i - 1] != ' ' || name.p[i] != '@')
                        continue;
                suffix = str_from(name.p + i, name.n - i);
                name.n = i - 1;
        }
        r = variant_named(name, &v);
        if (r < 0)
                return r;
        *ret_kind = EVIDENCE_OK;
        if (suffix.p && !kind_named(&v, suffix, ret_kind))
                return -ENOENT;
        if (!suffix.p && v.outcome)
                return -EDOM;
        *ret_variant = v.key;
        *ret_is_known = v.endpoint != NULL;
        return 0;
}

bool weights_differ(uint64_t variant, enum evidence_kind kind, uint32_t said, uint32_t learnt)
{
        struct variant v;

        if (kind != EVIDENCE_FAILED || learnt >= said)
                return learnt != said;
        return variant_find(variant, &v) && v.outcome != 0;
}
