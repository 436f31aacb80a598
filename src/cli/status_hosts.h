/*
 * Status of hosts
 *
 * With whom this host shares its budgets, and whether the store is there (docs/hosts.md).
 */
#ifndef CLI_STATUS_HOSTS_H
#define CLI_STATUS_HOSTS_H

#include "core/limiter.h"

#include <jansson.h>

/* null where nothing is shared. @now_ms: the exchange's clock. */
json_t *status_hosts(const struct region *region, uint64_t now_ms);

/* A line or two for people; nothing where nothing is shared. */
void status_print_hosts(const struct region *region, uint64_t now_ms);

/* What this host may use of window @number; -1: all of it, for nothing is shared. */
int64_t status_cap(const struct window *w, uint64_t number, uint64_t now_ms);

#endif
