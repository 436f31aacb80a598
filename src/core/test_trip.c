/* How long most requests are on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/trip.h"

static void the_first_one_is_believed(void **state)
{
        struct slot slot;

        (void)state;
        memset(&slot, 0, sizeof(slot));
        assert_int_equal(trip_most_ms(&slot), 0);
        trip_note(&slot, 120);
        assert_int_equal(trip_most_ms(&slot), 120);
        memset(&slot, 0, sizeof(slot));
        trip_note(&slot, 0);
        assert_int_equal(trip_most_ms(&slot), 1);
        memset(&slot, 0, sizeof(slot));
        trip_note(&slot, UINT64_MAX);
        assert_int_equal(trip_most_ms(&slot), 60000);
}

static void it_is_above_most_and_follows(void **state)
{
        struct slot slot;
        uint64_t rng = 1;
        unsigned above = 0;

        (void)state;
        memset(&slot, 0, sizeof(slot));
        for (unsigned i = 0; i < 20000; ++i) {
                uint64_t trip_ms;

                rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
                trip_ms = 50 + (rng >> 33) % 100;
                above += i >= 10000 && trip_ms > trip_most_ms(&slot);
                trip_note(&slot, trip_ms);
        }
        /* Of ten thousand. */
        assert_in_range(above, 1, 1100);
        assert_in_range(trip_most_ms(&slot), 135, 160);
        for (unsigned i = 0; i < 2000; ++i)
                trip_note(&slot, 20);
        assert_in_range(trip_most_ms(&slot), 20, 23);
}

static void a_spike_hardly_moves_it(void **state)
{
        struct slot slot;

        (void)state;
        memset(&slot, 0, sizeof(slot));
        trip_note(&slot, 100);
        trip_note(&slot, 3000);
        assert_in_range(trip_most_ms(&slot), 101, 127);
        for (unsigned i = 0; i < 160; ++i)
                trip_note(&slot, 100);
        assert_in_range(trip_most_ms(&slot), 95, 105);
}

static void a_first_one_that_was_a_spike_is_forgotten_soon(void **state)
{
        struct slot slot;

        (void)state;
        memset(&slot, 0, sizeof(slot));
        trip_note(&slot, 3000);
        for (unsigned i = 0; i < 120; ++i)
                trip_note(&slot, 20);
        assert_in_range(trip_most_ms(&slot), 20, 80);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_one_is_believed),
                cmocka_unit_test(it_is_above_most_and_follows),
                cmocka_unit_test(a_spike_hardly_moves_it),
                cmocka_unit_test(a_first_one_that_was_a_spike_is_forgotten_soon),
        };

        return cmocka_run_group_tests_name("core/trip", tests, NULL, NULL);
}
