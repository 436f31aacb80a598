#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "gateway/ratelimits.h"

#define WEIGHT                                                                                     \
        "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\",\"intervalNum\":1,"         \
        "\"limit\":6000}"
#define ORDERS                                                                                     \
        "{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":100}"
#define DAY "{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":200000}"

static const struct {
        const char *label, *text;
        int n;                   /* entries, or -EINVAL; 0: the array never ends */
        uint32_t span_ms, limit; /* of the last one */
} rows[] = {
        { "as Binance sends it",
          "{\"timezone\":\"UTC\",\"rateLimits\":[" WEIGHT "," ORDERS "," DAY "],\"symbols\":[]}", 3,
          86400000, 200000 },
        { "pretty-printed", "{ \"rateLimits\" : [ " WEIGHT " ] }", 1, 60000, 6000 },
        { "after another name that begins alike", "{\"rateLimit\":1,\"rateLimits\":[" ORDERS "]}",
          1, 10000, 100 },
        { "an unknown type and an unknown interval are left out",
          "{\"rateLimits\":[{\"rateLimitType\":\"CONNECTIONS\",\"interval\":\"MINUTE\","
          "\"intervalNum\":5,\"limit\":300},{\"rateLimitType\":\"ORDERS\",\"interval\":\"WEEK\","
          "\"intervalNum\":1,\"limit\":300}," WEIGHT "]}",
          1, 60000, 6000 },
        { "nothing but unknown ones", "{\"rateLimits\":[{\"rateLimitType\":\"CONNECTIONS\"}]}",
          -EINVAL, 0, 0 },
        { "a limit of zero would stop everything: not believed",
          "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
          "\"intervalNum\":1,\"limit\":0}]}",
          -EINVAL, 0, 0 },
        { "a negative limit",
          "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"SECOND\","
          "\"intervalNum\":1,\"limit\":-5}]}",
          -EINVAL, 0, 0 },
        { "a span beyond what we keep",
          "{\"rateLimits\":[{\"rateLimitType\":\"ORDERS\",\"interval\":\"DAY\","
          "\"intervalNum\":99999,\"limit\":5}]}",
          -EINVAL, 0, 0 },
        { "empty", "{\"rateLimits\":[]}", -EINVAL, 0, 0 },
        { "not objects", "{\"rateLimits\":[1,\"x\",null]}", -EINVAL, 0, 0 },
        { "cut off", "{\"rateLimits\":[" WEIGHT, 0, 0, 0 },
        { "without the array", "{\"symbols\":[]}", 0, 0, 0 },
        { "a page of HTML", "<html><body>rateLimits</body></html>", 0, 0, 0 },
};

static void feed(struct ratelimits *r, const char *text, size_t piece)
{
        struct str rest = str_of(text);

        while (rest.n > 0) {
                size_t n = piece < rest.n ? piece : rest.n;

                (void)ratelimits_feed(r, str_from(rest.p, n));
                rest = str_from(rest.p + n, rest.n - n);
        }
}

static void the_array_is_found_however_the_reply_is_cut(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                for (size_t piece = 1; piece < 40; piece += 7) {
                        struct budget_limit entries[BUDGET_LIMITS_MAX] = { 0 };
                        static struct ratelimits r;
                        int n;

                        r = RATELIMITS_NULL;
                        feed(&r, rows[i].text, piece);
                        if (r.is_ended != (rows[i].n != 0))
                                fail_msg("%s: ended: %d", rows[i].label, r.is_ended);
                        n = ratelimits_entries(&r, entries);
                        if (n != (rows[i].n ? rows[i].n : -EINVAL))
                                fail_msg("%s: got %d", rows[i].label, n);
                        if (n > 0 && (entries[n - 1].span_ms != rows[i].span_ms ||
                                      entries[n - 1].limit != rows[i].limit))
                                fail_msg("%s: got %u per %u ms", rows[i].label,
                                         entries[n - 1].limit, entries[n - 1].span_ms);
                }
        }
}

static void a_list_without_end_is_given_up(void **state)
{
        static struct ratelimits r;

        (void)state;
        r = RATELIMITS_NULL;
        feed(&r, "{\"rateLimits\":[", 100);
        for (int i = 0; i < 20000; ++i)
                assert_false(ratelimits_feed(&r, STR_LITERAL("{}")));
        assert_true(r.is_bad);
        assert_true(r.n_text <= RATELIMITS_BYTES);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_array_is_found_however_the_reply_is_cut),
                cmocka_unit_test(a_list_without_end_is_given_up),
        };

        return cmocka_run_group_tests_name("gateway/ratelimits", tests, NULL, NULL);
}
