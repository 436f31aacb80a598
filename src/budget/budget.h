/*
 * Budgets
 *
 * Where policy and core meet: the exchange's pools become the region's, what a request costs
 * becomes what the limiter takes, and what a reply's headers say becomes news for it.
 */
#ifndef BUDGET_BUDGET_H
#define BUDGET_BUDGET_H

#include "base/base.h"
#include "base/str.h"
#include "classify/classify.h"
#include "core/limiter.h"
#include "policy/policy.h"

/* Most usage headers of one reply that are looked at; Binance sends up to four. */
#define BUDGET_NEWS_MAX 8

/* What a new region starts with: the pools of the tables, the default ceilings. */
void budget_plan(struct region_plan *ret_plan, uint64_t now_ms);

/* Which gate stops a group: groups that draw on one weight pool are stopped together. Gate 0 is
 * all. */
unsigned budget_gate(enum policy_group group);
#define BUDGET_GATE_ALL 0u

/* Which front stands before a group: spot's /api and /sapi are one host. */
unsigned budget_front(enum policy_group group);

/* The product as classify knows it. */
enum classify_product budget_product(enum policy_group group);

/* Whether its count goes down inside a window: only spot's of unfilled orders does, whoever shows
 * it. Margin orders of sapi move the same one. */
bool budget_may_fall(size_t pool);

/* Whether several classes share this pool: there the lower ones leave room for the higher. */
bool budget_is_shared(size_t pool);

/* What the limiter is asked for @plan; deadline and class are the caller's to set. Its weight is
 * what budget/weights.h says now. */
void budget_request(const struct limiter *l, const struct policy_plan *plan,
                    struct limiter_request *ret_request);

/* @request, which is made for @plan, by the address of another limiter of the same region. */
void budget_aim(const struct limiter *l, const struct policy_plan *plan,
                struct limiter_request *request);

/* limiter_room() in what is counted by address. */
uint32_t budget_room(struct limiter *l, const struct policy_plan *plan,
                     const struct limiter_request *request, struct limiter_time time);

/* Whose counter of @pool a request of @plan moves. */
uint64_t budget_owner(const struct limiter *l, const struct policy_plan *plan, uint16_t pool);

/* Whose counter of charges[@i].pool a request of @plan moves. */
uint64_t budget_charge_owner(const struct limiter *l, const struct policy_plan *plan, unsigned i);

/* What made it wait or had it refused: a pool's name, "pacing", "rate_ceiling", "breaker", "clock",
 * or "" when nothing did. Static. */
const char *budget_blocked_by(const struct limiter_ticket *ticket);

/**
 * budget_news() - what one header of a reply says about usage
 * @ret_news: written for true
 *
 * Return: true when it speaks of a pool of this request's product, and may be believed.
 */
CHECKED bool budget_news(const struct limiter *l, const struct policy_plan *plan, struct str name,
                         struct str value, struct limiter_news *ret_news);

#endif
