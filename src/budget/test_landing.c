#include "budget/landing.h"

#include <string.h>

#include "core/slot.h"
#include "budget/test_stage.h"

#define DAY_MS 86400000ULL
#define DAY    20000ULL
/* Two seconds before a midnight of the exchange, and what comes after it. */
#define AT(ms) (DAY * DAY_MS - 2000 + (ms))
#define GUARD  20u

static int setup(void **state)
{
        (void)state;
        return stage_open(AT(0));
}

static struct limiter_time now(uint64_t ms)
{
        return (struct limiter_time){ AT(ms), GUARD };
}

struct sent {
        struct policy_plan plan;
        struct limiter_ticket ticket;
        uint64_t sent_ms;
};

static struct sent send_at(uint64_t ms, const char *method, const char *path, const char *query)
{
        struct sent s = { .plan = stage_plan(method, path, query, "key"), .sent_ms = AT(ms) };
        struct limiter_request request;

        budget_request(&l, &s.plan, &request);
        assert_int_equal(limiter_reserve(&l, &request, now(ms), &s.ticket), LIMITER_GO);
        return s;
}

/* Return: foreign use that it showed. @headers: name, value, ..., NULL. */
static uint32_t land_at(uint64_t ms, struct sent *s, int status, int code, const char *body,
                        const char *const *headers)
{
        struct limiter_news news[BUDGET_NEWS_MAX];
        struct budget_answer answer = { .status = status,
                                        .code = code,
                                        .body = str_of(body),
                                        .sent_ms = s->sent_ms,
                                        .news = news };

        for (; headers && headers[0]; headers += 2)
                answer.n_news += budget_news(&l, &s->plan, str_of(headers[0]), str_of(headers[1]),
                                             &news[answer.n_news]);
        return budget_land(&l, &s->plan, &s->ticket, &answer, now(ms));
}

static uint32_t used(const char *pool, uint32_t span_ms, uint64_t ms)
{
        int index = policy_pool_find(str_of(pool));
        struct policy_plan plan = { .account = policy_account(STR_LITERAL("key")) };
        struct window w = { slot_find(&region, (uint16_t)index,
                                      budget_owner(&l, &plan, (uint16_t)index), span_ms, true),
                            span_ms, WINDOW_AMOUNT_MAX, NULL };

        assert_true(index >= 0);
        return window_used(&w, AT(ms) / span_ms, true);
}

static void outcomes_decide_what_is_given_back(void **state)
{
        static const struct {
                const char *label, *method, *path, *query;
                int status, code;
                const char *body;
                uint32_t weight;
        } rows[] = {
                { "an order that is placed", "POST", "/api/v3/order", "", 200, 0, "{}", 0 },
                { "one that is refused", "POST", "/api/v3/order", "", 400, -1013, "{}", 1 },
                { "one whose reply nobody could read", "POST", "/api/v3/order", "", 0, 0, "", 1 },
                { "an amendment", "PUT", "/api/v3/order/amend/keepPriority", "", 200, 0, "{}", 4 },
                { "one by which the order expired", "PUT", "/api/v3/order/amend/keepPriority", "",
                  200, 0, "{\"amendedOrder\":{\"status\":\"EXPIRED\"}}", 0 },
                { "a read", "GET", "/api/v3/account", "", 200, 0, "{}", 20 },
                { "a read that is refused", "GET", "/api/v3/account", "", 400, -1021, "{}", 20 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct sent s;

                assert_int_equal(setup(state), 0);
                s = send_at(0, rows[i].method, rows[i].path, rows[i].query);
                land_at(50, &s, rows[i].status, rows[i].code, rows[i].body, NULL);
                if (used("spot-weight", 60000, 50) != rows[i].weight)
                        fail_msg("%s: %u", rows[i].label, used("spot-weight", 60000, 50));
        }
}

static void the_day_s_count_begins_at_midnight_and_earlier_answers_are_not_of_it(void **state)
{
        static const char *const last[] = { "X-MBX-ORDER-COUNT-10S", "3", "X-MBX-ORDER-COUNT-1D",
                                            "4711", NULL };
        static const char *const first[] = { "X-MBX-ORDER-COUNT-10S", "1", "X-MBX-ORDER-COUNT-1D",
                                             "1", NULL };
        struct sent a, b, c;

        (void)state;
        a = send_at(0, "POST", "/api/v3/order", "");
        b = send_at(1000, "POST", "/api/v3/order", "");
        c = send_at(1900, "POST", "/api/v3/order", "");
        assert_int_equal(land_at(1950, &b, 200, 0, "{}", last), 4711 - 3);
        assert_int_equal(used("spot-orders", DAY_MS, 1950), 4711);
        /* In flight at midnight: it may be counted today. */
        assert_int_equal(used("spot-orders", DAY_MS, 2100), 2);
        /* What yesterday's reply shows is not today's, nor is today's of the day it left. */
        assert_int_equal(land_at(2100, &a, 200, 0, "{}", last), 0);
        assert_int_equal(land_at(2200, &c, 200, 0, "{}", first), 0);
        assert_int_equal(used("spot-orders", DAY_MS, 2300), 2);
        /* A lone order of the day says how it is. */
        b = send_at(2400, "POST", "/api/v3/order", "");
        assert_int_equal(used("spot-orders", DAY_MS, 2400), 3);
        assert_int_equal(land_at(2500, &b, 200, 0, "{}", first), 0);
        assert_int_equal(used("spot-orders", DAY_MS, 2500), 1);
        assert_int_equal(used("spot-orders", DAY_MS, 1950), 4711);
}

static void answers_out_of_order_leave_the_highest(void **state)
{
        static const char *const shows[][5] = {
                { "X-MBX-ORDER-COUNT-10S", "1", "X-MBX-ORDER-COUNT-1M", "1", NULL },
                { "X-MBX-ORDER-COUNT-10S", "2", "X-MBX-ORDER-COUNT-1M", "2", NULL },
                { "X-MBX-ORDER-COUNT-10S", "3", "X-MBX-ORDER-COUNT-1M", "3", NULL },
        };
        static const unsigned order[] = { 2, 0, 1 };
        struct sent s[3];

        (void)state;
        for (unsigned i = 0; i < 3; ++i)
                s[i] = send_at(i, "POST", "/fapi/v1/order", "");
        for (unsigned i = 0; i < 3; ++i)
                assert_int_equal(land_at(10 + i, &s[order[i]], 200, 0, "{}", shows[order[i]]), 0);
        assert_int_equal(used("futures-orders", 10000, 20), 3);
        assert_int_equal(used("futures-orders", 60000, 20), 3);
}

static void a_request_that_is_charged_elsewhere_is_news_all_the_same(void **state)
{
        static const char *const weight[] = { "X-MBX-USED-WEIGHT-1M", "77", NULL };
        struct limiter_news news;
        struct sent s;

        (void)state;
        s = send_at(0, "GET", "/api/v3/ping", "");
        limiter_refund(&l, &s.ticket);
        assert_true(budget_news(&l, &s.plan, str_of(weight[0]), str_of(weight[1]), &news));
        assert_int_equal(budget_land(&l, &s.plan, NULL,
                                     &(struct budget_answer){ .status = 200,
                                                              .sent_ms = AT(0),
                                                              .news = &news,
                                                              .n_news = 1 },
                                     now(10)),
                         77);
        assert_int_equal(used("spot-weight", 60000, 10), 77);
}

/* Whoever shows a count that falls by itself: a cell's word says so, for all. */
static void margin_orders_show_the_count_of_spot(void **state)
{
        static const char *const paths[] = { "/api/v3/order", "/sapi/v1/margin/order" };
        struct limiter_news news[2];

        (void)state;
        for (unsigned i = 0; i < 2; ++i) {
                struct sent s = send_at(i, "POST", paths[i], "");

                assert_true(budget_news(&l, &s.plan, STR_LITERAL("X-MBX-ORDER-COUNT-10S"),
                                        STR_LITERAL("5"), &news[i]));
                assert_true(news[i].may_fall);
        }
        assert_int_equal(news[0].pool, news[1].pool);
        assert_true(news[0].owner == news[1].owner);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(outcomes_decide_what_is_given_back),
                TEST(the_day_s_count_begins_at_midnight_and_earlier_answers_are_not_of_it),
                TEST(answers_out_of_order_leave_the_highest),
                TEST(margin_orders_show_the_count_of_spot),
                TEST(a_request_that_is_charged_elsewhere_is_news_all_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
