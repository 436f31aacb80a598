/*
 * What weir status shows of accounts: their names, keys and counters, and keys that seem to be one
 * account's without having been named so.
 */
#ifndef CLI_STATUS_ACCOUNTS_H
#define CLI_STATUS_ACCOUNTS_H

#include "base/base.h"
#include "core/region.h"

#include <jansson.h>

/* A number of 64 bits is none in JavaScript and jq: an owner is text. */
#define STATUS_OWNER_SIZE 24

const char *status_owner_text(uint64_t owner, char to[STATUS_OWNER_SIZE]);

/* { NAME: { "owner": ..., "keys": [ first characters ] } } The caller's. */
json_t *status_accounts(const struct region *region);
/* The name of the account whose own counters these are, or null. The caller's. */
json_t *status_account_of(json_t *accounts, const char *owner);
/* [ [ key, key ] ], by their first characters. The caller's. */
json_t *status_suspects(const struct region *region);

/* For people. */
void status_print_accounts(const struct region *region, json_t *accounts);

#endif
