#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stats/test_requests.h"

#include <malloc.h>
#include <stdio.h>

static void each_request_is_counted_once_in_every_dimension(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("maker", 5, MINUTE(0) + 10);
        const struct stats_sums *sums = stats_sums(s);
        uint64_t n = 0;

        (void)state;
        stats_note(s, &r, MINUTE(0) + 30);
        r.account = called("main");
        r.orders = 1;
        r.class = CLASS_ORDER;
        stats_note(s, &r, MINUTE(0) + 40);
        r.outcome = STATS_REFUSED;
        r.reason = "late";
        r.sent_ms = r.weight = r.orders = 0;
        stats_note(s, &r, MINUTE(0) + 50);

        assert_int_equal(sums->all.requests, 3);
        assert_int_equal(sums->all.weight, 10);
        assert_int_equal(sums->all.refused, 1);
        for (unsigned i = 0; i < STATS_OUTCOME_COUNT; ++i)
                n += sums->outcomes[i];
        assert_int_equal(n, 3);
        assert_int_equal(sums->outcomes[STATS_OK], 2);
        assert_int_equal(sums->refused[0], 1);
        assert_string_equal(stats_reason(s, 0), "late");
        assert_null(stats_reason(s, 1));
        assert_int_equal(sums->waits[CLASS_MARKET].n, 1);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "maker").figures.requests, 3);
        assert_int_equal(figures_of(s, STATS_BY_ACCOUNT, STATS_NONE).figures.requests, 1);
        assert_int_equal(figures_of(s, STATS_BY_ACCOUNT, "main").figures.orders, 1);
        assert_int_equal(figures_of(s, STATS_BY_CLASS, "order").figures.requests, 2);
        assert_int_equal(figures_of(s, STATS_BY_ENDPOINT, "GET /api/v3/depth").figures.weight, 10);
        stats_close(s);
}

static void an_attempt_spends_and_is_no_request(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("maker", 5, MINUTE(0) + 10);

        (void)state;
        r.is_attempt = true;
        r.over_limit = 1;
        r.code = -1003;
        stats_note(s, &r, MINUTE(0) + 30);
        r = request("maker", 5, MINUTE(1) + 10);
        r.retries = 1;
        stats_note(s, &r, MINUTE(1) + 30);
        stats_turn(s, 0, MINUTE(1) + 20000, false);

        assert_int_equal(stats_sums(s)->all.requests, 1);
        assert_int_equal(stats_sums(s)->all.weight, 10);
        assert_int_equal(stats_sums(s)->all.over_limit, 1);
        assert_int_equal(stats_sums(s)->codes[0].code, -1003);
        assert_int_equal(stats_closed(s, 0, 0)->all.requests, 0);
        assert_int_equal(row_of(stats_closed(s, 0, 0), STATS_BY_CLIENT, "maker")->figures.weight,
                         5);
        stats_close(s);
}

static void an_outcome_is_counted_as_what_it_is(void **state)
{
        static const struct {
                enum stats_outcome outcome;
                unsigned errors, refused;
        } rows[] = {
                { STATS_OK, 0, 0 },     { STATS_ERROR, 1, 0 },   { STATS_OVER_LIMIT, 0, 0 },
                { STATS_BANNED, 0, 0 }, { STATS_REFUSED, 0, 1 }, { STATS_NOT_SENT, 1, 0 },
                { STATS_GONE, 0, 0 },   { STATS_UNKNOWN, 1, 0 },
        };
        (void)state;
        assert_int_equal(ARRAY_SIZE(rows), STATS_OUTCOME_COUNT);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct stats *s = opened(60000);
                struct stats_request r = request("maker", 1, MINUTE(0));

                r.outcome = rows[i].outcome;
                stats_note(s, &r, MINUTE(0));
                assert_int_equal(stats_sums(s)->all.errors, rows[i].errors);
                assert_int_equal(stats_sums(s)->all.refused, rows[i].refused);
                assert_int_equal(stats_sums(s)->outcomes[rows[i].outcome], 1);
                stats_close(s);
        }
}

static void nobody_waits_for_what_has_no_wait(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("(weir)", 1, MINUTE(0));

        (void)state;
        r.wait_us = STATS_NO_WAIT;
        stats_note(s, &r, MINUTE(0));
        stats_turn(s, 0, 0, true);
        assert_int_equal(stats_sums(s)->waits[CLASS_MARKET].n, 0);
        assert_int_equal(stats_sums(s)->exchange[CLASS_MARKET].n, 1);
        assert_int_equal(stats_closed(s, 0, 0)->waits.n, 0);
        assert_int_equal(row_of(stats_closed(s, 0, 0), STATS_BY_CLIENT, "(weir)")->waits.n, 0);
        stats_close(s);
}

static void reasons_and_codes_beyond_the_tables_are_one(void **state)
{
        static char words[STATS_REASONS_MAX + 5][8];
        struct stats *s = opened(60000);
        const struct stats_sums *sums = stats_sums(s);
        uint64_t n = 0, codes = 0;

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(words); ++i) {
                snprintf(words[i], sizeof(words[i]), "r%u", i);
                refuse(s, "maker", words[i], MINUTE(0));
        }
        for (size_t i = 0; i < STATS_REASONS_MAX; ++i)
                n += sums->refused[i];
        assert_int_equal(n, ARRAY_SIZE(words));
        assert_string_equal(stats_reason(s, STATS_REASONS_MAX - 1), STATS_OTHERS);
        assert_int_equal(sums->refused[STATS_REASONS_MAX - 1], 6);
        assert_null(stats_reason(s, STATS_REASONS_MAX));

        for (int i = 0; i < STATS_CODES_MAX + 5; ++i) {
                struct stats_request r = request("maker", 1, MINUTE(0));

                r.outcome = STATS_ERROR;
                r.code = -1000 - i;
                stats_note(s, &r, MINUTE(0));
        }
        for (size_t i = 0; i < sums->n_codes; ++i)
                codes += sums->codes[i].n;
        assert_int_equal(codes, STATS_CODES_MAX);
        assert_int_equal(sums->other_codes, 5);
        stats_close(s);
}

static void names_beyond_the_tables_are_one_and_no_sum_is_lost(void **state)
{
        struct stats *s = opened(60000);
        char name[32], path[32], key[32];

        (void)state;
        for (unsigned i = 0; i < STATS_CLIENTS_MAX + 100; ++i) {
                struct stats_request r = request("", 2, MINUTE(0));

                snprintf(name, sizeof(name), "client-%u", i);
                r.client = called(name);
                snprintf(path, sizeof(path), "GET /%u", i % (STATS_ENDPOINTS_MAX + 10));
                r.endpoint = called(path);
                snprintf(key, sizeof(key), "account-%u", i % (STATS_ACCOUNTS_MAX + 1));
                r.account = called(key);
                stats_note(s, &r, MINUTE(0));
        }
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, STATS_OTHERS).figures.requests, 100);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "client-9999").figures.requests, 1);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "client-10000").figures.requests, 0);
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "").n, STATS_CLIENTS_MAX + 1);
        assert_int_equal(figures_of(s, STATS_BY_ENDPOINT, "").n, STATS_ENDPOINTS_MAX + 1);
        assert_int_equal(figures_of(s, STATS_BY_ACCOUNT, "").n, STATS_ACCOUNTS_MAX + 1);
        assert_int_equal(stats_sums(s)->all.weight, 2 * (STATS_CLIENTS_MAX + 100));
        stats_close(s);
}

static void what_a_client_calls_itself_can_be_printed(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("", 1, MINUTE(0));

        (void)state;
        r.client = called("a\xff\n\x7f b");
        stats_note(s, &r, MINUTE(0));
        assert_int_equal(figures_of(s, STATS_BY_CLIENT, "a??? b").figures.requests, 1);
        stats_close(s);
}

static void spelt(const struct stats_request *r, enum stats_by by, char *to)
{
        ++*(unsigned *)(uintptr_t)r->ctx;
        assert_int_equal(by, STATS_BY_ENDPOINT);
        str_copy(STR_LITERAL("GET /spelt"), to, STATS_NAME_SIZE);
}

static void a_name_is_asked_for_once(void **state)
{
        struct stats *s = opened(60000);
        struct stats_request r = request("maker", 1, MINUTE(0));
        unsigned n = 0;

        (void)state;
        r.endpoint = (struct stats_name){ 77, STR_NULL };
        r.spell = spelt;
        r.ctx = &n;
        for (int i = 0; i < 5; ++i)
                stats_note(s, &r, MINUTE(0));
        assert_int_equal(n, 1);
        assert_int_equal(figures_of(s, STATS_BY_ENDPOINT, "GET /spelt").figures.requests, 5);
        stats_close(s);
}

/* Everything is full: all names in all pools' windows, and as many closed ones as are kept. */
static void with_everything_full_it_is_as_large_as_promised(void **state)
{
        struct mallinfo2 before = mallinfo2(), after;
        struct stats *s = opened(60000);
        char name[32], path[32];

        (void)state;
        for (uint32_t pool = 0; pool < STATS_POOLS_MAX; ++pool)
                stats_set_pool(s, pool, &(struct stats_pool){ "p", 60000, 6000 });
        for (unsigned minute = 0; minute < STATS_WINDOWS_KEPT + 2; ++minute)
                for (uint32_t i = 0; i < STATS_CLIENTS_MAX; ++i) {
                        struct stats_request r = request("", 1 + i % 7, MINUTE(minute));

                        snprintf(name, sizeof(name), "client-%u", i);
                        r.client = called(name);
                        snprintf(path, sizeof(path), "GET /%u", i % 600);
                        r.endpoint = called(path);
                        r.pool = i % STATS_POOLS_MAX;
                        r.wait_us = i * 137 % 3000000;
                        stats_note(s, &r, MINUTE(minute));
                        if (minute >= STATS_WINDOWS_KEPT) {
                                r.pool = (i + 1) % STATS_POOLS_MAX;
                                stats_note(s, &r, MINUTE(minute));
                        }
                }
        after = mallinfo2();
        assert_true(stats_bytes(s) > 10 << 20);
        assert_true(stats_bytes(s) < STATS_BYTES_MAX);
        assert_true(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd <
                    STATS_BYTES_MAX);
        assert_int_equal(stats_sums(s)->all.requests, STATS_CLIENTS_MAX * (STATS_WINDOWS_KEPT + 4));
        stats_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_request_is_counted_once_in_every_dimension),
                cmocka_unit_test(an_attempt_spends_and_is_no_request),
                cmocka_unit_test(an_outcome_is_counted_as_what_it_is),
                cmocka_unit_test(nobody_waits_for_what_has_no_wait),
                cmocka_unit_test(reasons_and_codes_beyond_the_tables_are_one),
                cmocka_unit_test(names_beyond_the_tables_are_one_and_no_sum_is_lost),
                cmocka_unit_test(what_a_client_calls_itself_can_be_printed),
                cmocka_unit_test(a_name_is_asked_for_once),
                cmocka_unit_test(with_everything_full_it_is_as_large_as_promised),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
