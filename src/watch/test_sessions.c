#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/sessions.h"

static struct sessions sessions;

static int begin(void **state)
{
        (void)state;
        sessions = (struct sessions){ 0 };
        return 0;
}

static void a_cookie_finds_its_session_and_no_other_does(void **state)
{
        char one[SESSION_SIZE], two[SESSION_SIZE], wrong[SESSION_SIZE];
        const struct session *found;

        (void)state;
        assert_int_equal(sessions_begin(&sessions, true, 3, 10, one), 0);
        assert_int_equal(sessions_begin(&sessions, false, 4, 10, two), 0);
        assert_string_not_equal(one, two);
        assert_int_equal(strlen(one), SESSION_SIZE - 1);
        found = sessions_find(&sessions, str_of(one), 20);
        assert_non_null(found);
        assert_true(found->may_act && found->token == 3 && found->used_us == 20);
        found = sessions_find(&sessions, str_of(two), 20);
        assert_true(!found->may_act && found->token == 4);
        memcpy(wrong, one, sizeof(wrong));
        wrong[5] = wrong[5] == 'a' ? 'b' : 'a';
        assert_null(sessions_find(&sessions, str_of(wrong), 20));
        assert_null(sessions_find(&sessions, STR_LITERAL(""), 20));
        assert_null(sessions_find(&sessions, str_from(one, SESSION_SIZE - 2), 20));
}

static void only_its_hash_is_kept(void **state)
{
        const char *bytes = (const char *)&sessions;
        char cookie[SESSION_SIZE];

        (void)state;
        assert_int_equal(sessions_begin(&sessions, true, 1, 10, cookie), 0);
        assert_null(memmem(bytes, sizeof(sessions), cookie, 8));
}

static void what_nobody_uses_ends_after_twelve_hours(void **state)
{
        char cookie[SESSION_SIZE];
        uint64_t at_us = 7;

        (void)state;
        assert_int_equal(sessions_begin(&sessions, true, 1, at_us, cookie), 0);
        for (int i = 0; i < 4; ++i) {
                at_us += SESSIONS_IDLE_US - 1;
                assert_non_null(sessions_find(&sessions, str_of(cookie), at_us));
        }
        at_us += SESSIONS_IDLE_US;
        assert_null(sessions_find(&sessions, str_of(cookie), at_us));
        assert_null(sessions_find(&sessions, str_of(cookie), 0));
}

static void one_that_is_over_is_found_no_more(void **state)
{
        char cookie[SESSION_SIZE];

        (void)state;
        assert_int_equal(sessions_begin(&sessions, true, 1, 10, cookie), 0);
        session_end(sessions_find(&sessions, str_of(cookie), 11));
        assert_null(sessions_find(&sessions, str_of(cookie), 12));
}

static void where_all_are_taken_the_one_longest_unused_makes_room(void **state)
{
        char cookies[SESSIONS_MAX + 1][SESSION_SIZE];

        (void)state;
        for (size_t i = 0; i < SESSIONS_MAX; ++i)
                assert_int_equal(sessions_begin(&sessions, false, 1, 10 + i, cookies[i]), 0);
        /* The first is used again, so the second is the one. */
        assert_non_null(sessions_find(&sessions, str_of(cookies[0]), 500));
        assert_int_equal(sessions_begin(&sessions, false, 1, 600, cookies[SESSIONS_MAX]), 0);
        assert_null(sessions_find(&sessions, str_of(cookies[1]), 600));
        for (size_t i = 0; i <= SESSIONS_MAX; ++i)
                if (i != 1)
                        assert_non_null(sessions_find(&sessions, str_of(cookies[i]), 600));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(a_cookie_finds_its_session_and_no_other_does, begin),
                cmocka_unit_test_setup(only_its_hash_is_kept, begin),
                cmocka_unit_test_setup(what_nobody_uses_ends_after_twelve_hours, begin),
                cmocka_unit_test_setup(one_that_is_over_is_found_no_more, begin),
                cmocka_unit_test_setup(where_all_are_taken_the_one_longest_unused_makes_room,
                                       begin),
        };

        return cmocka_run_group_tests_name("watch/sessions", tests, NULL, NULL);
}
