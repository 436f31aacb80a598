/* Somebody else spends on the same address: near a window's brim one request at a time is on its
 * way, and where he may have passed the limit already none is. */
#include "core/test_budgets.h"

#include "core/strangers.h"
#include "core/trip.h"

#define LIMIT   1000u
#define SPAN_MS 60000u
#define TRIP_MS 20u

static struct window weights(void)
{
        return (struct window){ slot_find(&region, WEIGHT, 0, SPAN_MS, true), SPAN_MS, LIMIT,
                                NULL };
}

/* The answer to @t: @used is used of its window. */
static void hear(struct limiter_ticket *t, uint32_t used, uint64_t ms)
{
        struct limiter_news news = { .pool = WEIGHT, .span_ms = SPAN_MS, .used = used };

        limiter_land(&l, t, NOW(ms), 0, 0, &news, 1, NULL);
}

/* Answered a trip later: others have used @foreign of window @n until then. */
static void look_at(uint32_t n, uint32_t foreign, uint64_t ms)
{
        uint64_t at_ms = (uint64_t)n * SPAN_MS + ms;
        struct limiter_ticket t = go(CLASS_CANCEL, 1, 0, at_ms);

        hear(&t, weight_spent(N + n) + foreign, at_ms + TRIP_MS);
}

/* So that @used is used of window @n, all of it answered. */
static void fill(uint32_t n, uint32_t used)
{
        struct window w = weights();

        window_charge(&w, N + n, used);
        window_land(&w, N + n, used, 0, AT((uint64_t)n * SPAN_MS + 200), GUARD);
}

/* A fifth of the limit at once, in each of the first @n windows, seen at once and seen to be over.
 */
static void bursts(uint32_t n)
{
        for (uint32_t i = 0; i < n; ++i) {
                look_at(i, 0, 1000 + GUARD);
                look_at(i, LIMIT / 5, 30000);
                look_at(i, LIMIT / 5, 50000);
        }
}

/* One leaves and is not answered; a second one does not leave beside it, at any time until then. */
static void assert_one_at_a_time(enum weir_class class, uint64_t ms)
{
        struct limiter_ticket first = go(class, 5, 0, ms), second;

        for (uint64_t k = 0; k < TRIP_MS; ++k) {
                assert_int_equal(reserve(class, 5, 0, ms + k, &second), LIMITER_WAIT);
                assert_true(second.at_ms >= AT((ms / SPAN_MS + 1) * SPAN_MS));
                /* It is asked again in time, not only at the turn. */
                assert_in_range(second.try_ms, AT(ms + k) + 1, AT(ms + k) + TRIP_MS);
                limiter_refund(&l, &second);
        }
        land(&first, ms + TRIP_MS);
        second = go(class, 5, 0, ms + TRIP_MS);
        land(&second, ms + 2 * TRIP_MS);
}

static void where_a_burst_may_still_come_one_at_a_time_leaves(void **state)
{
        uint64_t ms = 3 * SPAN_MS;

        (void)state;
        bursts(3);
        fill(3, LIMIT * 3 / 4);
        /* There is no room for such a burst any more; what is kept for it has melted. */
        assert_one_at_a_time(CLASS_MARKET, ms + 58000);
        assert_one_at_a_time(CLASS_ORDER, ms + 58500);
}

static void where_there_is_room_for_a_burst_all_leave(void **state)
{
        struct limiter_ticket t[4];
        uint64_t ms = 3 * SPAN_MS + 10000;

        (void)state;
        bursts(3);
        fill(3, LIMIT / 4);
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                t[i] = go(CLASS_MARKET, 5, 0, ms);
        for (size_t i = 0; i < ARRAY_SIZE(t); ++i)
                land(&t[i], ms + TRIP_MS);
}

static void a_cancel_waits_for_nobody(void **state)
{
        struct limiter_ticket order, cancel;
        uint64_t ms = 3 * SPAN_MS + 58000;

        (void)state;
        bursts(3);
        fill(3, LIMIT * 3 / 4);
        order = go(CLASS_ORDER, 5, 0, ms);
        cancel = go(CLASS_CANCEL, 5, 0, ms);
        land(&cancel, ms + TRIP_MS);
        land(&order, ms + TRIP_MS);
}

/* Held up, or never answered: after some trips another one leaves, and then a third has to wait. */
static void who_does_not_come_back_holds_nobody_up(void **state)
{
        struct limiter_ticket lost, t, third;
        uint64_t ms = 3 * SPAN_MS + 57000;
        uint32_t trip_ms;

        (void)state;
        bursts(3);
        fill(3, LIMIT * 3 / 4);
        trip_ms = trip_most_ms(weights().slot);
        lost = go(CLASS_MARKET, 5, 0, ms);
        limiter_abandon(&lost);
        assert_int_equal(reserve(CLASS_MARKET, 5, 0, ms + trip_ms, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        ms += 3 * trip_ms + 10;
        t = go(CLASS_MARKET, 5, 0, ms);
        assert_int_equal(reserve(CLASS_MARKET, 5, 0, ms + 1, &third), LIMITER_WAIT);
        limiter_refund(&l, &third);
        land(&t, ms + TRIP_MS);
}

/* Nobody was ever seen: then it is data that waits, and only while that costs nothing. */
static void before_anybody_was_seen_data_is_careful_where_it_costs_nothing(void **state)
{
        struct limiter_ticket t, order, more[3];
        uint64_t ms = 45000;

        (void)state;
        look_at(0, 0, 1000 + GUARD);
        assert_false(strangers_are_known(weights().slot));
        fill(0, LIMIT * 17 / 20);
        assert_one_at_a_time(CLASS_MARKET, ms);
        t = go(CLASS_MARKET, 5, 0, ms + 1000);
        order = go(CLASS_ORDER, 5, 0, ms + 1000);
        land(&order, ms + 1000 + TRIP_MS);
        land(&t, ms + 1000 + TRIP_MS);
        /* The rest could not be used one by one any more. */
        for (size_t i = 0; i < ARRAY_SIZE(more); ++i)
                more[i] = go(CLASS_MARKET, 5, 0, 59790);
        for (size_t i = 0; i < ARRAY_SIZE(more); ++i)
                land(&more[i], 59790 + TRIP_MS);
}

static void what_was_seen_once_is_forgotten_after_three_windows(void **state)
{
        (void)state;
        bursts(1);
        for (uint32_t n = 1; n <= 4; ++n) {
                assert_true(strangers_are_known(weights().slot));
                look_at(n, 0, 1000 + GUARD);
        }
        assert_false(strangers_are_known(weights().slot));
}

static void who_comes_back_is_not_forgotten(void **state)
{
        (void)state;
        for (uint32_t n = 0; n < 12; ++n) {
                look_at(n, 0, 1000 + GUARD);
                if (n % 3 == 0)
                        look_at(n, LIMIT / 5, 30000);
                assert_true(strangers_are_known(weights().slot));
        }
}

/* What is kept at a window's end for who uses it steadily: one of his requests, and what he does
 * within two trips. */
static void of_a_steady_stranger_one_request_is_kept_at_the_end(void **state)
{
        struct window w = weights();

        (void)state;
        for (uint32_t n = 0; n < 6; ++n)
                for (uint32_t k = 0; k < 20; ++k)
                        look_at(n, k * 10, k * 2900 + 1000 + GUARD);
        assert_in_range(strangers_expected(&w, N + 5, AT(5 * SPAN_MS + 59990)), 10, 15);
}

/*
 * A burst nobody could foresee took the window to its brim, and goes on or does not: what of it is
 * refused counts, and is in no header of ours. Nobody leaves until the turn, and then all do.
 */
static void a_window_that_a_burst_took_to_its_brim_is_closed(void **state)
{
        static const enum weir_class classes[] = { CLASS_CANCEL, CLASS_ORDER, CLASS_MARKET };
        struct limiter_ticket t;

        (void)state;
        /* Something was seen before, and it was far less. */
        look_at(0, 2, 1000 + GUARD);
        look_at(1, 0, 1000 + GUARD);
        fill(1, LIMIT * 3 / 4);
        look_at(1, LIMIT / 5, SPAN_MS / 5);
        assert_in_range(weight_spent(N + 1), LIMIT * 3 / 4, LIMIT - LIMIT / 30);
        for (size_t i = 0; i < ARRAY_SIZE(classes); ++i)
                for (uint64_t ms = SPAN_MS + SPAN_MS / 5 + 100; ms < 2 * SPAN_MS; ms += 300) {
                        assert_int_equal(reserve(classes[i], 1, 0, ms, &t), LIMITER_WAIT);
                        assert_true(t.at_ms >= AT(2 * SPAN_MS));
                        limiter_refund(&l, &t);
                }
        t = go(CLASS_ORDER, 1, 0, 2 * SPAN_MS + GUARD);
        land(&t, 2 * SPAN_MS + GUARD + TRIP_MS);
}

/*
 * The same while a third of the window is left: nobody could leave while the burst went on, so
 * nobody knows how far it went.
 */
static void a_burst_that_nobody_saw_the_end_of_closes_the_window(void **state)
{
        struct limiter_ticket t;

        (void)state;
        look_at(0, 0, 1000 + GUARD);
        fill(0, LIMIT / 2);
        look_at(0, LIMIT / 4, SPAN_MS / 4);
        for (uint64_t ms = SPAN_MS / 4 + 4000; ms < SPAN_MS; ms += 300) {
                assert_int_equal(reserve(CLASS_MARKET, 1, 0, ms, &t), LIMITER_WAIT);
                assert_true(t.at_ms >= AT(SPAN_MS));
                limiter_refund(&l, &t);
                assert_int_equal(reserve(CLASS_ORDER, 1, 0, ms, &t), LIMITER_WAIT);
                limiter_refund(&l, &t);
        }
}

/* Its end was seen: what it left is used. */
static void a_burst_that_was_seen_to_end_leaves_the_rest(void **state)
{
        struct limiter_ticket first, second;

        (void)state;
        look_at(0, 0, 1000 + GUARD);
        fill(0, LIMIT / 4);
        look_at(0, LIMIT / 5, SPAN_MS / 8);
        look_at(0, LIMIT / 5, SPAN_MS / 4);
        first = go(CLASS_MARKET, 1, 0, SPAN_MS / 2);
        second = go(CLASS_MARKET, 1, 0, SPAN_MS / 2);
        land(&first, SPAN_MS / 2 + TRIP_MS);
        land(&second, SPAN_MS / 2 + TRIP_MS);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(where_a_burst_may_still_come_one_at_a_time_leaves),
                TEST(where_there_is_room_for_a_burst_all_leave),
                TEST(a_cancel_waits_for_nobody),
                TEST(who_does_not_come_back_holds_nobody_up),
                TEST(before_anybody_was_seen_data_is_careful_where_it_costs_nothing),
                TEST(what_was_seen_once_is_forgotten_after_three_windows),
                TEST(who_comes_back_is_not_forgotten),
                TEST(of_a_steady_stranger_one_request_is_kept_at_the_end),
                TEST(a_window_that_a_burst_took_to_its_brim_is_closed),
                TEST(a_burst_that_nobody_saw_the_end_of_closes_the_window),
                TEST(a_burst_that_was_seen_to_end_leaves_the_rest),
        };

        return cmocka_run_group_tests_name("core/alone", tests, NULL, teardown);
}
