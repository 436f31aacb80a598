#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "call/breaker.h"

static const struct breaker_config config = { .threshold = 3, .pause_ms = 1000 };

enum step_what {
        ASK,
        GOOD,
        BAD,
};

struct step {
        const char *label;
        enum step_what what;
        uint64_t now_ms;
        enum breaker_answer answer; /* of ASK */
        uint64_t retry_at_ms;       /* of BREAKER_REFUSE */
        enum breaker_state state;   /* afterwards */
};

static void walk(const struct step *steps, size_t n)
{
        uint64_t word = 0;

        for (size_t i = 0; i < n; ++i) {
                const struct step *s = &steps[i];
                enum breaker_answer answer = s->answer;
                uint64_t retry_at_ms = 0;

                if (s->what == ASK)
                        answer = breaker_ask(word, &config, s->now_ms, &word, &retry_at_ms);
                else
                        word = breaker_told(word, &config, s->what == BAD, s->now_ms);
                if (answer != s->answer || retry_at_ms != s->retry_at_ms ||
                    breaker_state(word) != s->state)
                        fail_msg("%s: answer %d, retry at %llu, state %d", s->label, answer,
                                 (unsigned long long)retry_at_ms, breaker_state(word));
        }
}

static void consecutive_failures_open_and_a_probe_closes(void **state)
{
        static const struct step steps[] = {
                { "fresh", ASK, 5000, BREAKER_SEND, 0, BREAKER_CLOSED },
                { "one failure", BAD, 5000, 0, 0, BREAKER_CLOSED },
                { "two", BAD, 5001, 0, 0, BREAKER_CLOSED },
                { "a success starts the count again", GOOD, 5002, 0, 0, BREAKER_CLOSED },
                { "one", BAD, 5003, 0, 0, BREAKER_CLOSED },
                { "two again", BAD, 5004, 0, 0, BREAKER_CLOSED },
                { "still sends", ASK, 5004, BREAKER_SEND, 0, BREAKER_CLOSED },
                { "the third opens", BAD, 5005, 0, 0, BREAKER_OPEN },
                { "refused", ASK, 5005, BREAKER_REFUSE, 6005, BREAKER_OPEN },
                { "refused to the last ms", ASK, 6004, BREAKER_REFUSE, 6005, BREAKER_OPEN },
                { "a late failure does not prolong", BAD, 5900, 0, 0, BREAKER_OPEN },
                { "a late success does not close", GOOD, 5900, 0, 0, BREAKER_OPEN },
                { "one probe", ASK, 6005, BREAKER_PROBE, 0, BREAKER_PROBING },
                { "and only one", ASK, 6005, BREAKER_REFUSE, 7005, BREAKER_PROBING },
                { "the probe fails", BAD, 6100, 0, 0, BREAKER_OPEN },
                { "another pause", ASK, 7099, BREAKER_REFUSE, 7100, BREAKER_OPEN },
                { "another probe", ASK, 7100, BREAKER_PROBE, 0, BREAKER_PROBING },
                { "the probe succeeds", GOOD, 7200, 0, 0, BREAKER_CLOSED },
                { "sends again", ASK, 7200, BREAKER_SEND, 0, BREAKER_CLOSED },
                { "and counts from the start", BAD, 7201, 0, 0, BREAKER_CLOSED },
        };

        (void)state;
        walk(steps, ARRAY_SIZE(steps));
}

static void a_probe_that_died_is_replaced(void **state)
{
        static const struct step steps[] = {
                { "1", BAD, 100, 0, 0, BREAKER_CLOSED },
                { "2", BAD, 100, 0, 0, BREAKER_CLOSED },
                { "3", BAD, 100, 0, 0, BREAKER_OPEN },
                { "probe", ASK, 1100, BREAKER_PROBE, 0, BREAKER_PROBING },
                { "waited for", ASK, 2099, BREAKER_REFUSE, 2100, BREAKER_PROBING },
                { "given up", ASK, 2100, BREAKER_PROBE, 0, BREAKER_PROBING },
                { "waited for again", ASK, 2101, BREAKER_REFUSE, 3100, BREAKER_PROBING },
        };

        (void)state;
        walk(steps, ARRAY_SIZE(steps));
}

static void a_clock_that_went_back_waits_one_pause(void **state)
{
        static const struct step steps[] = {
                { "1", BAD, 900000, 0, 0, BREAKER_CLOSED },
                { "2", BAD, 900000, 0, 0, BREAKER_CLOSED },
                { "3", BAD, 900000, 0, 0, BREAKER_OPEN },
                { "an hour back", ASK, 500, BREAKER_REFUSE, 1500, BREAKER_OPEN },
                { "a pause later", ASK, 1500, BREAKER_PROBE, 0, BREAKER_PROBING },
        };

        (void)state;
        walk(steps, ARRAY_SIZE(steps));
}

static void no_word_shuts_the_way_for_good(void **state)
{
        uint64_t seed = 0x2545f4914f6cdd1dULL;

        (void)state;
        for (int i = 0; i < 100000; ++i) {
                uint64_t word = seed, next, retry_at_ms = 0, now_ms = 1700000000000ULL;

                seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
                if (breaker_ask(word, &config, now_ms, &next, &retry_at_ms) == BREAKER_REFUSE) {
                        assert_true(retry_at_ms > now_ms &&
                                    retry_at_ms <= now_ms + config.pause_ms);
                        assert_int_equal(breaker_ask(next, &config, retry_at_ms, &next,
                                                     &retry_at_ms),
                                         BREAKER_PROBE);
                }
                assert_int_equal(breaker_state(breaker_told(next, &config, false, now_ms)) ==
                                         BREAKER_CLOSED,
                                 breaker_state(next) != BREAKER_OPEN);
        }
}

static void only_the_server_and_the_way_to_it_count(void **state)
{
        static const struct {
                enum verdict_kind kind;
                int status;
                bool is_failure;
        } rows[] = {
                { VERDICT_UNSENT, 0, true },        { VERDICT_UNKNOWN_FATE, 0, true },
                { VERDICT_FAILED, 500, true },      { VERDICT_UNAVAILABLE, 503, true },
                { VERDICT_MAINTENANCE, 400, true }, { VERDICT_OVERLOADED, 503, false },
                { VERDICT_OK, 200, false },         { VERDICT_REJECTED, 400, false },
                { VERDICT_BANNED, 418, false },     { VERDICT_OVER_WEIGHT, 429, false },
                { VERDICT_PARTLY, 409, false },     { VERDICT_GONE, 400, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                struct verdict v = { .kind = rows[i].kind, .status = rows[i].status };

                if (breaker_is_failure(&v) != rows[i].is_failure)
                        fail_msg("%s", verdict_kind_name(v.kind));
        }
}

/* One word for several processes, as it goes through a failure and back. */
static void a_shared_word_is_probed_by_one_and_never_by_an_order(void **state)
{
        const uint64_t rule = breaker_config_pack(&config);
        _Atomic(uint64_t) word = 0;
        uint64_t at_ms = 0;

        (void)state;
        assert_int_equal(breaker_tell(&word, rule, true, 10), BREAKER_STAYED);
        assert_int_equal(breaker_tell(&word, rule, true, 10), BREAKER_STAYED);
        assert_int_equal(breaker_pass(&word, rule, true, 10, &at_ms), BREAKER_SEND);
        assert_int_equal(breaker_tell(&word, rule, true, 10), BREAKER_TURNED_OPEN);
        assert_int_equal(breaker_pass(&word, rule, true, 500, &at_ms), BREAKER_REFUSE);
        assert_int_equal(at_ms, 1010);
        assert_false(breaker_is_due(&word, rule, 1009));
        assert_true(breaker_is_due(&word, rule, 1010));
        /* An order does not probe, and says when to come back. */
        assert_int_equal(breaker_pass(&word, rule, false, 1010, &at_ms), BREAKER_REFUSE);
        assert_int_equal(at_ms, 1110);
        assert_true(breaker_is_shut(&word, rule, 1010, &at_ms));
        assert_int_equal(breaker_pass(&word, rule, true, 1010, &at_ms), BREAKER_PROBE);
        assert_int_equal(breaker_pass(&word, rule, true, 1010, &at_ms), BREAKER_REFUSE);
        assert_int_equal(breaker_tell(&word, rule, true, 1100), BREAKER_TURNED_OPEN);
        assert_int_equal(breaker_pass(&word, rule, true, 2100, &at_ms), BREAKER_PROBE);
        assert_int_equal(breaker_tell(&word, rule, false, 2200), BREAKER_TURNED_CLOSED);
        assert_int_equal(word, 0);
}

static void a_breaker_that_nobody_probes_lapses(void **state)
{
        const uint64_t rule = breaker_config_pack(&config);
        const uint64_t over = 1000 + BREAKER_LAPSE_MS;
        _Atomic(uint64_t) word = 0;
        uint64_t at_ms;

        (void)state;
        for (int i = 0; i < 3; ++i)
                (void)breaker_tell(&word, rule, true, 0);
        assert_int_equal(breaker_pass(&word, rule, false, over - 1, &at_ms), BREAKER_REFUSE);
        assert_int_equal(breaker_pass(&word, rule, false, over, &at_ms), BREAKER_SEND);
        assert_int_equal(breaker_state(word), BREAKER_CLOSED);
        /* One failure is enough then. */
        assert_int_equal(breaker_tell(&word, rule, true, over + 5), BREAKER_TURNED_OPEN);
}

static void a_threshold_of_none_never_opens(void **state)
{
        const struct breaker_config off = { .threshold = 0, .pause_ms = 1000 };
        const uint64_t on = breaker_config_pack(&config), rule = breaker_config_pack(&off);
        _Atomic(uint64_t) word = 0;
        struct breaker_view view;
        uint64_t at_ms;

        (void)state;
        for (int i = 0; i < 100; ++i)
                assert_int_equal(breaker_tell(&word, rule, true, 10), BREAKER_STAYED);
        for (int i = 0; i < 3; ++i)
                (void)breaker_tell(&word, on, true, 10);
        /* It was open when it was turned off. */
        breaker_look(&word, on, &view);
        assert_int_equal(view.state, BREAKER_OPEN);
        assert_int_equal(view.failures, 3);
        assert_int_equal(view.probe_ms, 1010);
        assert_false(breaker_is_shut(&word, rule, 11, &at_ms));
        assert_int_equal(breaker_pass(&word, rule, false, 11, &at_ms), BREAKER_SEND);
        /* A word that nobody has written is the default. */
        assert_int_equal(breaker_config_unpack(0).threshold, 10);
        assert_int_equal(breaker_config_unpack(on).pause_ms, 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(consecutive_failures_open_and_a_probe_closes),
                cmocka_unit_test(a_probe_that_died_is_replaced),
                cmocka_unit_test(a_clock_that_went_back_waits_one_pause),
                cmocka_unit_test(no_word_shuts_the_way_for_good),
                cmocka_unit_test(only_the_server_and_the_way_to_it_count),
                cmocka_unit_test(a_shared_word_is_probed_by_one_and_never_by_an_order),
                cmocka_unit_test(a_breaker_that_nobody_probes_lapses),
                cmocka_unit_test(a_threshold_of_none_never_opens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
