#include "cli/look.h"
#include "budget/exclock.h"

#include <errno.h>
#include <stdio.h>

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
