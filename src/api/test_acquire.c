#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "api/acquire.h"
#include "api/test_stage.h"
#include "budget/counters.h"
#include "budget/budget.h"

#include <errno.h>

#define US(ms) ((int64_t)(ms)*1000)

/* acquire_begin() of one who does not wait. */
static int64_t ask(struct weir_limiter *l, uint32_t weight, struct api_time time)
{
        struct acquire a;
        int64_t r = acquire_begin(l, &a, weight, UINT64_MAX, time);

        acquire_cancel(l, &a);
        return r;
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
        static const struct {
                const char *label;
                uint64_t after_ms;
                uint32_t weight;
                int64_t result;
        } rows[] = {
                { "the first", 0, 1, 0 },
                { "the second", 0, 1, 0 },
                { "at 10 a minute the third waits 6 s", 0, 1, US(6000) },
                { "who did not wait has left no trace", 0, 1, US(6000) },
                { "a little before", 5999, 1, US(1) },
                { "and then", 6000, 1, 0 },
                { "a weight is that many units", 18000, 2, 0 },
                { "more than the burst passes when it is full, in debt", 60000, 4, 0 },
                { "and the debt is waited for", 60000, 1, US(18000) },
                { "nothing is no weight", 90000, 0, -EINVAL },
        };
        struct weir_limiter *l = stage_open(NULL, 10, 2);

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                int64_t r = ask(l, rows[i].weight, stage_at(rows[i].after_ms));

                if (r != rows[i].result)
                        fail_msg("%s: got %lld", rows[i].label, (long long)r);
        }
        weir_limiter_close(l);
}

static void what_could_never_be_spent_is_refused(void **state)
{
        static const struct {
                const char *label;
                bool is_shared;
                uint32_t rate, burst, weight;
                int64_t result;
        } rows[] = {
                { "a minute's rate, in debt", false, 100, 5, 100, 0 },
                { "more than that", false, 100, 5, 101, -EINVAL },
                { "a burst above the rate", false, 100, 500, 500, 0 },
                { "and more", false, 100, 500, 501, -EINVAL },
                { "a whole window, alone", false, 0, 0, 2400, 0 },
                { "and more", false, 0, 0, 2401, -EINVAL },
                { "whatever the rate says", false, 1000000, 1000000, 2401, -EINVAL },
                { "on a region it is its window", true, 0, 0, 2401, -EINVAL },
                { "a mistake of units", true, 1000000, 1000000, UINT32_MAX, -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct weir_limiter *l;
                char path[64];
                int64_t r;

                stage_path(path, sizeof(path));
                l = stage_open(rows[i].is_shared ? path : NULL, rows[i].rate, rows[i].burst);
                r = ask(l, rows[i].weight, stage_at(0));
                if (r != rows[i].result)
                        fail_msg("%s: got %lld", rows[i].label, (long long)r);
                weir_limiter_close(l);
                (void)unlink(path);
        }
}

static void those_who_wait_hold_places_one_behind_the_other(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 1);
        struct acquire a[4];

        (void)state;
        for (int i = 0; i < 4; ++i)
                assert_int_equal(acquire_begin(l, &a[i], 1, UINT64_MAX, stage_at(0)), US(i * 1000));
        assert_int_equal(acquire_poll(l, &a[1], stage_at(999)), US(1));
        assert_int_equal(acquire_poll(l, &a[1], stage_at(1000)), 0);
        /* Who leaves gives its token back: the next to come is that much earlier. */
        acquire_cancel(l, &a[2]);
        assert_int_equal(ask(l, 1, stage_at(1000)), US(2000));
        assert_int_equal(acquire_poll(l, &a[3], stage_at(3000)), 0);
        weir_limiter_close(l);
}

static void a_deadline_takes_nothing(void **state)
{
        struct weir_limiter *l = stage_open(NULL, 60, 1);
        struct acquire a;

        (void)state;
        assert_int_equal(ask(l, 1, stage_at(0)), 0);
        assert_int_equal(acquire_begin(l, &a, 1, STAGE_MS + 1000, stage_at(0)), -ETIMEDOUT);
        assert_int_equal(acquire_begin(l, &a, 1, STAGE_MS + 1001, stage_at(0)), US(1000));
        acquire_cancel(l, &a);
        assert_int_equal(acquire_begin(l, &a, 1, STAGE_MS, stage_at(0)), -ETIMEDOUT);
        weir_limiter_close(l);
}

static void add_futures(void *ctx, const struct window *w, uint16_t pool, uint64_t owner,
                        uint64_t shut_until_ms)
{
        uint64_t *number_used = ctx;

        (void)owner;
        (void)shut_until_ms;
        if (pool == policy_group_pool(POLICY_FAPI, POLICY_WEIGHT))
                number_used[1] += window_used(w, number_used[0], true);
}

/* What is used of the futures' weight in the minute of @time, as any user of the region sees it. */
static uint64_t futures_used(const struct weir_limiter *l, struct api_time time)
{
        uint64_t number_used[2] = { api_ms(time).now_ms / 60000, 0 };

        limiter_each_slot(&l->region, add_futures, number_used);
        return number_used[1];
}

static void a_shared_region_charges_the_groups_weight(void **state)
{
        char path[64];
        struct weir_limiter *l, *other;
        uint32_t n = 0;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        other = stage_open(path, 0, 0);
        assert_int_equal(ask(l, 7, stage_at(0)), 0);
        assert_int_equal(futures_used(other, stage_at(0)), 7);
        /* A class of accounts may use nine tenths; what does not fit waits for the turn, and for
         * the guard after it. */
        while (ask(n % 2 ? l : other, 100, stage_at(0)) == 0)
                ++n;
        assert_int_equal(n, (2400 * 90 / 100 - 7) / 100);
        assert_int_equal(ask(l, 2401, stage_at(0)), -EINVAL);
        weir_limiter_close(l);
        weir_limiter_close(other);
        unlink(path);
}

static void near_a_turn_both_windows_are_charged(void **state)
{
        char path[64];
        struct weir_limiter *l;
        /* 2 s before the turn of the minute that STAGE_MS is in; guard 5 ms. */
        uint64_t turn_ms = 60000 - STAGE_MS % 60000;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        assert_int_equal(ask(l, 10, stage_at(turn_ms - 3000)), 0);
        assert_int_equal(futures_used(l, stage_at(turn_ms)), 0);
        assert_int_equal(ask(l, 10, stage_at(turn_ms - 1999)), 0);
        assert_int_equal(futures_used(l, stage_at(turn_ms - 1)), 20);
        assert_int_equal(futures_used(l, stage_at(turn_ms)), 10);
        weir_limiter_close(l);
        unlink(path);
}

static void a_stop_of_the_group_is_waited_for(void **state)
{
        char path[64];
        struct weir_limiter *l;
        struct acquire a;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        assert_true(gate_shut(limiter_gate(&l->limiter, budget_gate(POLICY_FAPI)), GATE_STOP,
                              STAGE_MS + 3000));
        assert_int_equal(acquire_begin(l, &a, 1, UINT64_MAX, stage_at(0)), US(3000));
        assert_int_equal(acquire_poll(l, &a, stage_at(1000)), US(2000));
        assert_int_equal(acquire_poll(l, &a, stage_at(3000)), 0);
        weir_limiter_close(l);
        unlink(path);
}

static void after_a_ban_one_passes_and_silence_opens_the_gate(void **state)
{
        char path[64];
        struct weir_limiter *l, *other;
        word_t *gate;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        other = stage_open(path, 0, 0);
        gate = limiter_gate(&l->limiter, budget_gate(POLICY_FAPI));
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 3000));
        assert_int_equal(ask(l, 1, stage_at(2999)), US(1));
        /* Over, but the exchange's machines may not all know. */
        assert_int_equal(ask(l, 1, stage_at(3100)), US(50));
        assert_int_equal(ask(l, 1, stage_at(4000)), 0);
        assert_true(ask(l, 1, stage_at(4001)) > 0);
        assert_true(ask(other, 1, stage_at(4001)) > 0);
        /* The lease ends, and nobody has heard of a ban. */
        assert_int_equal(ask(l, 1, stage_at(14000)), 0);
        assert_int_equal(ask(other, 1, stage_at(14001)), 0);

        /* Another ban meanwhile is no silence. */
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 20000));
        assert_int_equal(ask(l, 1, stage_at(21000)), 0);
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 141000));
        assert_true(ask(l, 1, stage_at(31001)) > 0);
        assert_true(ask(other, 1, stage_at(140000)) > 0);
        weir_limiter_close(l);
        weir_limiter_close(other);
        unlink(path);
}

/* Who waits for room has asked nothing, for however long: that opens no gate. */
static void after_a_ban_who_has_no_room_is_no_probe(void **state)
{
        char path[64];
        struct weir_limiter *l;
        struct acquire a;
        word_t *gate;
        uint64_t full_ms = 1000, later_ms = 20000;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        gate = limiter_gate(&l->limiter, budget_gate(POLICY_FAPI));
        while (ask(l, 50, stage_at(full_ms)) == 0)
                ;
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 3000));
        assert_true(acquire_begin(l, &a, 1000, UINT64_MAX, stage_at(5000)) > 0);
        assert_true(acquire_poll(l, &a, stage_at(later_ms)) > 0);
        /* Still shut, for whoever asks for little; the first one with room is the probe. */
        assert_int_equal(gate_is_due(gate, STAGE_MS + later_ms, 1000), true);
        assert_int_equal(counter_read(l->region.header, COUNTER_probes), 0);
        assert_int_equal(ask(l, 1, stage_at(later_ms)), 0);
        assert_int_equal(counter_read(l->region.header, COUNTER_probes), 1);
        assert_int_equal(gate_is_due(gate, STAGE_MS + later_ms, 1000), false);
        weir_limiter_close(l);
        unlink(path);
}

static void after_a_ban_the_answer_to_the_one_that_passed_opens_the_gate(void **state)
{
        char path[64];
        struct weir_limiter *l, *other;
        word_t *gate;

        (void)state;
        stage_path(path, sizeof(path));
        l = stage_open(path, 0, 0);
        other = stage_open(path, 0, 0);
        gate = limiter_gate(&l->limiter, budget_gate(POLICY_FAPI));
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 3000));
        /* An answer, but nobody has asked yet. */
        acquire_answered(l, STAGE_MS + 3999, api_ms(stage_at(3999)));
        assert_int_equal(ask(l, 1, stage_at(4000)), 0);
        /* It left before the one that asks, and another process did not ask. */
        acquire_answered(l, STAGE_MS + 3999, api_ms(stage_at(4100)));
        acquire_answered(other, STAGE_MS + 4000, api_ms(stage_at(4100)));
        /* Whoever waits looks again soon, not when the lease ends. */
        assert_int_equal(ask(other, 1, stage_at(4101)), US(50));
        acquire_answered(l, STAGE_MS + 4000, api_ms(stage_at(4200)));
        assert_int_equal(ask(other, 1, stage_at(4201)), 0);
        assert_int_equal(ask(l, 1, stage_at(4202)), 0);

        /* The answer was another ban: it stays shut. */
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 5000));
        assert_int_equal(ask(l, 1, stage_at(6000)), 0);
        assert_true(gate_shut(gate, GATE_BAN, STAGE_MS + 90000));
        acquire_answered(l, STAGE_MS + 6000, api_ms(stage_at(6100)));
        assert_true(ask(l, 1, stage_at(6200)) > 0);
        weir_limiter_close(l);
        weir_limiter_close(other);
        unlink(path);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
                cmocka_unit_test(what_could_never_be_spent_is_refused),
                cmocka_unit_test(those_who_wait_hold_places_one_behind_the_other),
                cmocka_unit_test(a_deadline_takes_nothing),
                cmocka_unit_test(a_shared_region_charges_the_groups_weight),
                cmocka_unit_test(near_a_turn_both_windows_are_charged),
                cmocka_unit_test(a_stop_of_the_group_is_waited_for),
                cmocka_unit_test(after_a_ban_one_passes_and_silence_opens_the_gate),
                cmocka_unit_test(after_a_ban_who_has_no_room_is_no_probe),
                cmocka_unit_test(after_a_ban_the_answer_to_the_one_that_passed_opens_the_gate),
        };

        return cmocka_run_group_tests_name("api/acquire", tests, NULL, NULL);
}
