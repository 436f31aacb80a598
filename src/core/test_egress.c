/* Of two addresses each has its own: budgets, stops, fronts. An account's budgets are of both. */
#include "core/test_budgets.h"

#include "core/egress.h"
#include "core/front.h"
#include "core/route.h"

#include <errno.h>
#include <stdio.h>

static struct limiter of(const char *name)
{
        struct limiter other = { .region = &region };

        assert_int_equal(limiter_set_egress(&other, str_of(name)), 0);
        return other;
}

/* As budget_request() would have it. */
static struct limiter_request request_by(const struct limiter *by, uint32_t weight, uint32_t orders)
{
        struct limiter_request r = request_of(CLASS_CANCEL, weight, orders);

        if (weight > 0)
                r.charges[0].owner = by->address;
        return r;
}

static int take(struct limiter *by, uint32_t weight, uint32_t orders)
{
        struct limiter_request r = request_by(by, weight, orders);
        struct limiter_ticket ticket;

        return limiter_reserve(by, &r, NOW(5000), &ticket);
}

static void a_name_means_the_same_address_to_all(void **state)
{
        struct limiter one = of("203.0.113.7"), two = of("203.0.113.8"), again = of("203.0.113.7");
        struct limiter none = of("");
        char text[EGRESS_TEXT];

        (void)state;
        assert_int_equal(one.egress, 1);
        assert_int_equal(two.egress, 2);
        assert_int_equal(again.egress, 1);
        assert_true(one.address == again.address && one.address != two.address);
        assert_int_equal(none.egress, 0);
        assert_true(none.address == 0);
        assert_string_equal(egress_text(&region.header->egresses[2], text), "203.0.113.8");
        assert_string_equal(egress_text(&region.header->egresses[0], text), "");
        assert_true(egress_is_there(region.header, 0));
        assert_true(egress_is_there(region.header, 2));
        assert_false(egress_is_there(region.header, 3));
}

static void names_beyond_what_the_region_holds_are_refused(void **state)
{
        struct limiter other = { .region = &region };
        char name[EGRESS_TEXT + 1];

        (void)state;
        for (unsigned i = 1; i < REGION_EGRESSES; ++i) {
                (void)snprintf(name, sizeof(name), "10.0.0.%u", i);
                assert_int_equal(of(name).egress, i);
        }
        assert_int_equal(limiter_set_egress(&other, STR_LITERAL("10.0.1.1")), -ENOSPC);
        assert_int_equal(other.egress, 0);
        assert_true(other.address == 0);
        assert_int_equal(of("10.0.0.3").egress, 3);
        memset(name, 'x', sizeof(name));
        assert_int_equal(limiter_set_egress(&other, str_from(name, EGRESS_TEXT)), -ENAMETOOLONG);
        assert_int_equal(limiter_set_egress(&other, str_from(name, EGRESS_TEXT - 1)), -ENOSPC);
}

static void who_claimed_and_died_is_named_by_the_next(void **state)
{
        struct limiter one = of("a");
        char text[EGRESS_TEXT];

        (void)state;
        for (size_t i = 0; i < EGRESS_TEXT / 8; ++i)
                atomic_store(&region.header->egresses[1].text[i], 0);
        assert_int_equal(of("a").egress, one.egress);
        assert_string_equal(egress_text(&region.header->egresses[1], text), "a");
}

static void each_address_has_its_whole_weight_and_an_account_has_its_orders_once(void **state)
{
        struct limiter one = of("a"), two = of("b"), none = of("");

        (void)state;
        assert_int_equal(take(&one, 1000, 0), LIMITER_GO);
        assert_int_equal(take(&one, 1, 0), LIMITER_WAIT);
        assert_int_equal(take(&two, 1000, 0), LIMITER_GO);
        assert_int_equal(take(&none, 1000, 0), LIMITER_GO);
        assert_int_equal(take(&none, 1, 0), LIMITER_WAIT);

        assert_int_equal(take(&one, 0, 30), LIMITER_GO);
        assert_int_equal(take(&two, 0, 20), LIMITER_GO);
        assert_int_equal(take(&none, 0, 1), LIMITER_WAIT);
}

static void a_ban_is_of_one_address(void **state)
{
        struct limiter one = of("a"), two = of("b"), none = of("");
        struct limiter_request r = request_by(&two, 1, 0);

        (void)state;
        assert_true(gate_shut(limiter_gate(&two, 1), GATE_BAN, AT(90000)));
        assert_int_equal(take(&one, 1, 0), LIMITER_GO);
        assert_int_equal(take(&none, 1, 0), LIMITER_GO);
        assert_int_equal(take(&two, 1, 0), LIMITER_SHUT);
        assert_true(limiter_shut_ms(&two, &r, NOW(5000)) == AT(90000));
        /* The firewall's is of all products, and of one address too. */
        assert_true(gate_shut(limiter_gate(&one, 0), GATE_FIREWALL, AT(90000)));
        assert_int_equal(take(&one, 1, 0), LIMITER_SHUT);
        assert_int_equal(take(&none, 1, 0), LIMITER_GO);
}

static void the_short_way_knows_addresses_too(void **state)
{
        struct limiter one = of("a"), two = of("b");
        struct limiter_request r[2] = { request_by(&one, 1, 1), request_by(&two, 1, 1) };
        struct limiter_ticket ticket;
        struct route routes[2];

        (void)state;
        assert_int_equal(limiter_reserve(&one, &r[0], NOW(5000), &ticket), LIMITER_GO);
        assert_true(route_learn(&one, &r[0], &ticket, &routes[0]));
        assert_int_equal(limiter_reserve(&two, &r[1], NOW(5000), &ticket), LIMITER_GO);
        assert_true(route_learn(&two, &r[1], &ticket, &routes[1]));
        assert_true(gate_shut(limiter_gate(&two, 1), GATE_BAN, AT(90000)));
        assert_int_equal(route_go(&one, &routes[0], UINT64_MAX, NOW(5001), &ticket), ROUTE_GO);
        assert_int_equal(route_go(&two, &routes[1], UINT64_MAX, NOW(5001), &ticket), ROUTE_LONG);
        assert_int_equal(look(WEIGHT, one.address, 60000, N).spent, 2);
        assert_int_equal(look(WEIGHT, two.address, 60000, N).spent, 1);
}

static void the_ceiling_per_second_is_of_one_address(void **state)
{
        struct limiter one = of("a"), two = of("b");
        unsigned n_one = 0, n_two = 0;

        (void)state;
        atomic_store(&region.header->rules[RULE_RATE], front_rate_pack(40));
        while (take(&one, 1, 0) == LIMITER_GO)
                ++n_one;
        while (take(&two, 1, 0) == LIMITER_GO)
                ++n_two;
        assert_true(n_one > 0);
        assert_int_equal(n_one, n_two);
}

static void room_is_what_the_fullest_window_leaves(void **state)
{
        static const struct {
                const char *label;
                uint32_t spent, weight, room;
        } rows[] = {
                { "all of it", 0, 1, 999000 },    { "half", 499, 1, 500000 },
                { "what just fits", 990, 10, 1 }, { "one too much", 991, 10, 0 },
                { "nothing left", 1000, 1, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                char name[32];
                struct limiter by;
                struct limiter_request r;
                uint32_t room;

                (void)snprintf(name, sizeof(name), "row %zu", i);
                by = of(name);
                if (rows[i].spent > 0)
                        assert_int_equal(take(&by, rows[i].spent, 0), LIMITER_GO);
                r = request_by(&by, rows[i].weight, 0);
                room = limiter_room(&by, &r, NOW(5000));
                if (room > rows[i].room + 1 || room + 1 < rows[i].room ||
                    (room == 0) != (rows[i].room == 0))
                        fail_msg("%s: %u", rows[i].label, room);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(a_name_means_the_same_address_to_all),
                TEST(names_beyond_what_the_region_holds_are_refused),
                TEST(who_claimed_and_died_is_named_by_the_next),
                TEST(each_address_has_its_whole_weight_and_an_account_has_its_orders_once),
                TEST(a_ban_is_of_one_address),
                TEST(the_short_way_knows_addresses_too),
                TEST(the_ceiling_per_second_is_of_one_address),
                TEST(room_is_what_the_fullest_window_leaves),
        };

        return cmocka_run_group_tests_name("core/egress", tests, NULL, teardown);
}
