#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "call/call.h"

#include "classify/classify.h"

#define NOW 1659142907531ULL

static const struct call_config plain = {
        .backoff = { .base_ms = 1000, .ceiling_ms = 300000, .jitter_pct = 0 },
        .max_retries = CALL_MAX_RETRIES,
};

static struct verdict limited(uint64_t retry_at_ms)
{
        return (struct verdict){ .kind = VERDICT_OVER_WEIGHT,
                                 .executed = EXECUTED_NO,
                                 .may_retry = true,
                                 .status = 429,
                                 .code = -1003,
                                 .retry_at_ms = retry_at_ms };
}

static void a_limit_is_waited_out_and_all_else_goes_up(void **state)
{
        static const struct {
                const char *label;
                uint64_t deadline_ms, stated_ms;
                enum verdict_kind kind;
                enum verdict_executed executed;
                bool may_retry;
                enum call_answer answer;
                uint64_t at_ms;
        } rows[] = {
                { "a limit with a time", CALL_NO_DEADLINE, NOW + 7000, VERDICT_OVER_WEIGHT,
                  EXECUTED_NO, true, CALL_WAIT, NOW + 7000 },
                { "a limit without a time", CALL_NO_DEADLINE, 0, VERDICT_OVER_WEIGHT, EXECUTED_NO,
                  true, CALL_WAIT, NOW + 1000 },
                { "an order limit", CALL_NO_DEADLINE, 0, VERDICT_TOO_MANY_ORDERS, EXECUTED_NO, true,
                  CALL_WAIT, NOW + 1000 },
                { "a read under a limit", CALL_NO_DEADLINE, 0, VERDICT_OVER_WEIGHT, EXECUTED_NA,
                  true, CALL_WAIT, NOW + 1000 },
                { "a time that is now", CALL_NO_DEADLINE, NOW, VERDICT_OVER_WEIGHT, EXECUTED_NO,
                  true, CALL_WAIT, NOW + 1000 },
                { "a time that is over", CALL_NO_DEADLINE, NOW - 9000, VERDICT_OVER_WEIGHT,
                  EXECUTED_NO, true, CALL_WAIT, NOW + 1000 },
                { "just within the deadline", NOW + 7000, NOW + 7000, VERDICT_OVER_WEIGHT,
                  EXECUTED_NO, true, CALL_WAIT, NOW + 7000 },

                { "a stated time past the deadline", NOW + 6999, NOW + 7000, VERDICT_OVER_WEIGHT,
                  EXECUTED_NO, true, CALL_DONE, 0 },
                { "a backoff past the deadline", NOW + 999, 0, VERDICT_OVER_WEIGHT, EXECUTED_NO,
                  true, CALL_DONE, 0 },
                { "a deadline that is over", NOW - 1, 0, VERDICT_OVER_WEIGHT, EXECUTED_NO, true,
                  CALL_DONE, 0 },
                { "done", CALL_NO_DEADLINE, 0, VERDICT_OK, EXECUTED_YES, false, CALL_DONE, 0 },
                { "a reject", CALL_NO_DEADLINE, 0, VERDICT_REJECTED, EXECUTED_NO, false, CALL_DONE,
                  0 },
                { "a ban", CALL_NO_DEADLINE, NOW + 120000, VERDICT_BANNED, EXECUTED_NO, false,
                  CALL_DONE, 0 },
                { "the firewall", CALL_NO_DEADLINE, 0, VERDICT_FIREWALL, EXECUTED_NO, false,
                  CALL_DONE, 0 },
                { "a 503 that names a time", CALL_NO_DEADLINE, NOW + 2000, VERDICT_UNAVAILABLE,
                  EXECUTED_NO, false, CALL_DONE, 0 },
                { "an unknown fate", CALL_NO_DEADLINE, NOW + 2000, VERDICT_UNKNOWN_FATE,
                  EXECUTED_UNKNOWN, false, CALL_DONE, 0 },
                { "an unknown fate, even if said to be repeatable", CALL_NO_DEADLINE, NOW + 2000,
                  VERDICT_OVER_WEIGHT, EXECUTED_UNKNOWN, true, CALL_DONE, 0 },
                { "half done, even if said to be repeatable", CALL_NO_DEADLINE, 0,
                  VERDICT_TOO_MANY_ORDERS, EXECUTED_PARTLY, true, CALL_DONE, 0 },
                { "done, even if said to be repeatable", CALL_NO_DEADLINE, 0, VERDICT_OK,
                  EXECUTED_YES, true, CALL_DONE, 0 },
                { "unsent", CALL_NO_DEADLINE, 0, VERDICT_UNSENT, EXECUTED_NO, false, CALL_DONE, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct verdict v = { .kind = rows[i].kind,
                                     .executed = rows[i].executed,
                                     .may_retry = rows[i].may_retry,
                                     .retry_at_ms = rows[i].stated_ms };
                struct call call;
                uint64_t at_ms = 0;
                enum call_answer answer;

                call_init(&call, &plain, rows[i].deadline_ms);
                answer = call_told(&call, &v, NOW, 12345, &at_ms);
                if (answer != rows[i].answer || at_ms != rows[i].at_ms || call.attempts != 1 ||
                    call.retries != (answer == CALL_WAIT))
                        fail_msg("%s: got %d at %llu", rows[i].label, answer,
                                 (unsigned long long)at_ms);
        }
}

static void five_waits_double_and_the_sixth_limit_goes_up(void **state)
{
        static const uint64_t waits_ms[] = { 1000, 2000, 4000, 8000, 16000 };
        struct verdict v = limited(0);
        struct call call;
        uint64_t now_ms = NOW, at_ms;

        (void)state;
        call_init(&call, &plain, CALL_NO_DEADLINE);
        for (size_t i = 0; i < ARRAY_SIZE(waits_ms); ++i) {
                assert_int_equal(call_told(&call, &v, now_ms, 0, &at_ms), CALL_WAIT);
                assert_true(at_ms == now_ms + waits_ms[i]);
                now_ms = at_ms;
        }
        assert_int_equal(call_told(&call, &v, now_ms, 0, &at_ms), CALL_DONE);
        assert_int_equal(call.attempts, 6);
        assert_int_equal(call.retries, 5);
}

static void stated_times_count_as_retries_too(void **state)
{
        struct call_config twice = plain;
        struct verdict v = limited(NOW + 10);
        struct call call;
        uint64_t at_ms;

        (void)state;
        twice.max_retries = 2;
        call_init(&call, &twice, CALL_NO_DEADLINE);
        assert_int_equal(call_told(&call, &v, NOW, 0, &at_ms), CALL_WAIT);
        assert_int_equal(call_told(&call, &v, NOW, 0, &at_ms), CALL_WAIT);
        assert_int_equal(call_told(&call, &v, NOW, 0, &at_ms), CALL_DONE);
}

static void no_retries_when_none_are_allowed(void **state)
{
        struct call_config none = plain;
        struct verdict v = limited(NOW + 10);
        struct call call;
        uint64_t at_ms;

        (void)state;
        none.max_retries = 0;
        call_init(&call, &none, CALL_NO_DEADLINE);
        assert_int_equal(call_told(&call, &v, NOW, 0, &at_ms), CALL_DONE);
}

static void the_end_of_time_does_not_wrap(void **state)
{
        struct verdict v = limited(0);
        struct call call;
        uint64_t at_ms;

        (void)state;
        call_init(&call, &plain, UINT64_MAX - 1);
        assert_int_equal(call_told(&call, &v, UINT64_MAX - 5, 0, &at_ms), CALL_DONE);
}

static uint64_t next_random(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

/* A verdict as the classifier gives it for a random reply. */
static struct verdict random_verdict(uint64_t *seed, uint64_t now_ms)
{
        static const int statuses[] = { 429, 429, 429, 429, 429, 429, 429, 429,
                                        200, 400, 403, 408, 409, 418, 500, 503 };
        static const char *const bodies[] = {
                "{\"code\":-1003,\"msg\":\"Too many requests.\"}",
                "{\"code\":-1003,\"msg\":\"IP banned until 1659142999999.\"}",
                "{\"code\":-1015,\"msg\":\"Too many new orders.\"}",
                "{\"code\":-1007,\"msg\":\"Timeout\"}",
                "{\"code\":-2021,\"msg\":\"x\",\"data\":{\"cancelResult\":\"SUCCESS\"}}",
                "<html>429</html>",
                "",
        };
        static const char *const afters[] = { "", "0", "1", "5", "60", "soon" };
        uint64_t r = next_random(seed);
        struct classify_in in = {
                .product = (enum classify_product)(r % CLASSIFY_PRODUCT_COUNT),
                .is_mutating = r >> 8 & 1,
                .is_cut = (r >> 9 & 7) == 0,
                .status = statuses[(r >> 16) % ARRAY_SIZE(statuses)],
                .retry_after = str_of(afters[(r >> 24) % ARRAY_SIZE(afters)]),
                .body = str_of(bodies[(r >> 32) % ARRAY_SIZE(bodies)]),
                .now_ms = now_ms,
        };
        struct verdict v;

        if ((r >> 40) % 8 == 0)
                classify_transport(&in, (enum classify_transport)((r >> 48) % TRANSPORT_COUNT),
                                   r >> 9 & 1, &v);
        else
                classify(&in, &v);
        return v;
}

static void a_wait_was_justified(const struct call *call, const struct verdict *v, uint64_t now_ms,
                                 uint64_t at_ms)
{
        assert_true(at_ms > now_ms && at_ms <= call->deadline_ms);
        assert_true(at_ms >= v->retry_at_ms);
        assert_int_equal(v->status, 429);
        assert_true(v->code == -1003 || v->code == -1015);
        assert_true(v->executed == EXECUTED_NO || v->executed == EXECUTED_NA);
        assert_true(v->kind == VERDICT_OVER_WEIGHT || v->kind == VERDICT_TOO_MANY_ORDERS);
        assert_true(call->retries <= call->config->max_retries);
}

static void no_sequence_of_replies_breaks_the_law(void **state)
{
        uint64_t seed = 0x9e3779b97f4a7c15ULL;
        uint32_t n_waits = 0, n_exhausted = 0;

        (void)state;
        for (int i = 0; i < 100000; ++i) {
                struct call_config config = CALL_CONFIG_DEFAULT;
                struct call call;
                uint64_t now_ms = NOW, at_ms = 0;
                struct verdict v;

                config.max_retries = (uint32_t)(next_random(&seed) % 7);
                call_init(&call, &config, NOW + next_random(&seed) % 200000);
                for (;;) {
                        v = random_verdict(&seed, now_ms);
                        if (call_told(&call, &v, now_ms, next_random(&seed), &at_ms) == CALL_DONE)
                                break;
                        a_wait_was_justified(&call, &v, now_ms, at_ms);
                        ++n_waits;
                        now_ms = at_ms + next_random(&seed) % 1000;
                }
                n_exhausted += call.retries == config.max_retries;
                assert_int_equal(call.attempts, call.retries + 1);
        }
        /* The property is worth nothing if hardly anything waited. */
        assert_true(n_waits > 10000 && n_exhausted > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_limit_is_waited_out_and_all_else_goes_up),
                cmocka_unit_test(five_waits_double_and_the_sixth_limit_goes_up),
                cmocka_unit_test(stated_times_count_as_retries_too),
                cmocka_unit_test(no_retries_when_none_are_allowed),
                cmocka_unit_test(the_end_of_time_does_not_wrap),
                cmocka_unit_test(no_sequence_of_replies_breaks_the_law),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
