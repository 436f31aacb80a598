/* Which address a client belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/home.h"

#define PLACES 64

static word_t words[PLACES];
static const struct homes homes = { words, PLACES };

static int setup(void **state)
{
        (void)state;
        for (size_t i = 0; i < PLACES; ++i)
                words[i] = 0;
        return 0;
}

static void who_is_new_has_none(void **state)
{
        (void)state;
        assert_int_equal(home_find(homes, 1), HOME_NONE);
        assert_int_equal(home_find(homes, UINT64_MAX), HOME_NONE);
}

static void a_home_stays_until_it_is_moved(void **state)
{
        static const uint64_t clients[] = { 0, 1, 2, 0xff, 0x100, UINT64_MAX, UINT64_MAX << 8 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i)
                assert_int_equal(home_give(homes, clients[i], (unsigned)i % REGION_EGRESSES), i);
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i) {
                assert_int_equal(home_give(homes, clients[i], 15), i);
                assert_int_equal(home_find(homes, clients[i]), i);
        }
        home_move(homes, 2, 15);
        assert_int_equal(home_find(homes, 2), 15);
        home_move(homes, 77, 0);
        assert_int_equal(home_find(homes, 77), 0);
}

static void the_table_never_grows_and_the_last_are_known(void **state)
{
        (void)state;
        for (uint64_t client = 1; client < 100 * PLACES; ++client) {
                assert_int_equal(home_give(homes, client, (unsigned)(client % 3)), client % 3);
                assert_int_equal(home_find(homes, client), client % 3);
        }
}

static void what_nobody_wrote_is_no_home(void **state)
{
        (void)state;
        assert_int_equal(home_give(homes, 5, 3), 3);
        for (size_t i = 0; i < PLACES; ++i)
                if (words[i] != 0)
                        words[i] |= 0xff;
        assert_int_equal(home_find(homes, 5), HOME_NONE);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(who_is_new_has_none, setup),
                cmocka_unit_test_setup(a_home_stays_until_it_is_moved, setup),
                cmocka_unit_test_setup(the_table_never_grows_and_the_last_are_known, setup),
                cmocka_unit_test_setup(what_nobody_wrote_is_no_home, setup),
        };

        return cmocka_run_group_tests_name("core/home", tests, NULL, NULL);
}
