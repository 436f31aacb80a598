#include "budget/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DAY_MS 86400000u
#define NOW_MS (20000ULL * DAY_MS + 1000)

static struct twins t;
static struct policy_plan plan;
static uint16_t pool;
static struct twins_pair pair; /* found last */

static int setup(void **state)
{
        struct policy_input input = { .method = STR_LITERAL("POST"),
                                      .path = STR_LITERAL("/api/v3/order"),
                                      .api_key = STR_LITERAL("key") };

        (void)state;
        memset(&t, 0, sizeof(t));
        assert_int_equal(policy_match(NULL, &input, &plan), 0);
        pool = (uint16_t)policy_pool_find(STR_LITERAL("spot-orders"));
        return 0;
}

/* An order that is answered with this count; 0: without one. */
static bool order_at(uint64_t key, int status, uint32_t shown, uint64_t at_ms)
{
        struct limiter_news news[] = {
                { .pool = pool, .span_ms = 10000, .used = shown % 7 },
                { .pool = pool, .span_ms = DAY_MS, .used = shown },
        };
        struct twins_order o;

        twins_sent(&t, &plan, key, "Key...", &o);
        assert_true(o.is_flying);
        return twins_answered(&t, &o, &plan, status, news, shown ? 2 : 0,
                              (struct limiter_time){ at_ms, 20 }, &pair);
}

static bool order(uint64_t key, uint32_t shown)
{
        return order_at(key, 200, shown, NOW_MS);
}

/* A desk of keys that take turns: "AB" by two, "AABC"; each of an account, each account with what
 * it had before and what strangers add between two of ours. Return: pairs that were found. */
static unsigned play(const char *turns, const char *accounts, const uint32_t *had,
                     const uint32_t *strangers, unsigned rounds)
{
        uint32_t count[4];
        unsigned found = 0;

        memcpy(count, had, sizeof(count));
        for (unsigned i = 0; i < rounds; ++i) {
                for (const char *turn = turns; *turn; ++turn) {
                        unsigned account = (unsigned)(accounts[*turn - 'A'] - 'a');

                        ++count[account];
                        if (order((uint64_t)*turn, count[account])) {
                                assert_int_equal(accounts[pair.one->number - 'A'],
                                                 accounts[pair.other->number - 'A']);
                                ++found;
                        }
                        for (unsigned k = 0; k < 4; ++k)
                                count[k] += strangers[k];
                }
        }
        return found;
}

static void two_keys_of_one_account_are_found_and_others_are_not(void **state)
{
        static const struct {
                const char *label, *turns, *accounts;
                uint32_t had[4], strangers[4];
                unsigned found;
        } rows[] = {
                { "one account", "AB", "aa", { 0 }, { 0 }, 1 },
                { "it had a history", "AB", "aa", { 4711 }, { 0 }, 1 },
                { "not in turns of one", "AABAB", "aa", { 3 }, { 0 }, 1 },
                { "two accounts", "AB", "ab", { 0 }, { 0 }, 0 },
                { "the second is one ahead", "AB", "ab", { 0, 1 }, { 0 }, 0 },
                { "the first is one ahead", "AB", "ab", { 1, 0 }, { 0 }, 0 },
                { "a stranger on one of two accounts, as busy as the other",
                  "AB",
                  "ab",
                  { 0 },
                  { 1 },
                  0 },
                { "strangers on both, in step", "AB", "ab", { 0 }, { 1, 1 }, 0 },
                { "a stranger on the one account: not sure", "AB", "aa", { 0 }, { 1 }, 0 },
                { "three keys of one account", "ABC", "aaa", { 0 }, { 0 }, 3 },
                { "a third of its own", "ABC", "aab", { 0 }, { 0 }, 1 },
                { "two and two", "ABCD", "abab", { 5, 50 }, { 0 }, 2 },
                { "two and two, in step from midnight on: not sure",
                  "ABCD",
                  "abab",
                  { 0 },
                  { 0 },
                  0 },
                { "the same in another order", "ABCD", "abba", { 0 }, { 0 }, 0 },
                { "and another: one is clear", "ABCD", "aabb", { 0 }, { 0 }, 1 },
                { "four accounts", "ABCD", "abcd", { 0, 1, 2, 3 }, { 0 }, 0 },
                { "one key alone", "A", "a", { 0 }, { 0 }, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                unsigned found;

                assert_int_equal(setup(state), 0);
                found = play(rows[i].turns, rows[i].accounts, rows[i].had, rows[i].strangers, 60);
                if (found != rows[i].found)
                        fail_msg("%s: %u pairs", rows[i].label, found);
        }
}

static void a_few_coincidences_are_not_enough(void **state)
{
        (void)state;
        for (uint32_t n = 1; n <= 2 * TWINS_ENOUGH; ++n)
                assert_false(order(n % 2 ? 'A' : 'B', n));
        assert_true(order('A', 2 * TWINS_ENOUGH + 1));
        /* And it is said once. */
        for (uint32_t n = 2 * TWINS_ENOUGH + 2; n < 40; ++n)
                assert_false(order(n % 2 ? 'A' : 'B', n));
}

static void one_contradiction_begins_it_anew(void **state)
{
        uint32_t n = 1;

        (void)state;
        for (; n < 2 * TWINS_ENOUGH; ++n)
                assert_false(order(n % 2 ? 'A' : 'B', n));
        n += 1;
        for (unsigned i = 0; i < 2 * TWINS_ENOUGH; ++i, ++n)
                assert_false(order(n % 2 ? 'A' : 'B', n));
}

static void what_is_not_certain_is_no_evidence(void **state)
{
        struct twins_order a, b;
        struct limiter_news news = { .pool = pool, .span_ms = DAY_MS };
        struct limiter_time now = { NOW_MS, 20 };

        (void)state;
        for (uint32_t n = 1; n < 60; n += 2) {
                /* Both in flight at once: which count is whose cannot be told. */
                twins_sent(&t, &plan, 'A', "A", &a);
                twins_sent(&t, &plan, 'B', "B", &b);
                news.used = n + 1;
                assert_false(twins_answered(&t, &b, &plan, 200, &news, 1, now, &pair));
                news.used = n;
                assert_false(twins_answered(&t, &a, &plan, 200, &news, 1, now, &pair));
        }
        for (uint32_t n = 60; n < 80; ++n) {
                /* Each follows a refusal, which may have counted; or an unknown fate. */
                assert_false(order_at('C', n % 2 ? 400 : 200, 0, NOW_MS));
                assert_false(order(n % 2 ? 'A' : 'B', n));
        }
        for (uint32_t n = 100; n < 130; ++n) {
                twins_sent(&t, &plan, 'A', "A", &a);
                twins_ended(&t, &a, true);
                twins_ended(&t, &a, true);
                assert_false(order(n % 2 ? 'A' : 'B', n));
        }
        assert_int_equal(t.pools[0].flying, 0);
        /* Each count is of another day, or nobody knows of which. */
        for (uint32_t n = 1; n < 40; ++n)
                assert_false(order_at(n % 2 ? 'A' : 'B', 200, n, NOW_MS + (uint64_t)n * DAY_MS));
        for (uint32_t n = 1; n < 40; ++n)
                assert_false(order_at(n % 2 ? 'A' : 'B', 200, n, NOW_MS - 1000));
}

static void what_never_left_changes_nothing(void **state)
{
        struct twins_order a;
        bool is_found = false;

        (void)state;
        for (uint32_t n = 1; n < 12; ++n) {
                twins_sent(&t, &plan, 'A', "A", &a);
                twins_ended(&t, &a, false);
                is_found |= order(n % 2 ? 'A' : 'B', n);
        }
        assert_true(is_found);
}

static void more_keys_than_are_kept_are_let_be(void **state)
{
        struct twins_order o;

        (void)state;
        for (uint64_t key = 1; key <= TWINS_KEYS + 8; ++key) {
                twins_sent(&t, &plan, key, "K", &o);
                assert_true(o.is_flying == (key <= TWINS_KEYS));
                twins_ended(&t, &o, false);
        }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(two_keys_of_one_account_are_found_and_others_are_not),
                TEST(a_few_coincidences_are_not_enough),
                TEST(one_contradiction_begins_it_anew),
                TEST(what_is_not_certain_is_no_evidence),
                TEST(what_never_left_changes_nothing),
                TEST(more_keys_than_are_kept_are_let_be),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
