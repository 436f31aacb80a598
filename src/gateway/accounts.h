/*
 * Accounts
 *
 * What the settings say about which keys belong to which account, told to the region.
 */
#ifndef GATEWAY_ACCOUNTS_H
#define GATEWAY_ACCOUNTS_H

#include "gateway/state.h"

/* All keys of the settings, and those that are held here, from now on. Says what is new. */
void accounts_apply(struct gateway *g);

/* Keys that the settings no longer name stay with their account: says so, and the remedy. To be
 * called before @next is taken up. */
void accounts_warn_dropped(const struct gateway *g, const struct settings *next);

#endif
