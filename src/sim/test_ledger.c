#include "sim/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* One minute of spot, as in the documents; a start in the middle of a minute. */
#define AT(minute, ms) ((uint64_t)(29000000 + (minute)) * 60000 + (ms))

struct desk {
        struct ledger_rules rules;
        struct ledger ledger;
        struct owner *address;
};

static void desk_open(struct desk *desk, const char *const *settings)
{
        const char *why = NULL;

        ledger_rules_init(&desk->rules);
        for (; settings && *settings; ++settings)
                assert_int_equal(ledger_rules_set_any(&desk->rules, str_of(*settings), &why), 0);
        ledger_init(&desk->ledger, &desk->rules);
        desk->address = ledger_owner(&desk->ledger, STR_LITERAL("127.0.0.1"));
}

static struct book *spot(struct desk *desk)
{
        return ledger_book(desk->address, POOL_SPOT, NULL);
}

static void a_minute_holds_its_limit_and_the_next_starts_empty(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms, weight, used, retry_after_s;
                enum ledger_answer answer;
        } steps[] = {
                { "the first request", AT(0, 30000), 10, 10, 0, LEDGER_OK },
                { "up to the limit", AT(0, 30001), 90, 100, 0, LEDGER_OK },
                { "one beyond is refused and counted", AT(0, 30500), 1, 101, 30, LEDGER_REFUSED },
                { "just before the edge", AT(0, 59999), 1, 102, 1, LEDGER_REFUSED },
                { "weightless passes a full window", AT(0, 59999), 0, 102, 0, LEDGER_OK },
                { "the next minute is empty", AT(1, 0), 100, 100, 0, LEDGER_OK },
                { "and full", AT(1, 1), 1, 101, 60, LEDGER_REFUSED },
                { "one that would cross the line is not served", AT(2, 0), 101, 101, 60,
                  LEDGER_REFUSED },
        };
        const char *const settings[] = { "spot-weight=100/60s", NULL };
        struct desk desk;

        (void)state;
        desk_open(&desk, settings);
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct ledger_entry e;
                enum ledger_answer got = ledger_arrive(&desk.ledger, desk.address, spot(&desk),
                                                       steps[i].weight, steps[i].now_ms, &e);
                uint64_t used =
                        ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, steps[i].now_ms);

                if (got != steps[i].answer || used != steps[i].used ||
                    e.retry_after_s != steps[i].retry_after_s)
                        fail_msg("%s: answer %d, used %llu, retry after %llu", steps[i].label, got,
                                 (unsigned long long)used, (unsigned long long)e.retry_after_s);
        }
        ledger_deinit(&desk.ledger);
}

static void bans_come_after_refusals_and_grow(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms, weight, until_ms;
                enum ledger_answer answer;
        } steps[] = {
                { "the window is spent", AT(0, 0), 10, 0, LEDGER_OK },
                { "first 429", AT(0, 1000), 1, AT(1, 0), LEDGER_REFUSED },
                { "second is tolerated", AT(0, 1001), 1, AT(1, 0), LEDGER_REFUSED },
                { "third is tolerated", AT(0, 1002), 1, AT(1, 0), LEDGER_REFUSED },
                { "the next brings the ban", AT(0, 2000), 1, AT(0, 7000), LEDGER_BANNED },
                { "its end does not move", AT(0, 6999), 1, AT(0, 7000), LEDGER_BANNED },
                { "over, but the window is still full: banned again, longer", AT(0, 7000), 1,
                  AT(0, 27000), LEDGER_BANNED },
                { "a new minute, a new chance", AT(1, 0), 10, 0, LEDGER_OK },
                { "way too much is a ban without a 429", AT(2, 0), 21, AT(2, 40000),
                  LEDGER_BANNED },
                { "a day later the ladder starts again", AT(2 + 1441, 0), 21, AT(1443, 5000),
                  LEDGER_BANNED },
        };
        const char *const settings[] = { "spot-weight=10/60s", "ban=5,20,40", "ban-after=3", NULL };
        struct desk desk;

        (void)state;
        desk_open(&desk, settings);
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct ledger_entry e;
                enum ledger_answer got = ledger_arrive(&desk.ledger, desk.address, spot(&desk),
                                                       steps[i].weight, steps[i].now_ms, &e);

                if (got != steps[i].answer || e.until_ms != steps[i].until_ms)
                        fail_msg("%s: answer %d, until %llu", steps[i].label, got,
                                 (unsigned long long)e.until_ms);
        }
        assert_int_equal(spot(&desk)->n_bans, 4);
        assert_int_equal(spot(&desk)->in_ban, 1);
        assert_int_equal(spot(&desk)->refused_429, 3);
        ledger_deinit(&desk.ledger);
}

static void a_ban_shuts_its_product_or_all(void **state)
{
        const char *const one[] = { "spot-weight=10/60s", NULL };
        const bool all[] = { false, true };
        struct ledger_entry e;
        struct desk desk;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(all); ++i) {
                struct book *futures, *funding;

                desk_open(&desk, one);
                desk.ledger.rules.ban_all = all[i];
                futures = ledger_book(desk.address, POOL_FUTURES, NULL);
                funding = ledger_book(desk.address, POOL_FUNDING, NULL);
                assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 30,
                                               AT(0, 0), &e),
                                 LEDGER_BANNED);
                assert_int_equal(ledger_arrive(&desk.ledger, desk.address, futures, 1, AT(0, 1),
                                               &e),
                                 all[i] ? LEDGER_BANNED : LEDGER_OK);
                assert_int_equal(ledger_arrive(&desk.ledger, desk.address, funding, 1, AT(0, 1),
                                               &e),
                                 all[i] ? LEDGER_BANNED : LEDGER_OK);
                ledger_deinit(&desk.ledger);
        }
}

static void refunds_stay_in_their_window(void **state)
{
        struct ledger_entry first, second;
        struct desk desk;

        (void)state;
        desk_open(&desk, NULL);
        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 7, AT(0, 59000), &first);
        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(0, 59001), &second);
        ledger_refund(&desk.ledger, &second, AT(0, 59002));
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(0, 59003)), 7);
        ledger_refund(&desk.ledger, &second, AT(0, 59003));
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(0, 59003)), 7);

        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 5, AT(1, 0), &second);
        ledger_refund(&desk.ledger, &first, AT(1, 1));
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(1, 1)), 5);
        ledger_deinit(&desk.ledger);
}

static void raw_requests_have_a_window_of_their_own(void **state)
{
        const char *const settings[] = { "spot-raw=2/300s", NULL };
        struct ledger_entry e;
        struct desk desk;

        (void)state;
        desk_open(&desk, settings);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 0, AT(0, 0), &e),
                         LEDGER_OK);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 0, AT(1, 0), &e),
                         LEDGER_OK);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 0, AT(2, 0), &e),
                         LEDGER_REFUSED);
        assert_int_equal(e.type, LIMIT_RAW);
        assert_int_equal(e.until_ms, AT(5, 0));
        ledger_deinit(&desk.ledger);
}

static void orders_count_in_two_windows(void **state)
{
        static const struct {
                const char *label;
                uint64_t now_ms, n, n_long, give_back, short_used, long_used;
                enum ledger_answer answer;
        } steps[] = {
                { "a batch: five and one", AT(0, 0), 5, 1, 0, 5, 1, LEDGER_OK },
                { "single orders", AT(0, 1), 1, 1, 0, 6, 2, LEDGER_OK },
                { "a batch that does not fit adds nothing", AT(0, 2), 5, 1, 0, 6, 2,
                  LEDGER_REFUSED },
                { "ten seconds later", AT(0, 10000), 5, 1, 0, 5, 3, LEDGER_OK },
                { "a fill gives back to both", AT(0, 10001), 0, 0, 1, 4, 2, LEDGER_OK },
                { "never below zero", AT(0, 20000), 1, 1, 5, 0, 0, LEDGER_OK },
                { "yesterday's order filled now", AT(1, 0), 0, 0, 3, 0, 0, LEDGER_OK },
                { "the long window fills", AT(1, 1), 3, 4, 0, 3, 4, LEDGER_OK },
                { "and then the short one is not raised", AT(1, 2), 1, 1, 0, 3, 4, LEDGER_REFUSED },
        };
        const char *const settings[] = { "spot-orders=8/10s", "spot-orders-long=4/60s", NULL };
        struct desk desk;
        struct book *book;

        (void)state;
        desk_open(&desk, settings);
        book = ledger_book(ledger_owner(&desk.ledger, STR_LITERAL("alice")), POOL_SPOT, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                struct ledger_entry e;
                enum ledger_answer got = ledger_orders(&desk.ledger, book, steps[i].n,
                                                       steps[i].n_long, steps[i].now_ms, &e);
                uint64_t used, used_long;

                if (steps[i].give_back)
                        ledger_orders_give_back(&desk.ledger, book, steps[i].give_back,
                                                steps[i].now_ms);
                used = ledger_used(&desk.ledger, book, LIMIT_ORDERS, steps[i].now_ms);
                used_long = ledger_used(&desk.ledger, book, LIMIT_ORDERS_LONG, steps[i].now_ms);
                if (got != steps[i].answer || used != steps[i].short_used ||
                    used_long != steps[i].long_used)
                        fail_msg("%s: answer %d, used %llu and %llu", steps[i].label, got,
                                 (unsigned long long)used, (unsigned long long)used_long);
        }
        ledger_deinit(&desk.ledger);
}

static void others_behind_the_address_spend_too(void **state)
{
        const char *const settings[] = { "spot-weight=100/60s", NULL };
        struct ledger_entry e;
        struct desk desk;

        (void)state;
        desk_open(&desk, settings);
        ledger_foreign(&desk.ledger, POOL_SPOT, 4, AT(0, 10000));
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(0, 10000)), 0);
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(0, 20000)), 40);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 61, AT(0, 20000),
                                       &e),
                         LEDGER_REFUSED);
        assert_int_equal(ledger_used(&desk.ledger, spot(&desk), LIMIT_WEIGHT, AT(1, 5000)), 20);
        ledger_deinit(&desk.ledger);
}

static void the_firewall_blocks_bursts(void **state)
{
        struct ledger_entry e;
        struct desk desk;

        (void)state;
        desk_open(&desk, NULL);
        desk.ledger.rules.firewall_rate = 2;
        desk.ledger.rules.firewall_s = 3;
        for (size_t i = 0; i < 2; ++i)
                assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(0, 0),
                                               &e),
                                 LEDGER_OK);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(0, 1), &e),
                         LEDGER_FIREWALL);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(0, 3000), &e),
                         LEDGER_FIREWALL);
        assert_int_equal(ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(0, 3001), &e),
                         LEDGER_OK);
        assert_int_equal(desk.address->blocked, 2);
        ledger_deinit(&desk.ledger);
}

static void history_keeps_what_a_window_came_to(void **state)
{
        struct ledger_entry e;
        struct desk desk;

        (void)state;
        desk_open(&desk, NULL);
        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 20, AT(0, 0), &e);
        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 2, AT(0, 1), &e);
        ledger_arrive(&desk.ledger, desk.address, spot(&desk), 1, AT(3, 0), &e);
        assert_int_equal(spot(&desk)->n_history, 1);
        assert_int_equal(spot(&desk)->history[0].used, 22);
        assert_int_equal(spot(&desk)->history[0].requests, 2);
        assert_int_equal(spot(&desk)->history[0].id, AT(0, 0) / 60000);
        ledger_deinit(&desk.ledger);
}

static void rules_are_read_as_people_write_them(void **state)
{
        static const struct {
                const char *text;
                int answer;
                uint64_t limit;
                uint32_t span_s;
        } rows[] = {
                { "spot-weight=6000/60s", 0, 6000, 60 },
                { "spot-weight=50/2s", 0, 50, 2 },
                { "spot-weight=50/1m", 0, 50, 60 },
                { "spot-weight=50/1d", 0, 50, 86400 },
                { "spot-weight=50/5", 0, 50, 5 },
                { "spot-weight=50", 0, 50, 60 },
                { "spot-weight=0", 0, 0, 60 },
                { "spot-weight", -22, 6000, 60 },
                { "spot-weight=", -22, 6000, 60 },
                { "spot-weight=x/60s", -22, 6000, 60 },
                { "spot-weight=-1/60s", -22, 6000, 60 },
                { "spot-weight=10/0s", -22, 6000, 60 },
                { "spot-weight=10/1.5s", -22, 6000, 60 },
                { "spot-weight=10/9999999999d", -22, 6000, 60 },
                { "spot-wait=10/1s", -22, 6000, 60 },
                { "=10/1s", -22, 6000, 60 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct ledger_rules rules;
                const struct limit *limit = &rules.limits[POOL_SPOT][LIMIT_WEIGHT];
                const char *why = NULL;
                int r;

                ledger_rules_init(&rules);
                r = ledger_rules_set(&rules, str_of(rows[i].text), &why);
                if (r != rows[i].answer || limit->limit != rows[i].limit ||
                    limit->span_s != rows[i].span_s || (r < 0 && !why))
                        fail_msg("\"%s\": %d, %llu per %u s", rows[i].text, r,
                                 (unsigned long long)limit->limit, limit->span_s);
        }
}

static void spans_are_named_like_the_exchange_does(void **state)
{
        static const struct {
                uint32_t span_s, n;
                const char *unit;
        } rows[] = { { 60, 1, "MINUTE" }, { 10, 10, "SECOND" }, { 300, 5, "MINUTE" },
                     { 86400, 1, "DAY" }, { 3600, 1, "HOUR" },  { 90, 90, "SECOND" } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint32_t n;

                assert_string_equal(limit_unit(rows[i].span_s, &n), rows[i].unit);
                assert_int_equal(n, rows[i].n);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_minute_holds_its_limit_and_the_next_starts_empty),
                cmocka_unit_test(bans_come_after_refusals_and_grow),
                cmocka_unit_test(a_ban_shuts_its_product_or_all),
                cmocka_unit_test(refunds_stay_in_their_window),
                cmocka_unit_test(raw_requests_have_a_window_of_their_own),
                cmocka_unit_test(orders_count_in_two_windows),
                cmocka_unit_test(others_behind_the_address_spend_too),
                cmocka_unit_test(the_firewall_blocks_bursts),
                cmocka_unit_test(history_keeps_what_a_window_came_to),
                cmocka_unit_test(rules_are_read_as_people_write_them),
                cmocka_unit_test(spans_are_named_like_the_exchange_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
