/*
 * Look
 *
 * How a command comes to a region that it only looks at: the one that is named, else the default.
 */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include "core/limiter.h"
#include "core/region.h"
#include "policy/policy.h"

#define LOOK_PATH_SIZE 512

/* Which region is meant. @path: as named, or NULL or empty; @place: room for the default's. Return:
 * the path, or NULL after a complaint on stderr. */
const char *look_path(const char *path, char place[LOOK_PATH_SIZE]);

/* Maps it for looking. Return: 0, or a negative errno after a complaint on stderr. */
CHECKED int look_open(const char *path, struct region *ret_region);

/* The exchange's time for a product, as the last one who measured it left it; else @wall_ms. */
struct limiter_time look_group_time(const struct region *region, unsigned group, uint64_t wall_ms);
/* The same for a pool: of the first of its products whose time is known. */
struct limiter_time look_pool_time(const struct region *region, const struct policy_pool *pool,
                                   uint64_t wall_ms);

#define LOOK_EGRESS_DEFAULT "default"

/* What an address of the region is called, as in the settings. Return: @to. */
const char *look_egress_name(const struct region_header *header, unsigned index,
                             char to[EGRESS_TEXT]);
/* The same of the address that @owner of a budget is, or whose endpoint it is. Return: @to; NULL
 * for an account's. */
const char *look_egress_of(const struct region *region, const struct policy_pool *pool,
                           uint64_t owner, char to[EGRESS_TEXT]);

#endif
