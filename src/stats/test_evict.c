#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "stats/spenders.h"
#include "stats/test_requests.h"

/* Of one who comes again and again, so that the windows of before leave the memory. */
#define REGULAR "regular"

static const char *bot(unsigned i, char to[32])
{
        snprintf(to, 32, "bot%u", i);
        return to;
}

/* @n clients from @first on, one request of weight 1 each. */
static void come(struct stats *s, unsigned first, unsigned n, uint64_t at_ms)
{
        char name[32];

        for (unsigned i = 0; i < n; ++i)
                note(s, bot(first + i, name), 1, at_ms, 1);
}

/* @n minutes from @minute on. */
static void pass(struct stats *s, unsigned minute, unsigned n)
{
        for (unsigned i = 0; i < n; ++i) {
                note(s, REGULAR, 1, MINUTE(minute + i), 1);
                stats_turn(s, 0, MINUTE(minute + i + 1), true);
        }
}

static struct stats *filled(void)
{
        struct stats *s = opened(60000);

        note(s, REGULAR, 1, MINUTE(0), 1);
        come(s, 0, STATS_CLIENTS_MAX - 1, MINUTE(0));
        stats_turn(s, 0, MINUTE(1), true);
        return s;
}

static uint64_t weight_of(const struct stats *s, const char *name)
{
        return figures_of(s, STATS_BY_CLIENT, name).figures.weight;
}

static void sum_up(void *ctx, const char *name, const struct stats_figures *figures)
{
        (void)name;
        *(uint64_t *)ctx += figures->weight;
}

/* Of all names: what the sums have, whoever made room. */
static void check_sum(const struct stats *s)
{
        uint64_t sum = 0;

        stats_each(s, STATS_BY_CLIENT, sum_up, &sum);
        assert_int_equal(sum, stats_sums(s)->all.weight);
}

static void a_newcomer_finds_room_when_others_have_not_come_for_an_hour(void **state)
{
        struct stats *s = filled();

        (void)state;
        note(s, "early", 5, MINUTE(30), 1);
        assert_int_equal(weight_of(s, "early"), 0);
        assert_int_equal(weight_of(s, STATS_OTHERS), 5);
        pass(s, 31, 70);
        note(s, "late", 7, MINUTE(102), 1);
        assert_int_equal(weight_of(s, "late"), 7);
        /* One has made room, and what it spent is with the others. */
        assert_int_equal(weight_of(s, STATS_OTHERS), 6);
        assert_int_equal(weight_of(s, REGULAR), 71);
        check_sum(s);
        stats_close(s);
}

static void who_comes_is_not_idle_and_who_comes_back_begins_anew(void **state)
{
        struct stats *s = filled();
        char name[32];

        (void)state;
        pass(s, 31, 40);
        /* Half of them are here again: it is the other half that makes room. */
        come(s, 0, STATS_CLIENTS_MAX / 2, MINUTE(71));
        stats_turn(s, 0, MINUTE(72), true);
        pass(s, 72, 20);
        come(s, 20000, STATS_CLIENTS_MAX, MINUTE(100));
        for (unsigned i = 0; i < STATS_CLIENTS_MAX / 2; i += 499)
                assert_int_equal(weight_of(s, bot(i, name)), 2);
        for (unsigned i = STATS_CLIENTS_MAX / 2; i < STATS_CLIENTS_MAX - 1; i += 499)
                assert_int_equal(weight_of(s, bot(i, name)), 0);
        /* 4999 of them had made room. */
        assert_int_equal(weight_of(s, bot(20000 + 4998, name)), 1);
        assert_int_equal(weight_of(s, bot(20000 + 4999, name)), 0);
        assert_int_equal(weight_of(s, STATS_OTHERS), 4999 + STATS_CLIENTS_MAX - 4999);
        /* Each is found at its number: none is there twice. */
        come(s, 20000, 4999, MINUTE(100) + 100);
        assert_int_equal(weight_of(s, bot(20000, name)), 2);
        assert_int_equal(weight_of(s, bot(20000 + 4998, name)), 2);
        come(s, STATS_CLIENTS_MAX - 2, 1, MINUTE(100) + 200);
        assert_int_equal(weight_of(s, bot(STATS_CLIENTS_MAX - 2, name)), 0);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "").n, STATS_CLIENTS_MAX + 1);
        check_sum(s);
        stats_close(s);
}

static void what_a_window_in_memory_names_stays(void **state)
{
        struct stats *s = opened(60000);
        struct spenders *spenders;
        char name[32];

        (void)state;
        /* The heaviest of its window, so that it is a row of its own, and nothing after it. */
        note(s, REGULAR, 1000, MINUTE(0), 1);
        come(s, 0, STATS_CLIENTS_MAX - 1, MINUTE(0));
        stats_turn(s, 0, MINUTE(1), true);
        come(s, 20000, STATS_CLIENTS_MAX, MINUTE(600));
        assert_int_equal(weight_of(s, REGULAR), 1000);
        assert_int_equal(weight_of(s, bot(20000, name)), 1);
        spenders = spenders_new(s, STATS_BY_CLIENT, 0, 10);
        assert_non_null(spenders);
        assert_string_equal(spenders->rows[0].name, REGULAR);
        assert_int_equal(spenders->rows[0].figures.weight, 1000);
        spenders_free(spenders);
        check_sum(s);
        stats_close(s);
}

static void who_finds_no_room_makes_nobody_look_each_time(void **state)
{
        struct stats *s = filled();

        (void)state;
        pass(s, 1, 59);
        /* A minute too early for all of them; the look is at most once a minute. */
        note(s, "one", 1, MINUTE(59), 1);
        note(s, "two", 1, MINUTE(60) - 1, 1);
        assert_int_equal(weight_of(s, "two"), 0);
        pass(s, 60, 3);
        note(s, "three", 1, MINUTE(63), 1);
        assert_int_equal(weight_of(s, "three"), 1);
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_newcomer_finds_room_when_others_have_not_come_for_an_hour),
                cmocka_unit_test(who_comes_is_not_idle_and_who_comes_back_begins_anew),
                cmocka_unit_test(what_a_window_in_memory_names_stays),
                cmocka_unit_test(who_finds_no_room_makes_nobody_look_each_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
