#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/gate.h"

enum step_kind {
        CHECK, /* answer: GATE_OPEN or GATE_SHUT, until and kind as then told */
        SHUT,  /* answer: whether it is shut for longer now */
        PROBE, /* answer: whether we are the one */
        OPEN,
        FAILED,
};

static void gates_shut_and_open_as_the_exchange_says(void **state)
{
        static const struct {
                const char *label;
                enum step_kind step;
                uint64_t now_ms, until_ms;
                enum gate_kind kind;
                int answer;
        } steps[] = {
                { "a fresh gate is open", CHECK, 0, 0, 0, GATE_OPEN },
                { "nothing to probe", PROBE, 9999, 0, 0, false },
                { "a 429", SHUT, 0, 1000, GATE_STOP, true },
                { "stops", CHECK, 999, 1000, GATE_STOP, GATE_SHUT },
                { "a shorter one changes nothing", SHUT, 0, 900, GATE_STOP, false },
                { "nor does the same", SHUT, 0, 1000, GATE_STOP, false },
                { "until then", CHECK, 999, 1000, GATE_STOP, GATE_SHUT },
                { "its time comes", CHECK, 1000, 0, 0, GATE_OPEN },
                { "no probe for a stop", PROBE, 1000, 0, 0, false },
                { "a late answer for nobody", OPEN, 0, 0, 0, 0 },
                { "a longer one", SHUT, 0, 2000, GATE_STOP, true },
                { "a ban that is shorter keeps the longer time", SHUT, 0, 1500, GATE_BAN, true },
                { "and is a ban", CHECK, 1999, 2000, GATE_BAN, GATE_SHUT },
                { "which does not end by itself", CHECK, 99999, 2000, GATE_BAN, GATE_SHUT },
                { "a 429 during it changes nothing", SHUT, 0, 1800, GATE_STOP, false },
                { "too early to probe", PROBE, 2049, 0, 0, false },
                { "one may probe", PROBE, 2050, 0, 0, true },
                { "one only", PROBE, 2050, 0, 0, false },
                { "still shut, but its lease is no end", CHECK, 2060, 2060, GATE_BAN, GATE_SHUT },
                { "nor is it when it ran out", CHECK, 12051, 12050, GATE_BAN, GATE_SHUT },
                { "the lease runs", PROBE, 12049, 0, 0, false },
                { "it ran out", PROBE, 12050, 0, 0, true },
                { "the probe finds all well", OPEN, 0, 0, 0, 0 },
                { "open", CHECK, 12060, 0, 0, GATE_OPEN },
                { "a firewall", SHUT, 0, 20000, GATE_FIREWALL, true },
                { "a ban in it is longer, and stays a firewall", SHUT, 0, 30000, GATE_BAN, true },
                { "so", CHECK, 29999, 30000, GATE_FIREWALL, GATE_SHUT },
                { "an open from an older probe means nothing", OPEN, 0, 0, 0, 0 },
                { "so too", CHECK, 29999, 30000, GATE_FIREWALL, GATE_SHUT },
                { "a failure of an older probe neither", FAILED, 0, 99999, 0, 0 },
                { "so still", CHECK, 29999, 30000, GATE_FIREWALL, GATE_SHUT },
                { "a probe", PROBE, 30050, 0, 0, true },
                { "is banned again, for less than its lease", SHUT, 0, 31000, GATE_BAN, true },
                { "which counts", CHECK, 30060, 31000, GATE_FIREWALL, GATE_SHUT },
                { "another probe", PROBE, 31050, 0, 0, true },
                { "is not answered", FAILED, 0, 35000, 0, 0 },
                { "so we wait", PROBE, 35049, 0, 0, false },
                { "and try again", PROBE, 35050, 0, 0, true },
                { "a 429 for the probe", SHUT, 0, 36000, GATE_STOP, true },
                { "does not end the ban", CHECK, 36000, 36000, GATE_FIREWALL, GATE_SHUT },
                { "probe", PROBE, 36050, 0, 0, true },
                { "well", OPEN, 0, 0, 0, 0 },
                { "for ever", SHUT, 0, UINT64_MAX, GATE_BAN, true },
                { "is the end of what fits", CHECK, 1, UINT64_MAX >> 8, GATE_BAN, GATE_SHUT },
        };
        word_t gate = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(steps); ++i) {
                uint64_t until_ms = 0;
                enum gate_kind kind = 0;
                int r = 0;

                switch (steps[i].step) {
                case CHECK:
                        r = gate_check(&gate, steps[i].now_ms, &until_ms, &kind);
                        if (until_ms != steps[i].until_ms || kind != steps[i].kind)
                                fail_msg("%s: until %llu, kind %d", steps[i].label,
                                         (unsigned long long)until_ms, kind);
                        break;
                case SHUT:
                        r = gate_shut(&gate, steps[i].kind, steps[i].until_ms);
                        break;
                case PROBE:
                        r = gate_is_due(&gate, steps[i].now_ms, 50);
                        if (r != gate_is_due(&gate, steps[i].now_ms, 50) ||
                            r != gate_probe(&gate, steps[i].now_ms, 50))
                                fail_msg("%s: due, or not", steps[i].label);
                        break;
                case OPEN:
                        gate_open(&gate, 0);
                        break;
                case FAILED:
                        gate_probe_failed(&gate, steps[i].until_ms);
                        break;
                }
                if (r != steps[i].answer)
                        fail_msg("%s: %d", steps[i].label, r);
        }
}

static void people_see_what_requests_find(void **state)
{
        word_t gate = 0;
        struct gate_view v;

        (void)state;
        gate_look(&gate, 5, &v);
        assert_false(v.is_shut || v.is_probing);
        assert_true(gate_shut(&gate, GATE_BAN, 100));
        gate_look(&gate, 5, &v);
        assert_true(v.is_shut && !v.is_probing);
        assert_int_equal(v.kind, GATE_BAN);
        assert_int_equal(v.until_ms, 100);
        assert_true(gate_probe(&gate, 100, 0));
        gate_look(&gate, 5, &v);
        assert_true(v.is_shut && v.is_probing);
        assert_string_equal(gate_kind_name(GATE_STOP), "stop");
        assert_string_equal(gate_kind_name(GATE_BAN), "ban");
        assert_string_equal(gate_kind_name(GATE_FIREWALL), "firewall");
}

static void a_kind_of_a_newer_version_is_the_strictest(void **state)
{
        word_t gate = 1000ULL << 8 | 14 << 4 | 1;
        uint64_t until_ms;
        enum gate_kind kind;

        (void)state;
        assert_int_equal(gate_check(&gate, 2000, &until_ms, &kind), GATE_SHUT);
        assert_int_equal(kind, GATE_FIREWALL);
        gate = 1000ULL << 8 | GATE_KINDS << 4 | 1;
        assert_int_equal(gate_check(&gate, 2000, &until_ms, &kind), GATE_SHUT);
        assert_int_equal(kind, GATE_FIREWALL);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(gates_shut_and_open_as_the_exchange_says),
                cmocka_unit_test(people_see_what_requests_find),
                cmocka_unit_test(a_kind_of_a_newer_version_is_the_strictest),
        };

        return cmocka_run_group_tests_name("core/gate", tests, NULL, NULL);
}
