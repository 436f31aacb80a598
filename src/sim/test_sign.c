#include "sim/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SECRET_DOCS    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
#define SECRET_FUTURES "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

static const struct {
        const char *label, *secret, *payload, *hex;
} vectors[] = {
        { "spot", SECRET_DOCS,
          "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
          "timestamp=1499827319559",
          "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71" },
        { "percent-encoded symbol", SECRET_DOCS,
          "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&"
          "timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
          "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3" },
        { "futures", SECRET_FUTURES,
          "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow="
          "5000&"
          "timestamp=1591702613943",
          "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9" },
};

static void the_documented_vectors_come_out(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(vectors); ++i) {
                struct str payload = str_of(vectors[i].payload);

                /* Wherever it is cut into query and body. */
                for (size_t cut = 0; cut <= payload.n; ++cut) {
                        char hex[SIGN_HEX];

                        sign_hmac(str_of(vectors[i].secret), str_from(payload.p, cut),
                                  str_from(payload.p + cut, payload.n - cut), hex);
                        assert_string_equal(hex, vectors[i].hex);
                }
        }
}

static void account_with(struct account *account, const char *secret)
{
        *account = (struct account){ .index = 0 };
        snprintf(account->secret, sizeof(account->secret), "%s", secret);
}

#define HEX0       "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
#define HEX0_UPPER "C8DB56825AE71D6D79447849E617115F4A920FA2ACDCAB2B053C4B2838BD6B71"
#define ALL                                                                                        \
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"  \
        "timestamp=1499827319559"
#define QUERY "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
#define BODY  "&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"

static void signatures_are_found_and_judged(void **state)
{
        static const struct {
                const char *label, *query, *body;
                enum sign_answer answer;
        } rows[] = {
                { "in the query", ALL "&signature=" HEX0, "", SIGN_OK },
                { "in the body", "", ALL "&signature=" HEX0, SIGN_OK },
                { "in upper case", ALL "&signature=" HEX0_UPPER, "", SIGN_OK },
                { "of both, no separator", QUERY, BODY "&signature=" HEX0, SIGN_OK },
                { "of both, in the query", QUERY "&signature=" HEX0, BODY, SIGN_OK },
                { "none", ALL, "", SIGN_MISSING },
                { "empty", ALL "&signature=", "", SIGN_MISSING },
                { "nothing at all", "", "", SIGN_MISSING },
                { "cut short", ALL "&signature=c8db", "", SIGN_WRONG },
                { "of something else", "a=1&" ALL "&signature=" HEX0, "", SIGN_WRONG },
                { "not the last", ALL "&signature=" HEX0 "&a=1", "", SIGN_MISSING },
                { "of other case in the payload", "Symbol=LTCBTC&signature=" HEX0, "", SIGN_WRONG },
        };
        struct account account;

        (void)state;
        account_with(&account, SECRET_DOCS);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                enum sign_answer got =
                        sign_check(&account, str_of(rows[i].query), str_of(rows[i].body));

                if (got != rows[i].answer)
                        fail_msg("%s: %d", rows[i].label, got);
        }
}

static void age_is_judged_as_documented(void **state)
{
        static const struct {
                const char *label, *timestamp, *window;
                bool microseconds;
                enum sign_time answer;
        } rows[] = {
                { "now", "1700000000000", "", false, SIGN_IN_TIME },
                { "999 ms ahead", "1700000000999", "", false, SIGN_IN_TIME },
                { "1000 ms ahead", "1700000001000", "", false, SIGN_TOO_EARLY },
                { "5000 ms old", "1699999995000", "", false, SIGN_IN_TIME },
                { "5001 ms old", "1699999994999", "", false, SIGN_TOO_OLD },
                { "old, with a longer window", "1699999994999", "6000", false, SIGN_IN_TIME },
                { "the longest window", "1699999940000", "60000", false, SIGN_IN_TIME },
                { "a longer one", "1700000000000", "60001", false, SIGN_WINDOW_TOO_LONG },
                { "decimals on futures", "1700000000000", "10.5", false, SIGN_BAD_WINDOW },
                { "decimals on spot", "1700000000000", "10.125", true, SIGN_IN_TIME },
                { "four decimals", "1700000000000", "10.1255", true, SIGN_BAD_WINDOW },
                { "a negative window", "1700000000000", "-1", true, SIGN_BAD_WINDOW },
                { "microseconds on spot", "1700000000000000", "", true, SIGN_IN_TIME },
                { "microseconds, half a one old", "1699999999999500", "0.5", true, SIGN_IN_TIME },
                { "microseconds, too old", "1699999999999499", "0.5", true, SIGN_TOO_OLD },
                { "microseconds on futures", "1700000000000000", "", false, SIGN_TOO_EARLY },
                { "none", "", "", false, SIGN_NO_TIMESTAMP },
                { "words", "now", "", false, SIGN_BAD_TIMESTAMP },
                { "beyond 64 bits", "99999999999999999999", "", false, SIGN_BAD_TIMESTAMP },
        };
        const uint64_t now_us = 1700000000000000;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct sign_age age;
                enum sign_time got = sign_time(str_of(rows[i].timestamp), str_of(rows[i].window),
                                               rows[i].microseconds, now_us, &age);

                if (got != rows[i].answer)
                        fail_msg("%s: %d", rows[i].label, got);
        }
}

static void accounts_are_found_by_key(void **state)
{
        struct accounts accounts;

        (void)state;
        accounts_init(&accounts);
        assert_int_equal(accounts.n, 2);
        for (size_t i = 0; i < accounts.n; ++i) {
                assert_int_equal(strlen(accounts.list[i].key), 64);
                assert_int_equal(strlen(accounts.list[i].secret), 64);
                assert_ptr_equal(accounts_find(&accounts, str_of(accounts.list[i].key)),
                                 &accounts.list[i]);
        }
        assert_null(accounts_find(&accounts, STR_LITERAL("")));
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("carol:k:s")), 0);
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("carol:k2:s2")), 0);
        assert_int_equal(accounts.n, 3);
        assert_string_equal(accounts_find(&accounts, STR_LITERAL("k2"))->secret, "s2");
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("carol:k")), -22);
        assert_int_equal(accounts_add_key(&accounts, STR_LITERAL("carol:k3:s3")), 0);
        assert_int_equal(accounts_find(&accounts, STR_LITERAL("k3"))->index, 2);
        assert_string_equal(accounts_find(&accounts, STR_LITERAL("k2"))->secret, "s2");
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("dave:k4:s4")), 0);
        assert_int_equal(accounts_find(&accounts, STR_LITERAL("k4"))->index, 4);
        assert_int_equal(accounts_add_key(&accounts, STR_LITERAL("nobody:k5:s5")), -2);
        assert_int_equal(accounts_add_key(&accounts, STR_LITERAL("carol:k5")), -22);
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("")), -22);
        assert_int_equal(accounts_add(&accounts, STR_LITERAL("d:k:@/no/such/file")), -2);
        accounts_deinit(&accounts);
}

/* A key made on the spot, what it signs, and what it must not accept. */
static void public_keys_verify(void **state)
{
        static const char payload[] = "symbol=BTCUSDT&timestamp=1";
        struct account account = { .public_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
        unsigned char signature[64];
        char text[89], query[256], encoded[200];
        size_t n = sizeof(signature), at = 0;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        (void)state;
        assert_non_null(account.public_key);
        assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, account.public_key), 1);
        assert_int_equal(EVP_DigestSign(ctx, signature, &n, (const unsigned char *)payload,
                                        strlen(payload)),
                         1);
        EVP_EncodeBlock((unsigned char *)text, signature, (int)n);
        for (const char *p = text; *p; ++p)
                at += (size_t)snprintf(encoded + at, sizeof(encoded) - at,
                                       *p == '+' || *p == '/' || *p == '=' ? "%%%02X" : "%c", *p);
        snprintf(query, sizeof(query), "%s&signature=%s", payload, encoded);
        assert_int_equal(sign_check(&account, str_of(query), STR_NULL), SIGN_OK);
        query[0] = 'S';
        assert_int_equal(sign_check(&account, str_of(query), STR_NULL), SIGN_WRONG);
        assert_int_equal(sign_check(&account, STR_LITERAL("a=1&signature=%zz="), STR_NULL),
                         SIGN_WRONG);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(account.public_key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_documented_vectors_come_out),
                cmocka_unit_test(signatures_are_found_and_judged),
                cmocka_unit_test(age_is_judged_as_documented),
                cmocka_unit_test(accounts_are_found_by_key),
                cmocka_unit_test(public_keys_verify),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
