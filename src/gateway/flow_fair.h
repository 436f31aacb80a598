/*
 * A flow among those of its class; for the files that are flow's own and the queue.
 */
#ifndef GATEWAY_FLOW_FAIR_H
#define GATEWAY_FLOW_FAIR_H

#include "gateway/flow.h"

/* It leaves now, with the ticket that it has: its client has used so much. */
void flow_fair_use(struct flow *f);
/* Until when it leaves what it has a ticket for to other clients; 0: it may go. Lines it up. */
uint64_t flow_fair_hold_ms(struct flow *f);
/* There is room for it, but one that needs more of it, and has had less, is first: until when it
 * gives the room back; 0: it may have it. */
uint64_t flow_fair_yield_ms(struct flow *f);
/* The limiter said that a budget is in the way: now it is in line for it. Return: whether it is. */
bool flow_fair_line_up(struct flow *f);
/* The number of the window that its place is in, of the budget it is in line for, or FAIR_NOWHERE.
 */
uint64_t flow_fair_window(const struct flow *f);
/*
 * In line, and not in the queue: takes an earlier place from those that have less right to it, who
 * are displaced until flow_fair_settle(). Return: @answer, or what the limiter says now.
 */
CHECKED int flow_fair_overtake(struct flow *f, int answer);
/*
 * The same of one whose class gets no place in the window to come: a little of each window is its
 * own, at the cost of the classes of data above it. Return: likewise.
 */
CHECKED int flow_fair_grant(struct flow *f, int answer);
/* Gives its place up; it waits for flow_fair_settle(). */
void flow_displace(struct flow *f);
/* Finds other places for those that were displaced, or refuses them. Ends flows. */
void flow_fair_settle(struct gateway *g);

#endif
