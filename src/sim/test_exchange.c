#include "sim/exchange.h"

#include "sim/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Start of a UTC day. */
#define DAY_US    (1700006400ULL * US_PER_SECOND)
#define AT(s)     (DAY_US + (uint64_t)((s)*1e6))
#define QUERY_MAX 1024

struct bench {
        struct exchange_config config;
        struct exchange *x;
        struct reply reply;
        struct fault_plan plan;
        char text[QUERY_MAX];
};

static struct bench *bench_open(const char *const *settings)
{
        struct bench *b = calloc(1, sizeof(*b));
        const char *why;

        assert_non_null(b);
        exchange_config_init(&b->config);
        for (; settings && *settings; ++settings)
                assert_int_equal(ledger_rules_set_any(&b->config.rules, str_of(*settings), &why),
                                 0);
        b->x = exchange_new(&b->config);
        for (size_t i = 0; i < b->x->engine.market.n_symbols; ++i)
                b->x->engine.market.pinned[i] = 50000 * DECIMAL_ONE;
        reply_init(&b->reply);
        return b;
}

static void bench_close(struct bench *b)
{
        reply_deinit(&b->reply);
        exchange_free(b->x);
        accounts_deinit(&b->config.accounts);
        free(b);
}

/* Serves and returns the status; the body is NUL-terminated in b->reply.body. */
static unsigned serve(struct bench *b, const char *method, const char *path, const char *query,
                      const char *key, uint64_t now_us)
{
        struct request request = {
                .method = str_of(method),
                .path = str_of(path),
                .query = str_of(query),
                .api_key = str_of(key),
                .ip = "127.0.0.1",
        };
        int r;

        reply_deinit(&b->reply);
        reply_init(&b->reply);
        b->reply.status = 0;
        exchange_serve(b->x, &request, &b->plan, now_us, &b->reply);
        r = buf_append(&b->reply.body, "", 1);
        assert_int_equal(r, 0);
        return b->reply.status;
}

/* The same, signed by alice at @now_us. */
static unsigned signed_call(struct bench *b, const char *method, const char *path,
                            const char *query, uint64_t now_us)
{
        const struct account *alice = &b->config.accounts.list[0];
        char hex[SIGN_HEX];
        int n = snprintf(b->text, sizeof(b->text), "%s%stimestamp=%llu", query, *query ? "&" : "",
                         (unsigned long long)(now_us / US_PER_MS));

        sign_hmac(str_of(alice->secret), str_of(b->text), STR_NULL, hex);
        snprintf(b->text + n, sizeof(b->text) - (size_t)n, "&signature=%s", hex);
        return serve(b, method, path, b->text, alice->key, now_us);
}

static const char *field(const struct bench *b, const char *name)
{
        for (size_t i = 0; i < b->reply.n_fields; ++i)
                if (strcmp(b->reply.fields[i].name, name) == 0)
                        return b->reply.fields[i].value;
        return "-";
}

static const char *body(const struct bench *b)
{
        return b->reply.body.data + b->reply.body.start;
}

#define BUY_LIMIT  "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=40000"
#define BUY_MARKET "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01"

static void spot_orders_cost_weight_only_when_they_fail(void **state)
{
        struct bench *b = bench_open(NULL);

        (void)state;
        assert_int_equal(serve(b, "GET", "/api/v3/ping", "", "", AT(1)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "1");
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT"), "1");
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_LIMIT, AT(2)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "1");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "1");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-1D"), "1");
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", "symbol=NONE", AT(3)), 400);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "2");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "-");
        bench_close(b);
}

static void fills_give_order_counts_back_with_the_next_request(void **state)
{
        struct bench *b = bench_open(NULL);

        (void)state;
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_MARKET, AT(1)), 200);
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "1");
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_LIMIT, AT(1.1)), 200);
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "1");
        assert_int_equal(signed_call(b, "DELETE", "/api/v3/openOrders", "symbol=BTCUSDT", AT(1.2)),
                         200);
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_LIMIT, AT(1.3)), 200);
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "2");
        bench_close(b);
}

static void futures_share_one_pool_and_batches_count_five_and_one(void **state)
{
        static const char batch[] =
                "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22type"
                "%22%3A%22MARKET%22%2C%22quantity%22%3A0.01%7D%2C%7B%22symbol%22%3A%22NONE%22%7D%"
                "5D";
        struct bench *b = bench_open(NULL);

        (void)state;
        assert_int_equal(serve(b, "GET", "/fapi/v1/ping", "", "", AT(1)), 200);
        assert_int_equal(serve(b, "GET", "/dapi/v1/ping", "", "", AT(1)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "2");
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT"), "-");
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/batchOrders", batch, AT(2)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "7");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "5");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-1M"), "1");
        assert_non_null(strstr(body(b), "orderId"));
        assert_non_null(strstr(body(b), "-1121"));
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", BUY_MARKET, AT(3)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "7");
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "6");
        assert_int_equal(serve(b, "GET", "/fapi/v1/fundingRate", "symbol=BTCUSDT", "", AT(4)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "-");
        bench_close(b);
}

static void limits_are_refused_in_the_words_of_the_product(void **state)
{
        const char *const settings[] = { "spot-weight=1/60s", "futures-weight=1/60s", "ban=120",
                                         "ban-after=1", NULL };
        static const struct {
                const char *path;
                double at;
                unsigned status;
                const char *text, *retry_after;
        } steps[] = {
                { "/api/v3/ping", 20, 200, "{}", "-" },
                { "/api/v3/ping", 20.5, 429,
                  "{\"code\":-1003,\"msg\":\"Too much request weight used; current limit is 1 "
                  "request weight per 1 MINUTE. Please use WebSocket Streams for live updates to "
                  "avoid polling the API.\"}",
                  "40" },
                { "/api/v3/ping", 21, 418,
                  "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until "
                  "1700006541000. Please use WebSocket Streams for live updates to avoid bans.\"}",
                  "120" },
                { "/fapi/v1/ping", 21, 200, "{}", "-" },
                { "/fapi/v1/ping", 21, 429,
                  "{\"code\":-1003,\"msg\":\"Too many requests; current limit of IP(127.0.0.1) is "
                  "1 requests per minute. Please use the websocket for live updates to avoid "
                  "polling the API.\"}",
                  "39" },
                { "/fapi/v1/ping", 22, 418,
                  "{\"code\":-1003,\"msg\":\"Way too many requests; IP(127.0.0.1) banned until "
                  "1700006542000. Please use the websocket for live updates to avoid bans.\"}",
                  "120" },
                { "/api/v3/ping", 140.9, 418, "", "1" },
                { "/api/v3/ping", 141, 200, "{}", "-" },
        };
        struct bench *b = bench_open(settings);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                unsigned status = serve(b, "GET", steps[i].path, "", "", AT(steps[i].at));

                if (status != steps[i].status ||
                    (steps[i].text[0] && strcmp(body(b), steps[i].text) != 0) ||
                    strcmp(field(b, "Retry-After"), steps[i].retry_after) != 0)
                        fail_msg("step %zu: %u, retry after %s: %s", i, status,
                                 field(b, "Retry-After"), body(b));
        }
        bench_close(b);
}

static void orders_beyond_the_limit_are_refused_and_not_counted(void **state)
{
        const char *const settings[] = { "spot-orders=1/10s", "futures-orders=1/10s", NULL };
        struct bench *b = bench_open(settings);

        (void)state;
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_LIMIT, AT(1)), 200);
        assert_int_equal(signed_call(b, "POST", "/api/v3/order", BUY_LIMIT, AT(2)), 429);
        assert_string_equal(body(b), "{\"code\":-1015,\"msg\":\"Too many new orders; current limit "
                                     "is 1 orders per 10 SECOND.\"}");
        assert_int_equal(signed_call(b, "GET", "/api/v3/rateLimit/order", "", AT(3)), 200);
        assert_non_null(strstr(body(b), "\"count\":1"));
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", BUY_MARKET, AT(4)), 200);
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", BUY_MARKET, AT(5)), 429);
        assert_string_equal(body(b), "{\"code\":-1015,\"msg\":\"Too many new orders; current limit "
                                     "is 1 orders per TEN_SECONDS.\"}");
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", BUY_MARKET, AT(10)), 200);
        bench_close(b);
}

static void checks_come_in_their_order(void **state)
{
        const char *const settings[] = { "spot-orders=0", NULL };
        struct bench *b = bench_open(settings);
        const char *key = b->config.accounts.list[0].key;

        (void)state;
        assert_int_equal(serve(b, "GET", "/api/v3/account", "", "", AT(1)), 401);
        assert_non_null(strstr(body(b), "-2014"));
        assert_int_equal(serve(b, "GET", "/api/v3/account", "",
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                               AT(1)),
                         401);
        assert_non_null(strstr(body(b), "-2015"));
        assert_int_equal(serve(b, "GET", "/api/v3/account", "timestamp=1", key, AT(1)), 400);
        assert_non_null(strstr(body(b), "'signature'"));
        assert_int_equal(serve(b, "GET", "/api/v3/account", "timestamp=1&signature=00", key, AT(1)),
                         400);
        assert_non_null(strstr(body(b), "-1022"));
        assert_int_equal(signed_call(b, "GET", "/api/v3/account", "recvWindow=60001", AT(1)), 400);
        assert_non_null(strstr(body(b), "-1131"));
        assert_int_equal(signed_call(b, "GET", "/api/v3/account", "", AT(1)), 200);
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "120");
        bench_close(b);
}

static void a_clock_of_its_own_judges_ages(void **state)
{
        struct bench *b = bench_open(NULL);

        (void)state;
        b->x->skew_ms = 6000;
        assert_int_equal(signed_call(b, "GET", "/api/v3/account", "", AT(1)), 400);
        assert_non_null(strstr(body(b), "outside of the recvWindow"));
        b->x->skew_ms = -1000;
        assert_int_equal(signed_call(b, "GET", "/api/v3/account", "", AT(1)), 400);
        assert_non_null(strstr(body(b), "1000ms ahead"));
        b->x->skew_ms = 0;
        b->plan.engine_us = 5001 * US_PER_MS;
        assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", BUY_MARKET, AT(1)), 400);
        assert_non_null(strstr(body(b), "-5028"));
        assert_string_equal(field(b, "X-MBX-ORDER-COUNT-10S"), "1");
        bench_close(b);
}

static void faults_say_whether_the_order_was_executed(void **state)
{
        static const struct {
                const char *rule;
                unsigned status;
                bool executed, counted;
                const char *text;
        } rows[] = {
                { "* * always unknown", 503, false, true, "Unknown error" },
                { "* * always unknown execute 100%", 503, true, true, "Unknown error" },
                { "* * always unavailable", 503, false, false, "Service Unavailable." },
                { "* * always internal", 503, false, false, "-1001" },
                { "* * always overload", 503, false, false, "-1008" },
                { "* * always timeout", 408, false, true, "-1007" },
                { "* * always timeout execute 100%", 408, true, true, "-1007" },
                { "* * always bus execute 100%", 500, true, true, "-1006" },
                { "* * always waf", 403, false, false, "<HTML>" },
                { "* * always empty 502", 502, false, true, "" },
                { "* * always error 400 -4000 Mine.", 400, false, true, "\"msg\":\"Mine.\"" },
                { "* * always body 502 execute 100% <p>bad</p>", 502, true, true, "<p>bad</p>" },
                { "* * always reset unread", 0, false, false, "" },
                { "* * always reset unexecuted", 0, false, true, "" },
                { "* * always reset executed", 200, true, true, "" },
                { "* * always close", 0, false, false, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct bench *b = bench_open(NULL);
                struct faults_error e;
                char query[256];
                struct owner *owner;
                unsigned status;
                json_t *attempts;

                assert_int_equal(faults_parse(&b->x->faults, str_of(rows[i].rule), &e), 0);
                faults_plan(&b->x->faults, STR_LITERAL("POST"), STR_LITERAL("/fapi/v1/order"),
                            &b->plan);
                snprintf(query, sizeof(query), "%s&newClientOrderId=mine", BUY_MARKET);
                status = signed_call(b, "POST", "/fapi/v1/order", query, AT(1));
                attempts = attempts_json(&b->x->attempts, STR_LITERAL("mine"));
                owner = ledger_owner(&b->x->ledger, STR_LITERAL("127.0.0.1"));
                if (status != rows[i].status || !strstr(body(b), rows[i].text) ||
                    json_integer_value(json_object_get(attempts, "attempts")) != 1 ||
                    (json_integer_value(json_object_get(attempts, "executions")) == 1) !=
                            rows[i].executed ||
                    (ledger_book(owner, POOL_FUTURES, NULL)->requests == 1) != rows[i].counted)
                        fail_msg("\"%s\": %u %s", rows[i].rule, status, body(b));
                json_decref(attempts);
                bench_close(b);
        }
}

static void closing_orders_are_exempt_from_overload(void **state)
{
        static const struct {
                const char *query;
                bool exempt;
        } rows[] = {
                { "reduceOnly=true", true },
                { "closePosition=true", true },
                { "positionSide=LONG&side=SELL", true },
                { "positionSide=SHORT&side=BUY", true },
                { "positionSide=LONG&side=BUY", false },
                { "side=BUY", false },
        };
        struct bench *b = bench_open(NULL);
        struct faults_error e;

        (void)state;
        assert_int_equal(faults_parse(&b->x->faults, STR_LITERAL("* * always overload"), &e), 0);
        faults_plan(&b->x->faults, STR_LITERAL("POST"), STR_LITERAL("/x"), &b->plan);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_int_equal(signed_call(b, "POST", "/fapi/v1/order", rows[i].query, AT(1)) !=
                                         503,
                                 rows[i].exempt);
        bench_close(b);
}

static void usage_can_be_missing_or_stale(void **state)
{
        struct bench *b = bench_open(NULL);

        (void)state;
        serve(b, "GET", "/fapi/v1/ping", "", "", AT(1));
        b->plan.usage = USAGE_STALE;
        serve(b, "GET", "/fapi/v1/ping", "", "", AT(1));
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "1");
        b->plan.usage = USAGE_MISSING;
        serve(b, "GET", "/fapi/v1/ping", "", "", AT(1));
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "-");
        b->plan.usage = USAGE_TRUE;
        serve(b, "GET", "/fapi/v1/ping", "", "", AT(1));
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-1M"), "4");
        bench_close(b);
}

static void exchange_info_shows_the_limits_that_hold(void **state)
{
        const char *const settings[] = { "futures-weight=50/2s", "futures-orders=7/5s",
                                         "spot-raw=0", NULL };
        struct bench *b = bench_open(settings);

        (void)state;
        assert_int_equal(serve(b, "GET", "/dapi/v1/exchangeInfo", "", "", AT(1)), 200);
        assert_non_null(strstr(body(b), "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":"
                                        "\"SECOND\",\"intervalNum\":2,\"limit\":50}"));
        assert_non_null(strstr(body(b), "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
                                        "\"intervalNum\":5,\"limit\":7}"));
        assert_string_equal(field(b, "X-MBX-USED-WEIGHT-2S"), "1");
        assert_int_equal(serve(b, "GET", "/api/v3/exchangeInfo", "", "", AT(1)), 200);
        assert_null(strstr(body(b), "RAW_REQUESTS"));
        assert_int_equal(serve(b, "GET", "/eapi/v1/exchangeInfo", "", "", AT(1)), 200);
        assert_non_null(strstr(body(b), "\"limit\":400"));
        bench_close(b);
}

static void sapi_counts_each_endpoint_on_its_own(void **state)
{
        struct bench *b = bench_open(NULL);

        (void)state;
        signed_call(b, "GET", "/sapi/v1/capital/config/getall", "", AT(1));
        signed_call(b, "GET", "/sapi/v1/account/status", "", AT(1));
        assert_string_equal(field(b, "X-SAPI-USED-IP-WEIGHT-1M"), "1");
        signed_call(b, "GET", "/sapi/v1/capital/config/getall", "", AT(1));
        assert_string_equal(field(b, "X-SAPI-USED-IP-WEIGHT-1M"), "20");
        signed_call(b, "GET", "/sapi/v1/capital/withdraw/history", "", AT(1));
        assert_string_equal(field(b, "X-SAPI-USED-UID-WEIGHT-1M"), "18000");
        bench_close(b);
}

#define LIMIT_BUY "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50000"

static void orders_are_amended_and_their_changes_listed(void **state)
{
        static const struct {
                const char *method, *path, *query;
                unsigned status;
                const char *text;
        } rows[] = {
                { "POST", "/api/v3/order", LIMIT_BUY "&newClientOrderId=a", 200, "NEW" },
                { "PUT", "/api/v3/order/amend/keepPriority",
                  "symbol=BTCUSDT&origClientOrderId=a&newQty=0.4&newClientOrderId=b", 200,
                  "\"origClientOrderId\":\"a\",\"clientOrderId\":\"b\"" },
                { "GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=a", 400, "-2013" },
                { "GET", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=b", 200,
                  "\"origQty\":\"0.40000000\"" },
                { "GET", "/api/v3/account", "", 200,
                  "\"asset\":\"USDT\",\"free\":\"9980000.00000000\",\"locked\":\"20000." },
                { "PUT", "/api/v3/order/amend/keepPriority",
                  "symbol=BTCUSDT&origClientOrderId=b&newQty=0.4", 400, "would change no state" },
                { "PUT", "/api/v3/order/amend/keepPriority",
                  "symbol=BTCUSDT&origClientOrderId=b&newQty=0.5", 400, "quantity increase" },
                { "PUT", "/api/v3/order/amend/keepPriority",
                  "symbol=BTCUSDT&origClientOrderId=b&newQty=0", 400, "LOT_SIZE" },
                { "PUT", "/api/v3/order/amend/keepPriority",
                  "symbol=BTCUSDT&origClientOrderId=b&newQty=0.000001", 400, "LOT_SIZE" },
                { "PUT", "/api/v3/order/amend/keepPriority", "symbol=BTCUSDT&orderId=1&newQty=0.1",
                  400, "{\"code\":-2038,\"msg\":\"Unknown order sent.\"}" },
                { "PUT", "/api/v3/order/amend/keepPriority", "symbol=BTCUSDT&newQty=0.1", 400,
                  "-1102" },
                { "GET", "/api/v3/order/amendments", "symbol=BTCUSDT&origClientOrderId=b", 200,
                  "\"origQty\":\"1.00000000\",\"newQty\":\"0.40000000\"" },
                { "GET", "/api/v3/order/amendments",
                  "symbol=BTCUSDT&origClientOrderId=b&fromExecutionId=2", 200, "[]" },
                { "POST", "/fapi/v1/order", LIMIT_BUY "&newClientOrderId=c", 200, "NEW" },
                { "PUT", "/fapi/v1/order",
                  "symbol=BTCUSDT&side=BUY&origClientOrderId=c&quantity=2&price=49999", 200,
                  "\"origQty\":\"2.000\"" },
                { "GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT&origClientOrderId=c", 200,
                  "\"price\":{\"before\":\"50000.0\",\"after\":\"49999.0\"},\"origQty\":"
                  "{\"before\":\"1.000\",\"after\":\"2.000\"},\"count\":1}" },
                { "GET", "/fapi/v1/orderAmendment", "symbol=BTCUSDT&orderId=1", 400, "-2013" },
                { "DELETE", "/fapi/v1/batchOrders",
                  "symbol=BTCUSDT&origclientorderidlist=%5B%22c%22%2C%22d%22%5D", 200,
                  "\"status\":\"CANCELED\"" },
        };
        struct bench *b = bench_open(NULL);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                unsigned status =
                        signed_call(b, rows[i].method, rows[i].path, rows[i].query, AT(1));

                if (status != rows[i].status || !strstr(body(b), rows[i].text))
                        fail_msg("%s %s %s: %u %s", rows[i].method, rows[i].path, rows[i].query,
                                 status, body(b));
        }
        bench_close(b);
}

static void an_order_on_spot_is_amended_ten_times(void **state)
{
        struct bench *b = bench_open(NULL);
        unsigned status;

        (void)state;
        status = signed_call(b, "POST", "/api/v3/order", LIMIT_BUY "&newClientOrderId=a", AT(1));
        assert_int_equal(status, 200);
        for (int i = 1; i <= AMENDS_MAX_SPOT + 1; ++i) {
                char query[128];

                snprintf(query, sizeof(query),
                         "symbol=BTCUSDT&origClientOrderId=a&newClientOrderId=a&newQty=0.%02d",
                         90 - i);
                status = signed_call(b, "PUT", "/api/v3/order/amend/keepPriority", query, AT(1));
                assert_int_equal(status, i <= AMENDS_MAX_SPOT ? 200 : 400);
        }
        assert_non_null(strstr(body(b), "Filter failure: MAX_NUM_ORDER_AMENDS"));
        bench_close(b);
}

static void a_list_of_orders_has_a_name_of_its_own(void **state)
{
        static const char oco[] =
                "symbol=BTCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=150000"
                "&belowType=STOP_LOSS&belowStopPrice=50000&aboveClientOrderId=up"
                "&listClientOrderId=both";
        struct bench *b = bench_open(NULL);

        (void)state;
        assert_int_equal(signed_call(b, "POST", "/api/v3/orderList/oco", oco, AT(1)), 200);
        assert_non_null(strstr(body(b), "\"listClientOrderId\":\"both\""));
        assert_int_equal(signed_call(b, "GET", "/api/v3/orderList", "origClientOrderId=both",
                                     AT(1)),
                         200);
        assert_int_equal(signed_call(b, "GET", "/api/v3/orderList", "origClientOrderId=up", AT(1)),
                         400);
        assert_int_equal(signed_call(b, "DELETE", "/api/v3/orderList",
                                     "symbol=BTCUSDT&listClientOrderId=up", AT(1)),
                         400);
        assert_int_equal(signed_call(b, "DELETE", "/api/v3/orderList",
                                     "symbol=BTCUSDT&listClientOrderId=both", AT(1)),
                         200);
        assert_non_null(strstr(body(b), "ALL_DONE"));
        bench_close(b);
}

static void hostile_input_is_only_refused(void **state)
{
        /* One character more than an id may have. */
        static const char long_id[] = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&"
                                      "newClientOrderId=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        static const char *const queries[] = {
                "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=-1",
                "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1e9",
                "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=99999999999",
                "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0",
                "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0",
                "symbol=BTCUSDT&side=UP&type=MARKET&quantity=1",
                "symbol=BTCUSDT&side=BUY&type=NONE&quantity=1",
                "symbol=%00&side=BUY",
                "symbol=%ff%fe&side=BUY&type=MARKET&quantity=1",
                "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=%22%3C%3E",
                long_id,
                "batchOrders=%5B%5B%5D%2C1%2Cnull%5D",
                "batchOrders=%7B",
                "batchOrders=%5B%5D",
                "&&&=&=x&x",
        };
        static const char *const paths[] = { "/api/v3/order",         "/fapi/v1/order",
                                             "/dapi/v1/order",        "/fapi/v1/batchOrders",
                                             "/api/v3/orderList/oco", "/api/v3/order/cancelReplace",
                                             "/fapi/v1/algoOrder" };
        struct bench *b = bench_open(NULL);
        unsigned n = 0;

        (void)state;
        for (size_t p = 0; p < ARRAY_SIZE(paths); ++p)
                for (size_t q = 0; q < ARRAY_SIZE(queries); ++q) {
                        unsigned status = signed_call(b, "POST", paths[p], queries[q], AT(++n));
                        bool batch = strcmp(paths[p], "/fapi/v1/batchOrders") == 0;

                        if (status != 400 && !(batch && status == 200))
                                fail_msg("%s?%s: %u %s", paths[p], queries[q], status, body(b));
                }
        assert_int_equal(b->x->attempts.executions, 0);
        bench_close(b);
}

static void admin_calls_answer_and_are_not_counted(void **state)
{
        static const struct {
                const char *method, *path, *query, *body;
                unsigned status;
                const char *text;
        } rows[] = {
                { "GET", "/sim/books", "", "", 200, "\"pool\":\"spot\"" },
                { "GET", "/sim/orders", "", "", 200, "\"mostExecutions\":0" },
                { "GET", "/sim/orders", "clientOrderId=x", "", 200, "\"attempts\":0" },
                { "GET", "/sim/requests", "last=3", "", 200, "[]" },
                { "POST", "/sim/faults", "", "* * always gzip\nskew 5\n", 200, "true" },
                { "POST", "/sim/faults", "", "* * always bang", 400, "\"column\":12" },
                { "POST", "/sim/limits", "", "spot-weight=7/5s\nban=1,2\n", 200, "true" },
                { "POST", "/sim/limits", "", "spot-weight=8/5s\nmoon=7/5s", 400, "\"line\":2" },
                { "POST", "/sim/price", "symbol=BTCUSDT&market=usdm&price=1234.56", "", 200,
                  "true" },
                { "POST", "/sim/price", "symbol=NONE&price=1", "", 400, "no such symbol" },
                { "POST", "/sim/price", "symbol=BTCUSDT&price=x", "", 400, "decimal" },
                { "GET", "/sim/none", "", "", 404, "no such admin call" },
                { "GET", "/sim/faults", "", "", 404, "no such admin call" },
        };
        struct bench *b = bench_open(NULL);
        struct record record;

        (void)state;
        record_init(&record, 4);
        serve(b, "GET", "/api/v3/ping", "", "", AT(1));
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct request request = { .method = str_of(rows[i].method),
                                           .path = str_of(rows[i].path),
                                           .query = str_of(rows[i].query),
                                           .body = str_of(rows[i].body),
                                           .ip = "127.0.0.1" };
                int r;

                reply_deinit(&b->reply);
                reply_init(&b->reply);
                admin_serve(b->x, &record, &request, AT(2), &b->reply);
                r = buf_append(&b->reply.body, "", 1);
                assert_int_equal(r, 0);
                if (b->reply.status != rows[i].status || !strstr(body(b), rows[i].text))
                        fail_msg("%s %s: %u %s", rows[i].method, rows[i].path, b->reply.status,
                                 body(b));
        }
        assert_int_equal(b->x->ledger.rules.limits[POOL_SPOT][LIMIT_WEIGHT].limit, 7);
        assert_int_equal(b->x->skew_ms, 5);
        assert_int_equal(b->x->requests, 1);
        record_deinit(&record);
        bench_close(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spot_orders_cost_weight_only_when_they_fail),
                cmocka_unit_test(fills_give_order_counts_back_with_the_next_request),
                cmocka_unit_test(futures_share_one_pool_and_batches_count_five_and_one),
                cmocka_unit_test(limits_are_refused_in_the_words_of_the_product),
                cmocka_unit_test(orders_beyond_the_limit_are_refused_and_not_counted),
                cmocka_unit_test(checks_come_in_their_order),
                cmocka_unit_test(a_clock_of_its_own_judges_ages),
                cmocka_unit_test(faults_say_whether_the_order_was_executed),
                cmocka_unit_test(closing_orders_are_exempt_from_overload),
                cmocka_unit_test(usage_can_be_missing_or_stale),
                cmocka_unit_test(exchange_info_shows_the_limits_that_hold),
                cmocka_unit_test(sapi_counts_each_endpoint_on_its_own),
                cmocka_unit_test(orders_are_amended_and_their_changes_listed),
                cmocka_unit_test(an_order_on_spot_is_amended_ten_times),
                cmocka_unit_test(a_list_of_orders_has_a_name_of_its_own),
                cmocka_unit_test(hostile_input_is_only_refused),
                cmocka_unit_test(admin_calls_answer_and_are_not_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
