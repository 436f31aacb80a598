#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/guesses.h"

#include <stdio.h>

#define SECOND US_PER_SECOND

static struct guesses guesses;

static int begin(void **state)
{
        (void)state;
        guesses = (struct guesses){ 0 };
        return 0;
}

static void five_of_one_peer_end_its_minute(void **state)
{
        (void)state;
        for (unsigned i = 0; i < GUESSES_OF_PEER; ++i) {
                assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", (100 + i) * SECOND), 0);
                guesses_wrong(&guesses, "10.0.0.9", (100 + i) * SECOND);
        }
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", 105 * SECOND), 55);
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", 160 * SECOND - 1), 1);
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", 160 * SECOND), 0);
        /* One more, and it is full again until the second is over. */
        guesses_wrong(&guesses, "10.0.0.9", 160 * SECOND);
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", 160 * SECOND), 1);
}

static void others_may_go_on(void **state)
{
        (void)state;
        for (unsigned i = 0; i < GUESSES_OF_PEER; ++i)
                guesses_wrong(&guesses, "10.0.0.9", 100 * SECOND);
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.9", 100 * SECOND), 60);
        assert_int_equal(guesses_wait_s(&guesses, "10.0.0.10", 100 * SECOND), 0);
        assert_int_equal(guesses_wait_s(&guesses, "unix", 100 * SECOND), 0);
}

static void thirty_of_all_end_it_for_everybody(void **state)
{
        char peer[32];

        (void)state;
        for (unsigned i = 0; i < GUESSES_OF_ALL; ++i) {
                snprintf(peer, sizeof(peer), "10.0.1.%u", i);
                assert_int_equal(guesses_wait_s(&guesses, peer, (100 + i) * SECOND), 0);
                guesses_wrong(&guesses, peer, (100 + i) * SECOND);
        }
        assert_int_equal(guesses_wait_s(&guesses, "10.9.9.9", 130 * SECOND), 30);
        assert_int_equal(guesses_wait_s(&guesses, "10.9.9.9", 160 * SECOND), 0);
}

static void at_the_beginning_of_the_clock_it_counts_too(void **state)
{
        (void)state;
        for (unsigned i = 0; i < GUESSES_OF_PEER; ++i)
                guesses_wrong(&guesses, "unix", 0);
        assert_int_equal(guesses_wait_s(&guesses, "unix", 2), 60);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(five_of_one_peer_end_its_minute, begin),
                cmocka_unit_test_setup(others_may_go_on, begin),
                cmocka_unit_test_setup(thirty_of_all_end_it_for_everybody, begin),
                cmocka_unit_test_setup(at_the_beginning_of_the_clock_it_counts_too, begin),
        };

        return cmocka_run_group_tests_name("watch/guesses", tests, NULL, NULL);
}
