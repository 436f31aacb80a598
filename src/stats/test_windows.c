#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/test_requests.h"

#include <stdio.h>

struct told {
        unsigned n;
        uint64_t starts[8], weights[8];
};

static void hear(void *ctx, const struct stats_window *w)
{
        struct told *t = ctx;

        must(t->n < ARRAY_SIZE(t->starts));
        t->starts[t->n] = w->start_ms;
        t->weights[t->n++] = w->all.weight;
}

static void a_window_is_closed_a_while_after_its_end(void **state)
{
        static const struct {
                const char *label;
                uint64_t span_ms, after_ms;
                bool is_due;
        } rows[] = {
                { "its end", 60000, 0, false },
                { "answers are on their way", 60000, 9999, false },
                { "none is any more", 60000, 10000, true },
                { "a short one", 1000, 749, false },
                { "a short one waits for less", 1000, 750, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct stats *s = opened(rows[i].span_ms);
                uint64_t start_ms = 0, now_ms = MINUTE(0) + rows[i].span_ms + rows[i].after_ms;

                note(s, "maker", 5, MINUTE(0), 1);
                if (stats_is_due(s, 0, now_ms, &start_ms) != rows[i].is_due ||
                    start_ms != (rows[i].is_due ? MINUTE(0) : 0))
                        fail_msg("%s", rows[i].label);
                stats_turn(s, 0, now_ms, false);
                if ((stats_closed(s, 0, 0) != NULL) != rows[i].is_due)
                        fail_msg("%s: closed", rows[i].label);
                stats_close(s);
        }
}

static void each_dimension_of_a_window_adds_up_to_it(void **state)
{
        struct stats *s = opened(60000);
        const struct stats_window *w;
        char name[32], path[32];

        (void)state;
        for (unsigned i = 0; i < 200; ++i) {
                struct stats_request r = request("", 1 + i % 50, MINUTE(0) + i);

                snprintf(name, sizeof(name), "client-%u", i);
                r.client = called(name);
                snprintf(path, sizeof(path), "GET /%u", i % 60);
                r.endpoint = called(path);
                r.class = (enum weir_class)(i % CLASS_COUNT);
                r.wait_us = i * 1000;
                stats_note(s, &r, MINUTE(0) + i);
        }
        refuse(s, "client-3", "late", MINUTE(0) + 500);
        stats_turn(s, 0, MINUTE(2), false);
        w = stats_closed(s, 0, 0);
        assert_non_null(w);
        assert_int_equal(w->all.requests, 201);
        assert_int_equal(w->refused[0], 1);
        assert_int_equal(w->limit, 6000);
        for (unsigned by = 0; by < STATS_BY_COUNT; ++by) {
                struct stats_figures sum = { 0 };
                uint64_t n_rows = 0, n_waits = 0, before = UINT64_MAX;

                for (size_t i = 0; i < w->n_rows; ++i) {
                        const struct stats_row *row = &w->rows[i];

                        if (row->by != by)
                                continue;
                        sum.requests += row->figures.requests;
                        sum.weight += row->figures.weight;
                        sum.refused += row->figures.refused;
                        for (uint32_t k = 0; k < row->waits.n; ++k)
                                n_waits += WAITS_PACKED_COUNT(row->waits.at[k]);
                        if (strcmp(row->name, STATS_OTHERS) != 0)
                                assert_true(row->figures.weight <= before);
                        before = row->figures.weight;
                        ++n_rows;
                }
                assert_int_equal(sum.requests, 201);
                assert_int_equal(sum.weight, w->all.weight);
                assert_int_equal(sum.refused, 1);
                assert_int_equal(n_waits, 200);
                assert_true(n_rows <= STATS_ROWS_KEPT + 1);
        }
        assert_non_null(row_of(w, STATS_BY_CLIENT, STATS_OTHERS));
        assert_null(row_of(w, STATS_BY_CLASS, STATS_OTHERS));
        stats_close(s);
}

static void gaps_are_no_windows_and_late_answers_find_theirs(void **state)
{
        struct stats *s = opened(60000);
        struct told told = { 0 };

        (void)state;
        stats_on_window(s, hear, &told);
        note(s, "maker", 1, MINUTE(0) + 59990, 1);
        note(s, "maker", 10, MINUTE(1) + 5, 1);
        /* Its answer was slow. */
        note(s, "maker", 100, MINUTE(0) + 59995, 1);
        stats_turn(s, 0, MINUTE(1) + 20000, false);
        assert_int_equal(told.n, 1);
        /* Far too slow: its window is closed. */
        note(s, "maker", 1000, MINUTE(0) + 59999, 1);
        note(s, "maker", 10000, MINUTE(7), 1);
        stats_turn(s, 0, MINUTE(9), false);
        assert_int_equal(told.n, 3);
        assert_int_equal(told.starts[0], MINUTE(0));
        assert_int_equal(told.weights[0], 101);
        assert_int_equal(told.starts[1], MINUTE(1));
        assert_int_equal(told.weights[1], 1010);
        assert_int_equal(told.starts[2], MINUTE(7));
        assert_int_equal(told.weights[2], 10000);
        stats_close(s);
}

static void when_nobody_turns_them_two_are_open(void **state)
{
        struct stats *s = opened(60000);
        struct told told = { 0 };

        (void)state;
        stats_on_window(s, hear, &told);
        for (unsigned i = 0; i < 4; ++i)
                note(s, "maker", 1u << i, MINUTE(i), 1);
        assert_int_equal(told.n, 2);
        /* Of one that was closed since. */
        note(s, "maker", 100, MINUTE(1), 1);
        stats_turn(s, 0, 0, true);
        assert_int_equal(told.n, 4);
        assert_int_equal(told.weights[2], 104);
        assert_int_equal(told.weights[3], 8);
        stats_close(s);
}

static void another_span_begins_anew(void **state)
{
        struct stats *s = opened(60000);
        struct stats_pool pool = { "spot-weight", 10000, 1000 };
        struct told told = { 0 };

        (void)state;
        stats_on_window(s, hear, &told);
        note(s, "maker", 1, MINUTE(0) + 30000, 1);
        stats_set_pool(s, 0, &pool);
        assert_int_equal(told.n, 1);
        note(s, "maker", 2, MINUTE(0) + 31000, 1);
        note(s, "maker", 4, MINUTE(0) + 41000, 1);
        stats_turn(s, 0, 0, true);
        assert_int_equal(told.n, 3);
        assert_int_equal(told.starts[1], MINUTE(0) + 30000);
        assert_int_equal(told.starts[2], MINUTE(0) + 40000);
        assert_int_equal(stats_closed(s, 0, 0)->span_ms, 10000);
        assert_int_equal(stats_closed(s, 0, 2)->span_ms, 60000);
        /* The same again is nothing new. */
        stats_set_pool(s, 0, &pool);
        assert_int_equal(told.n, 3);
        stats_close(s);
}

static void a_clock_that_is_set_back_begins_anew(void **state)
{
        struct stats *s = opened(60000);
        struct told told = { 0 };

        (void)state;
        stats_on_window(s, hear, &told);
        note(s, "maker", 1, MINUTE(300), 1);
        note(s, "maker", 2, MINUTE(0), 1);
        assert_int_equal(told.n, 1);
        stats_turn(s, 0, MINUTE(2), false);
        note(s, "maker", 4, MINUTE(2), 1);
        stats_turn(s, 0, MINUTE(4), false);
        assert_int_equal(told.n, 3);
        assert_int_equal(told.starts[1], MINUTE(0));
        assert_int_equal(told.starts[2], MINUTE(2));
        stats_close(s);
}

static void the_last_sixty_are_kept(void **state)
{
        struct stats *s = opened(60000);

        (void)state;
        for (unsigned i = 0; i < 100; ++i) {
                note(s, "maker", i + 1, MINUTE(i), 1);
                stats_turn(s, 0, MINUTE(i + 2), false);
        }
        for (size_t i = 0; i < STATS_WINDOWS_KEPT; ++i)
                assert_int_equal(stats_closed(s, 0, i)->all.weight, 100 - i);
        assert_null(stats_closed(s, 0, STATS_WINDOWS_KEPT));
        stats_close(s);
}

static void an_open_window_can_be_looked_at(void **state)
{
        struct stats *s = opened(60000);
        struct stats_window *w;

        (void)state;
        assert_null(stats_look(s, 0, 0));
        note(s, "maker", 3, MINUTE(0) + 59000, 1);
        note(s, "taker", 4, MINUTE(1), 2);
        w = stats_look(s, 0, 0);
        assert_int_equal(w->start_ms, MINUTE(1));
        assert_int_equal(w->all.weight, 8);
        assert_int_equal(row_of(w, STATS_BY_CLIENT, "taker")->figures.weight, 8);
        stats_window_free(w);
        w = stats_look(s, 0, 1);
        assert_int_equal(w->all.weight, 3);
        stats_window_free(w);
        assert_null(stats_look(s, 0, 2));
        stats_close(s);
}

static void what_others_used_is_the_most_that_was_seen(void **state)
{
        struct stats *s = opened(60000);

        (void)state;
        stats_note_foreign(s, 0, MINUTE(0), 7);
        note(s, "maker", 1, MINUTE(0), 1);
        stats_note_foreign(s, 0, MINUTE(0) + 5, 40);
        stats_note_foreign(s, 0, MINUTE(0) + 9, 30);
        stats_turn(s, 0, MINUTE(2), false);
        assert_int_equal(stats_closed(s, 0, 0)->foreign, 40);
        stats_close(s);
}

/* All clients in both windows of two pools: there are tallies for half of them. */
static void who_finds_no_tally_is_with_the_others(void **state)
{
        struct stats *s = opened(60000);
        struct stats_pool pool = { "futures-weight", 60000, 2400 };
        char name[32];

        (void)state;
        stats_set_pool(s, 1, &pool);
        for (unsigned minute = 0; minute < 2; ++minute)
                for (unsigned i = 0; i < STATS_CLIENTS_MAX; ++i) {
                        struct stats_request r = request("", 1, MINUTE(minute));

                        snprintf(name, sizeof(name), "client-%u", i);
                        r.client = called(name);
                        stats_note(s, &r, MINUTE(minute));
                        r.pool = 1;
                        stats_note(s, &r, MINUTE(minute));
                }
        stats_turn(s, 0, 0, true);
        stats_turn(s, 1, 0, true);
        for (uint32_t p = 0; p < 2; ++p)
                for (size_t i = 0; i < 2; ++i) {
                        const struct stats_window *w = stats_closed(s, p, i);
                        const struct stats_row *others = row_of(w, STATS_BY_CLIENT, STATS_OTHERS);

                        assert_int_equal(w->all.requests, STATS_CLIENTS_MAX);
                        assert_int_equal(others->figures.requests,
                                         STATS_CLIENTS_MAX - STATS_ROWS_KEPT);
                }
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_window_is_closed_a_while_after_its_end),
                cmocka_unit_test(each_dimension_of_a_window_adds_up_to_it),
                cmocka_unit_test(gaps_are_no_windows_and_late_answers_find_theirs),
                cmocka_unit_test(when_nobody_turns_them_two_are_open),
                cmocka_unit_test(another_span_begins_anew),
                cmocka_unit_test(a_clock_that_is_set_back_begins_anew),
                cmocka_unit_test(the_last_sixty_are_kept),
                cmocka_unit_test(an_open_window_can_be_looked_at),
                cmocka_unit_test(what_others_used_is_the_most_that_was_seen),
                cmocka_unit_test(who_finds_no_tally_is_with_the_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
