#include "cli/look.h"

#include "base/clock.h"
#include "budget/budget.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void look_complain(int r, const struct region_error *error)
{
        fprintf(stderr, "weir: %s%s\n", error->why,
                error->is_place ? " with --region"
                : r == -ENOENT
                        ? "; is a gateway running? with another region? name it with --region or "
                          "WEIR_REGION, or ask the gateway: weir top --gateway URL"
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
        look_complain(r, &error);
        return NULL;
}

int look_try(const char *path, struct region *ret_region, struct region_error *ret_error)
{
        static struct region_plan plan;

        budget_plan(&plan, clock_wall_us() / US_PER_MS);
        return region_open_readonly(path, &plan, ret_region, ret_error);
}

int look_open(const char *path, struct region *ret_region)
{
        struct region_error error;
        int r = look_try(path, ret_region, &error);

        if (r != 0)
                look_complain(r, &error);
        return r;
}
