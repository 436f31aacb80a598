#include "cli/look.h"
#include "budget/exclock.h"
#include "budget/holder.h"
#include "core/egress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void complain(int r, const struct region_error *error)
{
        fprintf(stderr, "weir: %s%s\n", error->why,
                error->is_place ? " with --region"
                : r == -ENOENT  ? "; is a gateway running?"
                                : "");
}

const char *look_path(const char *path, char place[LOOK_PATH_SIZE])
{
        struct region_error error;
        int r;

        if (path && path[0] != '\0')
                return path;
        r = region_default_path_readonly(place, LOOK_PATH_SIZE, &error);
        if (r == 0)
                return place;
        complain(r, &error);
        return NULL;
}

int look_open(const char *path, struct region *ret_region)
{
        struct region_error error;
        int r = region_open_readonly(path, ret_region, &error);

        if (r < 0)
                complain(r, &error);
        return r;
}

struct limiter_time look_group_time(const struct region *region, unsigned group, uint64_t wall_ms)
{
        int64_t offset_ms;
        uint32_t error_ms;

        if (!exclock_read(&region->header->clocks[group], &offset_ms, &error_ms))
                return (struct limiter_time){ wall_ms, 0 };
        return (struct limiter_time){ wall_ms + (uint64_t)offset_ms, error_ms };
}

struct limiter_time look_pool_time(const struct region *region, const struct policy_pool *pool,
                                   uint64_t wall_ms)
{
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g) {
                int64_t offset_ms;
                uint32_t error_ms;

                if ((pool->groups & 1u << g) &&
                    exclock_read(&region->header->clocks[g], &offset_ms, &error_ms))
                        return look_group_time(region, g, wall_ms);
        }
        return (struct limiter_time){ wall_ms, 0 };
}

const char *look_egress_name(const struct region_header *header, unsigned index,
                             char to[EGRESS_TEXT])
{
        if (index == 0)
                snprintf(to, EGRESS_TEXT, "%s", LOOK_EGRESS_DEFAULT);
        else
                egress_text(&header->egresses[index], to);
        return to;
}

static bool is_endpoint_of(const struct limiter *l, uint64_t address, uint64_t owner)
{
        for (size_t i = 0; i < policy_endpoint_count(); ++i)
                if (holder_owner(l, address, policy_endpoint(i)->key) == owner)
                        return true;
        return holder_owner(l, address, POLICY_ENDPOINT_UNKNOWN) == owner;
}

const char *look_egress_of(const struct region *region, const struct policy_pool *pool,
                           uint64_t owner, char to[EGRESS_TEXT])
{
        const struct region_header *header = region->header;
        /* Only read through it. */
        struct limiter l = { .region = (struct region *)(uintptr_t)region };

        if (pool->scope == POLICY_PER_ACCOUNT)
                return NULL;
        for (unsigned i = 0; i < REGION_EGRESSES; ++i) {
                uint64_t address =
                        atomic_load_explicit(&header->egresses[i].name, memory_order_relaxed);

                if (egress_is_there(header, i) &&
                    (owner == address ||
                     (pool->is_per_endpoint && is_endpoint_of(&l, address, owner))))
                        return look_egress_name(header, i, to);
        }
        return NULL;
}
