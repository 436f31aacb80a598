/*
 * Exchange
 *
 * Whose books a region keeps. A ban, a limit or a clock that was learned at a simulator or a
 * testnet says nothing of the real exchange, so each product group of a region is bound to the
 * exchange that was asked first, and a program that means another one needs another region. What
 * the exchange counts together is one exchange here: all hosts of Binance's own domain are, but for
 * its testnets; any other host and port, and any socket, is an exchange of its own.
 */
#ifndef BUDGET_EXCHANGE_H
#define BUDGET_EXCHANGE_H

#include "base/base.h"
#include "base/str.h"
#include "core/region.h"
#include "policy/policy.h"

/* Answer of exchange_bind(): a group's books are about another exchange. */
#define EXCHANGE_OTHER 1

/* A host of the real exchange, not of one of its testnets. */
bool exchange_is_binance(struct str host);

/* The exchange at an address, never 0. Ports and cases of Binance's own names make no difference.
 */
uint64_t exchange_of_host(struct str host, uint16_t port);
uint64_t exchange_of_socket(struct str path);
/* Either of both. @port: of a host only. */
uint64_t exchange_at(bool is_socket, struct str host_or_path, uint16_t port);

/**
 * exchange_bind() - from now on the groups of @region are about these exchanges
 * @exchanges: by group; 0: the caller does not use it
 * @ret_group: for EXCHANGE_OTHER: the group that is about another one
 *
 * Harmless for groups that are bound to the same one. Nothing is bound when a group is known to be
 * about another one; of two who bind a new region at once, one is refused.
 *
 * Return: 0 or EXCHANGE_OTHER.
 */
CHECKED int exchange_bind(struct region *region, const uint64_t exchanges[POLICY_GROUP_COUNT],
                          enum policy_group *ret_group);

/* What EXCHANGE_OTHER means, and the remedy; @url is the exchange that was refused. */
void exchange_say_other(enum policy_group group, const char *url, char *to, size_t size);

#endif
