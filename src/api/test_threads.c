#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/acquire.h"
#include "api/attempt.h"
#include "api/test_stage.h"

#include <pthread.h>

#define THREADS 4
/* Of 300 orders in ten seconds, in the first half of them. */
#define ORDERS (300 * 95 / 100)

struct worker {
        pthread_t thread;
        struct weir_limiter *limiter;
        struct weir_caller *caller;
        struct weir_request request;
        unsigned n;
};

/* Until there is no more room: reserve, send, settle, as a caller does. */
static void *send_orders(void *ctx)
{
        static const struct weir_reply reply = { .status = 200, .body = "{}", .body_bytes = 2 };
        struct limiter_time time = api_ms(stage_at(0));
        struct worker *worker = ctx;
        struct attempt a;
        uint64_t at_ms;

        while (attempt_begin(&a, worker->caller, &worker->request, UINT64_MAX, time, &at_ms) ==
               WEIR_STEP_SEND) {
                assert_int_equal(attempt_told(&a, 0, &reply, time, 0, &at_ms), WEIR_STEP_DONE);
                ++worker->n;
        }
        attempt_cancel(&a, time);
        return NULL;
}

static void *acquire_all(void *ctx)
{
        struct worker *worker = ctx;
        struct acquire a;

        while (acquire_begin(worker->limiter, &a, 1, UINT64_MAX, stage_at(0)) == 0)
                ++worker->n;
        acquire_cancel(worker->limiter, &a);
        return NULL;
}

static unsigned run(struct worker *workers, void *(*work)(void *))
{
        unsigned n = 0;

        for (int i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        for (int i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        /* Who came while another gave a place back may have turned away too early. */
        (void)work(&workers[0]);
        for (int i = 0; i < THREADS; ++i)
                n += workers[i].n;
        return n;
}

static void threads_share_one_limiter_and_one_caller(void **state)
{
        struct weir_caller_options options = WEIR_CALLER_DEFAULTS;
        struct weir_call_stats stats = { .size = sizeof(stats) };
        struct worker workers[THREADS] = { { .n = 0 } };
        struct weir_limiter *l = stage_open(NULL, 0, 0);
        struct weir_caller *caller;

        (void)state;
        options.limiter = l;
        assert_int_equal(weir_caller_new(&options, &caller, NULL), 0);
        for (int i = 0; i < THREADS; ++i) {
                workers[i].caller = caller;
                assert_int_equal(weir_request_find("POST", "/fapi/v1/order", NULL, NULL, "key",
                                                   &workers[i].request),
                                 0);
        }
        assert_int_equal(run(workers, send_orders), ORDERS);
        weir_caller_stats(caller, &stats);
        assert_int_equal(stats.total_calls, ORDERS);
        assert_true(stats.success_rate == 1);
        weir_caller_free(caller);
        weir_limiter_close(l);
}

static void threads_share_one_bucket(void **state)
{
        struct worker workers[THREADS] = { { .n = 0 } };
        struct weir_limiter *l = stage_open(NULL, 60, 500);

        (void)state;
        for (int i = 0; i < THREADS; ++i)
                workers[i].limiter = l;
        assert_int_equal(run(workers, acquire_all), 500);
        weir_limiter_close(l);
}

static void *ask_for_the_default(void *ctx)
{
        return weir_limiter_default(ctx, NULL) == 0 ? ctx : NULL;
}

static void threads_that_ask_at_once_get_the_same_default(void **state)
{
        struct weir_limiter *got[THREADS] = { NULL };
        pthread_t threads[THREADS];
        char path[64];

        (void)state;
        stage_path(path, sizeof(path));
        setenv("WEIR_REGION", path, 1);
        for (int i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_create(&threads[i], NULL, ask_for_the_default, &got[i]),
                                 0);
        for (int i = 0; i < THREADS; ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < THREADS; ++i)
                assert_ptr_equal(got[i], got[0]);
        assert_non_null(got[0]);
        unlink(path);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(threads_share_one_limiter_and_one_caller),
                cmocka_unit_test(threads_share_one_bucket),
                cmocka_unit_test(threads_that_ask_at_once_get_the_same_default),
        };

        return cmocka_run_group_tests_name("api/threads", tests, NULL, NULL);
}
