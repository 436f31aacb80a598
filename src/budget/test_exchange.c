#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "budget/budget.h"
#include "budget/exchange.h"

static void hosts_that_are_counted_together_are_one_exchange(void **state)
{
        static const struct {
                const char *a, *b;
                uint16_t a_port, b_port;
                bool is_same;
        } rows[] = {
                { "api.binance.com", "fapi.binance.com", 443, 443, true },
                { "api1.binance.com", "api4.binance.com", 443, 443, true },
                { "api.binance.com", "API-GCP.Binance.Com", 443, 8443, true },
                { "127.0.0.1", "127.0.0.1", 8901, 8901, true },
                { "Sim.Example", "sim.example", 80, 80, true },
                { "127.0.0.1", "127.0.0.1", 8901, 8902, false },
                { "127.0.0.1", "localhost", 8901, 8901, false },
                { "api.binance.com", "127.0.0.1", 443, 443, false },
                { "api.binance.com", "demo-api.binance.com", 443, 443, false },
                { "fapi.binance.com", "testnet.binance.com", 443, 443, false },
                { "fapi.binance.com", "fapi.testnet.binance.com", 443, 443, false },
                { "fapi.binance.com", "testnet.binancefuture.com", 443, 443, false },
                { "api.binance.com", "api.binance.com.evil.example", 443, 443, false },
                { "api.binance.com", "notbinance.com", 443, 443, false },
                { "api.binance.com", ".binance.com", 443, 443, false },
                { "testnet.binance.vision", "testnet.binancefuture.com", 443, 443, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                uint64_t a = exchange_of_host(str_of(rows[i].a), rows[i].a_port);
                uint64_t b = exchange_of_host(str_of(rows[i].b), rows[i].b_port);

                if ((a == b) != rows[i].is_same)
                        fail_msg("%s:%u and %s:%u", rows[i].a, rows[i].a_port, rows[i].b,
                                 rows[i].b_port);
                assert_true(a != 0 && b != 0);
        }
        assert_true(exchange_of_socket(STR_LITERAL("/run/a")) ==
                    exchange_of_socket(STR_LITERAL("/run/a")));
        assert_true(exchange_of_socket(STR_LITERAL("/run/a")) !=
                    exchange_of_socket(STR_LITERAL("/run/b")));
}

static void a_region_stays_with_its_exchange(void **state)
{
        uint64_t real[POLICY_GROUP_COUNT], sim[POLICY_GROUP_COUNT] = { 0 };
        struct region region = REGION_NULL;
        struct region_error error;
        struct region_plan plan;
        enum policy_group group;

        (void)state;
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                real[g] = exchange_of_host(STR_LITERAL("api.binance.com"), 443);
        sim[POLICY_FAPI] = exchange_of_host(STR_LITERAL("127.0.0.1"), 8901);
        budget_plan(&plan, 1);
        assert_int_equal(region_open(NULL, &plan, &region, &error), 0);

        /* One group of a simulator; the others stay free for whoever comes. */
        assert_int_equal(exchange_bind(&region, sim, &group), 0);
        assert_int_equal(exchange_bind(&region, sim, &group), 0);
        assert_int_equal(exchange_bind(&region, real, &group), EXCHANGE_OTHER);
        assert_int_equal(group, POLICY_FAPI);
        /* Who was refused has bound nothing. */
        for (unsigned g = 0; g < POLICY_GROUP_COUNT; ++g)
                assert_int_equal(atomic_load(&region.header->exchanges[g]), sim[g]);

        real[POLICY_FAPI] = 0;
        assert_int_equal(exchange_bind(&region, real, &group), 0);
        sim[POLICY_EAPI] = sim[POLICY_FAPI];
        assert_int_equal(exchange_bind(&region, sim, &group), EXCHANGE_OTHER);
        assert_int_equal(group, POLICY_EAPI);
        region_close(&region);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(hosts_that_are_counted_together_are_one_exchange),
                cmocka_unit_test(a_region_stays_with_its_exchange),
        };

        return cmocka_run_group_tests_name("budget/exchange", tests, NULL, NULL);
}
