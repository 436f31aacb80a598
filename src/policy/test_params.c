#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "policy/params.h"

static struct params read_query(const char *query)
{
        struct params p;

        params_read(&p, str_of(query), STR_NULL);
        return p;
}

static void numbers_that_are_none_are_the_largest(void **state)
{
        static const struct {
                const char *query;
                uint64_t most, least;
        } rows[] = {
                { "limit=5", 5, 5 },
                { "limit=0", 0, 0 },
                { "limit=%35%30", 50, 50 },
                { "limit=18446744073709551614", UINT64_MAX - 1, UINT64_MAX - 1 },
                { "limit=18446744073709551615", UINT64_MAX, UINT64_MAX },
                { "limit=18446744073709551616", UINT64_MAX, UINT64_MAX },
                { "limit=-1", UINT64_MAX, UINT64_MAX },
                { "limit=5%", UINT64_MAX, UINT64_MAX },
                { "limit=5%3", UINT64_MAX, UINT64_MAX },
                { "limit=5%zz", UINT64_MAX, UINT64_MAX },
                { "limit=%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31"
                  "%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31",
                  UINT64_MAX, UINT64_MAX },
                { "limit=", UINT64_MAX, UINT64_MAX },
                { "limit", UINT64_MAX, UINT64_MAX },
                { "limit=3&limit=9&limit=4", 9, 3 },
                { "limit=3&limit=x", UINT64_MAX, 3 },
                { "recvWindow=5000", 5000000, 5000000 },
                { "recvWindow=5000.5", 5000500, 5000500 },
                { "recvWindow=0.0019", 1, 1 },
                { "recvWindow=5000.", 5000000, 5000000 },
                { "recvWindow=.5", UINT64_MAX, UINT64_MAX },
                { "recvWindow=5.x", UINT64_MAX, UINT64_MAX },
                { "recvWindow=5.1234567x", UINT64_MAX, UINT64_MAX },
                { "recvWindow=1.2.3", UINT64_MAX, UINT64_MAX },
                { "recvWindow=18446744073709551", 18446744073709551000ULL,
                  18446744073709551000ULL },
                { "recvWindow=18446744073709551.615", UINT64_MAX, UINT64_MAX },
                { "recvWindow=18446744073709551.616", UINT64_MAX, UINT64_MAX },
                { "recvWindow=18446744073709552", UINT64_MAX, UINT64_MAX },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct params p = read_query(rows[i].query);
                unsigned id = params_has(&p, PARAM_LIMIT) ? PARAM_LIMIT : PARAM_RECV_WINDOW;

                if (!params_has(&p, id) || p.of[id].most != rows[i].most ||
                    p.of[id].least != rows[i].least)
                        fail_msg("%s: got %llu and %llu", rows[i].query,
                                 (unsigned long long)p.of[id].most,
                                 (unsigned long long)p.of[id].least);
        }
}

static void lists_are_never_counted_short(void **state)
{
        static const struct {
                const char *query;
                uint64_t n;
        } rows[] = {
                { "symbols=", 1 },
                { "symbols", 1 },
                { "symbols=A", 1 },
                { "symbols=[]", 1 },
                { "symbols=[\"A\",\"B\"]", 2 },
                { "symbols=%5B%22A%22%2C%22B%22%2c%22C%22%5D", 3 },
                { "symbols=A,B", 2 },
                { "symbols=A,", 2 },
                { "symbols=A%2", 1 },
                { "symbols=A%2C", 2 },
                { "symbols=A,B&symbols=C", 3 },
                { "symbols=&symbols=", 2 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct params p = read_query(rows[i].query);

                if (!params_has(&p, PARAM_SYMBOLS) || p.of[PARAM_SYMBOLS].n_elements != rows[i].n)
                        fail_msg("%s: got %llu", rows[i].query,
                                 (unsigned long long)p.of[PARAM_SYMBOLS].n_elements);
        }
}

static void names_are_exact_once_decoded(void **state)
{
        static const char *const yes[] = {
                "symbol=x",   "symbol",   "symbol=",    "a=b&symbol=x",
                "&&symbol=x", "symbol==", "%73ymbol=x", "%73%79%6d%62%6F%6c=x",
        };
        static const char *const no[] = {
                "",
                "Symbol=x",
                "symbo=x",
                "symbol%=x",
                "symbol+=x",
                "+symbol=x",
                "=symbol",
                "x=symbol",
                "symbolx",
                "%7symbol=x",
                "symbol%00=x",
                "symbol;=x",
                "symbol[]=x",
                "computeCommissionRatesOfSymbol=x",
                "%73%79%6d%62%6f%6c%73%79%6d%62%6f%6c%73%79%6d%62%6f%6c%73%79%6d%62%6f%6c=x",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(yes); ++i) {
                struct params p = read_query(yes[i]);

                if (!params_has(&p, PARAM_SYMBOL))
                        fail_msg("\"%s\" was not seen", yes[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(no); ++i) {
                struct params p = read_query(no[i]);

                if (params_has(&p, PARAM_SYMBOL))
                        fail_msg("\"%s\" was taken for symbol", no[i]);
        }
}

static void the_query_wins_over_the_body(void **state)
{
        struct params p;

        (void)state;
        params_read(&p, STR_LITERAL("side=BUY"), STR_LITERAL("side=SELL&limit=3"));
        assert_true(params_is(&p, PARAM_SIDE, "BUY"));
        assert_int_equal(p.of[PARAM_LIMIT].most, 3);

        params_read(&p, STR_LITERAL("side="), STR_LITERAL("side=SELL"));
        assert_false(params_is(&p, PARAM_SIDE, "SELL"));
        assert_true(p.of[PARAM_SIDE].is_empty);
}

static void what_is_said_in_two_ways_is_mixed(void **state)
{
        struct params p = read_query("side=BUY&side=BUY");

        (void)state;
        assert_true(params_is(&p, PARAM_SIDE, "BUY"));
        p = read_query("side=BUY&side=SELL");
        assert_false(params_is(&p, PARAM_SIDE, "BUY"));
        assert_true(p.of[PARAM_SIDE].is_mixed);
        p = read_query("side=BUY&side=");
        assert_true(p.of[PARAM_SIDE].is_mixed && p.of[PARAM_SIDE].is_empty);
}

/* Puts @text before a page that kills whoever reads it, cut to its first @n bytes. */
static struct str at_the_edge(char *pages, size_t page, const char *bytes, size_t n)
{
        return str_from(memcpy(pages + page - n, bytes, n), n);
}

static void nothing_is_read_past_the_end(void **state)
{
        static const char bytes[] = "limit=%35%2C&symbols=%5B%22A%22%2C%22B&recvWindow=1.5&"
                                    "%73ymbol=%4&timestamp=17%30%";
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *pages =
                mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct params p;

        (void)state;
        assert_true(pages != MAP_FAILED);
        assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
        for (size_t n = 0; n < sizeof(bytes); ++n) {
                params_read(&p, at_the_edge(pages, page, bytes, n), STR_NULL);
                params_read(&p, STR_NULL, at_the_edge(pages, page, bytes, n));
                (void)params_is(&p, PARAM_SYMBOL, "x");
        }
        for (size_t from = 0; from < sizeof(bytes) - 1; ++from)
                params_read(&p, at_the_edge(pages, page, bytes + from, sizeof(bytes) - 1 - from),
                            STR_NULL);
        assert_int_equal(munmap(pages, 2 * page), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_that_are_none_are_the_largest),
                cmocka_unit_test(lists_are_never_counted_short),
                cmocka_unit_test(names_are_exact_once_decoded),
                cmocka_unit_test(the_query_wins_over_the_body),
                cmocka_unit_test(what_is_said_in_two_ways_is_mixed),
                cmocka_unit_test(nothing_is_read_past_the_end),
        };

        return cmocka_run_group_tests_name("policy/params", tests, NULL, NULL);
}
