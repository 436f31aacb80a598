#include "trade/servertime.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Our clocks when it begins: monotonic 1000 s, wall 1.7e9 s. */
#define MONO (1000 * US_PER_SECOND)
#define WALL (1700000000 * US_PER_SECOND)

static void an_answer_sets_the_clock_and_tells_the_region(void **state)
{
        struct servertime s, other;
        /* As in the region: the time of a clock stands EXCLOCK_WHEN words behind it. */
        word_t words[REGION_CLOCKS] = { 0 }, *word = words;
        int64_t offset_ms;
        uint32_t error_ms;

        (void)state;
        servertime_init(&s, word, MONO, WALL);
        assert_false(servertime_is_fresh(&s, MONO));
        /* 90 s ahead of us, told in the middle of a round trip of 40 ms. */
        assert_int_equal(servertime_take(&s, STR_LITERAL("{\"serverTime\":1700000090020}"), MONO,
                                         MONO + 40000, WALL + 40000),
                         0);
        assert_true(servertime_is_fresh(&s, MONO + 40000));
        assert_in_range(servertime_now(&s, MONO).now_ms, 1700000089999, 1700000090001);
        assert_true(exclock_read(word, &offset_ms, &error_ms));
        assert_in_range(offset_ms, 89998, 90002);
        /* The next process begins with it, and measures anew all the same. */
        servertime_init(&other, word, MONO, WALL);
        assert_in_range(servertime_now(&other, MONO).now_ms, 1700000089998, 1700000090002);
        assert_false(servertime_is_fresh(&other, MONO));
}

static void it_is_measured_again_before_clocks_drift_apart(void **state)
{
        struct servertime s;

        (void)state;
        servertime_init(&s, NULL, MONO, WALL);
        assert_int_equal(servertime_take(&s, STR_LITERAL("{\"serverTime\":1700000000000}"), MONO,
                                         MONO + 1000, WALL),
                         0);
        assert_true(servertime_is_fresh(&s, MONO + SERVERTIME_FRESH_US));
        assert_false(servertime_is_fresh(&s, MONO + SERVERTIME_FRESH_US + 1001));
}

static void what_tells_no_time_changes_nothing(void **state)
{
        static const char *const bodies[] = { "",
                                              "{}",
                                              "[1]",
                                              "<html>",
                                              "{\"serverTime\":\"soon\"}",
                                              "{\"serverTime\":-5}",
                                              "{\"serverTime\":1.5}" };
        struct servertime s;

        (void)state;
        servertime_init(&s, NULL, MONO, WALL);
        for (size_t i = 0; i < ARRAY_SIZE(bodies); ++i)
                assert_int_equal(servertime_take(&s, str_of(bodies[i]), MONO, MONO + 1, WALL),
                                 -EBADMSG);
        assert_int_equal(servertime_now(&s, MONO).now_ms, WALL / 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_sets_the_clock_and_tells_the_region),
                cmocka_unit_test(it_is_measured_again_before_clocks_drift_apart),
                cmocka_unit_test(what_tells_no_time_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
