#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/limiter.h"

#include <errno.h>

#define NOW ((struct limiter_time){ 1700000000000ULL, 5 })

static const struct region_plan plan = { .table_hash = 1, .now_ms = 1 };
static const struct limiter_request one = { .class = CLASS_ACCOUNT,
                                            .deadline_ms = UINT64_MAX,
                                            .pacing = 1 };

static void open_private(struct region *r)
{
        struct region_error error;

        assert_int_equal(region_open(NULL, &plan, r, &error), 0);
}

/* How many of @request are admitted at once. */
static unsigned admitted(struct limiter *l, const struct limiter_request *request)
{
        unsigned n = 0;

        for (; n < 1000; ++n) {
                struct limiter_ticket ticket;
                int r = limiter_reserve(l, request, NOW, &ticket);

                if (r == LIMITER_WAIT)
                        limiter_refund(l, &ticket);
                if (r != LIMITER_GO)
                        break;
                limiter_abandon(&ticket);
        }
        return n;
}

static void equal_settings_share_a_bucket_and_others_do_not(void **state)
{
        static const struct {
                const char *label;
                uint32_t rate, burst;
                unsigned admitted;
        } rows[] = {
                { "the first has its burst", 60, 5, 5 },
                { "the same two numbers: the same bucket", 60, 5, 0 },
                { "another burst is another bucket", 60, 6, 6 },
                { "another rate as well", 61, 5, 5 },
                { "and none of them was reset", 60, 5, 0 },
                { "no pacing", 0, 0, 1000 },
        };
        struct region region = REGION_NULL;

        (void)state;
        open_private(&region);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct limiter l = { .region = &region };
                unsigned n;

                assert_int_equal(limiter_set_pacing(&l, rows[i].rate, rows[i].burst), 0);
                n = admitted(&l, &one);
                if (n != rows[i].admitted)
                        fail_msg("%s: admitted %u", rows[i].label, n);
        }
        region_close(&region);
}

static void who_waits_for_the_bucket_is_told_so(void **state)
{
        struct region region = REGION_NULL;
        struct limiter l = { .region = &region };
        struct limiter_request late = one;
        struct limiter_ticket ticket;

        (void)state;
        open_private(&region);
        assert_int_equal(limiter_set_pacing(&l, 60, 1), 0);
        assert_int_equal(limiter_reserve(&l, &one, NOW, &ticket), LIMITER_GO);
        assert_int_equal(ticket.blocker, BLOCKED_BY_NOTHING);
        limiter_abandon(&ticket);
        assert_int_equal(limiter_reserve(&l, &one, NOW, &ticket), LIMITER_WAIT);
        assert_int_equal(ticket.blocker, BLOCKED_BY_PACING);
        limiter_refund(&l, &ticket);
        late.deadline_ms = NOW.now_ms + 500;
        assert_int_equal(limiter_reserve(&l, &late, NOW, &ticket), LIMITER_LATE);
        assert_int_equal(ticket.blocker, BLOCKED_BY_PACING);
        /* Its own deadline, and no budget. */
        late.deadline_ms = NOW.now_ms;
        assert_int_equal(limiter_reserve(&l, &late, NOW, &ticket), LIMITER_LATE);
        assert_int_equal(ticket.blocker, BLOCKED_BY_NOTHING);
        region_close(&region);
}

static void a_full_table_refuses_and_changes_nothing(void **state)
{
        struct region region = REGION_NULL;
        struct limiter l = { .region = &region };
        uint32_t burst = 1;
        int r;

        (void)state;
        open_private(&region);
        do
                r = limiter_set_pacing(&l, 60, burst++);
        while (r == 0 && burst < 2 * REGION_SLOTS);
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(l.pacing.burst, burst - 2);
        region_close(&region);
}

static void count(void *ctx, const struct bucket *bucket)
{
        uint64_t *sum = ctx;

        *sum += bucket->rate_per_min * 1000 + bucket->burst;
}

static void buckets_are_listed_apart_from_budgets(void **state)
{
        struct region region = REGION_NULL;
        struct limiter l = { .region = &region };
        uint64_t sum = 0;

        (void)state;
        open_private(&region);
        assert_int_equal(limiter_set_pacing(&l, 60, 5), 0);
        assert_int_equal(limiter_set_pacing(&l, 7, 1), 0);
        limiter_each_bucket(&region, count, &sum);
        assert_int_equal(sum, 60005 + 7001);
        region_close(&region);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(equal_settings_share_a_bucket_and_others_do_not),
                cmocka_unit_test(who_waits_for_the_bucket_is_told_so),
                cmocka_unit_test(a_full_table_refuses_and_changes_nothing),
                cmocka_unit_test(buckets_are_listed_apart_from_budgets),
        };

        return cmocka_run_group_tests_name("core/pacing", tests, NULL, NULL);
}
