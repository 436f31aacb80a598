/*
 * Stops
 *
 * What a refusal of the exchange changes for everybody who shares the region: the one place that
 * decides for how long nothing more is sent, and who asks first when a ban is over.
 */
#ifndef BUDGET_STOPS_H
#define BUDGET_STOPS_H

#include "base/base.h"
#include "classify/verdict.h"
#include "core/limiter.h"
#include "policy/policy.h"

/* What was done about a refusal. */
struct stop {
        const char *event; /* "over_weight", "too_many_orders", "ban", "firewall" */
        uint64_t until_ms;
};

/**
 * stops_apply() - act on a verdict: shut gates and budgets, count
 * @time:     of the exchange that answered
 * @ret_stop: written for true
 *
 * A ban is on the disk when this returns. Does nothing for verdicts that stop nobody.
 *
 * Return: true when it stopped somebody for longer than before.
 */
bool stops_apply(struct limiter *l, const struct policy_plan *plan, const struct verdict *verdict,
                 struct limiter_time time, struct stop *ret_stop);

/**
 * stops_begin() - the head of a ban is here, and its text is still to come
 * @until_ms: what the head names; 0: nothing
 *
 * Until then, else for a moment within which the text comes and says more, nothing is sent. Counts
 * nothing: that is for stops_apply(), which is told all of it. On the disk when this returns.
 *
 * Return: true when it stopped somebody for longer than before.
 */
bool stops_begin(struct limiter *l, enum policy_group group, uint64_t until_ms,
                 struct limiter_time time);

enum {
        STOPS_NO_PROBE = -1,
};

/**
 * stops_due_probe() - is a ban over that stops @group, and has nobody asked yet?
 *
 * Claims nothing: for who looks first whether there is room for the probe.
 *
 * Return: the gate that is to be probed, or STOPS_NO_PROBE.
 */
CHECKED int stops_due_probe(struct limiter *l, enum policy_group group, struct limiter_time time);

/**
 * stops_claim_probe() - is a ban over that stops @group, and is it on us to ask?
 *
 * Of all processes exactly one is told to, and has GATE_PROBE_LEASE_MS for it: it sends one cheap
 * request of @group with limiter_request.is_probe, says stops_probe_left() when that leaves, and
 * stops_probe_done() with the gate.
 *
 * Return: the gate that is probed, or STOPS_NO_PROBE.
 */
CHECKED int stops_claim_probe(struct limiter *l, enum policy_group group, struct limiter_time time);

/* A probe leaves now: it is counted. */
void stops_probe_left(struct limiter *l);

/* The probe of @gate was answered, and stops_apply() told what it said; or no answer came. */
void stops_probe_done(struct limiter *l, int gate, bool is_answered, struct limiter_time time);

#endif
