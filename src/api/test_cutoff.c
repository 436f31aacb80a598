#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/acquire.h"
#include "api/attempt.h"
#include "api/cutoff.h"
#include "api/test_stage.h"

#include <errno.h>

#define PAUSE_MS 2000 /* the default, as is the threshold of ten */

static struct limiter_time at(uint64_t after_ms)
{
        return api_ms(stage_at(after_ms));
}

static struct weir_request find(const char *method, const char *path)
{
        struct weir_request request;

        assert_int_equal(weir_request_find(method, path, "symbol=BTCUSDT", NULL, "key", &request),
                         0);
        return request;
}

static const struct weir_reply ok = { .status = 200, .body = "{}", .body_bytes = 2 };
static const struct weir_reply broken = { .status = 500, .body = "", .body_bytes = 0 };

static int take(struct weir_limiter *l, const struct weir_request *request, uint64_t after_ms,
                struct reservation *r)
{
        return reservation_take(l, request, UINT64_MAX, at(after_ms), r);
}

/* Ten answers, or none, in a row. */
static void fail_ten(struct weir_limiter *l, const struct weir_request *request, uint64_t after_ms)
{
        for (unsigned i = 0; i < 10; ++i) {
                struct reservation r;

                assert_int_equal(take(l, request, after_ms, &r), WEIR_GO);
                if (i % 2)
                        reservation_abandon(l, &r, at(after_ms));
                else
                        reservation_settle(l, request, &r, r.sent_ms, &broken, at(after_ms), NULL);
        }
}

static void two_programs_share_one_breaker_and_a_read_probes(void **state)
{
        struct weir_request read = find("GET", "/fapi/v1/depth"),
                            order = find("POST", "/fapi/v1/order");
        struct weir_limiter *l, *other;
        struct reservation r, probe;
        char path[64];

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        other = stage_open(path, 0, 0);
        fail_ten(l, &read, 0);
        assert_int_equal(take(other, &order, 1, &r), WEIR_SHUT);
        assert_string_equal(weir_ticket_blocked_by((struct weir_ticket *)(void *)&r), "breaker");
        assert_true(r.ticket.at_ms == at(PAUSE_MS).now_ms && r.ticket.state == TICKET_EMPTY);
        /* Behind the pause an order does not probe; the first read does, alone. */
        assert_int_equal(take(other, &order, PAUSE_MS, &r), WEIR_SHUT);
        assert_int_equal(take(l, &read, PAUSE_MS, &probe), WEIR_GO);
        assert_int_equal(take(other, &read, PAUSE_MS, &r), WEIR_SHUT);
        reservation_settle(l, &read, &probe, probe.sent_ms, &broken, at(PAUSE_MS + 5), NULL);
        assert_int_equal(take(other, &read, PAUSE_MS + 10, &r), WEIR_SHUT);
        assert_int_equal(take(other, &read, 2 * PAUSE_MS + 5, &probe), WEIR_GO);
        reservation_settle(other, &read, &probe, probe.sent_ms, &ok, at(2 * PAUSE_MS + 9), NULL);
        assert_int_equal(take(l, &order, 2 * PAUSE_MS + 10, &r), WEIR_GO);
        /* What was sent before is nobody's business but its own. */
        reservation_settle(l, &order, &r, r.sent_ms, &ok, at(2 * PAUSE_MS + 20), NULL);
        weir_limiter_close(l);
        weir_limiter_close(other);
        unlink(path);
}

static void a_place_that_was_held_is_given_back(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 1);
        struct weir_request read = find("GET", "/fapi/v1/time"),
                            other = find("GET", "/api/v3/ping");
        struct reservation r, held;

        (void)state;
        assert_int_equal(take(l, &other, 0, &r), WEIR_GO);
        assert_int_equal(take(l, &read, 0, &held), WEIR_WAIT);
        for (unsigned i = 0; i < 10; ++i)
                cutoff_tell(l, held.group, true, at(500));
        assert_int_equal(reservation_confirm(l, &held, at(held.ticket.at_ms - at(0).now_ms)),
                         WEIR_SHUT);
        assert_int_equal(held.ticket.state, TICKET_EMPTY);
        weir_limiter_close(l);
}

static void a_program_that_cannot_connect_opens_it_and_is_told_why(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_caller_options options = WEIR_CALLER_DEFAULTS;
        struct weir_request read = find("GET", "/fapi/v1/depth");
        struct weir_caller *caller;
        struct weir_error error;
        struct attempt a;
        uint64_t at_ms;

        (void)state;
        options.limiter = l;
        assert_int_equal(weir_caller_new(&options, &caller, &error), 0);
        for (unsigned i = 0; i < 10; ++i) {
                assert_int_equal(attempt_begin(&a, caller, &read, UINT64_MAX, at(0), &at_ms),
                                 WEIR_STEP_SEND);
                assert_int_equal(attempt_told(&a, -ENOTCONN, NULL, at(0), 0, &at_ms),
                                 WEIR_STEP_DONE);
        }
        /* It waits if it may, else it is told. */
        assert_int_equal(attempt_begin(&a, caller, &read, UINT64_MAX, at(1), &at_ms),
                         WEIR_STEP_WAIT);
        assert_true(at_ms == at(PAUSE_MS).now_ms);
        assert_int_equal(attempt_begin(&a, caller, &read, at(50).now_ms, at(1), &at_ms),
                         WEIR_STEP_DONE);
        assert_non_null(strstr(a.verdict.msg, "not sent: the exchange does not answer"));
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void who_only_acquires_waits_for_the_pause(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60000, 100);
        struct acquire a;

        (void)state;
        for (unsigned i = 0; i < 10; ++i)
                cutoff_tell(l, l->acquire_group, true, at(0));
        assert_true(acquire_begin(l, &a, 1, UINT64_MAX, stage_at(1)) > 0);
        assert_int_equal(acquire_begin(l, &a, 1, UINT64_MAX, stage_at(PAUSE_MS)), 0);
        weir_limiter_close(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(two_programs_share_one_breaker_and_a_read_probes),
                cmocka_unit_test(a_place_that_was_held_is_given_back),
                cmocka_unit_test(a_program_that_cannot_connect_opens_it_and_is_told_why),
                cmocka_unit_test(who_only_acquires_waits_for_the_pause),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
