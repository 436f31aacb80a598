#include "trade/futures.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void only_the_live_exchange_spends_the_live_budgets(void **state)
{
        static const struct {
                bool is_testnet;
                const char *url;
                bool is_elsewhere;
        } rows[] = {
                { false, NULL, false },
                { true, NULL, true },
                { false, "https://fapi.binance.com", false },
                { false, "https://FAPI.Binance.com:443", false },
                { false, "https://binance.com.example.org", true },
                { false, "https://notbinance.com", true },
                { false, "https://testnet.binancefuture.com", true },
                { false, "http://127.0.0.1:8901", true },
                { false, "unix:/run/sim.binance.com", true },
                { false, "no URL", true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (futures_is_elsewhere(rows[i].is_testnet, rows[i].url) != rows[i].is_elsewhere)
                        fail_msg("row %zu", i);
}

static void what_cannot_be_opened_says_why(void **state)
{
        static const struct {
                enum weir_market market;
                const char *url, *gateway, *prefix;
                uint32_t recv_window_ms, timeout_ms;
                const char *says;
        } rows[] = {
                { (enum weir_market)7, NULL, "http://x", "weir", 5000, 1, "no such market" },
                { WEIR_USDM, NULL, "http://x", "", 5000, 1, "prefix" },
                { WEIR_USDM, NULL, "http://x", "thirteen-long", 5000, 1, "prefix" },
                { WEIR_USDM, NULL, "http://x", "a.b", 5000, 1, "prefix" },
                { WEIR_USDM, NULL, "http://x", "weir", 0, 1, "recvWindow" },
                { WEIR_USDM, NULL, "http://x", "weir", 60001, 1, "recvWindow" },
                { WEIR_USDM, NULL, "http://x", "weir", 5000, 0, "time-out" },
                { WEIR_USDM, "http://y", "http://x", "weir", 5000, 1, "one of them" },
                { WEIR_USDM, NULL, "ftp://x", "weir", 5000, 1, "no base URL" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct futures_config c = FUTURES_CONFIG_DEFAULT;
                char why[FUTURES_WHY_MAX];
                struct futures *f = NULL;

                c.market = rows[i].market;
                c.url = rows[i].url;
                c.gateway = rows[i].gateway;
                c.client_id_prefix = rows[i].prefix;
                c.recv_window_ms = rows[i].recv_window_ms;
                c.timeout_ms = rows[i].timeout_ms;
                assert_int_equal(futures_open(&c, &f, why), -EINVAL);
                if (!strstr(why, rows[i].says))
                        fail_msg("row %zu: %s", i, why);
                assert_null(f);
        }
        assert_null(futures_close(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_the_live_exchange_spends_the_live_budgets),
                cmocka_unit_test(what_cannot_be_opened_says_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
