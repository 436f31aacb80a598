#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "core/window.h"

#define SPAN        10000u
#define GUARD       100u
#define N           180000000ULL /* some window of 10 s */
#define AT(into_ms) (N * SPAN + (into_ms))

static struct slot slot;
static const struct window w = { &slot, SPAN, 100, NULL };

static int setup(void **state)
{
        (void)state;
        memset(&slot, 0, sizeof(slot));
        return 0;
}

static struct window_view view_of(uint64_t number)
{
        struct window_view v;

        window_look(&w, number, &v);
        return v;
}

/* Spent, sent, flying and extra of window @number. */
static void expect(uint64_t number, uint32_t spent, uint32_t sent, uint32_t flying, uint32_t extra)
{
        struct window_view v = view_of(number);

        if (v.spent != spent || v.spent - v.held != sent || v.flying != flying || v.extra != extra)
                fail_msg("window N%+d: spent %u sent %u flying %u extra %u", (int)(number - N),
                         v.spent, v.spent - v.held, v.flying, v.extra);
}

static struct window_place take(uint64_t number, uint32_t amount, bool fly)
{
        struct window_place place;

        assert_int_equal(window_take(&w, number, amount, 100, fly, &place), WINDOW_TAKEN);
        return place;
}

static void a_window_is_cut_where_our_clock_is_sure(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms, guard_ms, number;
        } rows[] = {
                { "well inside", AT(5000), 100, N },
                { "at the exchange's turn it may still be the last one", AT(0), 100, N - 1 },
                { "a moment before the guard is over", AT(99), 100, N - 1 },
                { "when the guard is over", AT(100), 100, N },
                { "the last moment", AT(10099), 100, N },
                { "no guard", AT(0), 0, N },
                { "a guard longer than the window", AT(0), 25000, N - 3 },
                { "a clock at zero", 0, 100, 0 },
                { "a clock just at the guard", 100, 100, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (window_number(SPAN, rows[i].now_ms, rows[i].guard_ms) != rows[i].number)
                        fail_msg("%s: %llu", rows[i].label,
                                 (unsigned long long)window_number(SPAN, rows[i].now_ms,
                                                                   rows[i].guard_ms));
        assert_int_equal(window_opens_ms(SPAN, N, GUARD), AT(100));
}

static void the_ring_keeps_half_a_minute_and_reaches_two(void **state)
{
        static const struct {
                uint32_t span_ms;
                uint64_t past, ahead;
        } rows[] = {
                { 100, 10, 4 },   { 1000, 10, 4 },    { 2999, 10, 4 }, { 3000, 10, 4 },
                { 5000, 6, 8 },   { 10000, 3, 11 },   { 15000, 2, 8 }, { 29999, 2, 5 },
                { 30000, 1, 4 },  { 60000, 1, 3 },    { 40000, 1, 3 }, { 39999, 1, 4 },
                { 300000, 1, 3 }, { 86400000, 1, 3 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (window_past(rows[i].span_ms) != rows[i].past ||
                    window_ahead(rows[i].span_ms) != rows[i].ahead)
                        fail_msg("%u ms: past %u ahead %u", rows[i].span_ms,
                                 (unsigned)window_past(rows[i].span_ms),
                                 (unsigned)window_ahead(rows[i].span_ms));
}

static void take_fills_a_window_up_to_the_ceiling(void **state)
{
        static const struct {
                const char *label;
                uint64_t number;
                uint32_t amount, ceiling;
                bool fly;
                int answer;
                uint32_t position;
        } steps[] = {
                { "a fresh window", N, 60, 100, true, WINDOW_TAKEN, 60 },
                { "a lower ceiling is full", N, 1, 60, true, WINDOW_FULL, 0 },
                { "and one above it has room", N, 1, 61, true, WINDOW_TAKEN, 61 },
                { "held places count as well", N, 19, 80, false, WINDOW_TAKEN, 80 },
                { "no room for one too many", N, 21, 100, true, WINDOW_FULL, 0 },
                { "nor for a held one", N, 21, 100, false, WINDOW_FULL, 0 },
                { "the last of the window", N, 20, 100, true, WINDOW_TAKEN, 100 },
                { "full", N, 1, 100, true, WINDOW_FULL, 0 },
                { "what flies is not counted for a place in the next", N + 1, 100, 100, false,
                  WINDOW_TAKEN, 100 },
                { "but for sending there it is", N + 2, 20, 100, true, WINDOW_FULL, 0 },
                { "next to what flies", N + 2, 19, 100, true, WINDOW_TAKEN, 19 },
                { "after half a minute it is not", N + 4, 81, 100, true, WINDOW_TAKEN, 81 },
                { "the cell of a window long ago", N + 16, 1, 100, false, WINDOW_TAKEN, 1 },
                { "which is gone then", N, 1, 100, true, -ESTALE, 0 },
                { "a clock a few rounds ahead", N + 80, 1, 100, false, WINDOW_TAKEN, 1 },
                { "is refused to those behind", N + 16, 1, 100, false, -ESTALE, 0 },
                { "one with a clock of last year", N + 160000000, 1, 100, false, WINDOW_TAKEN, 1 },
                { "does not stop us, and what was sent is still known", N, 1, 100, false,
                  WINDOW_TAKEN, 82 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct window_place place = { 0 };
                int r = window_take(&w, steps[i].number, steps[i].amount, steps[i].ceiling,
                                    steps[i].fly, &place);

                if (r != steps[i].answer || place.position != steps[i].position)
                        fail_msg("%s: %d, position %u", steps[i].label, r, place.position);
        }
}

static void amounts_and_limits_at_the_edge_of_a_field(void **state)
{
        const struct window big = { &slot, SPAN, WINDOW_AMOUNT_MAX, NULL };
        struct window_place place;
        struct window_view v;
        uint32_t foreign;

        (void)state;
        assert_int_equal(window_take(&big, N, WINDOW_AMOUNT_MAX, WINDOW_AMOUNT_MAX, true, &place),
                         WINDOW_TAKEN);
        assert_int_equal(window_take(&big, N, 1, WINDOW_AMOUNT_MAX, false, &place), WINDOW_FULL);
        assert_int_equal(window_take(&big, N, UINT32_MAX, WINDOW_AMOUNT_MAX, false, &place),
                         WINDOW_FULL);
        window_land(&big, N, WINDOW_AMOUNT_MAX, 0, AT(10200), GUARD);
        assert_true(window_observe(&big, N + 1, UINT32_MAX, &foreign) == false);
        window_land(&big, N, 5, 0, AT(10200), GUARD);
        window_look(&big, N + 1, &v);
        assert_int_equal(v.extra, WINDOW_AMOUNT_MAX);
        assert_int_equal(v.spent, 0);
        assert_int_equal(window_used(&big, N + 1, true), WINDOW_AMOUNT_MAX);
}

static void a_held_place_flies_and_lands(void **state)
{
        struct window_place place;

        (void)state;
        place = take(N, 30, false);
        expect(N, 30, 0, 0, 0);
        assert_true(window_fly(&w, N, &place));
        expect(N, 30, 30, 30, 0);
        assert_int_equal(window_others(&w, N), 0);
        assert_int_equal(window_others(&w, N + 1), 30);
        assert_int_equal(window_used(&w, N, true), 30);
        assert_int_equal(window_used(&w, N + 1, true), 30);
        assert_int_equal(window_used(&w, N + 1, false), 0);
        window_unfly(&w, N, 30);
        expect(N, 30, 0, 0, 0);
        assert_true(window_fly(&w, N, &place));
        window_land(&w, N, 30, 0, AT(5000), GUARD);
        expect(N, 30, 30, 0, 0);
        expect(N + 1, 0, 0, 0, 0);
}

static void what_is_given_back_is_gone(void **state)
{
        (void)state;
        take(N, 30, false);
        take(N, 20, true);
        window_give_back(&w, N, 30, false);
        expect(N, 20, 20, 20, 0);
        window_give_back(&w, N, 20, true);
        expect(N, 0, 0, 0, 0);
        window_give_back(&w, N, 1, true);
        expect(N, 0, 0, 0, 0);
}

static void a_window_that_is_gone_is_left_alone(void **state)
{
        struct window_place place;
        uint32_t foreign;

        (void)state;
        place = take(N, 30, false);
        take(N + 16, 40, true);
        assert_false(window_fly(&w, N, &place));
        window_give_back(&w, N, 30, true);
        window_give_back(&w, N, 30, false);
        window_unfly(&w, N, 30);
        window_land(&w, N, 30, 30, AT(5000), GUARD);
        assert_false(window_observe(&w, N, 99, &foreign));
        place = (struct window_place){ .position = 30, .sent = 30, .amount = 30, .is_alone = true };
        assert_false(window_believe(&w, N, &place, 10));
        expect(N + 16, 40, 40, 40, 0);
        expect(N, 0, 0, 0, 0);
}

static void an_answer_is_carried_into_every_window_that_may_have_counted_it(void **state)
{
        static const struct {
                const char *label;
                uint64_t landed_ms;
                uint32_t guard_ms, refund;
                uint32_t extra[5]; /* of N - 1 .. N + 3 */
        } rows[] = {
                { "well before the turn", AT(5000), 100, 0, { 0 } },
                { "the exchange cannot have turned", AT(9899), 100, 0, { 0 } },
                { "it may have turned just now", AT(9900), 100, 0, { 0, 0, 30 } },
                { "it has turned", AT(10100), 100, 0, { 0, 0, 30 } },
                { "much later, not into what was over before it landed",
                  AT(31000),
                  100,
                  0,
                  { 0, 0, 0, 0, 30 } },
                { "near a later turn, into both sides", AT(30050), 100, 0, { 0, 0, 0, 30, 30 } },
                { "a guard of several windows", AT(10000), 15000, 0, { 0, 0, 30, 30 } },
                { "what was refunded is not counted", AT(10100), 100, 10, { 0, 0, 20 } },
                { "all of it refunded", AT(10100), 100, 30, { 0 } },
                { "more than all of it", AT(10100), 100, 31, { 0 } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                memset(&slot, 0, sizeof(slot));
                take(N, 30, true);
                window_land(&w, N, 30, rows[i].refund, rows[i].landed_ms, rows[i].guard_ms);
                for (unsigned k = 0; k < 5; ++k)
                        if (view_of(N - 1 + k).extra != rows[i].extra[k])
                                fail_msg("%s: window N%+d has extra %u", rows[i].label, (int)k - 1,
                                         view_of(N - 1 + k).extra);
                if (view_of(N).flying != 0 || view_of(N).held != 0 ||
                    view_of(N).spent != (rows[i].refund < 30 ? 30 - rows[i].refund : 0))
                        fail_msg("%s: spent %u", rows[i].label, view_of(N).spent);
        }
}

static void near_the_turn_both_windows_must_hold(void **state)
{
        static const struct {
                const char *label;
                uint32_t sent_next, held_next, flying_last, extra_next;
                uint64_t now_ms;
                uint32_t amount;
                bool holds;
        } rows[] = {
                { "an empty next window", 0, 0, 0, 0, AT(9950), 100, true },
                { "more than the limit", 0, 0, 0, 0, AT(9950), 101, false },
                { "others with faster clocks are there", 60, 0, 0, 0, AT(9950), 40, true },
                { "and leave too little", 60, 0, 0, 0, AT(9950), 41, false },
                { "the turn may be this very moment", 60, 0, 0, 0, AT(9900), 41, false },
                { "places held there do not count", 0, 60, 0, 0, AT(9950), 100, true },
                { "what others used there does", 0, 0, 0, 60, AT(9950), 41, false },
                { "what others used there leaves room", 0, 0, 0, 60, AT(9950), 40, true },
                { "well before, nobody can be there", 0, 0, 0, 60, AT(9899), 100, true },
                { "unless a clock was stepped back", 60, 0, 0, 0, AT(5000), 41, false },
                { "what flew before counts in ours", 0, 0, 60, 0, AT(5000), 41, false },
                { "next to it there is room", 0, 0, 60, 0, AT(5000), 40, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint32_t foreign;

                memset(&slot, 0, sizeof(slot));
                if (rows[i].sent_next)
                        take(N + 1, rows[i].sent_next, true);
                if (rows[i].held_next)
                        take(N + 1, rows[i].held_next, false);
                if (rows[i].flying_last)
                        take(N - 1, rows[i].flying_last, true);
                if (rows[i].extra_next)
                        (void)window_observe(&w, N + 1, rows[i].extra_next, &foreign);
                if (window_holds(&w, N, rows[i].amount, rows[i].now_ms, GUARD) != rows[i].holds)
                        fail_msg("%s", rows[i].label);
        }
}

static void what_is_written_down_counts_in_the_windows_after_it(void **state)
{
        struct window_place place;

        (void)state;
        take(N, 60, true);
        take(N + 1, 40, true);
        assert_true(window_holds(&w, N, 0, AT(9950), GUARD));
        place = take(N + 1, 1, false);
        assert_true(window_fly(&w, N + 1, &place));
        assert_false(window_holds(&w, N, 0, AT(9950), GUARD));
        assert_false(window_holds(&w, N + 1, 0, AT(10150), GUARD));
        window_land(&w, N, 60, 0, AT(9800), GUARD);
        expect(N + 1, 41, 41, 41, 60);
        /* Somebody has already sent there: our clock may be late, so it was carried. */
        assert_false(window_holds(&w, N + 1, 0, AT(10150), GUARD));
}

static void a_clock_stepped_back_by_windows_is_noticed_while_others_go_on(void **state)
{
        (void)state;
        take(N + 1, 10, true);
        take(N + 2, 10, true);
        take(N + 3, 80, true);
        assert_false(window_holds(&w, N, 1, AT(500), GUARD));
        window_give_back(&w, N + 2, 10, true);
        assert_true(window_holds(&w, N, 1, AT(500), GUARD));
}

static void the_ring_is_never_looked_at_beyond_its_reach(void **state)
{
        (void)state;
        for (uint64_t n = N + 1; n < N + 16; ++n)
                assert_true(window_take(&w, n, 1, UINT32_MAX, true, &(struct window_place){ 0 }) ==
                            WINDOW_TAKEN);
        /* Not N + 12 and on: their cells are those of the past. */
        window_land(&w, N, 0, 0, AT(0), 0);
        assert_true(window_holds(&w, N, 1, AT(500), GUARD));
}

static void what_holds_tells_has_an_end(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms;
                uint32_t guard_ms;
                uint64_t until_ms;
        } rows[] = {
                { "before the turn comes near", AT(5000), 100, AT(9900) },
                { "near the turn both were looked at", AT(9900), 100, AT(10100) },
                { "after the turn, for us not yet", AT(10099), 100, AT(10100) },
                { "no guard", AT(5000), 0, AT(10000) },
                { "a guard of half the window", AT(6000), 5000, AT(15000) },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t until_ms = window_holds_until(SPAN, N, rows[i].now_ms, rows[i].guard_ms);

                if (until_ms != rows[i].until_ms)
                        fail_msg("%s: %lld into N", rows[i].label, (long long)(until_ms - AT(0)));
        }
}

static void use_that_is_not_ours_is_found(void **state)
{
        uint32_t foreign = 7;

        (void)state;
        take(N, 30, true);
        take(N, 20, false);
        assert_false(window_observe(&w, N, 30, &foreign));
        assert_int_equal(foreign, 0);
        /* The held 20 has not left. */
        assert_true(window_observe(&w, N, 35, &foreign));
        assert_int_equal(foreign, 5);
        expect(N, 50, 30, 30, 5);
        /* Answers come in any order. */
        assert_false(window_observe(&w, N, 31, &foreign));
        assert_int_equal(foreign, 5);
        assert_false(window_observe(&w, N, 35, &foreign));
        assert_true(window_observe(&w, N, 45, &foreign));
        assert_int_equal(foreign, 15);
        assert_int_equal(view_of(N).top, 45);
        assert_int_equal(view_of(N).foreign, 15);
        /* What flies from the last window may be what was counted. */
        take(N - 1, 30, true);
        assert_false(window_observe(&w, N, 75, &foreign));
        assert_true(window_observe(&w, N, 76, &foreign));
        assert_int_equal(foreign, 16);
        expect(N, 50, 30, 30, 16);
        assert_int_equal(window_others(&w, N), 46);
}

/* What may happen between a request and its answer that forbids to believe the answer. */
enum spoiler {
        NOTHING,
        FLEW_BEFORE,
        FLEW_IN_THE_LAST_WINDOW,
        HELD_BEFORE,
        TAKEN_SINCE,
        HELD_SINCE,
        CARRIED_SINCE,
        GIVEN_BACK_SINCE,
};

static void a_lower_count_is_believed_as_far_as_others_leave_it_possible(void **state)
{
        static const struct {
                const char *label;
                enum spoiler spoiler;
                uint32_t used;
                bool is_believed;
                uint32_t spent, extra;
        } rows[] = {
                { "alone", NOTHING, 5, true, 5, 0 },
                { "alone, and all of it was filled", NOTHING, 0, true, 0, 0 },
                { "as we thought", NOTHING, 50, false, 50, 0 },
                { "one less", NOTHING, 49, true, 49, 0 },
                { "more than we thought is for observe", NOTHING, 51, false, 50, 0 },
                { "absurd", NOTHING, UINT32_MAX, false, 50, 0 },
                { "one was on its way", FLEW_BEFORE, 5, true, 15, 0 },
                { "so much that it makes no difference", FLEW_BEFORE, 50, false, 60, 0 },
                { "one from before the turn", FLEW_IN_THE_LAST_WINDOW, 5, false, 50, 0 },
                { "a held place has left", HELD_BEFORE, 5, true, 15, 0 },
                { "another came", TAKEN_SINCE, 5, true, 15, 0 },
                { "another waits, and has not left", HELD_SINCE, 5, true, 15, 0 },
                { "one was carried over", CARRIED_SINCE, 5, false, 50, 10 },
                { "another came and never left", GIVEN_BACK_SINCE, 5, true, 5, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct window_place place;
                bool is_believed;

                memset(&slot, 0, sizeof(slot));
                take(N, 40, true);
                window_land(&w, N, 40, 0, AT(500), GUARD);
                if (rows[i].spoiler == FLEW_BEFORE)
                        take(N, 10, true);
                if (rows[i].spoiler == FLEW_IN_THE_LAST_WINDOW)
                        take(N - 1, 10, true);
                if (rows[i].spoiler == HELD_BEFORE)
                        take(N, 10, false);
                place = take(N, 10, true);
                if (rows[i].spoiler == HELD_BEFORE)
                        assert_true(window_fly(&w, N, &place));
                if (rows[i].spoiler == TAKEN_SINCE)
                        take(N, 10, true);
                if (rows[i].spoiler == HELD_SINCE)
                        take(N, 10, false);
                if (rows[i].spoiler == CARRIED_SINCE) {
                        take(N - 1, 10, true);
                        window_land(&w, N - 1, 10, 0, AT(600), GUARD);
                }
                if (rows[i].spoiler == GIVEN_BACK_SINCE) {
                        take(N, 10, true);
                        window_give_back(&w, N, 10, true);
                }
                is_believed = window_believe(&w, N, &place, rows[i].used);
                if (is_believed != rows[i].is_believed || view_of(N).spent != rows[i].spent ||
                    view_of(N).extra != rows[i].extra)
                        fail_msg("%s: %d, spent %u, extra %u", rows[i].label, is_believed,
                                 view_of(N).spent, view_of(N).extra);
        }
}

/* A held place is counted in the queue of those who come later, but no answer speaks of it. */
static void believing_leaves_held_places_in_their_books(void **state)
{
        struct window_place place, held;

        (void)state;
        held = take(N, 30, false);
        place = take(N, 10, true);
        assert_int_equal(place.position, 40);
        assert_true(window_believe(&w, N, &place, 0));
        expect(N, 30, 0, 10, 0);
        window_land(&w, N, 10, 0, AT(500), GUARD);
        expect(N, 30, 0, 0, 0);
        assert_true(window_fly(&w, N, &held));
        expect(N, 30, 30, 30, 0);
}

static void believing_lowers_ours_first_and_then_what_we_took_for_others(void **state)
{
        struct window_place place;
        uint32_t foreign;

        (void)state;
        assert_true(window_observe(&w, N, 20, &foreign));
        place = take(N, 10, true);
        assert_int_equal(place.extra, 20);
        assert_false(window_believe(&w, N, &place, 30));
        assert_true(window_believe(&w, N, &place, 25));
        expect(N, 5, 5, 10, 20);
        window_land(&w, N, 10, 0, AT(500), GUARD);
        place = take(N, 10, true);
        assert_int_equal(place.position, 15);
        assert_true(window_believe(&w, N, &place, 8));
        expect(N, 0, 0, 10, 8);
        assert_int_equal(view_of(N).top, 25);
        /* A place that was held is never alone. */
        place = take(N, 10, false);
        assert_false(place.is_alone);
}

/* 40 of the last window were answered in this one. */
static void carry_40(void)
{
        take(N - 1, 40, true);
        window_land(&w, N - 1, 40, 0, AT(150), GUARD);
        expect(N, 0, 0, 0, 40);
}

static void a_header_proves_what_was_not_counted_here(void **state)
{
        static const struct {
                const char *label;
                uint32_t beside, used, extra; /* @beside flew when it was released */
        } rows[] = {
                { "none of it was", 0, 10, 0 },
                { "all of it was", 0, 50, 40 },
                { "half of it was", 0, 30, 20 },
                { "what flew beside it may not be in it yet", 5, 15, 5 },
                { "or may", 5, 10, 0 },
                { "less than what certainly was: nothing is believed", 0, 9, 40 },
                { "more than we know of: that is foreign, and nothing is relieved", 0, 60, 50 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct window_place place;
                uint32_t foreign;

                assert_int_equal(setup(state), 0);
                carry_40();
                if (rows[i].beside > 0)
                        take(N, rows[i].beside, true);
                place = take(N, 10, true);
                (void)window_observe(&w, N, rows[i].used, &foreign);
                window_relieve(&w, N, &place, 0, rows[i].used);
                if (view_of(N).extra != rows[i].extra || window_others(&w, N) != rows[i].extra ||
                    window_used(&w, N, true) != 10 + rows[i].beside + rows[i].extra)
                        fail_msg("%s: extra %u", rows[i].label, view_of(N).extra);
        }
}

static void what_is_refunded_proves_nothing_twice(void **state)
{
        struct window_place place;
        uint32_t foreign;

        (void)state;
        carry_40();
        place = take(N, 10, true);
        /* It is not counted itself, and 30 of what was carried are. */
        assert_false(window_observe(&w, N, 30, &foreign));
        window_relieve(&w, N, &place, 10, 30);
        window_land(&w, N, 10, 10, AT(5000), GUARD);
        expect(N, 0, 0, 0, 30);
}

static void relief_speaks_only_of_what_was_carried_before(void **state)
{
        struct window_place first, second;
        uint32_t foreign;

        (void)state;
        carry_40();
        first = take(N, 10, true);
        take(N - 1, 7, true);
        window_land(&w, N - 1, 7, 0, AT(160), GUARD);
        assert_false(window_observe(&w, N, 10, &foreign));
        window_relieve(&w, N, &first, 0, 10);
        expect(N, 10, 10, 10, 7);
        /* Twice the same proof relieves once. */
        window_relieve(&w, N, &first, 0, 10);
        expect(N, 10, 10, 10, 7);
        /* Another has shown more: below that nobody goes. */
        window_land(&w, N, 10, 0, AT(5000), GUARD);
        second = take(N, 10, true);
        assert_false(window_observe(&w, N, 25, &foreign));
        window_relieve(&w, N, &second, 0, 20);
        expect(N, 20, 20, 10, 5);
        /* And what is seen beyond it is foreign from now on. */
        assert_true(window_observe(&w, N, 30, &foreign));
        assert_int_equal(foreign, 5);
        expect(N, 20, 20, 10, 10);
        /* Which no proof of an earlier moment takes back. */
        window_relieve(&w, N, &second, 0, 20);
        expect(N, 20, 20, 10, 10);
}

static void a_released_place_knows_what_it_was_released_into(void **state)
{
        struct window_place place;
        uint32_t foreign;

        (void)state;
        carry_40();
        place = take(N, 10, false);
        take(N, 20, true);
        assert_true(window_fly(&w, N, &place));
        assert_int_equal(place.sent, 30);
        assert_int_equal(place.flying, 20);
        assert_int_equal(place.extra, 40);
        assert_false(window_observe(&w, N, 30, &foreign));
        window_relieve(&w, N, &place, 0, 30);
        expect(N, 30, 30, 30, 20);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

static void books_can_be_kept_with_a_guard_that_depends_on_the_span(void **state)
{
        static const struct {
                uint32_t span_ms;
                uint64_t most_ms;
        } rows[] = {
                { 1000, 2000 },  { 2000, 2500 },   { 5000, 2500 },         { 10000, 2500 },
                { 45000, 7500 }, { 60000, 15000 }, { 86400000, 43185000 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t most_ms = window_guard_most(rows[i].span_ms);
                uint64_t windows = window_past(rows[i].span_ms) + 2;

                if (most_ms != rows[i].most_ms)
                        fail_msg("%u ms: %llu", rows[i].span_ms, (unsigned long long)most_ms);
                /* All that may be now, to either side, beside those that still count. */
                windows += 2 * most_ms / rows[i].span_ms;
                assert_true(windows <= RING_CELLS);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_header_proves_what_was_not_counted_here),
                TEST(what_is_refunded_proves_nothing_twice),
                TEST(relief_speaks_only_of_what_was_carried_before),
                TEST(a_released_place_knows_what_it_was_released_into),
                TEST(books_can_be_kept_with_a_guard_that_depends_on_the_span),
                TEST(a_window_is_cut_where_our_clock_is_sure),
                TEST(the_ring_keeps_half_a_minute_and_reaches_two),
                TEST(take_fills_a_window_up_to_the_ceiling),
                TEST(amounts_and_limits_at_the_edge_of_a_field),
                TEST(a_held_place_flies_and_lands),
                TEST(what_is_given_back_is_gone),
                TEST(a_window_that_is_gone_is_left_alone),
                TEST(an_answer_is_carried_into_every_window_that_may_have_counted_it),
                TEST(near_the_turn_both_windows_must_hold),
                TEST(what_is_written_down_counts_in_the_windows_after_it),
                TEST(a_clock_stepped_back_by_windows_is_noticed_while_others_go_on),
                TEST(the_ring_is_never_looked_at_beyond_its_reach),
                TEST(what_holds_tells_has_an_end),
                TEST(use_that_is_not_ours_is_found),
                TEST(a_lower_count_is_believed_as_far_as_others_leave_it_possible),
                TEST(believing_leaves_held_places_in_their_books),
                TEST(believing_lowers_ours_first_and_then_what_we_took_for_others),
        };

        return cmocka_run_group_tests_name("core/window", tests, NULL, NULL);
}
