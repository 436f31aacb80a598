#include "core/test_budgets.h"

#define A 7u
#define B 8u

static struct limiter_ticket take(uint64_t owner, uint32_t amount, uint64_t ms)
{
        struct limiter_request r = {
                .class = CLASS_ORDER,
                .deadline_ms = UINT64_MAX,
                .n_charges = 1,
                .charges = { { .pool = ORDERS, .owner = owner, .amount = amount } }
        };
        struct limiter_ticket t;
        int answer = limiter_reserve(&l, &r, NOW(ms), &t);

        assert_true(answer == LIMITER_GO || answer == LIMITER_WAIT);
        return t;
}

/* Answered; the header of the ten seconds says @used, 0: there is none. */
static void answered(struct limiter_ticket *t, uint64_t owner, uint32_t used, uint64_t ms)
{
        struct limiter_news news[] = {
                { .pool = ORDERS, .owner = owner, .span_ms = 10000, .used = used },
                { .pool = ORDERS, .owner = owner, .span_ms = 60000, .used = used },
        };

        limiter_land(&l, t, NOW(ms), 0, 0, news, used ? 2 : 0, NULL);
}

static uint32_t used(uint64_t owner, uint32_t span_ms, uint64_t ms)
{
        struct window w = { slot_find(&region, ORDERS, owner, span_ms, true), span_ms, 0, NULL };

        return window_used(&w, AT(ms) / span_ms, true);
}

static void use_that_both_saw_counts_once(void **state)
{
        static const struct {
                const char *label;
                uint32_t a, a_shown, b, b_shown, both;
        } rows[] = {
                { "nothing was shown: all of both", 10, 0, 5, 0, 15 },
                { "b saw all of a's", 10, 10, 5, 15, 15 },
                { "a stranger's four too", 10, 10, 5, 19, 19 },
                { "only a was shown", 10, 10, 5, 0, 15 },
                { "a saw b, who has no header", 10, 15, 5, 0, 20 },
                { "only a has any", 10, 10, 0, 0, 10 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct limiter_ticket t;

                assert_int_equal(setup(state), 0);
                t = take(A, rows[i].a, 5000);
                answered(&t, A, rows[i].a_shown, 5100);
                if (rows[i].b) {
                        t = take(B, rows[i].b, 5200);
                        answered(&t, B, rows[i].b_shown, 5300);
                }
                assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(5400)), 0);
                if (used(A, 10000, 5400) != rows[i].both)
                        fail_msg("%s: %u", rows[i].label, used(A, 10000, 5400));
                assert_int_equal(used(A, 60000, 5400), rows[i].both);
                /* Whoever was killed after it may do it again. */
                assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(5400)), 0);
                assert_true(used(A, 10000, 5400) >= rows[i].both);
        }
}

static void what_flies_counts_in_the_windows_after_it(void **state)
{
        struct limiter_ticket a = take(A, 3, 9000), b = take(B, 4, 9000);

        (void)state;
        assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(9500)), 0);
        assert_int_equal(used(A, 10000, 9500), 7);
        assert_int_equal(used(A, 10000, 10500), 7);
        answered(&a, A, 0, 9600);
        answered(&b, B, 0, 9600);
        assert_int_equal(used(A, 10000, 9700), 7);
}

static void held_places_are_taken_over(void **state)
{
        struct limiter_ticket full = take(B, 50, 1000), held = take(B, 20, 1000);

        (void)state;
        assert_int_equal(held.state, TICKET_HELD);
        answered(&full, B, 0, 1100);
        assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(1200)), 0);
        assert_int_equal(used(A, 10000, 1200), 50);
        assert_int_equal(used(A, 10000, 10200), 20);
        assert_int_equal(limiter_confirm(&l, &held, NOW(10200)), LIMITER_GO);
        assert_int_equal(used(A, 10000, 10300), 20);
}

static void a_stop_is_taken_over_and_an_unused_owner_leaves_nothing(void **state)
{
        (void)state;
        assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(0)), 0);
        assert_null(slot_find(&region, ORDERS, A, 10000, false));
        limiter_shut_pool(&l, ORDERS, B, AT(20000));
        assert_int_equal(limiter_merge(&l, ORDERS, B, A, NOW(0)), 0);
        assert_int_equal(slot_find(&region, ORDERS, A, 10000, false)->shut_until_ms, AT(20000));
        assert_int_equal(limiter_merge(&l, ORDERS, A, A, NOW(0)), 0);
        assert_int_equal(used(A, 10000, 0), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(use_that_both_saw_counts_once),
                TEST(what_flies_counts_in_the_windows_after_it),
                TEST(held_places_are_taken_over),
                TEST(a_stop_is_taken_over_and_an_unused_owner_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
