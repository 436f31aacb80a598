#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/front.h"
#include "core/gate.h"
#include "core/limiter.h"

#include <string.h>

#define NOW 1700000000000ULL

static struct region_header header;

static void set(uint32_t per_s, uint32_t ramp_ms)
{
        struct ceilings shares = CEILINGS_DEFAULT;

        memset((void *)&header, 0, sizeof(header));
        header.ceilings = ceilings_pack(&shares);
        header.rules[RULE_RATE] = front_rate_pack(per_s);
        header.rules[RULE_RAMP] = front_ramp_pack(ramp_ms);
}

/* Opened by a probe at NOW. */
static void open_at_now(unsigned gate)
{
        assert_true(gate_shut(&header.egresses[0].gates[gate], GATE_BAN, NOW - 1000));
        assert_true(gate_probe(&header.egresses[0].gates[gate], NOW, 0));
        gate_open(&header.egresses[0].gates[gate], NOW);
        assert_true(gate_opened_ms(&header.egresses[0].gates[gate]) == NOW);
}

/* How many of @class leave in a millisecond if as many come as can. */
static unsigned drain(enum weir_class class, unsigned gate, uint64_t now_ms)
{
        unsigned n = 0;

        for (;; ++n) {
                struct front_asker asker = { .gate = gate, .front = gate, .class = class };

                if (n == 1000000 || front_take(&header, &asker, now_ms) > 0)
                        return n;
        }
}

static void no_second_has_more_than_the_ceiling(void **state)
{
        static const uint32_t rows[] = { 10, 35, 50, 100, 999, 1000, 20000 };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                unsigned sent[5000], in_a_second = 0, most = 0, all = 0;

                set(rows[i], 0);
                for (unsigned ms = 0; ms < ARRAY_SIZE(sent); ++ms) {
                        all += sent[ms] = drain(CLASS_CANCEL, 1, NOW + ms);
                        in_a_second += sent[ms] - (ms >= 1000 ? sent[ms - 1000] : 0);
                        most = in_a_second > most ? in_a_second : most;
                }
                if (most > rows[i] || all < 4 * (uint64_t)rows[i])
                        fail_msg("%u a second: %u in one, %u in five", rows[i], most, all);
                assert_in_range(front_rate_of(header.rules[RULE_RATE]), rows[i] - rows[i] / 4,
                                rows[i]);
        }
}

static void a_ceiling_is_told_as_it_was_set(void **state)
{
        (void)state;
        for (uint32_t per_s = 2; per_s <= 1000; ++per_s)
                if (front_rate_of(front_rate_pack(per_s)) != per_s)
                        fail_msg("%u is told as %u", per_s, front_rate_of(front_rate_pack(per_s)));
        for (uint32_t per_s = 1000; per_s <= 100000; per_s += 1000)
                if (front_rate_of(front_rate_pack(per_s)) != per_s)
                        fail_msg("%u is told as %u", per_s, front_rate_of(front_rate_pack(per_s)));
}

static void without_a_ceiling_nobody_is_held_back(void **state)
{
        uint32_t took_us;

        (void)state;
        set(0, 10000);
        assert_int_equal(drain(CLASS_BACKFILL, 1, NOW), 1000000);
        assert_true(front_take_at_once(&header, &header.egresses[0], 1, 1, 60, NOW, &took_us));
        assert_int_equal(took_us, 0);
        assert_int_equal(front_rate_of(0), 0);
        assert_int_equal(front_ramp_of(0), FRONT_RAMP_DEFAULT_MS);
}

static void what_is_above_passes_while_those_below_use_it_up(void **state)
{
        static const enum weir_class order[] = { CLASS_BACKFILL, CLASS_MARKET, CLASS_ACCOUNT,
                                                 CLASS_ORDER, CLASS_CANCEL };

        (void)state;
        set(1000, 0);
        for (size_t i = 0; i < ARRAY_SIZE(order); ++i)
                if (drain(order[i], 1, NOW) < 4)
                        fail_msg("%s finds nothing", class_name(order[i]));
        /* And while they use it up nothing is left for those below. */
        for (unsigned ms = 1; ms < 1000; ++ms) {
                (void)drain(CLASS_CANCEL, 1, NOW + ms);
                assert_int_equal(drain(CLASS_BACKFILL, 1, NOW + ms), 0);
        }
}

static void who_steps_back_leaves_it_to_others(void **state)
{
        struct front_asker asker = { .gate = 1, .front = 1, .class = CLASS_MARKET };
        uint32_t took_us;

        (void)state;
        set(1000, 0);
        /* However often: it is as if they had never come. */
        for (unsigned i = 0; i < 1000; ++i) {
                assert_int_equal(front_take(&header, &asker, NOW), 0);
                front_give_back(&header, asker.egress, asker.front, asker.took_us);
        }
        assert_true(front_take_at_once(&header, &header.egresses[0], 1, 1, 60, NOW, &took_us));
        front_give_back(&header, 0, 1, took_us);
        assert_int_equal(drain(CLASS_CANCEL, 1, NOW), 100);
        /* Who was told to come later has taken nothing. */
        assert_true(front_take(&header, &asker, NOW) > 0);
        front_give_back(&header, asker.egress, asker.front, asker.took_us);
        assert_true(front_take(&header, &asker, NOW) > 0);
}

static void who_waits_is_told_to_come_one_after_the_other(void **state)
{
        uint64_t last_us = 0, last_call_us = 0;

        (void)state;
        set(100, 0);
        (void)drain(CLASS_MARKET, 1, NOW);
        for (unsigned i = 0; i < 300; ++i) {
                struct front_asker asker = { .gate = 1, .front = 1, .class = CLASS_MARKET };
                uint64_t at_us = front_take(&header, &asker, NOW);

                assert_true(asker.has_turn && at_us > NOW * US_PER_MS);
                /* 90 a second, and 10 at once. */
                if (i == 0)
                        /* Who emptied the bucket was told the earliest time. */
                        last_call_us = at_us - 11112 + 2 * US_PER_SECOND;
                else if (at_us < last_call_us)
                        assert_int_equal(at_us - last_us, 11112);
                else
                        /* Those before may be gone by then. */
                        assert_true(i > 170 && at_us == last_call_us);
                last_us = at_us;
        }
}

static void who_finds_his_turn_taken_comes_again_soon(void **state)
{
        (void)state;
        set(100, 0);
        for (unsigned ms = 0; ms < 100; ++ms) {
                struct front_asker order = {
                        .gate = 1, .front = 1, .class = CLASS_ORDER, .has_turn = true
                };
                struct front_asker data = {
                        .gate = 1, .front = 1, .class = CLASS_MARKET, .has_turn = true
                };
                uint64_t now_us = (NOW + ms) * US_PER_MS;

                (void)drain(CLASS_CANCEL, 1, NOW + ms);
                assert_in_range(front_take(&header, &order, NOW + ms), now_us + 1, now_us + 50000);
                /* There may be many of them: not all at the first chance that there is. */
                assert_in_range(front_take(&header, &data, NOW + ms), now_us + 20000,
                                now_us + 70000);
        }
}

static void behind_a_ban_the_rate_rises(void **state)
{
        unsigned second[12] = { 0 }, first;
        uint32_t took_us;

        (void)state;
        set(1000, 10000);
        open_at_now(3);
        assert_false(
                front_take_at_once(&header, &header.egresses[0], 3, 3, 100, NOW + 9999, &took_us));
        assert_true(
                front_take_at_once(&header, &header.egresses[0], 3, 3, 100, NOW + 10000, &took_us));
        set(1000, 10000);
        open_at_now(3);
        first = drain(CLASS_MARKET, 3, NOW);
        assert_in_range(first, 1, 8);
        /* An order passes at once where data waits. */
        assert_true(drain(CLASS_ORDER, 3, NOW) > 0);
        /* Another product's gate was not shut. */
        assert_true(drain(CLASS_MARKET, 1, NOW) > 50);
        for (unsigned ms = 1; ms < 12000; ++ms)
                second[ms / 1000] += drain(CLASS_MARKET, 3, NOW + ms);
        assert_in_range(second[0], 40, 80);
        for (unsigned i = 1; i < 10; ++i)
                if (second[i] <= second[i - 1])
                        fail_msg("second %u: %u after %u", i, second[i], second[i - 1]);
        assert_in_range(second[9], 800, 950);
        assert_in_range(second[11], 890, 910);
}

static void behind_a_firewall_every_product_has_a_ramp(void **state)
{
        unsigned n = 0;

        (void)state;
        set(0, 2000);
        open_at_now(0);
        for (unsigned ms = 0; ms < 100; ++ms)
                n += drain(CLASS_MARKET, 1, NOW + ms) + drain(CLASS_MARKET, 3, NOW + ms);
        assert_in_range(n, 16, 32);
        /* No ramp that is set to none is one. */
        set(0, 0);
        open_at_now(0);
        assert_int_equal(drain(CLASS_MARKET, 1, NOW), 1000000);
}

/* Each tells a time of its own: one that is ahead must not hold up the others. */
static void hosts_do_not_hold_each_other_up(void **state)
{
        (void)state;
        set(100, 0);
        (void)drain(CLASS_MARKET, 1, NOW + 3000);
        assert_true(drain(CLASS_MARKET, 3, NOW) > 0);
}

static void a_probe_counts_and_passes(void **state)
{
        struct front_asker probe = {
                .gate = 1, .front = 1, .class = CLASS_RECONCILE, .must_pass = true
        };

        (void)state;
        set(10, 0);
        (void)drain(CLASS_CANCEL, 1, NOW);
        assert_int_equal(front_take(&header, &probe, NOW), 0);
        assert_int_equal(drain(CLASS_CANCEL, 1, NOW + 150), 0);
}

static void what_a_wrong_clock_left_holds_nobody(void **state)
{
        (void)state;
        set(100, 0);
        (void)drain(CLASS_MARKET, 1, NOW + 3600000);
        assert_true(drain(CLASS_MARKET, 1, NOW) > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_second_has_more_than_the_ceiling),
                cmocka_unit_test(a_ceiling_is_told_as_it_was_set),
                cmocka_unit_test(without_a_ceiling_nobody_is_held_back),
                cmocka_unit_test(what_is_above_passes_while_those_below_use_it_up),
                cmocka_unit_test(who_steps_back_leaves_it_to_others),
                cmocka_unit_test(who_waits_is_told_to_come_one_after_the_other),
                cmocka_unit_test(who_finds_his_turn_taken_comes_again_soon),
                cmocka_unit_test(behind_a_ban_the_rate_rises),
                cmocka_unit_test(behind_a_firewall_every_product_has_a_ramp),
                cmocka_unit_test(hosts_do_not_hold_each_other_up),
                cmocka_unit_test(a_probe_counts_and_passes),
                cmocka_unit_test(what_a_wrong_clock_left_holds_nobody),
        };

        return cmocka_run_group_tests_name("core/front", tests, NULL, NULL);
}
