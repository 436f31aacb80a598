/* What a host may use of a budget that it shares: caps, shares, and both lowered under takers. */
#include "core/test_budgets.h"

#include "core/lease.h"

static struct window weight;

#define SHARED_UNTIL AT(600000)

static void share_it(uint32_t share)
{
        atomic_store(&region.header->sharing, LEASE_SHARING);
        atomic_store(&region.lease->share_until_ms, SHARED_UNTIL);
        weight =
                (struct window){ slot_find(&region, WEIGHT, 0, 60000, true), 60000, 1000, &region };
        lease_set_share(&weight, share, N - 1, N + 1);
}

static uint64_t cell_word(uint64_t number)
{
        return atomic_load(&lease_of(&weight)->caps[number % RING_CELLS]);
}

static void nothing_is_asked_where_nothing_is_shared(void **state)
{
        struct window plain = { slot_find(&region, WEIGHT, 0, 60000, true), 60000, 1000, NULL };
        struct limiter_ticket t;

        (void)state;
        assert_int_equal(lease_cap(&plain, N, AT(0)), 1000);
        assert_true(lease_holds(&plain, N, 5000, AT(0)));
        t = go(CLASS_CANCEL, 1000, 0, 1000);
        land(&t, 1001);
}

static void the_share_is_the_cap_until_the_window_is_spoken_about(void **state)
{
        (void)state;
        share_it(300);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 300);
        assert_int_equal(lease_speak(&weight, N, AT(0)), 300);
        lease_raise(&weight, N, 450);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 450);
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 300);
        lease_raise(&weight, N, 400);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 450);
        /* Not spoken about: there is nothing to raise. */
        lease_raise(&weight, N + 1, 900);
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 300);
        /* A window that is gone. */
        assert_int_equal(lease_cap(&weight, N - RING_CELLS, AT(0)), 0);
}

static void a_share_of_other_windows_is_not_taken_where_one_was_spoken_about(void **state)
{
        (void)state;
        share_it(300);
        assert_int_equal(lease_speak(&weight, N, AT(0)), 300);
        lease_set_share(&weight, 700, N - 1, N + 1);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 300);
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 700);
}

static void a_share_ends_and_what_was_used_of_it_stays(void **state)
{
        struct limiter_ticket t;

        (void)state;
        share_it(300);
        t = go(CLASS_CANCEL, 120, 0, 1000);
        assert_int_equal(lease_cap(&weight, N, SHARED_UNTIL - 1), 300);
        assert_int_equal(lease_cap(&weight, N, SHARED_UNTIL), 0);
        assert_int_equal(lease_until_ms(&weight, N), SHARED_UNTIL);
        /* What was used while it held is not less for that. */
        assert_int_equal(lease_speak(&weight, N, SHARED_UNTIL), 120);
        /* What flies may be counted in the next window, but is no cap there. */
        assert_int_equal(lease_used(&weight, N + 1), 120);
        assert_int_equal(lease_speak(&weight, N + 1, SHARED_UNTIL), 0);
        land(&t, 1001);
}

static void who_has_no_share_waits_and_says_what_he_wants(void **state)
{
        struct limiter_ticket t;
        struct lease_wish wish;

        (void)state;
        share_it(0);
        assert_int_equal(reserve(CLASS_MARKET, 30, 0, 1000, &t), LIMITER_CROWDED);
        assert_true(t.is_capped && t.blocker == BLOCKED_BY_POOL && t.blocked_by == WEIGHT);
        assert_true(t.at_ms > AT(1000) && t.at_ms <= AT(1200));
        assert_int_equal(reserve(CLASS_MARKET, 50, 0, 1000, &t), LIMITER_CROWDED);
        wish = lease_wish(&weight, N);
        assert_int_equal(wish.largest, 50);
        assert_int_equal(wish.total, 80);
        assert_int_equal(wish.urgent, 0);
        assert_int_equal(reserve(CLASS_ORDER, 1, 0, 1000, &t), LIMITER_CROWDED);
        assert_int_equal(reserve(CLASS_CANCEL, 2, 0, 1000, &t), LIMITER_CROWDED);
        wish = lease_wish(&weight, N);
        assert_int_equal(wish.total, 83);
        assert_int_equal(wish.urgent, 3);
        assert_int_equal(lease_wish(&weight, N + 1).total, 0);
        /* Never is against the limit. */
        assert_int_equal(reserve(CLASS_MARKET, 1001, 0, 1000, &t), LIMITER_NEVER);
}

static void more_than_the_cap_and_less_than_the_limit_waits_for_a_larger_cap(void **state)
{
        struct limiter_request r = request_of(CLASS_CANCEL, 500, 0);
        struct limiter_ticket t;

        (void)state;
        share_it(300);
        r.deadline_ms = AT(20000);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1000), &t), LIMITER_CROWDED);
        (void)lease_speak(&weight, N, AT(0));
        lease_raise(&weight, N, 600);
        assert_int_equal(limiter_reserve(&l, &r, NOW(1100), &t), LIMITER_GO);
        limiter_refund(&l, &t);
}

static void shares_of_classes_are_parts_of_the_cap(void **state)
{
        struct limiter_ticket t;

        (void)state;
        share_it(500);
        t = go(CLASS_MARKET, 400, 0, 1000);
        limiter_abandon(&t);
        assert_int_equal(reserve(CLASS_MARKET, 1, 0, 1000, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        t = go(CLASS_CANCEL, 100, 0, 1000);
        limiter_abandon(&t);
        assert_int_not_equal(reserve(CLASS_CANCEL, 1, 0, 1000, &t), LIMITER_GO);
        limiter_refund(&l, &t);
}

static void places_ahead_are_planned_with_the_share(void **state)
{
        struct limiter_ticket t[4];

        (void)state;
        share_it(300);
        t[0] = go(CLASS_CANCEL, 300, 0, 1000);
        limiter_abandon(&t[0]);
        assert_int_equal(reserve(CLASS_CANCEL, 200, 0, 1000, &t[1]), LIMITER_WAIT);
        assert_int_equal(t[1].takes[0].number, N + 1);
        assert_int_equal(reserve(CLASS_CANCEL, 200, 0, 1000, &t[2]), LIMITER_WAIT);
        assert_int_equal(t[2].takes[0].number, N + 2);
        /* A cap of its own plans better. */
        (void)lease_speak(&weight, N + 1, AT(0));
        lease_raise(&weight, N + 1, 600);
        assert_int_equal(reserve(CLASS_CANCEL, 200, 0, 1000, &t[3]), LIMITER_WAIT);
        assert_int_equal(t[3].takes[0].number, N + 1);
        for (int i = 1; i < 4; ++i)
                limiter_refund(&l, &t[i]);
}

static void a_place_that_the_cap_does_not_cover_yet_stays_and_looks_again(void **state)
{
        struct limiter_ticket now, t;

        (void)state;
        share_it(300);
        now = go(CLASS_CANCEL, 300, 0, 1000);
        land(&now, 1100);
        assert_int_equal(reserve(CLASS_CANCEL, 250, 0, 1000, &t), LIMITER_WAIT);
        (void)lease_speak(&weight, N + 1, AT(0));
        assert_int_equal(lease_lower(&weight, N + 1, 100), 100);
        assert_int_equal(limiter_confirm(&l, &t, NOW(60200)), LIMITER_WAIT);
        assert_true(t.at_ms > AT(60200) && t.at_ms <= AT(60250));
        lease_raise(&weight, N + 1, 250);
        assert_int_equal(limiter_confirm(&l, &t, NOW(60250)), LIMITER_GO);
        limiter_refund(&l, &t);
}

static void a_cap_is_not_lowered_below_what_is_used(void **state)
{
        struct limiter_ticket t, before;

        (void)state;
        share_it(300);
        before = go(CLASS_CANCEL, 40, 0, 50000);
        (void)lease_speak(&weight, N + 1, AT(0));
        t = go(CLASS_CANCEL, 100, 0, 60200);
        assert_int_equal(lease_used(&weight, N + 1), 140);
        assert_int_equal(lease_lower(&weight, N + 1, 20), 140);
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 140);
        /* Larger than it is: no change, whatever is asked. */
        assert_int_equal(lease_lower(&weight, N + 1, 500), 140);
        /* Answered behind the turn it was carried there. */
        land(&before, 60300);
        assert_int_equal(lease_lower(&weight, N + 1, 20), 140);
        land(&t, 60300);
}

static void a_keeper_that_died_in_the_middle_is_followed(void **state)
{
        struct limiter_ticket t;
        uint64_t number = N;

        (void)state;
        share_it(300);
        (void)lease_speak(&weight, N, AT(0));
        t = go(CLASS_CANCEL, 200, 0, 1000);
        /* As lease_lower() leaves it when it is killed before it looks. */
        atomic_store(&lease_of(&weight)->caps[N % RING_CELLS],
                     number / RING_CELLS << 44 | UINT64_C(50) << 22 | 300);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 50);
        lease_settle(&weight, N - 1, N + 1);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 200);
        /* The same of a share. */
        atomic_store(&lease_of(&weight)->share, UINT64_C(300) << 32 | 30);
        lease_settle(&weight, N - 1, N + 1);
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 200);
        assert_int_equal(lease_cap(&weight, N + 2, AT(0)), 30);
        land(&t, 1001);
}

static void a_lowered_share_leaves_windows_in_use_what_they_use(void **state)
{
        struct limiter_ticket t;

        (void)state;
        share_it(300);
        t = go(CLASS_CANCEL, 200, 0, 1000);
        assert_int_not_equal(cell_word(N) >> 44, N / RING_CELLS);
        lease_set_share(&weight, 50, N - 1, N + 1);
        assert_int_equal(lease_cap(&weight, N, AT(0)), 200);
        assert_int_equal(lease_cap(&weight, N - 1, AT(0)), 50);
        /* What flies may be counted in the next one. */
        assert_int_equal(lease_cap(&weight, N + 1, AT(0)), 200);
        assert_int_equal(lease_cap(&weight, N + 2, AT(0)), 50);
        land(&t, 1001);
}

static void what_others_used_is_held_against_the_limit_and_not_against_the_cap(void **state)
{
        struct limiter_news news = { WEIGHT, 0, 60000, 500, false };
        struct limiter_ticket t;

        (void)state;
        share_it(300);
        t = go(CLASS_CANCEL, 100, 0, 1000);
        limiter_land(&l, &t, NOW(1100), 0, 0, &news, 1, NULL);
        assert_int_equal(lease_used(&weight, N), 100);
        t = go(CLASS_CANCEL, 200, 0, 1200);
        land(&t, 1300);
        /* Nor are they strangers. */
        assert_int_equal(atomic_load(&weight.slot->strangers[0]), 0);

        (void)lease_speak(&weight, N, AT(0));
        lease_raise(&weight, N, 1000);
        assert_int_not_equal(reserve(CLASS_CANCEL, 301, 0, 1400, &t), LIMITER_GO);
        limiter_refund(&l, &t);
        t = go(CLASS_CANCEL, 300, 0, 1400);
        land(&t, 1500);
}

static void what_may_be_counted_later_is_told(void **state)
{
        struct limiter_ticket before, t, u;
        struct lease_residue r;

        (void)state;
        share_it(300);
        before = go(CLASS_CANCEL, 40, 0, 50000);
        t = go(CLASS_CANCEL, 100, 0, 60200);
        u = go(CLASS_CANCEL, 30, 0, 60300);
        land(&u, 60400);
        r = lease_residue(&weight, N + 1);
        assert_int_equal(r.before, 40);
        /* 170 may still be sent, 100 and 40 fly. */
        assert_int_equal(r.after, 170 + 100 + 40);
        land(&before, 60500);
        r = lease_residue(&weight, N + 1);
        assert_int_equal(r.before, 40);
        assert_int_equal(r.after, 170 + 100);
        land(&t, 60600);
}

static void a_count_that_falls_is_not_believed_where_others_count_too(void **state)
{
        struct limiter_news news = { ORDERS, 7, 10000, 1, true };
        struct limiter_ticket t;
        struct window orders;

        (void)state;
        share_it(0);
        orders = (struct window){ slot_find(&region, ORDERS, 7, 10000, true), 10000, 50, &region };
        lease_set_share(&orders, 25, AT(0) / 10000, AT(0) / 10000 + 1);
        orders = (struct window){ slot_find(&region, ORDERS, 7, 60000, true), 60000, 400, &region };
        lease_set_share(&orders, 25, N, N + 1);
        t = go(CLASS_ORDER, 0, 5, 1000);
        land(&t, 1050);
        t = go(CLASS_ORDER, 0, 1, 1100);
        limiter_land(&l, &t, NOW(1200), 0, 0, &news, 1, NULL);
        assert_int_equal(orders_spent(10000, 1000), 6);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(nothing_is_asked_where_nothing_is_shared),
                TEST(the_share_is_the_cap_until_the_window_is_spoken_about),
                TEST(a_share_of_other_windows_is_not_taken_where_one_was_spoken_about),
                TEST(a_share_ends_and_what_was_used_of_it_stays),
                TEST(who_has_no_share_waits_and_says_what_he_wants),
                TEST(more_than_the_cap_and_less_than_the_limit_waits_for_a_larger_cap),
                TEST(shares_of_classes_are_parts_of_the_cap),
                TEST(places_ahead_are_planned_with_the_share),
                TEST(a_place_that_the_cap_does_not_cover_yet_stays_and_looks_again),
                TEST(a_cap_is_not_lowered_below_what_is_used),
                TEST(a_keeper_that_died_in_the_middle_is_followed),
                TEST(a_lowered_share_leaves_windows_in_use_what_they_use),
                TEST(what_others_used_is_held_against_the_limit_and_not_against_the_cap),
                TEST(what_may_be_counted_later_is_told),
                TEST(a_count_that_falls_is_not_believed_where_others_count_too),
        };

        return cmocka_run_group_tests_name("core/lease", tests, NULL, teardown);
}
