/* For the tests of budget: a region of its own for each, with the pools that the tables name. */
#ifndef BUDGET_TEST_STAGE_H
#define BUDGET_TEST_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "budget/budget.h"

static struct region region = { .fd = -1 };
static struct limiter l = { .region = &region };

/* A region that begins at @at_ms, in place of the last one. */
static inline int stage_open(uint64_t at_ms)
{
        struct region_plan plan;
        struct region_error error;

        budget_plan(&plan, at_ms);
        region_close(&region);
        return region_open(NULL, &plan, &region, &error);
}

static inline int teardown(void **state)
{
        (void)state;
        region_close(&region);
        return 0;
}

/* @query, @key: "" for none. */
static inline struct policy_plan stage_plan(const char *method, const char *path, const char *query,
                                            const char *key)
{
        struct policy_input input = { .method = str_of(method),
                                      .path = str_of(path),
                                      .query = str_of(query),
                                      .api_key = str_of(key) };
        struct policy_plan plan;

        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        return plan;
}

#endif
