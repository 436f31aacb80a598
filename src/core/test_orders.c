/* What orders want of a window's end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/orders.h"
#include "core/trip.h"

#define OPEN_MS 400

static struct slot slot;

/* @n orders of @amount in window @number, that left half of the time before its end. */
static void note(uint64_t number, uint32_t amount, unsigned n)
{
        while (n-- > 0)
                orders_note(&slot, number, amount, OPEN_MS / 2, OPEN_MS);
}

static uint32_t want(uint64_t number, uint64_t rest_ms)
{
        return orders_want(&slot, number, 100, rest_ms, OPEN_MS);
}

static int fresh(void **state)
{
        (void)state;
        memset(&slot, 0, sizeof(slot));
        return 0;
}

static void nothing_is_kept_where_none_were_seen(void **state)
{
        (void)state;
        trip_note(&slot, 60000);
        assert_int_equal(want(7, OPEN_MS), 0);
}

static void one_is_kept_where_any_were_seen(void **state)
{
        (void)state;
        /* In the middle of the window: none is known to come at the end. */
        orders_note(&slot, 7, 1, 10 * OPEN_MS, OPEN_MS);
        assert_int_equal(want(7, OPEN_MS), 1);
        assert_int_equal(want(7, 0), 1);
        assert_int_equal(want(8, 0), 1);
        orders_note(&slot, 8, 5, 10 * OPEN_MS, OPEN_MS);
        assert_int_equal(want(8, 0), 5);
        /* Less than one is of no use to it. */
        assert_int_equal(orders_want(&slot, 8, 4, OPEN_MS, OPEN_MS), 0);
}

static void what_came_is_kept_and_a_deviation_of_it(void **state)
{
        (void)state;
        for (uint64_t n = 10; n < 30; ++n)
                note(n, 1, 9);
        /* Nine in three quarters are twelve in all of it, and the root of it more. */
        assert_in_range(want(29, OPEN_MS), 14, 16);
        assert_in_range(want(29, OPEN_MS / 2), 8, 9);
        assert_int_equal(want(29, 0), 1);
        /* No more than that however early. */
        assert_int_equal(want(29, 10 * OPEN_MS), want(29, OPEN_MS));
        assert_int_equal(orders_want(&slot, 29, 3, OPEN_MS, OPEN_MS), 3);
}

static void it_only_melts_as_the_turn_comes(void **state)
{
        uint32_t before = UINT32_MAX;

        (void)state;
        note(10, 2, 13);
        for (uint64_t rest_ms = 2 * OPEN_MS; rest_ms-- > 0;) {
                assert_true(want(11, rest_ms) <= before);
                before = want(11, rest_ms);
        }
        assert_int_equal(before, 2);
}

static void what_no_longer_comes_is_forgotten(void **state)
{
        uint32_t before;

        (void)state;
        note(10, 1, 20);
        before = want(11, OPEN_MS);
        assert_true(before > 20);
        for (uint64_t n = 12; n < 12 + 30; ++n) {
                assert_true(want(n, OPEN_MS) <= before);
                before = want(n, OPEN_MS);
        }
        assert_int_equal(before, 1);
        assert_int_equal(want(10 + 64, OPEN_MS), 0);
        /* What is answered when the next window has begun is not lost, nor is anything forgotten.
         */
        note(100, 1, 4);
        note(99, 1, 4);
        assert_true(want(100, OPEN_MS) > 8);
}

static void the_trip_beside_it_stays_as_it_is(void **state)
{
        (void)state;
        trip_note(&slot, 60000);
        note(10, 1000, 1000);
        note(11, 1000, 1000);
        assert_int_equal(trip_most_ms(&slot), 60000);
        trip_note(&slot, 60000);
        assert_true(trip_most_ms(&slot) < 60000);
        /* Too large to be kept for. */
        assert_int_equal(orders_want(&slot, 11, UINT32_MAX, OPEN_MS, OPEN_MS), 0);
        note(200, 1, 70000);
        assert_true(want(200, OPEN_MS) == 100);
        assert_true(trip_most_ms(&slot) < 60000);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(nothing_is_kept_where_none_were_seen, fresh),
                cmocka_unit_test_setup(one_is_kept_where_any_were_seen, fresh),
                cmocka_unit_test_setup(what_came_is_kept_and_a_deviation_of_it, fresh),
                cmocka_unit_test_setup(it_only_melts_as_the_turn_comes, fresh),
                cmocka_unit_test_setup(what_no_longer_comes_is_forgotten, fresh),
                cmocka_unit_test_setup(the_trip_beside_it_stays_as_it_is, fresh),
        };

        return cmocka_run_group_tests_name("core/orders", tests, NULL, NULL);
}
