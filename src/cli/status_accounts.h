/*
 * What weir status says of accounts: their names and keys, and keys that seem to be one account's
 * without having been named so.
 */
#ifndef CLI_STATUS_ACCOUNTS_H
#define CLI_STATUS_ACCOUNTS_H

#include "look/look.h"

void status_print_accounts(const struct look *look);

#endif
