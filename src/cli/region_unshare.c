#include "cli/region_unshare.h"

#include "base/clock.h"
#include "budget/budget.h"
#include "budget/exclock.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "core/lease.h"
#include "core/unshare.h"
#include "look/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_confirmed(const char *path)
{
        char line[32] = "";

        fprintf(stderr,
                "weir: region %s: from then on this host uses the whole limits, as if it were "
                "alone.\n"
                "weir: Do that only where no other host uses the address or the accounts: all "
                "together\n"
                "weir: would send more than the limits. Write unshare to do it: ",
                path);
        if (fgets(line, sizeof(line), stdin))
                line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "unshare") == 0)
                return true;
        fputs("\nweir: region: nothing was changed\n", stderr);
        return false;
}

/* Nobody with a store is there. Return: false after a complaint. */
static bool is_free(const struct region *region, const char *path)
{
        int r = unshare_lock(region);

        if (r == -EBUSY)
                fprintf(stderr,
                        "weir: region %s: a gateway with a store speaks for this region: stop it "
                        "first; nothing was changed\n",
                        path);
        else if (r < 0)
                fprintf(stderr, "weir: region %s: cannot lock it: %s; nothing was changed\n", path,
                        strerror(-r));
        return r == 0;
}

static void end_sharing(struct region *region)
{
        struct limiter_time of_pool[REGION_POOLS] = { 0 };
        uint64_t wall_ms = clock_wall_us() / US_PER_MS;

        for (size_t i = 0; i < REGION_POOLS; ++i)
                of_pool[i] = i < policy_pool_count()
                                     ? look_pool_time(region, policy_pool(i), wall_ms)
                                     : (struct limiter_time){ wall_ms, 0 };
        unshare(region, of_pool);
}

static int unshare_it(struct region *region, const char *path, bool is_sure)
{
        if (!lease_region(region)) {
                printf("region %s: shares its budgets with no other host: nothing was changed\n",
                       path);
                return EXIT_DONE;
        }
        if (!is_free(region, path))
                return EXIT_FAILED;
        if (!is_sure) {
                /* Who thinks about it keeps no gateway away. */
                unshare_unlock(region);
                if (!is_confirmed(path) || !is_free(region, path))
                        return EXIT_FAILED;
        }
        end_sharing(region);
        printf("region %s: shares its budgets no more: this host uses the whole limits from now "
               "on; a gateway with a store (store.url) shares them again\n",
               path);
        return EXIT_DONE;
}

int region_unshare(const char *path, bool is_sure)
{
        static struct region_plan plan;
        struct region region = REGION_NULL;
        struct region_error error;
        int code = EXIT_FAILED, r;

        /* Only one that is there: who names another does not make it. */
        if (look_open(path, &region) != 0) {
                region_close(&region);
                return EXIT_FAILED;
        }
        region_close(&region);
        budget_plan(&plan, clock_wall_us() / US_PER_MS);
        r = region_open(path, &plan, &region, &error);
        if (r == 0)
                code = unshare_it(&region, path, is_sure);
        else
                look_complain(r, &error);
        region_close(&region);
        return code;
}
