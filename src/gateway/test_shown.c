#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/request_id.h"
#include "gateway/shown.h"
#include "policy/policy.h"

#define KEY       "SimKeyAlice7mQ2xVtR9pLw4ZcYh8Nf3KsJ6bGd1uEoXa5TqMvWnPrHyBkCiLzUg"
#define SIGNATURE "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
#define ED25519                                                                                    \
        "LwKfB8AKbLVqRTMwmEZVY/O0dFsqh0hTdpaSSBxnGiVZkEKIxwS0p2pSj9p5qVAYmtLFqE4kGU4lA+7Y0D9ZAA=="

static void check_path(const char *path, const char *wanted)
{
        char to[256];

        assert_string_equal(shown_path(str_of(path), to, sizeof(to)), wanted);
}

static void paths_of_the_exchange_are_shown_whole(void **state)
{
        char to[256];
        size_t n = 0;

        (void)state;
        for (; n < policy_endpoint_count(); ++n) {
                const char *path = policy_endpoint(n)->path;

                assert_string_equal(shown_path(str_of(path), to, sizeof(to)), path);
        }
        assert_true(n > 500);
        check_path("/", "");
        check_path("/api/v3/nonsense", "/api/v3/nonsense");
}

static void what_is_no_word_ends_a_path(void **state)
{
        (void)state;
        check_path("/api/v3/userDataStream/" KEY, "/api/v3/userDataStream/(hidden)");
        check_path("/api/v3/order&signature=" SIGNATURE, "/api/v3/(hidden)");
        check_path("/api/v3/" SIGNATURE "/x", "/api/v3/(hidden)");
        check_path("/fapi/v1/" ED25519, "/fapi/v1/(hidden)");
        check_path("/api/v3/c8db56825ae71d", "/api/v3/(hidden)");
        check_path("/api/v3/x\"y", "/api/v3/(hidden)");
        check_path("/api/v3/order\n", "/api/v3/(hidden)");
}

static void of_parameters_only_names_are_shown(void **state)
{
        static const struct {
                const char *query, *names;
        } rows[] = {
                { "", "" },
                { "symbol=BTCUSDT&timestamp=1&signature=" SIGNATURE, "symbol,timestamp,signature" },
                { "a=1&&b&=2&c==", "a,b,c" },
                { SIGNATURE, "(hidden)" },
                { "x=1&" KEY "=1&y=2", "x,(hidden),y" },
        };
        char to[256];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(shown_names(str_of(rows[i].query), to, sizeof(to)),
                                    rows[i].names);
}

static void a_sentence_keeps_its_words_and_loses_its_secrets(void **state)
{
        static const struct {
                const char *text, *shown;
        } rows[] = {
                { "Way too many requests; IP(1.2.3.4) banned until 1764149400000.",
                  "Way too many requests; IP(1.2.3.4) banned until 1764149400000." },
                { "the key " KEY " is wrong", "the key (hidden) is wrong" },
                { "signature=" ED25519 "&", "(hidden)&" },
                { "tok-0123456789abcdef0123456789abcdef", "(hidden)" },
                { "550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000" },
                { "", "" },
        };
        char to[256];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                assert_string_equal(shown_text(str_of(rows[i].text), to, sizeof(to)),
                                    rows[i].shown);
}

static void what_is_too_long_is_cut(void **state)
{
        char to[8];

        (void)state;
        assert_string_equal(shown_path(STR_LITERAL("/api/v3/order"), to, sizeof(to)), "/api/v3");
        assert_string_equal(shown_names(STR_LITERAL("symbol=1&side=2"), to, sizeof(to)), "symbol,");
        assert_string_equal(shown_text(STR_LITERAL("0123456789"), to, sizeof(to)), "0123456");
}

static void an_id_is_a_word_and_no_secret(void **state)
{
        static const struct {
                const char *id;
                bool is_good;
        } rows[] = {
                { "", false },
                { "a", true },
                { "A-z_0.9~", true },
                { "550e8400-e29b-41d4-a716-446655440000", true },
                { "a b", false },
                { "a\"", false },
                { "a/b", false },
                { "a\xc3\xa4", false },
                { SIGNATURE, false },
                { KEY, false },
                { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true },
                { "0123456789.123456789.123456789.123456789.123456789.123456789.123", true },
                { "0123456789.123456789.123456789.123456789.123456789.123456789.1234", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                if (request_id_is_good(str_of(rows[i].id)) != rows[i].is_good)
                        fail_msg("row %zu: %s", i, rows[i].id);
}

static void ids_of_a_run_differ_and_those_of_another_too(void **state)
{
        char one[REQUEST_ID_SIZE], next[REQUEST_ID_SIZE], other[REQUEST_ID_SIZE];
        struct request_ids a, b;

        (void)state;
        request_ids_init(&a);
        request_ids_init(&b);
        request_id_make(&a, one);
        request_id_make(&a, next);
        request_id_make(&b, other);
        assert_int_equal(strlen(one), 18);
        assert_true(request_id_is_good(str_of(one)));
        assert_true(strncmp(one, next, 10) == 0 && strcmp(one, next) < 0);
        assert_true(strncmp(one, other, 10) != 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_of_the_exchange_are_shown_whole),
                cmocka_unit_test(what_is_no_word_ends_a_path),
                cmocka_unit_test(of_parameters_only_names_are_shown),
                cmocka_unit_test(a_sentence_keeps_its_words_and_loses_its_secrets),
                cmocka_unit_test(what_is_too_long_is_cut),
                cmocka_unit_test(an_id_is_a_word_and_no_secret),
                cmocka_unit_test(ids_of_a_run_differ_and_those_of_another_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
