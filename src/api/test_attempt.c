#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/attempt.h"
#include "api/test_stage.h"
#include "budget/budget.h"

#include <errno.h>

static struct limiter_time at(uint64_t after_ms)
{
        return api_ms(stage_at(after_ms));
}

struct lines {
        unsigned warnings, errors;
        char last[512];
};

static void note(void *ctx, enum weir_log_level level, const char *text)
{
        struct lines *lines = ctx;

        ++*(level == WEIR_LOG_ERROR ? &lines->errors : &lines->warnings);
        (void)snprintf(lines->last, sizeof(lines->last), "%s", text);
}

static struct weir_caller *caller_of(struct weir_limiter *l, int max_retries, struct lines *lines)
{
        struct weir_caller_options options = WEIR_CALLER_DEFAULTS;
        struct weir_caller *caller;
        struct weir_error error;

        options.limiter = l;
        options.max_retries = max_retries;
        options.base_backoff_ms = 1000;
        options.jitter_pct = 0;
        options.log = note;
        options.log_ctx = lines;
        assert_int_equal(weir_caller_new(&options, &caller, &error), 0);
        return caller;
}

static struct weir_request find(const char *method, const char *path)
{
        struct weir_request request;

        assert_int_equal(weir_request_find(method, path, NULL, NULL, "key", &request), 0);
        return request;
}

static struct weir_reply reply_of(int status, const char *body)
{
        return (struct weir_reply){ .status = status, .body = body, .body_bytes = strlen(body) };
}

static const char too_many_orders[] = "{\"code\":-1015,\"msg\":\"Too many new orders.\"}";

static void what_a_limit_refused_is_tried_again_and_nothing_else(void **state)
{
        static const struct {
                const char *label;
                int result, status;
                const char *body;
                int step, end;
                enum weir_executed executed;
                uint64_t hits, failures;
        } rows[] = {
                { "done", 0, 200, "{}", WEIR_STEP_DONE, 0, WEIR_EXECUTED_YES, 0, 0 },
                { "-1015", 0, 429, too_many_orders, WEIR_STEP_WAIT, 0, WEIR_EXECUTED_NO, 1, 0 },
                { "-1003", 0, 429, "{\"code\":-1003,\"msg\":\"Too many requests\"}", WEIR_STEP_WAIT,
                  0, WEIR_EXECUTED_NO, 1, 0 },
                { "a ban goes up", 0, 418, "{\"code\":-1003,\"msg\":\"banned\"}", WEIR_STEP_DONE, 0,
                  WEIR_EXECUTED_NO, 1, 0 },
                { "rejected", 0, 400, "{\"code\":-2019,\"msg\":\"Margin\"}", WEIR_STEP_DONE, 0,
                  WEIR_EXECUTED_NO, 0, 1 },
                { "503 of unknown fate", 0, 503,
                  "{\"code\":-1007,\"msg\":\"Timeout waiting for response from backend server. "
                  "Send status unknown; execution status unknown.\"}",
                  WEIR_STEP_DONE, 0, WEIR_EXECUTED_UNKNOWN, 0, 1 },
                { "not sent", -ENOTCONN, 0, "", WEIR_STEP_DONE, -ENOTCONN, WEIR_EXECUTED_NO, 0, 1 },
                { "no answer", -ETIMEDOUT, 0, "", WEIR_STEP_DONE, -ETIMEDOUT, WEIR_EXECUTED_UNKNOWN,
                  0, 1 },
                { "a result that was not agreed upon", 7, 0, "", WEIR_STEP_DONE, -EPROTO,
                  WEIR_EXECUTED_UNKNOWN, 0, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = stage_open(NULL, 0, 0);
                struct lines lines = { 0 };
                struct weir_caller *caller = caller_of(l, 5, &lines);
                struct weir_request request = find("POST", "/fapi/v1/order");
                struct weir_reply reply = reply_of(rows[i].status, rows[i].body);
                struct weir_call_stats stats = WEIR_CALL_STATS_DEFAULTS;
                struct weir_attempt attempt;
                struct attempt *a = (struct attempt *)(void *)attempt.inside;
                struct weir_verdict verdict;
                uint64_t at_ms;
                int step;

                assert_int_equal(attempt_begin(a, caller, &request, UINT64_MAX, at(0), &at_ms),
                                 WEIR_STEP_SEND);
                step = attempt_told(a, rows[i].result, &reply, at(10), 0, &at_ms);
                weir_caller_stats(caller, &stats);
                if (step != rows[i].step || stats.rate_limit_hits != rows[i].hits ||
                    stats.failures != rows[i].failures || stats.total_calls != 1)
                        fail_msg("%s: step %d, hits %llu, failures %llu", rows[i].label, step,
                                 (unsigned long long)stats.rate_limit_hits,
                                 (unsigned long long)stats.failures);
                if (step == WEIR_STEP_DONE) {
                        int end = weir_attempt_result(&attempt, &verdict);

                        if (end != rows[i].end || verdict.executed != rows[i].executed)
                                fail_msg("%s: result %d, executed %d", rows[i].label, end,
                                         (int)verdict.executed);
                }
                attempt_cancel(a, at(10));
                weir_caller_free(caller);
                weir_limiter_close(l);
        }
}

static void retries_double_their_wait_and_end(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 2, &lines);
        struct weir_request request = find("POST", "/fapi/v1/order");
        struct weir_reply reply = reply_of(429, too_many_orders);
        struct weir_call_stats stats = WEIR_CALL_STATS_DEFAULTS;
        struct attempt a;
        uint64_t at_ms = 0, now = 0;
        int step;

        (void)state;
        step = attempt_begin(&a, caller, &request, UINT64_MAX, at(now), &at_ms);
        for (int i = 0; i < 2; ++i) {
                uint64_t asked_ms;

                assert_int_equal(step, WEIR_STEP_SEND);
                assert_int_equal(attempt_told(&a, 0, &reply, at(now), 0, &at_ms), WEIR_STEP_WAIT);
                assert_int_equal(at_ms, at(now).now_ms + (1000ULL << i));
                assert_int_equal(attempt_next(&a, at(now), &asked_ms), WEIR_STEP_WAIT);
                assert_int_equal(asked_ms, at_ms);
                /* The account's orders are stopped until the window turns, and that is waited for.
                 */
                do {
                        now = at_ms - STAGE_MS;
                        step = attempt_next(&a, at(now), &at_ms);
                } while (step == WEIR_STEP_WAIT);
        }
        assert_int_equal(step, WEIR_STEP_SEND);
        assert_int_equal(attempt_told(&a, 0, &reply, at(now), 0, &at_ms), WEIR_STEP_DONE);
        assert_int_equal(a.result, 0);
        assert_int_equal(a.verdict.code, -1015);
        weir_caller_stats(caller, &stats);
        assert_int_equal(stats.total_calls, 3);
        assert_int_equal(stats.rate_limit_hits, 3);
        assert_int_equal(stats.retries, 2);
        assert_true(stats.success_rate == 0);
        assert_int_equal(lines.warnings, 2);
        assert_int_equal(lines.errors, 1);
        assert_string_equal(lines.last, "POST /fapi/v1/order: refused by a limit (-1015), given up "
                                        "after 2 retries");
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void a_retry_behind_the_deadline_is_none(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 5, &lines);
        struct weir_request request = find("POST", "/fapi/v1/order");
        struct weir_reply reply = reply_of(429, too_many_orders);
        struct attempt a;
        uint64_t at_ms;

        (void)state;
        assert_int_equal(attempt_begin(&a, caller, &request, at(999).now_ms, at(0), &at_ms),
                         WEIR_STEP_SEND);
        assert_int_equal(attempt_told(&a, 0, &reply, at(0), 0, &at_ms), WEIR_STEP_DONE);
        assert_int_equal(a.result, 0);
        assert_int_equal(lines.errors, 1);
        /* And what cannot be sent in time is not sent. */
        assert_int_equal(attempt_begin(&a, caller, &request, at(999).now_ms, at(0), &at_ms),
                         WEIR_STEP_DONE);
        assert_int_equal(a.result, WEIR_LATE);
        assert_int_equal(a.verdict.executed, EXECUTED_NO);
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void a_warning_says_when_it_really_goes_on(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 5, &lines);
        struct weir_reply orders = reply_of(429, too_many_orders);
        struct weir_reply weight = reply_of(429, "{\"code\":-1003,\"msg\":\"Too many.\"}");
        struct weir_request request = find("POST", "/fapi/v1/order");
        struct attempt a;
        uint64_t at_ms;

        (void)state;
        /* A second by itself; the account is stopped until ten seconds have passed by the clock. */
        assert_int_equal(attempt_begin(&a, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_SEND);
        assert_int_equal(attempt_told(&a, 0, &orders, at(0), 0, &at_ms), WEIR_STEP_WAIT);
        assert_string_equal(lines.last, "POST /fapi/v1/order: refused by a limit (-1015), retry 1 "
                                        "of 5 in 9005 ms");
        attempt_cancel(&a, at(0));
        /* And the group until its minute turns. */
        request = find("GET", "/fapi/v1/time");
        assert_int_equal(attempt_begin(&a, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_SEND);
        assert_int_equal(attempt_told(&a, 0, &weight, at(0), 0, &at_ms), WEIR_STEP_WAIT);
        assert_string_equal(lines.last, "GET /fapi/v1/time: refused by a limit (-1003), retry 1 of "
                                        "5 in 39005 ms");
        attempt_cancel(&a, at(0));
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void what_was_not_sent_says_why_and_when(void **state)
{
        static const struct {
                const char *label;
                int shut_group; /* kind of gate; -1: none */
                uint64_t shut_after_ms, deadline_after_ms;
                uint32_t rate;
                int result;
                uint64_t retry_after_ms; /* 0: none is stated */
                const char *says;
        } rows[] = {
                { "stopped", GATE_STOP, 30000, 10000, 0, WEIR_SHUT, 30000,
                  "not sent: stopped by the exchange until 2023-11-14T22:13:51.000Z" },
                { "banned", GATE_BAN, 30000, 10000, 0, WEIR_SHUT, 30000,
                  "not sent: banned by the exchange until 2023-11-14T22:13:51.000Z" },
                { "firewall", GATE_FIREWALL, 30000, 10000, 0, WEIR_SHUT, 30000,
                  "not sent: blocked by the exchange's firewall until 2023-11-14T22:13:51.000Z" },
                { "pacing", -1, 0, 500, 60, WEIR_LATE, 1000,
                  "not sent: no room in pacing before the deadline, but at "
                  "2023-11-14T22:13:22.000Z" },
                { "too late", -1, 0, 0, 0, WEIR_LATE, 0, "not sent: its deadline has passed" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l = stage_open(NULL, rows[i].rate, rows[i].rate > 0);
                struct lines lines = { 0 };
                struct weir_caller *caller = caller_of(l, 5, &lines);
                struct weir_request request = find("GET", "/fapi/v1/time");
                struct weir_attempt attempt;
                struct attempt *a = (struct attempt *)(void *)attempt.inside;
                struct weir_verdict verdict;
                uint64_t at_ms, expected = 0;
                int result;

                if (rows[i].shut_group >= 0)
                        assert_true(gate_shut(limiter_gate(&l->limiter, budget_gate(POLICY_FAPI)),
                                              (enum gate_kind)rows[i].shut_group,
                                              at(rows[i].shut_after_ms).now_ms));
                if (rows[i].rate > 0)
                        assert_int_equal(attempt_begin(a, caller, &request, UINT64_MAX, at(0),
                                                       &at_ms),
                                         WEIR_STEP_SEND);
                assert_int_equal(attempt_begin(a, caller, &request,
                                               at(rows[i].deadline_after_ms).now_ms, at(0), &at_ms),
                                 WEIR_STEP_DONE);
                result = weir_attempt_result(&attempt, &verdict);
                expected = at(rows[i].retry_after_ms).now_ms;
                if (result != rows[i].result || strcmp(verdict.msg, rows[i].says) != 0 ||
                    verdict.retry_at_ms != expected || strcmp(verdict.kind, "unsent") != 0 ||
                    verdict.executed != WEIR_EXECUTED_NA)
                        fail_msg("%s: %d %s, retry at %llu: \"%s\"", rows[i].label, result,
                                 verdict.kind, (unsigned long long)verdict.retry_at_ms,
                                 verdict.msg);
                weir_caller_free(caller);
                weir_limiter_close(l);
        }
}

static void who_leaves_gives_the_place_back(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 1);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 5, &lines);
        struct weir_request request = find("GET", "/fapi/v1/time");
        struct attempt a, b;
        uint64_t at_ms;

        (void)state;
        assert_int_equal(attempt_begin(&a, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_SEND);
        assert_int_equal(attempt_begin(&b, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_WAIT);
        assert_int_equal(at_ms, at(1000).now_ms);
        attempt_cancel(&b, at(0));
        assert_int_equal(attempt_told(&a, -ENOTCONN, NULL, at(0), 0, &at_ms), WEIR_STEP_DONE);
        assert_int_equal(attempt_begin(&a, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_SEND);
        attempt_cancel(&a, at(0));
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void who_leaves_while_it_is_sent_has_spent_it(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 1);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 5, &lines);
        struct weir_request request = find("POST", "/fapi/v1/order");
        struct weir_reply reply = reply_of(200, "{}");
        struct weir_call_stats stats = WEIR_CALL_STATS_DEFAULTS;
        struct weir_attempt attempt;
        struct attempt *a = (struct attempt *)(void *)attempt.inside;
        struct weir_verdict verdict;
        uint64_t at_ms = 7;

        (void)state;
        assert_int_equal(attempt_begin(a, caller, &request, UINT64_MAX, at(0), &at_ms),
                         WEIR_STEP_SEND);
        assert_int_equal(weir_attempt_result(&attempt, &verdict), -EINPROGRESS);
        attempt_cancel(a, at(0));
        assert_true(bucket_level_milli(&l->limiter.pacing, at(0).now_ms * US_PER_MS) == 0);
        /* What comes too late changes nothing, and nobody falls over it. */
        assert_int_equal(attempt_told(a, 0, &reply, at(1), 0, &at_ms), -EINVAL);
        assert_int_equal(attempt_told(a, -ENOTCONN, NULL, at(1), 0, &at_ms), -EINVAL);
        attempt_cancel(a, at(1));
        assert_int_equal(at_ms, 7);
        assert_int_equal(attempt_next(a, at(1), &at_ms), WEIR_STEP_DONE);
        assert_int_equal(weir_attempt_result(&attempt, &verdict), -ECANCELED);
        assert_int_equal(verdict.executed, WEIR_EXECUTED_UNKNOWN);
        weir_caller_stats(caller, &stats);
        assert_int_equal(stats.failures, 1);
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void a_missing_answer_is_none(void **state)
{
        static const struct weir_reply empty = { 0 };
        static const struct weir_reply *const missing[] = { NULL, &empty };
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct lines lines = { 0 };
        struct weir_caller *caller = caller_of(l, 5, &lines);
        struct weir_request request = find("POST", "/fapi/v1/order");
        struct weir_attempt attempt;
        struct weir_ticket ticket;
        struct weir_verdict verdict;
        uint64_t at_ms;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(missing); ++i) {
                assert_int_equal(weir_attempt_begin(caller, &request, UINT64_MAX, &attempt, &at_ms),
                                 WEIR_STEP_SEND);
                assert_int_equal(weir_attempt_told(&attempt, 0, missing[i], &at_ms),
                                 WEIR_STEP_DONE);
                assert_int_equal(weir_attempt_result(&attempt, &verdict), -EPROTO);
                assert_int_equal(verdict.executed, WEIR_EXECUTED_UNKNOWN);

                assert_int_equal(weir_reserve(l, &request, UINT64_MAX, &ticket), WEIR_GO);
                verdict.executed = WEIR_EXECUTED_NO;
                weir_settle(l, &request, &ticket, missing[i], &verdict);
                assert_int_equal(verdict.executed, WEIR_EXECUTED_UNKNOWN);
                weir_observe(l, &request, 0, missing[i]);
        }
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void what_was_not_begun_cannot_go_on(void **state)
{
        struct weir_attempt attempt = { { 0 } };
        uint64_t at_ms;

        (void)state;
        assert_int_equal(weir_attempt_next(&attempt, &at_ms), -EINVAL);
        assert_int_equal(weir_attempt_told(&attempt, 0, NULL, &at_ms), -EINVAL);
        weir_attempt_cancel(&attempt);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_a_limit_refused_is_tried_again_and_nothing_else),
                cmocka_unit_test(retries_double_their_wait_and_end),
                cmocka_unit_test(a_retry_behind_the_deadline_is_none),
                cmocka_unit_test(a_warning_says_when_it_really_goes_on),
                cmocka_unit_test(what_was_not_sent_says_why_and_when),
                cmocka_unit_test(who_leaves_gives_the_place_back),
                cmocka_unit_test(who_leaves_while_it_is_sent_has_spent_it),
                cmocka_unit_test(a_missing_answer_is_none),
                cmocka_unit_test(what_was_not_begun_cannot_go_on),
        };

        return cmocka_run_group_tests_name("api/attempt", tests, NULL, NULL);
}
