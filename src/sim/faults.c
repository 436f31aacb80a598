#include "sim/faults.h"

#include <errno.h>
#include <stdio.h>

void faults_init(struct faults *faults, uint64_t seed)
{
        *faults = (struct faults){ .seed = seed };
}

static uint64_t draw(struct faults *faults)
{
        uint64_t x = faults->seed + 0x9e3779b97f4a7c15ULL * ++faults->draws;

        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
        x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
        return x ^ x >> 31;
}

bool faults_chance(struct faults *faults, uint64_t ppm)
{
        if (ppm == 0)
                return false;
        return ppm >= 1000000 || draw(faults) % 1000000 < ppm;
}

uint64_t faults_between(struct faults *faults, uint64_t from, uint64_t to)
{
        return to > from ? from + draw(faults) % (to - from + 1) : from;
}

static bool matches(const struct fault_rule *rule, struct str method, struct str path)
{
        struct str want = str_of(rule->path);

        if (rule->method[0] != '*' && !str_eq(method, str_of(rule->method)))
                return false;
        return rule->is_prefix ? str_has_prefix(path, want) : str_eq(path, want);
}

static bool is_due(struct faults *faults, struct fault_rule *rule)
{
        rule->seen += 1;
        switch (rule->when) {
        case WHEN_ALWAYS:
                return true;
        case WHEN_CHANCE:
                return faults_chance(faults, rule->when_n);
        case WHEN_NEXT:
                return rule->seen <= rule->when_n;
        case WHEN_EVERY:
                return rule->seen % rule->when_n == 0;
        case WHEN_AFTER:
                return rule->seen > rule->when_n;
        }
        return false;
}

static uint64_t wait_us(struct faults *faults, const struct fault_rule *rule)
{
        if (faults_chance(faults, rule->spike_ppm))
                return rule->spike * US_PER_MS;
        return faults_between(faults, rule->from * US_PER_MS, rule->to * US_PER_MS);
}

static void apply(struct faults *faults, const struct fault_rule *rule, struct fault_plan *plan)
{
        switch (rule->action) {
        case FAULT_DELAY:
                plan->delay_us += wait_us(faults, rule);
                return;
        case FAULT_SLOW:
                plan->slow_us += wait_us(faults, rule);
                return;
        case FAULT_ENGINE:
                plan->engine_us += wait_us(faults, rule);
                return;
        case FAULT_LATE:
                plan->late_ms = rule->from;
                return;
        case FAULT_PARTIAL:
                plan->first_ppm = rule->from;
                plan->rest_after_ms = rule->to;
                return;
        case FAULT_GZIP:
                plan->gzip = true;
                return;
        case FAULT_CHUNKED:
                plan->chunked = true;
                return;
        case FAULT_MIXED:
                plan->mixed = true;
                return;
        case FAULT_HEADERS:
                plan->usage = rule->usage;
                return;
        case FAULT_TRICKLE:
                plan->trickle_bytes = rule->from;
                plan->trickle_us = rule->to * US_PER_MS;
                return;
        default:
                break;
        }
        /* The rest decides how it ends; the first one that wants to, does. */
        if (plan->lost || plan->answer || plan->half_percent)
                return;
        if (rule->action == FAULT_RESET || rule->action == FAULT_CLOSE) {
                plan->lost = rule->stage;
                plan->is_orderly = rule->action == FAULT_CLOSE;
        } else if (rule->action == FAULT_HALF) {
                plan->half_percent = (unsigned)rule->from;
        } else {
                plan->answer = rule;
                plan->answer_executes = faults_chance(faults, rule->execute_ppm);
        }
}

void faults_plan(struct faults *faults, struct str method, struct str path,
                 struct fault_plan *ret_plan)
{
        *ret_plan = (struct fault_plan){ .delay_us = 0 };
        for (size_t i = 0; i < faults->n; ++i) {
                struct fault_rule *rule = &faults->rules[i];

                if (matches(rule, method, path) && is_due(faults, rule))
                        apply(faults, rule, ret_plan);
        }
}
