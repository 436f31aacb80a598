#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sign/seal.h"

#include <errno.h>

/* The example key of Binance's documentation, whose signatures are known. */
#define SECRET "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
#define KNOWN  "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
#define WIDE   "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
#define OTHER  "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"

static struct signer *signer_of(const char *secret)
{
        struct signer_source source = { .api_key = "key", .api_secret = secret };
        char why[SIGNER_WHY_MAX];
        struct signer *s;

        assert_int_equal(signer_open(&source, &s, why), 0);
        return s;
}

static struct seal_request request_of(const char *target, const char *body)
{
        const char *mark = strchr(target, '?');

        return (struct seal_request){
                .target = str_of(target),
                .query = mark ? str_of(mark + 1) : STR_NULL,
                .has_query = mark != NULL,
                .body = str_of(body),
        };
}

static void what_the_client_wrote_stays_and_the_seal_comes_last(void **state)
{
        static const struct {
                const char *secret, *target, *body;
                uint64_t timestamp_ms, recv_window_ms;
                const char *target_begins, *body_begins, *signature;
        } rows[] = {
                /* The exchange's own examples, as query, as body, and cut in two. */
                { SECRET,
                  "/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&"
                  "price=0.1",
                  "", 1499827319559, 5000,
                  "/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&"
                  "price=0.1&recvWindow=5000&timestamp=1499827319559&signature=",
                  "", KNOWN },
                { SECRET, "/api/v3/order",
                  "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1",
                  1499827319559, 5000, "/api/v3/order",
                  "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&"
                  "recvWindow=5000&timestamp=1499827319559&signature=",
                  KNOWN },
                { SECRET,
                  "/api/v3/order?symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&"
                  "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000",
                  "", 1499827319559, 0,
                  "/api/v3/order?symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&"
                  "side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
                  "timestamp=1499827319559&signature=",
                  "", WIDE },
                { "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9",
                  "/fapi/v1/order",
                  "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC",
                  1591702613943, 5000, "/fapi/v1/order",
                  "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&"
                  "recvWindow=5000&timestamp=1591702613943&signature=",
                  OTHER },
                /* Query and body: signed without anything between (the documentation has it). */
                { SECRET, "/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
                  "quantity=1&price=0.1", 1499827319559, 5000,
                  "/api/v3/order?symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
                  "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=",
                  "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77" },
                /* No parameters, a bare mark, and a joint that is there already. */
                { SECRET, "/api/v3/account", "", 1, 0, "/api/v3/account?timestamp=1&signature=", "",
                  NULL },
                { SECRET, "/api/v3/account?", "", 1, 0,
                  "/api/v3/account?timestamp=1&signature=", "", NULL },
                { SECRET, "/api/v3/account?a=1&", "", 1, 0,
                  "/api/v3/account?a=1&timestamp=1&signature=", "", NULL },
                { SECRET, "/api/v3/order?", "a=&b", 1, 7, "/api/v3/order?",
                  "a=&b&recvWindow=7&timestamp=1&signature=", NULL },
        };
        struct buf target, body;

        (void)state;
        buf_init(&target, 65536);
        buf_init(&body, 65536);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct seal_request request = request_of(rows[i].target, rows[i].body);
                struct signer *s = signer_of(rows[i].secret);
                struct str at, begins;

                assert_int_equal(seal_write(s, &request, rows[i].timestamp_ms,
                                            rows[i].recv_window_ms, &target, &body),
                                 0);
                signer_close(s);
                at = rows[i].body[0] ? buf_str(&body) : buf_str(&target);
                must(at.p);
                begins = str_of(rows[i].body[0] ? rows[i].body_begins : rows[i].target_begins);
                if (!str_has_prefix(at, begins) || at.n != begins.n + 64)
                        fail_msg("row %zu: %.*s", i, STR_ARGS(at));
                if (rows[i].signature &&
                    !str_eq(str_from(at.p + begins.n, 64), str_of(rows[i].signature)))
                        fail_msg("row %zu signs %.*s", i, 64, at.p + begins.n);
                if (rows[i].body[0] && !str_eq(buf_str(&target), str_of(rows[i].target_begins)))
                        fail_msg("row %zu: %.*s", i, STR_ARGS(buf_str(&target)));
                if (!rows[i].body[0])
                        assert_int_equal(buf_length(&body), 0);
        }
        buf_deinit(&target);
        buf_deinit(&body);
}

static void bytes_that_would_be_read_in_two_ways_are_refused(void **state)
{
        static const struct {
                const char *target, *body, *says;
        } rows[] = {
                { "/x?a=1&b=-._~!$'()*+,;:@/?", "", NULL },
                { "/x?a=%20%c3%BC", "b=%5B%7B", NULL },
                { "/x?symbols=[\"A\"]", "", "byte 9 of the query must be percent-encoded" },
                { "/x?a=\"", "", "write %22" },
                { "/x", "a=b c", "byte 4 of the body must be percent-encoded" },
                { "/x", "a=\xc3\xbc", "write %C3" },
                { "/x", "a=1\r\n", "write %0D" },
                { "/x", "{\"a\":1}", "write %7B" },
                { "/x?a=%", "", "byte 3 of the query is a % without" },
                { "/x?a=%2", "", "write %25" },
                { "/x?a=%zz", "", "write %25" },
        };
        char why[SEAL_WHY_MAX];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct seal_request request = request_of(rows[i].target, rows[i].body);
                int r;

                why[0] = '\0';
                r = seal_check(&request, why);
                if (r != (rows[i].says ? -EINVAL : 0) ||
                    (rows[i].says && !strstr(why, rows[i].says)))
                        fail_msg("%s, %s: %d %s", rows[i].target, rows[i].body, r, why);
        }
}

static void what_does_not_fit_or_cannot_be_signed_leaves_nothing(void **state)
{
        struct signer_source source = { .api_key = "key" };
        struct seal_request request = request_of("/x?a=1", "b=2");
        char why[SIGNER_WHY_MAX];
        struct buf target, body;
        struct signer *s = signer_of(SECRET);

        (void)state;
        buf_init(&target, 4096);
        buf_init(&body, 40);
        assert_int_equal(seal_write(s, &request, 1, 5000, &target, &body), -ENOBUFS);
        assert_int_equal(buf_length(&target), 0);
        assert_int_equal(buf_length(&body), 0);
        signer_close(s);
        buf_deinit(&body);
        buf_init(&body, 4096);
        assert_int_equal(signer_open(&source, &s, why), 0);
        assert_int_equal(seal_write(s, &request, 1, 5000, &target, &body), -ENOKEY);
        assert_int_equal(buf_length(&body), 0);
        signer_close(s);
        buf_deinit(&target);
        buf_deinit(&body);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_the_client_wrote_stays_and_the_seal_comes_last),
                cmocka_unit_test(bytes_that_would_be_read_in_two_ways_are_refused),
                cmocka_unit_test(what_does_not_fit_or_cannot_be_signed_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
