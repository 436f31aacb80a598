/*
 * Budgets
 *
 * A private region with some budgets, and one program that takes from them. Time is an argument:
 * milliseconds of one minute.
 */
#ifndef CORE_TEST_BUDGETS_H
#define CORE_TEST_BUDGETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/limiter.h"
#include "core/slot.h"

#define N         30000000ULL /* some minute */
#define AT(ms)    (N * 60000 + (ms))
#define GUARD     100u
#define NOW(ms)   ((struct limiter_time){ AT(ms), GUARD })
#define W(ms, up) region_window(ms, up)

enum {
        WEIGHT, /* 1000 a minute, shared by classes */
        ORDERS, /* 50 in 10 s, 400 a minute */
        OWN,    /* 10 in 1 s, an endpoint's own */
        NONE,   /* no windows */
        WIDE,   /* more than a word holds */
};

static struct region region = { .fd = -1 };
static struct limiter l = { .region = &region };

static inline int setup(void **state)
{
        static struct region_plan plan;
        struct region_error error;
        struct ceilings c = CEILINGS_DEFAULT;

        (void)state;
        memset(&plan, 0, sizeof(plan));
        plan.windows[WEIGHT][0] = W(60000, 1000);
        plan.windows[ORDERS][0] = W(10000, 50);
        plan.windows[ORDERS][1] = W(60000, 400);
        plan.windows[OWN][0] = W(1000, 10);
        plan.windows[WIDE][0] = W(60000, UINT32_MAX);
        plan.ceilings = ceilings_pack(&c);
        region_close(&region);
        return region_open(NULL, &plan, &region, &error);
}

static inline int teardown(void **state)
{
        (void)state;
        region_close(&region);
        return 0;
}

static inline struct limiter_request request_of(enum weir_class class, uint32_t weight,
                                                uint32_t orders)
{
        struct limiter_request r = { .class = class, .gate = 1, .deadline_ms = UINT64_MAX };

        if (weight > 0)
                r.charges[r.n_charges++] = (struct limiter_charge){ .pool = WEIGHT,
                                                                    .has_ceilings = true,
                                                                    .amount = weight };
        if (orders > 0)
                r.charges[r.n_charges++] =
                        (struct limiter_charge){ .pool = ORDERS, .owner = 7, .amount = orders };
        return r;
}

static inline int reserve(enum weir_class class, uint32_t weight, uint32_t orders, uint64_t ms,
                          struct limiter_ticket *t)
{
        struct limiter_request r = request_of(class, weight, orders);

        return limiter_reserve(&l, &r, NOW(ms), t);
}

static inline struct limiter_ticket go(enum weir_class class, uint32_t weight, uint32_t orders,
                                       uint64_t ms)
{
        struct limiter_ticket t;

        assert_int_equal(reserve(class, weight, orders, ms, &t), LIMITER_GO);
        assert_int_equal(t.state, TICKET_FLYING);
        return t;
}

static inline void land(struct limiter_ticket *t, uint64_t ms)
{
        limiter_land(&l, t, NOW(ms), 0, 0, NULL, 0, NULL);
        assert_int_equal(t->state, TICKET_EMPTY);
}

static inline struct window_view look(uint16_t pool, uint64_t owner, uint32_t span_ms,
                                      uint64_t number)
{
        struct window w = { slot_find(&region, pool, owner, span_ms, true), span_ms, 0, NULL };
        struct window_view v;

        assert_non_null(w.slot);
        window_look(&w, number, &v);
        return v;
}

static inline uint32_t weight_spent(uint64_t number)
{
        return look(WEIGHT, 0, 60000, number).spent;
}

static inline uint32_t orders_spent(uint32_t span_ms, uint64_t ms)
{
        return look(ORDERS, 7, span_ms, AT(ms) / span_ms).spent;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

#endif
