/*
 * Words that are each a whole message: gates of an address, breakers, fronts, clocks, whose books
 * these are, names of addresses, homes of clients. See stage.h.
 */
#include "budget/exchange.h"
#include "budget/exclock.h"
#include "call/breaker.h"
#include "core/egress.h"
#include "core/front.h"
#include "core/home.h"

#include "stage.h"

/* The parts of a gate's life, by what has been told of it. */
enum {
        NOT_YET,
        STOPPED,
        BANNED,
        PROBING,
        OPENED,
};

static void a_ban_comes_and_goes(void)
{
        word_t *gate;

        CHILD(limiter_set_egress(&l, STR_LITERAL("second")) == 0);
        gate = limiter_gate(&l, 3);
        CHILD(gate_shut(gate, GATE_STOP, AT(100000)));
        says->told = STOPPED;
        CHILD(gate_shut(gate, GATE_BAN, AT(500000)));
        says->told = BANNED;
        CHILD(gate_probe(gate, AT(500200), 100));
        says->told = PROBING;
        says->told = OPENED;
        gate_open(gate, AT(500300));
}

static void look_at_the_ban(unsigned long step, const char *story)
{
        struct limiter *other = stage_copy();
        uint64_t until_ms = 0;
        enum gate_kind kind = GATE_STOP;
        bool is_shut;

        if (limiter_set_egress(other, STR_LITERAL("second")) < 0)
                fail_msg("%s, step %lu: the address cannot be named again", story, step);
        is_shut = gate_check(limiter_gate(other, 3), AT(90000), &until_ms, &kind) == GATE_SHUT;
        if (says->told != NOT_YET && says->told != OPENED && !is_shut)
                fail_msg("%s, step %lu: the gate is open", story, step);
        if ((says->told == BANNED || says->told == PROBING) && kind != GATE_BAN)
                fail_msg("%s, step %lu: the ban is lost", story, step);
        /* Whoever was killed while he probed is followed by another. */
        if (says->told == PROBING && !gate_probe(limiter_gate(other, 3), AT(520000), 100) &&
            is_shut)
                fail_msg("%s, step %lu: nobody may probe any more", story, step);
        /* It is this address' alone. */
        if (atomic_load(&region.header->egresses[0].gates[3]) != 0)
                fail_msg("%s, step %lu: another address is stopped", story, step);
}

#define RULE (1ULL << 63 | 3ULL << 32 | 2000) /* three failures, two seconds */

static void a_server_fails_and_recovers(void)
{
        word_t *word = &region.header->egresses[0].breakers[1];
        uint64_t again_ms;

        CHILD(breaker_tell(word, RULE, true, AT(0)) == BREAKER_STAYED);
        CHILD(breaker_tell(word, RULE, true, AT(1)) == BREAKER_STAYED);
        says->told = 1;
        CHILD(breaker_tell(word, RULE, true, AT(2)) == BREAKER_TURNED_OPEN);
        says->told = 2;
        CHILD(breaker_pass(word, RULE, true, AT(3000), &again_ms) == BREAKER_PROBE);
        says->told = 3;
        CHILD(breaker_tell(word, RULE, false, AT(3001)) == BREAKER_TURNED_CLOSED);
        says->told = 4;
}

static void look_at_the_breaker(unsigned long step, const char *story)
{
        word_t copy = atomic_load(&region.header->egresses[0].breakers[1]);
        uint64_t again_ms;

        if (says->told == 2 && !breaker_is_shut(&copy, RULE, AT(1000), &again_ms))
                fail_msg("%s, step %lu: it passes", story, step);
        if ((says->told == 0 || says->told == 4) &&
            breaker_is_shut(&copy, RULE, AT(1000), &again_ms) && says->told == 4)
                fail_msg("%s, step %lu: it does not pass", story, step);
        /* A probe that nobody tells of: another comes. */
        if (says->told >= 2 && says->told < 4 &&
            breaker_pass(&copy, RULE, true, AT(20000), &again_ms) == BREAKER_REFUSE)
                fail_msg("%s, step %lu: nobody may probe any more", story, step);
}

static void set_a_rate(void)
{
        atomic_store(&region.header->rules[RULE_RATE], front_rate_pack(10));
}

static void requests_pass_a_front(void)
{
        struct front_asker asker = { .front = 1, .class = CLASS_MARKET };

        for (unsigned i = 0; i < 3; ++i) {
                uint64_t at_us = front_take(region.header, &asker, AT(0));

                if (at_us == 0)
                        promise(&says->told, 1);
        }
        CHILD(says->told > 0 && asker.has_turn);
}

/* Who has left is in the bucket. */
static void look_at_the_front(unsigned long step, const char *story)
{
        uint64_t full_us = atomic_load(&region.header->egresses[0].fronts[1]);

        if (says->told > 0 && full_us <= AT(0) * US_PER_MS)
                fail_msg("%s, step %lu: %u have left, and it is full", story, step, says->told);
}

static void publish(int64_t offset_us, uint64_t error_us)
{
        struct exclock c = { .is_measured = true,
                             .offset_us = offset_us,
                             .error_us = error_us,
                             .measured_us = 1000000 };

        exclock_publish(&c, &region.header->clocks[2], 1000000, AT(0) * US_PER_MS);
}

static void a_clock_is_published(void)
{
        publish((int64_t)(AT(0) * US_PER_MS), 500000);
        says->told = 1;
        publish((int64_t)(AT(7000) * US_PER_MS), 3000);
}

/* Never known better than it is: a word without its time is as good as unknown. */
static void look_at_the_clock(unsigned long step, const char *story)
{
        const word_t *word = &region.header->clocks[2];
        struct limiter_time time = exclock_shared(word, AT(100) * US_PER_MS);
        int64_t offset_ms = 0;
        uint32_t error_ms = 0;
        bool is_known = exclock_read(word, &offset_ms, &error_ms);

        if (says->told && !is_known)
                fail_msg("%s, step %lu: the clock is lost", story, step);
        if (is_known && offset_ms != 1000 && offset_ms != 8000)
                fail_msg("%s, step %lu: %lld ms", story, step, (long long)offset_ms);
        if (atomic_load(word + EXCLOCK_WHEN) == 0 && time.guard_ms < EXCLOCK_UNKNOWN_ERROR_MS)
                fail_msg("%s, step %lu: known to %u ms", story, step, time.guard_ms);
}

static const uint64_t ours[POLICY_GROUP_COUNT] = { 7, 7, 7, 0, 0, 0 };
static const uint64_t theirs[POLICY_GROUP_COUNT] = { 8, 8, 8, 0, 0, 0 };

static void an_exchange_is_bound(void)
{
        enum policy_group group;

        CHILD(exchange_bind(&region, ours, &group) == 0);
        says->told = 1;
        CHILD(exchange_bind(&region, theirs, &group) == EXCHANGE_OTHER);
}

static void look_at_the_exchange(unsigned long step, const char *story)
{
        enum policy_group group;
        bool is_begun = atomic_load(&region.header->exchanges[0]) != 0;

        if (exchange_bind(stage_copy()->region, ours, &group) != 0)
                fail_msg("%s, step %lu: it cannot be finished", story, step);
        if ((is_begun || says->told) &&
            exchange_bind(stage_copy()->region, theirs, &group) != EXCHANGE_OTHER)
                fail_msg("%s, step %lu: another one's books", story, step);
}

#define CLIENT 4711u

static void a_client_gets_a_home(void)
{
        struct homes homes = { region.header->homes, REGION_HOMES };

        CHILD(limiter_set_egress(&l, STR_LITERAL("a long name of an address")) == 0);
        CHILD(home_give(homes, CLIENT, l.egress) == l.egress);
        says->told = 1 + l.egress;
        home_move(homes, CLIENT, 5);
        says->told = 1 + 5;
}

static void look_at_the_home(unsigned long step, const char *story)
{
        struct homes homes = { region.header->homes, REGION_HOMES };
        unsigned home = home_find(homes, CLIENT);
        struct limiter *other = stage_copy();
        char text[EGRESS_TEXT];

        if (says->told == 2 && home != 1 && home != 5)
                fail_msg("%s, step %lu: it has no home", story, step);
        if (says->told == 6 && home != 5)
                fail_msg("%s, step %lu: it is at home at %u", story, step, home);
        /* The next one who means this address gets the same, with its name. */
        if (limiter_set_egress(other, STR_LITERAL("a long name of an address")) < 0 ||
            other->egress != 1 ||
            strcmp(egress_text(limiter_egress(other), text), "a long name of an address") != 0)
                fail_msg("%s, step %lu: it is %u, %s", story, step, other->egress,
                         egress_text(limiter_egress(other), text));
}

static void a_kill_between_two_words_leaves_each_whole(void **state)
{
        static const struct story stories[] = {
                { "a ban comes and goes", a_ban_comes_and_goes, .states = 6,
                  .look = look_at_the_ban, .is_plain = true },
                { "a server fails", a_server_fails_and_recovers, .states = 5,
                  .look = look_at_the_breaker, .is_plain = true },
                { "requests pass a front", requests_pass_a_front, .states = 3,
                  .prepare = set_a_rate, .look = look_at_the_front, .is_plain = true },
                { "a clock is published", a_clock_is_published, .states = 3,
                  .look = look_at_the_clock, .is_plain = true },
                { "an exchange is bound", an_exchange_is_bound, .states = 3,
                  .look = look_at_the_exchange, .is_plain = true },
                { "a client gets a home", a_client_gets_a_home, .states = 4,
                  .look = look_at_the_home, .is_plain = true },
        };

        (void)state;
        stage_play(stories, ARRAY_SIZE(stories));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kill_between_two_words_leaves_each_whole),
        };

        return cmocka_run_group_tests_name("crash/words", tests, NULL, NULL);
}
