#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "watch/top.h"

#define NAMES 400
#define NOW   UINT64_C(1790000000000)

static struct stats *stats;
static uint64_t now_ms;

static int setup(void **state)
{
        const struct stats_pool pool = { "spot-weight", 60000, 6000 };

        (void)state;
        now_ms = NOW;
        if (stats_open(7, &stats) < 0)
                return -1;
        stats_set_pool(stats, 0, &pool);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        stats = stats_close(stats);
        return 0;
}

/* @client: NULL for none. */
static void spend(const char *client, uint32_t weight)
{
        const struct stats_request request = {
                .class = CLASS_MARKET,
                .client = { client ? stats_key(str_of(client)) : 0, str_of(client) },
                .sent_ms = now_ms,
                .weight = weight,
                .verdict = STATS_NO_VERDICT,
        };

        stats_note(stats, &request, now_ms);
}

static void spend_as(unsigned client, uint32_t weight)
{
        char name[16];

        snprintf(name, sizeof(name), "bot%u", client);
        spend(name, weight);
}

struct shown {
        char names[TOP_MAX + 1][16];
        uint64_t weights[TOP_MAX + 1];
        size_t n;
};

static void note(void *ctx, const char *name, const struct stats_figures *figures)
{
        struct shown *s = ctx;

        snprintf(s->names[s->n], sizeof(s->names[0]), "%s", name);
        s->weights[s->n++] = figures->weight;
}

static void show(struct top *top, struct shown *to)
{
        top_update(top, stats, STATS_BY_CLIENT);
        to->n = 0;
        top_each(top, note, to);
}

/* UINT64_MAX: it is not shown. */
static uint64_t weight_of(const struct shown *s, const char *name)
{
        for (size_t i = 0; i < s->n; ++i)
                if (strcmp(s->names[i], name) == 0)
                        return s->weights[i];
        return UINT64_MAX;
}

static uint64_t sum_of(const struct shown *s)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < s->n; ++i)
                sum += s->weights[i];
        return sum;
}

static void the_heaviest_are_shown_and_the_rest_is_one(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        for (unsigned i = 1; i <= 10; ++i)
                spend_as(i, i * 100);
        top_init(&top, 3);
        show(&top, &s);
        assert_int_equal(s.n, 4);
        assert_int_equal(weight_of(&s, "bot10"), 1000);
        assert_int_equal(weight_of(&s, "bot9"), 900);
        assert_int_equal(weight_of(&s, "bot8"), 800);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 2800);
}

static void who_is_there_from_the_beginning_shows_all_that_he_used(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        top_init(&top, 3);
        show(&top, &s);
        assert_int_equal(s.n, 1);
        spend("one", 5);
        spend("two", 7);
        show(&top, &s);
        spend("one", 5);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "one"), 10);
        assert_int_equal(weight_of(&s, "two"), 7);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 0);
}

static void who_comes_in_later_leaves_what_he_had_with_the_others(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        spend("one", 100);
        spend("two", 200);
        spend("late", 90);
        top_init(&top, 2);
        show(&top, &s);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 90);
        /* A little more than the least is not enough. */
        spend("late", 30);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "late"), UINT64_MAX);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 120);
        spend("late", 30);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "one"), UINT64_MAX);
        assert_int_equal(weight_of(&s, "late"), 0);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 150);
        spend("late", 3);
        spend("one", 4);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "late"), 3);
        /* What it showed itself once is not shown again. */
        assert_int_equal(weight_of(&s, STATS_OTHERS), 154);
}

static void requests_without_a_name_shift_nobody(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        spend("one", 5);
        spend("two", 7);
        top_init(&top, 5);
        show(&top, &s);
        spend(NULL, 30);
        spend("one", 1);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "one"), 6);
        assert_int_equal(weight_of(&s, "two"), 7);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 30);
}

static void no_names_at_all_leave_the_sum(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        spend("one", 100);
        top_init(&top, 0);
        show(&top, &s);
        assert_int_equal(s.n, 1);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 100);
}

static void a_client_that_calls_itself_the_others_is_one_of_them(void **state)
{
        static struct top top;
        static struct shown s;

        (void)state;
        spend(STATS_OTHERS, 100);
        spend("one", 1);
        top_init(&top, 5);
        show(&top, &s);
        assert_int_equal(s.n, 2);
        assert_int_equal(weight_of(&s, STATS_OTHERS), 100);
}

/* Whatever happens, a series that goes on never falls, and they show together what was used since
 * the last one left. */
static void no_series_falls_whoever_comes_and_goes(void **state)
{
        static struct top top;
        static struct shown s, last;
        uint64_t seed = 42;

        (void)state;
        top_init(&top, 20);
        show(&top, &last);
        for (unsigned round = 0; round < 300; ++round) {
                for (unsigned i = 0; i < 30; ++i) {
                        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                        spend_as((unsigned)(seed >> 33) % (1 + round % NAMES),
                                 (uint32_t)(seed >> 40) % 50);
                }
                show(&top, &s);
                assert_true(s.n <= 21);
                for (size_t i = 0; i < s.n; ++i) {
                        uint64_t before = weight_of(&last, s.names[i]);

                        if (before != UINT64_MAX && s.weights[i] < before)
                                fail_msg("round %u: %s fell from %llu to %llu", round, s.names[i],
                                         (unsigned long long)before,
                                         (unsigned long long)s.weights[i]);
                }
                assert_int_equal(sum_of(&s) + top.gone.weight, stats_sums(stats)->all.weight);
                last = s;
        }
}

/* Its place has another name then, which is not it. */
static void who_made_room_in_the_stats_is_gone_and_no_series_falls(void **state)
{
        static struct shown before, s;
        static struct top top;

        (void)state;
        top_init(&top, 3);
        for (unsigned i = 0; i < STATS_CLIENTS_MAX; ++i)
                spend_as(i, i < 4 ? 1000 + i : 1);
        show(&top, &before);
        assert_int_equal(weight_of(&before, "bot3"), 1003);
        assert_int_equal(weight_of(&before, STATS_OTHERS), 1000 + STATS_CLIENTS_MAX - 4);
        /* Windows of an hour and more: none of memory names anybody but the one who came. */
        for (unsigned i = 0; i < 70; ++i) {
                now_ms += 60000;
                spend("bot2", 1);
                stats_turn(stats, 0, now_ms, true);
        }
        show(&top, &before);
        for (unsigned i = 0; i < STATS_CLIENTS_MAX; ++i)
                spend_as(50000 + i, i == 7 ? 100 : 1);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "bot3"), UINT64_MAX);
        assert_int_equal(weight_of(&s, "bot1"), UINT64_MAX);
        assert_int_equal(weight_of(&s, "bot2"), 1072);
        /* A newcomer begins at nought; what it had by then was shown with the others. */
        assert_int_equal(weight_of(&s, "bot50007"), 0);
        assert_int_equal(weight_of(&s, STATS_OTHERS),
                         weight_of(&before, STATS_OTHERS) + STATS_CLIENTS_MAX - 1 + 100);
        before = s;
        spend("bot50007", 5);
        spend("bot0", 9);
        show(&top, &s);
        assert_int_equal(weight_of(&s, "bot50007"), 5);
        assert_int_equal(weight_of(&s, STATS_OTHERS), weight_of(&before, STATS_OTHERS) + 9);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_heaviest_are_shown_and_the_rest_is_one, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(
                        who_is_there_from_the_beginning_shows_all_that_he_used, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        who_comes_in_later_leaves_what_he_had_with_the_others, setup, teardown),
                cmocka_unit_test_setup_teardown(requests_without_a_name_shift_nobody, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(no_names_at_all_leave_the_sum, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_client_that_calls_itself_the_others_is_one_of_them, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        who_made_room_in_the_stats_is_gone_and_no_series_falls, setup, teardown),
                cmocka_unit_test_setup_teardown(no_series_falls_whoever_comes_and_goes, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
