/*
 * Status of hosts
 *
 * With whom this host shares its budgets, and whether the store is there (docs/hosts.md).
 */
#ifndef CLI_STATUS_HOSTS_H
#define CLI_STATUS_HOSTS_H

#include "look/look.h"

/* A line or two for people; nothing where nothing is shared. */
void status_print_hosts(const struct look_hosts *hosts);

#endif
