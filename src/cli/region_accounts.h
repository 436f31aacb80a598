/*
 * Accounts of a region, for its picture: their names, keys and counters.
 */
#ifndef CLI_REGION_ACCOUNTS_H
#define CLI_REGION_ACCOUNTS_H

#include "base/base.h"
#include "core/region.h"

#include <jansson.h>

/* { NAME: { "owner": ..., "keys": [ first characters ] } } The caller's. */
json_t *region_accounts(const struct region *region);
/* The name of the account whose own counters these are, or null. The caller's. */
json_t *region_account_of(json_t *accounts, const char *owner);

#endif
