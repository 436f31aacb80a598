#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/fair.h"

#define SPAN  1000u
#define LIMIT 1000u
/* The beginning of window @n. */
#define TURN(n) ((uint64_t)(n)*SPAN)

static struct fair fair;
static uint64_t sequence;

static struct fair_lane *open_lane(uint64_t now_ms)
{
        struct fair_budget budget = {
                .class = CLASS_MARKET, .pool = 1, .owner = 7, .span_ms = SPAN, .limit = LIMIT
        };
        struct fair_lane *lane = fair_lane_open(&fair, &budget, now_ms);

        assert_non_null(lane);
        return lane;
}

static struct fair_client *client(struct fair_lane *lane, uint64_t id, uint32_t share)
{
        struct fair_client *c = fair_client(&fair, lane, id, share);

        assert_non_null(c);
        return c;
}

static void line_up(struct fair_client *c, struct fair_wish *wish, uint32_t amount, uint64_t now_ms)
{
        *wish = (struct fair_wish){ 0 };
        fair_enter(c, wish, amount, ++sequence, now_ms);
        assert_int_equal(fair_hope(wish, true), 0);
}

static int begin(void **state)
{
        (void)state;
        fair_init(&fair);
        sequence = 0;
        return 0;
}

static int end(void **state)
{
        (void)state;
        fair_deinit(&fair);
        return 0;
}

static void a_thousand_of_one_client_make_another_wait_behind_one(void **state)
{
        static struct fair_wish greedy[1000], modest;
        struct fair_lane *lane = open_lane(0);
        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(greedy); ++i) {
                line_up(a, &greedy[i], 1, 0);
                assert_int_equal(fair_place(&greedy[i], 1 + i / 500), 0);
        }
        line_up(b, &modest, 1, 0);
        /* Not of the first, whose right is as good and older; of the last of each window. */
        assert_ptr_equal(fair_overtaken(&modest, false, 1), &greedy[499]);
        assert_ptr_equal(fair_overtaken(&modest, false, 2), &greedy[999]);
        assert_null(fair_overtaken(&modest, false, 3));
        assert_ptr_equal(fair_hopeful(lane), &greedy[0]);
        fair_leave(&greedy[0], true);
        assert_ptr_equal(fair_hopeful(lane), &modest);
        /* One that has had its share has less right than all that have not. */
        assert_null(fair_overtaken(&modest, true, 1));
        for (size_t i = 0; i < ARRAY_SIZE(greedy); ++i)
                fair_leave(&greedy[i], false);
        fair_leave(&modest, false);
}

/* Clients that always have four requests waiting, served one after the other. */
static void what_waits_is_served_by_weight_and_share(void **state)
{
        static const struct {
                const char *label;
                uint32_t shares[4], amounts[4]; /* an amount of 0: 1 to 50 by chance */
        } rows[] = {
                { "alike", { 1, 1, 1, 1 }, { 5, 5, 5, 5 } },
                { "light and heavy", { 1, 1, 1, 1 }, { 1, 50, 2, 20 } },
                { "mixed", { 1, 1, 1, 1 }, { 0, 0, 50, 1 } },
                { "three to one", { 3, 1, 3, 1 }, { 5, 5, 50, 1 } },
                { "far apart", { 1000, 1, 1000, 500 }, { 1, 1, 40, 10 } },
        };
        static struct fair_wish wishes[4][4];

        (void)state;
        for (size_t r = 0; r < ARRAY_SIZE(rows); ++r) {
                struct fair_lane *lane = open_lane(0);
                uint64_t served[4] = { 0 }, total = 0, shares = 0;
                unsigned chance = 1;

                for (size_t c = 0; c < 4; ++c) {
                        shares += rows[r].shares[c];
                        for (size_t i = 0; i < 4; ++i)
                                line_up(client(lane, c + 1, rows[r].shares[c]), &wishes[c][i],
                                        rows[r].amounts[c] ? rows[r].amounts[c] : 7, 0);
                }
                while (total < 400000) {
                        struct fair_wish *wish = fair_hopeful(lane);
                        struct fair_client *c = wish->client;
                        uint32_t amount = rows[r].amounts[c->id - 1];

                        served[c->id - 1] += wish->amount;
                        total += wish->amount;
                        fair_leave(wish, true);
                        chance = chance * 1103515245u + 12345u;
                        line_up(c, wish, amount ? amount : 1 + chance / 65536 % 50, 0);
                }
                for (size_t c = 0; c < 4; ++c) {
                        uint64_t due = total * rows[r].shares[c] / shares;
                        uint64_t off = served[c] > due ? served[c] - due : due - served[c];

                        /* Never off by more than what waits. */
                        if (off > 200)
                                fail_msg("%s: client %zu got %llu of %llu", rows[r].label, c,
                                         (unsigned long long)served[c], (unsigned long long)due);
                        for (size_t i = 0; i < 4; ++i)
                                fair_leave(&wishes[c][i], false);
                }
                fair_deinit(&fair);
                fair_init(&fair);
        }
}

static void who_comes_back_has_no_more_right_than_who_stayed(void **state)
{
        struct fair_wish first, second, back;
        struct fair_lane *lane = open_lane(0);
        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);

        (void)state;
        line_up(a, &first, 500, 0);
        line_up(a, &second, 500, 0);
        fair_leave(&first, true);
        fair_leave(&second, true);
        line_up(a, &first, 1, 0);
        line_up(b, &back, 1, 0);
        /* It has missed what was given out before, and is not owed it. */
        assert_true(fair_is_before(&back, &first));
        fair_leave(&back, true);
        line_up(b, &back, 600, 0);
        line_up(b, &second, 1, 0);
        assert_true(fair_is_before(&first, &second));
        fair_leave(&first, false);
        fair_leave(&second, false);
        fair_leave(&back, false);
}

/* A window in which both used so much, and who of them had to wait. */
static void use_up(struct fair_client *a, uint32_t used_a, bool waited_a, struct fair_client *b,
                   uint32_t used_b, bool waited_b, uint64_t now_ms)
{
        fair_use(a, used_a, now_ms);
        fair_use(b, used_b, now_ms);
        if (waited_a)
                fair_block(a, now_ms);
        if (waited_b)
                fair_block(b, now_ms);
}

static void who_has_had_its_share_leaves_the_rest_to_who_waited(void **state)
{
        struct fair_lane *lane = open_lane(TURN(1));
        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);

        (void)state;
        use_up(a, 950, true, b, 50, true, TURN(1));
        /* The first window is never held back: what there is for all of them is not known. */
        assert_int_equal(fair_hold_ms(a, 1, TURN(1) + 1), 0);
        use_up(a, 950, true, b, 50, true, TURN(2));
        fair_use(a, 490, TURN(3));
        assert_int_equal(fair_hold_ms(a, 10, TURN(3)), 0);
        fair_use(a, 10, TURN(3));
        /* 500 are the other's, until it has had them or half of the window is over. */
        assert_int_equal(fair_hold_ms(a, 10, TURN(3)), TURN(3) + 508);
        assert_int_equal(fair_hold_ms(a, 500, TURN(3)), TURN(3) + 900);
        assert_int_equal(fair_hold_ms(a, 10, TURN(3) + 508), 0);
        assert_int_equal(fair_hold_ms(b, 10, TURN(3)), 0);
        fair_use(b, 500, TURN(3));
        assert_int_equal(fair_hold_ms(a, 10, TURN(3)), 0);
        /* Nobody had to wait: then there is enough for all. */
        assert_int_equal(fair_hold_ms(a, 10, TURN(4)), 0);
        fair_use(a, 900, TURN(4));
        assert_int_equal(fair_hold_ms(a, 10, TURN(4)), 0);
}

/* The budget is shared with other hosts, who left us little of the last window and much of this. */
static void nobody_holds_back_from_what_is_there_for_all(void **state)
{
        struct fair_lane *lane = open_lane(TURN(0));
        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);

        (void)state;
        use_up(a, 1, false, b, 1, false, TURN(0));
        use_up(a, 50, true, b, 50, true, TURN(1));
        fair_use(a, 50, TURN(2));
        assert_int_not_equal(fair_hold_ms(a, 1, TURN(2)), 0);
        lane->room = 900;
        assert_int_equal(fair_hold_ms(a, 800, TURN(2)), 0);
        assert_int_not_equal(fair_hold_ms(a, 801, TURN(2)), 0);
}

static void shares_and_contented_clients_decide_what_is_left(void **state)
{
        struct fair_lane *lane = open_lane(TURN(0));
        struct fair_client *a = client(lane, 1, 3), *b = client(lane, 2, 1), *c;

        (void)state;
        use_up(a, 1, false, b, 1, false, TURN(0));
        use_up(a, 600, true, b, 400, true, TURN(1));
        fair_use(a, 740, TURN(2));
        assert_int_equal(fair_hold_ms(a, 1, TURN(2)), 0);
        fair_use(a, 10, TURN(2));
        assert_int_not_equal(fair_hold_ms(a, 1, TURN(2)), 0);
        fair_use(b, 250, TURN(2));
        assert_int_equal(fair_hold_ms(a, 1, TURN(2)), 0);
        fair_block(a, TURN(2));
        fair_block(b, TURN(2));

        /* One that used 80 and never waited keeps 100, the others share what is left. */
        c = client(lane, 3, 1);
        fair_use(c, 80, TURN(3));
        use_up(a, 500, true, b, 420, true, TURN(3));
        fair_use(a, 674, TURN(4));
        assert_int_equal(fair_hold_ms(a, 1, TURN(4)), 0);
        fair_use(a, 1, TURN(4));
        fair_use(b, 225, TURN(4));
        assert_int_not_equal(fair_hold_ms(a, 1, TURN(4)), 0);
        assert_int_equal(fair_hold_ms(c, 1, TURN(4)), 0);
        fair_use(c, 100, TURN(4));
        assert_int_equal(fair_hold_ms(a, 1, TURN(4)), 0);
}

static void those_that_hold_back_leave_one_after_the_other(void **state)
{
        struct fair_lane *lane = open_lane(TURN(0));
        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);
        struct fair_wish wishes[5];
        uint64_t before_ms = 0;

        (void)state;
        use_up(a, 1, false, b, 1, false, TURN(0));
        use_up(a, 500, true, b, 500, true, TURN(1));
        fair_use(a, 500, TURN(2));
        for (size_t i = 0; i < ARRAY_SIZE(wishes); ++i) {
                uint64_t until_ms = fair_hold_ms(a, 100, TURN(2));

                assert_true(until_ms > before_ms && until_ms <= TURN(2) + 900);
                before_ms = until_ms;
                line_up(a, &wishes[i], 100, TURN(2));
                fair_hold_back(&wishes[i], true);
                assert_int_equal(fair_place(&wishes[i], 2), 0);
        }
        assert_ptr_equal(fair_held(lane, 2), &wishes[0]);
        assert_null(fair_held(lane, 3));
        fair_leave(&wishes[0], true);
        assert_ptr_equal(fair_held(lane, 2), &wishes[1]);
        for (size_t i = 1; i < ARRAY_SIZE(wishes); ++i)
                fair_leave(&wishes[i], false);
}

/* One asks again 20 ms after each answer, the other has sixty requests at a time. */
static void one_connection_gets_as_much_as_sixty(void **state)
{
        static const uint32_t amounts[][2] = { { 1, 20 }, { 5, 5 }, { 20, 20 }, { 50, 10 } };

        (void)state;
        for (size_t row = 0; row < ARRAY_SIZE(amounts); ++row) {
                struct fair_lane *lane = open_lane(0);
                uint64_t got[2] = { 0 }, used = 0, all = 0;
                uint32_t greedy = amounts[row][0], modest = amounts[row][1];

                for (uint64_t ms = 0; ms < TURN(8); ++ms) {
                        struct fair_client *a = client(lane, 1, 1), *b = client(lane, 2, 1);

                        used = ms % SPAN == 0 ? 0 : used;
                        if (ms % (modest * 1) == 0 && used + modest <= LIMIT) {
                                assert_int_equal(fair_hold_ms(b, modest, ms) > 0 && ms < TURN(1),
                                                 0);
                                fair_use(b, modest, ms);
                                used += modest;
                                got[1] += ms >= TURN(2) ? modest : 0;
                        } else if (used + modest > LIMIT) {
                                fair_block(b, ms);
                        }
                        for (int i = 0; i < 60; ++i) {
                                if (used + greedy > LIMIT) {
                                        fair_block(a, ms);
                                        break;
                                }
                                if (fair_hold_ms(a, greedy, ms) > 0)
                                        break;
                                fair_use(a, greedy, ms);
                                used += greedy;
                                got[0] += ms >= TURN(2) ? greedy : 0;
                        }
                        all += ms % SPAN == SPAN - 1 ? used : 0;
                }
                assert_true(all >= 8 * (LIMIT - modest - greedy));
                if (got[1] * 10 < got[0] * 9 || got[0] * 10 < got[1] * 9)
                        fail_msg("%u against %u: %llu and %llu", greedy, modest,
                                 (unsigned long long)got[0], (unsigned long long)got[1]);
                fair_deinit(&fair);
                fair_init(&fair);
        }
}

static void a_class_that_waits_has_a_little_of_each_window(void **state)
{
        struct fair_lane *lane = open_lane(0);
        struct fair_wish wish;

        (void)state;
        /* One request, however heavy. */
        assert_true(fair_may_grant(lane, 500, 5));
        fair_grant(lane, 500, 5);
        assert_false(fair_may_grant(lane, 1, 5));
        /* Or a fiftieth. */
        assert_true(fair_may_grant(lane, 15, 6));
        fair_grant(lane, 15, 6);
        assert_false(fair_may_grant(lane, 6, 6));
        assert_true(fair_may_grant(lane, 5, 6));
        /* The ring's cell of a window that is over. */
        assert_true(fair_may_grant(lane, 500, 5 + FAIR_WINDOWS));
        fair_grant(lane, 1, 5 + FAIR_WINDOWS);
        assert_true(fair_may_grant(lane, 19, 5 + FAIR_WINDOWS));
        assert_null(fair_last(lane, 3));
        line_up(client(lane, 1, 1), &wish, 1, 0);
        assert_int_equal(fair_place(&wish, 3), 0);
        assert_ptr_equal(fair_last(lane, 3), &wish);
        assert_null(fair_last(lane, 3 + FAIR_WINDOWS));
        fair_leave(&wish, true);
}

static void lanes_are_apart_and_forgotten(void **state)
{
        struct fair_budget other = { .class = CLASS_ACCOUNT, .pool = 1, .owner = 7, .limit = 5 };
        struct fair_lane *lane = open_lane(0);
        struct fair_wish wish;

        (void)state;
        assert_false(fair_is_idle(&fair));
        assert_ptr_equal(open_lane(0), lane);
        assert_null(fair_lane_find(&fair, CLASS_ACCOUNT, 1, 7));
        assert_null(fair_lane_find(&fair, CLASS_MARKET, 1, 8));
        assert_ptr_not_equal(fair_lane_open(&fair, &other, 0), lane);
        line_up(client(lane, 1, 1), &wish, 1, 0);
        for (uint64_t ms = 0; ms < 10000; ms += 50)
                fair_sweep(&fair, ms);
        assert_null(fair_lane_find(&fair, CLASS_ACCOUNT, 1, 7));
        assert_ptr_equal(fair_lane_find(&fair, CLASS_MARKET, 1, 7), lane);
        fair_leave(&wish, true);
        fair_sweep(&fair, 11000);
        assert_false(fair_is_idle(&fair));
        fair_sweep(&fair, 14000);
        assert_true(fair_is_idle(&fair));
}

static void more_clients_than_are_told_apart_are_one(void **state)
{
        struct fair_lane *lane = open_lane(0);
        struct fair_client *one;

        (void)state;
        for (uint64_t id = 1; id <= FAIR_CLIENTS_MAX; ++id)
                assert_int_equal(client(lane, id, 1)->id, id);
        one = client(lane, FAIR_CLIENTS_MAX + 1, 9);
        assert_int_equal(one->id, 0);
        assert_ptr_equal(client(lane, FAIR_CLIENTS_MAX + 2, 9), one);
        assert_int_equal(one->share, 1);
        assert_int_equal(client(lane, 5, 4)->share, 4);
        /* Those that neither sent nor waited are gone with the next window. */
        fair_use(one, 1, TURN(1));
        assert_int_equal(lane->n_clients, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        a_thousand_of_one_client_make_another_wait_behind_one, begin, end),
                cmocka_unit_test_setup_teardown(what_waits_is_served_by_weight_and_share, begin,
                                                end),
                cmocka_unit_test_setup_teardown(who_comes_back_has_no_more_right_than_who_stayed,
                                                begin, end),
                cmocka_unit_test_setup_teardown(who_has_had_its_share_leaves_the_rest_to_who_waited,
                                                begin, end),
                cmocka_unit_test_setup_teardown(nobody_holds_back_from_what_is_there_for_all, begin,
                                                end),
                cmocka_unit_test_setup_teardown(shares_and_contented_clients_decide_what_is_left,
                                                begin, end),
                cmocka_unit_test_setup_teardown(those_that_hold_back_leave_one_after_the_other,
                                                begin, end),
                cmocka_unit_test_setup_teardown(one_connection_gets_as_much_as_sixty, begin, end),
                cmocka_unit_test_setup_teardown(a_class_that_waits_has_a_little_of_each_window,
                                                begin, end),
                cmocka_unit_test_setup_teardown(lanes_are_apart_and_forgotten, begin, end),
                cmocka_unit_test_setup_teardown(more_clients_than_are_told_apart_are_one, begin,
                                                end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
