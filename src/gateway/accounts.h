/*
 * Accounts
 *
 * What the settings say about which keys belong to which account, told to the region; and what
 * replies say about it, told to people.
 */
#ifndef GATEWAY_ACCOUNTS_H
#define GATEWAY_ACCOUNTS_H

#include "gateway/flow.h"

/* All keys of the settings, and those that are held here, from now on. Says what is new. */
void accounts_apply(struct gateway *g);

/* Keys that the settings no longer name stay with their account: says so, and the remedy. To be
 * called before @next is taken up. */
void accounts_warn_dropped(const struct gateway *g, const struct settings *next);

/*
 * Keys that are one account's and not named so: their orders' counts give them away
 * (budget/twins.h). Told of each attempt of a request: it leaves, its answer came, it ended without
 * one. What is no order does nothing.
 */
void accounts_sent(struct flow *f);
void accounts_answered(struct flow *f, int status);
/* @was_sent: the exchange may have counted it. Harmless after an answer. */
void accounts_ended(struct flow *f, bool was_sent);

#endif
