/*
 * Makes a region whose windows are as large as they can be, so that admission is measured and not
 * refusal.
 *
 *      region PATH
 */
#include "budget/budget.h"

#include <stdio.h>

int main(int argc, char **argv)
{
        struct region region = REGION_NULL;
        struct region_error error;
        struct region_plan plan;

        if (argc != 2)
                return 2;
        budget_plan(&plan, 1);
        for (size_t i = 0; i < REGION_POOLS; ++i)
                for (size_t k = 0; k < REGION_POOL_WINDOWS; ++k)
                        if (plan.windows[i][k] != 0)
                                plan.windows[i][k] =
                                        region_window((uint32_t)(plan.windows[i][k] >> 32),
                                                      WINDOW_AMOUNT_MAX);
        if (region_open(argv[1], &plan, &region, &error) < 0) {
                fprintf(stderr, "weir: %s\n", error.why);
                return 1;
        }
        region_close(&region);
        return 0;
}
