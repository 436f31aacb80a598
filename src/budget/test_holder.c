#include "budget/holder.h"

#include <errno.h>
#include <string.h>

#include "core/slot.h"
#include "budget/test_stage.h"

#define NOW_MS 1800000005000ULL
#define KEY_1  "TheFirstKeyOfTheAccount"
#define KEY_2  "AnotherKeyOfTheSame"

static const struct limiter_time now = { NOW_MS, 0 };

static int setup(void **state)
{
        (void)state;
        return stage_open(NOW_MS);
}

static struct policy_plan plan_of(const char *method, const char *path, const char *key)
{
        return stage_plan(method, path, "symbol=BTCUSDT", key);
}

static int reserve(const char *key, struct limiter_ticket *ret)
{
        struct policy_plan plan = plan_of("POST", "/fapi/v1/order", key);
        struct limiter_request request;

        budget_request(&l, &plan, &request);
        return limiter_reserve(&l, &request, now, ret);
}

static void send_orders(const char *key, unsigned n)
{
        for (unsigned i = 0; i < n; ++i) {
                struct limiter_ticket t;

                assert_int_equal(reserve(key, &t), LIMITER_GO);
                limiter_land(&l, &t, now, 0, 0, NULL, 0, NULL);
        }
}

static uint32_t orders_of(uint64_t number)
{
        int pool = policy_pool_find(STR_LITERAL("futures-orders"));
        struct window w = { slot_find(&region, (uint16_t)pool, holder_owner(&l, number, 0), 10000,
                                      true),
                            10000, 300, NULL };

        assert_true(pool >= 0);
        return window_used(&w, NOW_MS / 10000, true);
}

static int name(const char *account, const char *key)
{
        return holder_name(&l, str_of(account), str_of(key), NOW_MS * US_PER_MS);
}

static void keys_of_one_account_share_its_orders(void **state)
{
        struct limiter_ticket t;

        (void)state;
        assert_int_equal(name("desk", KEY_1), HOLDER_NAMED);
        assert_int_equal(name("desk", KEY_2), HOLDER_NAMED);
        assert_int_equal(name("desk", KEY_2), 0);
        send_orders(KEY_1, 150);
        send_orders(KEY_2, 135); /* 95 % of 300 */
        assert_int_equal(orders_of(holder_number(STR_LITERAL("desk"))), 285);
        assert_int_equal(reserve(KEY_1, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        assert_int_equal(reserve(KEY_2, &t), LIMITER_WAIT);
        limiter_refund(&l, &t);
        send_orders("a stranger's", 10);
}

static void what_was_used_before_the_name_counts(void **state)
{
        uint64_t desk = holder_number(STR_LITERAL("desk"));

        (void)state;
        send_orders(KEY_1, 20);
        send_orders(KEY_2, 30);
        assert_int_equal(name("desk", KEY_1), HOLDER_NAMED);
        assert_int_equal(orders_of(desk), 20);
        assert_int_equal(name("desk", KEY_2), HOLDER_NAMED);
        assert_int_equal(orders_of(desk), 50);
        send_orders(KEY_2, 1);
        assert_int_equal(orders_of(desk), 51);
        assert_int_equal(orders_of(policy_account(STR_LITERAL(KEY_2))), 30);
        /* To another account, it takes what may be its own with it. */
        assert_int_equal(name("other", KEY_2), HOLDER_MOVED);
        assert_true(orders_of(holder_number(STR_LITERAL("other"))) >= 51);
        send_orders(KEY_1, 1);
        assert_int_equal(orders_of(desk), 52);
}

/* As a kill in the middle of naming leaves it. */
static void until_all_is_taken_over_both_are_charged(void **state)
{
        uint64_t desk = holder_number(STR_LITERAL("desk")),
                 key = policy_account(STR_LITERAL(KEY_1));
        struct slot *slot;
        struct policy_plan plan = plan_of("POST", "/fapi/v1/order", KEY_1);
        struct limiter_request request;

        (void)state;
        send_orders(KEY_1, 20);
        assert_int_equal(name("desk", KEY_1), HOLDER_NAMED);
        slot = slot_find(&region, REGION_POOL_KEYS, key, 0, false);
        assert_non_null(slot);
        slot->cells[0].held = 0;
        assert_true(holder_find(&l, key).is_apart);
        budget_request(&l, &plan, &request);
        assert_int_equal(request.n_charges, plan.n_charges + 1);
        send_orders(KEY_1, 5);
        assert_int_equal(orders_of(key), 25);
        assert_int_equal(orders_of(desk), 25);
        assert_int_equal(name("desk", KEY_1), HOLDER_NAMED);
        assert_false(holder_find(&l, key).is_apart);
        assert_true(orders_of(desk) >= 25);
}

static void a_counter_of_an_endpoint_is_the_account_s_too(void **state)
{
        struct policy_plan plan = plan_of("POST", "/sapi/v1/margin/order", KEY_1);
        int pool = policy_pool_find(STR_LITERAL("sapi-uid"));
        struct limiter_request request;
        uint64_t own = 0, named = 0;

        (void)state;
        for (unsigned round = 0; round < 2; ++round) {
                budget_request(&l, &plan, &request);
                for (unsigned i = 0; i < request.n_charges; ++i)
                        if (request.charges[i].pool == pool)
                                *(round ? &named : &own) = request.charges[i].owner;
                if (round == 0)
                        assert_int_equal(name("desk", KEY_1), HOLDER_NAMED);
        }
        assert_true(own != 0 && named != 0 && own != named);
}

static void a_name_is_never_a_key_s_number(void **state)
{
        (void)state;
        assert_true(holder_number(STR_LITERAL("desk")) != policy_account(STR_LITERAL("desk")));
        assert_int_equal(name("", KEY_1), -EINVAL);
        assert_int_equal(name("two words", KEY_1), -EINVAL);
        assert_int_equal(name("desk", ""), -EINVAL);
        assert_int_equal(holder_find(&l, 0).number, 0);
        assert_int_equal(holder_find(&l, 5).number, 5);
}

static void remember(void *ctx, const struct holder_view *view)
{
        *(struct holder_view *)ctx = *view;
}

static void people_see_the_name_and_the_first_characters(void **state)
{
        struct holder_view view = { .number = 0 };

        (void)state;
        holders_each(&region, remember, &view);
        assert_int_equal(view.number, 0);
        assert_int_equal(name("a-name-of-sixty-three-characters-is-the-longest-that-can-be-used",
                              KEY_1),
                         -EINVAL);
        assert_int_equal(name("a-name-of-sixty-three-characters-is-the-longest-that-can-be-use",
                              KEY_1),
                         HOLDER_NAMED);
        holders_each(&region, remember, &view);
        assert_string_equal(view.name,
                            "a-name-of-sixty-three-characters-is-the-longest-that-can-be-use");
        assert_string_equal(view.key, "TheFi...");
}

#define TEST(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(keys_of_one_account_share_its_orders),
                TEST(what_was_used_before_the_name_counts),
                TEST(until_all_is_taken_over_both_are_charged),
                TEST(a_counter_of_an_endpoint_is_the_account_s_too),
                TEST(a_name_is_never_a_key_s_number),
                TEST(people_see_the_name_and_the_first_characters),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
