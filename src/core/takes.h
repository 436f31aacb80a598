/*
 * Takes
 *
 * The places of one ticket, one in each window that its request costs something in. They are taken
 * in the order of the list and given back in reverse, so who reads in between, or finds what a
 * killed process left, sees too much spent and never too little.
 */
#ifndef CORE_TAKES_H
#define CORE_TAKES_H

#include "core/limiter.h"

/* When nothing tells us when there may be room again. */
#define LIMITER_AGAIN_MS 50

/* Spells out which windows the request touches. Return: 0, -ENOSPC. */
CHECKED int takes_list(struct limiter *l, const struct limiter_request *request,
                       struct limiter_ticket *ticket);

/* Whether the clock is known well enough for the books of all its windows. */
CHECKED bool takes_can_be_told(const struct limiter_ticket *ticket, uint32_t guard_ms);

/*
 * The limits of its windows may have changed while it waited; a pool without any keeps its last.
 * Return: false when a pool has windows of other spans now, in which the ticket has no place.
 */
CHECKED bool takes_renew_limits(const struct limiter *l, struct limiter_ticket *ticket);

/* Whether one of them is more than a whole window holds. */
CHECKED bool takes_are_never(struct limiter_ticket *ticket);

/* Notes that @pool is in the way. */
void takes_block(struct limiter_ticket *ticket, uint16_t pool);

/* When the ticket's budgets are no longer stopped, as far as the exchange said so; @now_ms if none
 * is. */
uint64_t takes_shut_until(struct limiter_ticket *ticket, uint64_t now_ms);

/* What @take's class may use of its window at @at_ms, given that the window is @number. */
uint32_t take_ceiling(const struct limiter_take *take, const struct ceilings *c,
                      enum weir_class class, uint64_t number, uint64_t at_ms, uint32_t guard_ms);

/* From when on it may use @used, @take's own amount included; UINT64_MAX: not in this window. */
uint64_t take_reaches_ms(const struct limiter_take *take, const struct ceilings *c,
                         enum weir_class class, uint64_t number, uint64_t used,
                         struct limiter_time time);

/* Whether @take may be sent at once, as far as the window of now and those beside it tell. */
CHECKED bool take_fits_now(const struct limiter_take *take, const struct ceilings *c,
                           enum weir_class class, uint64_t number, struct limiter_time time);

/* An order in @take that left at @left_ms was answered: so much is wanted by orders. */
void take_note_order(const struct limiter_take *take, uint64_t left_ms, uint32_t guard_ms);

/* Writes down what finds no room under the cap of a window of now and would under the limit
 * (core/lease.h). Return: whether anything does; then *ret_pool is its pool. */
bool takes_note_hunger(const struct limiter_ticket *ticket, const struct ceilings *c,
                       struct limiter_time time, uint16_t *ret_pool);

/* Return: WINDOW_TAKEN for all, WINDOW_FULL with nothing taken, -ESTALE likewise. */
CHECKED int takes_take(struct limiter_ticket *ticket, const struct ceilings *c, uint64_t at_ms,
                       bool fly, struct limiter_time time);

/* Gives back the first @n. */
void takes_give_back(struct limiter_ticket *ticket, unsigned n, bool flew);

/* Releases a held ticket for sending. Return: GO; WAIT: not yet, still held; LOST: still held, and
 * a window of it is gone. */
CHECKED int takes_fly(struct limiter_ticket *ticket, struct limiter_time time);

/* The first @n are held again. */
void takes_unfly(struct limiter_ticket *ticket, unsigned n);

/* True when all that the ticket released for sending may be counted now. */
CHECKED bool takes_hold(const struct limiter_ticket *ticket, struct limiter_time time);

/* Until when what takes_hold() said is so. */
uint64_t takes_good_until(const struct limiter_ticket *ticket, struct limiter_time time);

/* When the first of the windows of now turns, ticket->at_ms at the latest. */
uint64_t takes_turn_ms(const struct limiter_ticket *ticket, struct limiter_time time);

/* When the first of the ticket's windows closes. */
uint64_t takes_close_ms(const struct limiter_ticket *ticket, uint32_t guard_ms);

#endif
